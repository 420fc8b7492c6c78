package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.HAS_FMA;
import static tacet.kernels.vector.Lanes.INTS;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import tacet.kernels.ZeroCounts;
import tacet.kernels.ZeroCounts.Kind;

/**
 * Three by three taps of a depthwise convolution along the rows of a plane, one vector of channels, finished before they
 * leave the registers: an output has nine multiply-adds, and a pass of its own for bias, activation and counting takes two
 * thirds of their time again. Every column of inputs is read once and added to the three outputs that it is part of, so
 * that there is one output at a time and room for the counters beside it.
 *
 * <p>Parameters. Inputs and outputs lie in {@code m}; {@code from} is the byte offset of the first input of the first
 * output, {@code down} the distance of the rows of inputs that an output reads, {@code step} that of the rows of inputs from
 * one row of outputs to the next, {@code out} and {@code outStep} where outputs go; {@code width} outputs of a row are
 * neighbours. {@code w} is the byte offset of nine vectors of weights, {@code b} that of a vector of biases, none −0.
 *
 * <p>What is counted follows from comparisons as in {@link CountingEpilogue}.
 */
final class DepthwisePlane {

  private DepthwisePlane() {}

  /** What is less than {@code lower} or more than {@code upper} becomes that; nothing is counted. */
  static void clamp(
      MemorySegment m,
      long from,
      long down,
      long step,
      int width,
      int height,
      MemorySegment weights,
      long w,
      MemorySegment bias,
      long b,
      long out,
      long outStep,
      float lower,
      float upper) {
    m = Lanes.known(m);
    weights = Lanes.known(weights);
    bias = Lanes.known(bias);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, weights, w, ORDER);
    FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, weights, w + BYTES, ORDER);
    FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, weights, w + 2 * BYTES, ORDER);
    FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, weights, w + 3 * BYTES, ORDER);
    FloatVector b4 = FloatVector.fromMemorySegment(FLOATS, weights, w + 4 * BYTES, ORDER);
    FloatVector b5 = FloatVector.fromMemorySegment(FLOATS, weights, w + 5 * BYTES, ORDER);
    FloatVector b6 = FloatVector.fromMemorySegment(FLOATS, weights, w + 6 * BYTES, ORDER);
    FloatVector b7 = FloatVector.fromMemorySegment(FLOATS, weights, w + 7 * BYTES, ORDER);
    FloatVector b8 = FloatVector.fromMemorySegment(FLOATS, weights, w + 8 * BYTES, ORDER);
    FloatVector d = FloatVector.fromMemorySegment(FLOATS, bias, b, ORDER);
    for (int r = 0; r < height; r++) {
      long row = from + r * step;
      long to = out + r * outStep;
      // What the next output and the one after it have so far.
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, row, ORDER);
      FloatVector y = FloatVector.fromMemorySegment(FLOATS, m, row + down, ORDER);
      FloatVector z = FloatVector.fromMemorySegment(FLOATS, m, row + 2 * down, ORDER);
      FloatVector next = x.mul(b0);
      next = HAS_FMA ? y.fma(b3, next) : y.mul(b3).add(next);
      next = HAS_FMA ? z.fma(b6, next) : z.mul(b6).add(next);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + BYTES, ORDER);
      y = FloatVector.fromMemorySegment(FLOATS, m, row + down + BYTES, ORDER);
      z = FloatVector.fromMemorySegment(FLOATS, m, row + 2 * down + BYTES, ORDER);
      next = HAS_FMA ? x.fma(b1, next) : x.mul(b1).add(next);
      next = HAS_FMA ? y.fma(b4, next) : y.mul(b4).add(next);
      next = HAS_FMA ? z.fma(b7, next) : z.mul(b7).add(next);
      FloatVector later = x.mul(b0);
      later = HAS_FMA ? y.fma(b3, later) : y.mul(b3).add(later);
      later = HAS_FMA ? z.fma(b6, later) : z.mul(b6).add(later);
      for (int i = 0; i < width; i++) {
        long o = row + (i + 2L) * BYTES;
        x = FloatVector.fromMemorySegment(FLOATS, m, o, ORDER);
        y = FloatVector.fromMemorySegment(FLOATS, m, o + down, ORDER);
        z = FloatVector.fromMemorySegment(FLOATS, m, o + 2 * down, ORDER);
        FloatVector c = HAS_FMA ? x.fma(b2, next) : x.mul(b2).add(next);
        c = HAS_FMA ? y.fma(b5, c) : y.mul(b5).add(c);
        c = HAS_FMA ? z.fma(b8, c) : z.mul(b8).add(c);
        next = HAS_FMA ? x.fma(b1, later) : x.mul(b1).add(later);
        next = HAS_FMA ? y.fma(b4, next) : y.mul(b4).add(next);
        next = HAS_FMA ? z.fma(b7, next) : z.mul(b7).add(next);
        later = x.mul(b0);
        later = HAS_FMA ? y.fma(b3, later) : y.mul(b3).add(later);
        later = HAS_FMA ? z.fma(b6, later) : z.mul(b6).add(later);
        c = c.add(d);
        c = c.blend(lower, c.lt(lower));
        c.blend(upper, c.compare(VectorOperators.GT, upper))
            .intoMemorySegment(m, to + (long) i * BYTES, ORDER);
      }
    }
  }

  /** No activation. */
  static void countPlain(
      MemorySegment m,
      long from,
      long down,
      long step,
      int width,
      int height,
      MemorySegment weights,
      long w,
      MemorySegment bias,
      long b,
      long out,
      long outStep,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    m = Lanes.known(m);
    weights = Lanes.known(weights);
    bias = Lanes.known(bias);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, weights, w, ORDER);
    FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, weights, w + BYTES, ORDER);
    FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, weights, w + 2 * BYTES, ORDER);
    FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, weights, w + 3 * BYTES, ORDER);
    FloatVector b4 = FloatVector.fromMemorySegment(FLOATS, weights, w + 4 * BYTES, ORDER);
    FloatVector b5 = FloatVector.fromMemorySegment(FLOATS, weights, w + 5 * BYTES, ORDER);
    FloatVector b6 = FloatVector.fromMemorySegment(FLOATS, weights, w + 6 * BYTES, ORDER);
    FloatVector b7 = FloatVector.fromMemorySegment(FLOATS, weights, w + 7 * BYTES, ORDER);
    FloatVector b8 = FloatVector.fromMemorySegment(FLOATS, weights, w + 8 * BYTES, ORDER);
    FloatVector d = FloatVector.fromMemorySegment(FLOATS, bias, b, ORDER);
    float tau = counts.threshold();
    IntVector one = IntVector.broadcast(INTS, 1);
    IntVector negative = IntVector.zero(INTS);
    IntVector zeros = negative;
    IntVector near = negative;
    for (int r = 0; r < height; r++) {
      long row = from + r * step;
      long to = out + r * outStep;
      // What the next output and the one after it have so far.
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, row, ORDER);
      FloatVector y = FloatVector.fromMemorySegment(FLOATS, m, row + down, ORDER);
      FloatVector z = FloatVector.fromMemorySegment(FLOATS, m, row + 2 * down, ORDER);
      FloatVector next = x.mul(b0);
      next = HAS_FMA ? y.fma(b3, next) : y.mul(b3).add(next);
      next = HAS_FMA ? z.fma(b6, next) : z.mul(b6).add(next);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + BYTES, ORDER);
      y = FloatVector.fromMemorySegment(FLOATS, m, row + down + BYTES, ORDER);
      z = FloatVector.fromMemorySegment(FLOATS, m, row + 2 * down + BYTES, ORDER);
      next = HAS_FMA ? x.fma(b1, next) : x.mul(b1).add(next);
      next = HAS_FMA ? y.fma(b4, next) : y.mul(b4).add(next);
      next = HAS_FMA ? z.fma(b7, next) : z.mul(b7).add(next);
      FloatVector later = x.mul(b0);
      later = HAS_FMA ? y.fma(b3, later) : y.mul(b3).add(later);
      later = HAS_FMA ? z.fma(b6, later) : z.mul(b6).add(later);
      for (int i = 0; i < width; i++) {
        long o = row + (i + 2L) * BYTES;
        x = FloatVector.fromMemorySegment(FLOATS, m, o, ORDER);
        y = FloatVector.fromMemorySegment(FLOATS, m, o + down, ORDER);
        z = FloatVector.fromMemorySegment(FLOATS, m, o + 2 * down, ORDER);
        FloatVector c = HAS_FMA ? x.fma(b2, next) : x.mul(b2).add(next);
        c = HAS_FMA ? y.fma(b5, c) : y.mul(b5).add(c);
        c = HAS_FMA ? z.fma(b8, c) : z.mul(b8).add(c);
        next = HAS_FMA ? x.fma(b1, later) : x.mul(b1).add(later);
        next = HAS_FMA ? y.fma(b4, next) : y.mul(b4).add(next);
        next = HAS_FMA ? z.fma(b7, next) : z.mul(b7).add(next);
        later = x.mul(b0);
        later = HAS_FMA ? y.fma(b3, later) : y.mul(b3).add(later);
        later = HAS_FMA ? z.fma(b6, later) : z.mul(b6).add(later);
        c = c.add(d);
        zeros = zeros.add(one, c.eq(0f).cast(INTS));
        VectorMask<Float> below = c.lt(0f);
        negative = negative.add(one, below.cast(INTS));
        near = near.add(one, c.abs().lt(tau).cast(INTS));
        c.intoMemorySegment(m, to + (long) i * BYTES, ORDER);
      }
    }
    int stride = counts.stride();
    int i;
    i = Kind.ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(zeros).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(near).intoArray(slab, i);
    i = Kind.NEGATIVE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative).intoArray(slab, i);
  }

  /** ReLU. */
  static void countRectified(
      MemorySegment m,
      long from,
      long down,
      long step,
      int width,
      int height,
      MemorySegment weights,
      long w,
      MemorySegment bias,
      long b,
      long out,
      long outStep,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    m = Lanes.known(m);
    weights = Lanes.known(weights);
    bias = Lanes.known(bias);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, weights, w, ORDER);
    FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, weights, w + BYTES, ORDER);
    FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, weights, w + 2 * BYTES, ORDER);
    FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, weights, w + 3 * BYTES, ORDER);
    FloatVector b4 = FloatVector.fromMemorySegment(FLOATS, weights, w + 4 * BYTES, ORDER);
    FloatVector b5 = FloatVector.fromMemorySegment(FLOATS, weights, w + 5 * BYTES, ORDER);
    FloatVector b6 = FloatVector.fromMemorySegment(FLOATS, weights, w + 6 * BYTES, ORDER);
    FloatVector b7 = FloatVector.fromMemorySegment(FLOATS, weights, w + 7 * BYTES, ORDER);
    FloatVector b8 = FloatVector.fromMemorySegment(FLOATS, weights, w + 8 * BYTES, ORDER);
    FloatVector d = FloatVector.fromMemorySegment(FLOATS, bias, b, ORDER);
    float tau = counts.threshold();
    IntVector one = IntVector.broadcast(INTS, 1);
    IntVector negative = IntVector.zero(INTS);
    IntVector zeros = negative;
    IntVector near = negative;
    IntVector low = negative;
    for (int r = 0; r < height; r++) {
      long row = from + r * step;
      long to = out + r * outStep;
      // What the next output and the one after it have so far.
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, row, ORDER);
      FloatVector y = FloatVector.fromMemorySegment(FLOATS, m, row + down, ORDER);
      FloatVector z = FloatVector.fromMemorySegment(FLOATS, m, row + 2 * down, ORDER);
      FloatVector next = x.mul(b0);
      next = HAS_FMA ? y.fma(b3, next) : y.mul(b3).add(next);
      next = HAS_FMA ? z.fma(b6, next) : z.mul(b6).add(next);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + BYTES, ORDER);
      y = FloatVector.fromMemorySegment(FLOATS, m, row + down + BYTES, ORDER);
      z = FloatVector.fromMemorySegment(FLOATS, m, row + 2 * down + BYTES, ORDER);
      next = HAS_FMA ? x.fma(b1, next) : x.mul(b1).add(next);
      next = HAS_FMA ? y.fma(b4, next) : y.mul(b4).add(next);
      next = HAS_FMA ? z.fma(b7, next) : z.mul(b7).add(next);
      FloatVector later = x.mul(b0);
      later = HAS_FMA ? y.fma(b3, later) : y.mul(b3).add(later);
      later = HAS_FMA ? z.fma(b6, later) : z.mul(b6).add(later);
      for (int i = 0; i < width; i++) {
        long o = row + (i + 2L) * BYTES;
        x = FloatVector.fromMemorySegment(FLOATS, m, o, ORDER);
        y = FloatVector.fromMemorySegment(FLOATS, m, o + down, ORDER);
        z = FloatVector.fromMemorySegment(FLOATS, m, o + 2 * down, ORDER);
        FloatVector c = HAS_FMA ? x.fma(b2, next) : x.mul(b2).add(next);
        c = HAS_FMA ? y.fma(b5, c) : y.mul(b5).add(c);
        c = HAS_FMA ? z.fma(b8, c) : z.mul(b8).add(c);
        next = HAS_FMA ? x.fma(b1, later) : x.mul(b1).add(later);
        next = HAS_FMA ? y.fma(b4, next) : y.mul(b4).add(next);
        next = HAS_FMA ? z.fma(b7, next) : z.mul(b7).add(next);
        later = x.mul(b0);
        later = HAS_FMA ? y.fma(b3, later) : y.mul(b3).add(later);
        later = HAS_FMA ? z.fma(b6, later) : z.mul(b6).add(later);
        c = c.add(d);
        zeros = zeros.add(one, c.eq(0f).cast(INTS));
        VectorMask<Float> below = c.lt(0f);
        negative = negative.add(one, below.cast(INTS));
        near = near.add(one, c.abs().lt(tau).cast(INTS));
        low = low.add(one, c.lt(tau).cast(INTS));
        c.blend(0f, below).intoMemorySegment(m, to + (long) i * BYTES, ORDER);
      }
    }
    int stride = counts.stride();
    int i;
    i = Kind.ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative.add(zeros)).intoArray(slab, i);
    i = Kind.ZERO_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(zeros).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(low).intoArray(slab, i);
    i = Kind.NEGATIVE_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative).intoArray(slab, i);
    i = Kind.NEAR_ZERO_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(near).intoArray(slab, i);
  }

  /** ReLU with an upper bound. */
  static void countClamped(
      MemorySegment m,
      long from,
      long down,
      long step,
      int width,
      int height,
      MemorySegment weights,
      long w,
      MemorySegment bias,
      long b,
      long out,
      long outStep,
      float upper,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    m = Lanes.known(m);
    weights = Lanes.known(weights);
    bias = Lanes.known(bias);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, weights, w, ORDER);
    FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, weights, w + BYTES, ORDER);
    FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, weights, w + 2 * BYTES, ORDER);
    FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, weights, w + 3 * BYTES, ORDER);
    FloatVector b4 = FloatVector.fromMemorySegment(FLOATS, weights, w + 4 * BYTES, ORDER);
    FloatVector b5 = FloatVector.fromMemorySegment(FLOATS, weights, w + 5 * BYTES, ORDER);
    FloatVector b6 = FloatVector.fromMemorySegment(FLOATS, weights, w + 6 * BYTES, ORDER);
    FloatVector b7 = FloatVector.fromMemorySegment(FLOATS, weights, w + 7 * BYTES, ORDER);
    FloatVector b8 = FloatVector.fromMemorySegment(FLOATS, weights, w + 8 * BYTES, ORDER);
    FloatVector d = FloatVector.fromMemorySegment(FLOATS, bias, b, ORDER);
    float tau = counts.threshold();
    IntVector one = IntVector.broadcast(INTS, 1);
    IntVector negative = IntVector.zero(INTS);
    IntVector zeros = negative;
    IntVector near = negative;
    IntVector low = negative;
    for (int r = 0; r < height; r++) {
      long row = from + r * step;
      long to = out + r * outStep;
      // What the next output and the one after it have so far.
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, row, ORDER);
      FloatVector y = FloatVector.fromMemorySegment(FLOATS, m, row + down, ORDER);
      FloatVector z = FloatVector.fromMemorySegment(FLOATS, m, row + 2 * down, ORDER);
      FloatVector next = x.mul(b0);
      next = HAS_FMA ? y.fma(b3, next) : y.mul(b3).add(next);
      next = HAS_FMA ? z.fma(b6, next) : z.mul(b6).add(next);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + BYTES, ORDER);
      y = FloatVector.fromMemorySegment(FLOATS, m, row + down + BYTES, ORDER);
      z = FloatVector.fromMemorySegment(FLOATS, m, row + 2 * down + BYTES, ORDER);
      next = HAS_FMA ? x.fma(b1, next) : x.mul(b1).add(next);
      next = HAS_FMA ? y.fma(b4, next) : y.mul(b4).add(next);
      next = HAS_FMA ? z.fma(b7, next) : z.mul(b7).add(next);
      FloatVector later = x.mul(b0);
      later = HAS_FMA ? y.fma(b3, later) : y.mul(b3).add(later);
      later = HAS_FMA ? z.fma(b6, later) : z.mul(b6).add(later);
      for (int i = 0; i < width; i++) {
        long o = row + (i + 2L) * BYTES;
        x = FloatVector.fromMemorySegment(FLOATS, m, o, ORDER);
        y = FloatVector.fromMemorySegment(FLOATS, m, o + down, ORDER);
        z = FloatVector.fromMemorySegment(FLOATS, m, o + 2 * down, ORDER);
        FloatVector c = HAS_FMA ? x.fma(b2, next) : x.mul(b2).add(next);
        c = HAS_FMA ? y.fma(b5, c) : y.mul(b5).add(c);
        c = HAS_FMA ? z.fma(b8, c) : z.mul(b8).add(c);
        next = HAS_FMA ? x.fma(b1, later) : x.mul(b1).add(later);
        next = HAS_FMA ? y.fma(b4, next) : y.mul(b4).add(next);
        next = HAS_FMA ? z.fma(b7, next) : z.mul(b7).add(next);
        later = x.mul(b0);
        later = HAS_FMA ? y.fma(b3, later) : y.mul(b3).add(later);
        later = HAS_FMA ? z.fma(b6, later) : z.mul(b6).add(later);
        c = c.add(d);
        zeros = zeros.add(one, c.eq(0f).cast(INTS));
        VectorMask<Float> below = c.lt(0f);
        negative = negative.add(one, below.cast(INTS));
        near = near.add(one, c.abs().lt(tau).cast(INTS));
        low = low.add(one, c.lt(tau).cast(INTS));
        c = c.blend(0f, below);
        c.blend(upper, c.compare(VectorOperators.GT, upper))
            .intoMemorySegment(m, to + (long) i * BYTES, ORDER);
      }
    }
    int stride = counts.stride();
    int i;
    i = Kind.ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative.add(zeros)).intoArray(slab, i);
    i = Kind.ZERO_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(zeros).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(low).intoArray(slab, i);
    i = Kind.NEGATIVE_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative).intoArray(slab, i);
    i = Kind.NEAR_ZERO_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(near).intoArray(slab, i);
  }
}
