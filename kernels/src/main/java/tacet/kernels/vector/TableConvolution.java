package tacet.kernels.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.Parallel;
import tacet.kernels.ZeroCounts;

/**
 * Convolution and dense layers as one matrix product whose left operand is never formed. Rows are output pixels, columns
 * output channels, k runs over input channels and kernel taps; a table gives, for each k, the byte distance from a
 * pixel's first input to the one that weight k meets. Any kernel, stride, dilation, group count and input layout is a
 * different table and a different row offset, never a different loop.
 *
 * <p>Groups: a vector of output channels that spans several groups reads the inputs of all of them, with zero weights
 * where they do not meet.
 */
final class TableConvolution implements Kernel {

  /**
   * Columns that are computed together.
   *
   * @param firstVector number of the tile's first vector of output channels
   * @param vectors 1 … 4
   * @param table byte distance per k
   * @param weights byte offset of the packed weights
   */
  private record Columns(int firstVector, int vectors, long[] table, long weights) {}

  /** k per pass: a panel of four vectors stays within a quarter of a common second-level cache. */
  private static final int DEPTH = 512;

  /** Rows that keep their accumulators between passes over k. */
  private static final int ROWS_BETWEEN_PASSES = 8 * F32Tile.ROWS;

  private final ConvSpec spec;
  private final ImageLayout input;
  private final ImageLayout output;
  private final ImageLayout residual;
  private final Columns[] columns;
  private final MemorySegment packed;
  private final MemorySegment bias;
  private final int rowChunk;

  private TableConvolution(
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
    this.rowChunk = rowChunk(spec, columns);
  }

  static TableConvolution prepare(
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
      boolean sameAsBefore = t > 0 && spec.groups() == 1;
      sources[t] = sameAsBefore ? sources[t - 1] : null;
      long[] table;
      if (sameAsBefore) {
        table = columns[t - 1].table;
      } else if (flattened != FlattenOrder.NONE) {
        sources[t] = new int[spec.inChannels()];
        table = flattenedTable(input, flattened, sources[t]);
      } else {
        int inPerGroup = spec.inChannels() / spec.groups();
        int from = fromGroup * inPerGroup;
        int to = toGroup * inPerGroup;
        int taps = spec.kernelHeight() * spec.kernelWidth();
        sources[t] = new int[Math.multiplyExact(to - from, taps)];
        table = table(spec, input, from, to, sources[t]);
      }
      columns[t] = new Columns(first, width, table, bytes);
      bytes += (long) table.length * width * Lanes.BYTES;
      first += width;
    }
    MemorySegment packed = arena.allocate(Math.max(bytes, Lanes.BYTES), 64);
    for (int t = 0; t < tiles; t++) {
      pack(spec, columns[t], sources[t], weights, packed);
    }
    MemorySegment packedBias = arena.allocate((long) vectors * Lanes.BYTES, 64);
    if (bias != null) {
      MemorySegment.copy(bias, 0, packedBias, ValueLayout.JAVA_FLOAT, 0, spec.outChannels());
    }
    return new TableConvolution(spec, input, output, residual, columns, packed, packedBias);
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

  /** Rows per piece of work: pieces of about a million multiply-adds, whole tiles. */
  private static int rowChunk(ConvSpec spec, Columns[] columns) {
    Columns c = columns[0];
    long perRow = Math.max(1, (long) c.table.length * c.vectors * Lanes.COUNT);
    long rows = Math.max(2L * F32Tile.ROWS, Math.min((1L << 20) / perRow, spec.outPixels()));
    return Math.toIntExact(Math.ceilDiv(rows, F32Tile.ROWS) * F32Tile.ROWS);
  }

  @Override
  public String name() {
    return "table-gemm 6x" + columns[0].vectors + "v" + Lanes.COUNT;
  }

  @Override
  public long multiplyAdds() {
    return spec.multiplyAdds();
  }

  @Override
  public long scratchBytes(int threads) {
    return threads * scratchPerThread();
  }

  private long scratchPerThread() {
    return ROWS_BETWEEN_PASSES * (4L * Lanes.BYTES) + placesBytes() + 64;
  }

  private static long placesBytes() {
    return F32Tile.ROWS * 2L * Long.BYTES;
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
    int chunks = Math.ceilDiv(spec.outPixels(), rowChunk);
    parallel.forEach(
        columns.length * chunks,
        (item, thread) -> {
          int from = item % chunks * rowChunk;
          work(
              memory,
              in,
              out,
              extra,
              scratch + thread * scratchPerThread(),
              columns[item / chunks],
              from,
              Math.min(spec.outPixels(), from + rowChunk),
              counts,
              thread);
        });
  }

  private void work(
      MemorySegment m,
      long in,
      long out,
      long extra,
      long scratch,
      Columns c,
      int from,
      int to,
      ZeroCounts counts,
      int thread) {
    int depth = c.table.length;
    int passes = Math.ceilDiv(depth, DEPTH);
    int group = passes == 1 ? F32Tile.ROWS : ROWS_BETWEEN_PASSES;
    long tileBytes = (long) F32Tile.ROWS * c.vectors * Lanes.BYTES;
    long places = scratch + ROWS_BETWEEN_PASSES * (4L * Lanes.BYTES);
    for (int g = from; g < to; g += group) {
      int end = Math.min(to, g + group);
      for (int pass = 0; pass < passes; pass++) {
        int k0 = (int) ((long) depth * pass / passes);
        int k1 = (int) ((long) depth * (pass + 1) / passes);
        long w = c.weights + (long) k0 * c.vectors * Lanes.BYTES;
        long tile = scratch;
        for (int row = g; row < end; row += F32Tile.ROWS, tile += tileBytes) {
          if (pass == 0) {
            F32Tile.clear(m, tile, c.vectors);
          }
          multiply(m, in, c, row, k0, k1, w, tile);
        }
      }
      long tile = scratch;
      for (int row = g; row < end; row += F32Tile.ROWS, tile += tileBytes) {
        finish(
            m, out, extra, c, row, Math.min(F32Tile.ROWS, end - row), tile, places, counts, thread);
      }
    }
  }

  private void multiply(
      MemorySegment m, long in, Columns c, int row, int k0, int k1, long w, long tile) {
    int last = spec.outPixels() - 1;
    // Rows behind the last one are computed like the last one and thrown away.
    long p0 = in + pixel(row);
    long p1 = in + pixel(Math.min(last, row + 1));
    long p2 = in + pixel(Math.min(last, row + 2));
    long p3 = in + pixel(Math.min(last, row + 3));
    long p4 = in + pixel(Math.min(last, row + 4));
    long p5 = in + pixel(Math.min(last, row + 5));
    switch (c.vectors) {
      case 1 -> F32Tile.tile6x1(m, p0, p1, p2, p3, p4, p5, c.table, k0, k1, packed, w, tile);
      case 2 -> F32Tile.tile6x2(m, p0, p1, p2, p3, p4, p5, c.table, k0, k1, packed, w, tile);
      case 3 -> F32Tile.tile6x3(m, p0, p1, p2, p3, p4, p5, c.table, k0, k1, packed, w, tile);
      default -> F32Tile.tile6x4(m, p0, p1, p2, p3, p4, p5, c.table, k0, k1, packed, w, tile);
    }
  }

  /** Byte distance from the padded input's first element to the first one that output pixel {@code row} reads. */
  private long pixel(int row) {
    int x = row % spec.outWidth();
    int rest = row / spec.outWidth();
    int y = rest % spec.outHeight();
    int n = rest / spec.outHeight();
    return n * input.batchStride()
        + (long) y * spec.strideY() * input.rowStride()
        + (long) x * spec.strideX() * input.pixelStride();
  }

  private static long place(ImageLayout layout, int row) {
    int x = row % layout.width();
    int rest = row / layout.width();
    int y = rest % layout.height();
    int n = rest / layout.height();
    return n * layout.batchStride() + y * layout.rowStride() + x * layout.pixelStride();
  }

  private void finish(
      MemorySegment m,
      long out,
      long extra,
      Columns c,
      int row,
      int rows,
      long tile,
      long places,
      ZeroCounts counts,
      int thread) {
    for (int r = 0; r < rows; r++) {
      m.set(ValueLayout.JAVA_LONG, places + r * 8L, place(output, row + r));
      if (residual != null) {
        m.set(ValueLayout.JAVA_LONG, places + (rows + r) * 8L, place(residual, row + r));
      }
    }
    Epilogue.finish(
        m,
        tile,
        rows,
        c.vectors,
        c.vectors,
        bias,
        (long) c.firstVector * Lanes.BYTES,
        places,
        out + c.firstVector * output.blockStride(),
        output.blockStride(),
        residual == null ? -1 : extra + c.firstVector * residual.blockStride(),
        residual == null ? 0 : residual.blockStride(),
        spec.activation(),
        counts,
        thread,
        c.firstVector * Lanes.COUNT);
  }
}
