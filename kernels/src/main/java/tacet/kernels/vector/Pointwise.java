package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.INTS;
import static tacet.kernels.vector.Lanes.load;
import static tacet.kernels.vector.Lanes.store;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import tacet.kernels.Activation;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.Parallel;
import tacet.kernels.PointwiseSpec;
import tacet.kernels.PointwiseSpec.Second;
import tacet.kernels.ZeroCounts;
import tacet.kernels.ZeroCounts.Kind;

/** Element-wise operations on one or two images, a run of pixels of one block of channels at a time. */
final class Pointwise implements Kernel {

  /** Pixels of a run: four kilobytes of a block of channels where vectors are widest. */
  private static final int RUN = 64;

  private final PointwiseSpec spec;
  private final ImageLayout first;
  private final ImageLayout second;
  private final ImageLayout output;

  Pointwise(PointwiseSpec spec, ImageLayout first, ImageLayout second, ImageLayout output) {
    this.spec = spec;
    this.first = first;
    this.second = second;
    this.output = output;
  }

  @Override
  public String name() {
    return "pointwise 1v" + Lanes.COUNT;
  }

  @Override
  public long scratchBytes(int threads) {
    return 0;
  }

  @Override
  public long multiplyAdds() {
    return 0;
  }

  @Override
  public void run(
      MemorySegment memory,
      long[] inputs,
      long out,
      long scratch,
      Parallel parallel,
      ZeroCounts counts) {
    int blocks = output.blocks();
    long a = inputs[0];
    long b = second == null ? 0 : inputs[1];
    parallel.forEach(
        spec.batch() * blocks,
        (item, thread) -> {
          int n = item / blocks;
          int block = item % blocks;
          plane(memory, a, b, out, n, block, counts, thread);
        });
  }

  private void plane(
      MemorySegment m, long a, long b, long out, int n, int block, ZeroCounts counts, int thread) {
    long x = a + n * first.batchStride() + block * first.blockStride();
    long y = out + n * output.batchStride() + block * output.blockStride();
    long z = 0;
    if (second != null) {
      int image = spec.second() == Second.PER_CHANNEL_ALL_IMAGES ? 0 : n;
      z = b + image * second.batchStride() + block * second.blockStride();
    }
    boolean same = spec.second() == Second.SAME;
    int channel = block * Lanes.COUNT;
    // A plane without gaps is cut into runs that stay in the first-level cache, however short its
    // rows are.
    boolean dense = isDense(first) && isDense(output) && (!same || isDense(second));
    int width = dense ? RUN : spec.width();
    int rows = dense ? Math.ceilDiv(spec.height() * spec.width(), RUN) : spec.height();
    long xStep = dense ? RUN * (long) Lanes.BYTES : first.rowStride();
    long yStep = dense ? RUN * (long) Lanes.BYTES : output.rowStride();
    long zStep = !same ? 0 : dense ? RUN * (long) Lanes.BYTES : second.rowStride();
    for (int row = 0; row < rows; row++) {
      int n0 = dense ? Math.min(RUN, spec.height() * spec.width() - row * RUN) : width;
      run(m, x + row * xStep, z + row * zStep, same, y + row * yStep, n0, channel, counts, thread);
    }
  }

  private boolean isDense(ImageLayout layout) {
    return layout.rowStride() == spec.width() * layout.pixelStride();
  }

  /** {@code width} neighbouring pixels. */
  private void run(
      MemorySegment m,
      long x,
      long z,
      boolean same,
      long y,
      int width,
      int channel,
      ZeroCounts counts,
      int thread) {
    if (spec.op() == PointwiseSpec.Op.COPY) {
      copy(m, x, y, width);
    } else {
      combine(m, spec.op(), x, z, same ? Lanes.BYTES : 0, y, width);
    }
    if (counts != null && rectifies(spec.activation(), counts.threshold())) {
      float upper = VectorActivation.upper(spec.activation());
      rectify(m, y, width, upper, counts, counts.slab(thread), channel);
      return;
    }
    if (!spec.activation().isIdentity()) {
      if (counts != null) {
        count(
            m,
            y,
            width,
            counts,
            counts.slab(thread),
            channel,
            Kind.ZERO_BEFORE,
            Kind.NEAR_ZERO_BEFORE,
            Kind.NEGATIVE_BEFORE);
      }
      VectorActivation.apply(spec.activation(), m, y, width);
    }
    if (counts != null) {
      countStored(m, y, width, counts, counts.slab(thread), channel);
    }
  }

  private static void copy(MemorySegment m, long from, long to, int width) {
    if (from == to) {
      return;
    }
    for (int i = 0; i < width; i++) {
      long o = (long) i * Lanes.BYTES;
      store(load(m, from + o), m, to + o);
    }
  }

  private static void combine(
      MemorySegment m, PointwiseSpec.Op op, long a, long b, long step, long to, int width) {
    switch (op) {
      case ADD -> {
        for (int i = 0; i < width; i++) {
          long o = (long) i * Lanes.BYTES;
          store(load(m, a + o).add(load(m, b + i * step)), m, to + o);
        }
      }
      case SUB -> {
        for (int i = 0; i < width; i++) {
          long o = (long) i * Lanes.BYTES;
          store(load(m, a + o).sub(load(m, b + i * step)), m, to + o);
        }
      }
      case MUL -> {
        for (int i = 0; i < width; i++) {
          long o = (long) i * Lanes.BYTES;
          store(load(m, a + o).mul(load(m, b + i * step)), m, to + o);
        }
      }
      case DIV -> {
        for (int i = 0; i < width; i++) {
          long o = (long) i * Lanes.BYTES;
          store(load(m, a + o).div(load(m, b + i * step)), m, to + o);
        }
      }
      case MAX -> {
        for (int i = 0; i < width; i++) {
          long o = (long) i * Lanes.BYTES;
          store(load(m, a + o).max(load(m, b + i * step)), m, to + o);
        }
      }
      case MIN -> {
        for (int i = 0; i < width; i++) {
          long o = (long) i * Lanes.BYTES;
          store(load(m, a + o).min(load(m, b + i * step)), m, to + o);
        }
      }
      case PRELU -> {
        for (int i = 0; i < width; i++) {
          long o = (long) i * Lanes.BYTES;
          FloatVector x = load(m, a + o);
          VectorMask<Float> negative = x.compare(VectorOperators.LT, 0f);
          store(x.blend(x.mul(load(m, b + i * step)), negative), m, to + o);
        }
      }
      case COPY -> throw new AssertionError();
    }
  }

  /** Whether it is ReLU, or ReLU with a bound that is not near zero, and what it makes zero is near zero: unless τ = 0. */
  private static boolean rectifies(Activation f, float threshold) {
    return threshold > 0
        && VectorActivation.lower(f) == 0f
        && VectorActivation.upper(f) >= threshold;
  }

  /**
   * ReLU in place, counting: what was negative or zero is zero, and near zero what was negative or near zero, so that three
   * comparisons say all.
   */
  private static void rectify(
      MemorySegment m,
      long row,
      int width,
      float upper,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    m = Lanes.known(m);
    IntVector one = IntVector.broadcast(INTS, 1);
    IntVector zeros = IntVector.zero(INTS);
    IntVector near = zeros;
    IntVector nearNegative = zeros;
    IntVector negative = zeros;
    float tau = counts.threshold();
    for (int i = 0; i < width; i++) {
      long at = row + (long) i * Lanes.BYTES;
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, m, at, Lanes.ORDER);
      VectorMask<Float> below = v.lt(0f);
      VectorMask<Float> small = v.abs().lt(tau);
      zeros = zeros.add(one, v.eq(0f).cast(INTS));
      near = near.add(one, small.cast(INTS));
      nearNegative = nearNegative.add(one, small.and(below).cast(INTS));
      negative = negative.add(one, below.cast(INTS));
      VectorMask<Float> above = v.compare(VectorOperators.GT, upper);
      v.blend(0f, below).blend(upper, above).intoMemorySegment(m, at, Lanes.ORDER);
    }
    int stride = counts.stride();
    Epilogue.add(slab, Kind.ZERO_BEFORE, stride, channel, zeros);
    Epilogue.add(slab, Kind.NEAR_ZERO_BEFORE, stride, channel, near);
    Epilogue.add(slab, Kind.NEGATIVE_BEFORE, stride, channel, negative);
    Epilogue.add(slab, Kind.ZERO, stride, channel, zeros.add(negative));
    Epilogue.add(slab, Kind.NEAR_ZERO, stride, channel, near.sub(nearNegative).add(negative));
  }

  /** Counts a row of stored values. */
  static void countStored(
      MemorySegment m, long row, int width, ZeroCounts counts, int[] slab, int channel) {
    count(m, row, width, counts, slab, channel, Kind.ZERO, Kind.NEAR_ZERO, Kind.NEGATIVE);
  }

  private static void count(
      MemorySegment m,
      long row,
      int width,
      ZeroCounts counts,
      int[] slab,
      int channel,
      Kind zeroKind,
      Kind nearKind,
      Kind negativeKind) {
    m = Lanes.known(m);
    IntVector one = IntVector.broadcast(INTS, 1);
    IntVector zeros = IntVector.zero(INTS);
    IntVector near = zeros;
    IntVector negative = zeros;
    float tau = counts.threshold();
    for (int i = 0; i < width; i++) {
      FloatVector v =
          FloatVector.fromMemorySegment(FLOATS, m, row + (long) i * Lanes.BYTES, Lanes.ORDER);
      zeros = zeros.add(one, v.eq(0f).cast(INTS));
      near = near.add(one, v.abs().lt(tau).cast(INTS));
      negative = negative.add(one, v.lt(0f).cast(INTS));
    }
    Epilogue.add(slab, zeroKind, counts.stride(), channel, zeros);
    Epilogue.add(slab, nearKind, counts.stride(), channel, near);
    Epilogue.add(slab, negativeKind, counts.stride(), channel, negative);
  }
}
