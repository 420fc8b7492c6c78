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

  private DenseRows() {}

  /** Adds {@code value · row} for the listed values {@code from … to − 1}: four rows per pass over the sums. */
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
    int i = from;
    for (; i + 4 <= to; i += 4) {
      long r0 = first + m.get(ValueLayout.JAVA_INT, rows + i * 4L) * rowBytes;
      long r1 = first + m.get(ValueLayout.JAVA_INT, rows + i * 4L + 4) * rowBytes;
      long r2 = first + m.get(ValueLayout.JAVA_INT, rows + i * 4L + 8) * rowBytes;
      long r3 = first + m.get(ValueLayout.JAVA_INT, rows + i * 4L + 12) * rowBytes;
      FloatVector x0 = FloatVector.broadcast(FLOATS, m.get(FLOAT, values + i * 4L));
      FloatVector x1 = FloatVector.broadcast(FLOATS, m.get(FLOAT, values + i * 4L + 4));
      FloatVector x2 = FloatVector.broadcast(FLOATS, m.get(FLOAT, values + i * 4L + 8));
      FloatVector x3 = FloatVector.broadcast(FLOATS, m.get(FLOAT, values + i * 4L + 12));
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
    for (; i < to; i++) {
      long r = first + m.get(ValueLayout.JAVA_INT, rows + i * 4L) * rowBytes;
      FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, values + i * 4L));
      for (int o = 0; o < bytes; o += BYTES) {
        FloatVector a = FloatVector.fromMemorySegment(FLOATS, m, sums + o, ORDER);
        FloatVector b = FloatVector.fromMemorySegment(FLOATS, w, r + o, ORDER);
        a = HAS_FMA ? x.fma(b, a) : x.mul(b).add(a);
        a.intoMemorySegment(m, sums + o, ORDER);
      }
    }
  }

  /**
   * The same for eight neighbouring vectors, whose sums stay in registers: a row is one short run, and many rows are on their
   * way from memory at once.
   */
  static void addStrip(
      MemorySegment w,
      long first,
      long rowBytes,
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
      long r = first + m.get(ValueLayout.JAVA_INT, rows + i * 4L) * rowBytes;
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
   * The same where rows follow each other, as do their values: addresses that grow evenly are checked once for all. Memory is
   * read in four places by turns, since a machine that fetches ahead does so for each of them.
   *
   * @param row byte offset of the first row's vectors
   * @param values byte offset of the first value
   * @param count number of rows
   */
  static void addStrip(
      MemorySegment w,
      long row,
      long rowBytes,
      MemorySegment m,
      long values,
      int count,
      long sums) {
    w = Lanes.known(w);
    m = Lanes.known(m);
    int quarter = count / 4;
    FloatVector c0 = FloatVector.fromMemorySegment(FLOATS, m, sums, ORDER);
    FloatVector c1 = FloatVector.fromMemorySegment(FLOATS, m, sums + BYTES, ORDER);
    FloatVector c2 = FloatVector.fromMemorySegment(FLOATS, m, sums + 2 * BYTES, ORDER);
    FloatVector c3 = FloatVector.fromMemorySegment(FLOATS, m, sums + 3 * BYTES, ORDER);
    FloatVector c4 = FloatVector.fromMemorySegment(FLOATS, m, sums + 4 * BYTES, ORDER);
    FloatVector c5 = FloatVector.fromMemorySegment(FLOATS, m, sums + 5 * BYTES, ORDER);
    FloatVector c6 = FloatVector.fromMemorySegment(FLOATS, m, sums + 6 * BYTES, ORDER);
    FloatVector c7 = FloatVector.fromMemorySegment(FLOATS, m, sums + 7 * BYTES, ORDER);
    long row1 = row + (long) quarter * rowBytes;
    long values1 = values + (long) quarter * Float.BYTES;
    long row2 = row + 2L * quarter * rowBytes;
    long values2 = values + 2L * quarter * Float.BYTES;
    long row3 = row + 3L * quarter * rowBytes;
    long values3 = values + 3L * quarter * Float.BYTES;
    for (int i = 0; i < quarter; i++) {
      long r = row + i * rowBytes;
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
      r = row1 + i * rowBytes;
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
      r = row2 + i * rowBytes;
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, values2 + i * 4L));
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
      r = row3 + i * rowBytes;
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, values3 + i * 4L));
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
    for (int i = 4 * quarter; i < count; i++) {
      long r = row + i * rowBytes;
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
}
