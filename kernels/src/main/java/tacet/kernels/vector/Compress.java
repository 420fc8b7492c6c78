package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.COUNT;
import static tacet.kernels.vector.Lanes.FLOAT;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.INTS;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** Lists the values of a stretch of memory that are not zero, each with its number. */
final class Compress {

  /** Lane compression is one instruction with AVX-512; elsewhere lanes are put in an order from a table. */
  private static final boolean COMPRESSES = COUNT == 16;

  /** For every set of lanes, as bits, their numbers; behind them some lane or other. */
  private static final int[] ORDERS = COMPRESSES ? new int[0] : orders();

  /** All lanes, as bits. */
  static final int LANES = (1 << COUNT) - 1;

  private Compress() {}

  private static int[] orders() {
    int[] orders = new int[COUNT << COUNT];
    for (int set = 0; set < 1 << COUNT; set++) {
      int n = set * COUNT;
      for (int lane = 0; lane < COUNT; lane++) {
        if ((set >> lane & 1) != 0) {
          orders[n++] = lane;
        }
      }
    }
    return orders;
  }

  /**
   * Appends to a list. Writes up to a vector behind the list's new end.
   *
   * @param from byte offset of the first value
   * @param length number of values
   * @param number number of the first value
   * @param values byte offset of the list's values
   * @param numbers byte offset of the list's numbers
   * @param count entries before
   * @return entries after
   */
  static int nonZeros(
      MemorySegment m, long from, int length, int number, long values, long numbers, int count) {
    m = Lanes.known(m);
    int n = count;
    int i = 0;
    if (COMPRESSES) {
      IntVector lanes = IntVector.broadcast(INTS, number).addIndex(1);
      for (; i + COUNT <= length; i += COUNT) {
        FloatVector v = FloatVector.fromMemorySegment(FLOATS, m, from + i * 4L, ORDER);
        VectorMask<Float> nonZero = v.compare(VectorOperators.NE, 0f);
        if (nonZero.anyTrue()) {
          v.compress(nonZero).intoMemorySegment(m, values + n * 4L, ORDER);
          lanes.add(i).compress(nonZero.cast(INTS)).intoMemorySegment(m, numbers + n * 4L, ORDER);
          n += nonZero.trueCount();
        }
      }
    }
    for (; !COMPRESSES && i + COUNT <= length; i += COUNT) {
      long at = from + i * 4L;
      int set = set(FloatVector.fromMemorySegment(FLOATS, m, at, ORDER));
      if (set != 0) {
        list(m, at, set, number + i, numbers + n * 4L, values + n * 4L);
        n += Integer.bitCount(set);
      }
    }
    for (; i < length; i++) {
      float v = m.get(FLOAT, from + i * 4L);
      m.set(FLOAT, values + n * 4L, v);
      m.set(ValueLayout.JAVA_INT_UNALIGNED, numbers + n * 4L, number + i);
      n += v == 0f ? 0 : 1;
    }
    return n;
  }

  /**
   * Makes one list per pixel, over some of the channels: the number of each channel that is not
   * zero, an int, and its value. Lists follow each other; up to a vector is written behind the
   * last. Only where lanes are compressed.
   *
   * @param places byte offset of the pixels: a long each, the byte offset of its first channel; a
   *     negative one makes an empty list
   * @param positions number of pixels
   * @param vectors byte offset of ints, the vectors of channels to look at
   * @param count number of those
   * @param vectorStep bytes from a vector of channels to the next
   * @param channels channels of the image: what lies behind the last is not looked at
   * @param lists byte offset of the ints
   * @param length bytes from the ints to the values
   * @param starts byte offset of {@code positions} + 1 ints, filled with the first entry of each
   *     list and the end
   * @param entries entries before
   * @return entries after
   */
  static int pixels(
      MemorySegment m,
      long places,
      int positions,
      long vectors,
      int count,
      long vectorStep,
      int channels,
      long lists,
      long length,
      long starts,
      int entries) {
    int end = entries;
    for (int p = 0; p < positions; p++) {
      m.set(ValueLayout.JAVA_INT, starts + p * 4L, end);
      long place = m.get(ValueLayout.JAVA_LONG, places + p * 8L);
      if (place >= 0) {
        end = pixel(m, place, vectors, count, vectorStep, channels, lists, length, end);
      }
    }
    m.set(ValueLayout.JAVA_INT, starts + positions * 4L, end);
    return end;
  }

  private static int pixel(
      MemorySegment m,
      long place,
      long vectors,
      int count,
      long vectorStep,
      int channels,
      long lists,
      long length,
      int entries) {
    m = Lanes.known(m);
    int end = entries;
    IntVector lanes = IntVector.zero(INTS).addIndex(1);
    for (int i = 0; i < count; i++) {
      int v = m.get(ValueLayout.JAVA_INT, vectors + i * 4L);
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, place + v * vectorStep, ORDER);
      // Always, though it matters in the last vector alone: a mask that is set on one path becomes
      // an object.
      VectorMask<Float> nonZero =
          x.compare(VectorOperators.NE, 0f, FLOATS.indexInRange(v * COUNT, channels));
      long to = lists + end * 4L;
      lanes.add(v * COUNT).compress(nonZero.cast(INTS)).intoMemorySegment(m, to, ORDER);
      x.compress(nonZero).intoMemorySegment(m, to + length, ORDER);
      end += nonZero.trueCount();
    }
    return end;
  }

  /**
   * Makes the same lists with numbers in an array, and without lane compression. Channels are numbered among those that are
   * looked at.
   *
   * @param vectors for each vector of channels to look at, the bytes from a pixel's first channel to it
   * @param from the first of them, {@code to} the one behind the last; their channels are numbered from 0 on
   * @param last channels of the last vector, as bits
   * @param numbers the channels' numbers; up to a vector is written behind the last
   * @param values byte offset of the values, likewise
   */
  static int pixels(
      MemorySegment m,
      long places,
      int positions,
      long[] vectors,
      int from,
      int to,
      int last,
      int[] numbers,
      long values,
      long starts,
      int entries) {
    int end = entries;
    for (int p = 0; p < positions; p++) {
      m.set(ValueLayout.JAVA_INT, starts + p * 4L, end);
      long place = m.get(ValueLayout.JAVA_LONG, places + p * 8L);
      if (place >= 0) {
        end = pixel(m, place, vectors, from, to, last, numbers, values, end);
      }
    }
    m.set(ValueLayout.JAVA_INT, starts + positions * 4L, end);
    return end;
  }

  private static int pixel(
      MemorySegment m,
      long place,
      long[] vectors,
      int from,
      int to,
      int last,
      int[] numbers,
      long values,
      int entries) {
    m = Lanes.known(m);
    int end = entries;
    IntVector number = IntVector.zero(INTS);
    for (int i = from; i < to; i++) {
      IntVector x = IntVector.fromMemorySegment(INTS, m, place + vectors[i], ORDER);
      // The last "and" tells the compiler that the table is long enough.
      int set = set(x) & (i == to - 1 ? last : LANES) & LANES;
      IntVector order = IntVector.fromArray(INTS, ORDERS, set * COUNT);
      order.add(number).intoArray(numbers, end);
      order.selectFrom(x).intoMemorySegment(m, values + end * 4L, ORDER);
      end += Integer.bitCount(set);
      number = number.add(COUNT);
    }
    return end;
  }

  /** Lanes that are not zero, as bits, and some above: without its sign a zero has none. */
  private static int set(IntVector bits) {
    return ~(int) bits.lanewise(VectorOperators.LSHL, 1).compare(VectorOperators.EQ, 0).toLong();
  }

  /** Lanes that are not zero, as bits. */
  private static int set(FloatVector x) {
    return (int) x.compare(VectorOperators.NE, 0f).toLong();
  }

  /** Writes the numbers and the values of a set of the lanes of a vector, and as many more as fill one. */
  private static void list(
      MemorySegment m, long from, int set, int number, long numbers, long values) {
    IntVector order = IntVector.fromArray(INTS, ORDERS, set * COUNT);
    order.add(number).intoMemorySegment(m, numbers, ORDER);
    // The same bits as whole numbers: reinterpreting vectors would make kernels slow.
    IntVector bits = IntVector.fromMemorySegment(INTS, m, from, ORDER);
    order.selectFrom(bits).intoMemorySegment(m, values, ORDER);
  }

  /** Appends every value, zero or not. */
  static int all(
      MemorySegment m, long from, int length, int number, long values, long numbers, int count) {
    MemorySegment.copy(m, from, m, values + count * 4L, length * 4L);
    for (int i = 0; i < length; i++) {
      m.set(ValueLayout.JAVA_INT_UNALIGNED, numbers + (count + i) * 4L, number + i);
    }
    return count + length;
  }
}
