package tacet.kernels.vector;

import static tacet.kernels.vector.F32Tile.STRIDE;
import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.HAS_FMA;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * The micro-kernels of {@link F32Tile} for machines with sixteen vector registers; the contract is the same.
 *
 * <p>Twelve sums leave room for two vectors of weights and two broadcasts, or for one and three. C2 keeps them there in this
 * form of the loop: the index of the left operand is what it counts, and the byte offset of the weights follows from a product
 * of ints. With k counted, or with a product of longs, it reads broadcasts three at a time or unrolls the loop, spills, and
 * takes twice the time.
 */
final class F32TightTile {

  private F32TightTile() {}

  /** Six rows, two vectors. */
  static void tile6x2(
      float[] a, int a0, int depth, MemorySegment w, long w0, MemorySegment tile, long t) {
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
    long v0 = w0 - a0 * (long) (2 * BYTES);
    int end = a0 + depth;
    for (int i = a0; i < end; i++) {
      long o = v0 + i * (2 * BYTES);
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, o, ORDER);
      FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, w, o + BYTES, ORDER);
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

  /** Twelve rows, one vector. */
  static void tile12x1(
      float[] a, int a0, int depth, MemorySegment w, long w0, MemorySegment tile, long t) {
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
    long v0 = w0 - a0 * (long) BYTES;
    int end = a0 + depth;
    for (int i = a0; i < end; i++) {
      long o = v0 + i * BYTES;
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, o, ORDER);
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

  /** Six rows, one vector. */
  static void tile6x1(
      float[] a, int a0, int depth, MemorySegment w, long w0, MemorySegment tile, long t) {
    FloatVector c00 = FloatVector.zero(FLOATS);
    FloatVector c10 = c00;
    FloatVector c20 = c00;
    FloatVector c30 = c00;
    FloatVector c40 = c00;
    FloatVector c50 = c00;
    long v0 = w0 - a0 * (long) BYTES;
    int end = a0 + depth;
    for (int i = a0; i < end; i++) {
      long o = v0 + i * BYTES;
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, w, o, ORDER);
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
}
