package tacet.kernels.scalar;

import java.util.Arrays;
import tacet.kernels.DataType;

/** Reductions along axes: floating-point numbers in double precision, integers as such. */
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
    if (!x.type().isFloating() && isExact(kind)) {
      integers(kind, x, n, dims, steps, outputs, y);
      return;
    }
    double[] result = new double[outputs];
    double[] most = new double[outputs];
    Arrays.fill(
        result,
        switch (kind) {
          case PROD -> 1;
          case MAX -> Double.NEGATIVE_INFINITY;
          case MIN -> Double.POSITIVE_INFINITY;
          default -> 0;
        });
    Arrays.fill(most, Double.NEGATIVE_INFINITY);
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

  /** The reductions that stay within the integers. */
  private static boolean isExact(Kind kind) {
    return switch (kind) {
      case SUM, MEAN, MAX, MIN, PROD, L1, SUM_SQUARE -> true;
      case L2, LOG_SUM, LOG_SUM_EXP -> false;
    };
  }

  private static void integers(
      Kind kind, Elements x, int n, long[] dims, long[] steps, int outputs, Elements y) {
    boolean unsigned = x.type() == DataType.UINT64;
    long[] result = new long[outputs];
    boolean[] seen = new boolean[outputs];
    Arrays.fill(
        result,
        switch (kind) {
          case PROD -> 1;
          case MAX -> least(x.type());
          case MIN -> most(x.type());
          default -> 0;
        });
    for (int i = 0; i < n; i++) {
      int o = target(i, dims, steps);
      long v = x.getLong(i);
      long r = result[o];
      int order = unsigned ? Long.compareUnsigned(v, r) : Long.compare(v, r);
      result[o] =
          switch (kind) {
            case SUM, MEAN -> r + v;
            case PROD -> r * v;
            case L1 -> r + (unsigned ? v : Math.abs(v));
            case SUM_SQUARE -> r + v * v;
            case MAX -> !seen[o] || order > 0 ? v : r;
            case MIN -> !seen[o] || order < 0 ? v : r;
            default -> throw new AssertionError(kind);
          };
      seen[o] = true;
    }
    long group = outputs == 0 ? 1 : Math.max(1, n / outputs);
    for (int o = 0; o < outputs; o++) {
      y.setLong(o, kind == Kind.MEAN ? result[o] / group : result[o]);
    }
  }

  private static long least(DataType type) {
    return switch (type) {
      case INT8, INT16, INT32, INT64 -> -1L << (8 * type.bytes() - 1);
      default -> 0;
    };
  }

  private static long most(DataType type) {
    return switch (type) {
      case INT8, INT16, INT32, INT64 -> ~least(type);
      case BOOL -> 1;
      default -> -1;
    };
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
