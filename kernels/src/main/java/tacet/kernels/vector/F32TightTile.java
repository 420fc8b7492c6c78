package tacet.kernels.vector;

import static tacet.kernels.vector.F32Tile.STRIDE;
import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.COUNT;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.HAS_FMA;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import jdk.incubator.vector.FloatVector;

/**
 * The micro-kernels of {@link F32Tile} for machines with sixteen vector registers. The contract is the same, but for the right
 * operand, which is a heap array too: V vectors for each k, from {@code b[b0]} on.
 *
 * <p>Twelve sums leave room for two vectors of weights and two broadcasts. C2 puts all loads of a loop's body as early as
 * their addresses are known, and then spills sums, each of which goes through memory once per k: half of the peak. No load is
 * moved across a fence, and one that orders loads among themselves is no instruction on x86. So there is one behind each row,
 * and two k's can share what the loop itself costs: 47 instructions for 24 multiply-adds. With memory segments the checks of
 * bounds cannot leave a loop with fences in it, hence the array.
 */
final class F32TightTile {

  private F32TightTile() {}

  /** Six rows, two vectors. */
  static void tile6x2(float[] a, int a0, int depth, float[] b, int b0, MemorySegment tile, long t) {
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
    int q0 = b0 - a0 * (2 * COUNT);
    int end = a0 + depth;
    int i = a0;
    for (; i < end - 1; i += 2) {
      int q = q0 + i * (2 * COUNT);
      FloatVector y0 = FloatVector.fromArray(FLOATS, b, q);
      FloatVector y1 = FloatVector.fromArray(FLOATS, b, q + COUNT);
      FloatVector x = FloatVector.broadcast(FLOATS, a[i]);
      c00 = HAS_FMA ? x.fma(y0, c00) : x.mul(y0).add(c00);
      c01 = HAS_FMA ? x.fma(y1, c01) : x.mul(y1).add(c01);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, a[i + STRIDE]);
      c10 = HAS_FMA ? x.fma(y0, c10) : x.mul(y0).add(c10);
      c11 = HAS_FMA ? x.fma(y1, c11) : x.mul(y1).add(c11);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, a[i + 2 * STRIDE]);
      c20 = HAS_FMA ? x.fma(y0, c20) : x.mul(y0).add(c20);
      c21 = HAS_FMA ? x.fma(y1, c21) : x.mul(y1).add(c21);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, a[i + 3 * STRIDE]);
      c30 = HAS_FMA ? x.fma(y0, c30) : x.mul(y0).add(c30);
      c31 = HAS_FMA ? x.fma(y1, c31) : x.mul(y1).add(c31);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, a[i + 4 * STRIDE]);
      c40 = HAS_FMA ? x.fma(y0, c40) : x.mul(y0).add(c40);
      c41 = HAS_FMA ? x.fma(y1, c41) : x.mul(y1).add(c41);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, a[i + 5 * STRIDE]);
      c50 = HAS_FMA ? x.fma(y0, c50) : x.mul(y0).add(c50);
      c51 = HAS_FMA ? x.fma(y1, c51) : x.mul(y1).add(c51);
      VarHandle.loadLoadFence();
      y0 = FloatVector.fromArray(FLOATS, b, q + 2 * COUNT);
      y1 = FloatVector.fromArray(FLOATS, b, q + 3 * COUNT);
      x = FloatVector.broadcast(FLOATS, a[i + 1]);
      c00 = HAS_FMA ? x.fma(y0, c00) : x.mul(y0).add(c00);
      c01 = HAS_FMA ? x.fma(y1, c01) : x.mul(y1).add(c01);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, a[i + STRIDE + 1]);
      c10 = HAS_FMA ? x.fma(y0, c10) : x.mul(y0).add(c10);
      c11 = HAS_FMA ? x.fma(y1, c11) : x.mul(y1).add(c11);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, a[i + 2 * STRIDE + 1]);
      c20 = HAS_FMA ? x.fma(y0, c20) : x.mul(y0).add(c20);
      c21 = HAS_FMA ? x.fma(y1, c21) : x.mul(y1).add(c21);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, a[i + 3 * STRIDE + 1]);
      c30 = HAS_FMA ? x.fma(y0, c30) : x.mul(y0).add(c30);
      c31 = HAS_FMA ? x.fma(y1, c31) : x.mul(y1).add(c31);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, a[i + 4 * STRIDE + 1]);
      c40 = HAS_FMA ? x.fma(y0, c40) : x.mul(y0).add(c40);
      c41 = HAS_FMA ? x.fma(y1, c41) : x.mul(y1).add(c41);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, a[i + 5 * STRIDE + 1]);
      c50 = HAS_FMA ? x.fma(y0, c50) : x.mul(y0).add(c50);
      c51 = HAS_FMA ? x.fma(y1, c51) : x.mul(y1).add(c51);
    }
    if (i < end) {
      int q = q0 + i * (2 * COUNT);
      FloatVector y0 = FloatVector.fromArray(FLOATS, b, q);
      FloatVector y1 = FloatVector.fromArray(FLOATS, b, q + COUNT);
      FloatVector x = FloatVector.broadcast(FLOATS, a[i]);
      c00 = HAS_FMA ? x.fma(y0, c00) : x.mul(y0).add(c00);
      c01 = HAS_FMA ? x.fma(y1, c01) : x.mul(y1).add(c01);
      x = FloatVector.broadcast(FLOATS, a[i + STRIDE]);
      c10 = HAS_FMA ? x.fma(y0, c10) : x.mul(y0).add(c10);
      c11 = HAS_FMA ? x.fma(y1, c11) : x.mul(y1).add(c11);
      x = FloatVector.broadcast(FLOATS, a[i + 2 * STRIDE]);
      c20 = HAS_FMA ? x.fma(y0, c20) : x.mul(y0).add(c20);
      c21 = HAS_FMA ? x.fma(y1, c21) : x.mul(y1).add(c21);
      x = FloatVector.broadcast(FLOATS, a[i + 3 * STRIDE]);
      c30 = HAS_FMA ? x.fma(y0, c30) : x.mul(y0).add(c30);
      c31 = HAS_FMA ? x.fma(y1, c31) : x.mul(y1).add(c31);
      x = FloatVector.broadcast(FLOATS, a[i + 4 * STRIDE]);
      c40 = HAS_FMA ? x.fma(y0, c40) : x.mul(y0).add(c40);
      c41 = HAS_FMA ? x.fma(y1, c41) : x.mul(y1).add(c41);
      x = FloatVector.broadcast(FLOATS, a[i + 5 * STRIDE]);
      c50 = HAS_FMA ? x.fma(y0, c50) : x.mul(y0).add(c50);
      c51 = HAS_FMA ? x.fma(y1, c51) : x.mul(y1).add(c51);
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

  /** Twelve rows, one vector: C2 orders these loads well by itself. */
  static void tile12x1(
      float[] a, int a0, int depth, float[] b, int b0, MemorySegment tile, long t) {
    tile = Lanes.known(tile);
    FloatVector c0 = FloatVector.zero(FLOATS);
    FloatVector c1 = c0;
    FloatVector c2 = c0;
    FloatVector c3 = c0;
    FloatVector c4 = c0;
    FloatVector c5 = c0;
    FloatVector c6 = c0;
    FloatVector c7 = c0;
    FloatVector c8 = c0;
    FloatVector c9 = c0;
    FloatVector c10 = c0;
    FloatVector c11 = c0;
    int q0 = b0 - a0 * COUNT;
    int end = a0 + depth;
    for (int i = a0; i < end; i++) {
      int q = q0 + i * COUNT;
      FloatVector y0 = FloatVector.fromArray(FLOATS, b, q);
      FloatVector x = FloatVector.broadcast(FLOATS, a[i]);
      c0 = HAS_FMA ? x.fma(y0, c0) : x.mul(y0).add(c0);
      x = FloatVector.broadcast(FLOATS, a[i + STRIDE]);
      c1 = HAS_FMA ? x.fma(y0, c1) : x.mul(y0).add(c1);
      x = FloatVector.broadcast(FLOATS, a[i + 2 * STRIDE]);
      c2 = HAS_FMA ? x.fma(y0, c2) : x.mul(y0).add(c2);
      x = FloatVector.broadcast(FLOATS, a[i + 3 * STRIDE]);
      c3 = HAS_FMA ? x.fma(y0, c3) : x.mul(y0).add(c3);
      x = FloatVector.broadcast(FLOATS, a[i + 4 * STRIDE]);
      c4 = HAS_FMA ? x.fma(y0, c4) : x.mul(y0).add(c4);
      x = FloatVector.broadcast(FLOATS, a[i + 5 * STRIDE]);
      c5 = HAS_FMA ? x.fma(y0, c5) : x.mul(y0).add(c5);
      x = FloatVector.broadcast(FLOATS, a[i + 6 * STRIDE]);
      c6 = HAS_FMA ? x.fma(y0, c6) : x.mul(y0).add(c6);
      x = FloatVector.broadcast(FLOATS, a[i + 7 * STRIDE]);
      c7 = HAS_FMA ? x.fma(y0, c7) : x.mul(y0).add(c7);
      x = FloatVector.broadcast(FLOATS, a[i + 8 * STRIDE]);
      c8 = HAS_FMA ? x.fma(y0, c8) : x.mul(y0).add(c8);
      x = FloatVector.broadcast(FLOATS, a[i + 9 * STRIDE]);
      c9 = HAS_FMA ? x.fma(y0, c9) : x.mul(y0).add(c9);
      x = FloatVector.broadcast(FLOATS, a[i + 10 * STRIDE]);
      c10 = HAS_FMA ? x.fma(y0, c10) : x.mul(y0).add(c10);
      x = FloatVector.broadcast(FLOATS, a[i + 11 * STRIDE]);
      c11 = HAS_FMA ? x.fma(y0, c11) : x.mul(y0).add(c11);
    }
    c0.intoMemorySegment(tile, t, ORDER);
    c1.intoMemorySegment(tile, t + BYTES, ORDER);
    c2.intoMemorySegment(tile, t + 2 * BYTES, ORDER);
    c3.intoMemorySegment(tile, t + 3 * BYTES, ORDER);
    c4.intoMemorySegment(tile, t + 4 * BYTES, ORDER);
    c5.intoMemorySegment(tile, t + 5 * BYTES, ORDER);
    c6.intoMemorySegment(tile, t + 6 * BYTES, ORDER);
    c7.intoMemorySegment(tile, t + 7 * BYTES, ORDER);
    c8.intoMemorySegment(tile, t + 8 * BYTES, ORDER);
    c9.intoMemorySegment(tile, t + 9 * BYTES, ORDER);
    c10.intoMemorySegment(tile, t + 10 * BYTES, ORDER);
    c11.intoMemorySegment(tile, t + 11 * BYTES, ORDER);
  }

  /** Six rows, one vector. */
  static void tile6x1(float[] a, int a0, int depth, float[] b, int b0, MemorySegment tile, long t) {
    tile = Lanes.known(tile);
    FloatVector c0 = FloatVector.zero(FLOATS);
    FloatVector c1 = c0;
    FloatVector c2 = c0;
    FloatVector c3 = c0;
    FloatVector c4 = c0;
    FloatVector c5 = c0;
    int q0 = b0 - a0 * COUNT;
    int end = a0 + depth;
    for (int i = a0; i < end; i++) {
      int q = q0 + i * COUNT;
      FloatVector y0 = FloatVector.fromArray(FLOATS, b, q);
      FloatVector x = FloatVector.broadcast(FLOATS, a[i]);
      c0 = HAS_FMA ? x.fma(y0, c0) : x.mul(y0).add(c0);
      x = FloatVector.broadcast(FLOATS, a[i + STRIDE]);
      c1 = HAS_FMA ? x.fma(y0, c1) : x.mul(y0).add(c1);
      x = FloatVector.broadcast(FLOATS, a[i + 2 * STRIDE]);
      c2 = HAS_FMA ? x.fma(y0, c2) : x.mul(y0).add(c2);
      x = FloatVector.broadcast(FLOATS, a[i + 3 * STRIDE]);
      c3 = HAS_FMA ? x.fma(y0, c3) : x.mul(y0).add(c3);
      x = FloatVector.broadcast(FLOATS, a[i + 4 * STRIDE]);
      c4 = HAS_FMA ? x.fma(y0, c4) : x.mul(y0).add(c4);
      x = FloatVector.broadcast(FLOATS, a[i + 5 * STRIDE]);
      c5 = HAS_FMA ? x.fma(y0, c5) : x.mul(y0).add(c5);
    }
    c0.intoMemorySegment(tile, t, ORDER);
    c1.intoMemorySegment(tile, t + BYTES, ORDER);
    c2.intoMemorySegment(tile, t + 2 * BYTES, ORDER);
    c3.intoMemorySegment(tile, t + 3 * BYTES, ORDER);
    c4.intoMemorySegment(tile, t + 4 * BYTES, ORDER);
    c5.intoMemorySegment(tile, t + 5 * BYTES, ORDER);
  }
}
