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
