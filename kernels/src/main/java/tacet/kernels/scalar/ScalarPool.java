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
   * Visits only what lies inside the input, however large kernel and padding are.
   *
   * @param x planes of extent {@code in}, any float or integer type
   * @param planes N · C
   * @param y planes of extent {@code out}; null where only indices are wanted
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
    int[] place = new int[axes];
    long[] start = new long[axes];
    int[] firstTap = new int[axes];
    int[] endTap = new int[axes];
    int[] tap = new int[axes];
    for (int plane = 0; plane < planes; plane++) {
      for (int o = 0; o < outSize; o++) {
        ScalarConv.unravel(o, out, place);
        double counted = 1;
        boolean empty = false;
        for (int a = 0; a < axes; a++) {
          long d = dilations[a];
          start[a] = (long) place[a] * strides[a] - padsBegin[a];
          firstTap[a] = Math.clamp(Math.ceilDiv(-start[a], d), 0, kernel[a]);
          endTap[a] = Math.clamp(Math.ceilDiv(in[a] - start[a], d), 0, kernel[a]);
          long stated = Math.ceilDiv((long) in[a] + padsEnd[a] - start[a], d);
          counted *=
              countIncludePad
                  ? Math.clamp(stated, 0, kernel[a])
                  : Math.max(0, endTap[a] - firstTap[a]);
          empty |= firstTap[a] >= endTap[a];
          tap[a] = firstTap[a];
        }
        double max = Double.NEGATIVE_INFINITY;
        long at = -1;
        double sum = 0;
        boolean more = !empty;
        while (more) {
          long rowMajor = 0;
          for (int a = 0; a < axes; a++) {
            rowMajor = rowMajor * in[a] + start[a] + (long) tap[a] * dilations[a];
          }
          double v = x.get(plane * inSize + rowMajor);
          if (at < 0 || v > max || Double.isNaN(v) && !Double.isNaN(max)) {
            max = v;
            at = rowMajor;
          }
          sum += kind == Kind.LP ? Math.pow(Math.abs(v), p) : v;
          more = false;
          for (int a = axes - 1; a >= 0 && !more; a--) {
            more = ++tap[a] < endTap[a];
            tap[a] = more ? tap[a] : firstTap[a];
          }
        }
        long to = (long) plane * outSize + o;
        if (y != null) {
          y.set(
              to,
              switch (kind) {
                case MAX -> max;
                case AVERAGE -> sum / counted;
                case LP -> Math.pow(sum, 1.0 / p);
              });
        }
        if (indices != null) {
          indices.setLong(to, plane * inSize + (columnMajor ? columnMajor(at, in) : at));
        }
      }
    }
  }

  private static long columnMajor(long rowMajor, int[] extents) {
    long rest = rowMajor;
    long size = 1;
    for (int e : extents) {
      size *= e;
    }
    long index = 0;
    for (int a = extents.length - 1; a >= 0; a--) {
      size /= extents[a];
      index += rest % extents[a] * size;
      rest /= extents[a];
    }
    return index;
  }
}
