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
