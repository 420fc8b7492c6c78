package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.HAS_FMA;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Micro-kernels of the matrix product: R rows times V vectors of columns, summed over k in registers.
 *
 * <p>Contract. Row r of the left operand is {@code a[a0 + r · STRIDE + k]}; the right operand is packed, V vectors for
 * each k, from byte {@code w0} of {@code w} on. The sums start at zero and are stored row by row, R · V vectors, from byte
 * {@code t} of {@code tile} on.
 *
 * <p>What C2 needs to keep them in registers: one loop over k with nothing else in it, at most 24 accumulators, and the
 * JDK's methods called directly – those are inlined whatever the size of the caller, helpers of our own no longer are
 * behind {@code NodeCountInliningCutoff}. The left operand is a heap array with a constant distance between rows: one
 * base register and constant displacements serve all broadcasts, and one range check serves all rows. The sums start at
 * zero rather than at what lies in memory because a method with that many loads more no longer compiles in C1 at the
 * profiling tier, and a method that does not may never reach C2.
 */
final class F32Tile {

  /** Floats from a row of the left operand to the next; no power of two, so that rows spread over the cache's sets. */
  static final int STRIDE = 528;

  /** Takes a column of a row, and the number of columns, to itself: what is masked by it C2 knows to be no more. */
  static final int COLUMN_MASK = 1023;

  static {
    assert STRIDE <= COLUMN_MASK;
  }

  private F32Tile() {}

  /** Six rows, four vectors. */
  static void tile6x4(
      float[] a, int a0, int depth, MemorySegment w, long w0, MemorySegment tile, long t) {
    w = Lanes.known(w);
    tile = Lanes.known(tile);
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
    for (int k = 0; k < depth; k++) {
      long o = w0 + (long) k * (4 * BYTES);
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, o, ORDER);
      FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, w, o + BYTES, ORDER);
      FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, w, o + 2 * BYTES, ORDER);
      FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, w, o + 3 * BYTES, ORDER);
      int i = a0 + k;
      FloatVector x = FloatVector.broadcast(FLOATS, a[i]);
      c00 = HAS_FMA ? x.fma(b0, c00) : x.mul(b0).add(c00);
      c01 = HAS_FMA ? x.fma(b1, c01) : x.mul(b1).add(c01);
      c02 = HAS_FMA ? x.fma(b2, c02) : x.mul(b2).add(c02);
      c03 = HAS_FMA ? x.fma(b3, c03) : x.mul(b3).add(c03);
      x = FloatVector.broadcast(FLOATS, a[i + STRIDE]);
      c10 = HAS_FMA ? x.fma(b0, c10) : x.mul(b0).add(c10);
      c11 = HAS_FMA ? x.fma(b1, c11) : x.mul(b1).add(c11);
      c12 = HAS_FMA ? x.fma(b2, c12) : x.mul(b2).add(c12);
      c13 = HAS_FMA ? x.fma(b3, c13) : x.mul(b3).add(c13);
      x = FloatVector.broadcast(FLOATS, a[i + 2 * STRIDE]);
      c20 = HAS_FMA ? x.fma(b0, c20) : x.mul(b0).add(c20);
      c21 = HAS_FMA ? x.fma(b1, c21) : x.mul(b1).add(c21);
      c22 = HAS_FMA ? x.fma(b2, c22) : x.mul(b2).add(c22);
      c23 = HAS_FMA ? x.fma(b3, c23) : x.mul(b3).add(c23);
      x = FloatVector.broadcast(FLOATS, a[i + 3 * STRIDE]);
      c30 = HAS_FMA ? x.fma(b0, c30) : x.mul(b0).add(c30);
      c31 = HAS_FMA ? x.fma(b1, c31) : x.mul(b1).add(c31);
      c32 = HAS_FMA ? x.fma(b2, c32) : x.mul(b2).add(c32);
      c33 = HAS_FMA ? x.fma(b3, c33) : x.mul(b3).add(c33);
      x = FloatVector.broadcast(FLOATS, a[i + 4 * STRIDE]);
      c40 = HAS_FMA ? x.fma(b0, c40) : x.mul(b0).add(c40);
      c41 = HAS_FMA ? x.fma(b1, c41) : x.mul(b1).add(c41);
      c42 = HAS_FMA ? x.fma(b2, c42) : x.mul(b2).add(c42);
      c43 = HAS_FMA ? x.fma(b3, c43) : x.mul(b3).add(c43);
      x = FloatVector.broadcast(FLOATS, a[i + 5 * STRIDE]);
      c50 = HAS_FMA ? x.fma(b0, c50) : x.mul(b0).add(c50);
      c51 = HAS_FMA ? x.fma(b1, c51) : x.mul(b1).add(c51);
      c52 = HAS_FMA ? x.fma(b2, c52) : x.mul(b2).add(c52);
      c53 = HAS_FMA ? x.fma(b3, c53) : x.mul(b3).add(c53);
    }
    c00.intoMemorySegment(tile, t, ORDER);
    c01.intoMemorySegment(tile, t + BYTES, ORDER);
    c02.intoMemorySegment(tile, t + 2 * BYTES, ORDER);
    c03.intoMemorySegment(tile, t + 3 * BYTES, ORDER);
    c10.intoMemorySegment(tile, t + 4 * BYTES, ORDER);
    c11.intoMemorySegment(tile, t + 5 * BYTES, ORDER);
    c12.intoMemorySegment(tile, t + 6 * BYTES, ORDER);
    c13.intoMemorySegment(tile, t + 7 * BYTES, ORDER);
    c20.intoMemorySegment(tile, t + 8 * BYTES, ORDER);
    c21.intoMemorySegment(tile, t + 9 * BYTES, ORDER);
    c22.intoMemorySegment(tile, t + 10 * BYTES, ORDER);
    c23.intoMemorySegment(tile, t + 11 * BYTES, ORDER);
    c30.intoMemorySegment(tile, t + 12 * BYTES, ORDER);
    c31.intoMemorySegment(tile, t + 13 * BYTES, ORDER);
    c32.intoMemorySegment(tile, t + 14 * BYTES, ORDER);
    c33.intoMemorySegment(tile, t + 15 * BYTES, ORDER);
    c40.intoMemorySegment(tile, t + 16 * BYTES, ORDER);
    c41.intoMemorySegment(tile, t + 17 * BYTES, ORDER);
    c42.intoMemorySegment(tile, t + 18 * BYTES, ORDER);
    c43.intoMemorySegment(tile, t + 19 * BYTES, ORDER);
    c50.intoMemorySegment(tile, t + 20 * BYTES, ORDER);
    c51.intoMemorySegment(tile, t + 21 * BYTES, ORDER);
    c52.intoMemorySegment(tile, t + 22 * BYTES, ORDER);
    c53.intoMemorySegment(tile, t + 23 * BYTES, ORDER);
  }

  /** Five rows, four vectors. */
  static void tile5x4(
      float[] a, int a0, int depth, MemorySegment w, long w0, MemorySegment tile, long t) {
    w = Lanes.known(w);
    tile = Lanes.known(tile);
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
    for (int k = 0; k < depth; k++) {
      long o = w0 + (long) k * (4 * BYTES);
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, o, ORDER);
      FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, w, o + BYTES, ORDER);
      FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, w, o + 2 * BYTES, ORDER);
      FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, w, o + 3 * BYTES, ORDER);
      int i = a0 + k;
      FloatVector x = FloatVector.broadcast(FLOATS, a[i]);
      c00 = HAS_FMA ? x.fma(b0, c00) : x.mul(b0).add(c00);
      c01 = HAS_FMA ? x.fma(b1, c01) : x.mul(b1).add(c01);
      c02 = HAS_FMA ? x.fma(b2, c02) : x.mul(b2).add(c02);
      c03 = HAS_FMA ? x.fma(b3, c03) : x.mul(b3).add(c03);
      x = FloatVector.broadcast(FLOATS, a[i + STRIDE]);
      c10 = HAS_FMA ? x.fma(b0, c10) : x.mul(b0).add(c10);
      c11 = HAS_FMA ? x.fma(b1, c11) : x.mul(b1).add(c11);
      c12 = HAS_FMA ? x.fma(b2, c12) : x.mul(b2).add(c12);
      c13 = HAS_FMA ? x.fma(b3, c13) : x.mul(b3).add(c13);
      x = FloatVector.broadcast(FLOATS, a[i + 2 * STRIDE]);
      c20 = HAS_FMA ? x.fma(b0, c20) : x.mul(b0).add(c20);
      c21 = HAS_FMA ? x.fma(b1, c21) : x.mul(b1).add(c21);
      c22 = HAS_FMA ? x.fma(b2, c22) : x.mul(b2).add(c22);
      c23 = HAS_FMA ? x.fma(b3, c23) : x.mul(b3).add(c23);
      x = FloatVector.broadcast(FLOATS, a[i + 3 * STRIDE]);
      c30 = HAS_FMA ? x.fma(b0, c30) : x.mul(b0).add(c30);
      c31 = HAS_FMA ? x.fma(b1, c31) : x.mul(b1).add(c31);
      c32 = HAS_FMA ? x.fma(b2, c32) : x.mul(b2).add(c32);
      c33 = HAS_FMA ? x.fma(b3, c33) : x.mul(b3).add(c33);
      x = FloatVector.broadcast(FLOATS, a[i + 4 * STRIDE]);
      c40 = HAS_FMA ? x.fma(b0, c40) : x.mul(b0).add(c40);
      c41 = HAS_FMA ? x.fma(b1, c41) : x.mul(b1).add(c41);
      c42 = HAS_FMA ? x.fma(b2, c42) : x.mul(b2).add(c42);
      c43 = HAS_FMA ? x.fma(b3, c43) : x.mul(b3).add(c43);
    }
    c00.intoMemorySegment(tile, t, ORDER);
    c01.intoMemorySegment(tile, t + BYTES, ORDER);
    c02.intoMemorySegment(tile, t + 2 * BYTES, ORDER);
    c03.intoMemorySegment(tile, t + 3 * BYTES, ORDER);
    c10.intoMemorySegment(tile, t + 4 * BYTES, ORDER);
    c11.intoMemorySegment(tile, t + 5 * BYTES, ORDER);
    c12.intoMemorySegment(tile, t + 6 * BYTES, ORDER);
    c13.intoMemorySegment(tile, t + 7 * BYTES, ORDER);
    c20.intoMemorySegment(tile, t + 8 * BYTES, ORDER);
    c21.intoMemorySegment(tile, t + 9 * BYTES, ORDER);
    c22.intoMemorySegment(tile, t + 10 * BYTES, ORDER);
    c23.intoMemorySegment(tile, t + 11 * BYTES, ORDER);
    c30.intoMemorySegment(tile, t + 12 * BYTES, ORDER);
    c31.intoMemorySegment(tile, t + 13 * BYTES, ORDER);
    c32.intoMemorySegment(tile, t + 14 * BYTES, ORDER);
    c33.intoMemorySegment(tile, t + 15 * BYTES, ORDER);
    c40.intoMemorySegment(tile, t + 16 * BYTES, ORDER);
    c41.intoMemorySegment(tile, t + 17 * BYTES, ORDER);
    c42.intoMemorySegment(tile, t + 18 * BYTES, ORDER);
    c43.intoMemorySegment(tile, t + 19 * BYTES, ORDER);
  }

  /** Six rows, three vectors. */
  static void tile6x3(
      float[] a, int a0, int depth, MemorySegment w, long w0, MemorySegment tile, long t) {
    w = Lanes.known(w);
    tile = Lanes.known(tile);
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
    for (int k = 0; k < depth; k++) {
      long o = w0 + (long) k * (3 * BYTES);
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, o, ORDER);
      FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, w, o + BYTES, ORDER);
      FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, w, o + 2 * BYTES, ORDER);
      int i = a0 + k;
      FloatVector x = FloatVector.broadcast(FLOATS, a[i]);
      c00 = HAS_FMA ? x.fma(b0, c00) : x.mul(b0).add(c00);
      c01 = HAS_FMA ? x.fma(b1, c01) : x.mul(b1).add(c01);
      c02 = HAS_FMA ? x.fma(b2, c02) : x.mul(b2).add(c02);
      x = FloatVector.broadcast(FLOATS, a[i + STRIDE]);
      c10 = HAS_FMA ? x.fma(b0, c10) : x.mul(b0).add(c10);
      c11 = HAS_FMA ? x.fma(b1, c11) : x.mul(b1).add(c11);
      c12 = HAS_FMA ? x.fma(b2, c12) : x.mul(b2).add(c12);
      x = FloatVector.broadcast(FLOATS, a[i + 2 * STRIDE]);
      c20 = HAS_FMA ? x.fma(b0, c20) : x.mul(b0).add(c20);
      c21 = HAS_FMA ? x.fma(b1, c21) : x.mul(b1).add(c21);
      c22 = HAS_FMA ? x.fma(b2, c22) : x.mul(b2).add(c22);
      x = FloatVector.broadcast(FLOATS, a[i + 3 * STRIDE]);
      c30 = HAS_FMA ? x.fma(b0, c30) : x.mul(b0).add(c30);
      c31 = HAS_FMA ? x.fma(b1, c31) : x.mul(b1).add(c31);
      c32 = HAS_FMA ? x.fma(b2, c32) : x.mul(b2).add(c32);
      x = FloatVector.broadcast(FLOATS, a[i + 4 * STRIDE]);
      c40 = HAS_FMA ? x.fma(b0, c40) : x.mul(b0).add(c40);
      c41 = HAS_FMA ? x.fma(b1, c41) : x.mul(b1).add(c41);
      c42 = HAS_FMA ? x.fma(b2, c42) : x.mul(b2).add(c42);
      x = FloatVector.broadcast(FLOATS, a[i + 5 * STRIDE]);
      c50 = HAS_FMA ? x.fma(b0, c50) : x.mul(b0).add(c50);
      c51 = HAS_FMA ? x.fma(b1, c51) : x.mul(b1).add(c51);
      c52 = HAS_FMA ? x.fma(b2, c52) : x.mul(b2).add(c52);
    }
    c00.intoMemorySegment(tile, t, ORDER);
    c01.intoMemorySegment(tile, t + BYTES, ORDER);
    c02.intoMemorySegment(tile, t + 2 * BYTES, ORDER);
    c10.intoMemorySegment(tile, t + 3 * BYTES, ORDER);
    c11.intoMemorySegment(tile, t + 4 * BYTES, ORDER);
    c12.intoMemorySegment(tile, t + 5 * BYTES, ORDER);
    c20.intoMemorySegment(tile, t + 6 * BYTES, ORDER);
    c21.intoMemorySegment(tile, t + 7 * BYTES, ORDER);
    c22.intoMemorySegment(tile, t + 8 * BYTES, ORDER);
    c30.intoMemorySegment(tile, t + 9 * BYTES, ORDER);
    c31.intoMemorySegment(tile, t + 10 * BYTES, ORDER);
    c32.intoMemorySegment(tile, t + 11 * BYTES, ORDER);
    c40.intoMemorySegment(tile, t + 12 * BYTES, ORDER);
    c41.intoMemorySegment(tile, t + 13 * BYTES, ORDER);
    c42.intoMemorySegment(tile, t + 14 * BYTES, ORDER);
    c50.intoMemorySegment(tile, t + 15 * BYTES, ORDER);
    c51.intoMemorySegment(tile, t + 16 * BYTES, ORDER);
    c52.intoMemorySegment(tile, t + 17 * BYTES, ORDER);
  }

  /** Five rows, three vectors. */
  static void tile5x3(
      float[] a, int a0, int depth, MemorySegment w, long w0, MemorySegment tile, long t) {
    w = Lanes.known(w);
    tile = Lanes.known(tile);
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
    for (int k = 0; k < depth; k++) {
      long o = w0 + (long) k * (3 * BYTES);
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, o, ORDER);
      FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, w, o + BYTES, ORDER);
      FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, w, o + 2 * BYTES, ORDER);
      int i = a0 + k;
      FloatVector x = FloatVector.broadcast(FLOATS, a[i]);
      c00 = HAS_FMA ? x.fma(b0, c00) : x.mul(b0).add(c00);
      c01 = HAS_FMA ? x.fma(b1, c01) : x.mul(b1).add(c01);
      c02 = HAS_FMA ? x.fma(b2, c02) : x.mul(b2).add(c02);
      x = FloatVector.broadcast(FLOATS, a[i + STRIDE]);
      c10 = HAS_FMA ? x.fma(b0, c10) : x.mul(b0).add(c10);
      c11 = HAS_FMA ? x.fma(b1, c11) : x.mul(b1).add(c11);
      c12 = HAS_FMA ? x.fma(b2, c12) : x.mul(b2).add(c12);
      x = FloatVector.broadcast(FLOATS, a[i + 2 * STRIDE]);
      c20 = HAS_FMA ? x.fma(b0, c20) : x.mul(b0).add(c20);
      c21 = HAS_FMA ? x.fma(b1, c21) : x.mul(b1).add(c21);
      c22 = HAS_FMA ? x.fma(b2, c22) : x.mul(b2).add(c22);
      x = FloatVector.broadcast(FLOATS, a[i + 3 * STRIDE]);
      c30 = HAS_FMA ? x.fma(b0, c30) : x.mul(b0).add(c30);
      c31 = HAS_FMA ? x.fma(b1, c31) : x.mul(b1).add(c31);
      c32 = HAS_FMA ? x.fma(b2, c32) : x.mul(b2).add(c32);
      x = FloatVector.broadcast(FLOATS, a[i + 4 * STRIDE]);
      c40 = HAS_FMA ? x.fma(b0, c40) : x.mul(b0).add(c40);
      c41 = HAS_FMA ? x.fma(b1, c41) : x.mul(b1).add(c41);
      c42 = HAS_FMA ? x.fma(b2, c42) : x.mul(b2).add(c42);
    }
    c00.intoMemorySegment(tile, t, ORDER);
    c01.intoMemorySegment(tile, t + BYTES, ORDER);
    c02.intoMemorySegment(tile, t + 2 * BYTES, ORDER);
    c10.intoMemorySegment(tile, t + 3 * BYTES, ORDER);
    c11.intoMemorySegment(tile, t + 4 * BYTES, ORDER);
    c12.intoMemorySegment(tile, t + 5 * BYTES, ORDER);
    c20.intoMemorySegment(tile, t + 6 * BYTES, ORDER);
    c21.intoMemorySegment(tile, t + 7 * BYTES, ORDER);
    c22.intoMemorySegment(tile, t + 8 * BYTES, ORDER);
    c30.intoMemorySegment(tile, t + 9 * BYTES, ORDER);
    c31.intoMemorySegment(tile, t + 10 * BYTES, ORDER);
    c32.intoMemorySegment(tile, t + 11 * BYTES, ORDER);
    c40.intoMemorySegment(tile, t + 12 * BYTES, ORDER);
    c41.intoMemorySegment(tile, t + 13 * BYTES, ORDER);
    c42.intoMemorySegment(tile, t + 14 * BYTES, ORDER);
  }

  /** Six rows, two vectors. */
  static void tile6x2(
      float[] a, int a0, int depth, MemorySegment w, long w0, MemorySegment tile, long t) {
    w = Lanes.known(w);
    tile = Lanes.known(tile);
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
    for (int k = 0; k < depth; k++) {
      long o = w0 + (long) k * (2 * BYTES);
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, o, ORDER);
      FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, w, o + BYTES, ORDER);
      int i = a0 + k;
      FloatVector x = FloatVector.broadcast(FLOATS, a[i]);
      c00 = HAS_FMA ? x.fma(b0, c00) : x.mul(b0).add(c00);
      c01 = HAS_FMA ? x.fma(b1, c01) : x.mul(b1).add(c01);
      x = FloatVector.broadcast(FLOATS, a[i + STRIDE]);
      c10 = HAS_FMA ? x.fma(b0, c10) : x.mul(b0).add(c10);
      c11 = HAS_FMA ? x.fma(b1, c11) : x.mul(b1).add(c11);
      x = FloatVector.broadcast(FLOATS, a[i + 2 * STRIDE]);
      c20 = HAS_FMA ? x.fma(b0, c20) : x.mul(b0).add(c20);
      c21 = HAS_FMA ? x.fma(b1, c21) : x.mul(b1).add(c21);
      x = FloatVector.broadcast(FLOATS, a[i + 3 * STRIDE]);
      c30 = HAS_FMA ? x.fma(b0, c30) : x.mul(b0).add(c30);
      c31 = HAS_FMA ? x.fma(b1, c31) : x.mul(b1).add(c31);
      x = FloatVector.broadcast(FLOATS, a[i + 4 * STRIDE]);
      c40 = HAS_FMA ? x.fma(b0, c40) : x.mul(b0).add(c40);
      c41 = HAS_FMA ? x.fma(b1, c41) : x.mul(b1).add(c41);
      x = FloatVector.broadcast(FLOATS, a[i + 5 * STRIDE]);
      c50 = HAS_FMA ? x.fma(b0, c50) : x.mul(b0).add(c50);
      c51 = HAS_FMA ? x.fma(b1, c51) : x.mul(b1).add(c51);
    }
    c00.intoMemorySegment(tile, t, ORDER);
    c01.intoMemorySegment(tile, t + BYTES, ORDER);
    c10.intoMemorySegment(tile, t + 2 * BYTES, ORDER);
    c11.intoMemorySegment(tile, t + 3 * BYTES, ORDER);
    c20.intoMemorySegment(tile, t + 4 * BYTES, ORDER);
    c21.intoMemorySegment(tile, t + 5 * BYTES, ORDER);
    c30.intoMemorySegment(tile, t + 6 * BYTES, ORDER);
    c31.intoMemorySegment(tile, t + 7 * BYTES, ORDER);
    c40.intoMemorySegment(tile, t + 8 * BYTES, ORDER);
    c41.intoMemorySegment(tile, t + 9 * BYTES, ORDER);
    c50.intoMemorySegment(tile, t + 10 * BYTES, ORDER);
    c51.intoMemorySegment(tile, t + 11 * BYTES, ORDER);
  }

  /** Twelve rows, two vectors. */
  static void tile12x2(
      float[] a, int a0, int depth, MemorySegment w, long w0, MemorySegment tile, long t) {
    w = Lanes.known(w);
    tile = Lanes.known(tile);
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
    FloatVector c80 = c00;
    FloatVector c81 = c00;
    FloatVector c90 = c00;
    FloatVector c91 = c00;
    FloatVector c100 = c00;
    FloatVector c101 = c00;
    FloatVector c110 = c00;
    FloatVector c111 = c00;
    for (int k = 0; k < depth; k++) {
      long o = w0 + (long) k * (2 * BYTES);
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, o, ORDER);
      FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, w, o + BYTES, ORDER);
      int i = a0 + k;
      FloatVector x = FloatVector.broadcast(FLOATS, a[i]);
      c00 = HAS_FMA ? x.fma(b0, c00) : x.mul(b0).add(c00);
      c01 = HAS_FMA ? x.fma(b1, c01) : x.mul(b1).add(c01);
      x = FloatVector.broadcast(FLOATS, a[i + STRIDE]);
      c10 = HAS_FMA ? x.fma(b0, c10) : x.mul(b0).add(c10);
      c11 = HAS_FMA ? x.fma(b1, c11) : x.mul(b1).add(c11);
      x = FloatVector.broadcast(FLOATS, a[i + 2 * STRIDE]);
      c20 = HAS_FMA ? x.fma(b0, c20) : x.mul(b0).add(c20);
      c21 = HAS_FMA ? x.fma(b1, c21) : x.mul(b1).add(c21);
      x = FloatVector.broadcast(FLOATS, a[i + 3 * STRIDE]);
      c30 = HAS_FMA ? x.fma(b0, c30) : x.mul(b0).add(c30);
      c31 = HAS_FMA ? x.fma(b1, c31) : x.mul(b1).add(c31);
      x = FloatVector.broadcast(FLOATS, a[i + 4 * STRIDE]);
      c40 = HAS_FMA ? x.fma(b0, c40) : x.mul(b0).add(c40);
      c41 = HAS_FMA ? x.fma(b1, c41) : x.mul(b1).add(c41);
      x = FloatVector.broadcast(FLOATS, a[i + 5 * STRIDE]);
      c50 = HAS_FMA ? x.fma(b0, c50) : x.mul(b0).add(c50);
      c51 = HAS_FMA ? x.fma(b1, c51) : x.mul(b1).add(c51);
      x = FloatVector.broadcast(FLOATS, a[i + 6 * STRIDE]);
      c60 = HAS_FMA ? x.fma(b0, c60) : x.mul(b0).add(c60);
      c61 = HAS_FMA ? x.fma(b1, c61) : x.mul(b1).add(c61);
      x = FloatVector.broadcast(FLOATS, a[i + 7 * STRIDE]);
      c70 = HAS_FMA ? x.fma(b0, c70) : x.mul(b0).add(c70);
      c71 = HAS_FMA ? x.fma(b1, c71) : x.mul(b1).add(c71);
      x = FloatVector.broadcast(FLOATS, a[i + 8 * STRIDE]);
      c80 = HAS_FMA ? x.fma(b0, c80) : x.mul(b0).add(c80);
      c81 = HAS_FMA ? x.fma(b1, c81) : x.mul(b1).add(c81);
      x = FloatVector.broadcast(FLOATS, a[i + 9 * STRIDE]);
      c90 = HAS_FMA ? x.fma(b0, c90) : x.mul(b0).add(c90);
      c91 = HAS_FMA ? x.fma(b1, c91) : x.mul(b1).add(c91);
      x = FloatVector.broadcast(FLOATS, a[i + 10 * STRIDE]);
      c100 = HAS_FMA ? x.fma(b0, c100) : x.mul(b0).add(c100);
      c101 = HAS_FMA ? x.fma(b1, c101) : x.mul(b1).add(c101);
      x = FloatVector.broadcast(FLOATS, a[i + 11 * STRIDE]);
      c110 = HAS_FMA ? x.fma(b0, c110) : x.mul(b0).add(c110);
      c111 = HAS_FMA ? x.fma(b1, c111) : x.mul(b1).add(c111);
    }
    c00.intoMemorySegment(tile, t, ORDER);
    c01.intoMemorySegment(tile, t + BYTES, ORDER);
    c10.intoMemorySegment(tile, t + 2 * BYTES, ORDER);
    c11.intoMemorySegment(tile, t + 3 * BYTES, ORDER);
    c20.intoMemorySegment(tile, t + 4 * BYTES, ORDER);
    c21.intoMemorySegment(tile, t + 5 * BYTES, ORDER);
    c30.intoMemorySegment(tile, t + 6 * BYTES, ORDER);
    c31.intoMemorySegment(tile, t + 7 * BYTES, ORDER);
    c40.intoMemorySegment(tile, t + 8 * BYTES, ORDER);
    c41.intoMemorySegment(tile, t + 9 * BYTES, ORDER);
    c50.intoMemorySegment(tile, t + 10 * BYTES, ORDER);
    c51.intoMemorySegment(tile, t + 11 * BYTES, ORDER);
    c60.intoMemorySegment(tile, t + 12 * BYTES, ORDER);
    c61.intoMemorySegment(tile, t + 13 * BYTES, ORDER);
    c70.intoMemorySegment(tile, t + 14 * BYTES, ORDER);
    c71.intoMemorySegment(tile, t + 15 * BYTES, ORDER);
    c80.intoMemorySegment(tile, t + 16 * BYTES, ORDER);
    c81.intoMemorySegment(tile, t + 17 * BYTES, ORDER);
    c90.intoMemorySegment(tile, t + 18 * BYTES, ORDER);
    c91.intoMemorySegment(tile, t + 19 * BYTES, ORDER);
    c100.intoMemorySegment(tile, t + 20 * BYTES, ORDER);
    c101.intoMemorySegment(tile, t + 21 * BYTES, ORDER);
    c110.intoMemorySegment(tile, t + 22 * BYTES, ORDER);
    c111.intoMemorySegment(tile, t + 23 * BYTES, ORDER);
  }

  /** Six rows, one vector. */
  static void tile6x1(
      float[] a, int a0, int depth, MemorySegment w, long w0, MemorySegment tile, long t) {
    w = Lanes.known(w);
    tile = Lanes.known(tile);
    FloatVector c00 = FloatVector.zero(FLOATS);
    FloatVector c10 = c00;
    FloatVector c20 = c00;
    FloatVector c30 = c00;
    FloatVector c40 = c00;
    FloatVector c50 = c00;
    for (int k = 0; k < depth; k++) {
      long o = w0 + (long) k * BYTES;
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, o, ORDER);
      int i = a0 + k;
      FloatVector x = FloatVector.broadcast(FLOATS, a[i]);
      c00 = HAS_FMA ? x.fma(b0, c00) : x.mul(b0).add(c00);
      x = FloatVector.broadcast(FLOATS, a[i + STRIDE]);
      c10 = HAS_FMA ? x.fma(b0, c10) : x.mul(b0).add(c10);
      x = FloatVector.broadcast(FLOATS, a[i + 2 * STRIDE]);
      c20 = HAS_FMA ? x.fma(b0, c20) : x.mul(b0).add(c20);
      x = FloatVector.broadcast(FLOATS, a[i + 3 * STRIDE]);
      c30 = HAS_FMA ? x.fma(b0, c30) : x.mul(b0).add(c30);
      x = FloatVector.broadcast(FLOATS, a[i + 4 * STRIDE]);
      c40 = HAS_FMA ? x.fma(b0, c40) : x.mul(b0).add(c40);
      x = FloatVector.broadcast(FLOATS, a[i + 5 * STRIDE]);
      c50 = HAS_FMA ? x.fma(b0, c50) : x.mul(b0).add(c50);
    }
    c00.intoMemorySegment(tile, t, ORDER);
    c10.intoMemorySegment(tile, t + BYTES, ORDER);
    c20.intoMemorySegment(tile, t + 2 * BYTES, ORDER);
    c30.intoMemorySegment(tile, t + 3 * BYTES, ORDER);
    c40.intoMemorySegment(tile, t + 4 * BYTES, ORDER);
    c50.intoMemorySegment(tile, t + 5 * BYTES, ORDER);
  }

  /** Twelve rows, one vector. */
  static void tile12x1(
      float[] a, int a0, int depth, MemorySegment w, long w0, MemorySegment tile, long t) {
    w = Lanes.known(w);
    tile = Lanes.known(tile);
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
    for (int k = 0; k < depth; k++) {
      long o = w0 + (long) k * BYTES;
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, o, ORDER);
      int i = a0 + k;
      FloatVector x = FloatVector.broadcast(FLOATS, a[i]);
      c00 = HAS_FMA ? x.fma(b0, c00) : x.mul(b0).add(c00);
      x = FloatVector.broadcast(FLOATS, a[i + STRIDE]);
      c10 = HAS_FMA ? x.fma(b0, c10) : x.mul(b0).add(c10);
      x = FloatVector.broadcast(FLOATS, a[i + 2 * STRIDE]);
      c20 = HAS_FMA ? x.fma(b0, c20) : x.mul(b0).add(c20);
      x = FloatVector.broadcast(FLOATS, a[i + 3 * STRIDE]);
      c30 = HAS_FMA ? x.fma(b0, c30) : x.mul(b0).add(c30);
      x = FloatVector.broadcast(FLOATS, a[i + 4 * STRIDE]);
      c40 = HAS_FMA ? x.fma(b0, c40) : x.mul(b0).add(c40);
      x = FloatVector.broadcast(FLOATS, a[i + 5 * STRIDE]);
      c50 = HAS_FMA ? x.fma(b0, c50) : x.mul(b0).add(c50);
      x = FloatVector.broadcast(FLOATS, a[i + 6 * STRIDE]);
      c60 = HAS_FMA ? x.fma(b0, c60) : x.mul(b0).add(c60);
      x = FloatVector.broadcast(FLOATS, a[i + 7 * STRIDE]);
      c70 = HAS_FMA ? x.fma(b0, c70) : x.mul(b0).add(c70);
      x = FloatVector.broadcast(FLOATS, a[i + 8 * STRIDE]);
      c80 = HAS_FMA ? x.fma(b0, c80) : x.mul(b0).add(c80);
      x = FloatVector.broadcast(FLOATS, a[i + 9 * STRIDE]);
      c90 = HAS_FMA ? x.fma(b0, c90) : x.mul(b0).add(c90);
      x = FloatVector.broadcast(FLOATS, a[i + 10 * STRIDE]);
      c100 = HAS_FMA ? x.fma(b0, c100) : x.mul(b0).add(c100);
      x = FloatVector.broadcast(FLOATS, a[i + 11 * STRIDE]);
      c110 = HAS_FMA ? x.fma(b0, c110) : x.mul(b0).add(c110);
    }
    c00.intoMemorySegment(tile, t, ORDER);
    c10.intoMemorySegment(tile, t + BYTES, ORDER);
    c20.intoMemorySegment(tile, t + 2 * BYTES, ORDER);
    c30.intoMemorySegment(tile, t + 3 * BYTES, ORDER);
    c40.intoMemorySegment(tile, t + 4 * BYTES, ORDER);
    c50.intoMemorySegment(tile, t + 5 * BYTES, ORDER);
    c60.intoMemorySegment(tile, t + 6 * BYTES, ORDER);
    c70.intoMemorySegment(tile, t + 7 * BYTES, ORDER);
    c80.intoMemorySegment(tile, t + 8 * BYTES, ORDER);
    c90.intoMemorySegment(tile, t + 9 * BYTES, ORDER);
    c100.intoMemorySegment(tile, t + 10 * BYTES, ORDER);
    c110.intoMemorySegment(tile, t + 11 * BYTES, ORDER);
  }
}
