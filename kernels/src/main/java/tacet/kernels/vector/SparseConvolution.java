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
 * Convolution that passes over zero inputs (the idea of Gong et al., SparseTrain, arXiv 1911.10175,
 * turned round: lists in place of tests). The channels of every input pixel that are not zero are
 * listed once; the lists serve every tap of the kernel and every output channel. Vectors of
 * channels that are zero in a whole band of pixels are left out before. The weights of one group of
 * channels, one tap – or three neighbouring ones – and one tile of output channels stay in the
 * first-level cache while they meet all pixels of the band.
 */
final class SparseConvolution implements Kernel {

  /**
   * Bytes of a panel of weights: about twice a first-level cache. Up to 60 % of zeros a panel that
   * fits in it is 2 % faster; from 80 % on this one is 10 to 20 %, since lists are longer and less
   * of the panel is met by each.
   */
  private static final int PANEL_BYTES = 64 << 10;

  /** Output pixels per band: enough to pay for fetching the panels, few enough for the second-level cache. */
  private static final int BAND_PIXELS = 200;

  /** Taps of a row that are met at once where outputs slide along. */
  private static final int SLIDING = 3;

  private static final int NARROWEST = 2;

  /** Bytes of a line of the caches. */
  private static final int LINE = 64;

  private final ConvSpec spec;
  private final ImageLayout input;
  private final Outputs outputs;

  /** Whether neighbouring outputs meet an input pixel under neighbouring taps, three in a row. */
  private final boolean slides;

  /** Vectors of output channels, as many as the narrowest tile has at least. */
  private final int vectors;

  /** Tiles of output channels, as wide as each other or one vector wider. */
  private final int tiles;

  /** Whether pixels stand alone, so that a band is a stretch of pixels and not of rows. */
  private final boolean pointwise;

  /** For each column of the padded input, whether an output meets it. */
  private final boolean[] met;

  private final MemorySegment weights;

  private SparseConvolution(
      ConvSpec spec, ImageLayout input, Outputs outputs, MemorySegment weights) {
    this.spec = spec;
    this.input = input;
    this.outputs = outputs;
    this.slides = slides(spec);
    this.vectors = vectors(spec);
    this.tiles = tiles(spec);
    this.pointwise =
        spec.kernelHeight() * spec.kernelWidth() == 1 && spec.padTop() == 0 && spec.padLeft() == 0;
    int reach = (spec.kernelWidth() - 1) * spec.dilationX();
    this.met = new boolean[(spec.outWidth() - 1) * spec.strideX() + reach + 1];
    for (int x = 0; x < spec.outWidth(); x++) {
      for (int kx = 0; kx < spec.kernelWidth(); kx++) {
        met[x * spec.strideX() + kx * spec.dilationX()] = true;
      }
    }
    this.weights = weights;
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
    int tiles = tiles(spec);
    int taps = spec.kernelHeight() * spec.kernelWidth();
    int together = together(spec);
    int panels = taps / together;
    int inputs = spec.inChannels();
    MemorySegment packed = arena.allocate((long) vectors * taps * inputs * BYTES, 4096);
    // Tile, panel, channel, tap from the last to the first, vector of output channels.
    parallel.forEach(
        tiles * panels,
        (item, thread) -> {
          int first = first(vectors, tiles, item / panels);
          int width = (first(vectors, tiles, item / panels + 1) - first) * Lanes.COUNT;
          int m0 = first * Lanes.COUNT;
          int filters = Math.min(width, spec.outChannels() - m0);
          float[] row = parallel.floats(thread, width);
          Arrays.fill(row, 0, width, 0f);
          int lastTap = (item % panels + 1) * together - 1;
          long rowBytes = (long) width * Float.BYTES;
          long at =
              (long) first * taps * inputs * BYTES + item % panels * inputs * together * rowBytes;
          for (int c = 0; c < inputs; c++) {
            for (int t = 0; t < together; t++, at += rowBytes) {
              column(weights, (m0 * inputs + c) * taps + lastTap - t, inputs * taps, filters, row);
              MemorySegment.copy(row, 0, packed, ValueLayout.JAVA_FLOAT, at, width);
            }
          }
        });
    return new SparseConvolution(
        spec, input, Outputs.of(spec, output, residual, bias, arena), packed);
  }

  private static void column(float[] weights, int from, int step, int count, float[] row) {
    for (int i = 0; i < count; i++) {
      row[i] = weights[from + i * step];
    }
  }

  private static boolean slides(ConvSpec spec) {
    return spec.kernelWidth() == SLIDING && spec.strideX() == 1 && spec.dilationX() == 1;
  }

  /** Taps whose weights make a panel. */
  private static int together(ConvSpec spec) {
    return slides(spec) ? SLIDING : 1;
  }

  private static int vectors(ConvSpec spec) {
    return Math.max(NARROWEST, Math.ceilDiv(spec.outChannels(), Lanes.COUNT));
  }

  /**
   * Of two or three vectors where outputs slide along, otherwise of four at least if there are as
   * many, and six at most.
   */
  private static int tiles(ConvSpec spec) {
    int vectors = vectors(spec);
    return slides(spec) ? vectors / 2 : Math.max(Math.ceilDiv(vectors, 6), vectors / 4);
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
    return "sparse-conv " + together(spec) + "x" + widest() + "v" + Lanes.COUNT;
  }

  @Override
  public long multiplyAdds() {
    return spec.multiplyAdds();
  }

  // ---------------------------------------------------------------- bands and scratch memory

  /**
   * A stretch of one image's output: rows of pixels, or one row of pixels from anywhere where those
   * stand alone.
   *
   * @param image number of the image in the batch
   * @param from first row or pixel
   * @param rows rows of sums
   * @param width output pixels per row
   * @param positions lists per group of channels
   */
  private record Band(int image, int from, int rows, int width, int positions) {
    int pixels() {
      return rows * width;
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

  private Band band(int image, int from, int to) {
    if (pointwise) {
      return new Band(image, from, 1, to - from, to - from);
    }
    int inRows =
        (to - from - 1) * spec.strideY() + (spec.kernelHeight() - 1) * spec.dilationY() + 1;
    return new Band(image, from, to - from, spec.outWidth(), inRows * met.length);
  }

  /** Vectors of input channels. */
  private int depth() {
    return Math.ceilDiv(spec.inChannels(), Lanes.COUNT);
  }

  /** Most vectors of input channels whose weights make a panel. */
  private int groupDepth() {
    return Math.max(1, PANEL_BYTES / (widest() * together(spec) * BYTES) / Lanes.COUNT);
  }

  /**
   * Where things lie in a thread's scratch memory: for each position the place of its input; the
   * vectors of channels that are not zero everywhere; where each list starts; the entries' numbers
   * and values; the sums; the places of outputs and residuals.
   */
  private record Scratch(
      long inputs,
      long alive,
      long starts,
      long lists,
      long listLength,
      long sums,
      long places,
      long residualPlaces,
      long fetched,
      long end) {}

  private Scratch scratch(Band b, long at) {
    long alive = at + b.positions * 8L;
    long starts = alive + depth() * 4L;
    int groups = Math.ceilDiv(depth(), groupDepth());
    long lists = align(starts + groups * (b.positions + 1L) * 4);
    // Lists are written a vector at a time.
    long length = align((long) depth() * b.positions * BYTES + BYTES);
    long sums = lists + 2 * length;
    long places = sums + (long) b.pixels() * widest() * BYTES;
    long residualPlaces = places + b.pixels() * 8L;
    long fetched = residualPlaces + b.pixels() * 8L;
    return new Scratch(
        at,
        alive,
        starts,
        lists,
        length,
        sums,
        places,
        residualPlaces,
        fetched,
        align(fetched + 4));
  }

  private static long align(long bytes) {
    return (bytes + 63) / 64 * 64;
  }

  private long scratchPerThread() {
    // Fewer threads than asked for may come, and then work on larger bands.
    return scratch(band(0, 0, Math.ceilDiv(units(), bands(1))), 0).end;
  }

  @Override
  public boolean isSettled() {
    for (int tile = 0; tile < tiles; tile++) {
      if (!outputs.isSettled(finished(tile))) {
        return false;
      }
    }
    return true;
  }

  /** Vectors of output channels under a tile. */
  private int finished(int tile) {
    return Math.min(first(tile + 1), Math.ceilDiv(spec.outChannels(), Lanes.COUNT)) - first(tile);
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
    long extra = inputs.length > 1 ? inputs[1] : -1;
    parallel.forEach(
        spec.batch() * bands,
        (item, thread) -> {
          int i = item % bands;
          Band band =
              band(
                  item / bands,
                  (int) ((long) units() * i / bands),
                  (int) ((long) units() * (i + 1) / bands));
          Scratch s = scratch(band, scratch + thread * perThread);
          band(memory, inputs[0], out, extra, band, s, counts, thread);
        });
  }

  private void band(
      MemorySegment m,
      long in,
      long out,
      long extra,
      Band b,
      Scratch s,
      ZeroCounts counts,
      int thread) {
    int rowPixels = pointwise ? 1 : spec.outWidth();
    int firstPixel = b.image * spec.outHeight() * spec.outWidth() + b.from * rowPixels;
    outputs.place(m, firstPixel, b.pixels(), s.places, s.residualPlaces);
    if (pointwise) {
      outputs.place(m, firstPixel, b.pixels(), s.inputs, in, input, spec.strideY(), spec.strideX());
    } else {
      findInputs(m, in + b.image * input.batchStride(), b, s.inputs);
    }
    int alive = findAlive(m, b, s);
    int groups = Math.ceilDiv(alive, groupDepth());
    int entries = 0;
    for (int g = 0; g < groups; g++) {
      int from = cut(alive, groups, g);
      int to = cut(alive, groups, g + 1);
      entries =
          Compress.pixels(
              m,
              s.inputs,
              b.positions,
              s.alive + from * 4L,
              to - from,
              input.blockStride(),
              spec.inChannels(),
              s.lists,
              s.listLength,
              starts(b, s, g),
              entries);
    }
    if (counts != null) {
      long all = (long) b.pixels() * spec.inChannels() * taps();
      counts.addSkipped(thread, (all - done(m, b, s, groups)) * spec.outChannels());
    }
    for (int tile = 0; tile < tiles; tile++) {
      int first = first(tile);
      int width = first(tile + 1) - first;
      clear(m, s.sums, (long) b.pixels() * width * BYTES);
      multiply(m, b, s, alive, groups, tile);
      outputs.finish(
          m,
          first,
          finished(tile),
          width,
          s.sums,
          b.pixels(),
          s.places,
          s.residualPlaces,
          out,
          extra,
          counts,
          thread);
    }
  }

  /** First living vector of channels of a group. Even cuts: six as 3 + 3, not as 4 + 2. */
  private static int cut(int alive, int groups, int group) {
    return (int) ((long) alive * group / groups);
  }

  private static long starts(Band b, Scratch s, int group) {
    return s.starts + group * (b.positions + 1L) * 4;
  }

  private int taps() {
    return spec.kernelHeight() * spec.kernelWidth();
  }

  private static void clear(MemorySegment m, long at, long bytes) {
    m = Lanes.known(m);
    FloatVector zero = FloatVector.zero(FLOATS);
    for (long o = 0; o < bytes; o += BYTES) {
      zero.intoMemorySegment(m, at + o, ORDER);
    }
  }

  /** Writes where the input of each position lies; −1 where it is padding or no output meets it. */
  private void findInputs(MemorySegment m, long image, Band b, long places) {
    long at = places;
    int columns = met.length;
    for (int r = 0; r < b.positions / columns; r++) {
      int y = b.from * spec.strideY() - spec.padTop() + r;
      for (int i = 0; i < columns; i++, at += 8) {
        int x = i - spec.padLeft();
        boolean inside = y >= 0 && y < spec.inHeight() && x >= 0 && x < spec.inWidth();
        m.set(
            ValueLayout.JAVA_LONG,
            at,
            inside && met[i] ? image + y * input.rowStride() + x * input.pixelStride() : -1);
      }
    }
  }

  /** Lists the vectors of channels that are not zero in all pixels of a band. */
  private int findAlive(MemorySegment m, Band b, Scratch s) {
    int alive = 0;
    for (int v = 0; v < depth(); v++) {
      if (isAlive(m, s.inputs, b.positions, v * input.blockStride())) {
        m.set(ValueLayout.JAVA_INT, s.alive + alive * 4L, v);
        alive++;
      }
    }
    return alive;
  }

  private static boolean isAlive(MemorySegment m, long places, int positions, long block) {
    m = Lanes.known(m);
    for (int p = 0; p < positions; p++) {
      long place = m.get(ValueLayout.JAVA_LONG, places + p * 8L);
      if (place >= 0) {
        FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, place + block, ORDER);
        if (x.compare(VectorOperators.NE, 0f).anyTrue()) {
          return true;
        }
      }
    }
    return false;
  }

  private int tapPosition(int ky, int kx) {
    return ky * spec.dilationY() * met.length + kx * spec.dilationX();
  }

  private int rowPosition(int row) {
    return row * spec.strideY() * met.length;
  }

  /** Multiply-adds per output channel in a band. */
  private long done(MemorySegment m, Band b, Scratch s, int groups) {
    int step = pointwise ? 1 : spec.strideX();
    long sum = 0;
    for (int g = 0; g < groups; g++) {
      long starts = starts(b, s, g);
      for (int ky = 0; ky < spec.kernelHeight(); ky++) {
        for (int kx = 0; kx < spec.kernelWidth(); kx++) {
          for (int row = 0; row < b.rows; row++) {
            long at = starts + (rowPosition(row) + tapPosition(ky, kx)) * 4L;
            for (int x = 0; x < b.width; x++, at += step * 4L) {
              sum += m.get(ValueLayout.JAVA_INT, at + 4) - m.get(ValueLayout.JAVA_INT, at);
            }
          }
        }
      }
    }
    return sum;
  }

  private void multiply(MemorySegment m, Band b, Scratch s, int alive, int groups, int tile) {
    int width = first(tile + 1) - first(tile);
    int together = together(spec);
    long panelBytes = (long) spec.inChannels() * together * width * BYTES;
    long rowBytes = (long) b.width * width * BYTES;
    for (int g = 0; g < groups; g++) {
      long panel = (long) first(tile) * taps() * spec.inChannels() * BYTES;
      for (int ky = 0; ky < spec.kernelHeight(); ky++) {
        for (int kx = 0; kx < spec.kernelWidth(); kx += together, panel += panelBytes) {
          fetch(m, s, panel, together * width, cut(alive, groups, g), cut(alive, groups, g + 1));
          for (int row = 0; row < b.rows; row++) {
            long starts = starts(b, s, g) + (rowPosition(row) + tapPosition(ky, kx)) * 4L;
            row(width, m, panel, s.lists, s.listLength, starts, b.width, s.sums + row * rowBytes);
          }
        }
      }
    }
  }

  /**
   * Reads a panel once in its order, as memory is fastest: lists meet its rows here and there, and
   * would wait for each.
   *
   * @param width vectors of a row
   * @param from first living vector of channels, {@code to} the one behind the last
   */
  private void fetch(MemorySegment m, Scratch s, long panel, int width, int from, int to) {
    long bytes = (long) Lanes.COUNT * width * BYTES;
    int read = 0;
    for (int i = from; i < to; i++) {
      int v = m.get(ValueLayout.JAVA_INT, s.alive + i * 4L);
      int channels = Math.min(Lanes.COUNT, spec.inChannels() - v * Lanes.COUNT);
      read += read(weights, panel + v * bytes, (long) channels * width * BYTES);
    }
    // Otherwise the compiler would find that nothing need be read.
    m.set(ValueLayout.JAVA_INT, s.fetched, read);
  }

  private static int read(MemorySegment w, long at, long bytes) {
    int sum = 0;
    for (long o = 0; o < bytes; o += LINE) {
      sum += w.get(ValueLayout.JAVA_INT, at + o);
    }
    return sum;
  }

  private void row(
      int width,
      MemorySegment m,
      long panel,
      long lists,
      long length,
      long starts,
      int pixels,
      long sums) {
    MemorySegment w = weights;
    if (slides) {
      if (width == 2) {
        F32SparsePixels.slide2(w, panel, m, lists, length, starts, pixels, sums);
      } else {
        F32SparsePixels.slide3(w, panel, m, lists, length, starts, pixels, sums);
      }
      return;
    }
    long step = pointwise ? 4 : spec.strideX() * 4L;
    switch (width) {
      case 2 -> F32SparsePixels.pixels2(w, panel, m, lists, length, starts, step, pixels, sums);
      case 3 -> F32SparsePixels.pixels3(w, panel, m, lists, length, starts, step, pixels, sums);
      case 4 -> F32SparsePixels.pixels4(w, panel, m, lists, length, starts, step, pixels, sums);
      case 5 -> F32SparsePixels.pixels5(w, panel, m, lists, length, starts, step, pixels, sums);
      default -> F32SparsePixels.pixels6(w, panel, m, lists, length, starts, step, pixels, sums);
    }
  }
}
