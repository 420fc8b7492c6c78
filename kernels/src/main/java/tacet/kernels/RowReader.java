package tacet.kernels;

import java.lang.foreign.MemorySegment;

/** A kernel of one input that can do with some of its rows at a time, on one thread, while a {@link RowWriter} makes them. */
public interface RowReader extends Kernel {

  /** The same kernel for an input of the same extents that lies otherwise in memory. */
  RowReader reading(ImageLayout input);

  /** First row of the input that row {@code row} of the output depends on. */
  int firstInputRow(int row);

  /** The row behind the last one of the input that row {@code row} of the output depends on. */
  int endInputRow(int row);

  /**
   * Computes rows {@code from … to − 1} of one image of the batch.
   *
   * @param memory holds both images
   * @param input byte offset of the first element of the input, whether or not its row is in memory
   * @param output byte offset of the first element of the output
   * @param scratch byte offset of as much scratch memory as {@link #run} has
   * @param thread number of the calling thread in its loop
   * @param counts where to count, or null
   */
  void readRows(
      MemorySegment memory,
      long input,
      long output,
      long scratch,
      int thread,
      ZeroCounts counts,
      int image,
      int from,
      int to);
}
