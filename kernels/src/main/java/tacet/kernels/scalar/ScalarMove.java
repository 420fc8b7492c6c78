package tacet.kernels.scalar;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Moves elements of any type without looking at them. */
public final class ScalarMove {

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  /** Elements along an axis below which the start of a loop outweighs its rounds. */
  private static final int SHORT = 16;

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

  /** In whichever order: what is read and what is written do not overlap. */
  private static void scatterGather(
      MemorySegment source,
      long from,
      long[] fromSteps,
      MemorySegment target,
      long to,
      long[] toSteps,
      long[] dims,
      int size) {
    // Axes of one index are left out, and an axis that goes on where the one before it ends is one
    // with it.
    long[] extent = new long[dims.length];
    long[] read = new long[dims.length];
    long[] write = new long[dims.length];
    int rank = 0;
    for (int a = 0; a < dims.length; a++) {
      if (dims[a] == 0) {
        return;
      }
      if (dims[a] == 1) {
        continue;
      }
      int last = rank - 1;
      if (rank > 0
          && read[last] == fromSteps[a] * size * dims[a]
          && write[last] == toSteps[a] * size * dims[a]) {
        extent[last] *= dims[a];
      } else {
        extent[rank++] = dims[a];
      }
      read[rank - 1] = fromSteps[a] * size;
      write[rank - 1] = toSteps[a] * size;
    }
    long in = from * size;
    long out = to * size;
    if (rank == 0) {
      MemorySegment.copy(source, in, target, out, size);
      return;
    }
    int inner = rank - 1;
    swap(longest(extent, read, write, rank, size), inner, extent, read, write);
    long[] at = new long[inner];
    while (true) {
      line(source, in, read[inner], target, out, write[inner], extent[inner], size);
      int axis = inner - 1;
      while (axis >= 0 && ++at[axis] == extent[axis]) {
        in -= (extent[axis] - 1) * read[axis];
        out -= (extent[axis] - 1) * write[axis];
        at[axis--] = 0;
      }
      if (axis < 0) {
        return;
      }
      in += read[axis];
      out += write[axis];
    }
  }

  /** The last axis unless it is short and another, whose elements are neighbours on either side, is longer. */
  private static int longest(long[] extent, long[] read, long[] write, int rank, int size) {
    int found = rank - 1;
    for (int a = 0; a < rank - 1 && extent[rank - 1] < SHORT; a++) {
      if ((read[a] == size || write[a] == size) && extent[a] > extent[found]) {
        found = a;
      }
    }
    return found;
  }

  private static void swap(int a, int b, long[]... of) {
    for (long[] values : of) {
      long value = values[a];
      values[a] = values[b];
      values[b] = value;
    }
  }

  /** Elements at constant distances, in bytes. */
  private static void line(
      MemorySegment source,
      long from,
      long read,
      MemorySegment target,
      long to,
      long write,
      long count,
      int size) {
    if (read == size && write == size) {
      MemorySegment.copy(source, from, target, to, count * size);
    } else if (size == Integer.BYTES) {
      for (long i = 0; i < count; i++) {
        target.set(INT, to + i * write, source.get(INT, from + i * read));
      }
    } else {
      for (long i = 0; i < count; i++) {
        MemorySegment.copy(source, from + i * read, target, to + i * write, size);
      }
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
