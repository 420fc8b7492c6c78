package tacet.kernels.scalar;

/** Pooling over any number of spatial axes. */
public final class ScalarPool {

  private ScalarPool() {}

  /** How a window is reduced. */
  public enum Kind {
    MAX,
    AVERAGE,
    LP
  }

  /**
   * @param x planes of extent {@code in}, any float or integer type
   * @param planes N · C
   * @param y planes of extent {@code out}
   * @param indices flat index of each maximum in x, or null
   * @param columnMajor whether the spatial part of the indices runs over the first axis fastest
   */
  public static void pool(
      Kind kind,
      Elements x,
      int planes,
      int[] in,
      Elements y,
      int[] out,
      Elements indices,
      boolean columnMajor,
      int[] kernel,
      int[] strides,
      int[] padsBegin,
      int[] padsEnd,
      int[] dilations,
      boolean countIncludePad,
      int p) {
    int axes = in.length;
    long inSize = ScalarConv.product(in);
    int outSize = ScalarConv.product(out);
    int taps = ScalarConv.product(kernel);
    int[] place = new int[axes];
    int[] tap = new int[axes];
    for (int plane = 0; plane < planes; plane++) {
      for (int o = 0; o < outSize; o++) {
        ScalarConv.unravel(o, out, place);
        double max = Double.NEGATIVE_INFINITY;
        long at = -1;
        double sum = 0;
        int seen = 0;
        for (int t = 0; t < taps; t++) {
          ScalarConv.unravel(t, kernel, tap);
          boolean inside = true;
          boolean stated = true;
          long rowMajor = 0;
          long colMajor = 0;
          long step = 1;
          for (int a = 0; a < axes; a++) {
            int i = place[a] * strides[a] - padsBegin[a] + tap[a] * dilations[a];
            inside &= i >= 0 && i < in[a];
            stated &= i < in[a] + padsEnd[a];
            rowMajor = rowMajor * in[a] + i;
            colMajor += i * step;
            step *= in[a];
          }
          if (inside) {
            double v = x.get(plane * inSize + rowMajor);
            if (at < 0 || v > max || Double.isNaN(v) && !Double.isNaN(max)) {
              max = v;
              at = columnMajor ? colMajor : rowMajor;
            }
            sum += kind == Kind.LP ? Math.pow(Math.abs(v), p) : v;
          }
          seen += inside || countIncludePad && stated ? 1 : 0;
        }
        long to = (long) plane * outSize + o;
        y.set(
            to,
            switch (kind) {
              case MAX -> max;
              case AVERAGE -> sum / seen;
              case LP -> Math.pow(sum, 1.0 / p);
            });
        if (indices != null) {
          indices.setLong(to, plane * inSize + at);
        }
      }
    }
  }
}
