package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.broadcast;
import static tacet.kernels.vector.Lanes.fma;
import static tacet.kernels.vector.Lanes.load;
import static tacet.kernels.vector.Lanes.store;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Micro-kernels: six rows times one to four vectors of columns, accumulated over k in registers.
 *
 * <p>Contract. Row r of the left operand is read at {@code x[p_r + table[k]]}, so that any stride, dilation, layout or row
 * break costs nothing; the right operand is packed, {@code vectors} vectors for each k, from byte {@code w0} on for {@code
 * k = from}. The accumulators are 6 · vectors vectors at {@code acc}, row by row; they start at zero where {@code first},
 * otherwise at what lies there, and are stored there. Each is one loop over k with nothing else in it: with nested loops,
 * or with more than 24 accumulators, C2 spills them.
 */
final class F32Tile {

  /** Rows per tile. */
  static final int ROWS = 6;

  private F32Tile() {}

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
      long acc,
      boolean first) {
    FloatVector z = FloatVector.zero(Lanes.FLOATS);
    FloatVector c00 = first ? z : load(x, acc);
    FloatVector c10 = first ? z : load(x, acc + Lanes.BYTES);
    FloatVector c20 = first ? z : load(x, acc + 2 * Lanes.BYTES);
    FloatVector c30 = first ? z : load(x, acc + 3 * Lanes.BYTES);
    FloatVector c40 = first ? z : load(x, acc + 4 * Lanes.BYTES);
    FloatVector c50 = first ? z : load(x, acc + 5 * Lanes.BYTES);
    for (int k = from; k < to; k++) {
      long t = table[k];
      long wk = w0 + (long) (k - from) * Lanes.BYTES;
      FloatVector b0 = load(w, wk);
      FloatVector a = broadcast(x, p0 + t);
      c00 = fma(a, b0, c00);
      a = broadcast(x, p1 + t);
      c10 = fma(a, b0, c10);
      a = broadcast(x, p2 + t);
      c20 = fma(a, b0, c20);
      a = broadcast(x, p3 + t);
      c30 = fma(a, b0, c30);
      a = broadcast(x, p4 + t);
      c40 = fma(a, b0, c40);
      a = broadcast(x, p5 + t);
      c50 = fma(a, b0, c50);
    }
    store(c00, x, acc);
    store(c10, x, acc + Lanes.BYTES);
    store(c20, x, acc + 2 * Lanes.BYTES);
    store(c30, x, acc + 3 * Lanes.BYTES);
    store(c40, x, acc + 4 * Lanes.BYTES);
    store(c50, x, acc + 5 * Lanes.BYTES);
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
      long acc,
      boolean first) {
    FloatVector z = FloatVector.zero(Lanes.FLOATS);
    FloatVector c00 = first ? z : load(x, acc);
    FloatVector c01 = first ? z : load(x, acc + Lanes.BYTES);
    FloatVector c10 = first ? z : load(x, acc + 2 * Lanes.BYTES);
    FloatVector c11 = first ? z : load(x, acc + 3 * Lanes.BYTES);
    FloatVector c20 = first ? z : load(x, acc + 4 * Lanes.BYTES);
    FloatVector c21 = first ? z : load(x, acc + 5 * Lanes.BYTES);
    FloatVector c30 = first ? z : load(x, acc + 6 * Lanes.BYTES);
    FloatVector c31 = first ? z : load(x, acc + 7 * Lanes.BYTES);
    FloatVector c40 = first ? z : load(x, acc + 8 * Lanes.BYTES);
    FloatVector c41 = first ? z : load(x, acc + 9 * Lanes.BYTES);
    FloatVector c50 = first ? z : load(x, acc + 10 * Lanes.BYTES);
    FloatVector c51 = first ? z : load(x, acc + 11 * Lanes.BYTES);
    for (int k = from; k < to; k++) {
      long t = table[k];
      long wk = w0 + (long) (k - from) * (2 * Lanes.BYTES);
      FloatVector b0 = load(w, wk);
      FloatVector b1 = load(w, wk + Lanes.BYTES);
      FloatVector a = broadcast(x, p0 + t);
      c00 = fma(a, b0, c00);
      c01 = fma(a, b1, c01);
      a = broadcast(x, p1 + t);
      c10 = fma(a, b0, c10);
      c11 = fma(a, b1, c11);
      a = broadcast(x, p2 + t);
      c20 = fma(a, b0, c20);
      c21 = fma(a, b1, c21);
      a = broadcast(x, p3 + t);
      c30 = fma(a, b0, c30);
      c31 = fma(a, b1, c31);
      a = broadcast(x, p4 + t);
      c40 = fma(a, b0, c40);
      c41 = fma(a, b1, c41);
      a = broadcast(x, p5 + t);
      c50 = fma(a, b0, c50);
      c51 = fma(a, b1, c51);
    }
    store(c00, x, acc);
    store(c01, x, acc + Lanes.BYTES);
    store(c10, x, acc + 2 * Lanes.BYTES);
    store(c11, x, acc + 3 * Lanes.BYTES);
    store(c20, x, acc + 4 * Lanes.BYTES);
    store(c21, x, acc + 5 * Lanes.BYTES);
    store(c30, x, acc + 6 * Lanes.BYTES);
    store(c31, x, acc + 7 * Lanes.BYTES);
    store(c40, x, acc + 8 * Lanes.BYTES);
    store(c41, x, acc + 9 * Lanes.BYTES);
    store(c50, x, acc + 10 * Lanes.BYTES);
    store(c51, x, acc + 11 * Lanes.BYTES);
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
      long acc,
      boolean first) {
    FloatVector z = FloatVector.zero(Lanes.FLOATS);
    FloatVector c00 = first ? z : load(x, acc);
    FloatVector c01 = first ? z : load(x, acc + Lanes.BYTES);
    FloatVector c02 = first ? z : load(x, acc + 2 * Lanes.BYTES);
    FloatVector c10 = first ? z : load(x, acc + 3 * Lanes.BYTES);
    FloatVector c11 = first ? z : load(x, acc + 4 * Lanes.BYTES);
    FloatVector c12 = first ? z : load(x, acc + 5 * Lanes.BYTES);
    FloatVector c20 = first ? z : load(x, acc + 6 * Lanes.BYTES);
    FloatVector c21 = first ? z : load(x, acc + 7 * Lanes.BYTES);
    FloatVector c22 = first ? z : load(x, acc + 8 * Lanes.BYTES);
    FloatVector c30 = first ? z : load(x, acc + 9 * Lanes.BYTES);
    FloatVector c31 = first ? z : load(x, acc + 10 * Lanes.BYTES);
    FloatVector c32 = first ? z : load(x, acc + 11 * Lanes.BYTES);
    FloatVector c40 = first ? z : load(x, acc + 12 * Lanes.BYTES);
    FloatVector c41 = first ? z : load(x, acc + 13 * Lanes.BYTES);
    FloatVector c42 = first ? z : load(x, acc + 14 * Lanes.BYTES);
    FloatVector c50 = first ? z : load(x, acc + 15 * Lanes.BYTES);
    FloatVector c51 = first ? z : load(x, acc + 16 * Lanes.BYTES);
    FloatVector c52 = first ? z : load(x, acc + 17 * Lanes.BYTES);
    for (int k = from; k < to; k++) {
      long t = table[k];
      long wk = w0 + (long) (k - from) * (3 * Lanes.BYTES);
      FloatVector b0 = load(w, wk);
      FloatVector b1 = load(w, wk + Lanes.BYTES);
      FloatVector b2 = load(w, wk + 2 * Lanes.BYTES);
      FloatVector a = broadcast(x, p0 + t);
      c00 = fma(a, b0, c00);
      c01 = fma(a, b1, c01);
      c02 = fma(a, b2, c02);
      a = broadcast(x, p1 + t);
      c10 = fma(a, b0, c10);
      c11 = fma(a, b1, c11);
      c12 = fma(a, b2, c12);
      a = broadcast(x, p2 + t);
      c20 = fma(a, b0, c20);
      c21 = fma(a, b1, c21);
      c22 = fma(a, b2, c22);
      a = broadcast(x, p3 + t);
      c30 = fma(a, b0, c30);
      c31 = fma(a, b1, c31);
      c32 = fma(a, b2, c32);
      a = broadcast(x, p4 + t);
      c40 = fma(a, b0, c40);
      c41 = fma(a, b1, c41);
      c42 = fma(a, b2, c42);
      a = broadcast(x, p5 + t);
      c50 = fma(a, b0, c50);
      c51 = fma(a, b1, c51);
      c52 = fma(a, b2, c52);
    }
    store(c00, x, acc);
    store(c01, x, acc + Lanes.BYTES);
    store(c02, x, acc + 2 * Lanes.BYTES);
    store(c10, x, acc + 3 * Lanes.BYTES);
    store(c11, x, acc + 4 * Lanes.BYTES);
    store(c12, x, acc + 5 * Lanes.BYTES);
    store(c20, x, acc + 6 * Lanes.BYTES);
    store(c21, x, acc + 7 * Lanes.BYTES);
    store(c22, x, acc + 8 * Lanes.BYTES);
    store(c30, x, acc + 9 * Lanes.BYTES);
    store(c31, x, acc + 10 * Lanes.BYTES);
    store(c32, x, acc + 11 * Lanes.BYTES);
    store(c40, x, acc + 12 * Lanes.BYTES);
    store(c41, x, acc + 13 * Lanes.BYTES);
    store(c42, x, acc + 14 * Lanes.BYTES);
    store(c50, x, acc + 15 * Lanes.BYTES);
    store(c51, x, acc + 16 * Lanes.BYTES);
    store(c52, x, acc + 17 * Lanes.BYTES);
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
      long acc,
      boolean first) {
    FloatVector z = FloatVector.zero(Lanes.FLOATS);
    FloatVector c00 = first ? z : load(x, acc);
    FloatVector c01 = first ? z : load(x, acc + Lanes.BYTES);
    FloatVector c02 = first ? z : load(x, acc + 2 * Lanes.BYTES);
    FloatVector c03 = first ? z : load(x, acc + 3 * Lanes.BYTES);
    FloatVector c10 = first ? z : load(x, acc + 4 * Lanes.BYTES);
    FloatVector c11 = first ? z : load(x, acc + 5 * Lanes.BYTES);
    FloatVector c12 = first ? z : load(x, acc + 6 * Lanes.BYTES);
    FloatVector c13 = first ? z : load(x, acc + 7 * Lanes.BYTES);
    FloatVector c20 = first ? z : load(x, acc + 8 * Lanes.BYTES);
    FloatVector c21 = first ? z : load(x, acc + 9 * Lanes.BYTES);
    FloatVector c22 = first ? z : load(x, acc + 10 * Lanes.BYTES);
    FloatVector c23 = first ? z : load(x, acc + 11 * Lanes.BYTES);
    FloatVector c30 = first ? z : load(x, acc + 12 * Lanes.BYTES);
    FloatVector c31 = first ? z : load(x, acc + 13 * Lanes.BYTES);
    FloatVector c32 = first ? z : load(x, acc + 14 * Lanes.BYTES);
    FloatVector c33 = first ? z : load(x, acc + 15 * Lanes.BYTES);
    FloatVector c40 = first ? z : load(x, acc + 16 * Lanes.BYTES);
    FloatVector c41 = first ? z : load(x, acc + 17 * Lanes.BYTES);
    FloatVector c42 = first ? z : load(x, acc + 18 * Lanes.BYTES);
    FloatVector c43 = first ? z : load(x, acc + 19 * Lanes.BYTES);
    FloatVector c50 = first ? z : load(x, acc + 20 * Lanes.BYTES);
    FloatVector c51 = first ? z : load(x, acc + 21 * Lanes.BYTES);
    FloatVector c52 = first ? z : load(x, acc + 22 * Lanes.BYTES);
    FloatVector c53 = first ? z : load(x, acc + 23 * Lanes.BYTES);
    for (int k = from; k < to; k++) {
      long t = table[k];
      long wk = w0 + (long) (k - from) * (4 * Lanes.BYTES);
      FloatVector b0 = load(w, wk);
      FloatVector b1 = load(w, wk + Lanes.BYTES);
      FloatVector b2 = load(w, wk + 2 * Lanes.BYTES);
      FloatVector b3 = load(w, wk + 3 * Lanes.BYTES);
      FloatVector a = broadcast(x, p0 + t);
      c00 = fma(a, b0, c00);
      c01 = fma(a, b1, c01);
      c02 = fma(a, b2, c02);
      c03 = fma(a, b3, c03);
      a = broadcast(x, p1 + t);
      c10 = fma(a, b0, c10);
      c11 = fma(a, b1, c11);
      c12 = fma(a, b2, c12);
      c13 = fma(a, b3, c13);
      a = broadcast(x, p2 + t);
      c20 = fma(a, b0, c20);
      c21 = fma(a, b1, c21);
      c22 = fma(a, b2, c22);
      c23 = fma(a, b3, c23);
      a = broadcast(x, p3 + t);
      c30 = fma(a, b0, c30);
      c31 = fma(a, b1, c31);
      c32 = fma(a, b2, c32);
      c33 = fma(a, b3, c33);
      a = broadcast(x, p4 + t);
      c40 = fma(a, b0, c40);
      c41 = fma(a, b1, c41);
      c42 = fma(a, b2, c42);
      c43 = fma(a, b3, c43);
      a = broadcast(x, p5 + t);
      c50 = fma(a, b0, c50);
      c51 = fma(a, b1, c51);
      c52 = fma(a, b2, c52);
      c53 = fma(a, b3, c53);
    }
    store(c00, x, acc);
    store(c01, x, acc + Lanes.BYTES);
    store(c02, x, acc + 2 * Lanes.BYTES);
    store(c03, x, acc + 3 * Lanes.BYTES);
    store(c10, x, acc + 4 * Lanes.BYTES);
    store(c11, x, acc + 5 * Lanes.BYTES);
    store(c12, x, acc + 6 * Lanes.BYTES);
    store(c13, x, acc + 7 * Lanes.BYTES);
    store(c20, x, acc + 8 * Lanes.BYTES);
    store(c21, x, acc + 9 * Lanes.BYTES);
    store(c22, x, acc + 10 * Lanes.BYTES);
    store(c23, x, acc + 11 * Lanes.BYTES);
    store(c30, x, acc + 12 * Lanes.BYTES);
    store(c31, x, acc + 13 * Lanes.BYTES);
    store(c32, x, acc + 14 * Lanes.BYTES);
    store(c33, x, acc + 15 * Lanes.BYTES);
    store(c40, x, acc + 16 * Lanes.BYTES);
    store(c41, x, acc + 17 * Lanes.BYTES);
    store(c42, x, acc + 18 * Lanes.BYTES);
    store(c43, x, acc + 19 * Lanes.BYTES);
    store(c50, x, acc + 20 * Lanes.BYTES);
    store(c51, x, acc + 21 * Lanes.BYTES);
    store(c52, x, acc + 22 * Lanes.BYTES);
    store(c53, x, acc + 23 * Lanes.BYTES);
  }
}
