package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.INTS;
import static tacet.kernels.vector.Lanes.load;
import static tacet.kernels.vector.Lanes.store;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.Parallel;
import tacet.kernels.PoolSpec;
import tacet.kernels.ZeroCounts;

/** Maximum and average pooling, one pixel and one block of channels at a time, windows clipped to the image. */
final class Pooling implements Kernel {

  private static final Rehearsal MAXIMUM = new Rehearsal();
  private static final Rehearsal AVERAGE = new Rehearsal();

  private final PoolSpec spec;
  private final ImageLayout input;
  private final ImageLayout output;

  Pooling(PoolSpec spec, ImageLayout input, ImageLayout output) {
    this.spec = spec;
    this.input = input;
    this.output = output;
  }

  @Override
  public String name() {
    return (spec.max() ? "max-pool " : "average-pool ") + "1v" + Lanes.COUNT;
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
    long in = inputs[0];
    parallel.forEach(
        spec.batch() * blocks,
        (item, thread) -> {
          int n = item / blocks;
          int block = item % blocks;
          plane(
              memory,
              in + n * input.batchStride() + block * input.blockStride(),
              out + n * output.batchStride() + block * output.blockStride(),
              block * Lanes.COUNT,
              counts,
              counts == null ? null : counts.slab(thread));
        });
  }

  @Override
  public boolean isSettled() {
    return rehearsal().isDone();
  }

  private Rehearsal rehearsal() {
    return spec.max() ? MAXIMUM : AVERAGE;
  }

  private void plane(
      MemorySegment m, long in, long out, int channel, ZeroCounts counts, int[] slab) {
    Rehearsal rehearsal = rehearsal();
    if (rehearsal.isDone()) {
      rows(m, in, out, channel, counts, slab, spec.outHeight());
      return;
    }
    long start = System.nanoTime();
    if (rehearsal.isDue()) {
      int[] nowhere = counts == null ? null : new int[slab.length];
      rows(m, in, out, channel, counts, nowhere, 1);
      long taps = (long) spec.kernelHeight() * spec.kernelWidth();
      rehearsal.rehearsed(start, spec.outWidth() * (3 + taps));
      start = System.nanoTime();
    }
    coldRows(m, in, out, channel, counts, slab);
    rehearsal.computed(start);
  }

  private void rows(
      MemorySegment m, long in, long out, int channel, ZeroCounts counts, int[] slab, int rows) {
    IntVector zeros = IntVector.zero(INTS);
    IntVector near = IntVector.zero(INTS);
    IntVector negative = IntVector.zero(INTS);
    float tau = counts == null ? 0f : counts.threshold();
    for (int oy = 0; oy < rows; oy++) {
      int top = oy * spec.strideY() - spec.padTop();
      int ky0 = firstTap(top, spec.dilationY());
      int ky1 = endTap(top, spec.dilationY(), spec.kernelHeight(), spec.inHeight());
      for (int ox = 0; ox < spec.outWidth(); ox++) {
        int left = ox * spec.strideX() - spec.padLeft();
        int kx0 = firstTap(left, spec.dilationX());
        int kx1 = endTap(left, spec.dilationX(), spec.kernelWidth(), spec.inWidth());
        long first = in + offset(top, ky0, left, kx0);
        FloatVector v;
        if (spec.max()) {
          v = maximum(m, first, ky1 - ky0, kx1 - kx0);
        } else {
          v = sum(m, first, ky1 - ky0, kx1 - kx0).div(seen(top, left, ky1 - ky0, kx1 - kx0));
        }
        if (counts != null) {
          zeros = Epilogue.tally(zeros, v.eq(0f));
          near = Epilogue.tally(near, v.abs().lt(tau));
          negative = Epilogue.tally(negative, v.lt(0f));
        }
        store(v, m, out + oy * output.rowStride() + ox * output.pixelStride());
      }
    }
    if (counts != null) {
      Epilogue.add(slab, ZeroCounts.Kind.ZERO, counts.stride(), channel, zeros);
      Epilogue.add(slab, ZeroCounts.Kind.NEAR_ZERO, counts.stride(), channel, near);
      Epilogue.add(slab, ZeroCounts.Kind.NEGATIVE, counts.stride(), channel, negative);
    }
  }

  private void coldRows(
      MemorySegment m, long in, long out, int channel, ZeroCounts counts, int[] slab) {
    float[] sums = new float[Lanes.COUNT];
    float[] x = new float[Lanes.COUNT];
    for (int oy = 0; oy < spec.outHeight(); oy++) {
      int top = oy * spec.strideY() - spec.padTop();
      int ky0 = firstTap(top, spec.dilationY());
      int rows = endTap(top, spec.dilationY(), spec.kernelHeight(), spec.inHeight()) - ky0;
      for (int ox = 0; ox < spec.outWidth(); ox++) {
        int left = ox * spec.strideX() - spec.padLeft();
        int kx0 = firstTap(left, spec.dilationX());
        int columns = endTap(left, spec.dilationX(), spec.kernelWidth(), spec.inWidth()) - kx0;
        ColdCode.pool(
            m,
            in + offset(top, ky0, left, kx0),
            rows,
            columns,
            spec.dilationY() * input.rowStride(),
            spec.dilationX() * input.pixelStride(),
            spec.max() ? 0 : seen(top, left, rows, columns),
            sums,
            x,
            out + oy * output.rowStride() + ox * output.pixelStride(),
            counts,
            slab,
            channel);
      }
    }
  }

  /** Bytes from a plane's first pixel to a window's first tap within it. */
  private long offset(int top, int ky, int left, int kx) {
    return (top + (long) ky * spec.dilationY()) * input.rowStride()
        + (left + (long) kx * spec.dilationX()) * input.pixelStride();
  }

  /** Elements that an average is taken over. */
  private int seen(int top, int left, int rows, int columns) {
    return spec.countIncludePad() ? stated(top, left) : rows * columns;
  }

  private static int firstTap(int start, int dilation) {
    return start >= 0 ? 0 : Math.ceilDiv(-start, dilation);
  }

  private static int endTap(int start, int dilation, int kernel, int extent) {
    return Math.clamp(Math.ceilDiv(extent - start, dilation), 0, kernel);
  }

  /** Elements of a window that lie within the image and its stated padding. */
  private int stated(int top, int left) {
    int bottom = spec.inHeight() + spec.padBottom();
    int right = spec.inWidth() + spec.padRight();
    return endTap(top, spec.dilationY(), spec.kernelHeight(), bottom)
        * endTap(left, spec.dilationX(), spec.kernelWidth(), right);
  }

  /** NaN wins, as it does in Math.max. */
  private FloatVector maximum(MemorySegment m, long first, int rows, int columns) {
    FloatVector v = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
    long rowStep = spec.dilationY() * input.rowStride();
    long columnStep = spec.dilationX() * input.pixelStride();
    for (int ky = 0; ky < rows; ky++) {
      for (int kx = 0; kx < columns; kx++) {
        FloatVector x = load(m, first + ky * rowStep + kx * columnStep);
        // Not greater or unordered: two instructions, where max() spends six on signed zeros.
        v = v.blend(x, x.compare(VectorOperators.LE, v).not().and(v.eq(v)));
      }
    }
    return v;
  }

  private FloatVector sum(MemorySegment m, long first, int rows, int columns) {
    FloatVector v = FloatVector.zero(FLOATS);
    long rowStep = spec.dilationY() * input.rowStride();
    long columnStep = spec.dilationX() * input.pixelStride();
    for (int ky = 0; ky < rows; ky++) {
      for (int kx = 0; kx < columns; kx++) {
        v = v.add(load(m, first + ky * rowStep + kx * columnStep));
      }
    }
    return v;
  }
}
