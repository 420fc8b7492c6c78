package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.COUNT;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.Parallel;
import tacet.kernels.SelectSpec;
import tacet.kernels.ZeroCounts;

/**
 * Channel shuffles and concatenations, one block of output channels at a time: each block of input channels that has some
 * of its channels is permuted into place, and those channels taken from it, four such blocks at once where there are as
 * many.
 */
final class ChannelSelection implements Kernel {

  /** Blocks of input channels that are taken from at once. */
  private static final int QUAD = 4;

  /**
   * What a block of output channels takes from a block of input channels.
   *
   * @param image number of the input image
   * @param block number of its block of channels
   * @param lanes for each lane of the output the lane of the input, where {@code taken}
   */
  private record Part(int image, int block, VectorShuffle<Float> lanes, VectorMask<Float> taken) {}

  private final SelectSpec spec;
  private final ImageLayout[] inputs;
  private final ImageLayout output;

  /** By block of output channels. */
  private final Part[][] parts;

  /** Whether planes are run through as one row. */
  private final boolean dense;

  ChannelSelection(SelectSpec spec, List<ImageLayout> inputs, ImageLayout output) {
    this.spec = spec;
    this.inputs = inputs.toArray(ImageLayout[]::new);
    this.output = output;
    this.parts = new Part[output.blocks()][];
    for (int b = 0; b < parts.length; b++) {
      parts[b] = parts(b);
    }
    this.dense = output.isDensePlane() && inputs.stream().allMatch(ImageLayout::isDensePlane);
  }

  private Part[] parts(int block) {
    record Source(int image, int block) {}
    Map<Source, int[]> lanes = new LinkedHashMap<>();
    int first = block * COUNT;
    int count = Math.min(COUNT, spec.channel().length - first);
    for (int i = 0; i < count; i++) {
      int channel = spec.channel()[first + i];
      int[] from =
          lanes.computeIfAbsent(
              new Source(spec.image()[first + i], channel / COUNT), _ -> new int[COUNT]);
      // One more, so that zero stands for none.
      from[i] = channel % COUNT + 1;
    }
    List<Part> found = new ArrayList<>();
    lanes.forEach(
        (source, from) -> {
          int[] indices = new int[COUNT];
          boolean[] taken = new boolean[COUNT];
          for (int i = 0; i < COUNT; i++) {
            taken[i] = from[i] > 0;
            indices[i] = Math.max(0, from[i] - 1);
          }
          found.add(
              new Part(
                  source.image,
                  source.block,
                  VectorShuffle.fromArray(FLOATS, indices, 0),
                  VectorMask.fromArray(FLOATS, taken, 0)));
        });
    return found.toArray(Part[]::new);
  }

  @Override
  public String name() {
    return "select 1v" + COUNT;
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
      long[] images,
      long out,
      long scratch,
      Parallel parallel,
      ZeroCounts counts) {
    int blocks = parts.length;
    int rows = dense ? 1 : spec.height();
    int width = dense ? spec.height() * spec.width() : spec.width();
    parallel.forEach(
        spec.batch() * blocks,
        (item, thread) -> {
          int block = item % blocks;
          int n = item / blocks;
          for (int y = 0; y < rows; y++) {
            long to =
                out
                    + n * output.batchStride()
                    + block * output.blockStride()
                    + y * output.rowStride();
            row(memory, images, n, y, to, parts[block], width);
            if (counts != null) {
              int[] slab = counts.slab(thread);
              Pointwise.countStored(memory, to, width, counts, slab, block * COUNT);
            }
          }
        });
  }

  private void row(MemorySegment m, long[] images, int n, int y, long to, Part[] from, int width) {
    int i = 0;
    for (; i + QUAD <= from.length; i += QUAD) {
      Part a = from[i];
      Part b = from[i + 1];
      Part c = from[i + 2];
      Part d = from[i + 3];
      long s0 = source(images, a, n, y);
      long s1 = source(images, b, n, y);
      long s2 = source(images, c, n, y);
      long s3 = source(images, d, n, y);
      boolean first = i == 0;
      four(
          m, s0, s1, s2, s3, to, width, first, a.lanes, b.lanes, c.lanes, d.lanes, a.taken, b.taken,
          c.taken, d.taken);
    }
    for (; i < from.length; i++) {
      one(m, source(images, from[i], n, y), to, width, i == 0, from[i].lanes, from[i].taken);
    }
  }

  private long source(long[] images, Part p, int n, int y) {
    ImageLayout l = inputs[p.image];
    return images[p.image] + n * l.batchStride() + p.block * l.blockStride() + y * l.rowStride();
  }

  /** A row's channels from one block. Nothing that was there before is read for the first: every channel has its block. */
  private static void one(
      MemorySegment m,
      long from,
      long to,
      int width,
      boolean first,
      VectorShuffle<Float> lanes,
      VectorMask<Float> taken) {
    m = Lanes.known(m);
    FloatVector zero = FloatVector.zero(FLOATS);
    for (int i = 0; i < width; i++) {
      long o = (long) i * BYTES;
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, from + o, ORDER).rearrange(lanes);
      FloatVector others = first ? zero : FloatVector.fromMemorySegment(FLOATS, m, to + o, ORDER);
      others.blend(x, taken).intoMemorySegment(m, to + o, ORDER);
    }
  }

  /** The same from four blocks. */
  private static void four(
      MemorySegment m,
      long from0,
      long from1,
      long from2,
      long from3,
      long to,
      int width,
      boolean first,
      VectorShuffle<Float> lanes0,
      VectorShuffle<Float> lanes1,
      VectorShuffle<Float> lanes2,
      VectorShuffle<Float> lanes3,
      VectorMask<Float> taken0,
      VectorMask<Float> taken1,
      VectorMask<Float> taken2,
      VectorMask<Float> taken3) {
    m = Lanes.known(m);
    FloatVector zero = FloatVector.zero(FLOATS);
    for (int i = 0; i < width; i++) {
      long o = (long) i * BYTES;
      FloatVector x = first ? zero : FloatVector.fromMemorySegment(FLOATS, m, to + o, ORDER);
      FloatVector y = FloatVector.fromMemorySegment(FLOATS, m, from0 + o, ORDER);
      x = x.blend(y.rearrange(lanes0), taken0);
      y = FloatVector.fromMemorySegment(FLOATS, m, from1 + o, ORDER);
      x = x.blend(y.rearrange(lanes1), taken1);
      y = FloatVector.fromMemorySegment(FLOATS, m, from2 + o, ORDER);
      x = x.blend(y.rearrange(lanes2), taken2);
      y = FloatVector.fromMemorySegment(FLOATS, m, from3 + o, ORDER);
      x = x.blend(y.rearrange(lanes3), taken3);
      x.intoMemorySegment(m, to + o, ORDER);
    }
  }
}
