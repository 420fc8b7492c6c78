package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.LrnSpec;
import tacet.kernels.Parallel;
import tacet.kernels.ZeroCounts;

/**
 * Local response normalisation. The squares of a pixel's channels are laid side by side with room for zeros around them;
 * a sum over neighbouring channels is then a sum of vectors read one float apart.
 */
final class LocalResponseNormalization implements Kernel {

  private final LrnSpec spec;
  private final ImageLayout input;
  private final ImageLayout output;

  LocalResponseNormalization(LrnSpec spec, ImageLayout input, ImageLayout output) {
    this.spec = spec;
    this.input = input;
    this.output = output;
  }

  /** Whether the sums stay within a vector to each side. */
  static boolean takes(LrnSpec spec) {
    return spec.size() >= 1 && spec.size() - 1 - spec.before() <= Lanes.COUNT;
  }

  @Override
  public String name() {
    return "lrn 1v" + Lanes.COUNT;
  }

  @Override
  public long multiplyAdds() {
    return 0;
  }

  @Override
  public long scratchBytes(int threads) {
    return threads * scratchPerThread();
  }

  private long scratchPerThread() {
    return (output.blocks() + 2L) * BYTES;
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
          row(memory, from, to, scratch + thread * scratchPerThread());
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

  private void row(MemorySegment m, long from, long to, long squares) {
    m = Lanes.known(m);
    int blocks = output.blocks();
    FloatVector zero = FloatVector.zero(FLOATS);
    VectorMask<Float> last = FLOATS.indexInRange(0, spec.channels() - (blocks - 1) * Lanes.COUNT);
    zero.intoMemorySegment(m, squares, ORDER);
    zero.intoMemorySegment(m, squares + (blocks + 1L) * BYTES, ORDER);
    FloatVector bias = FloatVector.broadcast(FLOATS, spec.bias());
    float scale = spec.alpha() / spec.size();
    boolean threeQuarters = spec.beta() == 0.75f;
    for (int x = 0; x < spec.width(); x++) {
      long pixel = from + x * input.pixelStride();
      for (int b = 0; b < blocks; b++) {
        FloatVector v =
            FloatVector.fromMemorySegment(FLOATS, m, pixel + b * input.blockStride(), ORDER);
        FloatVector square = v.mul(v);
        // Lanes behind the last channel may hold anything.
        square = b == blocks - 1 ? zero.blend(square, last) : square;
        square.intoMemorySegment(m, squares + (b + 1L) * BYTES, ORDER);
      }
      long target = to + x * output.pixelStride();
      for (int b = 0; b < blocks; b++) {
        long first = squares + (b + 1L) * BYTES - spec.before() * (long) Float.BYTES;
        FloatVector sum = zero;
        for (int i = 0; i < spec.size(); i++) {
          sum =
              sum.add(
                  FloatVector.fromMemorySegment(FLOATS, m, first + i * (long) Float.BYTES, ORDER));
        }
        FloatVector base = sum.mul(scale).add(bias);
        FloatVector v =
            FloatVector.fromMemorySegment(FLOATS, m, pixel + b * input.blockStride(), ORDER);
        if (threeQuarters) {
          FloatVector root = base.sqrt();
          v = v.div(root.mul(root.sqrt()));
        } else {
          v = v.mul(power(base, m, target + b * output.blockStride()));
        }
        v.intoMemorySegment(m, target + b * output.blockStride(), ORDER);
      }
    }
  }

  /** Lane by lane: the vector form differs between compiled code and the interpreter in the last bit. */
  private FloatVector power(FloatVector base, MemorySegment m, long room) {
    m = Lanes.known(m);
    base.intoMemorySegment(m, room, ORDER);
    for (long at = room; at < room + BYTES; at += Float.BYTES) {
      m.set(Lanes.FLOAT, at, (float) Math.pow(m.get(Lanes.FLOAT, at), -spec.beta()));
    }
    return FloatVector.fromMemorySegment(FLOATS, m, room, ORDER);
  }
}
