package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.COUNT;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.HAS_FMA;
import static tacet.kernels.vector.Lanes.ORDER;
import static tacet.kernels.vector.Scratchpad.ARRAY;
import static tacet.kernels.vector.Scratchpad.MASK;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;

/**
 * The micro-kernels of {@link F32SparsePixels} for vectors of at most 256 bits, of two, four and eight vectors of columns. The
 * contract is the same, but that operands are in arrays: entry i of the lists is {@code numbers[i]} and {@code values[i]},
 * and the panel is in the {@link Scratchpad}, where C2 checks no index.
 *
 * <p>An entry takes 14 to 16 instructions for eight multiply-adds, each of which loads its weights itself.
 */
final class F32ArrayPixels {

  private F32ArrayPixels() {}

  /**
   * A row of output pixels.
   *
   * @param width vectors of columns: two, four or, where outputs do not slide along, eight
   * @param slides whether a row of three taps is met at a time
   * @param panel index of the panel in the scratchpad
   */
  static void row(
      int width,
      boolean slides,
      int panel,
      float[] values,
      int[] numbers,
      MemorySegment m,
      long starts,
      long startStep,
      int pixels,
      long sums) {
    if (slides) {
      if (width == 2) {
        slide2(panel, values, numbers, m, starts, pixels, sums);
      } else {
        slide4(panel, values, numbers, m, starts, pixels, sums);
      }
      return;
    }
    switch (width) {
      case 2 -> pixels2(panel, values, numbers, m, starts, startStep, pixels, sums);
      case 4 -> pixels4(panel, values, numbers, m, starts, startStep, pixels, sums);
      default -> pixels8(panel, values, numbers, m, starts, startStep, pixels, sums);
    }
  }

  /** Eight vectors of columns. */
  private static void pixels8(
      int panel,
      float[] values,
      int[] numbers,
      MemorySegment m,
      long starts,
      long startStep,
      int pixels,
      long sums) {
    m = Lanes.known(m);
    for (int p = 0; p < pixels; p++) {
      int start = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * startStep);
      int end = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * startStep + 4);
      if (start == end) {
        continue;
      }
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      FloatVector a4 = a0;
      FloatVector a5 = a0;
      FloatVector a6 = a0;
      FloatVector a7 = a0;
      for (int i = start; i < end; i++) {
        int at = (panel + numbers[i] * (8 * COUNT)) & MASK;
        FloatVector x = FloatVector.broadcast(FLOATS, values[i]);
        FloatVector v = FloatVector.fromArray(FLOATS, ARRAY, at);
        a0 = HAS_FMA ? x.fma(v, a0) : x.mul(v).add(a0);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + COUNT);
        a1 = HAS_FMA ? x.fma(v, a1) : x.mul(v).add(a1);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 2 * COUNT);
        a2 = HAS_FMA ? x.fma(v, a2) : x.mul(v).add(a2);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 3 * COUNT);
        a3 = HAS_FMA ? x.fma(v, a3) : x.mul(v).add(a3);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 4 * COUNT);
        a4 = HAS_FMA ? x.fma(v, a4) : x.mul(v).add(a4);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 5 * COUNT);
        a5 = HAS_FMA ? x.fma(v, a5) : x.mul(v).add(a5);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 6 * COUNT);
        a6 = HAS_FMA ? x.fma(v, a6) : x.mul(v).add(a6);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 7 * COUNT);
        a7 = HAS_FMA ? x.fma(v, a7) : x.mul(v).add(a7);
      }
      long to = sums + p * (8L * BYTES);
      FloatVector s = FloatVector.fromMemorySegment(FLOATS, m, to, ORDER);
      a0.add(s).intoMemorySegment(m, to, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + BYTES, ORDER);
      a1.add(s).intoMemorySegment(m, to + BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 2 * BYTES, ORDER);
      a2.add(s).intoMemorySegment(m, to + 2 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 3 * BYTES, ORDER);
      a3.add(s).intoMemorySegment(m, to + 3 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 4 * BYTES, ORDER);
      a4.add(s).intoMemorySegment(m, to + 4 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 5 * BYTES, ORDER);
      a5.add(s).intoMemorySegment(m, to + 5 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 6 * BYTES, ORDER);
      a6.add(s).intoMemorySegment(m, to + 6 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 7 * BYTES, ORDER);
      a7.add(s).intoMemorySegment(m, to + 7 * BYTES, ORDER);
    }
  }

  /** Four vectors of columns. */
  private static void pixels4(
      int panel,
      float[] values,
      int[] numbers,
      MemorySegment m,
      long starts,
      long startStep,
      int pixels,
      long sums) {
    m = Lanes.known(m);
    for (int p = 0; p < pixels; p++) {
      int start = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * startStep);
      int end = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * startStep + 4);
      if (start == end) {
        continue;
      }
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      for (int i = start; i < end; i++) {
        int at = (panel + numbers[i] * (4 * COUNT)) & MASK;
        FloatVector x = FloatVector.broadcast(FLOATS, values[i]);
        FloatVector v = FloatVector.fromArray(FLOATS, ARRAY, at);
        a0 = HAS_FMA ? x.fma(v, a0) : x.mul(v).add(a0);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + COUNT);
        a1 = HAS_FMA ? x.fma(v, a1) : x.mul(v).add(a1);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 2 * COUNT);
        a2 = HAS_FMA ? x.fma(v, a2) : x.mul(v).add(a2);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 3 * COUNT);
        a3 = HAS_FMA ? x.fma(v, a3) : x.mul(v).add(a3);
      }
      long to = sums + p * (4L * BYTES);
      FloatVector s = FloatVector.fromMemorySegment(FLOATS, m, to, ORDER);
      a0.add(s).intoMemorySegment(m, to, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + BYTES, ORDER);
      a1.add(s).intoMemorySegment(m, to + BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 2 * BYTES, ORDER);
      a2.add(s).intoMemorySegment(m, to + 2 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 3 * BYTES, ORDER);
      a3.add(s).intoMemorySegment(m, to + 3 * BYTES, ORDER);
    }
  }

  /** Two vectors of columns. */
  private static void pixels2(
      int panel,
      float[] values,
      int[] numbers,
      MemorySegment m,
      long starts,
      long startStep,
      int pixels,
      long sums) {
    m = Lanes.known(m);
    for (int p = 0; p < pixels; p++) {
      int start = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * startStep);
      int end = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * startStep + 4);
      if (start == end) {
        continue;
      }
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      for (int i = start; i < end; i++) {
        int at = (panel + numbers[i] * (2 * COUNT)) & MASK;
        FloatVector x = FloatVector.broadcast(FLOATS, values[i]);
        FloatVector v = FloatVector.fromArray(FLOATS, ARRAY, at);
        a0 = HAS_FMA ? x.fma(v, a0) : x.mul(v).add(a0);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + COUNT);
        a1 = HAS_FMA ? x.fma(v, a1) : x.mul(v).add(a1);
      }
      long to = sums + p * (2L * BYTES);
      FloatVector s = FloatVector.fromMemorySegment(FLOATS, m, to, ORDER);
      a0.add(s).intoMemorySegment(m, to, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + BYTES, ORDER);
      a1.add(s).intoMemorySegment(m, to + BYTES, ORDER);
    }
  }

  /** Four vectors of columns, and a row of three taps at a time. */
  private static void slide4(
      int panel,
      float[] values,
      int[] numbers,
      MemorySegment m,
      long starts,
      int pixels,
      long sums) {
    m = Lanes.known(m);
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    FloatVector a4 = a0;
    FloatVector a5 = a0;
    FloatVector a6 = a0;
    FloatVector a7 = a0;
    FloatVector a8 = a0;
    FloatVector a9 = a0;
    FloatVector a10 = a0;
    FloatVector a11 = a0;
    for (int p = -2; p < pixels; p++) {
      int start = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * 4L + 8);
      int end = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * 4L + 12);
      for (int i = start; i < end; i++) {
        int at = (panel + numbers[i] * (12 * COUNT)) & MASK;
        FloatVector x = FloatVector.broadcast(FLOATS, values[i]);
        FloatVector v = FloatVector.fromArray(FLOATS, ARRAY, at);
        a0 = HAS_FMA ? x.fma(v, a0) : x.mul(v).add(a0);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + COUNT);
        a1 = HAS_FMA ? x.fma(v, a1) : x.mul(v).add(a1);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 2 * COUNT);
        a2 = HAS_FMA ? x.fma(v, a2) : x.mul(v).add(a2);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 3 * COUNT);
        a3 = HAS_FMA ? x.fma(v, a3) : x.mul(v).add(a3);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 4 * COUNT);
        a4 = HAS_FMA ? x.fma(v, a4) : x.mul(v).add(a4);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 5 * COUNT);
        a5 = HAS_FMA ? x.fma(v, a5) : x.mul(v).add(a5);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 6 * COUNT);
        a6 = HAS_FMA ? x.fma(v, a6) : x.mul(v).add(a6);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 7 * COUNT);
        a7 = HAS_FMA ? x.fma(v, a7) : x.mul(v).add(a7);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 8 * COUNT);
        a8 = HAS_FMA ? x.fma(v, a8) : x.mul(v).add(a8);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 9 * COUNT);
        a9 = HAS_FMA ? x.fma(v, a9) : x.mul(v).add(a9);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 10 * COUNT);
        a10 = HAS_FMA ? x.fma(v, a10) : x.mul(v).add(a10);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 11 * COUNT);
        a11 = HAS_FMA ? x.fma(v, a11) : x.mul(v).add(a11);
      }
      if (p >= 0) {
        long to = sums + p * (4L * BYTES);
        FloatVector s = FloatVector.fromMemorySegment(FLOATS, m, to, ORDER);
        a0.add(s).intoMemorySegment(m, to, ORDER);
        s = FloatVector.fromMemorySegment(FLOATS, m, to + BYTES, ORDER);
        a1.add(s).intoMemorySegment(m, to + BYTES, ORDER);
        s = FloatVector.fromMemorySegment(FLOATS, m, to + 2 * BYTES, ORDER);
        a2.add(s).intoMemorySegment(m, to + 2 * BYTES, ORDER);
        s = FloatVector.fromMemorySegment(FLOATS, m, to + 3 * BYTES, ORDER);
        a3.add(s).intoMemorySegment(m, to + 3 * BYTES, ORDER);
      }
      a0 = a4;
      a1 = a5;
      a2 = a6;
      a3 = a7;
      a4 = a8;
      a5 = a9;
      a6 = a10;
      a7 = a11;
      a8 = FloatVector.zero(FLOATS);
      a9 = FloatVector.zero(FLOATS);
      a10 = FloatVector.zero(FLOATS);
      a11 = FloatVector.zero(FLOATS);
    }
  }

  /** Two vectors of columns, and a row of three taps at a time. */
  private static void slide2(
      int panel,
      float[] values,
      int[] numbers,
      MemorySegment m,
      long starts,
      int pixels,
      long sums) {
    m = Lanes.known(m);
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    FloatVector a4 = a0;
    FloatVector a5 = a0;
    for (int p = -2; p < pixels; p++) {
      int start = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * 4L + 8);
      int end = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * 4L + 12);
      for (int i = start; i < end; i++) {
        int at = (panel + numbers[i] * (6 * COUNT)) & MASK;
        FloatVector x = FloatVector.broadcast(FLOATS, values[i]);
        FloatVector v = FloatVector.fromArray(FLOATS, ARRAY, at);
        a0 = HAS_FMA ? x.fma(v, a0) : x.mul(v).add(a0);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + COUNT);
        a1 = HAS_FMA ? x.fma(v, a1) : x.mul(v).add(a1);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 2 * COUNT);
        a2 = HAS_FMA ? x.fma(v, a2) : x.mul(v).add(a2);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 3 * COUNT);
        a3 = HAS_FMA ? x.fma(v, a3) : x.mul(v).add(a3);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 4 * COUNT);
        a4 = HAS_FMA ? x.fma(v, a4) : x.mul(v).add(a4);
        v = FloatVector.fromArray(FLOATS, ARRAY, at + 5 * COUNT);
        a5 = HAS_FMA ? x.fma(v, a5) : x.mul(v).add(a5);
      }
      if (p >= 0) {
        long to = sums + p * (2L * BYTES);
        FloatVector s = FloatVector.fromMemorySegment(FLOATS, m, to, ORDER);
        a0.add(s).intoMemorySegment(m, to, ORDER);
        s = FloatVector.fromMemorySegment(FLOATS, m, to + BYTES, ORDER);
        a1.add(s).intoMemorySegment(m, to + BYTES, ORDER);
      }
      a0 = a2;
      a1 = a3;
      a2 = a4;
      a3 = a5;
      a4 = FloatVector.zero(FLOATS);
      a5 = FloatVector.zero(FLOATS);
    }
  }
}
