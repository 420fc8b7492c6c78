package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.Parallel;
import tacet.kernels.SoftmaxSpec;
import tacet.kernels.ZeroCounts;

/** Softmax over the channels of one pixel after the other. */
final class ChannelSoftmax implements Kernel {

  private static final Rehearsal PIXEL = new Rehearsal();

  /** Vector operations per vector of channels, about. */
  private static final int OPERATIONS = 40;

  /** Most vectors of a rehearsal. */
  private static final int REHEARSED_BLOCKS = 2;

  private final SoftmaxSpec spec;
  private final ImageLayout input;
  private final ImageLayout output;

  ChannelSoftmax(SoftmaxSpec spec, ImageLayout input, ImageLayout output) {
    this.spec = spec;
    this.input = input;
    this.output = output;
  }

  @Override
  public String name() {
    return "softmax 1v" + Lanes.COUNT;
  }

  @Override
  public long multiplyAdds() {
    return 0;
  }

  @Override
  public long scratchBytes(int threads) {
    return 0;
  }

  @Override
  public boolean isSettled() {
    return PIXEL.isDone();
  }

  @Override
  public void run(
      MemorySegment memory,
      long[] inputs,
      long out,
      long scratch,
      Parallel parallel,
      ZeroCounts counts) {
    parallel.forEach(
        spec.batch() * spec.height(),
        (item, thread) -> {
          int n = item / spec.height();
          int y = item % spec.height();
          long from = inputs[0] + n * input.batchStride() + y * input.rowStride();
          long to = out + n * output.batchStride() + y * output.rowStride();
          for (int x = 0; x < spec.width(); x++) {
            pixel(memory, from + x * input.pixelStride(), to + x * output.pixelStride());
          }
          if (counts != null) {
            for (int b = 0; b < output.blocks(); b++) {
              Pointwise.countStored(
                  memory,
                  to + b * output.blockStride(),
                  spec.width(),
                  counts,
                  counts.slab(thread),
                  b * Lanes.COUNT);
            }
          }
        });
  }

  private void pixel(MemorySegment m, long from, long to) {
    int blocks = output.blocks();
    if (PIXEL.isDone()) {
      pixel(m, from, to, blocks);
      return;
    }
    while (PIXEL.isDue()) {
      int some = Math.min(blocks, REHEARSED_BLOCKS);
      long began = System.nanoTime();
      pixel(m, from, to, some);
      PIXEL.rehearsed(began, (long) some * OPERATIONS);
    }
    long start = System.nanoTime();
    ColdCode.softmax(
        m, from, input.blockStride(), to, output.blockStride(), spec.channels(), spec.logarithm());
    PIXEL.computed(start);
  }

  private void pixel(MemorySegment m, long from, long to, int blocks) {
    m = Lanes.known(m);
    float max = largest(m, from, blocks);
    float sum = exponentials(m, from, to, blocks, max);
    if (spec.logarithm()) {
      float shift = (float) (max + Math.log(sum));
      for (int b = 0; b < blocks; b++) {
        FloatVector.fromMemorySegment(FLOATS, m, from + b * input.blockStride(), ORDER)
            .sub(shift)
            .intoMemorySegment(m, to + b * output.blockStride(), ORDER);
      }
    } else {
      for (int b = 0; b < blocks; b++) {
        long at = to + b * output.blockStride();
        FloatVector.fromMemorySegment(FLOATS, m, at, ORDER)
            .div(sum)
            .intoMemorySegment(m, at, ORDER);
      }
    }
  }

  private VectorMask<Float> lastChannels(int blocks) {
    return FLOATS.indexInRange(0, spec.channels() - (blocks - 1) * Lanes.COUNT);
  }

  private float largest(MemorySegment m, long from, int blocks) {
    m = Lanes.known(m);
    FloatVector lowest = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
    FloatVector max = lowest;
    for (int b = 0; b < blocks - 1; b++) {
      max =
          max.max(FloatVector.fromMemorySegment(FLOATS, m, from + b * input.blockStride(), ORDER));
    }
    FloatVector v =
        FloatVector.fromMemorySegment(FLOATS, m, from + (blocks - 1) * input.blockStride(), ORDER);
    return max.max(lowest.blend(v, lastChannels(blocks))).reduceLanes(VectorOperators.MAX);
  }

  /** Stores e^(x − max) and returns the sum of it. */
  private float exponentials(MemorySegment m, long from, long to, int blocks, float max) {
    m = Lanes.known(m);
    FloatVector zero = FloatVector.zero(FLOATS);
    FloatVector sum = zero;
    VectorMask<Float> last = lastChannels(blocks);
    for (int b = 0; b < blocks; b++) {
      FloatVector v =
          FloatVector.fromMemorySegment(FLOATS, m, from + b * input.blockStride(), ORDER).sub(max);
      FloatVector e = VectorActivation.exp(v);
      e.intoMemorySegment(m, to + b * output.blockStride(), ORDER);
      sum = sum.add(b == blocks - 1 ? zero.blend(e, last) : e);
    }
    return Lanes.sum(sum);
  }
}
