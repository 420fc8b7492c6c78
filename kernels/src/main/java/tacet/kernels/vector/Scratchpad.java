package tacet.kernels.vector;

import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Room for operands of micro-kernels, and for what Winograd's transforms have half done: one array for all threads of the
 * process, of which each leases a part while it computes.
 *
 * <p>One array, because C2 then knows it for a constant, and with it the length. An index that begins at {@code x & MASK} and
 * grows by less than {@link #REACH} is within that length whatever x is, so that C2 checks none. Of arrays that are handed over
 * it checks each of sixteen accesses in front of a tile's loop. So a tile of six rows and two vectors takes 120 instructions
 * beside its loop instead of 250, and 21 for each k instead of 23.
 */
final class Scratchpad {

  /** Floats of a lease: a megabyte. */
  static final int FLOATS = 1 << 18;

  /** How far behind {@code x & MASK} a micro-kernel may read or write. */
  static final int REACH = 1 << 15;

  /** Takes an offset to itself. */
  static final int MASK;

  static final float[] ARRAY;

  /** Heap that leases may take at most, as a part of all there may be. */
  private static final int PART_OF_HEAP = 16;

  /** Ints from a flag to the next, so that two are not in one cache line, nor in neighbours. */
  private static final int APART = 32;

  private static final Semaphore FREE;
  private static final AtomicIntegerArray TAKEN;

  static {
    // More than processors: a thread that holds a lease may be waiting for one.
    long wanted = 2L * Runtime.getRuntime().availableProcessors();
    long room = Runtime.getRuntime().maxMemory() / PART_OF_HEAP / (4L * FLOATS);
    int leases = (int) Long.highestOneBit(Math.clamp(room, 1, 2 * wanted - 1));
    float[] array = null;
    while (array == null) {
      try {
        array = new float[leases * FLOATS + REACH];
      } catch (OutOfMemoryError e) {
        if (leases == 1) {
          throw e;
        }
        leases /= 2;
      }
    }
    ARRAY = array;
    MASK = leases * FLOATS - 1;
    FREE = new Semaphore(leases);
    TAKEN = new AtomicIntegerArray(leases * APART);
  }

  private Scratchpad() {}

  /**
   * Leases a part, and waits for one if all are taken. No thread that has one may ask for another.
   *
   * @param preferred number of the part that is taken if it is free: what a core had last is in its cache
   * @return index of the first of {@link #FLOATS} floats of unspecified content
   */
  static int lease(int preferred) {
    FREE.acquireUninterruptibly();
    int leases = TAKEN.length() / APART;
    int i = preferred % leases;
    while (!TAKEN.compareAndSet(i * APART, 0, 1)) {
      i = (i + 1) % leases;
    }
    return i * FLOATS;
  }

  /**
   * Gives back what was leased.
   *
   * @param first what {@link #lease} returned
   */
  static void release(int first) {
    TAKEN.set(first / FLOATS * APART, 0);
    FREE.release();
  }
}
