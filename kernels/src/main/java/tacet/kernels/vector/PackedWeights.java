package tacet.kernels.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedList;
import java.util.List;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.Parallel;

/**
 * The right operand of a convolution as a matrix product: filters laid out as the micro-kernels read them.
 *
 * @param tiles columns that are computed together, from left to right
 * @param memory their weights, one tile after the other
 */
record PackedWeights(Columns[] tiles, MemorySegment memory) {

  /** Most vectors of a tile. */
  static final int WIDEST = Lanes.MANY_REGISTERS ? 4 : 2;

  /** Rows that are packed at a time: no more than stay in a first-level cache. */
  private static final int PIECE_ROWS = 128;

  /** Time of a multiply-add in tiles of so many vectors, relative to that in wide ones; measured, about. */
  private static final double[] SLOWNESS = {0, 1.7, 1.1, 1, 1};

  /** What a tile of six rows takes besides, in multiply-adds of a row and vector; about. */
  private static final double TILE = 16;

  /** What adding up a vector's sums takes, in the same unit; about. */
  private static final double SHARED = 8;

  /**
   * Output channels that are computed together. Their k runs over input channels and kernel taps in an order in which
   * neighbours are neighbours in memory.
   *
   * <p>Groups: a vector of output channels may span several. Then its tile reads the inputs of all of them, with zero
   * weights where they do not meet; or there is a tile for each of them, and the sums of the vector add up.
   *
   * @param firstVector number of the tile's first vector of output channels
   * @param vectors 1 … 4
   * @param at for each k, byte distance of its element from the first input of a pixel; one object for all tiles that
   *     read the same inputs
   * @param weights byte offset of the packed weights: for each k, {@code vectors} vectors of output channels
   * @param continues whether the first vector is also the last one of the tile before, and gets what its sums are there
   */
  record Columns(int firstVector, int vectors, long[] at, long weights, boolean continues) {}

  /** The first tile from {@code column} on whose sums do not continue those of the one before, or the end of all. */
  static int start(Columns[] columns, int column) {
    int c = column;
    while (c < columns.length && columns[c].continues()) {
      c++;
    }
    return c;
  }

  /** Where columns are cut: the vectors of a tile, and the groups whose inputs it reads. */
  private record Cut(int first, int vectors, int firstGroup, int lastGroup, boolean continues) {
    boolean readsAs(Cut other) {
      return firstGroup == other.firstGroup && lastGroup == other.lastGroup;
    }
  }

  /**
   * @param flattened not NONE where a dense layer reads an image: then {@code spec} has the flattened length as its
   *     channels
   */
  static PackedWeights pack(
      ConvSpec spec,
      ImageLayout input,
      FlattenOrder flattened,
      float[] weights,
      Arena arena,
      Parallel parallel) {
    List<Cut> cuts = spec.groups() == 1 ? evenTiles(spec) : groupedTiles(spec);
    int count = cuts.size();
    Columns[] tiles = new Columns[count];
    int[][] sources = new int[count][];
    long bytes = 0;
    for (int t = 0; t < count; t++) {
      Cut cut = cuts.get(t);
      long[] at;
      if (t > 0 && cut.readsAs(cuts.get(t - 1))) {
        sources[t] = sources[t - 1];
        at = tiles[t - 1].at;
      } else if (flattened != FlattenOrder.NONE) {
        sources[t] = new int[spec.inChannels()];
        at = flattenedTable(input, flattened, sources[t]);
      } else {
        int inPerGroup = spec.inChannels() / spec.groups();
        int from = cut.firstGroup * inPerGroup;
        int to = (cut.lastGroup + 1) * inPerGroup;
        int taps = spec.kernelHeight() * spec.kernelWidth();
        sources[t] = new int[Math.multiplyExact(to - from, taps)];
        at = table(spec, input, from, to, sources[t]);
      }
      tiles[t] = new Columns(cut.first, cut.vectors, at, bytes, cut.continues);
      bytes += (long) at.length * cut.vectors * Lanes.BYTES;
    }
    MemorySegment memory = arena.allocate(Math.max(bytes, Lanes.BYTES), 64);
    int longest = Arrays.stream(tiles).mapToInt(t -> t.at.length).max().orElse(0);
    int pieces = Math.max(1, Math.ceilDiv(longest, PIECE_ROWS));
    parallel.forEach(
        count * pieces,
        (item, thread) -> {
          int t = item / pieces;
          int from = Math.min(sources[t].length, item % pieces * PIECE_ROWS);
          int to = Math.min(sources[t].length, from + PIECE_ROWS);
          float[] piece = parallel.floats(thread, PIECE_ROWS * WIDEST * Lanes.COUNT);
          pack(spec, tiles[t], sources[t], from, to, weights, memory, piece);
        });
    return new PackedWeights(tiles, memory);
  }

  private static List<Cut> evenTiles(ConvSpec spec) {
    List<Cut> cuts = new ArrayList<>();
    cut(cuts, 0, Math.ceilDiv(spec.outChannels(), Lanes.COUNT), 0, false);
    return cuts;
  }

  /** Cuts vectors into tiles of even widths: five are better served as 3 + 2 than as 4 + 1. */
  private static void cut(List<Cut> cuts, int first, int end, int group, boolean continues) {
    int from = first;
    for (int left = Math.ceilDiv(end - first, WIDEST); left > 0; left--) {
      int width = Math.ceilDiv(end - from, left);
      cuts.add(new Cut(from, width, group, group, continues && from == first));
      from += width;
    }
  }

  /** The cheaper way: tiles that read the inputs of all groups they touch, or tiles for each group. */
  private static List<Cut> groupedTiles(ConvSpec spec) {
    List<Cut> across = acrossGroups(spec);
    List<Cut> within = withinGroups(spec);
    return cost(spec, within) < cost(spec, across) ? within : across;
  }

  private static List<Cut> withinGroups(ConvSpec spec) {
    List<Cut> cuts = new ArrayList<>();
    int outPerGroup = spec.outChannels() / spec.groups();
    int end = 0;
    for (int g = 0; g < spec.groups(); g++) {
      int first = g * outPerGroup / Lanes.COUNT;
      boolean continues = first < end;
      end = Math.ceilDiv((g + 1) * outPerGroup, Lanes.COUNT);
      cut(cuts, first, end, g, continues);
    }
    return cuts;
  }

  /**
   * Wide tiles multiply more by the zeros between groups, narrow ones are slower and more: the cheapest way to cut the
   * columns is found from left to right.
   */
  private static List<Cut> acrossGroups(ConvSpec spec) {
    int vectors = Math.ceilDiv(spec.outChannels(), Lanes.COUNT);
    double[] cost = new double[vectors + 1];
    Cut[] last = new Cut[vectors + 1];
    for (int end = 1; end <= vectors; end++) {
      cost[end] = Double.POSITIVE_INFINITY;
      for (int w = 1; w <= Math.min(WIDEST, end); w++) {
        int first = end - w;
        int firstGroup = group(spec, first * Lanes.COUNT);
        int lastGroup = group(spec, end * Lanes.COUNT - 1);
        Cut cut = new Cut(first, w, firstGroup, lastGroup, false);
        double c = cost[first] + cost(spec, cut);
        if (c < cost[end]) {
          cost[end] = c;
          last[end] = cut;
        }
      }
    }
    LinkedList<Cut> cuts = new LinkedList<>();
    for (int end = vectors; end > 0; end = last[end].first) {
      cuts.addFirst(last[end]);
    }
    return cuts;
  }

  private static double cost(ConvSpec spec, List<Cut> cuts) {
    return cuts.stream().mapToDouble(c -> cost(spec, c)).sum();
  }

  private static double cost(ConvSpec spec, Cut c) {
    int depth = spec.inChannels() / spec.groups() * spec.kernelHeight() * spec.kernelWidth();
    return TILE
        + (c.continues ? SHARED : 0)
        + SLOWNESS[c.vectors] * c.vectors * (c.lastGroup - c.firstGroup + 1) * depth;
  }

  /** Group of an output channel; that of the last one for those behind it. */
  private static int group(ConvSpec spec, int channel) {
    return Math.min(channel, spec.outChannels() - 1) / (spec.outChannels() / spec.groups());
  }

  /** Order of k: block of channels, kernel row, kernel column, lane. */
  static long[] table(ConvSpec spec, ImageLayout in, int from, int to, int[] sources) {
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

  static long[] flattenedTable(ImageLayout in, FlattenOrder order, int[] sources) {
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
   * Rows {@code from … to − 1} of one tile.
   *
   * @param sources for each k, input channel · taps + tap
   * @param piece room for these rows
   */
  private static void pack(
      ConvSpec spec,
      Columns columns,
      int[] sources,
      int from,
      int to,
      float[] weights,
      MemorySegment packed,
      float[] piece) {
    int perFilter = spec.inChannels() / spec.groups() * spec.kernelHeight() * spec.kernelWidth();
    int outPerGroup = spec.outChannels() / spec.groups();
    int width = columns.vectors * Lanes.COUNT;
    int firstChannel = columns.firstVector * Lanes.COUNT;
    int filters = Math.min(width, spec.outChannels() - firstChannel);
    Arrays.fill(piece, 0, (to - from) * width, 0f);
    for (int i = 0; i < filters; i++) {
      int m = firstChannel + i;
      int skipped = m / outPerGroup * perFilter;
      column(weights, m * perFilter, perFilter, sources, from, to, skipped, piece, i, width);
    }
    long at = columns.weights + (long) from * width * Float.BYTES;
    MemorySegment.copy(piece, 0, packed, ValueLayout.JAVA_FLOAT, at, (to - from) * width);
  }

  /** What a filter has of these rows; of inputs of other groups it has nothing. */
  private static void column(
      float[] weights,
      int filter,
      int perFilter,
      int[] sources,
      int from,
      int to,
      int skipped,
      float[] piece,
      int i,
      int width) {
    for (int k = from; k < to; k++) {
      int source = sources[k] - skipped;
      if (source >= 0 && source < perFilter) {
        piece[(k - from) * width + i] = weights[filter + source];
      }
    }
  }
}
