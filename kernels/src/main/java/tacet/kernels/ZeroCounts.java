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

  /**
   * The counters that threads add to. Layers that run one after the other share them: memory that is in the first-level
   * cache costs less than a slab per layer.
   */
  public static final class Slabs {
    private final int[][] ofThreads;

    /**
     * @param channels most channels of a layer
     * @param threads most threads of a loop that counts
     */
    public Slabs(int channels, int threads) {
      ofThreads = new int[threads][KINDS.length * stride(channels)];
    }

    /** Forgets what a loop that failed may have left. */
    public void clear() {
      for (int[] s : ofThreads) {
        Arrays.fill(s, 0);
      }
    }
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

  /** Whether the totals are of loops since the last {@link #clear}; else they stand for zeros. */
  private boolean merged;

  /** Totals over all channels, added up while the counters are at hand: later they may have left the caches. */
  private final long[] sums = new long[KINDS.length];

  /**
   * @param channels number of channels
   * @param threads most threads of the loop that counts
   * @param threshold τ, the bound of near zeros
   */
  public ZeroCounts(int channels, int threads, float threshold) {
    this(channels, new Slabs(channels, threads), threshold);
  }

  /**
   * @param channels number of channels, at most as many as {@code slabs} is for
   * @param slabs all zero between loops
   * @param threshold τ, the bound of near zeros
   */
  public ZeroCounts(int channels, Slabs slabs, float threshold) {
    this.channels = channels;
    this.stride = stride(channels);
    this.threshold = threshold;
    this.slabs = slabs.ofThreads;
    this.totals = new long[KINDS.length][channels];
    this.skippedBy = new long[this.slabs.length * LINE];
  }

  /** Whole vectors of any width may be added at the last channel. */
  private static int stride(int channels) {
    return (channels + 63) / 64 * 64;
  }

  /** Bytes of heap that counters take besides their slabs. */
  public static long heapBytes(int channels) {
    return KINDS.length * (long) channels * Long.BYTES;
  }

  /** Bytes of heap that slabs take. */
  public static long slabBytes(int channels, int threads) {
    return KINDS.length * (long) threads * stride(channels) * Integer.BYTES;
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

  /** Forgets all totals. The slabs are zero whenever no loop is under way. */
  public void clear() {
    skipped = 0;
    merged = false;
  }

  /** Adds the threads' counters to the totals and clears them. Call when the loop is done. */
  public void merge() {
    for (int i = 0; i < skippedBy.length; i += LINE) {
      skipped += skippedBy[i];
      skippedBy[i] = 0;
    }
    for (int[] s : slabs) {
      for (int k = 0; k < KINDS.length; k++) {
        sums[k] = merged ? sums[k] + add(s, k * stride, totals[k]) : set(s, k * stride, totals[k]);
      }
      merged = true;
      Arrays.fill(s, 0, KINDS.length * stride, 0);
    }
  }

  private static long set(int[] slab, int from, long[] totals) {
    long sum = 0;
    for (int c = 0; c < totals.length; c++) {
      totals[c] = slab[from + c];
      sum += totals[c];
    }
    return sum;
  }

  private static long add(int[] slab, int from, long[] totals) {
    long sum = 0;
    for (int c = 0; c < totals.length; c++) {
      totals[c] += slab[from + c];
      sum += slab[from + c];
    }
    return sum;
  }

  /** Totals per channel of one kind; the live array. */
  public long[] perChannel(Kind kind) {
    if (!merged) {
      for (long[] t : totals) {
        Arrays.fill(t, 0);
      }
      Arrays.fill(sums, 0);
      merged = true;
    }
    return totals[kind.ordinal()];
  }

  /** Total of one kind over all channels. */
  public long total(Kind kind) {
    return merged ? sums[kind.ordinal()] : 0;
  }
}
