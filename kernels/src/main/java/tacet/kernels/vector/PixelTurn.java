package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.COUNT;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/**
 * Squares of as many vectors as a vector has lanes, turned over: lane i of vector j becomes lane j of vector i. Neighbouring
 * rows exchange half of their lanes, then those two apart, and so on (Eklundh, A Fast Computer Method for Matrix
 * Transposing, IEEE Trans. Computers 21(7), 1972); two such steps at a time stay in registers.
 *
 * <p>Rows at constant distances, addressed as a slice of memory, would save checks of bounds; but within an engine that was
 * slower than without.
 */
final class PixelTurn {

  /** Bytes from a row of a turned square to the next. */
  static final int ROW = 8 * BYTES;

  /** Bytes of memory of its own that turning a square needs. */
  static final int WORK_BYTES = COUNT * BYTES;

  private static final Rehearsal TURN = new Rehearsal();
  private static final Rehearsal FINITE = new Rehearsal();

  private static final VectorShuffle<Float> BY_1 = swapped(1);
  private static final VectorShuffle<Float> BY_2 = swapped(2);
  private static final VectorShuffle<Float> BY_4 = swapped(4 % COUNT);
  private static final VectorShuffle<Float> BY_8 = swapped(8 % COUNT);
  private static final VectorMask<Float> ODD_1 = odd(1);
  private static final VectorMask<Float> ODD_2 = odd(2);
  private static final VectorMask<Float> ODD_4 = odd(4);
  private static final VectorMask<Float> ODD_8 = odd(8);

  private PixelTurn() {}

  private static VectorShuffle<Float> swapped(int distance) {
    return VectorShuffle.fromOp(FLOATS, i -> i ^ distance);
  }

  private static VectorMask<Float> odd(int distance) {
    boolean[] bits = new boolean[COUNT];
    for (int i = 0; i < COUNT; i++) {
      bits[i] = (i & distance) != 0;
    }
    return VectorMask.fromArray(FLOATS, bits, 0);
  }

  /** Whether squares are turned, and looked at, by compiled code. */
  static boolean isSettled() {
    return TURN.isDone() && FINITE.isDone();
  }

  /**
   * Turns squares whose vectors lie anywhere.
   *
   * @param places byte offset of longs: where each vector lies
   * @param from added to them
   * @param squares number of squares; each has {@link Lanes#COUNT} places
   * @param work byte offset of {@link #WORK_BYTES}
   * @param to where the first goes, rows {@link #ROW} apart; the next ones follow beside it, a vector further on
   */
  static void turn(MemorySegment m, long places, long from, int squares, long work, long to) {
    if (!TURN.isDone()) {
      long start = System.nanoTime();
      while (TURN.isDue()) {
        square(m, places, from, work, to);
        TURN.rehearsed(start, 6L * COUNT);
        start = System.nanoTime();
      }
      turnPlainly(m, places, from, squares, to);
      TURN.computed(start);
      return;
    }
    for (int i = 0; i < squares; i++) {
      square(m, places + (long) i * COUNT * Long.BYTES, from, work, to + (long) i * BYTES);
    }
  }

  /** The same without the Vector API. */
  static void turnPlainly(MemorySegment m, long places, long from, int squares, long to) {
    int width = squares * COUNT;
    float[] square = new float[COUNT * width];
    float[] one = new float[COUNT];
    for (int i = 0; i < width; i++) {
      long source = from + m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + i * 8L);
      MemorySegment.copy(m, Lanes.FLOAT, source, one, 0, COUNT);
      for (int lane = 0; lane < COUNT; lane++) {
        square[lane * width + i] = one[lane];
      }
    }
    for (int lane = 0; lane < COUNT; lane++) {
      MemorySegment.copy(square, lane * width, m, Lanes.FLOAT, to + (long) lane * ROW, width);
    }
  }

  private static void square(MemorySegment m, long places, long from, long work, long to) {
    m = Lanes.known(m);
    for (int i = 0; i < COUNT; i += 4) {
      long p = places + i * 8L;
      exchangeOneAndTwo(
          m,
          from + m.get(ValueLayout.JAVA_LONG_UNALIGNED, p),
          from + m.get(ValueLayout.JAVA_LONG_UNALIGNED, p + 8),
          from + m.get(ValueLayout.JAVA_LONG_UNALIGNED, p + 16),
          from + m.get(ValueLayout.JAVA_LONG_UNALIGNED, p + 24),
          work + (long) i * BYTES);
    }
    for (int i = 0; i < 4; i++) {
      long w = work + (long) i * BYTES;
      long t = to + (long) i * ROW;
      if (COUNT == 16) {
        exchangeFourAndEight(m, w, t);
      } else if (COUNT == 8) {
        exchangeFour(m, w, t);
      } else {
        FloatVector.fromMemorySegment(FLOATS, m, w, ORDER).intoMemorySegment(m, t, ORDER);
      }
    }
  }

  private static void exchangeOneAndTwo(
      MemorySegment m, long p0, long p1, long p2, long p3, long to) {
    m = Lanes.known(m);
    FloatVector a = FloatVector.fromMemorySegment(FLOATS, m, p0, ORDER);
    FloatVector b = FloatVector.fromMemorySegment(FLOATS, m, p1, ORDER);
    FloatVector c = FloatVector.fromMemorySegment(FLOATS, m, p2, ORDER);
    FloatVector d = FloatVector.fromMemorySegment(FLOATS, m, p3, ORDER);
    FloatVector a1 = a.blend(b.rearrange(BY_1), ODD_1);
    FloatVector b1 = a.rearrange(BY_1).blend(b, ODD_1);
    FloatVector c1 = c.blend(d.rearrange(BY_1), ODD_1);
    FloatVector d1 = c.rearrange(BY_1).blend(d, ODD_1);
    a1.blend(c1.rearrange(BY_2), ODD_2).intoMemorySegment(m, to, ORDER);
    b1.blend(d1.rearrange(BY_2), ODD_2).intoMemorySegment(m, to + BYTES, ORDER);
    a1.rearrange(BY_2).blend(c1, ODD_2).intoMemorySegment(m, to + 2 * BYTES, ORDER);
    b1.rearrange(BY_2).blend(d1, ODD_2).intoMemorySegment(m, to + 3 * BYTES, ORDER);
  }

  private static void exchangeFourAndEight(MemorySegment m, long work, long to) {
    m = Lanes.known(m);
    FloatVector a = FloatVector.fromMemorySegment(FLOATS, m, work, ORDER);
    FloatVector b = FloatVector.fromMemorySegment(FLOATS, m, work + 4 * BYTES, ORDER);
    FloatVector c = FloatVector.fromMemorySegment(FLOATS, m, work + 8 * BYTES, ORDER);
    FloatVector d = FloatVector.fromMemorySegment(FLOATS, m, work + 12 * BYTES, ORDER);
    FloatVector a1 = a.blend(b.rearrange(BY_4), ODD_4);
    FloatVector b1 = a.rearrange(BY_4).blend(b, ODD_4);
    FloatVector c1 = c.blend(d.rearrange(BY_4), ODD_4);
    FloatVector d1 = c.rearrange(BY_4).blend(d, ODD_4);
    a1.blend(c1.rearrange(BY_8), ODD_8).intoMemorySegment(m, to, ORDER);
    b1.blend(d1.rearrange(BY_8), ODD_8).intoMemorySegment(m, to + 4 * ROW, ORDER);
    a1.rearrange(BY_8).blend(c1, ODD_8).intoMemorySegment(m, to + 8 * ROW, ORDER);
    b1.rearrange(BY_8).blend(d1, ODD_8).intoMemorySegment(m, to + 12 * ROW, ORDER);
  }

  private static void exchangeFour(MemorySegment m, long work, long to) {
    m = Lanes.known(m);
    FloatVector a = FloatVector.fromMemorySegment(FLOATS, m, work, ORDER);
    FloatVector b = FloatVector.fromMemorySegment(FLOATS, m, work + 4 * BYTES, ORDER);
    a.blend(b.rearrange(BY_4), ODD_4).intoMemorySegment(m, to, ORDER);
    a.rearrange(BY_4).blend(b, ODD_4).intoMemorySegment(m, to + 4 * ROW, ORDER);
  }

  /**
   * Whether all vectors at the beginning of each row are numbers: neither infinite nor NaN.
   *
   * @param vectors how many of each row; even, as all widths of {@link F32ListTile} are
   */
  static boolean isFinite(MemorySegment m, long from, int rows, int vectors) {
    if (!FINITE.isDone()) {
      long start = System.nanoTime();
      while (FINITE.isDue()) {
        areFinite(m, from, rows, vectors);
        FINITE.rehearsed(start, rows * (1L + vectors));
        start = System.nanoTime();
      }
      boolean finite = isFinitePlainly(m, from, rows, vectors);
      FINITE.computed(start);
      return finite;
    }
    return areFinite(m, from, rows, vectors);
  }

  private static boolean areFinite(MemorySegment m, long from, int rows, int vectors) {
    m = Lanes.known(m);
    // The product of anything else with zero is NaN, and so is the sum of such products.
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector sum = zero;
    FloatVector other = zero;
    for (int r = 0; r < rows; r++) {
      long row = from + (long) r * ROW;
      for (int v = 0; v < vectors; v += 2) {
        long at = row + (long) v * BYTES;
        sum = sum.add(FloatVector.fromMemorySegment(FLOATS, m, at, ORDER).mul(zero));
        other = other.add(FloatVector.fromMemorySegment(FLOATS, m, at + BYTES, ORDER).mul(zero));
      }
    }
    return !sum.add(other).compare(VectorOperators.NE, 0f).anyTrue();
  }

  private static boolean isFinitePlainly(MemorySegment m, long from, int rows, int vectors) {
    float[] row = new float[vectors * COUNT];
    for (int r = 0; r < rows; r++) {
      MemorySegment.copy(m, Lanes.FLOAT, from + (long) r * ROW, row, 0, row.length);
      for (float x : row) {
        if (!Float.isFinite(x)) {
          return false;
        }
      }
    }
    return true;
  }
}
