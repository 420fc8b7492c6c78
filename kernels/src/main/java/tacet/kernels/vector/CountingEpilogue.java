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
import tacet.kernels.ZeroCounts;
import tacet.kernels.ZeroCounts.Kind;

/**
 * The two most frequent ways a block of sums is finished – bias, ReLU or nothing, counting, storing –, for all vectors of
 * a row at once: one look-up of the row's place serves them all, and the counters stay in registers.
 *
 * <p>What is counted follows from few comparisons. A bias is never −0, so neither is a sum; hence a value is in [0, τ)
 * exactly where its bits are below those of τ as unsigned integers. ReLU's zeros are the values that were negative or
 * zero, its near zeros those that were negative or in [0, τ). Exact zeros before an activation are rare: they are only
 * looked for, as the smallest magnitude, and counted in a pass of their own where there are any. A NaN is neither
 * negative nor near zero and passes.
 */
final class CountingEpilogue {

  /** By the number of vectors. */
  private static final Rehearsal[] RECTIFY = Rehearsal.several(5);

  private static final Rehearsal[] PLAIN = Rehearsal.several(5);

  private static final int REHEARSED_ROWS = 8;

  /** Vector operations per row and vector, and per vector at the end; about. */
  private static final int OPERATIONS = 10;

  private CountingEpilogue() {}

  /**
   * Finishes a block.
   *
   * @param tile byte offset in {@code m} of {@code rows} rows of {@code vectors} vectors of sums
   * @param stride vectors from a row of sums to the next
   * @param places byte offset in {@code m} of a long per row: where its first vector goes, relative to {@code out}
   * @param outStep bytes from a vector of a row to the next in the output
   * @param rectify whether ReLU is applied
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
      boolean rectify,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    long step = (long) stride * BYTES;
    for (int v = 0; v < vectors; v += 4) {
      int width = Math.min(4, vectors - v);
      long t = tile + (long) v * BYTES;
      long b = biasOffset + (long) v * BYTES;
      long o = out + v * outStep;
      int c = channel + v * COUNT;
      Rehearsal rehearsal = rectify ? RECTIFY[width] : PLAIN[width];
      if (rehearsal.isDone()) {
        columns(m, t, rows, width, step, bias, b, places, o, outStep, rectify, counts, slab, c);
        continue;
      }
      long start = System.nanoTime();
      while (rehearsal.isDue()) {
        int n = Math.min(rows, REHEARSED_ROWS);
        int[] nowhere = new int[slab.length];
        columns(m, t, n, width, step, bias, b, places, o, outStep, rectify, counts, nowhere, c);
        rehearsal.rehearsed(start, (n + 1L) * width * OPERATIONS);
        start = System.nanoTime();
      }
      ColdCode.finish(
          m, t, rows, width, step, bias, b, places, o, outStep, rectify, counts, slab, c);
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
      ZeroCounts counts,
      int[] slab,
      int channel) {
    switch (vectors) {
      case 1 -> {
        if (rectify) {
          rectify1(m, t, n, step, bias, b, p, out, outStep, counts, slab, channel);
        } else {
          plain1(m, t, n, step, bias, b, p, out, outStep, counts, slab, channel);
        }
      }
      case 2 -> {
        if (rectify) {
          rectify2(m, t, n, step, bias, b, p, out, outStep, counts, slab, channel);
        } else {
          plain2(m, t, n, step, bias, b, p, out, outStep, counts, slab, channel);
        }
      }
      case 3 -> {
        if (rectify) {
          rectify3(m, t, n, step, bias, b, p, out, outStep, counts, slab, channel);
        } else {
          plain3(m, t, n, step, bias, b, p, out, outStep, counts, slab, channel);
        }
      }
      default -> {
        if (rectify) {
          rectify4(m, t, n, step, bias, b, p, out, outStep, counts, slab, channel);
        } else {
          plain4(m, t, n, step, bias, b, p, out, outStep, counts, slab, channel);
        }
      }
    }
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
      long outStep,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    float tau = counts.threshold();
    int tauBits = Float.floatToRawIntBits(tau);
    IntVector one = IntVector.broadcast(INTS, 1);
    IntVector smallest = IntVector.broadcast(INTS, Integer.MAX_VALUE);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset, ORDER);
    IntVector negative0 = IntVector.zero(INTS);
    IntVector near0 = negative0;
    IntVector nearPositive0 = negative0;
    for (int r = 0; r < rows; r++) {
      long row = tile + r * step;
      long to = out + m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, row, ORDER).add(b0);
      IntVector magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      VectorMask<Float> below = x.lt(0f);
      negative0 = negative0.add(one, below.cast(INTS));
      near0 = near0.add(one, magnitude.lt(tauBits));
      nearPositive0 =
          nearPositive0.add(one, x.reinterpretAsInts().compare(VectorOperators.ULT, tauBits));
      x.blend(0f, below).intoMemorySegment(m, to, ORDER);
    }
    boolean zeros = smallest.eq(0).anyTrue();
    int stride = counts.stride();
    int i;
    i = Kind.ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0.add(nearPositive0)).intoArray(slab, i);
    i = Kind.NEGATIVE_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0).intoArray(slab, i);
    i = Kind.NEAR_ZERO_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(near0).intoArray(slab, i);
    if (zeros) {
      addZeros(m, tile, rows, step, 1, bias, biasOffset, slab, stride, channel, true);
    }
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
    float tau = counts.threshold();
    int tauBits = Float.floatToRawIntBits(tau);
    IntVector one = IntVector.broadcast(INTS, 1);
    IntVector smallest = IntVector.broadcast(INTS, Integer.MAX_VALUE);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset, ORDER);
    FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset + BYTES, ORDER);
    IntVector negative0 = IntVector.zero(INTS);
    IntVector near0 = negative0;
    IntVector nearPositive0 = negative0;
    IntVector negative1 = IntVector.zero(INTS);
    IntVector near1 = negative1;
    IntVector nearPositive1 = negative1;
    for (int r = 0; r < rows; r++) {
      long row = tile + r * step;
      long to = out + m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, row, ORDER).add(b0);
      IntVector magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      VectorMask<Float> below = x.lt(0f);
      negative0 = negative0.add(one, below.cast(INTS));
      near0 = near0.add(one, magnitude.lt(tauBits));
      nearPositive0 =
          nearPositive0.add(one, x.reinterpretAsInts().compare(VectorOperators.ULT, tauBits));
      x.blend(0f, below).intoMemorySegment(m, to, ORDER);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + BYTES, ORDER).add(b1);
      magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      below = x.lt(0f);
      negative1 = negative1.add(one, below.cast(INTS));
      near1 = near1.add(one, magnitude.lt(tauBits));
      nearPositive1 =
          nearPositive1.add(one, x.reinterpretAsInts().compare(VectorOperators.ULT, tauBits));
      x.blend(0f, below).intoMemorySegment(m, to + outStep, ORDER);
    }
    boolean zeros = smallest.eq(0).anyTrue();
    int stride = counts.stride();
    int i;
    i = Kind.ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0.add(nearPositive0)).intoArray(slab, i);
    i = Kind.NEGATIVE_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0).intoArray(slab, i);
    i = Kind.NEAR_ZERO_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(near0).intoArray(slab, i);
    i = Kind.ZERO.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative1).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative1.add(nearPositive1)).intoArray(slab, i);
    i = Kind.NEGATIVE_BEFORE.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative1).intoArray(slab, i);
    i = Kind.NEAR_ZERO_BEFORE.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(near1).intoArray(slab, i);
    if (zeros) {
      addZeros(m, tile, rows, step, 2, bias, biasOffset, slab, stride, channel, true);
    }
  }

  /** ReLU, three vectors of channels. */
  private static void rectify3(
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
    float tau = counts.threshold();
    int tauBits = Float.floatToRawIntBits(tau);
    IntVector one = IntVector.broadcast(INTS, 1);
    IntVector smallest = IntVector.broadcast(INTS, Integer.MAX_VALUE);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset, ORDER);
    FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset + BYTES, ORDER);
    FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset + 2 * BYTES, ORDER);
    IntVector negative0 = IntVector.zero(INTS);
    IntVector near0 = negative0;
    IntVector nearPositive0 = negative0;
    IntVector negative1 = IntVector.zero(INTS);
    IntVector near1 = negative1;
    IntVector nearPositive1 = negative1;
    IntVector negative2 = IntVector.zero(INTS);
    IntVector near2 = negative2;
    IntVector nearPositive2 = negative2;
    for (int r = 0; r < rows; r++) {
      long row = tile + r * step;
      long to = out + m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, row, ORDER).add(b0);
      IntVector magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      VectorMask<Float> below = x.lt(0f);
      negative0 = negative0.add(one, below.cast(INTS));
      near0 = near0.add(one, magnitude.lt(tauBits));
      nearPositive0 =
          nearPositive0.add(one, x.reinterpretAsInts().compare(VectorOperators.ULT, tauBits));
      x.blend(0f, below).intoMemorySegment(m, to, ORDER);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + BYTES, ORDER).add(b1);
      magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      below = x.lt(0f);
      negative1 = negative1.add(one, below.cast(INTS));
      near1 = near1.add(one, magnitude.lt(tauBits));
      nearPositive1 =
          nearPositive1.add(one, x.reinterpretAsInts().compare(VectorOperators.ULT, tauBits));
      x.blend(0f, below).intoMemorySegment(m, to + outStep, ORDER);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + 2 * BYTES, ORDER).add(b2);
      magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      below = x.lt(0f);
      negative2 = negative2.add(one, below.cast(INTS));
      near2 = near2.add(one, magnitude.lt(tauBits));
      nearPositive2 =
          nearPositive2.add(one, x.reinterpretAsInts().compare(VectorOperators.ULT, tauBits));
      x.blend(0f, below).intoMemorySegment(m, to + 2 * outStep, ORDER);
    }
    boolean zeros = smallest.eq(0).anyTrue();
    int stride = counts.stride();
    int i;
    i = Kind.ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0.add(nearPositive0)).intoArray(slab, i);
    i = Kind.NEGATIVE_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0).intoArray(slab, i);
    i = Kind.NEAR_ZERO_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(near0).intoArray(slab, i);
    i = Kind.ZERO.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative1).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative1.add(nearPositive1)).intoArray(slab, i);
    i = Kind.NEGATIVE_BEFORE.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative1).intoArray(slab, i);
    i = Kind.NEAR_ZERO_BEFORE.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(near1).intoArray(slab, i);
    i = Kind.ZERO.ordinal() * stride + channel + 2 * COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative2).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel + 2 * COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative2.add(nearPositive2)).intoArray(slab, i);
    i = Kind.NEGATIVE_BEFORE.ordinal() * stride + channel + 2 * COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative2).intoArray(slab, i);
    i = Kind.NEAR_ZERO_BEFORE.ordinal() * stride + channel + 2 * COUNT;
    IntVector.fromArray(INTS, slab, i).add(near2).intoArray(slab, i);
    if (zeros) {
      addZeros(m, tile, rows, step, 3, bias, biasOffset, slab, stride, channel, true);
    }
  }

  /** ReLU, four vectors of channels. */
  private static void rectify4(
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
    float tau = counts.threshold();
    int tauBits = Float.floatToRawIntBits(tau);
    IntVector one = IntVector.broadcast(INTS, 1);
    IntVector smallest = IntVector.broadcast(INTS, Integer.MAX_VALUE);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset, ORDER);
    FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset + BYTES, ORDER);
    FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset + 2 * BYTES, ORDER);
    FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset + 3 * BYTES, ORDER);
    IntVector negative0 = IntVector.zero(INTS);
    IntVector near0 = negative0;
    IntVector nearPositive0 = negative0;
    IntVector negative1 = IntVector.zero(INTS);
    IntVector near1 = negative1;
    IntVector nearPositive1 = negative1;
    IntVector negative2 = IntVector.zero(INTS);
    IntVector near2 = negative2;
    IntVector nearPositive2 = negative2;
    IntVector negative3 = IntVector.zero(INTS);
    IntVector near3 = negative3;
    IntVector nearPositive3 = negative3;
    for (int r = 0; r < rows; r++) {
      long row = tile + r * step;
      long to = out + m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, row, ORDER).add(b0);
      IntVector magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      VectorMask<Float> below = x.lt(0f);
      negative0 = negative0.add(one, below.cast(INTS));
      near0 = near0.add(one, magnitude.lt(tauBits));
      nearPositive0 =
          nearPositive0.add(one, x.reinterpretAsInts().compare(VectorOperators.ULT, tauBits));
      x.blend(0f, below).intoMemorySegment(m, to, ORDER);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + BYTES, ORDER).add(b1);
      magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      below = x.lt(0f);
      negative1 = negative1.add(one, below.cast(INTS));
      near1 = near1.add(one, magnitude.lt(tauBits));
      nearPositive1 =
          nearPositive1.add(one, x.reinterpretAsInts().compare(VectorOperators.ULT, tauBits));
      x.blend(0f, below).intoMemorySegment(m, to + outStep, ORDER);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + 2 * BYTES, ORDER).add(b2);
      magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      below = x.lt(0f);
      negative2 = negative2.add(one, below.cast(INTS));
      near2 = near2.add(one, magnitude.lt(tauBits));
      nearPositive2 =
          nearPositive2.add(one, x.reinterpretAsInts().compare(VectorOperators.ULT, tauBits));
      x.blend(0f, below).intoMemorySegment(m, to + 2 * outStep, ORDER);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + 3 * BYTES, ORDER).add(b3);
      magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      below = x.lt(0f);
      negative3 = negative3.add(one, below.cast(INTS));
      near3 = near3.add(one, magnitude.lt(tauBits));
      nearPositive3 =
          nearPositive3.add(one, x.reinterpretAsInts().compare(VectorOperators.ULT, tauBits));
      x.blend(0f, below).intoMemorySegment(m, to + 3 * outStep, ORDER);
    }
    boolean zeros = smallest.eq(0).anyTrue();
    int stride = counts.stride();
    int i;
    i = Kind.ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0.add(nearPositive0)).intoArray(slab, i);
    i = Kind.NEGATIVE_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0).intoArray(slab, i);
    i = Kind.NEAR_ZERO_BEFORE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(near0).intoArray(slab, i);
    i = Kind.ZERO.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative1).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative1.add(nearPositive1)).intoArray(slab, i);
    i = Kind.NEGATIVE_BEFORE.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative1).intoArray(slab, i);
    i = Kind.NEAR_ZERO_BEFORE.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(near1).intoArray(slab, i);
    i = Kind.ZERO.ordinal() * stride + channel + 2 * COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative2).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel + 2 * COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative2.add(nearPositive2)).intoArray(slab, i);
    i = Kind.NEGATIVE_BEFORE.ordinal() * stride + channel + 2 * COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative2).intoArray(slab, i);
    i = Kind.NEAR_ZERO_BEFORE.ordinal() * stride + channel + 2 * COUNT;
    IntVector.fromArray(INTS, slab, i).add(near2).intoArray(slab, i);
    i = Kind.ZERO.ordinal() * stride + channel + 3 * COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative3).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel + 3 * COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative3.add(nearPositive3)).intoArray(slab, i);
    i = Kind.NEGATIVE_BEFORE.ordinal() * stride + channel + 3 * COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative3).intoArray(slab, i);
    i = Kind.NEAR_ZERO_BEFORE.ordinal() * stride + channel + 3 * COUNT;
    IntVector.fromArray(INTS, slab, i).add(near3).intoArray(slab, i);
    if (zeros) {
      addZeros(m, tile, rows, step, 4, bias, biasOffset, slab, stride, channel, true);
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
      long outStep,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    float tau = counts.threshold();
    int tauBits = Float.floatToRawIntBits(tau);
    IntVector one = IntVector.broadcast(INTS, 1);
    IntVector smallest = IntVector.broadcast(INTS, Integer.MAX_VALUE);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset, ORDER);
    IntVector negative0 = IntVector.zero(INTS);
    IntVector near0 = negative0;
    for (int r = 0; r < rows; r++) {
      long row = tile + r * step;
      long to = out + m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, row, ORDER).add(b0);
      IntVector magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      VectorMask<Float> below = x.lt(0f);
      negative0 = negative0.add(one, below.cast(INTS));
      near0 = near0.add(one, magnitude.lt(tauBits));
      x.intoMemorySegment(m, to, ORDER);
    }
    boolean zeros = smallest.eq(0).anyTrue();
    int stride = counts.stride();
    int i;
    i = Kind.NEAR_ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(near0).intoArray(slab, i);
    i = Kind.NEGATIVE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0).intoArray(slab, i);
    if (zeros) {
      addZeros(m, tile, rows, step, 1, bias, biasOffset, slab, stride, channel, false);
    }
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
    float tau = counts.threshold();
    int tauBits = Float.floatToRawIntBits(tau);
    IntVector one = IntVector.broadcast(INTS, 1);
    IntVector smallest = IntVector.broadcast(INTS, Integer.MAX_VALUE);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset, ORDER);
    FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset + BYTES, ORDER);
    IntVector negative0 = IntVector.zero(INTS);
    IntVector near0 = negative0;
    IntVector negative1 = IntVector.zero(INTS);
    IntVector near1 = negative1;
    for (int r = 0; r < rows; r++) {
      long row = tile + r * step;
      long to = out + m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, row, ORDER).add(b0);
      IntVector magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      VectorMask<Float> below = x.lt(0f);
      negative0 = negative0.add(one, below.cast(INTS));
      near0 = near0.add(one, magnitude.lt(tauBits));
      x.intoMemorySegment(m, to, ORDER);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + BYTES, ORDER).add(b1);
      magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      below = x.lt(0f);
      negative1 = negative1.add(one, below.cast(INTS));
      near1 = near1.add(one, magnitude.lt(tauBits));
      x.intoMemorySegment(m, to + outStep, ORDER);
    }
    boolean zeros = smallest.eq(0).anyTrue();
    int stride = counts.stride();
    int i;
    i = Kind.NEAR_ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(near0).intoArray(slab, i);
    i = Kind.NEGATIVE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(near1).intoArray(slab, i);
    i = Kind.NEGATIVE.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative1).intoArray(slab, i);
    if (zeros) {
      addZeros(m, tile, rows, step, 2, bias, biasOffset, slab, stride, channel, false);
    }
  }

  /** No activation, three vectors of channels. */
  private static void plain3(
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
    float tau = counts.threshold();
    int tauBits = Float.floatToRawIntBits(tau);
    IntVector one = IntVector.broadcast(INTS, 1);
    IntVector smallest = IntVector.broadcast(INTS, Integer.MAX_VALUE);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset, ORDER);
    FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset + BYTES, ORDER);
    FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset + 2 * BYTES, ORDER);
    IntVector negative0 = IntVector.zero(INTS);
    IntVector near0 = negative0;
    IntVector negative1 = IntVector.zero(INTS);
    IntVector near1 = negative1;
    IntVector negative2 = IntVector.zero(INTS);
    IntVector near2 = negative2;
    for (int r = 0; r < rows; r++) {
      long row = tile + r * step;
      long to = out + m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, row, ORDER).add(b0);
      IntVector magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      VectorMask<Float> below = x.lt(0f);
      negative0 = negative0.add(one, below.cast(INTS));
      near0 = near0.add(one, magnitude.lt(tauBits));
      x.intoMemorySegment(m, to, ORDER);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + BYTES, ORDER).add(b1);
      magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      below = x.lt(0f);
      negative1 = negative1.add(one, below.cast(INTS));
      near1 = near1.add(one, magnitude.lt(tauBits));
      x.intoMemorySegment(m, to + outStep, ORDER);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + 2 * BYTES, ORDER).add(b2);
      magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      below = x.lt(0f);
      negative2 = negative2.add(one, below.cast(INTS));
      near2 = near2.add(one, magnitude.lt(tauBits));
      x.intoMemorySegment(m, to + 2 * outStep, ORDER);
    }
    boolean zeros = smallest.eq(0).anyTrue();
    int stride = counts.stride();
    int i;
    i = Kind.NEAR_ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(near0).intoArray(slab, i);
    i = Kind.NEGATIVE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(near1).intoArray(slab, i);
    i = Kind.NEGATIVE.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative1).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel + 2 * COUNT;
    IntVector.fromArray(INTS, slab, i).add(near2).intoArray(slab, i);
    i = Kind.NEGATIVE.ordinal() * stride + channel + 2 * COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative2).intoArray(slab, i);
    if (zeros) {
      addZeros(m, tile, rows, step, 3, bias, biasOffset, slab, stride, channel, false);
    }
  }

  /** No activation, four vectors of channels. */
  private static void plain4(
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
    float tau = counts.threshold();
    int tauBits = Float.floatToRawIntBits(tau);
    IntVector one = IntVector.broadcast(INTS, 1);
    IntVector smallest = IntVector.broadcast(INTS, Integer.MAX_VALUE);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset, ORDER);
    FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset + BYTES, ORDER);
    FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset + 2 * BYTES, ORDER);
    FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, bias, biasOffset + 3 * BYTES, ORDER);
    IntVector negative0 = IntVector.zero(INTS);
    IntVector near0 = negative0;
    IntVector negative1 = IntVector.zero(INTS);
    IntVector near1 = negative1;
    IntVector negative2 = IntVector.zero(INTS);
    IntVector near2 = negative2;
    IntVector negative3 = IntVector.zero(INTS);
    IntVector near3 = negative3;
    for (int r = 0; r < rows; r++) {
      long row = tile + r * step;
      long to = out + m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, row, ORDER).add(b0);
      IntVector magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      VectorMask<Float> below = x.lt(0f);
      negative0 = negative0.add(one, below.cast(INTS));
      near0 = near0.add(one, magnitude.lt(tauBits));
      x.intoMemorySegment(m, to, ORDER);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + BYTES, ORDER).add(b1);
      magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      below = x.lt(0f);
      negative1 = negative1.add(one, below.cast(INTS));
      near1 = near1.add(one, magnitude.lt(tauBits));
      x.intoMemorySegment(m, to + outStep, ORDER);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + 2 * BYTES, ORDER).add(b2);
      magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      below = x.lt(0f);
      negative2 = negative2.add(one, below.cast(INTS));
      near2 = near2.add(one, magnitude.lt(tauBits));
      x.intoMemorySegment(m, to + 2 * outStep, ORDER);
      x = FloatVector.fromMemorySegment(FLOATS, m, row + 3 * BYTES, ORDER).add(b3);
      magnitude = x.reinterpretAsInts().and(Integer.MAX_VALUE);
      smallest = smallest.min(magnitude);
      below = x.lt(0f);
      negative3 = negative3.add(one, below.cast(INTS));
      near3 = near3.add(one, magnitude.lt(tauBits));
      x.intoMemorySegment(m, to + 3 * outStep, ORDER);
    }
    boolean zeros = smallest.eq(0).anyTrue();
    int stride = counts.stride();
    int i;
    i = Kind.NEAR_ZERO.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(near0).intoArray(slab, i);
    i = Kind.NEGATIVE.ordinal() * stride + channel;
    IntVector.fromArray(INTS, slab, i).add(negative0).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(near1).intoArray(slab, i);
    i = Kind.NEGATIVE.ordinal() * stride + channel + COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative1).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel + 2 * COUNT;
    IntVector.fromArray(INTS, slab, i).add(near2).intoArray(slab, i);
    i = Kind.NEGATIVE.ordinal() * stride + channel + 2 * COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative2).intoArray(slab, i);
    i = Kind.NEAR_ZERO.ordinal() * stride + channel + 3 * COUNT;
    IntVector.fromArray(INTS, slab, i).add(near3).intoArray(slab, i);
    i = Kind.NEGATIVE.ordinal() * stride + channel + 3 * COUNT;
    IntVector.fromArray(INTS, slab, i).add(negative3).intoArray(slab, i);
    if (zeros) {
      addZeros(m, tile, rows, step, 4, bias, biasOffset, slab, stride, channel, false);
    }
  }

  private static void addZeros(
      MemorySegment m,
      long tile,
      int rows,
      long step,
      int vectors,
      MemorySegment bias,
      long biasOffset,
      int[] slab,
      int stride,
      int channel,
      boolean before) {
    for (int v = 0; v < vectors; v++) {
      IntVector zeros = IntVector.zero(INTS);
      FloatVector b = Lanes.load(bias, biasOffset + (long) v * BYTES);
      for (int r = 0; r < rows; r++) {
        FloatVector x = Lanes.load(m, tile + r * step + (long) v * BYTES).add(b);
        zeros = zeros.add(1, x.eq(0f).cast(INTS));
      }
      Epilogue.add(slab, Kind.ZERO, stride, channel + v * COUNT, zeros);
      if (before) {
        Epilogue.add(slab, Kind.ZERO_BEFORE, stride, channel + v * COUNT, zeros);
      }
    }
  }
}
