package tacet.kernels.scalar;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import tacet.kernels.ZeroCounts;
import tacet.kernels.ZeroCounts.Kind;

/** Counts zeros in row-major float32 values, in a pass of its own. */
public final class ScalarCount {

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private ScalarCount() {}

  /**
   * Adds to the first slab.
   *
   * @param offset byte offset of the first element
   * @param elements number of elements
   * @param channels extent of the channel axis
   * @param inner elements from a channel to the next
   */
  public static void count(
      MemorySegment m, long offset, long elements, int channels, long inner, ZeroCounts counts) {
    int[] slab = counts.slab(0);
    int zero = Kind.ZERO.ordinal() * counts.stride();
    int near = Kind.NEAR_ZERO.ordinal() * counts.stride();
    int negative = Kind.NEGATIVE.ordinal() * counts.stride();
    float tau = counts.threshold();
    int c = 0;
    for (long start = 0; start < elements; start += inner) {
      int zeros = 0;
      int nears = 0;
      int negatives = 0;
      for (long i = start; i < start + inner; i++) {
        float v = m.get(FLOAT, offset + i * Float.BYTES);
        zeros += v == 0f ? 1 : 0;
        nears += Math.abs(v) < tau ? 1 : 0;
        negatives += v < 0f ? 1 : 0;
      }
      slab[zero + c] += zeros;
      slab[near + c] += nears;
      slab[negative + c] += negatives;
      c = c + 1 == channels ? 0 : c + 1;
    }
  }
}
