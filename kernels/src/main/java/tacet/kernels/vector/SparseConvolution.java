package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.Parallel;
import tacet.kernels.ZeroCounts;

/**
 * Convolution that passes over zero inputs (the idea of Gong et al., SparseTrain, arXiv 1911.10175, turned round: lists in
 * place of tests). For every pair of neighbouring output pixels the channels where one of their two inputs is not zero are
 * listed once; the lists serve every tap of the kernel and every output channel. Vectors of channels that are zero in a
 * whole band of pixels are left out before. The weights of one group of channels, one tap and one tile of output channels
 * stay in the first-level cache while they meet all pixels of the band.
 */
final class SparseConvolution implements Kernel {

  /** Bytes of weights that stay in a first-level cache beside lists and sums. */
  private static final int PANEL_BYTES = 32 << 10;

  /** Output pixels per band: enough to pay for fetching the panels, few enough for the second-level cache. */
  private static final int BAND_PIXELS = 200;

  /** Vectors of output channels of the widest tile: the sums of two pixels are in registers. */
  private static final int WIDEST = 6;

  private static final int NARROWEST = 2;

  /** Bytes of a pair's two places in the input. */
  private static final long PAIR_BYTES = 2 * Long.BYTES;

  private final ConvSpec spec;
  private final ImageLayout input;
  private final ImageLayout output;
  private final ImageLayout residual;

  /** Vectors of output channels, as many as the narrowest tile has at least. */
  private final int vectors;

  /** Tiles of output channels, as wide as each other or one vector wider. */
  private final int tiles;

  /** Whether pixels stand alone, so that a band is a stretch of pixels and not of rows. */
  private final boolean pointwise;

  /** For each column of the padded input, whether a pair begins there. */
  private final boolean[] begins;

  private final MemorySegment weights;
  private final MemorySegment bias;

  private SparseConvolution(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      MemorySegment weights,
      MemorySegment bias) {
    this.spec = spec;
    this.input = input;
    this.output = output;
    this.residual = residual;
    this.vectors = vectors(spec);
    this.tiles = tiles(vectors);
    this.pointwise =
        spec.kernelHeight() * spec.kernelWidth() == 1 && spec.padTop() == 0 && spec.padLeft() == 0;
    int reach = (spec.kernelWidth() - 1) * spec.dilationX();
    this.begins = new boolean[(spec.outWidth() - 1) * spec.strideX() + reach + 1];
    for (int x = 0; x < spec.outWidth(); x += 2) {
      for (int kx = 0; kx < spec.kernelWidth(); kx++) {
        begins[x * spec.strideX() + kx * spec.dilationX()] = true;
      }
    }
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
   * @param weights finite ones
   */
  static SparseConvolution prepare(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      float[] weights,
      float[] bias,
      Arena arena,
      Parallel parallel) {
    int vectors = vectors(spec);
    int tiles = tiles(vectors);
    int taps = spec.kernelHeight() * spec.kernelWidth();
    int inputs = spec.inChannels();
    MemorySegment packed = arena.allocate((long) vectors * taps * inputs * BYTES, 4096);
    // Tile, tap, channel, vector of output channels.
    parallel.forEach(
        tiles * taps,
        (item, thread) -> {
          int first = first(vectors, tiles, item / taps);
          int width = (first(vectors, tiles, item / taps + 1) - first) * Lanes.COUNT;
          int m0 = first * Lanes.COUNT;
          int filters = Math.min(width, spec.outChannels() - m0);
          float[] row = parallel.floats(thread, width);
          Arrays.fill(row, 0, width, 0f);
          int tap = item % taps;
          long at = ((long) first * taps * Lanes.COUNT + (long) tap * width) * inputs * Float.BYTES;
          for (int c = 0; c < inputs; c++, at += (long) width * Float.BYTES) {
            column(weights, (m0 * inputs + c) * taps + tap, inputs * taps, filters, row);
            MemorySegment.copy(row, 0, packed, ValueLayout.JAVA_FLOAT, at, width);
          }
        });
    return new SparseConvolution(
        spec, input, output, residual, packed, Epilogue.bias(bias, vectors, arena));
  }

  private static void column(float[] weights, int from, int step, int count, float[] row) {
    for (int i = 0; i < count; i++) {
      row[i] = weights[from + i * step];
    }
  }

  private static int vectors(ConvSpec spec) {
    return Math.max(NARROWEST, Math.ceilDiv(spec.outChannels(), Lanes.COUNT));
  }

  private static int tiles(int vectors) {
    return Math.ceilDiv(vectors, WIDEST);
  }

  /** First vector of a tile. */
  private static int first(int vectors, int tiles, int tile) {
    return (int) ((long) vectors * tile / tiles);
  }

  private int first(int tile) {
    return first(vectors, tiles, tile);
  }

  private int widest() {
    return Math.ceilDiv(vectors, tiles);
  }

  @Override
  public String name() {
    return "sparse-conv 2x" + widest() + "v" + Lanes.COUNT;
  }

  @Override
  public long multiplyAdds() {
    return spec.multiplyAdds();
  }

  // ---------------------------------------------------------------- bands and scratch memory

  /**
   * A stretch of one image's output: rows of pixels, or one row of pixels from anywhere where those stand alone.
   *
   * @param from first row or pixel
   * @param rows rows of sums
   * @param pixels output pixels per row
   * @param positions lists per group of channels
   */
  private record Band(int from, int rows, int pixels, int positions) {
    int pairs() {
      return (pixels + 1) / 2;
    }
  }

  private int units() {
    return pointwise ? spec.outHeight() * spec.outWidth() : spec.outHeight();
  }

  private int bands(int threads) {
    int most = Math.max(1, BAND_PIXELS / (pointwise ? 1 : spec.outWidth()));
    int wanted = Math.ceilDiv(threads, spec.batch());
    return Math.clamp(wanted, Math.ceilDiv(units(), most), units());
  }

  private Band band(int from, int to) {
    if (pointwise) {
      return new Band(from, 1, to - from, (to - from + 1) / 2);
    }
    int inRows =
        (to - from - 1) * spec.strideY() + (spec.kernelHeight() - 1) * spec.dilationY() + 1;
    return new Band(from, to - from, spec.outWidth(), inRows * begins.length);
  }

  /** Vectors of input channels. */
  private int depth() {
    return Math.ceilDiv(spec.inChannels(), Lanes.COUNT);
  }

  /** Most vectors of input channels whose weights make a panel. */
  private int groupDepth() {
    return PANEL_BYTES / (widest() * BYTES) / Lanes.COUNT;
  }

  /**
   * Where things lie in a thread's scratch memory: for each position the places of a pair's inputs; the vectors of channels
   * that are not zero everywhere; where each list starts; the entries' numbers and values; the sums; the outputs' places.
   */
  private record Scratch(
      long pairs,
      long alive,
      long starts,
      long lists,
      long listLength,
      long sums,
      long places,
      long end) {}

  private Scratch scratch(Band b, long at) {
    long alive = at + b.positions * PAIR_BYTES;
    long starts = alive + depth() * 4L;
    int groups = Math.ceilDiv(depth(), groupDepth());
    long lists = align(starts + groups * (b.positions + 1L) * 4);
    // Lists are written a vector at a time.
    long length = align((long) depth() * b.positions * BYTES + BYTES);
    long sums = lists + 3 * length;
    long places = sums + (long) b.rows * b.pairs() * 2 * widest() * BYTES;
    return new Scratch(
        at, alive, starts, lists, length, sums, places, align(places + 2L * b.pixels * 8));
  }

  private static long align(long bytes) {
    return (bytes + 63) / 64 * 64;
  }

  private long scratchPerThread() {
    // Fewer threads than asked for may come, and then work on larger bands.
    return scratch(band(0, Math.ceilDiv(units(), bands(1))), 0).end;
  }

  @Override
  public long scratchBytes(int threads) {
    return threads * scratchPerThread();
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
    int bands = bands(parallel.threads());
    long perThread = scratchPerThread();
    parallel.forEach(
        spec.batch() * bands,
        (item, thread) -> {
          int n = item / bands;
          int i = item % bands;
          Band band =
              band((int) ((long) units() * i / bands), (int) ((long) units() * (i + 1) / bands));
          band(
              memory,
              inputs[0] + n * input.batchStride(),
              out + n * output.batchStride(),
              residual == null ? -1 : inputs[1] + n * residual.batchStride(),
              band,
              scratch(band, scratch + thread * perThread),
              counts,
              thread);
        });
  }

  private void band(
      MemorySegment m,
      long image,
      long out,
      long extra,
      Band b,
      Scratch s,
      ZeroCounts counts,
      int thread) {
    findPairs(m, image, b, s.pairs);
    int alive = findAlive(m, b, s);
    int groups = Math.ceilDiv(alive, groupDepth());
    int entries = 0;
    for (int g = 0; g < groups; g++) {
      // Even cuts: six vectors as 3 + 3, not as 4 + 2.
      int from = (int) ((long) alive * g / groups);
      int to = (int) ((long) alive * (g + 1) / groups);
      entries =
          Compress.pairs(
              m,
              s.pairs,
              b.positions,
              s.alive + from * 4L,
              to - from,
              input.blockStride(),
              spec.inChannels(),
              s.lists,
              s.listLength,
              s.starts + g * (b.positions + 1L) * 4,
              entries);
    }
    if (counts != null) {
      long all = (long) b.rows * b.pixels * spec.inChannels() * taps();
      counts.addSkipped(thread, (all - done(m, b, s, groups)) * spec.outChannels());
    }
    for (int tile = 0; tile < tiles; tile++) {
      int width = first(tile + 1) - first(tile);
      clear(m, s.sums, (long) b.rows * b.pairs() * 2 * width * BYTES);
      multiply(m, b, s, groups, tile);
      for (int row = 0; row < b.rows; row++) {
        finish(m, b, s, row, tile, out, extra, counts, thread);
      }
    }
  }

  private int taps() {
    return spec.kernelHeight() * spec.kernelWidth();
  }

  private static void clear(MemorySegment m, long at, long bytes) {
    FloatVector zero = FloatVector.zero(FLOATS);
    for (long o = 0; o < bytes; o += BYTES) {
      zero.intoMemorySegment(m, at + o, ORDER);
    }
  }

  /**
   * Writes for every position where the inputs of a pair of outputs lie; −1 where there is none, or nothing but padding. An
   * output without a partner is its own: the second sum is of no interest.
   */
  private void findPairs(MemorySegment m, long image, Band b, long pairs) {
    long at = pairs;
    if (pointwise) {
      for (int p = 0; p < b.pixels; p += 2, at += PAIR_BYTES) {
        long first = place(image, b.from + p);
        m.set(ValueLayout.JAVA_LONG, at, first);
        m.set(
            ValueLayout.JAVA_LONG, at + 8, p + 1 < b.pixels ? place(image, b.from + p + 1) : first);
      }
      return;
    }
    int columns = begins.length;
    for (int r = 0; r < b.positions / columns; r++) {
      int y = b.from * spec.strideY() - spec.padTop() + r;
      long row = image + y * input.rowStride() - spec.padLeft() * input.pixelStride();
      for (int i = 0; i < columns; i++, at += PAIR_BYTES) {
        long first = row + i * input.pixelStride();
        long second =
            i + spec.strideX() < columns ? first + spec.strideX() * input.pixelStride() : first;
        m.set(ValueLayout.JAVA_LONG, at, begins[i] && y >= 0 && y < spec.inHeight() ? first : -1);
        m.set(ValueLayout.JAVA_LONG, at + 8, second);
      }
    }
  }

  private long place(long image, int pixel) {
    return image
        + (long) (pixel / spec.outWidth()) * spec.strideY() * input.rowStride()
        + (long) (pixel % spec.outWidth()) * spec.strideX() * input.pixelStride();
  }

  /** Lists the vectors of channels that are not zero in all pairs of a band. */
  private int findAlive(MemorySegment m, Band b, Scratch s) {
    int alive = 0;
    for (int v = 0; v < depth(); v++) {
      if (isAlive(m, s.pairs, b.positions, v * input.blockStride())) {
        m.set(ValueLayout.JAVA_INT, s.alive + alive * 4L, v);
        alive++;
      }
    }
    return alive;
  }

  private static boolean isAlive(MemorySegment m, long pairs, int positions, long block) {
    for (int p = 0; p < positions; p++) {
      long first = m.get(ValueLayout.JAVA_LONG, pairs + p * PAIR_BYTES);
      if (first >= 0) {
        long second = m.get(ValueLayout.JAVA_LONG, pairs + p * PAIR_BYTES + 8);
        FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, first + block, ORDER);
        FloatVector y = FloatVector.fromMemorySegment(FLOATS, m, second + block, ORDER);
        if (x.compare(VectorOperators.NE, 0f).or(y.compare(VectorOperators.NE, 0f)).anyTrue()) {
          return true;
        }
      }
    }
    return false;
  }

  private int tapPosition(int ky, int kx) {
    return ky * spec.dilationY() * begins.length + kx * spec.dilationX();
  }

  private int rowPosition(int row) {
    return row * spec.strideY() * begins.length;
  }

  /** Positions from a pair of outputs to the next. */
  private int pairStep() {
    return pointwise ? 1 : 2 * spec.strideX();
  }

  /** Multiply-adds per output channel in a band. */
  private long done(MemorySegment m, Band b, Scratch s, int groups) {
    long sum = 0;
    for (int g = 0; g < groups; g++) {
      long starts = s.starts + g * (b.positions + 1L) * 4;
      for (int ky = 0; ky < spec.kernelHeight(); ky++) {
        for (int kx = 0; kx < spec.kernelWidth(); kx++) {
          for (int row = 0; row < b.rows; row++) {
            int position = rowPosition(row) + tapPosition(ky, kx);
            for (int x = 0; x < b.pixels; x += 2, position += pairStep()) {
              int entries =
                  m.get(ValueLayout.JAVA_INT, starts + position * 4L + 4)
                      - m.get(ValueLayout.JAVA_INT, starts + position * 4L);
              sum += x + 1 < b.pixels ? 2 * entries : entries;
            }
          }
        }
      }
    }
    return sum;
  }

  private void multiply(MemorySegment m, Band b, Scratch s, int groups, int tile) {
    int width = first(tile + 1) - first(tile);
    long panelBytes = (long) spec.inChannels() * width * BYTES;
    long rowBytes = (long) b.pairs() * 2 * width * BYTES;
    for (int g = 0; g < groups; g++) {
      long panel = (long) first(tile) * taps() * spec.inChannels() * BYTES;
      long starts = s.starts + g * (b.positions + 1L) * 4;
      for (int ky = 0; ky < spec.kernelHeight(); ky++) {
        for (int kx = 0; kx < spec.kernelWidth(); kx++, panel += panelBytes) {
          for (int row = 0; row < b.rows; row++) {
            row(
                width,
                m,
                panel,
                s.lists,
                s.listLength,
                starts + (rowPosition(row) + tapPosition(ky, kx)) * 4L,
                pairStep() * 4L,
                b.pairs(),
                s.sums + row * rowBytes);
          }
        }
      }
    }
  }

  private void row(
      int width,
      MemorySegment m,
      long panel,
      long lists,
      long length,
      long starts,
      long startStep,
      int pairs,
      long sums) {
    switch (width) {
      case 2 ->
          F32SparsePairs.pairs2(weights, panel, m, lists, length, starts, startStep, pairs, sums);
      case 3 ->
          F32SparsePairs.pairs3(weights, panel, m, lists, length, starts, startStep, pairs, sums);
      case 4 ->
          F32SparsePairs.pairs4(weights, panel, m, lists, length, starts, startStep, pairs, sums);
      case 5 ->
          F32SparsePairs.pairs5(weights, panel, m, lists, length, starts, startStep, pairs, sums);
      default ->
          F32SparsePairs.pairs6(weights, panel, m, lists, length, starts, startStep, pairs, sums);
    }
  }

  private void finish(
      MemorySegment m,
      Band b,
      Scratch s,
      int row,
      int tile,
      long out,
      long extra,
      ZeroCounts counts,
      int thread) {
    long residualPlaces = s.places + b.pixels * 8L;
    int pixel = pointwise ? b.from : (b.from + row) * spec.outWidth();
    for (int x = 0; x < b.pixels; x++, pixel++) {
      int oy = pixel / spec.outWidth();
      int ox = pixel % spec.outWidth();
      m.set(
          ValueLayout.JAVA_LONG,
          s.places + x * 8L,
          oy * output.rowStride() + ox * output.pixelStride());
      if (residual != null) {
        m.set(
            ValueLayout.JAVA_LONG,
            residualPlaces + x * 8L,
            oy * residual.rowStride() + ox * residual.pixelStride());
      }
    }
    int first = first(tile);
    int width = first(tile + 1) - first;
    Epilogue.finish(
        m,
        s.sums + (long) row * b.pairs() * 2 * width * BYTES,
        b.pixels,
        Math.min(width, Math.ceilDiv(spec.outChannels(), Lanes.COUNT) - first),
        width,
        bias,
        (long) first * BYTES,
        s.places,
        out + first * output.blockStride(),
        output.blockStride(),
        residualPlaces,
        residual == null ? -1 : extra + first * residual.blockStride(),
        residual == null ? 0 : residual.blockStride(),
        spec.activation(),
        counts,
        thread,
        first * Lanes.COUNT);
  }
}
