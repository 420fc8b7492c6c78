package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.COUNT;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.Parallel;
import tacet.kernels.ShuffleSpec;
import tacet.kernels.ZeroCounts;

/**
 * Channel shuffle, one block of output channels at a time: each block of input channels that has some of its channels is
 * permuted into place, for a row of pixels, and those channels taken from it.
 */
final class ChannelShuffle implements Kernel {

  /**
   * What a block of output channels takes from a block of input channels.
   *
   * @param source number of the block of input channels
   * @param lanes for each lane of the output the lane of the input, where {@code taken}
   */
  private record Part(int source, VectorShuffle<Float> lanes, VectorMask<Float> taken) {}

  private final ShuffleSpec spec;
  private final ImageLayout input;
  private final ImageLayout output;

  /** By block of output channels. */
  private final Part[][] parts;

  ChannelShuffle(ShuffleSpec spec, ImageLayout input, ImageLayout output) {
    this.spec = spec;
    this.input = input;
    this.output = output;
    this.parts = new Part[output.blocks()][];
    for (int b = 0; b < parts.length; b++) {
      parts[b] = parts(b);
    }
  }

  private Part[] parts(int block) {
    int[][] lanes = new int[input.blocks()][];
    boolean[][] taken = new boolean[input.blocks()][COUNT];
    for (int i = 0; i < COUNT && block * COUNT + i < spec.channels(); i++) {
      int source = spec.source(block * COUNT + i);
      int from = source / COUNT;
      if (lanes[from] == null) {
        lanes[from] = new int[COUNT];
      }
      lanes[from][i] = source % COUNT;
      taken[from][i] = true;
    }
    Part[] found = new Part[input.blocks()];
    int n = 0;
    for (int s = 0; s < lanes.length; s++) {
      if (lanes[s] != null) {
        found[n++] =
            new Part(
                s,
                VectorShuffle.fromArray(FLOATS, lanes[s], 0),
                VectorMask.fromArray(FLOATS, taken[s], 0));
      }
    }
    return Arrays.copyOf(found, n);
  }

  @Override
  public String name() {
    return "shuffle 1v" + COUNT;
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
  public void run(
      MemorySegment memory,
      long[] inputs,
      long out,
      long scratch,
      Parallel parallel,
      ZeroCounts counts) {
    int blocks = parts.length;
    parallel.forEach(
        spec.batch() * blocks,
        (item, thread) -> {
          int block = item % blocks;
          int n = item / blocks;
          int[] slab = counts == null ? null : counts.slab(thread);
          for (int y = 0; y < spec.height(); y++) {
            long from = inputs[0] + n * input.batchStride() + y * input.rowStride();
            long to =
                out
                    + n * output.batchStride()
                    + block * output.blockStride()
                    + y * output.rowStride();
            for (int i = 0; i < parts[block].length; i++) {
              Part p = parts[block][i];
              take(memory, from + p.source * input.blockStride(), to, p.lanes, p.taken, i == 0);
            }
            if (counts != null) {
              Pointwise.countStored(memory, to, spec.width(), counts, slab, block * COUNT);
            }
          }
        });
  }

  /** A row's channels from one block. Lanes of no channel are zero from the first block on. */
  private void take(
      MemorySegment m,
      long from,
      long to,
      VectorShuffle<Float> lanes,
      VectorMask<Float> taken,
      boolean first) {
    FloatVector zero = FloatVector.zero(FLOATS);
    for (int i = 0; i < spec.width(); i++) {
      long o = (long) i * BYTES;
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, from + o, ORDER).rearrange(lanes);
      FloatVector others = first ? zero : FloatVector.fromMemorySegment(FLOATS, m, to + o, ORDER);
      others.blend(x, taken).intoMemorySegment(m, to + o, ORDER);
    }
  }
}
