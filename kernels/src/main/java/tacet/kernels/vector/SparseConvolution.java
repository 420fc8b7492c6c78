package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.Parallel;
import tacet.kernels.ZeroCounts;

/**
 * Convolution that passes over zero inputs (the idea of Gong et al., SparseTrain, arXiv 1911.10175, turned round: lists in
 * place of tests). The values of a band of pixels that are not zero are listed once, by blocks of channels, and the lists
 * serve every tap of the kernel and every output channel. The weights of one block, one tap and one tile of output
 * channels stay in the first-level cache while they meet all pixels of the band.
 */
final class SparseConvolution implements Kernel {

  /** Bytes of weights that stay in a first-level cache beside lists and sums. */
  private static final int PANEL_BYTES = 32 << 10;

  /** Output pixels per band: enough to pay for fetching the panels, few enough for the second-level cache. */
  private static final int BAND_PIXELS = 200;

  private static final int[] WIDTHS = {8, 6, 4, 2};

  /** Time per vector of output channels by width of the tile: narrow tiles load more per multiply-add. */
  private static final double[] COST = {1, 1.1, 1.15, 1.4};

  private final ConvSpec spec;
  private final ImageLayout input;
  private final ImageLayout output;
  private final ImageLayout residual;

  /** Vectors of output channels per tile. */
  private final int width;

  private final int tiles;

  /** Channels per list. */
  private final int depth;

  private final int blocks;
  private final MemorySegment weights;
  private final MemorySegment bias;

  private SparseConvolution(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      int width,
      MemorySegment weights,
      MemorySegment bias) {
    this.spec = spec;
    this.input = input;
    this.output = output;
    this.residual = residual;
    this.width = width;
    this.tiles = Math.ceilDiv(Math.ceilDiv(spec.outChannels(), Lanes.COUNT), width);
    this.depth = depth(spec, width);
    this.blocks = Math.ceilDiv(spec.inChannels(), depth);
    this.weights = weights;
    this.bias = bias;
  }

  /**
   * Whether there is such a kernel for a convolution.
   *
   * @param input layout of its input
   */
  static boolean takes(ConvSpec spec, ImageLayout input) {
    return spec.groups() == 1
        && input.lanes() == Lanes.COUNT
        && spec.inChannels() >= Lanes.COUNT
        && spec.outChannels() >= Lanes.COUNT;
  }

  /**
   * @return null where a weight is infinite or NaN, whose product with zero is NaN
   */
  static SparseConvolution prepare(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      float[] weights,
      float[] bias,
      Arena arena) {
    for (float w : weights) {
      if (!(Math.abs(w) <= Float.MAX_VALUE)) {
        return null;
      }
    }
    int vectors = Math.ceilDiv(spec.outChannels(), Lanes.COUNT);
    int width = width(vectors);
    int tiles = Math.ceilDiv(vectors, width);
    int depth = depth(spec, width);
    int taps = spec.kernelHeight() * spec.kernelWidth();
    int inputs = spec.inChannels();
    long rowBytes = (long) width * BYTES;
    MemorySegment packed = arena.allocate(tiles * (long) taps * inputs * rowBytes, 4096);
    // Tile, block of channels, tap, channel, vector of output channels.
    long at = 0;
    for (int tile = 0; tile < tiles; tile++) {
      int m0 = tile * width * Lanes.COUNT;
      int m1 = Math.min(spec.outChannels(), m0 + width * Lanes.COUNT);
      for (int c0 = 0; c0 < inputs; c0 += depth) {
        int c1 = Math.min(inputs, c0 + depth);
        for (int tap = 0; tap < taps; tap++) {
          for (int c = c0; c < c1; c++, at += rowBytes) {
            for (int m = m0; m < m1; m++) {
              packed.set(
                  ValueLayout.JAVA_FLOAT,
                  at + (m - m0) * 4L,
                  weights[(m * inputs + c) * taps + tap]);
            }
          }
        }
      }
    }
    MemorySegment packedBias = arena.allocate(tiles * rowBytes, 64);
    if (bias != null) {
      MemorySegment.copy(bias, 0, packedBias, ValueLayout.JAVA_FLOAT, 0, spec.outChannels());
    }
    return new SparseConvolution(spec, input, output, residual, width, packed, packedBias);
  }

  private static int width(int vectors) {
    int best = 0;
    for (int i = 1; i < WIDTHS.length; i++) {
      if (cost(i, vectors) < cost(best, vectors)) {
        best = i;
      }
    }
    return WIDTHS[best];
  }

  private static double cost(int i, int vectors) {
    return Math.ceilDiv(vectors, WIDTHS[i]) * WIDTHS[i] * COST[i];
  }

  private static int depth(ConvSpec spec, int width) {
    int most = PANEL_BYTES / (width * BYTES) / Lanes.COUNT * Lanes.COUNT;
    int all = Math.ceilDiv(spec.inChannels(), Lanes.COUNT) * Lanes.COUNT;
    // Even cuts: 96 channels as 48 + 48, not as 64 + 32.
    int cuts = Math.ceilDiv(all, most);
    return Math.ceilDiv(all / Lanes.COUNT, cuts) * Lanes.COUNT;
  }

  @Override
  public String name() {
    return "sparse-conv " + width + "v" + Lanes.COUNT;
  }

  @Override
  public long multiplyAdds() {
    return spec.multiplyAdds();
  }

  // ---------------------------------------------------------------- scratch memory of a thread

  /** Rows of output that are computed together. */
  private int bandRows(int threads) {
    int rows = Math.max(1, BAND_PIXELS / spec.outWidth());
    int bands = Math.ceilDiv(spec.outHeight(), rows);
    int wanted = Math.ceilDiv(threads, spec.batch());
    bands = Math.max(bands, Math.min(wanted, spec.outHeight()));
    return Math.ceilDiv(spec.outHeight(), bands);
  }

  private int bandInputRows(int rows) {
    return (rows - 1) * spec.strideY() + (spec.kernelHeight() - 1) * spec.dilationY() + 1;
  }

  /** Input columns that are met, padding included. */
  private int columns() {
    return (spec.outWidth() - 1) * spec.strideX() + (spec.kernelWidth() - 1) * spec.dilationX() + 1;
  }

  /** Values of one list, with room for a vector behind the last. */
  private long valueBytes() {
    return (depth + Lanes.COUNT) * 4L;
  }

  private long listBytes() {
    return 2 * valueBytes();
  }

  private long listsBytes(int rows) {
    return (long) blocks * bandInputRows(rows) * columns() * listBytes();
  }

  private long countsBytes(int rows) {
    return align((long) blocks * bandInputRows(rows) * columns() * 4);
  }

  private long sumsBytes(int rows) {
    return (long) rows * spec.outWidth() * width * BYTES;
  }

  private long scratchPerThread(int rows) {
    return align(listsBytes(rows) + countsBytes(rows) + sumsBytes(rows) + 2L * spec.outWidth() * 8);
  }

  private static long align(long bytes) {
    return (bytes + 63) / 64 * 64;
  }

  @Override
  public long scratchBytes(int threads) {
    // Fewer threads than asked for may come, and then work on larger bands.
    return threads * scratchPerThread(bandRows(1));
  }

  // ---------------------------------------------------------------- work

  @Override
  public void run(
      MemorySegment memory,
      long[] inputs,
      long out,
      long scratch,
      Parallel parallel,
      ZeroCounts counts) {
    int rows = bandRows(parallel.threads());
    int bands = Math.ceilDiv(spec.outHeight(), rows);
    long perThread = scratchPerThread(bandRows(1));
    parallel.forEach(
        spec.batch() * bands,
        (item, thread) -> {
          int n = item / bands;
          int from = item % bands * rows;
          band(
              memory,
              inputs[0] + n * input.batchStride(),
              out + n * output.batchStride(),
              residual == null ? -1 : inputs[1] + n * residual.batchStride(),
              scratch + thread * perThread,
              from,
              Math.min(spec.outHeight(), from + rows),
              counts,
              thread);
        });
  }

  private void band(
      MemorySegment m,
      long image,
      long out,
      long extra,
      long scratch,
      int from,
      int to,
      ZeroCounts counts,
      int thread) {
    int inRows = bandInputRows(to - from);
    long listCounts = scratch + listsBytes(to - from);
    long sums = listCounts + countsBytes(to - from);
    long places = sums + sumsBytes(to - from);
    int top = from * spec.strideY() - spec.padTop();
    for (int r = 0; r < inRows; r++) {
      listRow(m, image, top + r, scratch, listCounts, r, inRows);
    }
    if (counts != null) {
      long done = done(m, listCounts, from, to, inRows);
      long all =
          (long) (to - from)
              * spec.outWidth()
              * spec.inChannels()
              * spec.kernelHeight()
              * spec.kernelWidth();
      counts.addSkipped(thread, (all - done) * spec.outChannels());
    }
    int vectors = Math.ceilDiv(spec.outChannels(), Lanes.COUNT);
    for (int tile = 0; tile < tiles; tile++) {
      clear(m, sums, sumsBytes(to - from));
      multiply(m, scratch, listCounts, sums, tile, to - from, inRows);
      int first = tile * width;
      for (int y = from; y < to; y++) {
        for (int x = 0; x < spec.outWidth(); x++) {
          m.set(
              ValueLayout.JAVA_LONG,
              places + x * 8L,
              y * output.rowStride() + x * output.pixelStride());
          if (residual != null) {
            m.set(
                ValueLayout.JAVA_LONG,
                places + (spec.outWidth() + x) * 8L,
                y * residual.rowStride() + x * residual.pixelStride());
          }
        }
        Epilogue.finish(
            m,
            sums + (y - from) * (long) spec.outWidth() * width * BYTES,
            spec.outWidth(),
            Math.min(width, vectors - first),
            width,
            bias,
            (long) first * BYTES,
            places,
            out + first * output.blockStride(),
            output.blockStride(),
            places + spec.outWidth() * 8L,
            residual == null ? -1 : extra + first * residual.blockStride(),
            residual == null ? 0 : residual.blockStride(),
            spec.activation(),
            counts,
            thread,
            first * Lanes.COUNT);
      }
    }
  }

  private static void clear(MemorySegment m, long at, long bytes) {
    FloatVector zero = FloatVector.zero(FLOATS);
    for (long o = 0; o < bytes; o += BYTES) {
      zero.intoMemorySegment(m, at + o, ORDER);
    }
  }

  /** Number of the list of a block of channels at a place of the band. */
  private long index(int block, int inRows, int row, int column) {
    return ((long) block * inRows + row) * columns() + column;
  }

  /** Lists row {@code y} of the input as row {@code r} of the band; what lies in the padding gets empty lists. */
  private void listRow(
      MemorySegment m, long image, int y, long lists, long listCounts, int r, int inRows) {
    int columns = columns();
    int step = width * BYTES;
    for (int block = 0; block < blocks; block++) {
      int c0 = block * depth;
      int c1 = Math.min(spec.inChannels(), c0 + depth);
      long list = lists + index(block, inRows, r, 0) * listBytes();
      long count = listCounts + index(block, inRows, r, 0) * 4;
      int first = Math.min(columns, spec.padLeft());
      int end = y < 0 || y >= spec.inHeight() ? first : first + spec.inWidth();
      end = Math.min(columns, end);
      long place = image + c0 / Lanes.COUNT * input.blockStride() + y * input.rowStride();
      for (int x = 0; x < first; x++) {
        m.set(ValueLayout.JAVA_INT, count + x * 4L, 0);
      }
      Compress.pixels(
          m,
          place,
          input.pixelStride(),
          input.blockStride(),
          c1 - c0,
          step,
          list + first * listBytes(),
          listBytes(),
          valueBytes(),
          count + first * 4L,
          end - first);
      for (int x = end; x < columns; x++) {
        m.set(ValueLayout.JAVA_INT, count + x * 4L, 0);
      }
    }
  }

  /** Values that output channels meet in a band: multiply-adds per output channel. */
  private long done(MemorySegment m, long listCounts, int from, int to, int inRows) {
    long sum = 0;
    for (int block = 0; block < blocks; block++) {
      for (int y = 0; y < to - from; y++) {
        for (int ky = 0; ky < spec.kernelHeight(); ky++) {
          int row = y * spec.strideY() + ky * spec.dilationY();
          for (int kx = 0; kx < spec.kernelWidth(); kx++) {
            long at = listCounts + index(block, inRows, row, kx * spec.dilationX()) * 4;
            for (int x = 0; x < spec.outWidth(); x++) {
              sum += m.get(ValueLayout.JAVA_INT, at + x * spec.strideX() * 4L);
            }
          }
        }
      }
    }
    return sum;
  }

  private void multiply(
      MemorySegment m, long lists, long listCounts, long sums, int tile, int rows, int inRows) {
    int taps = spec.kernelHeight() * spec.kernelWidth();
    long panel = (long) tile * spec.inChannels() * taps * width * BYTES;
    long rowBytes = (long) spec.outWidth() * width * BYTES;
    for (int block = 0; block < blocks; block++) {
      int channels = Math.min(depth, spec.inChannels() - block * depth);
      for (int ky = 0; ky < spec.kernelHeight(); ky++) {
        for (int kx = 0; kx < spec.kernelWidth(); kx++) {
          for (int y = 0; y < rows; y++) {
            int row = y * spec.strideY() + ky * spec.dilationY();
            long first = index(block, inRows, row, kx * spec.dilationX());
            row(
                m,
                panel,
                lists + first * listBytes(),
                spec.strideX() * listBytes(),
                listCounts + first * 4,
                spec.strideX() * 4L,
                sums + y * rowBytes);
          }
          panel += (long) channels * width * BYTES;
        }
      }
    }
  }

  private void row(
      MemorySegment m,
      long panel,
      long list,
      long listStep,
      long count,
      long countStep,
      long sums) {
    long numbers = valueBytes();
    int pixels = spec.outWidth();
    switch (width) {
      case 2 ->
          F32SparseRows.rows2(
              weights, panel, m, list, listStep, numbers, count, countStep, pixels, sums);
      case 4 ->
          F32SparseRows.rows4(
              weights, panel, m, list, listStep, numbers, count, countStep, pixels, sums);
      case 6 ->
          F32SparseRows.rows6(
              weights, panel, m, list, listStep, numbers, count, countStep, pixels, sums);
      default ->
          F32SparseRows.rows8(
              weights, panel, m, list, listStep, numbers, count, countStep, pixels, sums);
    }
  }
}
