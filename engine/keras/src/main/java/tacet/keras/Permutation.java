package tacet.keras;

/** Reorders the axes of weights, once, when they are loaded. */
final class Permutation {

  private Permutation() {}

  /**
   * The elements of a row-major array with its axes in another order.
   *
   * @param order for each axis of the result, the axis of {@code values} it is
   */
  static float[] apply(float[] values, long[] dims, int... order) {
    int rank = dims.length;
    int[] strides = new int[rank];
    int stride = 1;
    for (int i = rank - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= (int) dims[i];
    }
    int[] extents = new int[rank];
    int[] steps = new int[rank];
    for (int i = 0; i < rank; i++) {
      extents[i] = (int) dims[order[i]];
      steps[i] = strides[order[i]];
    }
    float[] out = new float[values.length];
    int[] index = new int[rank];
    int from = 0;
    for (int to = 0; to < out.length; to++) {
      out[to] = values[from];
      for (int a = rank - 1; a >= 0; a--) {
        from += steps[a];
        if (++index[a] < extents[a]) {
          break;
        }
        from -= steps[a] * extents[a];
        index[a] = 0;
      }
    }
    return out;
  }
}
