package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.FLOAT;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.HAS_FMA;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Micro-kernels: six rows times one to four vectors of columns, accumulated over k in registers.
 *
 * <p>Contract. Row r of the left operand is read at {@code x[p_r + table[k]]}, so that any stride, dilation, layout or row
 * break costs nothing; the right operand is packed, {@code vectors} vectors for each k, from byte {@code w0} on for {@code
 * k = from}. The accumulators are 6 · vectors vectors at {@code acc}, row by row; they start at what lies there, and are
 * stored there.
 *
 * <p>What C2 needs to keep them in registers: one loop over k with nothing else in it, at most 24 accumulators, no choice
 * of what they start at, and the JDK's methods called directly – those are inlined whatever the size of the caller,
 * helpers of our own no longer are behind {@code NodeCountInliningCutoff}.
 */
final class F32Tile {

  /** Rows per tile. */
  static final int ROWS = 6;

  private F32Tile() {}

  /** Sets a tile's accumulators to zero. */
  static void clear(MemorySegment x, long acc, int vectors) {
    FloatVector zero = FloatVector.zero(FLOATS);
    for (int i = 0; i < ROWS * vectors; i++) {
      zero.intoMemorySegment(x, acc + (long) i * BYTES, ORDER);
    }
  }

  static void tile6x1(
      MemorySegment x,
      long p0,
      long p1,
      long p2,
      long p3,
      long p4,
      long p5,
      long[] table,
      int from,
      int to,
      MemorySegment w,
      long w0,
      long acc) {
    FloatVector c00 = FloatVector.fromMemorySegment(FLOATS, x, acc, ORDER);
    FloatVector c10 = FloatVector.fromMemorySegment(FLOATS, x, acc + BYTES, ORDER);
    FloatVector c20 = FloatVector.fromMemorySegment(FLOATS, x, acc + 2 * BYTES, ORDER);
    FloatVector c30 = FloatVector.fromMemorySegment(FLOATS, x, acc + 3 * BYTES, ORDER);
    FloatVector c40 = FloatVector.fromMemorySegment(FLOATS, x, acc + 4 * BYTES, ORDER);
    FloatVector c50 = FloatVector.fromMemorySegment(FLOATS, x, acc + 5 * BYTES, ORDER);
    for (int k = from; k < to; k++) {
      long t = table[k];
      long wk = w0 + (long) (k - from) * BYTES;
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, wk, ORDER);
      FloatVector a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p0 + t));
      c00 = HAS_FMA ? a.fma(b0, c00) : a.mul(b0).add(c00);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p1 + t));
      c10 = HAS_FMA ? a.fma(b0, c10) : a.mul(b0).add(c10);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p2 + t));
      c20 = HAS_FMA ? a.fma(b0, c20) : a.mul(b0).add(c20);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p3 + t));
      c30 = HAS_FMA ? a.fma(b0, c30) : a.mul(b0).add(c30);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p4 + t));
      c40 = HAS_FMA ? a.fma(b0, c40) : a.mul(b0).add(c40);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p5 + t));
      c50 = HAS_FMA ? a.fma(b0, c50) : a.mul(b0).add(c50);
    }
    c00.intoMemorySegment(x, acc, ORDER);
    c10.intoMemorySegment(x, acc + BYTES, ORDER);
    c20.intoMemorySegment(x, acc + 2 * BYTES, ORDER);
    c30.intoMemorySegment(x, acc + 3 * BYTES, ORDER);
    c40.intoMemorySegment(x, acc + 4 * BYTES, ORDER);
    c50.intoMemorySegment(x, acc + 5 * BYTES, ORDER);
  }

  static void tile6x2(
      MemorySegment x,
      long p0,
      long p1,
      long p2,
      long p3,
      long p4,
      long p5,
      long[] table,
      int from,
      int to,
      MemorySegment w,
      long w0,
      long acc) {
    FloatVector c00 = FloatVector.fromMemorySegment(FLOATS, x, acc, ORDER);
    FloatVector c01 = FloatVector.fromMemorySegment(FLOATS, x, acc + BYTES, ORDER);
    FloatVector c10 = FloatVector.fromMemorySegment(FLOATS, x, acc + 2 * BYTES, ORDER);
    FloatVector c11 = FloatVector.fromMemorySegment(FLOATS, x, acc + 3 * BYTES, ORDER);
    FloatVector c20 = FloatVector.fromMemorySegment(FLOATS, x, acc + 4 * BYTES, ORDER);
    FloatVector c21 = FloatVector.fromMemorySegment(FLOATS, x, acc + 5 * BYTES, ORDER);
    FloatVector c30 = FloatVector.fromMemorySegment(FLOATS, x, acc + 6 * BYTES, ORDER);
    FloatVector c31 = FloatVector.fromMemorySegment(FLOATS, x, acc + 7 * BYTES, ORDER);
    FloatVector c40 = FloatVector.fromMemorySegment(FLOATS, x, acc + 8 * BYTES, ORDER);
    FloatVector c41 = FloatVector.fromMemorySegment(FLOATS, x, acc + 9 * BYTES, ORDER);
    FloatVector c50 = FloatVector.fromMemorySegment(FLOATS, x, acc + 10 * BYTES, ORDER);
    FloatVector c51 = FloatVector.fromMemorySegment(FLOATS, x, acc + 11 * BYTES, ORDER);
    for (int k = from; k < to; k++) {
      long t = table[k];
      long wk = w0 + (long) (k - from) * (2 * BYTES);
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, wk, ORDER);
      FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, w, wk + BYTES, ORDER);
      FloatVector a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p0 + t));
      c00 = HAS_FMA ? a.fma(b0, c00) : a.mul(b0).add(c00);
      c01 = HAS_FMA ? a.fma(b1, c01) : a.mul(b1).add(c01);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p1 + t));
      c10 = HAS_FMA ? a.fma(b0, c10) : a.mul(b0).add(c10);
      c11 = HAS_FMA ? a.fma(b1, c11) : a.mul(b1).add(c11);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p2 + t));
      c20 = HAS_FMA ? a.fma(b0, c20) : a.mul(b0).add(c20);
      c21 = HAS_FMA ? a.fma(b1, c21) : a.mul(b1).add(c21);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p3 + t));
      c30 = HAS_FMA ? a.fma(b0, c30) : a.mul(b0).add(c30);
      c31 = HAS_FMA ? a.fma(b1, c31) : a.mul(b1).add(c31);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p4 + t));
      c40 = HAS_FMA ? a.fma(b0, c40) : a.mul(b0).add(c40);
      c41 = HAS_FMA ? a.fma(b1, c41) : a.mul(b1).add(c41);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p5 + t));
      c50 = HAS_FMA ? a.fma(b0, c50) : a.mul(b0).add(c50);
      c51 = HAS_FMA ? a.fma(b1, c51) : a.mul(b1).add(c51);
    }
    c00.intoMemorySegment(x, acc, ORDER);
    c01.intoMemorySegment(x, acc + BYTES, ORDER);
    c10.intoMemorySegment(x, acc + 2 * BYTES, ORDER);
    c11.intoMemorySegment(x, acc + 3 * BYTES, ORDER);
    c20.intoMemorySegment(x, acc + 4 * BYTES, ORDER);
    c21.intoMemorySegment(x, acc + 5 * BYTES, ORDER);
    c30.intoMemorySegment(x, acc + 6 * BYTES, ORDER);
    c31.intoMemorySegment(x, acc + 7 * BYTES, ORDER);
    c40.intoMemorySegment(x, acc + 8 * BYTES, ORDER);
    c41.intoMemorySegment(x, acc + 9 * BYTES, ORDER);
    c50.intoMemorySegment(x, acc + 10 * BYTES, ORDER);
    c51.intoMemorySegment(x, acc + 11 * BYTES, ORDER);
  }

  static void tile6x3(
      MemorySegment x,
      long p0,
      long p1,
      long p2,
      long p3,
      long p4,
      long p5,
      long[] table,
      int from,
      int to,
      MemorySegment w,
      long w0,
      long acc) {
    FloatVector c00 = FloatVector.fromMemorySegment(FLOATS, x, acc, ORDER);
    FloatVector c01 = FloatVector.fromMemorySegment(FLOATS, x, acc + BYTES, ORDER);
    FloatVector c02 = FloatVector.fromMemorySegment(FLOATS, x, acc + 2 * BYTES, ORDER);
    FloatVector c10 = FloatVector.fromMemorySegment(FLOATS, x, acc + 3 * BYTES, ORDER);
    FloatVector c11 = FloatVector.fromMemorySegment(FLOATS, x, acc + 4 * BYTES, ORDER);
    FloatVector c12 = FloatVector.fromMemorySegment(FLOATS, x, acc + 5 * BYTES, ORDER);
    FloatVector c20 = FloatVector.fromMemorySegment(FLOATS, x, acc + 6 * BYTES, ORDER);
    FloatVector c21 = FloatVector.fromMemorySegment(FLOATS, x, acc + 7 * BYTES, ORDER);
    FloatVector c22 = FloatVector.fromMemorySegment(FLOATS, x, acc + 8 * BYTES, ORDER);
    FloatVector c30 = FloatVector.fromMemorySegment(FLOATS, x, acc + 9 * BYTES, ORDER);
    FloatVector c31 = FloatVector.fromMemorySegment(FLOATS, x, acc + 10 * BYTES, ORDER);
    FloatVector c32 = FloatVector.fromMemorySegment(FLOATS, x, acc + 11 * BYTES, ORDER);
    FloatVector c40 = FloatVector.fromMemorySegment(FLOATS, x, acc + 12 * BYTES, ORDER);
    FloatVector c41 = FloatVector.fromMemorySegment(FLOATS, x, acc + 13 * BYTES, ORDER);
    FloatVector c42 = FloatVector.fromMemorySegment(FLOATS, x, acc + 14 * BYTES, ORDER);
    FloatVector c50 = FloatVector.fromMemorySegment(FLOATS, x, acc + 15 * BYTES, ORDER);
    FloatVector c51 = FloatVector.fromMemorySegment(FLOATS, x, acc + 16 * BYTES, ORDER);
    FloatVector c52 = FloatVector.fromMemorySegment(FLOATS, x, acc + 17 * BYTES, ORDER);
    for (int k = from; k < to; k++) {
      long t = table[k];
      long wk = w0 + (long) (k - from) * (3 * BYTES);
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, wk, ORDER);
      FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, w, wk + BYTES, ORDER);
      FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, w, wk + 2 * BYTES, ORDER);
      FloatVector a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p0 + t));
      c00 = HAS_FMA ? a.fma(b0, c00) : a.mul(b0).add(c00);
      c01 = HAS_FMA ? a.fma(b1, c01) : a.mul(b1).add(c01);
      c02 = HAS_FMA ? a.fma(b2, c02) : a.mul(b2).add(c02);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p1 + t));
      c10 = HAS_FMA ? a.fma(b0, c10) : a.mul(b0).add(c10);
      c11 = HAS_FMA ? a.fma(b1, c11) : a.mul(b1).add(c11);
      c12 = HAS_FMA ? a.fma(b2, c12) : a.mul(b2).add(c12);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p2 + t));
      c20 = HAS_FMA ? a.fma(b0, c20) : a.mul(b0).add(c20);
      c21 = HAS_FMA ? a.fma(b1, c21) : a.mul(b1).add(c21);
      c22 = HAS_FMA ? a.fma(b2, c22) : a.mul(b2).add(c22);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p3 + t));
      c30 = HAS_FMA ? a.fma(b0, c30) : a.mul(b0).add(c30);
      c31 = HAS_FMA ? a.fma(b1, c31) : a.mul(b1).add(c31);
      c32 = HAS_FMA ? a.fma(b2, c32) : a.mul(b2).add(c32);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p4 + t));
      c40 = HAS_FMA ? a.fma(b0, c40) : a.mul(b0).add(c40);
      c41 = HAS_FMA ? a.fma(b1, c41) : a.mul(b1).add(c41);
      c42 = HAS_FMA ? a.fma(b2, c42) : a.mul(b2).add(c42);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p5 + t));
      c50 = HAS_FMA ? a.fma(b0, c50) : a.mul(b0).add(c50);
      c51 = HAS_FMA ? a.fma(b1, c51) : a.mul(b1).add(c51);
      c52 = HAS_FMA ? a.fma(b2, c52) : a.mul(b2).add(c52);
    }
    c00.intoMemorySegment(x, acc, ORDER);
    c01.intoMemorySegment(x, acc + BYTES, ORDER);
    c02.intoMemorySegment(x, acc + 2 * BYTES, ORDER);
    c10.intoMemorySegment(x, acc + 3 * BYTES, ORDER);
    c11.intoMemorySegment(x, acc + 4 * BYTES, ORDER);
    c12.intoMemorySegment(x, acc + 5 * BYTES, ORDER);
    c20.intoMemorySegment(x, acc + 6 * BYTES, ORDER);
    c21.intoMemorySegment(x, acc + 7 * BYTES, ORDER);
    c22.intoMemorySegment(x, acc + 8 * BYTES, ORDER);
    c30.intoMemorySegment(x, acc + 9 * BYTES, ORDER);
    c31.intoMemorySegment(x, acc + 10 * BYTES, ORDER);
    c32.intoMemorySegment(x, acc + 11 * BYTES, ORDER);
    c40.intoMemorySegment(x, acc + 12 * BYTES, ORDER);
    c41.intoMemorySegment(x, acc + 13 * BYTES, ORDER);
    c42.intoMemorySegment(x, acc + 14 * BYTES, ORDER);
    c50.intoMemorySegment(x, acc + 15 * BYTES, ORDER);
    c51.intoMemorySegment(x, acc + 16 * BYTES, ORDER);
    c52.intoMemorySegment(x, acc + 17 * BYTES, ORDER);
  }

  static void tile6x4(
      MemorySegment x,
      long p0,
      long p1,
      long p2,
      long p3,
      long p4,
      long p5,
      long[] table,
      int from,
      int to,
      MemorySegment w,
      long w0,
      long acc) {
    FloatVector c00 = FloatVector.fromMemorySegment(FLOATS, x, acc, ORDER);
    FloatVector c01 = FloatVector.fromMemorySegment(FLOATS, x, acc + BYTES, ORDER);
    FloatVector c02 = FloatVector.fromMemorySegment(FLOATS, x, acc + 2 * BYTES, ORDER);
    FloatVector c03 = FloatVector.fromMemorySegment(FLOATS, x, acc + 3 * BYTES, ORDER);
    FloatVector c10 = FloatVector.fromMemorySegment(FLOATS, x, acc + 4 * BYTES, ORDER);
    FloatVector c11 = FloatVector.fromMemorySegment(FLOATS, x, acc + 5 * BYTES, ORDER);
    FloatVector c12 = FloatVector.fromMemorySegment(FLOATS, x, acc + 6 * BYTES, ORDER);
    FloatVector c13 = FloatVector.fromMemorySegment(FLOATS, x, acc + 7 * BYTES, ORDER);
    FloatVector c20 = FloatVector.fromMemorySegment(FLOATS, x, acc + 8 * BYTES, ORDER);
    FloatVector c21 = FloatVector.fromMemorySegment(FLOATS, x, acc + 9 * BYTES, ORDER);
    FloatVector c22 = FloatVector.fromMemorySegment(FLOATS, x, acc + 10 * BYTES, ORDER);
    FloatVector c23 = FloatVector.fromMemorySegment(FLOATS, x, acc + 11 * BYTES, ORDER);
    FloatVector c30 = FloatVector.fromMemorySegment(FLOATS, x, acc + 12 * BYTES, ORDER);
    FloatVector c31 = FloatVector.fromMemorySegment(FLOATS, x, acc + 13 * BYTES, ORDER);
    FloatVector c32 = FloatVector.fromMemorySegment(FLOATS, x, acc + 14 * BYTES, ORDER);
    FloatVector c33 = FloatVector.fromMemorySegment(FLOATS, x, acc + 15 * BYTES, ORDER);
    FloatVector c40 = FloatVector.fromMemorySegment(FLOATS, x, acc + 16 * BYTES, ORDER);
    FloatVector c41 = FloatVector.fromMemorySegment(FLOATS, x, acc + 17 * BYTES, ORDER);
    FloatVector c42 = FloatVector.fromMemorySegment(FLOATS, x, acc + 18 * BYTES, ORDER);
    FloatVector c43 = FloatVector.fromMemorySegment(FLOATS, x, acc + 19 * BYTES, ORDER);
    FloatVector c50 = FloatVector.fromMemorySegment(FLOATS, x, acc + 20 * BYTES, ORDER);
    FloatVector c51 = FloatVector.fromMemorySegment(FLOATS, x, acc + 21 * BYTES, ORDER);
    FloatVector c52 = FloatVector.fromMemorySegment(FLOATS, x, acc + 22 * BYTES, ORDER);
    FloatVector c53 = FloatVector.fromMemorySegment(FLOATS, x, acc + 23 * BYTES, ORDER);
    for (int k = from; k < to; k++) {
      long t = table[k];
      long wk = w0 + (long) (k - from) * (4 * BYTES);
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, wk, ORDER);
      FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, w, wk + BYTES, ORDER);
      FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, w, wk + 2 * BYTES, ORDER);
      FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, w, wk + 3 * BYTES, ORDER);
      FloatVector a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p0 + t));
      c00 = HAS_FMA ? a.fma(b0, c00) : a.mul(b0).add(c00);
      c01 = HAS_FMA ? a.fma(b1, c01) : a.mul(b1).add(c01);
      c02 = HAS_FMA ? a.fma(b2, c02) : a.mul(b2).add(c02);
      c03 = HAS_FMA ? a.fma(b3, c03) : a.mul(b3).add(c03);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p1 + t));
      c10 = HAS_FMA ? a.fma(b0, c10) : a.mul(b0).add(c10);
      c11 = HAS_FMA ? a.fma(b1, c11) : a.mul(b1).add(c11);
      c12 = HAS_FMA ? a.fma(b2, c12) : a.mul(b2).add(c12);
      c13 = HAS_FMA ? a.fma(b3, c13) : a.mul(b3).add(c13);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p2 + t));
      c20 = HAS_FMA ? a.fma(b0, c20) : a.mul(b0).add(c20);
      c21 = HAS_FMA ? a.fma(b1, c21) : a.mul(b1).add(c21);
      c22 = HAS_FMA ? a.fma(b2, c22) : a.mul(b2).add(c22);
      c23 = HAS_FMA ? a.fma(b3, c23) : a.mul(b3).add(c23);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p3 + t));
      c30 = HAS_FMA ? a.fma(b0, c30) : a.mul(b0).add(c30);
      c31 = HAS_FMA ? a.fma(b1, c31) : a.mul(b1).add(c31);
      c32 = HAS_FMA ? a.fma(b2, c32) : a.mul(b2).add(c32);
      c33 = HAS_FMA ? a.fma(b3, c33) : a.mul(b3).add(c33);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p4 + t));
      c40 = HAS_FMA ? a.fma(b0, c40) : a.mul(b0).add(c40);
      c41 = HAS_FMA ? a.fma(b1, c41) : a.mul(b1).add(c41);
      c42 = HAS_FMA ? a.fma(b2, c42) : a.mul(b2).add(c42);
      c43 = HAS_FMA ? a.fma(b3, c43) : a.mul(b3).add(c43);
      a = FloatVector.broadcast(FLOATS, x.get(FLOAT, p5 + t));
      c50 = HAS_FMA ? a.fma(b0, c50) : a.mul(b0).add(c50);
      c51 = HAS_FMA ? a.fma(b1, c51) : a.mul(b1).add(c51);
      c52 = HAS_FMA ? a.fma(b2, c52) : a.mul(b2).add(c52);
      c53 = HAS_FMA ? a.fma(b3, c53) : a.mul(b3).add(c53);
    }
    c00.intoMemorySegment(x, acc, ORDER);
    c01.intoMemorySegment(x, acc + BYTES, ORDER);
    c02.intoMemorySegment(x, acc + 2 * BYTES, ORDER);
    c03.intoMemorySegment(x, acc + 3 * BYTES, ORDER);
    c10.intoMemorySegment(x, acc + 4 * BYTES, ORDER);
    c11.intoMemorySegment(x, acc + 5 * BYTES, ORDER);
    c12.intoMemorySegment(x, acc + 6 * BYTES, ORDER);
    c13.intoMemorySegment(x, acc + 7 * BYTES, ORDER);
    c20.intoMemorySegment(x, acc + 8 * BYTES, ORDER);
    c21.intoMemorySegment(x, acc + 9 * BYTES, ORDER);
    c22.intoMemorySegment(x, acc + 10 * BYTES, ORDER);
    c23.intoMemorySegment(x, acc + 11 * BYTES, ORDER);
    c30.intoMemorySegment(x, acc + 12 * BYTES, ORDER);
    c31.intoMemorySegment(x, acc + 13 * BYTES, ORDER);
    c32.intoMemorySegment(x, acc + 14 * BYTES, ORDER);
    c33.intoMemorySegment(x, acc + 15 * BYTES, ORDER);
    c40.intoMemorySegment(x, acc + 16 * BYTES, ORDER);
    c41.intoMemorySegment(x, acc + 17 * BYTES, ORDER);
    c42.intoMemorySegment(x, acc + 18 * BYTES, ORDER);
    c43.intoMemorySegment(x, acc + 19 * BYTES, ORDER);
    c50.intoMemorySegment(x, acc + 20 * BYTES, ORDER);
    c51.intoMemorySegment(x, acc + 21 * BYTES, ORDER);
    c52.intoMemorySegment(x, acc + 22 * BYTES, ORDER);
    c53.intoMemorySegment(x, acc + 23 * BYTES, ORDER);
  }
}
