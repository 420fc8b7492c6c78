package tacet.kernels;

import java.lang.foreign.MemorySegment;

/**
 * A kernel that can make some rows of its output at a time, on one thread. A {@link RowReader} may then read them while they are
 * in the cache, and the whole image between the two need never exist.
 */
public interface RowWriter extends Kernel {

  /**
   * The same kernel, weights shared, for an output of the same extents that lies otherwise in memory. Rows that are not being made
   * need no memory: planes may overlap.
   */
  RowWriter writing(ImageLayout output);

  /**
   * Makes rows {@code from … to − 1} of one image of the batch.
   *
   * @param memory holds all operands
   * @param inputs byte offset of the first element of each input
   * @param output byte offset of the first element of the output, whether or not its row is in memory
   * @param scratch byte offset of as much scratch memory as {@link #run} has
   * @param parallel the loop that this call is part of
   * @param thread number of the calling thread in that loop
   * @param counts where to count, or null
   */
  void writeRows(
      MemorySegment memory,
      long[] inputs,
      long output,
      long scratch,
      Parallel parallel,
      int thread,
      ZeroCounts counts,
      int image,
      int from,
      int to);
}
