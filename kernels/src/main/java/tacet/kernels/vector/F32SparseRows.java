package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.FLOAT;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.HAS_FMA;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;

/**
 * Micro-kernels: a row of pixels, each with a list of its values that are not zero, times two to eight vectors of columns.
 *
 * <p>Contract. Pixel p's list is {@code n = int[count + p · countStep]} floats at {@code list + p · listStep}; {@code numbers}
 * bytes behind each float is an int, the byte distance from {@code panel} to the weights it meets: as many vectors as the
 * kernel is wide. Behind its end a list goes on with zeros, as far as the kernel's step. The sums, one row of vectors per
 * pixel at {@code sums}, are added to.
 *
 * <p>Narrow kernels take two or four values per step, so that eight sums hide the latency of a multiply-add. Weights are
 * read once per multiply-add: they must come from the first-level cache.
 */
final class F32SparseRows {

  private F32SparseRows() {}

  /** Values per step of the kernel of this width: lists are filled up with zeros to a multiple of it. */
  static int step(int vectors) {
    return vectors >= 6 ? 1 : 8 / vectors;
  }

  static void rows8(
      MemorySegment w,
      long panel,
      MemorySegment m,
      long list,
      long listStep,
      long numbers,
      long count,
      long countStep,
      int pixels,
      long sums) {
    for (int p = 0; p < pixels; p++) {
      int n = m.get(ValueLayout.JAVA_INT, count + p * countStep);
      if (n == 0) {
        continue;
      }
      long values = list + p * listStep;
      long end = values + n * 4L;
      long at = sums + (long) p * (8 * BYTES);
      FloatVector a0 = FloatVector.fromMemorySegment(FLOATS, m, at, ORDER);
      FloatVector a1 = FloatVector.fromMemorySegment(FLOATS, m, at + BYTES, ORDER);
      FloatVector a2 = FloatVector.fromMemorySegment(FLOATS, m, at + 2 * BYTES, ORDER);
      FloatVector a3 = FloatVector.fromMemorySegment(FLOATS, m, at + 3 * BYTES, ORDER);
      FloatVector a4 = FloatVector.fromMemorySegment(FLOATS, m, at + 4 * BYTES, ORDER);
      FloatVector a5 = FloatVector.fromMemorySegment(FLOATS, m, at + 5 * BYTES, ORDER);
      FloatVector a6 = FloatVector.fromMemorySegment(FLOATS, m, at + 6 * BYTES, ORDER);
      FloatVector a7 = FloatVector.fromMemorySegment(FLOATS, m, at + 7 * BYTES, ORDER);
      for (long v = values; v < end; v += 4) {
        long w0 = panel + m.get(ValueLayout.JAVA_INT, v + numbers);
        FloatVector x0 = FloatVector.broadcast(FLOATS, m.get(FLOAT, v));
        FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, w0, ORDER);
        a0 = HAS_FMA ? x0.fma(b0, a0) : x0.mul(b0).add(a0);
        FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, w, w0 + BYTES, ORDER);
        a1 = HAS_FMA ? x0.fma(b1, a1) : x0.mul(b1).add(a1);
        FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, w, w0 + 2 * BYTES, ORDER);
        a2 = HAS_FMA ? x0.fma(b2, a2) : x0.mul(b2).add(a2);
        FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, w, w0 + 3 * BYTES, ORDER);
        a3 = HAS_FMA ? x0.fma(b3, a3) : x0.mul(b3).add(a3);
        FloatVector b4 = FloatVector.fromMemorySegment(FLOATS, w, w0 + 4 * BYTES, ORDER);
        a4 = HAS_FMA ? x0.fma(b4, a4) : x0.mul(b4).add(a4);
        FloatVector b5 = FloatVector.fromMemorySegment(FLOATS, w, w0 + 5 * BYTES, ORDER);
        a5 = HAS_FMA ? x0.fma(b5, a5) : x0.mul(b5).add(a5);
        FloatVector b6 = FloatVector.fromMemorySegment(FLOATS, w, w0 + 6 * BYTES, ORDER);
        a6 = HAS_FMA ? x0.fma(b6, a6) : x0.mul(b6).add(a6);
        FloatVector b7 = FloatVector.fromMemorySegment(FLOATS, w, w0 + 7 * BYTES, ORDER);
        a7 = HAS_FMA ? x0.fma(b7, a7) : x0.mul(b7).add(a7);
      }
      a0.intoMemorySegment(m, at, ORDER);
      a1.intoMemorySegment(m, at + BYTES, ORDER);
      a2.intoMemorySegment(m, at + 2 * BYTES, ORDER);
      a3.intoMemorySegment(m, at + 3 * BYTES, ORDER);
      a4.intoMemorySegment(m, at + 4 * BYTES, ORDER);
      a5.intoMemorySegment(m, at + 5 * BYTES, ORDER);
      a6.intoMemorySegment(m, at + 6 * BYTES, ORDER);
      a7.intoMemorySegment(m, at + 7 * BYTES, ORDER);
    }
  }

  static void rows6(
      MemorySegment w,
      long panel,
      MemorySegment m,
      long list,
      long listStep,
      long numbers,
      long count,
      long countStep,
      int pixels,
      long sums) {
    for (int p = 0; p < pixels; p++) {
      int n = m.get(ValueLayout.JAVA_INT, count + p * countStep);
      if (n == 0) {
        continue;
      }
      long values = list + p * listStep;
      long end = values + n * 4L;
      long at = sums + (long) p * (6 * BYTES);
      FloatVector a0 = FloatVector.fromMemorySegment(FLOATS, m, at, ORDER);
      FloatVector a1 = FloatVector.fromMemorySegment(FLOATS, m, at + BYTES, ORDER);
      FloatVector a2 = FloatVector.fromMemorySegment(FLOATS, m, at + 2 * BYTES, ORDER);
      FloatVector a3 = FloatVector.fromMemorySegment(FLOATS, m, at + 3 * BYTES, ORDER);
      FloatVector a4 = FloatVector.fromMemorySegment(FLOATS, m, at + 4 * BYTES, ORDER);
      FloatVector a5 = FloatVector.fromMemorySegment(FLOATS, m, at + 5 * BYTES, ORDER);
      for (long v = values; v < end; v += 4) {
        long w0 = panel + m.get(ValueLayout.JAVA_INT, v + numbers);
        FloatVector x0 = FloatVector.broadcast(FLOATS, m.get(FLOAT, v));
        FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, w0, ORDER);
        a0 = HAS_FMA ? x0.fma(b0, a0) : x0.mul(b0).add(a0);
        FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, w, w0 + BYTES, ORDER);
        a1 = HAS_FMA ? x0.fma(b1, a1) : x0.mul(b1).add(a1);
        FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, w, w0 + 2 * BYTES, ORDER);
        a2 = HAS_FMA ? x0.fma(b2, a2) : x0.mul(b2).add(a2);
        FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, w, w0 + 3 * BYTES, ORDER);
        a3 = HAS_FMA ? x0.fma(b3, a3) : x0.mul(b3).add(a3);
        FloatVector b4 = FloatVector.fromMemorySegment(FLOATS, w, w0 + 4 * BYTES, ORDER);
        a4 = HAS_FMA ? x0.fma(b4, a4) : x0.mul(b4).add(a4);
        FloatVector b5 = FloatVector.fromMemorySegment(FLOATS, w, w0 + 5 * BYTES, ORDER);
        a5 = HAS_FMA ? x0.fma(b5, a5) : x0.mul(b5).add(a5);
      }
      a0.intoMemorySegment(m, at, ORDER);
      a1.intoMemorySegment(m, at + BYTES, ORDER);
      a2.intoMemorySegment(m, at + 2 * BYTES, ORDER);
      a3.intoMemorySegment(m, at + 3 * BYTES, ORDER);
      a4.intoMemorySegment(m, at + 4 * BYTES, ORDER);
      a5.intoMemorySegment(m, at + 5 * BYTES, ORDER);
    }
  }

  static void rows4(
      MemorySegment w,
      long panel,
      MemorySegment m,
      long list,
      long listStep,
      long numbers,
      long count,
      long countStep,
      int pixels,
      long sums) {
    for (int p = 0; p < pixels; p++) {
      int n = m.get(ValueLayout.JAVA_INT, count + p * countStep);
      if (n == 0) {
        continue;
      }
      long values = list + p * listStep;
      long end = values + n * 4L;
      long at = sums + (long) p * (4 * BYTES);
      FloatVector a0 = FloatVector.fromMemorySegment(FLOATS, m, at, ORDER);
      FloatVector a1 = FloatVector.fromMemorySegment(FLOATS, m, at + BYTES, ORDER);
      FloatVector a2 = FloatVector.fromMemorySegment(FLOATS, m, at + 2 * BYTES, ORDER);
      FloatVector a3 = FloatVector.fromMemorySegment(FLOATS, m, at + 3 * BYTES, ORDER);
      FloatVector a4 = FloatVector.zero(FLOATS);
      FloatVector a5 = FloatVector.zero(FLOATS);
      FloatVector a6 = FloatVector.zero(FLOATS);
      FloatVector a7 = FloatVector.zero(FLOATS);
      for (long v = values; v < end; v += 8) {
        long w0 = panel + m.get(ValueLayout.JAVA_INT, v + numbers);
        FloatVector x0 = FloatVector.broadcast(FLOATS, m.get(FLOAT, v));
        long w1 = panel + m.get(ValueLayout.JAVA_INT, v + numbers + 4);
        FloatVector x1 = FloatVector.broadcast(FLOATS, m.get(FLOAT, v + 4));
        FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, w0, ORDER);
        a0 = HAS_FMA ? x0.fma(b0, a0) : x0.mul(b0).add(a0);
        FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, w, w0 + BYTES, ORDER);
        a1 = HAS_FMA ? x0.fma(b1, a1) : x0.mul(b1).add(a1);
        FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, w, w0 + 2 * BYTES, ORDER);
        a2 = HAS_FMA ? x0.fma(b2, a2) : x0.mul(b2).add(a2);
        FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, w, w0 + 3 * BYTES, ORDER);
        a3 = HAS_FMA ? x0.fma(b3, a3) : x0.mul(b3).add(a3);
        FloatVector b4 = FloatVector.fromMemorySegment(FLOATS, w, w1, ORDER);
        a4 = HAS_FMA ? x1.fma(b4, a4) : x1.mul(b4).add(a4);
        FloatVector b5 = FloatVector.fromMemorySegment(FLOATS, w, w1 + BYTES, ORDER);
        a5 = HAS_FMA ? x1.fma(b5, a5) : x1.mul(b5).add(a5);
        FloatVector b6 = FloatVector.fromMemorySegment(FLOATS, w, w1 + 2 * BYTES, ORDER);
        a6 = HAS_FMA ? x1.fma(b6, a6) : x1.mul(b6).add(a6);
        FloatVector b7 = FloatVector.fromMemorySegment(FLOATS, w, w1 + 3 * BYTES, ORDER);
        a7 = HAS_FMA ? x1.fma(b7, a7) : x1.mul(b7).add(a7);
      }
      a0.add(a4).intoMemorySegment(m, at, ORDER);
      a1.add(a5).intoMemorySegment(m, at + BYTES, ORDER);
      a2.add(a6).intoMemorySegment(m, at + 2 * BYTES, ORDER);
      a3.add(a7).intoMemorySegment(m, at + 3 * BYTES, ORDER);
    }
  }

  static void rows2(
      MemorySegment w,
      long panel,
      MemorySegment m,
      long list,
      long listStep,
      long numbers,
      long count,
      long countStep,
      int pixels,
      long sums) {
    for (int p = 0; p < pixels; p++) {
      int n = m.get(ValueLayout.JAVA_INT, count + p * countStep);
      if (n == 0) {
        continue;
      }
      long values = list + p * listStep;
      long end = values + n * 4L;
      long at = sums + (long) p * (2 * BYTES);
      FloatVector a0 = FloatVector.fromMemorySegment(FLOATS, m, at, ORDER);
      FloatVector a1 = FloatVector.fromMemorySegment(FLOATS, m, at + BYTES, ORDER);
      FloatVector a2 = FloatVector.zero(FLOATS);
      FloatVector a3 = FloatVector.zero(FLOATS);
      FloatVector a4 = FloatVector.zero(FLOATS);
      FloatVector a5 = FloatVector.zero(FLOATS);
      FloatVector a6 = FloatVector.zero(FLOATS);
      FloatVector a7 = FloatVector.zero(FLOATS);
      for (long v = values; v < end; v += 16) {
        long w0 = panel + m.get(ValueLayout.JAVA_INT, v + numbers);
        FloatVector x0 = FloatVector.broadcast(FLOATS, m.get(FLOAT, v));
        long w1 = panel + m.get(ValueLayout.JAVA_INT, v + numbers + 4);
        FloatVector x1 = FloatVector.broadcast(FLOATS, m.get(FLOAT, v + 4));
        long w2 = panel + m.get(ValueLayout.JAVA_INT, v + numbers + 8);
        FloatVector x2 = FloatVector.broadcast(FLOATS, m.get(FLOAT, v + 8));
        long w3 = panel + m.get(ValueLayout.JAVA_INT, v + numbers + 12);
        FloatVector x3 = FloatVector.broadcast(FLOATS, m.get(FLOAT, v + 12));
        FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, w0, ORDER);
        a0 = HAS_FMA ? x0.fma(b0, a0) : x0.mul(b0).add(a0);
        FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, w, w0 + BYTES, ORDER);
        a1 = HAS_FMA ? x0.fma(b1, a1) : x0.mul(b1).add(a1);
        FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, w, w1, ORDER);
        a2 = HAS_FMA ? x1.fma(b2, a2) : x1.mul(b2).add(a2);
        FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, w, w1 + BYTES, ORDER);
        a3 = HAS_FMA ? x1.fma(b3, a3) : x1.mul(b3).add(a3);
        FloatVector b4 = FloatVector.fromMemorySegment(FLOATS, w, w2, ORDER);
        a4 = HAS_FMA ? x2.fma(b4, a4) : x2.mul(b4).add(a4);
        FloatVector b5 = FloatVector.fromMemorySegment(FLOATS, w, w2 + BYTES, ORDER);
        a5 = HAS_FMA ? x2.fma(b5, a5) : x2.mul(b5).add(a5);
        FloatVector b6 = FloatVector.fromMemorySegment(FLOATS, w, w3, ORDER);
        a6 = HAS_FMA ? x3.fma(b6, a6) : x3.mul(b6).add(a6);
        FloatVector b7 = FloatVector.fromMemorySegment(FLOATS, w, w3 + BYTES, ORDER);
        a7 = HAS_FMA ? x3.fma(b7, a7) : x3.mul(b7).add(a7);
      }
      a0.add(a2).add(a4.add(a6)).intoMemorySegment(m, at, ORDER);
      a1.add(a3).add(a5.add(a7)).intoMemorySegment(m, at + BYTES, ORDER);
    }
  }
}
