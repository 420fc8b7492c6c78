package tacet.kernels.scalar;

/** Reductions along axes, in double precision. */
public final class ScalarReduce {

  private ScalarReduce() {}

  /** What a group of elements becomes. */
  public enum Kind {
    MEAN,
    SUM,
    MAX,
    MIN,
    PROD,
    L1,
    L2,
    LOG_SUM,
    LOG_SUM_EXP,
    SUM_SQUARE
  }

  /** Product of {@code dims[from … to)}. */
  public static long product(long[] dims, int from, int to) {
    long p = 1;
    for (int i = from; i < to; i++) {
      p = Math.multiplyExact(p, dims[i]);
    }
    return p;
  }

  /**
   * @param reduced per axis, whether it is reduced
   * @param y elements in the order of the axes that remain
   */
  public static void reduce(Kind kind, Elements x, long[] dims, boolean[] reduced, Elements y) {
    int rank = dims.length;
    int n = Math.toIntExact(product(dims, 0, rank));
    long[] steps = new long[rank];
    long step = 1;
    int outputs = 1;
    for (int a = rank - 1; a >= 0; a--) {
      if (!reduced[a]) {
        steps[a] = step;
        step *= dims[a];
        outputs = Math.multiplyExact(outputs, (int) dims[a]);
      }
    }
    double[] result = new double[outputs];
    double[] most = new double[outputs];
    java.util.Arrays.fill(
        result,
        switch (kind) {
          case PROD -> 1;
          case MAX -> Double.NEGATIVE_INFINITY;
          case MIN -> Double.POSITIVE_INFINITY;
          default -> 0;
        });
    java.util.Arrays.fill(most, Double.NEGATIVE_INFINITY);
    if (kind == Kind.LOG_SUM_EXP) {
      for (int i = 0; i < n; i++) {
        int o = target(i, dims, steps);
        most[o] = Math.max(most[o], x.get(i));
      }
    }
    for (int i = 0; i < n; i++) {
      int o = target(i, dims, steps);
      double v = x.get(i);
      result[o] =
          switch (kind) {
            case MEAN, SUM, LOG_SUM -> result[o] + v;
            case MAX -> Math.max(result[o], v);
            case MIN -> Math.min(result[o], v);
            case PROD -> result[o] * v;
            case L1 -> result[o] + Math.abs(v);
            case L2, SUM_SQUARE -> result[o] + v * v;
            case LOG_SUM_EXP ->
                result[o] + (Double.isInfinite(most[o]) ? 0 : Math.exp(v - most[o]));
          };
    }
    double group = outputs == 0 ? 1 : (double) n / outputs;
    for (int o = 0; o < outputs; o++) {
      double r = result[o];
      y.set(
          o,
          switch (kind) {
            case MEAN -> r / group;
            case L2 -> Math.sqrt(r);
            case LOG_SUM -> Math.log(r);
            case LOG_SUM_EXP -> Double.isInfinite(most[o]) ? most[o] : most[o] + Math.log(r);
            default -> r;
          });
    }
  }

  private static int target(int index, long[] dims, long[] steps) {
    long rest = index;
    long o = 0;
    for (int a = dims.length - 1; a >= 0; a--) {
      o += rest % dims[a] * steps[a];
      rest /= dims[a];
    }
    return (int) o;
  }
}
