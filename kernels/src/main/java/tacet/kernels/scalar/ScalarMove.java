package tacet.kernels.scalar;

import java.lang.foreign.MemorySegment;

/** Moves elements of any type without looking at them. */
public final class ScalarMove {

  private ScalarMove() {}

  /**
   * Copies a strided view into a dense array.
   *
   * @param size bytes per element
   * @param first index of the view's first element in {@code source}
   * @param steps elements from an index to the next per axis of the view; 0 repeats, negative goes back
   * @param dims the view's extent, which is that of {@code target}
   */
  public static void gather(
      MemorySegment source, long first, long[] steps, MemorySegment target, long[] dims, int size) {
    scatterGather(source, first, steps, target, 0, dense(dims), dims, size);
  }

  /** Copies a dense array into a strided view; the counterpart of {@link #gather}. */
  public static void scatter(
      MemorySegment source, MemorySegment target, long first, long[] steps, long[] dims, int size) {
    scatterGather(source, 0, dense(dims), target, first, steps, dims, size);
  }

  private static void scatterGather(
      MemorySegment source,
      long from,
      long[] fromSteps,
      MemorySegment target,
      long to,
      long[] toSteps,
      long[] dims,
      int size) {
    for (long d : dims) {
      if (d == 0) {
        return;
      }
    }
    int rank = dims.length;
    if (rank == 0) {
      MemorySegment.copy(source, from * size, target, to * size, size);
      return;
    }
    long[] at = new long[rank];
    int last = rank - 1;
    while (true) {
      if (fromSteps[last] == 1 && toSteps[last] == 1) {
        MemorySegment.copy(source, from * size, target, to * size, dims[last] * size);
      } else {
        for (long i = 0; i < dims[last]; i++) {
          MemorySegment.copy(
              source,
              (from + i * fromSteps[last]) * size,
              target,
              (to + i * toSteps[last]) * size,
              size);
        }
      }
      int axis = last - 1;
      while (axis >= 0 && ++at[axis] == dims[axis]) {
        from -= (dims[axis] - 1) * fromSteps[axis];
        to -= (dims[axis] - 1) * toSteps[axis];
        at[axis--] = 0;
      }
      if (axis < 0) {
        return;
      }
      from += fromSteps[axis];
      to += toSteps[axis];
    }
  }

  /** Steps of a dense row-major array. */
  public static long[] dense(long[] dims) {
    long[] steps = new long[dims.length];
    long step = 1;
    for (int a = dims.length - 1; a >= 0; a--) {
      steps[a] = step;
      step *= dims[a];
    }
    return steps;
  }
}
