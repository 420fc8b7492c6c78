package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.FLOAT;
import static tacet.kernels.vector.Lanes.HAS_FMA;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.Parallel;
import tacet.kernels.ZeroCounts;

/**
 * A dense layer on few images with weights most of which are zero: for each input a list of those that are not, six bytes
 * each, and none is read where the input is zero. Outputs here and there are added to one at a time, which takes as long as
 * reading half a kilobyte of weights for 16 of them: from memory a gain from about three quarters of zeros on.
 *
 * <p>An input that is infinite or NaN gives NaN with a weight of zero, too.
 */
final class ListedDense implements Kernel {

  /** Outputs are numbered in 16 bits. */
  private static final int MOST_OUTPUTS = 1 << 16;

  /** Pieces into which the inputs are cut, to be shared among threads. */
  private static final int PIECES = 4;

  /** Layers with fewer weights are not cut. */
  private static final int LEAST_CUT = 1 << 16;

  private final ConvSpec spec;
  private final Outputs outputs;
  private final ImageLayout input;

  /** For each row, the byte distance of its input from the image's first. */
  private final long[] at;

  /** Number of the first weight of each row, and of the end. */
  private final int[] first;

  /** The weights that are not zero, then their outputs' numbers, shorts. */
  private final MemorySegment lists;

  private ListedDense(
      ConvSpec spec,
      ImageLayout input,
      Outputs outputs,
      long[] at,
      int[] first,
      MemorySegment lists) {
    this.spec = spec;
    this.input = input;
    this.outputs = outputs;
    this.at = at;
    this.first = first;
    this.lists = lists;
  }

  /** Whether a convolution is a dense layer that can be computed so. */
  static boolean takes(ConvSpec spec) {
    return spec.groups() == 1
        && spec.kernelHeight() * spec.kernelWidth() == 1
        && spec.outHeight() * spec.outWidth() == 1
        && spec.padTop() == 0
        && spec.padLeft() == 0
        && spec.batch() <= DenseLayer.MOST_IMAGES
        && spec.outChannels() <= MOST_OUTPUTS;
  }

  /**
   * @param weights finite ones
   */
  static ListedDense prepare(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      FlattenOrder flattened,
      float[] weights,
      float[] bias,
      Arena arena) {
    int[] sources = new int[spec.inChannels()];
    long[] at =
        flattened == FlattenOrder.NONE
            ? PackedWeights.table(spec, input, 0, spec.inChannels(), sources)
            : PackedWeights.flattenedTable(input, flattened, sources);
    int[] first = new int[at.length + 1];
    for (int k = 0; k < at.length; k++) {
      int count = 0;
      for (int m = 0; m < spec.outChannels(); m++) {
        count += weights[m * at.length + sources[k]] == 0f ? 0 : 1;
      }
      first[k + 1] = first[k] + count;
    }
    long all = first[at.length];
    MemorySegment lists = arena.allocate(Math.max(1, all * 6), 64);
    long n = 0;
    for (int k = 0; k < at.length; k++) {
      for (int m = 0; m < spec.outChannels(); m++) {
        float w = weights[m * at.length + sources[k]];
        if (w != 0f) {
          lists.set(ValueLayout.JAVA_FLOAT, n * 4, w);
          lists.set(ValueLayout.JAVA_SHORT_UNALIGNED, all * 4 + n * 2, (short) m);
          n++;
        }
      }
    }
    return new ListedDense(
        spec, input, Outputs.of(spec, output, residual, bias, arena), at, first, lists);
  }

  @Override
  public String name() {
    return "sparse-weights dense";
  }

  @Override
  public long multiplyAdds() {
    return spec.multiplyAdds();
  }

  private int pieces() {
    return first[at.length] < LEAST_CUT ? 1 : PIECES;
  }

  private int vectors() {
    return Math.ceilDiv(spec.outChannels(), Lanes.COUNT);
  }

  private long sumBytes() {
    return (long) vectors() * Lanes.BYTES;
  }

  @Override
  public boolean isSettled() {
    return outputs.isSettled(vectors());
  }

  /** Sums of each image and piece, and the places of an image's one pixel. */
  @Override
  public long scratchBytes(int threads) {
    return spec.batch() * (long) pieces() * sumBytes() + 16;
  }

  @Override
  public void run(
      MemorySegment memory,
      long[] inputs,
      long out,
      long scratch,
      Parallel parallel,
      ZeroCounts counts) {
    int pieces = pieces();
    parallel.forEach(
        spec.batch() * pieces,
        (item, thread) -> {
          int n = item / pieces;
          int piece = item % pieces;
          int from = (int) ((long) at.length * piece / pieces);
          int end = (int) ((long) at.length * (piece + 1) / pieces);
          float[] sums = parallel.floats(thread, vectors() * Lanes.COUNT);
          Arrays.fill(sums, 0, vectors() * Lanes.COUNT, 0f);
          long done = multiply(memory, inputs[0] + n * input.batchStride(), from, end, sums);
          if (counts != null) {
            counts.addSkipped(thread, (end - from) * (long) spec.outChannels() - done);
          }
          long to = scratch + item * sumBytes();
          MemorySegment.copy(sums, 0, memory, FLOAT, to, vectors() * Lanes.COUNT);
        });
    long places = scratch + spec.batch() * pieces * sumBytes();
    for (int n = 0; n < spec.batch(); n++) {
      long sums = scratch + n * pieces * sumBytes();
      for (int piece = 1; piece < pieces; piece++) {
        GemmConvolution.add(memory, sums + piece * sumBytes(), sums, vectors());
      }
      outputs.place(memory, n, 1, places, places + 8);
      outputs.finish(
          memory,
          0,
          vectors(),
          vectors(),
          sums,
          1,
          places,
          places + 8,
          out,
          inputs.length > 1 ? inputs[1] : -1,
          counts,
          0);
    }
  }

  /**
   * Adds the products of inputs {@code from … to − 1} to the sums.
   *
   * @return how many were formed
   */
  private long multiply(MemorySegment m, long image, int from, int to, float[] sums) {
    long numbers = (long) first[at.length] * 4;
    long done = 0;
    for (int k = from; k < to; k++) {
      float x = m.get(FLOAT, image + at[k]);
      if (x != 0f) {
        int i = first[k];
        int end = first[k + 1];
        if (Float.isFinite(x)) {
          done += end - i;
        } else {
          addNaN(i, end, sums);
          done += spec.outChannels();
        }
        add(lists, x, i, end, numbers, sums);
      }
    }
    return done;
  }

  private static void add(MemorySegment w, float x, int from, int to, long numbers, float[] sums) {
    for (int i = from; i < to; i++) {
      int m = w.get(ValueLayout.JAVA_SHORT_UNALIGNED, numbers + i * 2L) & 0xffff;
      float v = w.get(ValueLayout.JAVA_FLOAT, i * 4L);
      sums[m] = HAS_FMA ? Math.fma(x, v, sums[m]) : x * v + sums[m];
    }
  }

  /** What an input that is no number makes of the outputs whose weights are zero. */
  private void addNaN(int from, int to, float[] sums) {
    long numbers = (long) first[at.length] * 4;
    int m = 0;
    for (int i = from; i <= to; i++) {
      int next =
          i < to
              ? lists.get(ValueLayout.JAVA_SHORT_UNALIGNED, numbers + i * 2L) & 0xffff
              : spec.outChannels();
      Arrays.fill(sums, m, next, Float.NaN);
      m = next + 1;
    }
  }
}
