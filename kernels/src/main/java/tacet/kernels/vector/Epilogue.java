package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.INTS;
import static tacet.kernels.vector.Lanes.ORDER;
import static tacet.kernels.vector.Lanes.store;

import java.lang.foreign.Arena;
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
 * are channels, so a count per channel is a masked add of one vector to another. Vectors stay within one method: where a
 * helper of our own is not inlined, each vector it takes becomes an object.
 */
final class Epilogue {

  private Epilogue() {}

  /**
   * Finishes a block of rows.
   *
   * @param m memory of sums, outputs and residual
   * @param tile the sums: {@code rows} rows of {@code vectors} vectors; overwritten
   * @param stride vectors from a row of sums to the next; those behind {@code vectors} are left alone
   * @param bias one vector per vector of a row, no −0 among them
   * @param biasOffset byte offset of the first
   * @param places byte offset in {@code m} of {@code rows} longs: where each row's first vector goes, relative to {@code
   *     output}
   * @param output byte offset of the output's first vector of these columns
   * @param outputStep bytes from a vector of a row to the next in the output
   * @param residualPlaces as {@code places}, of the residual
   * @param residual byte offset of the residual's first vector of these columns, or −1
   * @param residualStep bytes from a vector to the next in the residual
   * @param counts counters or null
   * @param thread slab to count in
   * @param channel channel of the first lane
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
      long residualPlaces,
      long residual,
      long residualStep,
      Activation activation,
      ZeroCounts counts,
      int thread,
      int channel) {
    long step = (long) stride * Lanes.BYTES;
    if (residual >= 0) {
      for (int n = 0; n < vectors; n++) {
        long column = tile + (long) n * Lanes.BYTES;
        addResidual(m, column, rows, step, residualPlaces, residual + n * residualStep);
      }
    }
    if (counts != null && CountingEpilogue.takes(activation, counts.threshold())) {
      CountingEpilogue.finish(
          m,
          tile,
          rows,
          vectors,
          stride,
          bias,
          biasOffset,
          places,
          output,
          outputStep,
          activation,
          counts,
          counts.slab(thread),
          channel);
      return;
    }
    boolean clamp = VectorActivation.isClamp(activation);
    boolean once = clamp || counts != null && activation.kind() == Activation.Kind.THRESHOLDED_RELU;
    for (int n = 0; n < vectors; n++) {
      long column = tile + (long) n * Lanes.BYTES;
      long b = biasOffset + (long) n * Lanes.BYTES;
      if (once) {
        float lower = clamp ? VectorActivation.lower(activation) : 0f;
        float upper = VectorActivation.upper(activation);
        long out = output + n * outputStep;
        if (counts == null) {
          storeClamped(m, column, rows, step, bias, b, places, out, lower, upper);
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
              clamp ? Math.nextDown(lower) : activation.alpha(),
              clamp,
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
    if (!once) {
      if (vectors == stride) {
        VectorActivation.apply(activation, m, tile, rows * stride);
      } else {
        for (int r = 0; r < rows; r++) {
          VectorActivation.apply(activation, m, tile + r * step, vectors);
        }
      }
      for (int n = 0; n < vectors; n++) {
        long column = tile + (long) n * Lanes.BYTES;
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

  /** A bias as kernels read it: whole vectors, zeros where there is none, and no −0, so that no sum with it is −0. */
  static MemorySegment bias(float[] bias, int vectors, Arena arena) {
    MemorySegment packed = arena.allocate((long) vectors * Lanes.BYTES, 64);
    if (bias != null) {
      for (int i = 0; i < bias.length; i++) {
        packed.setAtIndex(ValueLayout.JAVA_FLOAT, i, bias[i] + 0f);
      }
    }
    return packed;
  }

  private static long place(MemorySegment m, long places, int row) {
    return m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + row * 8L);
  }

  private static void addResidual(
      MemorySegment m, long column, int rows, long step, long places, long residual) {
    m = Lanes.known(m);
    for (int r = 0; r < rows; r++) {
      long o = column + r * step;
      store(
          FloatVector.fromMemorySegment(FLOATS, m, o, ORDER)
              .add(FloatVector.fromMemorySegment(FLOATS, m, residual + place(m, places, r), ORDER)),
          m,
          o);
    }
  }

  private static void addBias(
      MemorySegment m, long column, int rows, long step, MemorySegment bias, long biasOffset) {
    m = Lanes.known(m);
    bias = Lanes.known(bias);
    FloatVector b = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset, ORDER);
    for (int r = 0; r < rows; r++) {
      long o = column + r * step;
      store(FloatVector.fromMemorySegment(FLOATS, m, o, ORDER).add(b), m, o);
    }
  }

  private static void copy(
      MemorySegment m, long column, int rows, long step, long places, long out) {
    m = Lanes.known(m);
    for (int r = 0; r < rows; r++) {
      store(
          FloatVector.fromMemorySegment(FLOATS, m, column + r * step, ORDER),
          m,
          out + place(m, places, r));
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
    m = Lanes.known(m);
    bias = Lanes.known(bias);
    FloatVector b = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset, ORDER);
    for (int r = 0; r < rows; r++) {
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, m, column + r * step, ORDER).add(b);
      v = v.blend(lower, v.lt(lower));
      v = v.blend(upper, v.compare(VectorOperators.GT, upper));
      v.intoMemorySegment(m, out + place(m, places, r), ORDER);
    }
  }

  /**
   * What does not exceed {@code cut} becomes {@code lower}, what exceeds {@code upper} that.
   *
   * @param nanPasses whether NaN stays what it is; else it becomes {@code lower} too
   */
  private static void clampCountAndStore(
      MemorySegment m,
      long column,
      int rows,
      long step,
      MemorySegment bias,
      long biasOffset,
      long places,
      long out,
      float cut,
      boolean nanPasses,
      float lower,
      float upper,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    m = Lanes.known(m);
    bias = Lanes.known(bias);
    float tau = counts.threshold();
    IntVector zeros = IntVector.zero(INTS);
    IntVector near = IntVector.zero(INTS);
    IntVector negative = IntVector.zero(INTS);
    IntVector zerosBefore = IntVector.zero(INTS);
    IntVector nearBefore = IntVector.zero(INTS);
    IntVector negativeBefore = IntVector.zero(INTS);
    FloatVector low = FloatVector.broadcast(FLOATS, lower);
    VectorMask<Float> passing = FLOATS.maskAll(nanPasses);
    FloatVector b = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset, ORDER);
    for (int r = 0; r < rows; r++) {
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, m, column + r * step, ORDER).add(b);
      negativeBefore = negativeBefore.add(1, v.lt(0f).cast(INTS));
      zerosBefore = zerosBefore.add(1, v.eq(0f).cast(INTS));
      nearBefore = nearBefore.add(1, v.abs().lt(tau).cast(INTS));
      VectorMask<Float> kept = v.compare(VectorOperators.GT, cut);
      v = low.blend(v, kept.or(v.compare(VectorOperators.NE, v).and(passing)));
      v = v.blend(upper, v.compare(VectorOperators.GT, upper));
      zeros = zeros.add(1, v.eq(0f).cast(INTS));
      near = near.add(1, v.abs().lt(tau).cast(INTS));
      // Always, though a lower bound of zero leaves none: a vector that is set on one path alone
      // becomes an object.
      negative = negative.add(1, v.lt(0f).cast(INTS));
      v.intoMemorySegment(m, out + place(m, places, r), ORDER);
    }
    int atZero = index(counts, Kind.ZERO, channel);
    IntVector.fromArray(INTS, slab, atZero).add(zeros).intoArray(slab, atZero);
    int atNear = index(counts, Kind.NEAR_ZERO, channel);
    IntVector.fromArray(INTS, slab, atNear).add(near).intoArray(slab, atNear);
    int atNegative = index(counts, Kind.NEGATIVE, channel);
    IntVector.fromArray(INTS, slab, atNegative).add(negative).intoArray(slab, atNegative);
    int atZeroBefore = index(counts, Kind.ZERO_BEFORE, channel);
    IntVector.fromArray(INTS, slab, atZeroBefore).add(zerosBefore).intoArray(slab, atZeroBefore);
    int atNearBefore = index(counts, Kind.NEAR_ZERO_BEFORE, channel);
    IntVector.fromArray(INTS, slab, atNearBefore).add(nearBefore).intoArray(slab, atNearBefore);
    int atNegativeBefore = index(counts, Kind.NEGATIVE_BEFORE, channel);
    IntVector.fromArray(INTS, slab, atNegativeBefore)
        .add(negativeBefore)
        .intoArray(slab, atNegativeBefore);
  }

  private static void countBefore(
      MemorySegment m,
      long column,
      int rows,
      long step,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    m = Lanes.known(m);
    float tau = counts.threshold();
    IntVector zeros = IntVector.zero(INTS);
    IntVector near = IntVector.zero(INTS);
    IntVector negative = IntVector.zero(INTS);
    for (int r = 0; r < rows; r++) {
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, m, column + r * step, ORDER);
      negative = negative.add(1, v.lt(0f).cast(INTS));
      zeros = zeros.add(1, v.eq(0f).cast(INTS));
      near = near.add(1, v.abs().lt(tau).cast(INTS));
    }
    int atNegativeBefore = index(counts, Kind.NEGATIVE_BEFORE, channel);
    IntVector.fromArray(INTS, slab, atNegativeBefore)
        .add(negative)
        .intoArray(slab, atNegativeBefore);
    int atZeroBefore = index(counts, Kind.ZERO_BEFORE, channel);
    IntVector.fromArray(INTS, slab, atZeroBefore).add(zeros).intoArray(slab, atZeroBefore);
    int atNearBefore = index(counts, Kind.NEAR_ZERO_BEFORE, channel);
    IntVector.fromArray(INTS, slab, atNearBefore).add(near).intoArray(slab, atNearBefore);
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
    m = Lanes.known(m);
    float tau = counts.threshold();
    IntVector zeros = IntVector.zero(INTS);
    IntVector near = IntVector.zero(INTS);
    IntVector negative = IntVector.zero(INTS);
    for (int r = 0; r < rows; r++) {
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, m, column + r * step, ORDER);
      zeros = zeros.add(1, v.eq(0f).cast(INTS));
      near = near.add(1, v.abs().lt(tau).cast(INTS));
      negative = negative.add(1, v.lt(0f).cast(INTS));
      v.intoMemorySegment(m, out + place(m, places, r), ORDER);
    }
    int atZero = index(counts, Kind.ZERO, channel);
    IntVector.fromArray(INTS, slab, atZero).add(zeros).intoArray(slab, atZero);
    int atNear = index(counts, Kind.NEAR_ZERO, channel);
    IntVector.fromArray(INTS, slab, atNear).add(near).intoArray(slab, atNear);
    int atNegative = index(counts, Kind.NEGATIVE, channel);
    IntVector.fromArray(INTS, slab, atNegative).add(negative).intoArray(slab, atNegative);
  }

  /** Where a vector of channels is counted in a slab. */
  private static int index(ZeroCounts counts, Kind kind, int channel) {
    return kind.ordinal() * counts.stride() + channel;
  }

  static void add(int[] slab, Kind kind, int stride, int channel, IntVector counter) {
    int i = kind.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(counter).intoArray(slab, i);
  }
}
