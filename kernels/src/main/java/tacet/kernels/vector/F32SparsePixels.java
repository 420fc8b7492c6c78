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
 * Micro-kernels for vectors of 512 bits ({@link F32ArrayPixels} has those for narrower ones): a row of pixels, each with a list
 * of the channels that are not zero, times two to six vectors of columns.
 *
 * <p>Contract. Pixel p's list is the entries {@code int[starts + p · startStep]} up to the int
 * behind it, exclusive. Entry i is an int at {@code lists + 4 · i}, the number of a channel, and
 * its value, {@code length} bytes behind it. The panel has a row of vectors of weights per channel.
 * The sums, one row of vectors per output pixel at {@code sums}, are added to.
 *
 * <p>Every load of weights feeds one multiply-add. Where vectors of 512 bits are multiplied in two
 * halves that is no loss, as long as the panel stays in the first-level cache: loads come as fast
 * as multiply-adds. The checks of bounds run beside them. What is lost is the end of each list,
 * which no processor foresees: about 40 cycles. So lists are long, and tiles narrow.
 */
final class F32SparsePixels {

  private F32SparsePixels() {}

  /**
   * A row of output pixels.
   *
   * @param width vectors of columns: two to six, or, where outputs slide along, two or three
   * @param slides whether a row of three taps is met at a time
   */
  static void row(
      int width,
      boolean slides,
      MemorySegment w,
      long panel,
      MemorySegment m,
      long lists,
      long length,
      long starts,
      long startStep,
      int pixels,
      long sums) {
    if (slides) {
      if (width == 2) {
        slide2(w, panel, m, lists, length, starts, pixels, sums);
      } else {
        slide3(w, panel, m, lists, length, starts, pixels, sums);
      }
      return;
    }
    switch (width) {
      case 2 -> pixels2(w, panel, m, lists, length, starts, startStep, pixels, sums);
      case 3 -> pixels3(w, panel, m, lists, length, starts, startStep, pixels, sums);
      case 4 -> pixels4(w, panel, m, lists, length, starts, startStep, pixels, sums);
      case 5 -> pixels5(w, panel, m, lists, length, starts, startStep, pixels, sums);
      default -> pixels6(w, panel, m, lists, length, starts, startStep, pixels, sums);
    }
  }

  /** Six vectors of columns. */
  private static void pixels6(
      MemorySegment w,
      long panel,
      MemorySegment m,
      long lists,
      long length,
      long starts,
      long startStep,
      int pixels,
      long sums) {
    w = Lanes.known(w);
    m = Lanes.known(m);
    for (int p = 0; p < pixels; p++) {
      long start = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * startStep) * 4L;
      long end = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * startStep + 4) * 4L;
      if (start == end) {
        continue;
      }
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      FloatVector a4 = a0;
      FloatVector a5 = a0;
      for (long i = start; i < end; i += 4) {
        long at = panel + m.get(ValueLayout.JAVA_INT_UNALIGNED, lists + i) * (6L * BYTES);
        FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, lists + length + i));
        FloatVector v = FloatVector.fromMemorySegment(FLOATS, w, at, ORDER);
        a0 = HAS_FMA ? x.fma(v, a0) : x.mul(v).add(a0);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + BYTES, ORDER);
        a1 = HAS_FMA ? x.fma(v, a1) : x.mul(v).add(a1);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 2 * BYTES, ORDER);
        a2 = HAS_FMA ? x.fma(v, a2) : x.mul(v).add(a2);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 3 * BYTES, ORDER);
        a3 = HAS_FMA ? x.fma(v, a3) : x.mul(v).add(a3);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 4 * BYTES, ORDER);
        a4 = HAS_FMA ? x.fma(v, a4) : x.mul(v).add(a4);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 5 * BYTES, ORDER);
        a5 = HAS_FMA ? x.fma(v, a5) : x.mul(v).add(a5);
      }
      long to = sums + p * (6L * BYTES);
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
    }
  }

  /** Five vectors of columns. */
  private static void pixels5(
      MemorySegment w,
      long panel,
      MemorySegment m,
      long lists,
      long length,
      long starts,
      long startStep,
      int pixels,
      long sums) {
    w = Lanes.known(w);
    m = Lanes.known(m);
    for (int p = 0; p < pixels; p++) {
      long start = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * startStep) * 4L;
      long end = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * startStep + 4) * 4L;
      if (start == end) {
        continue;
      }
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      FloatVector a4 = a0;
      for (long i = start; i < end; i += 4) {
        long at = panel + m.get(ValueLayout.JAVA_INT_UNALIGNED, lists + i) * (5L * BYTES);
        FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, lists + length + i));
        FloatVector v = FloatVector.fromMemorySegment(FLOATS, w, at, ORDER);
        a0 = HAS_FMA ? x.fma(v, a0) : x.mul(v).add(a0);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + BYTES, ORDER);
        a1 = HAS_FMA ? x.fma(v, a1) : x.mul(v).add(a1);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 2 * BYTES, ORDER);
        a2 = HAS_FMA ? x.fma(v, a2) : x.mul(v).add(a2);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 3 * BYTES, ORDER);
        a3 = HAS_FMA ? x.fma(v, a3) : x.mul(v).add(a3);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 4 * BYTES, ORDER);
        a4 = HAS_FMA ? x.fma(v, a4) : x.mul(v).add(a4);
      }
      long to = sums + p * (5L * BYTES);
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
    }
  }

  /** Four vectors of columns. */
  private static void pixels4(
      MemorySegment w,
      long panel,
      MemorySegment m,
      long lists,
      long length,
      long starts,
      long startStep,
      int pixels,
      long sums) {
    w = Lanes.known(w);
    m = Lanes.known(m);
    for (int p = 0; p < pixels; p++) {
      long start = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * startStep) * 4L;
      long end = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * startStep + 4) * 4L;
      if (start == end) {
        continue;
      }
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      for (long i = start; i < end; i += 4) {
        long at = panel + m.get(ValueLayout.JAVA_INT_UNALIGNED, lists + i) * (4L * BYTES);
        FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, lists + length + i));
        FloatVector v = FloatVector.fromMemorySegment(FLOATS, w, at, ORDER);
        a0 = HAS_FMA ? x.fma(v, a0) : x.mul(v).add(a0);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + BYTES, ORDER);
        a1 = HAS_FMA ? x.fma(v, a1) : x.mul(v).add(a1);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 2 * BYTES, ORDER);
        a2 = HAS_FMA ? x.fma(v, a2) : x.mul(v).add(a2);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 3 * BYTES, ORDER);
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

  /** Three vectors of columns. */
  private static void pixels3(
      MemorySegment w,
      long panel,
      MemorySegment m,
      long lists,
      long length,
      long starts,
      long startStep,
      int pixels,
      long sums) {
    w = Lanes.known(w);
    m = Lanes.known(m);
    for (int p = 0; p < pixels; p++) {
      long start = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * startStep) * 4L;
      long end = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * startStep + 4) * 4L;
      if (start == end) {
        continue;
      }
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      for (long i = start; i < end; i += 4) {
        long at = panel + m.get(ValueLayout.JAVA_INT_UNALIGNED, lists + i) * (3L * BYTES);
        FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, lists + length + i));
        FloatVector v = FloatVector.fromMemorySegment(FLOATS, w, at, ORDER);
        a0 = HAS_FMA ? x.fma(v, a0) : x.mul(v).add(a0);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + BYTES, ORDER);
        a1 = HAS_FMA ? x.fma(v, a1) : x.mul(v).add(a1);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 2 * BYTES, ORDER);
        a2 = HAS_FMA ? x.fma(v, a2) : x.mul(v).add(a2);
      }
      long to = sums + p * (3L * BYTES);
      FloatVector s = FloatVector.fromMemorySegment(FLOATS, m, to, ORDER);
      a0.add(s).intoMemorySegment(m, to, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + BYTES, ORDER);
      a1.add(s).intoMemorySegment(m, to + BYTES, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + 2 * BYTES, ORDER);
      a2.add(s).intoMemorySegment(m, to + 2 * BYTES, ORDER);
    }
  }

  /** Two vectors of columns. */
  private static void pixels2(
      MemorySegment w,
      long panel,
      MemorySegment m,
      long lists,
      long length,
      long starts,
      long startStep,
      int pixels,
      long sums) {
    w = Lanes.known(w);
    m = Lanes.known(m);
    for (int p = 0; p < pixels; p++) {
      long start = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * startStep) * 4L;
      long end = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * startStep + 4) * 4L;
      if (start == end) {
        continue;
      }
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      for (long i = start; i < end; i += 4) {
        long at = panel + m.get(ValueLayout.JAVA_INT_UNALIGNED, lists + i) * (2L * BYTES);
        FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, lists + length + i));
        FloatVector v = FloatVector.fromMemorySegment(FLOATS, w, at, ORDER);
        a0 = HAS_FMA ? x.fma(v, a0) : x.mul(v).add(a0);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + BYTES, ORDER);
        a1 = HAS_FMA ? x.fma(v, a1) : x.mul(v).add(a1);
      }
      long to = sums + p * (2L * BYTES);
      FloatVector s = FloatVector.fromMemorySegment(FLOATS, m, to, ORDER);
      a0.add(s).intoMemorySegment(m, to, ORDER);
      s = FloatVector.fromMemorySegment(FLOATS, m, to + BYTES, ORDER);
      a1.add(s).intoMemorySegment(m, to + BYTES, ORDER);
    }
  }

  /**
   * Two vectors of columns, and a row of three taps at a time: an input pixel's list is run through
   * once for the three outputs that meet it, whose sums move on from register to register. A row of
   * the panel is the weights of the last tap, the middle one and the first.
   *
   * @param pixels output pixels; there are lists of two pixels more
   */
  private static void slide2(
      MemorySegment w,
      long panel,
      MemorySegment m,
      long lists,
      long length,
      long starts,
      int pixels,
      long sums) {
    w = Lanes.known(w);
    m = Lanes.known(m);
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    FloatVector a4 = a0;
    FloatVector a5 = a0;
    for (int p = -2; p < pixels; p++) {
      long start = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * 4L + 8) * 4L;
      long end = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * 4L + 12) * 4L;
      for (long i = start; i < end; i += 4) {
        long at = panel + m.get(ValueLayout.JAVA_INT_UNALIGNED, lists + i) * (6L * BYTES);
        FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, lists + length + i));
        FloatVector v = FloatVector.fromMemorySegment(FLOATS, w, at, ORDER);
        a0 = HAS_FMA ? x.fma(v, a0) : x.mul(v).add(a0);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + BYTES, ORDER);
        a1 = HAS_FMA ? x.fma(v, a1) : x.mul(v).add(a1);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 2 * BYTES, ORDER);
        a2 = HAS_FMA ? x.fma(v, a2) : x.mul(v).add(a2);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 3 * BYTES, ORDER);
        a3 = HAS_FMA ? x.fma(v, a3) : x.mul(v).add(a3);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 4 * BYTES, ORDER);
        a4 = HAS_FMA ? x.fma(v, a4) : x.mul(v).add(a4);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 5 * BYTES, ORDER);
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

  /** The same with three vectors of columns. */
  private static void slide3(
      MemorySegment w,
      long panel,
      MemorySegment m,
      long lists,
      long length,
      long starts,
      int pixels,
      long sums) {
    w = Lanes.known(w);
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
    for (int p = -2; p < pixels; p++) {
      long start = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * 4L + 8) * 4L;
      long end = m.get(ValueLayout.JAVA_INT_UNALIGNED, starts + p * 4L + 12) * 4L;
      for (long i = start; i < end; i += 4) {
        long at = panel + m.get(ValueLayout.JAVA_INT_UNALIGNED, lists + i) * (9L * BYTES);
        FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, lists + length + i));
        FloatVector v = FloatVector.fromMemorySegment(FLOATS, w, at, ORDER);
        a0 = HAS_FMA ? x.fma(v, a0) : x.mul(v).add(a0);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + BYTES, ORDER);
        a1 = HAS_FMA ? x.fma(v, a1) : x.mul(v).add(a1);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 2 * BYTES, ORDER);
        a2 = HAS_FMA ? x.fma(v, a2) : x.mul(v).add(a2);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 3 * BYTES, ORDER);
        a3 = HAS_FMA ? x.fma(v, a3) : x.mul(v).add(a3);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 4 * BYTES, ORDER);
        a4 = HAS_FMA ? x.fma(v, a4) : x.mul(v).add(a4);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 5 * BYTES, ORDER);
        a5 = HAS_FMA ? x.fma(v, a5) : x.mul(v).add(a5);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 6 * BYTES, ORDER);
        a6 = HAS_FMA ? x.fma(v, a6) : x.mul(v).add(a6);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 7 * BYTES, ORDER);
        a7 = HAS_FMA ? x.fma(v, a7) : x.mul(v).add(a7);
        v = FloatVector.fromMemorySegment(FLOATS, w, at + 8 * BYTES, ORDER);
        a8 = HAS_FMA ? x.fma(v, a8) : x.mul(v).add(a8);
      }
      if (p >= 0) {
        long to = sums + p * (3L * BYTES);
        FloatVector s = FloatVector.fromMemorySegment(FLOATS, m, to, ORDER);
        a0.add(s).intoMemorySegment(m, to, ORDER);
        s = FloatVector.fromMemorySegment(FLOATS, m, to + BYTES, ORDER);
        a1.add(s).intoMemorySegment(m, to + BYTES, ORDER);
        s = FloatVector.fromMemorySegment(FLOATS, m, to + 2 * BYTES, ORDER);
        a2.add(s).intoMemorySegment(m, to + 2 * BYTES, ORDER);
      }
      a0 = a3;
      a1 = a4;
      a2 = a5;
      a3 = a6;
      a4 = a7;
      a5 = a8;
      a6 = FloatVector.zero(FLOATS);
      a7 = FloatVector.zero(FLOATS);
      a8 = FloatVector.zero(FLOATS);
    }
  }
}
