package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.COUNT;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.HAS_FMA;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;

/**
 * Micro-kernels of a sparse matrix times a dense one: the weights of one output channel, as a list, times several vectors of
 * pixels. Each load of inputs feeds one multiply-add, so that they reach about 0.4 of what registers alone allow.
 *
 * <p>Contract. An entry of the list is an int, the byte distance of its row of inputs from {@code x}, and the weight. The sums
 * begin with what lies at {@code start}, and go to {@code sums}.
 */
final class F32ListTile {

  /** Bytes of an entry. */
  static final int ENTRY_BYTES = 8;

  /** Most vectors of a tile. */
  static final int WIDEST = 8;

  /** Entries of a rehearsal. */
  private static final int REHEARSED = 48;

  /** By half the number of vectors. */
  private static final Rehearsal[] TILES = Rehearsal.several(WIDEST / 2 + 1);

  private F32ListTile() {}

  /** The number of vectors of the tile that computes so many. */
  static int width(int vectors) {
    return (vectors + 1) / 2 * 2;
  }

  /** Whether tiles of this width are computed by compiled code. */
  static boolean isSettled(int width) {
    return TILES[width / 2].isDone();
  }

  /**
   * Adds up the products of several output channels.
   *
   * @param width 2, 4, 6 or 8 vectors of pixels
   * @param w the lists, one after the other
   * @param starts byte offset in {@code w} of ints: number of the first entry of each list, and of the end
   * @param channels number of lists
   * @param x byte offset of the inputs
   * @param start byte offset of what the first channel's sums begin with
   * @param startStep bytes to those of the next
   * @param sums byte offset of the first channel's sums
   * @param step bytes to those of the next
   */
  static void products(
      int width,
      MemorySegment w,
      long starts,
      int channels,
      MemorySegment m,
      long x,
      long start,
      long startStep,
      long sums,
      long step) {
    Rehearsal rehearsal = TILES[width / 2];
    boolean plain = !rehearsal.isDone();
    long now = plain ? System.nanoTime() : 0;
    for (int c = 0; c < channels; c++) {
      long from = entry(w, starts, c);
      long to = entry(w, starts, c + 1);
      long begin = start + c * startStep;
      long end = sums + c * step;
      if (!plain) {
        tile(width, w, from, to, m, x, begin, end);
        continue;
      }
      if (startStep == 0 && to > from && rehearsal.isDue()) {
        // Where sums start from nothing they may be formed again and again.
        now = rehearse(rehearsal, width, w, from, to, m, x, begin, end);
      }
      plainTile(width, w, from, to, m, x, begin, end);
    }
    if (plain) {
      rehearsal.computed(now);
    }
  }

  private static long rehearse(
      Rehearsal rehearsal,
      int width,
      MemorySegment w,
      long from,
      long to,
      MemorySegment m,
      long x,
      long begin,
      long end) {
    long some = Math.min(to, from + REHEARSED * ENTRY_BYTES);
    long operations = (2 + (some - from) / ENTRY_BYTES) * width;
    long now = System.nanoTime();
    while (rehearsal.isDue()) {
      tile(width, w, from, some, m, x, begin, end);
      rehearsal.rehearsed(now, operations);
      now = System.nanoTime();
    }
    return now;
  }

  private static long entry(MemorySegment w, long starts, int c) {
    return (long) w.get(ValueLayout.JAVA_INT, starts + c * 4L) * ENTRY_BYTES;
  }

  private static void tile(
      int width, MemorySegment w, long from, long to, MemorySegment m, long x, long start, long s) {
    switch (width) {
      case 2 -> tile2(w, from, to, m, x, start, s);
      case 4 -> tile4(w, from, to, m, x, start, s);
      case 6 -> tile6(w, from, to, m, x, start, s);
      default -> tile8(w, from, to, m, x, start, s);
    }
  }

  /** A tile without the Vector API; each sum is formed in the same order. */
  static void plainTile(
      int width, MemorySegment w, long from, long to, MemorySegment m, long x, long start, long s) {
    float[] sums = new float[width * COUNT];
    float[] in = new float[width * COUNT];
    MemorySegment.copy(m, Lanes.FLOAT, start, sums, 0, sums.length);
    for (long e = from; e < to; e += ENTRY_BYTES) {
      MemorySegment.copy(m, Lanes.FLOAT, x + w.get(ValueLayout.JAVA_INT, e), in, 0, in.length);
      ColdCode.multiplyAdd(w.get(ValueLayout.JAVA_FLOAT, e + 4), in, 0, sums);
    }
    MemorySegment.copy(sums, 0, m, Lanes.FLOAT, s, sums.length);
  }

  /** Eight vectors of pixels. */
  private static void tile8(
      MemorySegment w, long from, long to, MemorySegment m, long x, long start, long sums) {
    w = Lanes.known(w);
    m = Lanes.known(m);
    FloatVector s0 = FloatVector.fromMemorySegment(FLOATS, m, start, ORDER);
    FloatVector s1 = FloatVector.fromMemorySegment(FLOATS, m, start + BYTES, ORDER);
    FloatVector s2 = FloatVector.fromMemorySegment(FLOATS, m, start + 2 * BYTES, ORDER);
    FloatVector s3 = FloatVector.fromMemorySegment(FLOATS, m, start + 3 * BYTES, ORDER);
    FloatVector s4 = FloatVector.fromMemorySegment(FLOATS, m, start + 4 * BYTES, ORDER);
    FloatVector s5 = FloatVector.fromMemorySegment(FLOATS, m, start + 5 * BYTES, ORDER);
    FloatVector s6 = FloatVector.fromMemorySegment(FLOATS, m, start + 6 * BYTES, ORDER);
    FloatVector s7 = FloatVector.fromMemorySegment(FLOATS, m, start + 7 * BYTES, ORDER);
    for (long e = from; e < to; e += ENTRY_BYTES) {
      long p = x + w.get(ValueLayout.JAVA_INT, e);
      FloatVector v = FloatVector.broadcast(FLOATS, w.get(ValueLayout.JAVA_FLOAT, e + 4));
      FloatVector x0 = FloatVector.fromMemorySegment(FLOATS, m, p, ORDER);
      s0 = HAS_FMA ? v.fma(x0, s0) : v.mul(x0).add(s0);
      FloatVector x1 = FloatVector.fromMemorySegment(FLOATS, m, p + BYTES, ORDER);
      s1 = HAS_FMA ? v.fma(x1, s1) : v.mul(x1).add(s1);
      FloatVector x2 = FloatVector.fromMemorySegment(FLOATS, m, p + 2 * BYTES, ORDER);
      s2 = HAS_FMA ? v.fma(x2, s2) : v.mul(x2).add(s2);
      FloatVector x3 = FloatVector.fromMemorySegment(FLOATS, m, p + 3 * BYTES, ORDER);
      s3 = HAS_FMA ? v.fma(x3, s3) : v.mul(x3).add(s3);
      FloatVector x4 = FloatVector.fromMemorySegment(FLOATS, m, p + 4 * BYTES, ORDER);
      s4 = HAS_FMA ? v.fma(x4, s4) : v.mul(x4).add(s4);
      FloatVector x5 = FloatVector.fromMemorySegment(FLOATS, m, p + 5 * BYTES, ORDER);
      s5 = HAS_FMA ? v.fma(x5, s5) : v.mul(x5).add(s5);
      FloatVector x6 = FloatVector.fromMemorySegment(FLOATS, m, p + 6 * BYTES, ORDER);
      s6 = HAS_FMA ? v.fma(x6, s6) : v.mul(x6).add(s6);
      FloatVector x7 = FloatVector.fromMemorySegment(FLOATS, m, p + 7 * BYTES, ORDER);
      s7 = HAS_FMA ? v.fma(x7, s7) : v.mul(x7).add(s7);
    }
    s0.intoMemorySegment(m, sums, ORDER);
    s1.intoMemorySegment(m, sums + BYTES, ORDER);
    s2.intoMemorySegment(m, sums + 2 * BYTES, ORDER);
    s3.intoMemorySegment(m, sums + 3 * BYTES, ORDER);
    s4.intoMemorySegment(m, sums + 4 * BYTES, ORDER);
    s5.intoMemorySegment(m, sums + 5 * BYTES, ORDER);
    s6.intoMemorySegment(m, sums + 6 * BYTES, ORDER);
    s7.intoMemorySegment(m, sums + 7 * BYTES, ORDER);
  }

  /** Six vectors of pixels. */
  private static void tile6(
      MemorySegment w, long from, long to, MemorySegment m, long x, long start, long sums) {
    w = Lanes.known(w);
    m = Lanes.known(m);
    FloatVector s0 = FloatVector.fromMemorySegment(FLOATS, m, start, ORDER);
    FloatVector s1 = FloatVector.fromMemorySegment(FLOATS, m, start + BYTES, ORDER);
    FloatVector s2 = FloatVector.fromMemorySegment(FLOATS, m, start + 2 * BYTES, ORDER);
    FloatVector s3 = FloatVector.fromMemorySegment(FLOATS, m, start + 3 * BYTES, ORDER);
    FloatVector s4 = FloatVector.fromMemorySegment(FLOATS, m, start + 4 * BYTES, ORDER);
    FloatVector s5 = FloatVector.fromMemorySegment(FLOATS, m, start + 5 * BYTES, ORDER);
    for (long e = from; e < to; e += ENTRY_BYTES) {
      long p = x + w.get(ValueLayout.JAVA_INT, e);
      FloatVector v = FloatVector.broadcast(FLOATS, w.get(ValueLayout.JAVA_FLOAT, e + 4));
      FloatVector x0 = FloatVector.fromMemorySegment(FLOATS, m, p, ORDER);
      s0 = HAS_FMA ? v.fma(x0, s0) : v.mul(x0).add(s0);
      FloatVector x1 = FloatVector.fromMemorySegment(FLOATS, m, p + BYTES, ORDER);
      s1 = HAS_FMA ? v.fma(x1, s1) : v.mul(x1).add(s1);
      FloatVector x2 = FloatVector.fromMemorySegment(FLOATS, m, p + 2 * BYTES, ORDER);
      s2 = HAS_FMA ? v.fma(x2, s2) : v.mul(x2).add(s2);
      FloatVector x3 = FloatVector.fromMemorySegment(FLOATS, m, p + 3 * BYTES, ORDER);
      s3 = HAS_FMA ? v.fma(x3, s3) : v.mul(x3).add(s3);
      FloatVector x4 = FloatVector.fromMemorySegment(FLOATS, m, p + 4 * BYTES, ORDER);
      s4 = HAS_FMA ? v.fma(x4, s4) : v.mul(x4).add(s4);
      FloatVector x5 = FloatVector.fromMemorySegment(FLOATS, m, p + 5 * BYTES, ORDER);
      s5 = HAS_FMA ? v.fma(x5, s5) : v.mul(x5).add(s5);
    }
    s0.intoMemorySegment(m, sums, ORDER);
    s1.intoMemorySegment(m, sums + BYTES, ORDER);
    s2.intoMemorySegment(m, sums + 2 * BYTES, ORDER);
    s3.intoMemorySegment(m, sums + 3 * BYTES, ORDER);
    s4.intoMemorySegment(m, sums + 4 * BYTES, ORDER);
    s5.intoMemorySegment(m, sums + 5 * BYTES, ORDER);
  }

  /** Four vectors of pixels. */
  private static void tile4(
      MemorySegment w, long from, long to, MemorySegment m, long x, long start, long sums) {
    w = Lanes.known(w);
    m = Lanes.known(m);
    FloatVector s0 = FloatVector.fromMemorySegment(FLOATS, m, start, ORDER);
    FloatVector s1 = FloatVector.fromMemorySegment(FLOATS, m, start + BYTES, ORDER);
    FloatVector s2 = FloatVector.fromMemorySegment(FLOATS, m, start + 2 * BYTES, ORDER);
    FloatVector s3 = FloatVector.fromMemorySegment(FLOATS, m, start + 3 * BYTES, ORDER);
    for (long e = from; e < to; e += ENTRY_BYTES) {
      long p = x + w.get(ValueLayout.JAVA_INT, e);
      FloatVector v = FloatVector.broadcast(FLOATS, w.get(ValueLayout.JAVA_FLOAT, e + 4));
      FloatVector x0 = FloatVector.fromMemorySegment(FLOATS, m, p, ORDER);
      s0 = HAS_FMA ? v.fma(x0, s0) : v.mul(x0).add(s0);
      FloatVector x1 = FloatVector.fromMemorySegment(FLOATS, m, p + BYTES, ORDER);
      s1 = HAS_FMA ? v.fma(x1, s1) : v.mul(x1).add(s1);
      FloatVector x2 = FloatVector.fromMemorySegment(FLOATS, m, p + 2 * BYTES, ORDER);
      s2 = HAS_FMA ? v.fma(x2, s2) : v.mul(x2).add(s2);
      FloatVector x3 = FloatVector.fromMemorySegment(FLOATS, m, p + 3 * BYTES, ORDER);
      s3 = HAS_FMA ? v.fma(x3, s3) : v.mul(x3).add(s3);
    }
    s0.intoMemorySegment(m, sums, ORDER);
    s1.intoMemorySegment(m, sums + BYTES, ORDER);
    s2.intoMemorySegment(m, sums + 2 * BYTES, ORDER);
    s3.intoMemorySegment(m, sums + 3 * BYTES, ORDER);
  }

  /** Two vectors of pixels. */
  private static void tile2(
      MemorySegment w, long from, long to, MemorySegment m, long x, long start, long sums) {
    w = Lanes.known(w);
    m = Lanes.known(m);
    FloatVector s0 = FloatVector.fromMemorySegment(FLOATS, m, start, ORDER);
    FloatVector s1 = FloatVector.fromMemorySegment(FLOATS, m, start + BYTES, ORDER);
    for (long e = from; e < to; e += ENTRY_BYTES) {
      long p = x + w.get(ValueLayout.JAVA_INT, e);
      FloatVector v = FloatVector.broadcast(FLOATS, w.get(ValueLayout.JAVA_FLOAT, e + 4));
      FloatVector x0 = FloatVector.fromMemorySegment(FLOATS, m, p, ORDER);
      s0 = HAS_FMA ? v.fma(x0, s0) : v.mul(x0).add(s0);
      FloatVector x1 = FloatVector.fromMemorySegment(FLOATS, m, p + BYTES, ORDER);
      s1 = HAS_FMA ? v.fma(x1, s1) : v.mul(x1).add(s1);
    }
    s0.intoMemorySegment(m, sums, ORDER);
    s1.intoMemorySegment(m, sums + BYTES, ORDER);
  }
}
