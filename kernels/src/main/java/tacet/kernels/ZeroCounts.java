package tacet.kernels;

import java.util.Arrays;

/**
 * What a kernel counted in the values it produced: per channel and per {@link Kind}, as integers. A kernel adds to the
 * slab of the thread that it runs on; {@link #merge} adds the slabs up. Belongs to one run at a time.
 */
public final class ZeroCounts {

  /**
   * What is counted. The first three speak of the stored value x, the others of the value before the activation; a kernel
   * without an activation leaves those at zero.
   */
  public enum Kind {
    /** x == 0, both signs. */
    ZERO,
    /** |x| &lt; τ. */
    NEAR_ZERO,
    /** x &lt; 0. */
    NEGATIVE,
    /** Value before the activation == 0. */
    ZERO_BEFORE,
    /** |value before the activation| &lt; τ. */
    NEAR_ZERO_BEFORE,
    /** Value before the activation &lt; 0. */
    NEGATIVE_BEFORE
  }

  private static final Kind[] KINDS = Kind.values();

  /** Longs per cache line. */
  private static final int LINE = 8;

  private final int channels;
  private final int stride;
  private final float threshold;
  private final int[][] slabs;
  private final long[][] totals;

  /** Per thread, a cache line apart. */
  private final long[] skippedBy;

  private long skipped;

  /**
   * @param channels number of channels
   * @param threads most threads of the loop that counts
   * @param threshold τ, the bound of near zeros
   */
  public ZeroCounts(int channels, int threads, float threshold) {
    this.channels = channels;
    // Whole vectors of any width may be added at the last channel.
    this.stride = (channels + 63) / 64 * 64;
    this.threshold = threshold;
    this.slabs = new int[threads][KINDS.length * stride];
    this.totals = new long[KINDS.length][channels];
    this.skippedBy = new long[threads * LINE];
  }

  /** Bytes of heap that counters take. */
  public static long heapBytes(int channels, int threads) {
    long stride = (channels + 63) / 64 * 64;
    return KINDS.length * ((long) threads * stride * Integer.BYTES + (long) channels * Long.BYTES);
  }

  public int channels() {
    return channels;
  }

  /** τ. */
  public float threshold() {
    return threshold;
  }

  /** The counters of one thread: {@code [kind.ordinal() * stride() + channel]}. */
  public int[] slab(int thread) {
    return slabs[thread];
  }

  /** Counters per kind in a slab; at least {@link #channels()}, room for whole vectors. */
  public int stride() {
    return stride;
  }

  /** Adds multiply-adds that were not done because their input is zero, padding included. */
  public void addSkipped(int thread, long multiplyAdds) {
    skippedBy[thread * LINE] += multiplyAdds;
  }

  /** Multiply-adds that were not done. */
  public long skipped() {
    return skipped;
  }

  /** Forgets everything. */
  public void clear() {
    skipped = 0;
    Arrays.fill(skippedBy, 0);
    for (long[] t : totals) {
      Arrays.fill(t, 0);
    }
    for (int[] s : slabs) {
      Arrays.fill(s, 0);
    }
  }

  /** Adds the threads' counters to the totals and clears them. Call when the loop is done. */
  public void merge() {
    for (int i = 0; i < skippedBy.length; i += LINE) {
      skipped += skippedBy[i];
      skippedBy[i] = 0;
    }
    for (int[] s : slabs) {
      for (int k = 0; k < KINDS.length; k++) {
        long[] t = totals[k];
        int base = k * stride;
        for (int c = 0; c < channels; c++) {
          t[c] += s[base + c];
        }
      }
      Arrays.fill(s, 0);
    }
  }

  /** Totals per channel of one kind; the live array. */
  public long[] perChannel(Kind kind) {
    return totals[kind.ordinal()];
  }

  /** Total of one kind over all channels. */
  public long total(Kind kind) {
    long sum = 0;
    for (long t : totals[kind.ordinal()]) {
      sum += t;
    }
    return sum;
  }
}
