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
              thread);
        });
  }

  private void plane(
      MemorySegment m, long in, long out, int channel, ZeroCounts counts, int thread) {
    IntVector zeros = IntVector.zero(INTS);
    IntVector near = IntVector.zero(INTS);
    IntVector negative = IntVector.zero(INTS);
    float tau = counts == null ? 0f : counts.threshold();
    for (int oy = 0; oy < spec.outHeight(); oy++) {
      int top = oy * spec.strideY() - spec.padTop();
      int ky0 = firstTap(top, spec.dilationY());
      int ky1 = endTap(top, spec.dilationY(), spec.kernelHeight(), spec.inHeight());
      for (int ox = 0; ox < spec.outWidth(); ox++) {
        int left = ox * spec.strideX() - spec.padLeft();
        int kx0 = firstTap(left, spec.dilationX());
        int kx1 = endTap(left, spec.dilationX(), spec.kernelWidth(), spec.inWidth());
        long first =
            in
                + (top + (long) ky0 * spec.dilationY()) * input.rowStride()
                + (left + (long) kx0 * spec.dilationX()) * input.pixelStride();
        FloatVector v;
        if (spec.max()) {
          v = maximum(m, first, ky1 - ky0, kx1 - kx0);
        } else {
          int seen = spec.countIncludePad() ? stated(top, left) : (ky1 - ky0) * (kx1 - kx0);
          v = sum(m, first, ky1 - ky0, kx1 - kx0).div(seen);
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
      int[] slab = counts.slab(thread);
      Epilogue.add(slab, ZeroCounts.Kind.ZERO, counts.stride(), channel, zeros);
      Epilogue.add(slab, ZeroCounts.Kind.NEAR_ZERO, counts.stride(), channel, near);
      Epilogue.add(slab, ZeroCounts.Kind.NEGATIVE, counts.stride(), channel, negative);
    }
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
