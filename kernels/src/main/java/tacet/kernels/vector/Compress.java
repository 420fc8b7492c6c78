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

  /** Lane compression is one instruction with AVX-512; elsewhere it is emulated, and a plain loop is faster. */
  private static final boolean VECTORS = COUNT == 16;

  private Compress() {}

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
    int n = count;
    int i = 0;
    if (VECTORS) {
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
    for (; i < length; i++) {
      float v = m.get(FLOAT, from + i * 4L);
      m.set(FLOAT, values + n * 4L, v);
      m.set(ValueLayout.JAVA_INT_UNALIGNED, numbers + n * 4L, number + i);
      n += v == 0f ? 0 : 1;
    }
    return n;
  }

  /**
   * Makes one list per pixel of a row, over some of its channels; behind each list's end are four zeros at least.
   *
   * @param from byte offset of the first pixel's first channel
   * @param pixelStep bytes from a pixel to the next
   * @param vectorStep bytes from a vector of channels to the next
   * @param channels number of channels
   * @param scale what to multiply channels' numbers by
   * @param list byte offset of the first pixel's values
   * @param listStep bytes from a list to the next
   * @param numbers bytes from a value to its number
   * @param count byte offset of the first list's length, an int
   * @param pixels number of pixels
   */
  static void pixels(
      MemorySegment m,
      long from,
      long pixelStep,
      long vectorStep,
      int channels,
      int scale,
      long list,
      long listStep,
      long numbers,
      long count,
      int pixels) {
    for (int p = 0; p < pixels; p++) {
      long end = list + p * listStep;
      long start = end;
      long at = from + p * pixelStep;
      int c = 0;
      if (VECTORS) {
        IntVector lanes = IntVector.zero(INTS).addIndex(1).mul(scale);
        for (; c < channels; c += COUNT) {
          FloatVector v = FloatVector.fromMemorySegment(FLOATS, m, at, ORDER);
          VectorMask<Float> nonZero = v.compare(VectorOperators.NE, 0f);
          if (c + COUNT > channels) {
            nonZero = nonZero.and(FLOATS.indexInRange(c, channels));
          }
          v.compress(nonZero).intoMemorySegment(m, end, ORDER);
          lanes
              .add(c * scale)
              .compress(nonZero.cast(INTS))
              .intoMemorySegment(m, end + numbers, ORDER);
          end += nonZero.trueCount() * 4L;
          at += vectorStep;
        }
      } else {
        for (; c < channels; c++) {
          float v = m.get(FLOAT, at + (c % COUNT) * 4L);
          m.set(FLOAT, end, v);
          m.set(ValueLayout.JAVA_INT_UNALIGNED, end + numbers, c * scale);
          end += v == 0f ? 0 : 4;
          at += c % COUNT == COUNT - 1 ? vectorStep : 0;
        }
      }
      for (int i = 0; i < 4; i++) {
        m.set(FLOAT, end + i * 4L, 0f);
        m.set(ValueLayout.JAVA_INT_UNALIGNED, end + numbers + i * 4L, 0);
      }
      m.set(ValueLayout.JAVA_INT_UNALIGNED, count + p * 4L, (int) ((end - start) / 4));
    }
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
