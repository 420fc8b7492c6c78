package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.INTS;
import static tacet.kernels.vector.Lanes.load;
import static tacet.kernels.vector.Lanes.store;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import tacet.kernels.Activation;
import tacet.kernels.ZeroCounts;
import tacet.kernels.ZeroCounts.Kind;

/**
 * What happens to a tile of results before it leaves the cache: bias, residual, activation, zero counting, storing. Lanes
 * are channels, so a count per channel is a masked add of one vector to another.
 */
final class Epilogue {

  private Epilogue() {}

  /**
   * Finishes a tile.
   *
   * @param m memory of tile, outputs and residual
   * @param tile the results: {@code rows} rows of {@code vectors} vectors; overwritten
   * @param rows valid rows
   * @param stride vectors from a row of the tile to the next
   * @param bias one vector per vector of the tile
   * @param biasOffset byte offset of the first
   * @param places byte offset in {@code m} of {@code rows} longs: where each row's first vector goes, relative to {@code
   *     output}; behind them, where {@code residual >= 0}, as many for the residual
   * @param output byte offset of the output's first vector of this tile
   * @param outputStep bytes from a vector of a row to the next in the output
   * @param residual byte offset of the residual's first vector of this tile, or −1
   * @param residualStep bytes from a vector to the next in the residual
   * @param counts counters or null
   * @param thread slab to count in
   * @param channel channel of the tile's first lane
   */
  static void finish(
      MemorySegment m,
      long tile,
      int rows,
      int vectors,
      int stride,
      MemorySegment bias,
      long biasOffset,
      long places,
      long output,
      long outputStep,
      long residual,
      long residualStep,
      Activation activation,
      ZeroCounts counts,
      int thread,
      int channel) {
    boolean clamp = VectorActivation.isClamp(activation);
    for (int n = 0; n < vectors; n++) {
      long column = tile + (long) n * Lanes.BYTES;
      long step = (long) stride * Lanes.BYTES;
      long b = biasOffset + (long) n * Lanes.BYTES;
      if (residual >= 0) {
        addResidual(m, column, rows, step, places + rows * 8L, residual + n * residualStep);
      }
      if (clamp) {
        float lower = VectorActivation.lower(activation);
        float upper = VectorActivation.upper(activation);
        long out = output + n * outputStep;
        if (counts == null) {
          storeClamped(m, column, rows, step, bias, b, places, out, lower, upper);
        } else if (activation.isIdentity()) {
          countAndStore(
              m,
              column,
              rows,
              step,
              bias,
              b,
              places,
              out,
              counts,
              counts.slab(thread),
              channel + n * Lanes.COUNT);
        } else {
          clampCountAndStore(
              m,
              column,
              rows,
              step,
              bias,
              b,
              places,
              out,
              lower,
              upper,
              counts,
              counts.slab(thread),
              channel + n * Lanes.COUNT);
        }
      } else {
        addBias(m, column, rows, step, bias, b);
        if (counts != null) {
          countBefore(
              m, column, rows, step, counts, counts.slab(thread), channel + n * Lanes.COUNT);
        }
      }
    }
    if (!clamp) {
      VectorActivation.apply(activation, m, tile, rows * stride);
      for (int n = 0; n < vectors; n++) {
        long column = tile + (long) n * Lanes.BYTES;
        long step = (long) stride * Lanes.BYTES;
        long out = output + n * outputStep;
        if (counts == null) {
          copy(m, column, rows, step, places, out);
        } else {
          countAfterAndStore(
              m,
              column,
              rows,
              step,
              places,
              out,
              counts,
              counts.slab(thread),
              channel + n * Lanes.COUNT);
        }
      }
    }
  }

  private static long place(MemorySegment m, long places, int row) {
    return m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + row * 8L);
  }

  private static void addResidual(
      MemorySegment m, long column, int rows, long step, long places, long residual) {
    for (int r = 0; r < rows; r++) {
      long o = column + r * step;
      store(load(m, o).add(load(m, residual + place(m, places, r))), m, o);
    }
  }

  private static void addBias(
      MemorySegment m, long column, int rows, long step, MemorySegment bias, long biasOffset) {
    FloatVector b = load(bias, biasOffset);
    for (int r = 0; r < rows; r++) {
      long o = column + r * step;
      store(load(m, o).add(b), m, o);
    }
  }

  private static void copy(
      MemorySegment m, long column, int rows, long step, long places, long out) {
    for (int r = 0; r < rows; r++) {
      store(load(m, column + r * step), m, out + place(m, places, r));
    }
  }

  private static void storeClamped(
      MemorySegment m,
      long column,
      int rows,
      long step,
      MemorySegment bias,
      long biasOffset,
      long places,
      long out,
      float lower,
      float upper) {
    FloatVector b = load(bias, biasOffset);
    for (int r = 0; r < rows; r++) {
      FloatVector v = load(m, column + r * step).add(b);
      v = v.blend(lower, v.lt(lower));
      v = v.blend(upper, v.compare(VectorOperators.GT, upper));
      store(v, m, out + place(m, places, r));
    }
  }

  private static void countAndStore(
      MemorySegment m,
      long column,
      int rows,
      long step,
      MemorySegment bias,
      long biasOffset,
      long places,
      long out,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    float tau = counts.threshold();
    IntVector zeros = IntVector.zero(INTS);
    IntVector near = IntVector.zero(INTS);
    IntVector negative = IntVector.zero(INTS);
    FloatVector b = load(bias, biasOffset);
    for (int r = 0; r < rows; r++) {
      FloatVector v = load(m, column + r * step).add(b);
      zeros = tally(zeros, v.eq(0f));
      near = tally(near, v.abs().lt(tau));
      negative = tally(negative, v.lt(0f));
      store(v, m, out + place(m, places, r));
    }
    add(slab, Kind.ZERO, counts.stride(), channel, zeros);
    add(slab, Kind.NEAR_ZERO, counts.stride(), channel, near);
    add(slab, Kind.NEGATIVE, counts.stride(), channel, negative);
  }

  private static void clampCountAndStore(
      MemorySegment m,
      long column,
      int rows,
      long step,
      MemorySegment bias,
      long biasOffset,
      long places,
      long out,
      float lower,
      float upper,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    float tau = counts.threshold();
    IntVector zeros = IntVector.zero(INTS);
    IntVector near = IntVector.zero(INTS);
    IntVector negative = IntVector.zero(INTS);
    IntVector zerosBefore = IntVector.zero(INTS);
    IntVector nearBefore = IntVector.zero(INTS);
    IntVector negativeBefore = IntVector.zero(INTS);
    FloatVector b = load(bias, biasOffset);
    for (int r = 0; r < rows; r++) {
      FloatVector v = load(m, column + r * step).add(b);
      negativeBefore = tally(negativeBefore, v.lt(0f));
      zerosBefore = tally(zerosBefore, v.eq(0f));
      nearBefore = tally(nearBefore, v.abs().lt(tau));
      v = v.blend(lower, v.lt(lower));
      v = v.blend(upper, v.compare(VectorOperators.GT, upper));
      zeros = tally(zeros, v.eq(0f));
      near = tally(near, v.abs().lt(tau));
      // Always, though a lower bound of zero leaves none: a vector that is set on one path alone becomes an object.
      negative = tally(negative, v.lt(0f));
      store(v, m, out + place(m, places, r));
    }
    int stride = counts.stride();
    add(slab, Kind.ZERO, stride, channel, zeros);
    add(slab, Kind.NEAR_ZERO, stride, channel, near);
    add(slab, Kind.NEGATIVE, stride, channel, negative);
    add(slab, Kind.ZERO_BEFORE, stride, channel, zerosBefore);
    add(slab, Kind.NEAR_ZERO_BEFORE, stride, channel, nearBefore);
    add(slab, Kind.NEGATIVE_BEFORE, stride, channel, negativeBefore);
  }

  private static void countBefore(
      MemorySegment m,
      long column,
      int rows,
      long step,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    float tau = counts.threshold();
    IntVector zeros = IntVector.zero(INTS);
    IntVector near = IntVector.zero(INTS);
    IntVector negative = IntVector.zero(INTS);
    for (int r = 0; r < rows; r++) {
      FloatVector v = load(m, column + r * step);
      negative = tally(negative, v.lt(0f));
      zeros = tally(zeros, v.eq(0f));
      near = tally(near, v.abs().lt(tau));
    }
    add(slab, Kind.NEGATIVE_BEFORE, counts.stride(), channel, negative);
    add(slab, Kind.ZERO_BEFORE, counts.stride(), channel, zeros);
    add(slab, Kind.NEAR_ZERO_BEFORE, counts.stride(), channel, near);
  }

  private static void countAfterAndStore(
      MemorySegment m,
      long column,
      int rows,
      long step,
      long places,
      long out,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    float tau = counts.threshold();
    IntVector zeros = IntVector.zero(INTS);
    IntVector near = IntVector.zero(INTS);
    IntVector negative = IntVector.zero(INTS);
    for (int r = 0; r < rows; r++) {
      FloatVector v = load(m, column + r * step);
      zeros = tally(zeros, v.eq(0f));
      near = tally(near, v.abs().lt(tau));
      negative = tally(negative, v.lt(0f));
      store(v, m, out + place(m, places, r));
    }
    add(slab, Kind.ZERO, counts.stride(), channel, zeros);
    add(slab, Kind.NEAR_ZERO, counts.stride(), channel, near);
    add(slab, Kind.NEGATIVE, counts.stride(), channel, negative);
  }

  static IntVector tally(IntVector counter, VectorMask<Float> mask) {
    return counter.add(1, mask.cast(INTS));
  }

  static void add(int[] slab, Kind kind, int stride, int channel, IntVector counter) {
    int i = kind.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(counter).intoArray(slab, i);
  }
}
