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
 * Micro-kernels: a row of pairs of pixels, each pair with a list of the channels where one of the two is not zero, times two
 * to six vectors of columns.
 *
 * <p>Contract. Pair p's list is the entries {@code int[starts + p · startStep]} up to the int behind it, exclusive. Entry i
 * is an int at {@code lists + 4 · i}, the number of a channel; and the two pixels' values, {@code length} and {@code 2 ·
 * length} bytes behind it. The panel holds as many vectors of weights per channel as the kernel is wide. The sums, one row
 * of vectors per pixel at {@code sums}, are added to.
 *
 * <p>Pairs because every load of a vector comes with a check of its bounds, which one pixel alone would pay for every
 * multiply-add: two pixels run at 0.8 of the peak, one at 0.5, and lists of two grow by less than that while zeros of
 * neighbours go together. More than six vectors make a method that C1 cannot compile, so that it is interpreted for long.
 */
final class F32SparsePairs {

  private F32SparsePairs() {}

  /** Six vectors of columns. */
  static void pairs6(
      MemorySegment w,
      long panel,
      MemorySegment m,
      long lists,
      long length,
      long starts,
      long startStep,
      int pairs,
      long sums) {
    long first = lists + length;
    long second = first + length;
    for (int p = 0; p < pairs; p++) {
      long start = m.get(ValueLayout.JAVA_INT, starts + p * startStep) * 4L;
      long end = m.get(ValueLayout.JAVA_INT, starts + p * startStep + 4) * 4L;
      if (start == end) {
        continue;
      }
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      FloatVector a4 = a0;
      FloatVector a5 = a0;
      FloatVector b0 = a0;
      FloatVector b1 = a0;
      FloatVector b2 = a0;
      FloatVector b3 = a0;
      FloatVector b4 = a0;
      FloatVector b5 = a0;
      for (long i = start; i < end; i += 4) {
        long at = panel + m.get(ValueLayout.JAVA_INT_UNALIGNED, lists + i) * (6L * BYTES);
        FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, first + i));
        FloatVector y = FloatVector.broadcast(FLOATS, m.get(FLOAT, second + i));
        FloatVector v = FloatVector.fromMemorySegment(FLOATS, w, at, ORDER);
        a0 = HAS_FMA ? x.fma(v, a0) : x.mul(v).add(a0);
        b0 = HAS_FMA ? y.fma(v, b0) : y.mul(v).add(b0);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + BYTES, ORDER);
        a1 = HAS_FMA ? x.fma(v, a1) : x.mul(v).add(a1);
        b1 = HAS_FMA ? y.fma(v, b1) : y.mul(v).add(b1);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 2 * BYTES, ORDER);
        a2 = HAS_FMA ? x.fma(v, a2) : x.mul(v).add(a2);
        b2 = HAS_FMA ? y.fma(v, b2) : y.mul(v).add(b2);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 3 * BYTES, ORDER);
        a3 = HAS_FMA ? x.fma(v, a3) : x.mul(v).add(a3);
        b3 = HAS_FMA ? y.fma(v, b3) : y.mul(v).add(b3);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 4 * BYTES, ORDER);
        a4 = HAS_FMA ? x.fma(v, a4) : x.mul(v).add(a4);
        b4 = HAS_FMA ? y.fma(v, b4) : y.mul(v).add(b4);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 5 * BYTES, ORDER);
        a5 = HAS_FMA ? x.fma(v, a5) : x.mul(v).add(a5);
        b5 = HAS_FMA ? y.fma(v, b5) : y.mul(v).add(b5);
      }
      long to = sums + p * (12L * BYTES);
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
      b0.add(s).intoMemorySegment(m, to + 6 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 7 * BYTES, ORDER);
      b1.add(s).intoMemorySegment(m, to + 7 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 8 * BYTES, ORDER);
      b2.add(s).intoMemorySegment(m, to + 8 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 9 * BYTES, ORDER);
      b3.add(s).intoMemorySegment(m, to + 9 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 10 * BYTES, ORDER);
      b4.add(s).intoMemorySegment(m, to + 10 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 11 * BYTES, ORDER);
      b5.add(s).intoMemorySegment(m, to + 11 * BYTES, ORDER);
    }
  }

  /** Five vectors of columns. */
  static void pairs5(
      MemorySegment w,
      long panel,
      MemorySegment m,
      long lists,
      long length,
      long starts,
      long startStep,
      int pairs,
      long sums) {
    long first = lists + length;
    long second = first + length;
    for (int p = 0; p < pairs; p++) {
      long start = m.get(ValueLayout.JAVA_INT, starts + p * startStep) * 4L;
      long end = m.get(ValueLayout.JAVA_INT, starts + p * startStep + 4) * 4L;
      if (start == end) {
        continue;
      }
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      FloatVector a4 = a0;
      FloatVector b0 = a0;
      FloatVector b1 = a0;
      FloatVector b2 = a0;
      FloatVector b3 = a0;
      FloatVector b4 = a0;
      for (long i = start; i < end; i += 4) {
        long at = panel + m.get(ValueLayout.JAVA_INT_UNALIGNED, lists + i) * (5L * BYTES);
        FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, first + i));
        FloatVector y = FloatVector.broadcast(FLOATS, m.get(FLOAT, second + i));
        FloatVector v = FloatVector.fromMemorySegment(FLOATS, w, at, ORDER);
        a0 = HAS_FMA ? x.fma(v, a0) : x.mul(v).add(a0);
        b0 = HAS_FMA ? y.fma(v, b0) : y.mul(v).add(b0);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + BYTES, ORDER);
        a1 = HAS_FMA ? x.fma(v, a1) : x.mul(v).add(a1);
        b1 = HAS_FMA ? y.fma(v, b1) : y.mul(v).add(b1);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 2 * BYTES, ORDER);
        a2 = HAS_FMA ? x.fma(v, a2) : x.mul(v).add(a2);
        b2 = HAS_FMA ? y.fma(v, b2) : y.mul(v).add(b2);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 3 * BYTES, ORDER);
        a3 = HAS_FMA ? x.fma(v, a3) : x.mul(v).add(a3);
        b3 = HAS_FMA ? y.fma(v, b3) : y.mul(v).add(b3);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 4 * BYTES, ORDER);
        a4 = HAS_FMA ? x.fma(v, a4) : x.mul(v).add(a4);
        b4 = HAS_FMA ? y.fma(v, b4) : y.mul(v).add(b4);
      }
      long to = sums + p * (10L * BYTES);
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
      b0.add(s).intoMemorySegment(m, to + 5 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 6 * BYTES, ORDER);
      b1.add(s).intoMemorySegment(m, to + 6 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 7 * BYTES, ORDER);
      b2.add(s).intoMemorySegment(m, to + 7 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 8 * BYTES, ORDER);
      b3.add(s).intoMemorySegment(m, to + 8 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 9 * BYTES, ORDER);
      b4.add(s).intoMemorySegment(m, to + 9 * BYTES, ORDER);
    }
  }

  /** Four vectors of columns. */
  static void pairs4(
      MemorySegment w,
      long panel,
      MemorySegment m,
      long lists,
      long length,
      long starts,
      long startStep,
      int pairs,
      long sums) {
    long first = lists + length;
    long second = first + length;
    for (int p = 0; p < pairs; p++) {
      long start = m.get(ValueLayout.JAVA_INT, starts + p * startStep) * 4L;
      long end = m.get(ValueLayout.JAVA_INT, starts + p * startStep + 4) * 4L;
      if (start == end) {
        continue;
      }
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      FloatVector b0 = a0;
      FloatVector b1 = a0;
      FloatVector b2 = a0;
      FloatVector b3 = a0;
      for (long i = start; i < end; i += 4) {
        long at = panel + m.get(ValueLayout.JAVA_INT_UNALIGNED, lists + i) * (4L * BYTES);
        FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, first + i));
        FloatVector y = FloatVector.broadcast(FLOATS, m.get(FLOAT, second + i));
        FloatVector v = FloatVector.fromMemorySegment(FLOATS, w, at, ORDER);
        a0 = HAS_FMA ? x.fma(v, a0) : x.mul(v).add(a0);
        b0 = HAS_FMA ? y.fma(v, b0) : y.mul(v).add(b0);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + BYTES, ORDER);
        a1 = HAS_FMA ? x.fma(v, a1) : x.mul(v).add(a1);
        b1 = HAS_FMA ? y.fma(v, b1) : y.mul(v).add(b1);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 2 * BYTES, ORDER);
        a2 = HAS_FMA ? x.fma(v, a2) : x.mul(v).add(a2);
        b2 = HAS_FMA ? y.fma(v, b2) : y.mul(v).add(b2);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 3 * BYTES, ORDER);
        a3 = HAS_FMA ? x.fma(v, a3) : x.mul(v).add(a3);
        b3 = HAS_FMA ? y.fma(v, b3) : y.mul(v).add(b3);
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
      b0.add(s).intoMemorySegment(m, to + 4 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 5 * BYTES, ORDER);
      b1.add(s).intoMemorySegment(m, to + 5 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 6 * BYTES, ORDER);
      b2.add(s).intoMemorySegment(m, to + 6 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 7 * BYTES, ORDER);
      b3.add(s).intoMemorySegment(m, to + 7 * BYTES, ORDER);
    }
  }

  /** Three vectors of columns. */
  static void pairs3(
      MemorySegment w,
      long panel,
      MemorySegment m,
      long lists,
      long length,
      long starts,
      long startStep,
      int pairs,
      long sums) {
    long first = lists + length;
    long second = first + length;
    for (int p = 0; p < pairs; p++) {
      long start = m.get(ValueLayout.JAVA_INT, starts + p * startStep) * 4L;
      long end = m.get(ValueLayout.JAVA_INT, starts + p * startStep + 4) * 4L;
      if (start == end) {
        continue;
      }
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector b0 = a0;
      FloatVector b1 = a0;
      FloatVector b2 = a0;
      for (long i = start; i < end; i += 4) {
        long at = panel + m.get(ValueLayout.JAVA_INT_UNALIGNED, lists + i) * (3L * BYTES);
        FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, first + i));
        FloatVector y = FloatVector.broadcast(FLOATS, m.get(FLOAT, second + i));
        FloatVector v = FloatVector.fromMemorySegment(FLOATS, w, at, ORDER);
        a0 = HAS_FMA ? x.fma(v, a0) : x.mul(v).add(a0);
        b0 = HAS_FMA ? y.fma(v, b0) : y.mul(v).add(b0);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + BYTES, ORDER);
        a1 = HAS_FMA ? x.fma(v, a1) : x.mul(v).add(a1);
        b1 = HAS_FMA ? y.fma(v, b1) : y.mul(v).add(b1);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 2 * BYTES, ORDER);
        a2 = HAS_FMA ? x.fma(v, a2) : x.mul(v).add(a2);
        b2 = HAS_FMA ? y.fma(v, b2) : y.mul(v).add(b2);
      }
      long to = sums + p * (6L * BYTES);
      FloatVector s = FloatVector.fromMemorySegment(FLOATS, m, to, ORDER);
      a0.add(s).intoMemorySegment(m, to, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + BYTES, ORDER);
      a1.add(s).intoMemorySegment(m, to + BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 2 * BYTES, ORDER);
      a2.add(s).intoMemorySegment(m, to + 2 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 3 * BYTES, ORDER);
      b0.add(s).intoMemorySegment(m, to + 3 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 4 * BYTES, ORDER);
      b1.add(s).intoMemorySegment(m, to + 4 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 5 * BYTES, ORDER);
      b2.add(s).intoMemorySegment(m, to + 5 * BYTES, ORDER);
    }
  }

  /** Two vectors of columns. */
  static void pairs2(
      MemorySegment w,
      long panel,
      MemorySegment m,
      long lists,
      long length,
      long starts,
      long startStep,
      int pairs,
      long sums) {
    long first = lists + length;
    long second = first + length;
    for (int p = 0; p < pairs; p++) {
      long start = m.get(ValueLayout.JAVA_INT, starts + p * startStep) * 4L;
      long end = m.get(ValueLayout.JAVA_INT, starts + p * startStep + 4) * 4L;
      if (start == end) {
        continue;
      }
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      FloatVector b0 = a0;
      FloatVector b1 = a0;
      for (long i = start; i < end; i += 4) {
        long at = panel + m.get(ValueLayout.JAVA_INT_UNALIGNED, lists + i) * (2L * BYTES);
        FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, first + i));
        FloatVector y = FloatVector.broadcast(FLOATS, m.get(FLOAT, second + i));
        FloatVector v = FloatVector.fromMemorySegment(FLOATS, w, at, ORDER);
        a0 = HAS_FMA ? x.fma(v, a0) : x.mul(v).add(a0);
        b0 = HAS_FMA ? y.fma(v, b0) : y.mul(v).add(b0);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + BYTES, ORDER);
        a1 = HAS_FMA ? x.fma(v, a1) : x.mul(v).add(a1);
        b1 = HAS_FMA ? y.fma(v, b1) : y.mul(v).add(b1);
      }
      long to = sums + p * (4L * BYTES);
      FloatVector s = FloatVector.fromMemorySegment(FLOATS, m, to, ORDER);
      a0.add(s).intoMemorySegment(m, to, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + BYTES, ORDER);
      a1.add(s).intoMemorySegment(m, to + BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 2 * BYTES, ORDER);
      b0.add(s).intoMemorySegment(m, to + 2 * BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 3 * BYTES, ORDER);
      b1.add(s).intoMemorySegment(m, to + 3 * BYTES, ORDER);
    }
  }
}
