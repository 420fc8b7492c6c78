package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.HAS_FMA;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Micro-kernels of {@link RowConvolution}: twelve neighbouring pixels times V vectors of columns, summed over k in
 * registers, as in {@link F32Tile}, but for the left operand: its element (r, k) is {@code a[at[k] + x + r]}. One address
 * per k and constant displacements serve all pixels, and two range checks.
 */
final class F32RowTile {

  private F32RowTile() {}

  /** Twelve pixels, one vector. */
  static void tile12x1(
      float[] a, int[] at, int x, MemorySegment w, long w0, int depth, MemorySegment m, long t) {
    w = Lanes.known(w);
    m = Lanes.known(m);
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
      int i = at[k] + x;
      FloatVector p = FloatVector.broadcast(FLOATS, a[i]);
      c00 = HAS_FMA ? p.fma(b0, c00) : p.mul(b0).add(c00);
      p = FloatVector.broadcast(FLOATS, a[i + 1]);
      c10 = HAS_FMA ? p.fma(b0, c10) : p.mul(b0).add(c10);
      p = FloatVector.broadcast(FLOATS, a[i + 2]);
      c20 = HAS_FMA ? p.fma(b0, c20) : p.mul(b0).add(c20);
      p = FloatVector.broadcast(FLOATS, a[i + 3]);
      c30 = HAS_FMA ? p.fma(b0, c30) : p.mul(b0).add(c30);
      p = FloatVector.broadcast(FLOATS, a[i + 4]);
      c40 = HAS_FMA ? p.fma(b0, c40) : p.mul(b0).add(c40);
      p = FloatVector.broadcast(FLOATS, a[i + 5]);
      c50 = HAS_FMA ? p.fma(b0, c50) : p.mul(b0).add(c50);
      p = FloatVector.broadcast(FLOATS, a[i + 6]);
      c60 = HAS_FMA ? p.fma(b0, c60) : p.mul(b0).add(c60);
      p = FloatVector.broadcast(FLOATS, a[i + 7]);
      c70 = HAS_FMA ? p.fma(b0, c70) : p.mul(b0).add(c70);
      p = FloatVector.broadcast(FLOATS, a[i + 8]);
      c80 = HAS_FMA ? p.fma(b0, c80) : p.mul(b0).add(c80);
      p = FloatVector.broadcast(FLOATS, a[i + 9]);
      c90 = HAS_FMA ? p.fma(b0, c90) : p.mul(b0).add(c90);
      p = FloatVector.broadcast(FLOATS, a[i + 10]);
      c100 = HAS_FMA ? p.fma(b0, c100) : p.mul(b0).add(c100);
      p = FloatVector.broadcast(FLOATS, a[i + 11]);
      c110 = HAS_FMA ? p.fma(b0, c110) : p.mul(b0).add(c110);
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

  /** Twelve pixels, two vectors. */
  static void tile12x2(
      float[] a, int[] at, int x, MemorySegment w, long w0, int depth, MemorySegment m, long t) {
    w = Lanes.known(w);
    m = Lanes.known(m);
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
      int i = at[k] + x;
      FloatVector p = FloatVector.broadcast(FLOATS, a[i]);
      c00 = HAS_FMA ? p.fma(b0, c00) : p.mul(b0).add(c00);
      c01 = HAS_FMA ? p.fma(b1, c01) : p.mul(b1).add(c01);
      p = FloatVector.broadcast(FLOATS, a[i + 1]);
      c10 = HAS_FMA ? p.fma(b0, c10) : p.mul(b0).add(c10);
      c11 = HAS_FMA ? p.fma(b1, c11) : p.mul(b1).add(c11);
      p = FloatVector.broadcast(FLOATS, a[i + 2]);
      c20 = HAS_FMA ? p.fma(b0, c20) : p.mul(b0).add(c20);
      c21 = HAS_FMA ? p.fma(b1, c21) : p.mul(b1).add(c21);
      p = FloatVector.broadcast(FLOATS, a[i + 3]);
      c30 = HAS_FMA ? p.fma(b0, c30) : p.mul(b0).add(c30);
      c31 = HAS_FMA ? p.fma(b1, c31) : p.mul(b1).add(c31);
      p = FloatVector.broadcast(FLOATS, a[i + 4]);
      c40 = HAS_FMA ? p.fma(b0, c40) : p.mul(b0).add(c40);
      c41 = HAS_FMA ? p.fma(b1, c41) : p.mul(b1).add(c41);
      p = FloatVector.broadcast(FLOATS, a[i + 5]);
      c50 = HAS_FMA ? p.fma(b0, c50) : p.mul(b0).add(c50);
      c51 = HAS_FMA ? p.fma(b1, c51) : p.mul(b1).add(c51);
      p = FloatVector.broadcast(FLOATS, a[i + 6]);
      c60 = HAS_FMA ? p.fma(b0, c60) : p.mul(b0).add(c60);
      c61 = HAS_FMA ? p.fma(b1, c61) : p.mul(b1).add(c61);
      p = FloatVector.broadcast(FLOATS, a[i + 7]);
      c70 = HAS_FMA ? p.fma(b0, c70) : p.mul(b0).add(c70);
      c71 = HAS_FMA ? p.fma(b1, c71) : p.mul(b1).add(c71);
      p = FloatVector.broadcast(FLOATS, a[i + 8]);
      c80 = HAS_FMA ? p.fma(b0, c80) : p.mul(b0).add(c80);
      c81 = HAS_FMA ? p.fma(b1, c81) : p.mul(b1).add(c81);
      p = FloatVector.broadcast(FLOATS, a[i + 9]);
      c90 = HAS_FMA ? p.fma(b0, c90) : p.mul(b0).add(c90);
      c91 = HAS_FMA ? p.fma(b1, c91) : p.mul(b1).add(c91);
      p = FloatVector.broadcast(FLOATS, a[i + 10]);
      c100 = HAS_FMA ? p.fma(b0, c100) : p.mul(b0).add(c100);
      c101 = HAS_FMA ? p.fma(b1, c101) : p.mul(b1).add(c101);
      p = FloatVector.broadcast(FLOATS, a[i + 11]);
      c110 = HAS_FMA ? p.fma(b0, c110) : p.mul(b0).add(c110);
      c111 = HAS_FMA ? p.fma(b1, c111) : p.mul(b1).add(c111);
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
    c80.intoMemorySegment(m, t + 16 * BYTES, ORDER);
    c81.intoMemorySegment(m, t + 17 * BYTES, ORDER);
    c90.intoMemorySegment(m, t + 18 * BYTES, ORDER);
    c91.intoMemorySegment(m, t + 19 * BYTES, ORDER);
    c100.intoMemorySegment(m, t + 20 * BYTES, ORDER);
    c101.intoMemorySegment(m, t + 21 * BYTES, ORDER);
    c110.intoMemorySegment(m, t + 22 * BYTES, ORDER);
    c111.intoMemorySegment(m, t + 23 * BYTES, ORDER);
  }
}
