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
 * Micro-kernels of {@link DenseLayer}: rows of weights, each times its value, are added to sums. They spell everything out for
 * the reasons given at {@link F32Tile}.
 */
final class DenseRows {

  /** Vectors of a strip. */
  static final int STRIP = 8;

  private static final long STRIP_BYTES = (long) STRIP * BYTES;

  private DenseRows() {}

  /**
   * Adds {@code value · row} for the listed values {@code from … to − 1}: four rows per pass over the sums, one from each
   * quarter of the list. So each of four places is read in its order, on which fetching ahead depends; four neighbours are
   * one place of four short runs.
   */
  static void addRows(
      MemorySegment w,
      long first,
      long rowBytes,
      MemorySegment m,
      long values,
      long rows,
      int from,
      int to,
      long sums,
      int bytes) {
    w = Lanes.known(w);
    m = Lanes.known(m);
    int quarter = (to - from) / 4;
    for (int k = 0; k < quarter; k++) {
      long i0 = (from + k) * 4L;
      long i1 = (from + quarter + k) * 4L;
      long i2 = (from + 2 * quarter + k) * 4L;
      long i3 = (from + 3 * quarter + k) * 4L;
      long r0 = first + m.get(ValueLayout.JAVA_INT, rows + i0) * rowBytes;
      long r1 = first + m.get(ValueLayout.JAVA_INT, rows + i1) * rowBytes;
      long r2 = first + m.get(ValueLayout.JAVA_INT, rows + i2) * rowBytes;
      long r3 = first + m.get(ValueLayout.JAVA_INT, rows + i3) * rowBytes;
      FloatVector x0 = FloatVector.broadcast(FLOATS, m.get(FLOAT, values + i0));
      FloatVector x1 = FloatVector.broadcast(FLOATS, m.get(FLOAT, values + i1));
      FloatVector x2 = FloatVector.broadcast(FLOATS, m.get(FLOAT, values + i2));
      FloatVector x3 = FloatVector.broadcast(FLOATS, m.get(FLOAT, values + i3));
      for (int o = 0; o < bytes; o += BYTES) {
        FloatVector a = FloatVector.fromMemorySegment(FLOATS, m, sums + o, ORDER);
        FloatVector b = x1.mul(FloatVector.fromMemorySegment(FLOATS, w, r1 + o, ORDER));
        FloatVector w0 = FloatVector.fromMemorySegment(FLOATS, w, r0 + o, ORDER);
        FloatVector w2 = FloatVector.fromMemorySegment(FLOATS, w, r2 + o, ORDER);
        FloatVector w3 = FloatVector.fromMemorySegment(FLOATS, w, r3 + o, ORDER);
        a = HAS_FMA ? x0.fma(w0, a) : x0.mul(w0).add(a);
        b = HAS_FMA ? x3.fma(w3, b) : x3.mul(w3).add(b);
        a = HAS_FMA ? x2.fma(w2, a) : x2.mul(w2).add(a);
        a.add(b).intoMemorySegment(m, sums + o, ORDER);
      }
    }
    for (int i = from + 4 * quarter; i < to; i++) {
      long r = first + m.get(ValueLayout.JAVA_INT, rows + i * 4L) * rowBytes;
      addRow(w, r, m.get(FLOAT, values + i * 4L), m, sums, bytes);
    }
  }

  /** One row, {@code value} times the vectors from byte {@code row} on. */
  static void addRow(
      MemorySegment w, long row, float value, MemorySegment m, long sums, int bytes) {
    w = Lanes.known(w);
    m = Lanes.known(m);
    FloatVector x = FloatVector.broadcast(FLOATS, value);
    for (int o = 0; o < bytes; o += BYTES) {
      FloatVector a = FloatVector.fromMemorySegment(FLOATS, m, sums + o, ORDER);
      FloatVector b = FloatVector.fromMemorySegment(FLOATS, w, row + o, ORDER);
      a = HAS_FMA ? x.fma(b, a) : x.mul(b).add(a);
      a.intoMemorySegment(m, sums + o, ORDER);
    }
  }

  /**
   * The same for rows of one strip, eight vectors, whose sums stay in registers: many rows are on their way from memory at
   * once.
   */
  static void addStrip(
      MemorySegment w,
      long first,
      MemorySegment m,
      long values,
      long rows,
      int from,
      int to,
      long sums) {
    w = Lanes.known(w);
    m = Lanes.known(m);
    FloatVector c0 = FloatVector.fromMemorySegment(FLOATS, m, sums, ORDER);
    FloatVector c1 = FloatVector.fromMemorySegment(FLOATS, m, sums + BYTES, ORDER);
    FloatVector c2 = FloatVector.fromMemorySegment(FLOATS, m, sums + 2 * BYTES, ORDER);
    FloatVector c3 = FloatVector.fromMemorySegment(FLOATS, m, sums + 3 * BYTES, ORDER);
    FloatVector c4 = FloatVector.fromMemorySegment(FLOATS, m, sums + 4 * BYTES, ORDER);
    FloatVector c5 = FloatVector.fromMemorySegment(FLOATS, m, sums + 5 * BYTES, ORDER);
    FloatVector c6 = FloatVector.fromMemorySegment(FLOATS, m, sums + 6 * BYTES, ORDER);
    FloatVector c7 = FloatVector.fromMemorySegment(FLOATS, m, sums + 7 * BYTES, ORDER);
    for (int i = from; i < to; i++) {
      long r = first + m.get(ValueLayout.JAVA_INT, rows + i * 4L) * STRIP_BYTES;
      FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, values + i * 4L));
      FloatVector b = FloatVector.fromMemorySegment(FLOATS, w, r, ORDER);
      c0 = HAS_FMA ? x.fma(b, c0) : x.mul(b).add(c0);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + BYTES, ORDER);
      c1 = HAS_FMA ? x.fma(b, c1) : x.mul(b).add(c1);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + 2 * BYTES, ORDER);
      c2 = HAS_FMA ? x.fma(b, c2) : x.mul(b).add(c2);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + 3 * BYTES, ORDER);
      c3 = HAS_FMA ? x.fma(b, c3) : x.mul(b).add(c3);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + 4 * BYTES, ORDER);
      c4 = HAS_FMA ? x.fma(b, c4) : x.mul(b).add(c4);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + 5 * BYTES, ORDER);
      c5 = HAS_FMA ? x.fma(b, c5) : x.mul(b).add(c5);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + 6 * BYTES, ORDER);
      c6 = HAS_FMA ? x.fma(b, c6) : x.mul(b).add(c6);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + 7 * BYTES, ORDER);
      c7 = HAS_FMA ? x.fma(b, c7) : x.mul(b).add(c7);
    }
    c0.intoMemorySegment(m, sums, ORDER);
    c1.intoMemorySegment(m, sums + BYTES, ORDER);
    c2.intoMemorySegment(m, sums + 2 * BYTES, ORDER);
    c3.intoMemorySegment(m, sums + 3 * BYTES, ORDER);
    c4.intoMemorySegment(m, sums + 4 * BYTES, ORDER);
    c5.intoMemorySegment(m, sums + 5 * BYTES, ORDER);
    c6.intoMemorySegment(m, sums + 6 * BYTES, ORDER);
    c7.intoMemorySegment(m, sums + 7 * BYTES, ORDER);
  }

  /**
   * The same where rows follow each other, as do their values. Memory is read in two places by turns, since a machine that
   * fetches ahead does so for each of them; C1 cannot compile four ("out of virtual registers"), and then the method may stay
   * where it is, thirty times as slow.
   *
   * @param row byte offset of the first row's vectors
   * @param values byte offset of the first value
   * @param count number of rows
   */
  static void addStrip(
      MemorySegment w, long row, MemorySegment m, long values, int count, long sums) {
    w = Lanes.known(w);
    m = Lanes.known(m);
    int half = count / 2;
    FloatVector c0 = FloatVector.fromMemorySegment(FLOATS, m, sums, ORDER);
    FloatVector c1 = FloatVector.fromMemorySegment(FLOATS, m, sums + BYTES, ORDER);
    FloatVector c2 = FloatVector.fromMemorySegment(FLOATS, m, sums + 2 * BYTES, ORDER);
    FloatVector c3 = FloatVector.fromMemorySegment(FLOATS, m, sums + 3 * BYTES, ORDER);
    FloatVector c4 = FloatVector.fromMemorySegment(FLOATS, m, sums + 4 * BYTES, ORDER);
    FloatVector c5 = FloatVector.fromMemorySegment(FLOATS, m, sums + 5 * BYTES, ORDER);
    FloatVector c6 = FloatVector.fromMemorySegment(FLOATS, m, sums + 6 * BYTES, ORDER);
    FloatVector c7 = FloatVector.fromMemorySegment(FLOATS, m, sums + 7 * BYTES, ORDER);
    long row1 = row + (long) half * STRIP_BYTES;
    long values1 = values + (long) half * Float.BYTES;
    for (int i = 0; i < half; i++) {
      long r = row + i * STRIP_BYTES;
      FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, values + i * 4L));
      FloatVector b = FloatVector.fromMemorySegment(FLOATS, w, r, ORDER);
      c0 = HAS_FMA ? x.fma(b, c0) : x.mul(b).add(c0);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + BYTES, ORDER);
      c1 = HAS_FMA ? x.fma(b, c1) : x.mul(b).add(c1);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + 2 * BYTES, ORDER);
      c2 = HAS_FMA ? x.fma(b, c2) : x.mul(b).add(c2);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + 3 * BYTES, ORDER);
      c3 = HAS_FMA ? x.fma(b, c3) : x.mul(b).add(c3);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + 4 * BYTES, ORDER);
      c4 = HAS_FMA ? x.fma(b, c4) : x.mul(b).add(c4);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + 5 * BYTES, ORDER);
      c5 = HAS_FMA ? x.fma(b, c5) : x.mul(b).add(c5);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + 6 * BYTES, ORDER);
      c6 = HAS_FMA ? x.fma(b, c6) : x.mul(b).add(c6);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + 7 * BYTES, ORDER);
      c7 = HAS_FMA ? x.fma(b, c7) : x.mul(b).add(c7);
      r = row1 + i * STRIP_BYTES;
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, values1 + i * 4L));
      b = FloatVector.fromMemorySegment(FLOATS, w, r, ORDER);
      c0 = HAS_FMA ? x.fma(b, c0) : x.mul(b).add(c0);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + BYTES, ORDER);
      c1 = HAS_FMA ? x.fma(b, c1) : x.mul(b).add(c1);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + 2 * BYTES, ORDER);
      c2 = HAS_FMA ? x.fma(b, c2) : x.mul(b).add(c2);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + 3 * BYTES, ORDER);
      c3 = HAS_FMA ? x.fma(b, c3) : x.mul(b).add(c3);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + 4 * BYTES, ORDER);
      c4 = HAS_FMA ? x.fma(b, c4) : x.mul(b).add(c4);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + 5 * BYTES, ORDER);
      c5 = HAS_FMA ? x.fma(b, c5) : x.mul(b).add(c5);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + 6 * BYTES, ORDER);
      c6 = HAS_FMA ? x.fma(b, c6) : x.mul(b).add(c6);
      b = FloatVector.fromMemorySegment(FLOATS, w, r + 7 * BYTES, ORDER);
      c7 = HAS_FMA ? x.fma(b, c7) : x.mul(b).add(c7);
    }
    c0.intoMemorySegment(m, sums, ORDER);
    c1.intoMemorySegment(m, sums + BYTES, ORDER);
    c2.intoMemorySegment(m, sums + 2 * BYTES, ORDER);
    c3.intoMemorySegment(m, sums + 3 * BYTES, ORDER);
    c4.intoMemorySegment(m, sums + 4 * BYTES, ORDER);
    c5.intoMemorySegment(m, sums + 5 * BYTES, ORDER);
    c6.intoMemorySegment(m, sums + 6 * BYTES, ORDER);
    c7.intoMemorySegment(m, sums + 7 * BYTES, ORDER);
    if (count % 2 == 1) {
      int last = count - 1;
      float value = m.get(FLOAT, values + last * 4L);
      addRow(w, row + last * STRIP_BYTES, value, m, sums, (int) STRIP_BYTES);
    }
  }
}
