package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.FLOAT;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.HAS_FMA;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * The micro-kernels of {@link F32DirectTile} for rows that are neighbours in memory, as the pixels of a block of channels are:
 * row r of the left operand begins {@code r · BYTES} behind row 0. One address and constant displacements serve all rows,
 * which takes less beside the multiply-adds; every load still has a check of bounds.
 */
final class F32RunTile {

  private F32RunTile() {}

  /** Six rows, four vectors. */
  static void tile6x4(
      MemorySegment m,
      long row,
      long[] at,
      int first,
      int depth,
      MemorySegment w,
      long w0,
      long t) {
    m = Lanes.known(m);
    w = Lanes.known(w);
    FloatVector c00 = FloatVector.zero(FLOATS);
    FloatVector c01 = c00;
    FloatVector c02 = c00;
    FloatVector c03 = c00;
    FloatVector c10 = c00;
    FloatVector c11 = c00;
    FloatVector c12 = c00;
    FloatVector c13 = c00;
    FloatVector c20 = c00;
    FloatVector c21 = c00;
    FloatVector c22 = c00;
    FloatVector c23 = c00;
    FloatVector c30 = c00;
    FloatVector c31 = c00;
    FloatVector c32 = c00;
    FloatVector c33 = c00;
    FloatVector c40 = c00;
    FloatVector c41 = c00;
    FloatVector c42 = c00;
    FloatVector c43 = c00;
    FloatVector c50 = c00;
    FloatVector c51 = c00;
    FloatVector c52 = c00;
    FloatVector c53 = c00;
    long v0 = w0 - (long) first * (4 * BYTES);
    int end = first + depth;
    for (int k = first; k < end; k++) {
      long o = v0 + (long) k * (4 * BYTES);
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, o, ORDER);
      FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, w, o + BYTES, ORDER);
      FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, w, o + 2 * BYTES, ORDER);
      FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, w, o + 3 * BYTES, ORDER);
      long a = row + at[k];
      FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a));
      c00 = HAS_FMA ? x.fma(b0, c00) : x.mul(b0).add(c00);
      c01 = HAS_FMA ? x.fma(b1, c01) : x.mul(b1).add(c01);
      c02 = HAS_FMA ? x.fma(b2, c02) : x.mul(b2).add(c02);
      c03 = HAS_FMA ? x.fma(b3, c03) : x.mul(b3).add(c03);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + BYTES));
      c10 = HAS_FMA ? x.fma(b0, c10) : x.mul(b0).add(c10);
      c11 = HAS_FMA ? x.fma(b1, c11) : x.mul(b1).add(c11);
      c12 = HAS_FMA ? x.fma(b2, c12) : x.mul(b2).add(c12);
      c13 = HAS_FMA ? x.fma(b3, c13) : x.mul(b3).add(c13);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 2 * BYTES));
      c20 = HAS_FMA ? x.fma(b0, c20) : x.mul(b0).add(c20);
      c21 = HAS_FMA ? x.fma(b1, c21) : x.mul(b1).add(c21);
      c22 = HAS_FMA ? x.fma(b2, c22) : x.mul(b2).add(c22);
      c23 = HAS_FMA ? x.fma(b3, c23) : x.mul(b3).add(c23);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 3 * BYTES));
      c30 = HAS_FMA ? x.fma(b0, c30) : x.mul(b0).add(c30);
      c31 = HAS_FMA ? x.fma(b1, c31) : x.mul(b1).add(c31);
      c32 = HAS_FMA ? x.fma(b2, c32) : x.mul(b2).add(c32);
      c33 = HAS_FMA ? x.fma(b3, c33) : x.mul(b3).add(c33);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 4 * BYTES));
      c40 = HAS_FMA ? x.fma(b0, c40) : x.mul(b0).add(c40);
      c41 = HAS_FMA ? x.fma(b1, c41) : x.mul(b1).add(c41);
      c42 = HAS_FMA ? x.fma(b2, c42) : x.mul(b2).add(c42);
      c43 = HAS_FMA ? x.fma(b3, c43) : x.mul(b3).add(c43);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 5 * BYTES));
      c50 = HAS_FMA ? x.fma(b0, c50) : x.mul(b0).add(c50);
      c51 = HAS_FMA ? x.fma(b1, c51) : x.mul(b1).add(c51);
      c52 = HAS_FMA ? x.fma(b2, c52) : x.mul(b2).add(c52);
      c53 = HAS_FMA ? x.fma(b3, c53) : x.mul(b3).add(c53);
    }
    c00.intoMemorySegment(m, t, ORDER);
    c01.intoMemorySegment(m, t + BYTES, ORDER);
    c02.intoMemorySegment(m, t + 2 * BYTES, ORDER);
    c03.intoMemorySegment(m, t + 3 * BYTES, ORDER);
    c10.intoMemorySegment(m, t + 4 * BYTES, ORDER);
    c11.intoMemorySegment(m, t + 5 * BYTES, ORDER);
    c12.intoMemorySegment(m, t + 6 * BYTES, ORDER);
    c13.intoMemorySegment(m, t + 7 * BYTES, ORDER);
    c20.intoMemorySegment(m, t + 8 * BYTES, ORDER);
    c21.intoMemorySegment(m, t + 9 * BYTES, ORDER);
    c22.intoMemorySegment(m, t + 10 * BYTES, ORDER);
    c23.intoMemorySegment(m, t + 11 * BYTES, ORDER);
    c30.intoMemorySegment(m, t + 12 * BYTES, ORDER);
    c31.intoMemorySegment(m, t + 13 * BYTES, ORDER);
    c32.intoMemorySegment(m, t + 14 * BYTES, ORDER);
    c33.intoMemorySegment(m, t + 15 * BYTES, ORDER);
    c40.intoMemorySegment(m, t + 16 * BYTES, ORDER);
    c41.intoMemorySegment(m, t + 17 * BYTES, ORDER);
    c42.intoMemorySegment(m, t + 18 * BYTES, ORDER);
    c43.intoMemorySegment(m, t + 19 * BYTES, ORDER);
    c50.intoMemorySegment(m, t + 20 * BYTES, ORDER);
    c51.intoMemorySegment(m, t + 21 * BYTES, ORDER);
    c52.intoMemorySegment(m, t + 22 * BYTES, ORDER);
    c53.intoMemorySegment(m, t + 23 * BYTES, ORDER);
  }

  /** Six rows, three vectors. */
  static void tile6x3(
      MemorySegment m,
      long row,
      long[] at,
      int first,
      int depth,
      MemorySegment w,
      long w0,
      long t) {
    m = Lanes.known(m);
    w = Lanes.known(w);
    FloatVector c00 = FloatVector.zero(FLOATS);
    FloatVector c01 = c00;
    FloatVector c02 = c00;
    FloatVector c10 = c00;
    FloatVector c11 = c00;
    FloatVector c12 = c00;
    FloatVector c20 = c00;
    FloatVector c21 = c00;
    FloatVector c22 = c00;
    FloatVector c30 = c00;
    FloatVector c31 = c00;
    FloatVector c32 = c00;
    FloatVector c40 = c00;
    FloatVector c41 = c00;
    FloatVector c42 = c00;
    FloatVector c50 = c00;
    FloatVector c51 = c00;
    FloatVector c52 = c00;
    long v0 = w0 - (long) first * (3 * BYTES);
    int end = first + depth;
    for (int k = first; k < end; k++) {
      long o = v0 + (long) k * (3 * BYTES);
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, o, ORDER);
      FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, w, o + BYTES, ORDER);
      FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, w, o + 2 * BYTES, ORDER);
      long a = row + at[k];
      FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a));
      c00 = HAS_FMA ? x.fma(b0, c00) : x.mul(b0).add(c00);
      c01 = HAS_FMA ? x.fma(b1, c01) : x.mul(b1).add(c01);
      c02 = HAS_FMA ? x.fma(b2, c02) : x.mul(b2).add(c02);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + BYTES));
      c10 = HAS_FMA ? x.fma(b0, c10) : x.mul(b0).add(c10);
      c11 = HAS_FMA ? x.fma(b1, c11) : x.mul(b1).add(c11);
      c12 = HAS_FMA ? x.fma(b2, c12) : x.mul(b2).add(c12);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 2 * BYTES));
      c20 = HAS_FMA ? x.fma(b0, c20) : x.mul(b0).add(c20);
      c21 = HAS_FMA ? x.fma(b1, c21) : x.mul(b1).add(c21);
      c22 = HAS_FMA ? x.fma(b2, c22) : x.mul(b2).add(c22);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 3 * BYTES));
      c30 = HAS_FMA ? x.fma(b0, c30) : x.mul(b0).add(c30);
      c31 = HAS_FMA ? x.fma(b1, c31) : x.mul(b1).add(c31);
      c32 = HAS_FMA ? x.fma(b2, c32) : x.mul(b2).add(c32);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 4 * BYTES));
      c40 = HAS_FMA ? x.fma(b0, c40) : x.mul(b0).add(c40);
      c41 = HAS_FMA ? x.fma(b1, c41) : x.mul(b1).add(c41);
      c42 = HAS_FMA ? x.fma(b2, c42) : x.mul(b2).add(c42);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 5 * BYTES));
      c50 = HAS_FMA ? x.fma(b0, c50) : x.mul(b0).add(c50);
      c51 = HAS_FMA ? x.fma(b1, c51) : x.mul(b1).add(c51);
      c52 = HAS_FMA ? x.fma(b2, c52) : x.mul(b2).add(c52);
    }
    c00.intoMemorySegment(m, t, ORDER);
    c01.intoMemorySegment(m, t + BYTES, ORDER);
    c02.intoMemorySegment(m, t + 2 * BYTES, ORDER);
    c10.intoMemorySegment(m, t + 3 * BYTES, ORDER);
    c11.intoMemorySegment(m, t + 4 * BYTES, ORDER);
    c12.intoMemorySegment(m, t + 5 * BYTES, ORDER);
    c20.intoMemorySegment(m, t + 6 * BYTES, ORDER);
    c21.intoMemorySegment(m, t + 7 * BYTES, ORDER);
    c22.intoMemorySegment(m, t + 8 * BYTES, ORDER);
    c30.intoMemorySegment(m, t + 9 * BYTES, ORDER);
    c31.intoMemorySegment(m, t + 10 * BYTES, ORDER);
    c32.intoMemorySegment(m, t + 11 * BYTES, ORDER);
    c40.intoMemorySegment(m, t + 12 * BYTES, ORDER);
    c41.intoMemorySegment(m, t + 13 * BYTES, ORDER);
    c42.intoMemorySegment(m, t + 14 * BYTES, ORDER);
    c50.intoMemorySegment(m, t + 15 * BYTES, ORDER);
    c51.intoMemorySegment(m, t + 16 * BYTES, ORDER);
    c52.intoMemorySegment(m, t + 17 * BYTES, ORDER);
  }

  /** Eight rows, two vectors. */
  static void tile8x2(
      MemorySegment m,
      long row,
      long[] at,
      int first,
      int depth,
      MemorySegment w,
      long w0,
      long t) {
    m = Lanes.known(m);
    w = Lanes.known(w);
    FloatVector c00 = FloatVector.zero(FLOATS);
    FloatVector c01 = c00;
    FloatVector c10 = c00;
    FloatVector c11 = c00;
    FloatVector c20 = c00;
    FloatVector c21 = c00;
    FloatVector c30 = c00;
    FloatVector c31 = c00;
    FloatVector c40 = c00;
    FloatVector c41 = c00;
    FloatVector c50 = c00;
    FloatVector c51 = c00;
    FloatVector c60 = c00;
    FloatVector c61 = c00;
    FloatVector c70 = c00;
    FloatVector c71 = c00;
    long v0 = w0 - (long) first * (2 * BYTES);
    int end = first + depth;
    for (int k = first; k < end; k++) {
      long o = v0 + (long) k * (2 * BYTES);
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, o, ORDER);
      FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, w, o + BYTES, ORDER);
      long a = row + at[k];
      FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a));
      c00 = HAS_FMA ? x.fma(b0, c00) : x.mul(b0).add(c00);
      c01 = HAS_FMA ? x.fma(b1, c01) : x.mul(b1).add(c01);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + BYTES));
      c10 = HAS_FMA ? x.fma(b0, c10) : x.mul(b0).add(c10);
      c11 = HAS_FMA ? x.fma(b1, c11) : x.mul(b1).add(c11);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 2 * BYTES));
      c20 = HAS_FMA ? x.fma(b0, c20) : x.mul(b0).add(c20);
      c21 = HAS_FMA ? x.fma(b1, c21) : x.mul(b1).add(c21);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 3 * BYTES));
      c30 = HAS_FMA ? x.fma(b0, c30) : x.mul(b0).add(c30);
      c31 = HAS_FMA ? x.fma(b1, c31) : x.mul(b1).add(c31);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 4 * BYTES));
      c40 = HAS_FMA ? x.fma(b0, c40) : x.mul(b0).add(c40);
      c41 = HAS_FMA ? x.fma(b1, c41) : x.mul(b1).add(c41);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 5 * BYTES));
      c50 = HAS_FMA ? x.fma(b0, c50) : x.mul(b0).add(c50);
      c51 = HAS_FMA ? x.fma(b1, c51) : x.mul(b1).add(c51);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 6 * BYTES));
      c60 = HAS_FMA ? x.fma(b0, c60) : x.mul(b0).add(c60);
      c61 = HAS_FMA ? x.fma(b1, c61) : x.mul(b1).add(c61);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 7 * BYTES));
      c70 = HAS_FMA ? x.fma(b0, c70) : x.mul(b0).add(c70);
      c71 = HAS_FMA ? x.fma(b1, c71) : x.mul(b1).add(c71);
    }
    c00.intoMemorySegment(m, t, ORDER);
    c01.intoMemorySegment(m, t + BYTES, ORDER);
    c10.intoMemorySegment(m, t + 2 * BYTES, ORDER);
    c11.intoMemorySegment(m, t + 3 * BYTES, ORDER);
    c20.intoMemorySegment(m, t + 4 * BYTES, ORDER);
    c21.intoMemorySegment(m, t + 5 * BYTES, ORDER);
    c30.intoMemorySegment(m, t + 6 * BYTES, ORDER);
    c31.intoMemorySegment(m, t + 7 * BYTES, ORDER);
    c40.intoMemorySegment(m, t + 8 * BYTES, ORDER);
    c41.intoMemorySegment(m, t + 9 * BYTES, ORDER);
    c50.intoMemorySegment(m, t + 10 * BYTES, ORDER);
    c51.intoMemorySegment(m, t + 11 * BYTES, ORDER);
    c60.intoMemorySegment(m, t + 12 * BYTES, ORDER);
    c61.intoMemorySegment(m, t + 13 * BYTES, ORDER);
    c70.intoMemorySegment(m, t + 14 * BYTES, ORDER);
    c71.intoMemorySegment(m, t + 15 * BYTES, ORDER);
  }

  /** Twelve rows, one vector. */
  static void tile12x1(
      MemorySegment m,
      long row,
      long[] at,
      int first,
      int depth,
      MemorySegment w,
      long w0,
      long t) {
    m = Lanes.known(m);
    w = Lanes.known(w);
    FloatVector c00 = FloatVector.zero(FLOATS);
    FloatVector c10 = c00;
    FloatVector c20 = c00;
    FloatVector c30 = c00;
    FloatVector c40 = c00;
    FloatVector c50 = c00;
    FloatVector c60 = c00;
    FloatVector c70 = c00;
    FloatVector c80 = c00;
    FloatVector c90 = c00;
    FloatVector c100 = c00;
    FloatVector c110 = c00;
    long v0 = w0 - (long) first * BYTES;
    int end = first + depth;
    for (int k = first; k < end; k++) {
      long o = v0 + (long) k * BYTES;
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, o, ORDER);
      long a = row + at[k];
      FloatVector x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a));
      c00 = HAS_FMA ? x.fma(b0, c00) : x.mul(b0).add(c00);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + BYTES));
      c10 = HAS_FMA ? x.fma(b0, c10) : x.mul(b0).add(c10);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 2 * BYTES));
      c20 = HAS_FMA ? x.fma(b0, c20) : x.mul(b0).add(c20);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 3 * BYTES));
      c30 = HAS_FMA ? x.fma(b0, c30) : x.mul(b0).add(c30);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 4 * BYTES));
      c40 = HAS_FMA ? x.fma(b0, c40) : x.mul(b0).add(c40);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 5 * BYTES));
      c50 = HAS_FMA ? x.fma(b0, c50) : x.mul(b0).add(c50);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 6 * BYTES));
      c60 = HAS_FMA ? x.fma(b0, c60) : x.mul(b0).add(c60);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 7 * BYTES));
      c70 = HAS_FMA ? x.fma(b0, c70) : x.mul(b0).add(c70);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 8 * BYTES));
      c80 = HAS_FMA ? x.fma(b0, c80) : x.mul(b0).add(c80);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 9 * BYTES));
      c90 = HAS_FMA ? x.fma(b0, c90) : x.mul(b0).add(c90);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 10 * BYTES));
      c100 = HAS_FMA ? x.fma(b0, c100) : x.mul(b0).add(c100);
      x = FloatVector.broadcast(FLOATS, m.get(FLOAT, a + 11 * BYTES));
      c110 = HAS_FMA ? x.fma(b0, c110) : x.mul(b0).add(c110);
    }
    c00.intoMemorySegment(m, t, ORDER);
    c10.intoMemorySegment(m, t + BYTES, ORDER);
    c20.intoMemorySegment(m, t + 2 * BYTES, ORDER);
    c30.intoMemorySegment(m, t + 3 * BYTES, ORDER);
    c40.intoMemorySegment(m, t + 4 * BYTES, ORDER);
    c50.intoMemorySegment(m, t + 5 * BYTES, ORDER);
    c60.intoMemorySegment(m, t + 6 * BYTES, ORDER);
    c70.intoMemorySegment(m, t + 7 * BYTES, ORDER);
    c80.intoMemorySegment(m, t + 8 * BYTES, ORDER);
    c90.intoMemorySegment(m, t + 9 * BYTES, ORDER);
    c100.intoMemorySegment(m, t + 10 * BYTES, ORDER);
    c110.intoMemorySegment(m, t + 11 * BYTES, ORDER);
  }
}
