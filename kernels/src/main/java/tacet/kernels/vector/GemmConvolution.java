package tacet.kernels.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.Parallel;
import tacet.kernels.ZeroCounts;
import tacet.kernels.vector.Operand.Panel;

/**
 * Convolution and dense layers as a matrix product. Rows are output pixels, columns output channels, k runs over input
 * channels and kernel taps. The blocking follows Goto and van de Geijn (Anatomy of High-Performance Matrix
 * Multiplication, ACM TOMS 34(3), 2008): a group of rows is gathered once per panel of k, and every panel of weights
 * meets all rows of the group while it is in the second-level cache.
 *
 * <p>Groups: a vector of output channels that spans several groups reads the inputs of all of them, with zero weights
 * where they do not meet.
 */
final class GemmConvolution implements Kernel {

  /**
   * Columns that are computed together.
   *
   * @param firstVector number of the tile's first vector of output channels
   * @param vectors 1 … 4
   * @param operand what they are multiplied with; the same object for all columns that share it
   * @param weights byte offset of the packed weights
   */
  private record Columns(int firstVector, int vectors, Operand operand, long weights) {}

  /** Rows of the tallest micro-kernels with three and four vectors; those with fewer have as many or twice as many. */
  private static final int ROWS = 6;

  /** Most rows of a group. */
  private static final int GROUP = 60;

  /** Panels gathered at a time: those of a group take a quarter of a megabyte of second-level cache. */
  private static final int PANELS = 2;

  private static final int PANEL_FLOATS = (GROUP + ROWS) * F32Tile.STRIDE;

  /** Room for the sums of a group; a tile more than asked for, since rows are computed in whole tiles. */
  private static final long GROUP_BYTES = (GROUP + ROWS) * (4L * Lanes.BYTES);

  private static final long PLACES_BYTES = (GROUP * (long) Long.BYTES + 63) / 64 * 64;

  private final ConvSpec spec;
  private final ImageLayout input;
  private final ImageLayout output;
  private final ImageLayout residual;
  private final Columns[] columns;
  private final MemorySegment packed;
  private final MemorySegment bias;
  private final int groups;
  private final int mostPanels;

  private GemmConvolution(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      Columns[] columns,
      MemorySegment packed,
      MemorySegment bias) {
    this.spec = spec;
    this.input = input;
    this.output = output;
    this.residual = residual;
    this.columns = columns;
    this.packed = packed;
    this.bias = bias;
    this.groups = Math.ceilDiv(spec.outPixels(), GROUP);
    int most = 0;
    for (Columns c : columns) {
      most = Math.max(most, c.operand.panels().size());
    }
    this.mostPanels = most;
  }

  static GemmConvolution prepare(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      FlattenOrder flattened,
      float[] weights,
      float[] bias,
      Arena arena) {
    int vectors = Math.ceilDiv(spec.outChannels(), Lanes.COUNT);
    int tiles = Math.ceilDiv(vectors, widestTile(spec));
    Columns[] columns = new Columns[tiles];
    int[][] sources = new int[tiles][];
    long bytes = 0;
    int first = 0;
    for (int t = 0; t < tiles; t++) {
      // Even widths: five vectors are better served as 3 + 2 than as 4 + 1.
      int width = Math.ceilDiv(vectors - first, tiles - t);
      int fromChannel = first * Lanes.COUNT;
      int toChannel = Math.min(spec.outChannels(), (first + width) * Lanes.COUNT);
      int perGroup = spec.outChannels() / spec.groups();
      int fromGroup = fromChannel / perGroup;
      int toGroup = (toChannel - 1) / perGroup + 1;
      Operand operand;
      if (t > 0 && spec.groups() == 1) {
        sources[t] = sources[t - 1];
        operand = columns[t - 1].operand;
      } else if (flattened != FlattenOrder.NONE) {
        sources[t] = new int[spec.inChannels()];
        operand = Operand.of(flattenedTable(input, flattened, sources[t]));
      } else {
        int inPerGroup = spec.inChannels() / spec.groups();
        int from = fromGroup * inPerGroup;
        int to = toGroup * inPerGroup;
        int taps = spec.kernelHeight() * spec.kernelWidth();
        sources[t] = new int[Math.multiplyExact(to - from, taps)];
        operand = Operand.of(table(spec, input, from, to, sources[t]));
      }
      columns[t] = new Columns(first, width, operand, bytes);
      bytes += (long) operand.depth() * width * Lanes.BYTES;
      first += width;
    }
    MemorySegment packed = arena.allocate(Math.max(bytes, Lanes.BYTES), 64);
    for (int t = 0; t < tiles; t++) {
      pack(spec, columns[t], sources[t], weights, packed);
    }
    return new GemmConvolution(
        spec, input, output, residual, columns, packed, Epilogue.bias(bias, vectors, arena));
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

  /** Order of k: block of channels, kernel row, kernel column, lane – neighbouring k are neighbours in memory. */
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
   * Lays a tile's weights out as the micro-kernel reads them: for each k, {@code vectors} vectors of output channels.
   *
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

  @Override
  public String name() {
    return "gemm "
        + (columns[0].vectors > 2 ? 6 : 12)
        + "x"
        + columns[0].vectors
        + "v"
        + Lanes.COUNT;
  }

  @Override
  public long multiplyAdds() {
    return spec.multiplyAdds();
  }

  @Override
  public long scratchBytes(int threads) {
    return threads * scratchPerThread();
  }

  /** Whether sums wait in memory while further panels are gathered. */
  private boolean waits() {
    return mostPanels > PANELS;
  }

  /** One column's products, the rows' places, and the sums: of one column, or of all where they wait. */
  private long scratchPerThread() {
    long sums = waits() ? columns.length * GROUP_BYTES : GROUP_BYTES;
    return GROUP_BYTES + 3 * PLACES_BYTES + sums;
  }

  @Override
  public void run(
      MemorySegment memory,
      long[] inputs,
      long out,
      long scratch,
      Parallel parallel,
      ZeroCounts counts) {
    long in = inputs[0] - spec.padTop() * input.rowStride() - spec.padLeft() * input.pixelStride();
    long extra = residual == null ? -1 : inputs[1];
    // Few groups of rows: share the columns out as well, so that every thread has something to do.
    int parts =
        parallel.threads() == 1
            ? 1
            : Math.clamp(Math.ceilDiv(4 * parallel.threads(), groups), 1, columns.length);
    int tiles = Math.ceilDiv(spec.outPixels(), ROWS);
    parallel.forEach(
        groups * parts,
        (item, thread) -> {
          int group = item / parts;
          int part = item % parts;
          group(
              memory,
              in,
              out,
              extra,
              scratch + thread * scratchPerThread(),
              parallel.floats(thread, Math.min(mostPanels, PANELS) * PANEL_FLOATS),
              (int) ((long) tiles * group / groups) * ROWS,
              Math.min(spec.outPixels(), (int) ((long) tiles * (group + 1) / groups) * ROWS),
              columns.length * part / parts,
              columns.length * (part + 1) / parts,
              counts,
              thread);
        });
  }

  private void group(
      MemorySegment m,
      long in,
      long out,
      long extra,
      long scratch,
      float[] a,
      int from,
      int to,
      int firstColumn,
      int endColumn,
      ZeroCounts counts,
      int thread) {
    int rows = to - from;
    long sources = scratch + GROUP_BYTES;
    long places = sources + PLACES_BYTES;
    long residualPlaces = places + PLACES_BYTES;
    long sums = residualPlaces + PLACES_BYTES;
    place(m, sources, rows, from, in, input, spec.strideY(), spec.strideX());
    place(m, places, rows, from, 0, output, 1, 1);
    if (residual != null) {
      place(m, residualPlaces, rows, from, 0, residual, 1, 1);
    }
    for (int i = firstColumn; i < endColumn; ) {
      Operand operand = columns[i].operand;
      int end = i + 1;
      while (end < endColumn && columns[end].operand == operand) {
        end++;
      }
      List<Panel> panels = operand.panels();
      for (int p = 0; p < panels.size(); p += PANELS) {
        int endPanel = Math.min(panels.size(), p + PANELS);
        for (int j = p; j < endPanel; j++) {
          Operand.gather(m, panels.get(j), sources, rows, a, (j - p) * PANEL_FLOATS);
        }
        for (int c = i; c < end; c++) {
          long sum = waits() ? sums + (c - i) * GROUP_BYTES : sums;
          multiply(m, columns[c], rows, p, endPanel, a, sum, scratch);
          if (endPanel == panels.size()) {
            finish(m, columns[c], rows, sum, places, residualPlaces, out, extra, counts, thread);
          }
        }
      }
      i = end;
    }
  }

  /** Adds the products of panels {@code from … to − 1} to {@code sum}; those of the first panel of all start it. */
  private void multiply(
      MemorySegment m, Columns c, int rows, int from, int to, float[] a, long sum, long products) {
    for (int p = from; p < to; p++) {
      Panel panel = c.operand.panels().get(p);
      long w = c.weights + (long) panel.first() * c.vectors * Lanes.BYTES;
      int a0 = (p - from) * PANEL_FLOATS;
      product(c.vectors, rows, a, a0, panel.depth(), packed, w, m, p == 0 ? sum : products);
      if (p > 0) {
        add(m, products, sum, rows * c.vectors);
      }
    }
  }

  /**
   * One panel's products.
   *
   * @param rows a multiple of six where {@code vectors} is one or two, or room for as many
   */
  static void product(
      int vectors,
      int rows,
      float[] a,
      int a0,
      int depth,
      MemorySegment w,
      long w0,
      MemorySegment m,
      long block) {
    long row = (long) vectors * Lanes.BYTES;
    // Tiles of six and five rows make up any number from 20 on; below, rows too many come out
    // meaningless.
    int fives = (ROWS - rows % ROWS) % ROWS;
    int sixes = (rows - 5 * fives) / ROWS;
    if (sixes < 0) {
      fives = 0;
      sixes = Math.ceilDiv(rows, ROWS);
    }
    int r = 0;
    switch (vectors) {
      case 1 -> {
        for (; r + ROWS < rows; r += 2 * ROWS) {
          F32Tile.tile12x1(a, a0 + r * F32Tile.STRIDE, depth, w, w0, m, block + r * row);
        }
        for (; r < rows; r += ROWS) {
          F32Tile.tile6x1(a, a0 + r * F32Tile.STRIDE, depth, w, w0, m, block + r * row);
        }
      }
      case 2 -> {
        for (; r + ROWS < rows; r += 2 * ROWS) {
          F32Tile.tile12x2(a, a0 + r * F32Tile.STRIDE, depth, w, w0, m, block + r * row);
        }
        for (; r < rows; r += ROWS) {
          F32Tile.tile6x2(a, a0 + r * F32Tile.STRIDE, depth, w, w0, m, block + r * row);
        }
      }
      case 3 -> {
        for (int i = 0; i < sixes; i++, r += ROWS) {
          F32Tile.tile6x3(a, a0 + r * F32Tile.STRIDE, depth, w, w0, m, block + r * row);
        }
        for (int i = 0; i < fives; i++, r += 5) {
          F32Tile.tile5x3(a, a0 + r * F32Tile.STRIDE, depth, w, w0, m, block + r * row);
        }
      }
      default -> {
        for (int i = 0; i < sixes; i++, r += ROWS) {
          F32Tile.tile6x4(a, a0 + r * F32Tile.STRIDE, depth, w, w0, m, block + r * row);
        }
        for (int i = 0; i < fives; i++, r += 5) {
          F32Tile.tile5x4(a, a0 + r * F32Tile.STRIDE, depth, w, w0, m, block + r * row);
        }
      }
    }
  }

  private static void add(MemorySegment m, long from, long to, int vectors) {
    for (int i = 0; i < vectors; i++) {
      long o = (long) i * Lanes.BYTES;
      Lanes.store(Lanes.load(m, to + o).add(Lanes.load(m, from + o)), m, to + o);
    }
  }

  private void finish(
      MemorySegment m,
      Columns c,
      int rows,
      long sum,
      long places,
      long residualPlaces,
      long out,
      long extra,
      ZeroCounts counts,
      int thread) {
    Epilogue.finish(
        m,
        sum,
        rows,
        c.vectors,
        c.vectors,
        bias,
        (long) c.firstVector * Lanes.BYTES,
        places,
        out + c.firstVector * output.blockStride(),
        output.blockStride(),
        residualPlaces,
        residual == null ? -1 : extra + c.firstVector * residual.blockStride(),
        residual == null ? 0 : residual.blockStride(),
        spec.activation(),
        counts,
        thread,
        c.firstVector * Lanes.COUNT);
  }

  /** Writes the byte offsets of output pixels {@code from …} in a layout, or of their first inputs, as longs. */
  private void place(
      MemorySegment m,
      long at,
      int rows,
      int from,
      long base,
      ImageLayout layout,
      int strideY,
      int strideX) {
    int x = from % spec.outWidth();
    int y = from / spec.outWidth() % spec.outHeight();
    int n = from / spec.outWidth() / spec.outHeight();
    long step = strideX * layout.pixelStride();
    long offset =
        base + n * layout.batchStride() + (long) y * strideY * layout.rowStride() + x * step;
    for (int r = 0; r < rows; r++) {
      m.set(ValueLayout.JAVA_LONG_UNALIGNED, at + r * 8L, offset);
      offset += step;
      if (++x == spec.outWidth()) {
        x = 0;
        if (++y == spec.outHeight()) {
          y = 0;
          n++;
        }
        offset = base + n * layout.batchStride() + (long) y * strideY * layout.rowStride();
      }
    }
  }
}
