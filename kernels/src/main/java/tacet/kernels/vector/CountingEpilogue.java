package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.COUNT;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.INTS;
import static tacet.kernels.vector.Lanes.ORDER;

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
 * The most frequent ways a block of sums is finished – bias, then ReLU, ReLU with an upper bound or nothing, counting,
 * storing –, for two vectors of a row at once: one look-up of the row's place serves both, and the counters stay in
 * registers. Four at once are hardly faster.
 *
 * <p>What is counted follows from few comparisons, all of floats ({@link Lanes} says why none is of their bits). A bias is never
 * −0, so neither is a sum. ReLU's zeros are the values that were negative or zero, its near zeros those below τ; an upper
 * bound of at least τ changes neither. A NaN is none of these and passes.
 */
final class CountingEpilogue {

  /** By the number of vectors. */
  private static final Rehearsal[] PLAIN = Rehearsal.several(3);

  private static final Rehearsal[] RECTIFY = Rehearsal.several(3);

  private static final Rehearsal[] CLAMP = Rehearsal.several(3);

  private static final int REHEARSED_ROWS = 8;

  /** Vector operations per row and vector, and per vector at the end; about. */
  private static final int OPERATIONS = 10;

  private CountingEpilogue() {}

  /** Whether blocks with this activation are finished here. With τ = 0 what ReLU makes zero is no near zero. */
  static boolean takes(Activation f, float threshold) {
    return switch (f.kind()) {
      case IDENTITY -> true;
      case RELU -> threshold > 0;
      case CLIP ->
          threshold > 0 && Float.floatToRawIntBits(f.alpha()) == 0 && f.beta() >= threshold;
      default -> false;
    };
  }

  private static Rehearsal[] rehearsals(Activation f) {
    if (f.isIdentity()) {
      return PLAIN;
    }
    return VectorActivation.upper(f) == Float.POSITIVE_INFINITY ? RECTIFY : CLAMP;
  }

  /**
   * Whether blocks are finished by compiled code, or not here at all.
   *
   * @param vectors vectors of a row
   */
  static boolean isSettled(Activation f, int vectors) {
    if (!VectorActivation.isClamp(f)) {
      return true;
    }
    Rehearsal[] rehearsals = rehearsals(f);
    return !(vectors % 2 == 1 && rehearsals[1].isPending())
        && !(vectors > 1 && rehearsals[2].isPending());
  }

  /**
   * Finishes a block.
   *
   * @param tile byte offset in {@code m} of {@code rows} rows of {@code vectors} vectors of sums
   * @param stride vectors from a row of sums to the next
   * @param places byte offset in {@code m} of a long per row: where its first vector goes, relative to {@code out}
   * @param outStep bytes from a vector of a row to the next in the output
   * @param activation one that is {@link #takes taken}
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
      long out,
      long outStep,
      Activation activation,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    boolean rectify = !activation.isIdentity();
    float upper = VectorActivation.upper(activation);
    Rehearsal[] rehearsals = rehearsals(activation);
    long step = (long) stride * BYTES;
    for (int v = 0; v < vectors; v += 2) {
      int n = Math.min(2, vectors - v);
      long t = tile + (long) v * BYTES;
      long b = biasOffset + (long) v * BYTES;
      long o = out + v * outStep;
      int c = channel + v * COUNT;
      Rehearsal rehearsal = rehearsals[n];
      if (rehearsal.isDone()) {
        columns(m, t, rows, n, step, bias, b, places, o, outStep, rectify, upper, counts, slab, c);
        continue;
      }
      while (rehearsal.isDue()) {
        int r = Math.min(rows, REHEARSED_ROWS);
        // Made before the clock starts: the slab of a layer of thousands of channels takes longer
        // than the rows.
        int[] none = new int[slab.length];
        long began = System.nanoTime();
        columns(m, t, r, n, step, bias, b, places, o, outStep, rectify, upper, counts, none, c);
        rehearsal.rehearsed(began, (r + 1L) * n * OPERATIONS);
      }
      long start = System.nanoTime();
      ColdCode.finish(
          m, t, rows, n, step, bias, b, places, o, outStep, rectify, upper, counts, slab, c);
      rehearsal.computed(start);
    }
  }

  private static void columns(
      MemorySegment m,
      long t,
      int n,
      int vectors,
      long step,
      MemorySegment bias,
      long b,
      long p,
      long out,
      long outStep,
      boolean rectify,
      float upper,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    if (vectors == 1) {
      if (!rectify) {
        plain1(m, t, n, step, bias, b, p, out, counts, slab, channel);
      } else if (upper == Float.POSITIVE_INFINITY) {
        rectify1(m, t, n, step, bias, b, p, out, counts, slab, channel);
      } else {
        clamp1(m, t, n, step, bias, b, p, out, upper, counts, slab, channel);
      }
    } else {
      if (!rectify) {
        plain2(m, t, n, step, bias, b, p, out, outStep, counts, slab, channel);
      } else if (upper == Float.POSITIVE_INFINITY) {
        rectify2(m, t, n, step, bias, b, p, out, outStep, counts, slab, channel);
      } else {
        clamp2(m, t, n, step, bias, b, p, out, outStep, upper, counts, slab, channel);
      }
    }
  }

  /** No activation, one vector of channels. */
  private static void plain1(
      MemorySegment m,
      long tile,
      int rows,
      long step,
      MemorySegment bias,
      long biasOffset,
      long places,
      long out,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    m = Lanes.known(m);
    bias = Lanes.known(bias);
    float tau = counts.threshold();
    IntVector one = IntVector.broadcast(INTS, 1);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset, ORDER);
    IntVector negative0 = IntVector.zero(INTS);
    IntVector near0 = negative0;
    IntVector zeros0 = negative0;
    for (int r = 0; r < rows; r++) {
      long row = tile + r * step;
      long to = out + m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, row, ORDER).add(b0);
      VectorMask<Float> below = x.lt(0f);
      negative0 = negative0.add(one, below.cast(INTS));
      near0 = near0.add(one, x.abs().lt(tau).cast(INTS));
      zeros0 = zeros0.add(one, x.eq(0f).cast(INTS));
      x.intoMemorySegment(m, to, ORDER);
    }
    int stride = counts.stride();
    int i;
    i = Kind.ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(zeros0).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(near0).intoArray(slab, i);
    i = Kind.NEGATIVE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0).intoArray(slab, i);
  }

  /** No activation, two vectors of channels. */
  private static void plain2(
      MemorySegment m,
      long tile,
      int rows,
      long step,
      MemorySegment bias,
      long biasOffset,
      long places,
      long out,
      long outStep,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    m = Lanes.known(m);
    bias = Lanes.known(bias);
    float tau = counts.threshold();
    IntVector one = IntVector.broadcast(INTS, 1);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset, ORDER);
    FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset + BYTES, ORDER);
    IntVector negative0 = IntVector.zero(INTS);
    IntVector near0 = negative0;
    IntVector zeros0 = negative0;
    IntVector negative1 = IntVector.zero(INTS);
    IntVector near1 = negative1;
    IntVector zeros1 = negative1;
    for (int r = 0; r < rows; r++) {
      long row = tile + r * step;
      long to = out + m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, row, ORDER).add(b0);
      VectorMask<Float> below = x.lt(0f);
      negative0 = negative0.add(one, below.cast(INTS));
      near0 = near0.add(one, x.abs().lt(tau).cast(INTS));
      zeros0 = zeros0.add(one, x.eq(0f).cast(INTS));
      x.intoMemorySegment(m, to, ORDER);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + BYTES, ORDER).add(b1);
      below = x.lt(0f);
      negative1 = negative1.add(one, below.cast(INTS));
      near1 = near1.add(one, x.abs().lt(tau).cast(INTS));
      zeros1 = zeros1.add(one, x.eq(0f).cast(INTS));
      x.intoMemorySegment(m, to + outStep, ORDER);
    }
    int stride = counts.stride();
    int i;
    i = Kind.ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(zeros0).intoArray(slab, i);
    i = Kind.ZERO.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(zeros1).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(near0).intoArray(slab, i);
    i = Kind.NEGATIVE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(near1).intoArray(slab, i);
    i = Kind.NEGATIVE.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative1).intoArray(slab, i);
  }

  /** ReLU, one vector of channels. */
  private static void rectify1(
      MemorySegment m,
      long tile,
      int rows,
      long step,
      MemorySegment bias,
      long biasOffset,
      long places,
      long out,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    m = Lanes.known(m);
    bias = Lanes.known(bias);
    float tau = counts.threshold();
    IntVector one = IntVector.broadcast(INTS, 1);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset, ORDER);
    IntVector negative0 = IntVector.zero(INTS);
    IntVector near0 = negative0;
    IntVector zeros0 = negative0;
    IntVector low0 = negative0;
    for (int r = 0; r < rows; r++) {
      long row = tile + r * step;
      long to = out + m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, row, ORDER).add(b0);
      VectorMask<Float> below = x.lt(0f);
      negative0 = negative0.add(one, below.cast(INTS));
      near0 = near0.add(one, x.abs().lt(tau).cast(INTS));
      zeros0 = zeros0.add(one, x.eq(0f).cast(INTS));
      low0 = low0.add(one, x.lt(tau).cast(INTS));
      x.blend(0f, below).intoMemorySegment(m, to, ORDER);
    }
    int stride = counts.stride();
    int i;
    i = Kind.ZERO_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(zeros0).intoArray(slab, i);
    i = Kind.ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0.add(zeros0)).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(low0).intoArray(slab, i);
    i = Kind.NEGATIVE_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0).intoArray(slab, i);
    i = Kind.NEAR_ZERO_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(near0).intoArray(slab, i);
  }

  /** ReLU, two vectors of channels. */
  private static void rectify2(
      MemorySegment m,
      long tile,
      int rows,
      long step,
      MemorySegment bias,
      long biasOffset,
      long places,
      long out,
      long outStep,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    m = Lanes.known(m);
    bias = Lanes.known(bias);
    float tau = counts.threshold();
    IntVector one = IntVector.broadcast(INTS, 1);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset, ORDER);
    FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset + BYTES, ORDER);
    IntVector negative0 = IntVector.zero(INTS);
    IntVector near0 = negative0;
    IntVector zeros0 = negative0;
    IntVector low0 = negative0;
    IntVector negative1 = IntVector.zero(INTS);
    IntVector near1 = negative1;
    IntVector zeros1 = negative1;
    IntVector low1 = negative1;
    for (int r = 0; r < rows; r++) {
      long row = tile + r * step;
      long to = out + m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, row, ORDER).add(b0);
      VectorMask<Float> below = x.lt(0f);
      negative0 = negative0.add(one, below.cast(INTS));
      near0 = near0.add(one, x.abs().lt(tau).cast(INTS));
      zeros0 = zeros0.add(one, x.eq(0f).cast(INTS));
      low0 = low0.add(one, x.lt(tau).cast(INTS));
      x.blend(0f, below).intoMemorySegment(m, to, ORDER);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + BYTES, ORDER).add(b1);
      below = x.lt(0f);
      negative1 = negative1.add(one, below.cast(INTS));
      near1 = near1.add(one, x.abs().lt(tau).cast(INTS));
      zeros1 = zeros1.add(one, x.eq(0f).cast(INTS));
      low1 = low1.add(one, x.lt(tau).cast(INTS));
      x.blend(0f, below).intoMemorySegment(m, to + outStep, ORDER);
    }
    int stride = counts.stride();
    int i;
    i = Kind.ZERO_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(zeros0).intoArray(slab, i);
    i = Kind.ZERO_BEFORE.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(zeros1).intoArray(slab, i);
    i = Kind.ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0.add(zeros0)).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(low0).intoArray(slab, i);
    i = Kind.NEGATIVE_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0).intoArray(slab, i);
    i = Kind.NEAR_ZERO_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(near0).intoArray(slab, i);
    i = Kind.ZERO.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative1.add(zeros1)).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(low1).intoArray(slab, i);
    i = Kind.NEGATIVE_BEFORE.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative1).intoArray(slab, i);
    i = Kind.NEAR_ZERO_BEFORE.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(near1).intoArray(slab, i);
  }

  /** ReLU with an upper bound, one vector of channels. */
  private static void clamp1(
      MemorySegment m,
      long tile,
      int rows,
      long step,
      MemorySegment bias,
      long biasOffset,
      long places,
      long out,
      float upper,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    m = Lanes.known(m);
    bias = Lanes.known(bias);
    float tau = counts.threshold();
    IntVector one = IntVector.broadcast(INTS, 1);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset, ORDER);
    IntVector negative0 = IntVector.zero(INTS);
    IntVector near0 = negative0;
    IntVector zeros0 = negative0;
    IntVector low0 = negative0;
    for (int r = 0; r < rows; r++) {
      long row = tile + r * step;
      long to = out + m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, row, ORDER).add(b0);
      VectorMask<Float> below = x.lt(0f);
      negative0 = negative0.add(one, below.cast(INTS));
      near0 = near0.add(one, x.abs().lt(tau).cast(INTS));
      zeros0 = zeros0.add(one, x.eq(0f).cast(INTS));
      low0 = low0.add(one, x.lt(tau).cast(INTS));
      x = x.blend(0f, below);
      x.blend(upper, x.compare(VectorOperators.GT, upper)).intoMemorySegment(m, to, ORDER);
    }
    int stride = counts.stride();
    int i;
    i = Kind.ZERO_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(zeros0).intoArray(slab, i);
    i = Kind.ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0.add(zeros0)).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(low0).intoArray(slab, i);
    i = Kind.NEGATIVE_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0).intoArray(slab, i);
    i = Kind.NEAR_ZERO_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(near0).intoArray(slab, i);
  }

  /** ReLU with an upper bound, two vectors of channels. */
  private static void clamp2(
      MemorySegment m,
      long tile,
      int rows,
      long step,
      MemorySegment bias,
      long biasOffset,
      long places,
      long out,
      long outStep,
      float upper,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    m = Lanes.known(m);
    bias = Lanes.known(bias);
    float tau = counts.threshold();
    IntVector one = IntVector.broadcast(INTS, 1);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset, ORDER);
    FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset + BYTES, ORDER);
    IntVector negative0 = IntVector.zero(INTS);
    IntVector near0 = negative0;
    IntVector zeros0 = negative0;
    IntVector low0 = negative0;
    IntVector negative1 = IntVector.zero(INTS);
    IntVector near1 = negative1;
    IntVector zeros1 = negative1;
    IntVector low1 = negative1;
    for (int r = 0; r < rows; r++) {
      long row = tile + r * step;
      long to = out + m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, row, ORDER).add(b0);
      VectorMask<Float> below = x.lt(0f);
      negative0 = negative0.add(one, below.cast(INTS));
      near0 = near0.add(one, x.abs().lt(tau).cast(INTS));
      zeros0 = zeros0.add(one, x.eq(0f).cast(INTS));
      low0 = low0.add(one, x.lt(tau).cast(INTS));
      x = x.blend(0f, below);
      x.blend(upper, x.compare(VectorOperators.GT, upper)).intoMemorySegment(m, to, ORDER);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + BYTES, ORDER).add(b1);
      below = x.lt(0f);
      negative1 = negative1.add(one, below.cast(INTS));
      near1 = near1.add(one, x.abs().lt(tau).cast(INTS));
      zeros1 = zeros1.add(one, x.eq(0f).cast(INTS));
      low1 = low1.add(one, x.lt(tau).cast(INTS));
      x = x.blend(0f, below);
      x.blend(upper, x.compare(VectorOperators.GT, upper))
          .intoMemorySegment(m, to + outStep, ORDER);
    }
    int stride = counts.stride();
    int i;
    i = Kind.ZERO_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(zeros0).intoArray(slab, i);
    i = Kind.ZERO_BEFORE.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(zeros1).intoArray(slab, i);
    i = Kind.ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0.add(zeros0)).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(low0).intoArray(slab, i);
    i = Kind.NEGATIVE_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0).intoArray(slab, i);
    i = Kind.NEAR_ZERO_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(near0).intoArray(slab, i);
    i = Kind.ZERO.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative1.add(zeros1)).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(low1).intoArray(slab, i);
    i = Kind.NEGATIVE_BEFORE.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative1).intoArray(slab, i);
    i = Kind.NEAR_ZERO_BEFORE.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(near1).intoArray(slab, i);
  }
}
