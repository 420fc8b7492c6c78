package tacet.kernels;

import java.lang.foreign.MemorySegment;

/**
 * An operation made ready: geometry resolved, weights packed. Holds no state of a run, so that any number of threads may
 * run it at once on different memory.
 */
public interface Kernel {

  /** Short name for people, for example {@code gemm-table 6x4v16}. */
  String name();

  /** Bytes of scratch memory that a run on {@code threads} threads needs. */
  long scratchBytes(int threads);

  /** Multiply-adds of one run, by the operation's definition (not by the algorithm). */
  long multiplyAdds();

  /**
   * Whether a run takes as long as it will from now on; false while code that it needs has not been compiled. What a kernel
   * takes before that says nothing of it.
   */
  default boolean isSettled() {
    return true;
  }

  /**
   * Computes.
   *
   * @param memory holds all operands; allocated in an arena, neither on the heap nor mapped from a file
   * @param inputs byte offset of the first element of each input
   * @param output byte offset of the first element of the output
   * @param scratch byte offset of scratch memory, 64-byte aligned
   * @param parallel the loop to run on
   * @param counts where to count, or null
   * @throws IllegalArgumentException by SIMD kernels, if {@code memory} is a segment of another kind
   */
  void run(
      MemorySegment memory,
      long[] inputs,
      long output,
      long scratch,
      Parallel parallel,
      ZeroCounts counts);
}
