package tacet.kernels.vector;

import static tacet.kernels.vector.F32Tile.COLUMN_MASK;
import static tacet.kernels.vector.F32Tile.STRIDE;
import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.COUNT;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.HAS_FMA;
import static tacet.kernels.vector.Lanes.ORDER;
import static tacet.kernels.vector.Scratchpad.ARRAY;
import static tacet.kernels.vector.Scratchpad.MASK;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import jdk.incubator.vector.FloatVector;

/**
 * The micro-kernels of {@link F32Tile} for machines with sixteen vector registers. The contract is the same, but for the
 * operands, which are both in the {@link Scratchpad}: the left one from {@code a0} on, the right one, V vectors for each k, from
 * {@code b0} on. No index is checked, and whatever the arguments are, nothing outside of it is read.
 *
 * <p>Twelve sums leave room for two vectors of weights and two broadcasts. C2 puts all loads of a loop's body as early as
 * their addresses are known, and then spills sums, each of which goes through memory once per k: half of the peak. No load is
 * moved across a fence, and one that orders loads among themselves is no instruction on x86. So there is one behind each row,
 * and four k's can share what the loop itself costs.
 */
final class F32TightTile {

  static {
    assert 11 * STRIDE + COLUMN_MASK < Scratchpad.REACH;
    assert (COLUMN_MASK + 4) * 2 * COUNT < Scratchpad.REACH;
  }

  private F32TightTile() {}

  /** Six rows, two vectors. */
  static void tile6x2(int a0, int depth, int b0, MemorySegment tile, long t) {
    tile = Lanes.known(tile);
    int a = a0 & MASK;
    int b = b0 & MASK;
    int end = depth & COLUMN_MASK;
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
    int k = 0;
    for (; k < end - 3; k += 4) {
      int i = a + k;
      int q = b + k * (2 * COUNT);
      FloatVector y0 = FloatVector.fromArray(FLOATS, ARRAY, q);
      FloatVector y1 = FloatVector.fromArray(FLOATS, ARRAY, q + COUNT);
      FloatVector x = FloatVector.broadcast(FLOATS, ARRAY[i]);
      c00 = HAS_FMA ? x.fma(y0, c00) : x.mul(y0).add(c00);
      c01 = HAS_FMA ? x.fma(y1, c01) : x.mul(y1).add(c01);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + STRIDE]);
      c10 = HAS_FMA ? x.fma(y0, c10) : x.mul(y0).add(c10);
      c11 = HAS_FMA ? x.fma(y1, c11) : x.mul(y1).add(c11);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 2 * STRIDE]);
      c20 = HAS_FMA ? x.fma(y0, c20) : x.mul(y0).add(c20);
      c21 = HAS_FMA ? x.fma(y1, c21) : x.mul(y1).add(c21);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 3 * STRIDE]);
      c30 = HAS_FMA ? x.fma(y0, c30) : x.mul(y0).add(c30);
      c31 = HAS_FMA ? x.fma(y1, c31) : x.mul(y1).add(c31);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 4 * STRIDE]);
      c40 = HAS_FMA ? x.fma(y0, c40) : x.mul(y0).add(c40);
      c41 = HAS_FMA ? x.fma(y1, c41) : x.mul(y1).add(c41);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 5 * STRIDE]);
      c50 = HAS_FMA ? x.fma(y0, c50) : x.mul(y0).add(c50);
      c51 = HAS_FMA ? x.fma(y1, c51) : x.mul(y1).add(c51);
      VarHandle.loadLoadFence();
      y0 = FloatVector.fromArray(FLOATS, ARRAY, q + 2 * COUNT);
      y1 = FloatVector.fromArray(FLOATS, ARRAY, q + 3 * COUNT);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 1]);
      c00 = HAS_FMA ? x.fma(y0, c00) : x.mul(y0).add(c00);
      c01 = HAS_FMA ? x.fma(y1, c01) : x.mul(y1).add(c01);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + STRIDE + 1]);
      c10 = HAS_FMA ? x.fma(y0, c10) : x.mul(y0).add(c10);
      c11 = HAS_FMA ? x.fma(y1, c11) : x.mul(y1).add(c11);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 2 * STRIDE + 1]);
      c20 = HAS_FMA ? x.fma(y0, c20) : x.mul(y0).add(c20);
      c21 = HAS_FMA ? x.fma(y1, c21) : x.mul(y1).add(c21);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 3 * STRIDE + 1]);
      c30 = HAS_FMA ? x.fma(y0, c30) : x.mul(y0).add(c30);
      c31 = HAS_FMA ? x.fma(y1, c31) : x.mul(y1).add(c31);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 4 * STRIDE + 1]);
      c40 = HAS_FMA ? x.fma(y0, c40) : x.mul(y0).add(c40);
      c41 = HAS_FMA ? x.fma(y1, c41) : x.mul(y1).add(c41);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 5 * STRIDE + 1]);
      c50 = HAS_FMA ? x.fma(y0, c50) : x.mul(y0).add(c50);
      c51 = HAS_FMA ? x.fma(y1, c51) : x.mul(y1).add(c51);
      VarHandle.loadLoadFence();
      y0 = FloatVector.fromArray(FLOATS, ARRAY, q + 4 * COUNT);
      y1 = FloatVector.fromArray(FLOATS, ARRAY, q + 5 * COUNT);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 2]);
      c00 = HAS_FMA ? x.fma(y0, c00) : x.mul(y0).add(c00);
      c01 = HAS_FMA ? x.fma(y1, c01) : x.mul(y1).add(c01);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + STRIDE + 2]);
      c10 = HAS_FMA ? x.fma(y0, c10) : x.mul(y0).add(c10);
      c11 = HAS_FMA ? x.fma(y1, c11) : x.mul(y1).add(c11);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 2 * STRIDE + 2]);
      c20 = HAS_FMA ? x.fma(y0, c20) : x.mul(y0).add(c20);
      c21 = HAS_FMA ? x.fma(y1, c21) : x.mul(y1).add(c21);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 3 * STRIDE + 2]);
      c30 = HAS_FMA ? x.fma(y0, c30) : x.mul(y0).add(c30);
      c31 = HAS_FMA ? x.fma(y1, c31) : x.mul(y1).add(c31);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 4 * STRIDE + 2]);
      c40 = HAS_FMA ? x.fma(y0, c40) : x.mul(y0).add(c40);
      c41 = HAS_FMA ? x.fma(y1, c41) : x.mul(y1).add(c41);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 5 * STRIDE + 2]);
      c50 = HAS_FMA ? x.fma(y0, c50) : x.mul(y0).add(c50);
      c51 = HAS_FMA ? x.fma(y1, c51) : x.mul(y1).add(c51);
      VarHandle.loadLoadFence();
      y0 = FloatVector.fromArray(FLOATS, ARRAY, q + 6 * COUNT);
      y1 = FloatVector.fromArray(FLOATS, ARRAY, q + 7 * COUNT);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 3]);
      c00 = HAS_FMA ? x.fma(y0, c00) : x.mul(y0).add(c00);
      c01 = HAS_FMA ? x.fma(y1, c01) : x.mul(y1).add(c01);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + STRIDE + 3]);
      c10 = HAS_FMA ? x.fma(y0, c10) : x.mul(y0).add(c10);
      c11 = HAS_FMA ? x.fma(y1, c11) : x.mul(y1).add(c11);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 2 * STRIDE + 3]);
      c20 = HAS_FMA ? x.fma(y0, c20) : x.mul(y0).add(c20);
      c21 = HAS_FMA ? x.fma(y1, c21) : x.mul(y1).add(c21);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 3 * STRIDE + 3]);
      c30 = HAS_FMA ? x.fma(y0, c30) : x.mul(y0).add(c30);
      c31 = HAS_FMA ? x.fma(y1, c31) : x.mul(y1).add(c31);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 4 * STRIDE + 3]);
      c40 = HAS_FMA ? x.fma(y0, c40) : x.mul(y0).add(c40);
      c41 = HAS_FMA ? x.fma(y1, c41) : x.mul(y1).add(c41);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 5 * STRIDE + 3]);
      c50 = HAS_FMA ? x.fma(y0, c50) : x.mul(y0).add(c50);
      c51 = HAS_FMA ? x.fma(y1, c51) : x.mul(y1).add(c51);
    }
    for (; k < end; k++) {
      int i = a + k;
      int q = b + k * (2 * COUNT);
      FloatVector y0 = FloatVector.fromArray(FLOATS, ARRAY, q);
      FloatVector y1 = FloatVector.fromArray(FLOATS, ARRAY, q + COUNT);
      FloatVector x = FloatVector.broadcast(FLOATS, ARRAY[i]);
      c00 = HAS_FMA ? x.fma(y0, c00) : x.mul(y0).add(c00);
      c01 = HAS_FMA ? x.fma(y1, c01) : x.mul(y1).add(c01);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + STRIDE]);
      c10 = HAS_FMA ? x.fma(y0, c10) : x.mul(y0).add(c10);
      c11 = HAS_FMA ? x.fma(y1, c11) : x.mul(y1).add(c11);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 2 * STRIDE]);
      c20 = HAS_FMA ? x.fma(y0, c20) : x.mul(y0).add(c20);
      c21 = HAS_FMA ? x.fma(y1, c21) : x.mul(y1).add(c21);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 3 * STRIDE]);
      c30 = HAS_FMA ? x.fma(y0, c30) : x.mul(y0).add(c30);
      c31 = HAS_FMA ? x.fma(y1, c31) : x.mul(y1).add(c31);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 4 * STRIDE]);
      c40 = HAS_FMA ? x.fma(y0, c40) : x.mul(y0).add(c40);
      c41 = HAS_FMA ? x.fma(y1, c41) : x.mul(y1).add(c41);
      VarHandle.loadLoadFence();
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 5 * STRIDE]);
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
  static void tile12x1(int a0, int depth, int b0, MemorySegment tile, long t) {
    tile = Lanes.known(tile);
    int a = a0 & MASK;
    int b = b0 & MASK;
    int end = depth & COLUMN_MASK;
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
    for (int k = 0; k < end; k++) {
      int i = a + k;
      int q = b + k * COUNT;
      FloatVector y0 = FloatVector.fromArray(FLOATS, ARRAY, q);
      FloatVector x = FloatVector.broadcast(FLOATS, ARRAY[i]);
      c0 = HAS_FMA ? x.fma(y0, c0) : x.mul(y0).add(c0);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + STRIDE]);
      c1 = HAS_FMA ? x.fma(y0, c1) : x.mul(y0).add(c1);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 2 * STRIDE]);
      c2 = HAS_FMA ? x.fma(y0, c2) : x.mul(y0).add(c2);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 3 * STRIDE]);
      c3 = HAS_FMA ? x.fma(y0, c3) : x.mul(y0).add(c3);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 4 * STRIDE]);
      c4 = HAS_FMA ? x.fma(y0, c4) : x.mul(y0).add(c4);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 5 * STRIDE]);
      c5 = HAS_FMA ? x.fma(y0, c5) : x.mul(y0).add(c5);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 6 * STRIDE]);
      c6 = HAS_FMA ? x.fma(y0, c6) : x.mul(y0).add(c6);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 7 * STRIDE]);
      c7 = HAS_FMA ? x.fma(y0, c7) : x.mul(y0).add(c7);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 8 * STRIDE]);
      c8 = HAS_FMA ? x.fma(y0, c8) : x.mul(y0).add(c8);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 9 * STRIDE]);
      c9 = HAS_FMA ? x.fma(y0, c9) : x.mul(y0).add(c9);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 10 * STRIDE]);
      c10 = HAS_FMA ? x.fma(y0, c10) : x.mul(y0).add(c10);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 11 * STRIDE]);
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
  static void tile6x1(int a0, int depth, int b0, MemorySegment tile, long t) {
    tile = Lanes.known(tile);
    int a = a0 & MASK;
    int b = b0 & MASK;
    int end = depth & COLUMN_MASK;
    FloatVector c0 = FloatVector.zero(FLOATS);
    FloatVector c1 = c0;
    FloatVector c2 = c0;
    FloatVector c3 = c0;
    FloatVector c4 = c0;
    FloatVector c5 = c0;
    for (int k = 0; k < end; k++) {
      int i = a + k;
      int q = b + k * COUNT;
      FloatVector y0 = FloatVector.fromArray(FLOATS, ARRAY, q);
      FloatVector x = FloatVector.broadcast(FLOATS, ARRAY[i]);
      c0 = HAS_FMA ? x.fma(y0, c0) : x.mul(y0).add(c0);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + STRIDE]);
      c1 = HAS_FMA ? x.fma(y0, c1) : x.mul(y0).add(c1);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 2 * STRIDE]);
      c2 = HAS_FMA ? x.fma(y0, c2) : x.mul(y0).add(c2);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 3 * STRIDE]);
      c3 = HAS_FMA ? x.fma(y0, c3) : x.mul(y0).add(c3);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 4 * STRIDE]);
      c4 = HAS_FMA ? x.fma(y0, c4) : x.mul(y0).add(c4);
      x = FloatVector.broadcast(FLOATS, ARRAY[i + 5 * STRIDE]);
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
