package tacet.kernels.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.KernelProvider.FlattenOrder;

/**
 * The right operand of a convolution as a matrix product: filters laid out as the micro-kernels read them.
 *
 * @param tiles columns that are computed together, from left to right
 * @param memory their weights, one tile after the other
 */
record PackedWeights(Columns[] tiles, MemorySegment memory) {

  /**
   * Output channels that are computed together. Their k runs over input channels and kernel taps in an order in which
   * neighbours are neighbours in memory.
   *
   * <p>Groups: a vector of output channels that spans several groups reads the inputs of all of them, with zero weights
   * where they do not meet.
   *
   * @param firstVector number of the tile's first vector of output channels
   * @param vectors 1 … 4
   * @param at for each k, byte distance of its element from the first input of a pixel; one object for all tiles that
   *     read the same inputs
   * @param weights byte offset of the packed weights: for each k, {@code vectors} vectors of output channels
   */
  record Columns(int firstVector, int vectors, long[] at, long weights) {}

  /**
   * @param flattened not NONE where a dense layer reads an image: then {@code spec} has the flattened length as its
   *     channels
   */
  static PackedWeights pack(
      ConvSpec spec, ImageLayout input, FlattenOrder flattened, float[] weights, Arena arena) {
    int vectors = Math.ceilDiv(spec.outChannels(), Lanes.COUNT);
    int count = Math.ceilDiv(vectors, widestTile(spec));
    Columns[] tiles = new Columns[count];
    int[][] sources = new int[count][];
    long bytes = 0;
    int first = 0;
    for (int t = 0; t < count; t++) {
      // Even widths: five vectors are better served as 3 + 2 than as 4 + 1.
      int width = Math.ceilDiv(vectors - first, count - t);
      long[] at;
      if (t > 0 && spec.groups() == 1) {
        sources[t] = sources[t - 1];
        at = tiles[t - 1].at;
      } else if (flattened != FlattenOrder.NONE) {
        sources[t] = new int[spec.inChannels()];
        at = flattenedTable(input, flattened, sources[t]);
      } else {
        int fromChannel = first * Lanes.COUNT;
        int toChannel = Math.min(spec.outChannels(), (first + width) * Lanes.COUNT);
        int outPerGroup = spec.outChannels() / spec.groups();
        int inPerGroup = spec.inChannels() / spec.groups();
        int from = fromChannel / outPerGroup * inPerGroup;
        int to = ((toChannel - 1) / outPerGroup + 1) * inPerGroup;
        int taps = spec.kernelHeight() * spec.kernelWidth();
        sources[t] = new int[Math.multiplyExact(to - from, taps)];
        at = table(spec, input, from, to, sources[t]);
      }
      tiles[t] = new Columns(first, width, at, bytes);
      bytes += (long) at.length * width * Lanes.BYTES;
      first += width;
    }
    MemorySegment memory = arena.allocate(Math.max(bytes, Lanes.BYTES), 64);
    for (int t = 0; t < count; t++) {
      pack(spec, tiles[t], sources[t], weights, memory);
    }
    return new PackedWeights(tiles, memory);
  }

  /** Vectors per tile: four where registers allow; fewer where a wide tile would span groups and multiply by zeros. */
  private static int widestTile(ConvSpec spec) {
    int widest = Lanes.MANY_REGISTERS ? 4 : 2;
    if (spec.groups() == 1) {
      return widest;
    }
    int perGroup = spec.outChannels() / spec.groups();
    return Math.clamp(perGroup / Lanes.COUNT, 1, widest);
  }

  /** Order of k: block of channels, kernel row, kernel column, lane. */
  private static long[] table(ConvSpec spec, ImageLayout in, int from, int to, int[] sources) {
    long[] table = new long[sources.length];
    int taps = spec.kernelHeight() * spec.kernelWidth();
    int k = 0;
    for (int block = from / in.lanes(); block * in.lanes() < to; block++) {
      int c0 = Math.max(from, block * in.lanes());
      int c1 = Math.min(to, (block + 1) * in.lanes());
      for (int ky = 0; ky < spec.kernelHeight(); ky++) {
        for (int kx = 0; kx < spec.kernelWidth(); kx++) {
          for (int c = c0; c < c1; c++) {
            table[k] =
                in.offset(0, c, 0, 0)
                    + (long) ky * spec.dilationY() * in.rowStride()
                    + (long) kx * spec.dilationX() * in.pixelStride();
            sources[k++] = c * taps + ky * spec.kernelWidth() + kx;
          }
        }
      }
    }
    return table;
  }

  private static long[] flattenedTable(ImageLayout in, FlattenOrder order, int[] sources) {
    long[] table = new long[sources.length];
    int k = 0;
    for (int block = 0; block < in.blocks(); block++) {
      int c0 = block * in.lanes();
      int c1 = Math.min(in.channels(), c0 + in.lanes());
      for (int y = 0; y < in.height(); y++) {
        for (int x = 0; x < in.width(); x++) {
          for (int c = c0; c < c1; c++) {
            table[k] = in.offset(0, c, y, x);
            sources[k++] =
                order == FlattenOrder.NCHW
                    ? (c * in.height() + y) * in.width() + x
                    : (y * in.width() + x) * in.channels() + c;
          }
        }
      }
    }
    return table;
  }

  /**
   * @param sources for each k, input channel · taps + tap
   */
  private static void pack(
      ConvSpec spec, Columns columns, int[] sources, float[] weights, MemorySegment packed) {
    int taps = spec.kernelHeight() * spec.kernelWidth();
    int inPerGroup = spec.inChannels() / spec.groups();
    int outPerGroup = spec.outChannels() / spec.groups();
    int width = columns.vectors * Lanes.COUNT;
    int firstChannel = columns.firstVector * Lanes.COUNT;
    for (int i = 0; i < width && firstChannel + i < spec.outChannels(); i++) {
      int m = firstChannel + i;
      int group = m / outPerGroup;
      int rowStart = m * inPerGroup * taps;
      int skipped = group * inPerGroup * taps;
      for (int k = 0; k < sources.length; k++) {
        int source = sources[k] - skipped;
        if (source >= 0 && source < inPerGroup * taps) {
          packed.set(
              ValueLayout.JAVA_FLOAT,
              columns.weights + ((long) k * width + i) * Float.BYTES,
              weights[rowStart + source]);
        }
      }
    }
  }
}
