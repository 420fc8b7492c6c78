package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.stream.IntStream;
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

  /** Whether operands are in arrays: {@link F32ArrayPixels}, and not {@link F32SparsePixels}. */
  private static final boolean ARRAYS = Lanes.LISTED_IN_ARRAYS;

  /**
   * Bytes of a panel of weights. With full vectors about twice a first-level cache: up to 60 % of zeros a panel that fits in it
   * is 2 % faster; from 80 % on this one is 10 to 20 %, since lists are longer and less of the panel is met by each. Of narrower
   * vectors an entry meets as much in twice the loads, and the first-level cache is worth more than the length of lists.
   */
  private static final int PANEL_BYTES = (ARRAYS ? 32 : 64) << 10;

  /** Output pixels per band: enough to pay for fetching the panels, few enough for the second-level cache. */
  private static final int BAND_PIXELS = 200;

  /** Taps of a row that are met at once where outputs slide along. */
  private static final int SLIDING = 3;

  private static final int NARROWEST = 2;

  /** Most vectors of a tile, and of one that slides along where operands are in arrays. */
  private static final int WIDEST = ARRAYS ? 8 : 6;

  private static final int WIDEST_SLIDING = 4;

  /** Bytes of a line of the caches. */
  private static final int LINE = 64;

  private final ConvSpec spec;
  private final ImageLayout input;
  private final Outputs outputs;

  /** Whether neighbouring outputs meet an input pixel under neighbouring taps, three in a row. */
  private final boolean slides;

  /** Where tiles of output channels begin, in vectors, and where the last ends. */
  private final int[] cuts;

  /** Vectors of the widest tile. */
  private final int widest;

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
    this.cuts = cuts(spec);
    this.widest = IntStream.range(0, tiles()).map(this::width).max().orElseThrow();
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
    int[] cuts = cuts(spec);
    int tiles = cuts.length - 1;
    int taps = spec.kernelHeight() * spec.kernelWidth();
    int together = together(spec);
    int panels = taps / together;
    int inputs = spec.inChannels();
    MemorySegment packed = arena.allocate((long) cuts[tiles] * taps * inputs * BYTES, 4096);
    // Tile, panel, channel, tap from the last to the first, vector of output channels.
    parallel.forEach(
        tiles * panels,
        (item, thread) -> {
          int first = cuts[item / panels];
          int width = (cuts[item / panels + 1] - first) * Lanes.COUNT;
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

  /**
   * Tiles of two or three vectors where outputs slide along, otherwise of four at least if there are as many, as wide as each
   * other or one vector wider. With operands in arrays as wide as possible, then half as wide.
   */
  private static int[] cuts(ConvSpec spec) {
    int vectors = Math.max(NARROWEST, Math.ceilDiv(spec.outChannels(), Lanes.COUNT));
    if (!ARRAYS) {
      int tiles = slides(spec) ? vectors / 2 : Math.max(Math.ceilDiv(vectors, WIDEST), vectors / 4);
      return IntStream.rangeClosed(0, tiles)
          .map(tile -> (int) ((long) vectors * tile / tiles))
          .toArray();
    }
    int most = slides(spec) ? WIDEST_SLIDING : WIDEST;
    IntStream.Builder cuts = IntStream.builder().add(0);
    for (int at = 0; at < vectors; ) {
      at += Math.clamp(Integer.highestOneBit(vectors - at), NARROWEST, most);
      cuts.add(at);
    }
    return cuts.build().toArray();
  }

  private int tiles() {
    return cuts.length - 1;
  }

  private int width(int tile) {
    return cuts[tile + 1] - cuts[tile];
  }

  @Override
  public String name() {
    return "sparse-conv " + together(spec) + "x" + widest + "v" + Lanes.COUNT;
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
    return Math.max(1, PANEL_BYTES / (widest * together(spec) * BYTES) / Lanes.COUNT);
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
    // Numbers have an array instead.
    long sums = lists + (ARRAYS ? 1 : 2) * length;
    long places = sums + (long) b.pixels() * widest * BYTES;
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
    for (int tile = 0; tile < tiles(); tile++) {
      if (!outputs.isSettled(finished(tile))) {
        return false;
      }
    }
    return true;
  }

  /** Vectors of output channels under a tile. */
  private int finished(int tile) {
    return Math.min(cuts[tile + 1], Math.ceilDiv(spec.outChannels(), Lanes.COUNT)) - cuts[tile];
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
          band(memory, inputs[0], out, extra, band, s, counts, parallel, thread);
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
      Parallel parallel,
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
    int most = depth() * Lanes.COUNT * b.positions + Lanes.COUNT;
    float[] values = ARRAYS ? parallel.floats(thread, most) : null;
    int[] numbers = ARRAYS ? parallel.ints(thread, most) : null;
    list(m, b, s, alive, groups, values, numbers, ARRAYS ? parallel.longs(thread, depth()) : null);
    if (counts != null) {
      long all = (long) b.pixels() * spec.inChannels() * taps();
      counts.addSkipped(thread, (all - done(m, b, s, groups)) * spec.outChannels());
    }
    int leased = ARRAYS ? Scratchpad.lease(thread) : 0;
    try {
      computeTiles(m, out, extra, b, s, leased, values, numbers, alive, groups, counts, thread);
    } finally {
      if (ARRAYS) {
        Scratchpad.release(leased);
      }
    }
  }

  /** Sums and finishes one tile of output channels after the other. */
  private void computeTiles(
      MemorySegment m,
      long out,
      long extra,
      Band b,
      Scratch s,
      int leased,
      float[] values,
      int[] numbers,
      int alive,
      int groups,
      ZeroCounts counts,
      int thread) {
    for (int tile = 0; tile < tiles(); tile++) {
      int width = width(tile);
      clear(m, s.sums, (long) b.pixels() * width * BYTES);
      multiply(m, b, s, leased, values, numbers, alive, groups, tile);
      outputs.finish(
          m,
          cuts[tile],
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

  /** Lists what is not zero, group by group. */
  private void list(
      MemorySegment m,
      Band b,
      Scratch s,
      int alive,
      int groups,
      float[] values,
      int[] numbers,
      long[] vectors) {
    int channels = spec.inChannels();
    for (int i = 0; ARRAYS && i < alive; i++) {
      vectors[i] = m.get(ValueLayout.JAVA_INT, s.alive + i * 4L) * input.blockStride();
    }
    int entries = 0;
    for (int g = 0; g < groups; g++) {
      int from = cut(alive, groups, g);
      int to = cut(alive, groups, g + 1);
      long starts = starts(b, s, g);
      if (ARRAYS) {
        int behind = m.get(ValueLayout.JAVA_INT, s.alive + to * 4L - 4) * Lanes.COUNT;
        int last = (1 << Math.min(Lanes.COUNT, channels - behind)) - 1;
        entries =
            Compress.pixels(
                m,
                s.inputs,
                b.positions,
                vectors,
                from,
                to,
                last,
                numbers,
                s.lists,
                starts,
                entries);
      } else {
        entries =
            Compress.pixels(
                m,
                s.inputs,
                b.positions,
                s.alive + from * 4L,
                to - from,
                input.blockStride(),
                channels,
                s.lists,
                s.listLength,
                starts,
                entries);
      }
    }
    if (ARRAYS) {
      MemorySegment.copy(m, ValueLayout.JAVA_FLOAT, s.lists, values, 0, entries);
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

  private void multiply(
      MemorySegment m,
      Band b,
      Scratch s,
      int leased,
      float[] values,
      int[] numbers,
      int alive,
      int groups,
      int tile) {
    int width = width(tile);
    int together = together(spec);
    long panelBytes = (long) spec.inChannels() * together * width * BYTES;
    long rowBytes = (long) b.width * width * BYTES;
    long startStep = pointwise ? 4 : spec.strideX() * 4L;
    for (int g = 0; g < groups; g++) {
      int from = cut(alive, groups, g);
      int to = cut(alive, groups, g + 1);
      long panel = (long) cuts[tile] * taps() * spec.inChannels() * BYTES;
      for (int ky = 0; ky < spec.kernelHeight(); ky++) {
        for (int kx = 0; kx < spec.kernelWidth(); kx += together, panel += panelBytes) {
          if (ARRAYS) {
            copy(m, s, panel, together * width, from, to, leased);
          } else {
            fetch(m, s, panel, together * width, from, to);
          }
          for (int row = 0; row < b.rows; row++) {
            long starts = starts(b, s, g) + (rowPosition(row) + tapPosition(ky, kx)) * 4L;
            if (ARRAYS) {
              F32ArrayPixels.row(
                  width,
                  slides,
                  leased,
                  values,
                  numbers,
                  m,
                  starts,
                  startStep,
                  b.width,
                  s.sums + row * rowBytes);
            } else {
              F32SparsePixels.row(
                  width,
                  slides,
                  weights,
                  panel,
                  m,
                  s.lists,
                  s.listLength,
                  starts,
                  startStep,
                  b.width,
                  s.sums + row * rowBytes);
            }
          }
        }
      }
    }
  }

  /**
   * Copies what lists of a group meet of a panel to the scratchpad, without the vectors of channels that are zero everywhere.
   *
   * @param width vectors of a row
   * @param from first living vector of channels, {@code to} the one behind the last
   */
  private void copy(
      MemorySegment m, Scratch s, long panel, int width, int from, int to, int leased) {
    int floats = Lanes.COUNT * width * Lanes.COUNT;
    for (int i = from; i < to; i++) {
      int v = m.get(ValueLayout.JAVA_INT, s.alive + i * 4L);
      int channels = Math.min(Lanes.COUNT, spec.inChannels() - v * Lanes.COUNT);
      MemorySegment.copy(
          weights,
          ValueLayout.JAVA_FLOAT,
          panel + (long) v * floats * Float.BYTES,
          Scratchpad.ARRAY,
          leased + (i - from) * floats,
          channels * width * Lanes.COUNT);
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
}
