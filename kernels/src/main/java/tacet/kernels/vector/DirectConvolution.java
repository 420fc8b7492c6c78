package tacet.kernels.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.Parallel;
import tacet.kernels.RowWriter;
import tacet.kernels.ZeroCounts;
import tacet.kernels.vector.PackedWeights.Columns;

/**
 * Convolution that reads its input where it lies. As a matrix product it has output pixels for rows, output channels for
 * columns and input channels times kernel taps for k; where an element of the left operand lies is the sum of where its
 * pixel and where its k lie, and the micro-kernels go by two such lists. Kernel extents, stride, dilation, groups, layout:
 * all of them are nothing but different lists.
 *
 * <p>Nothing is copied, which counts where few columns would share a copy, or few channels make short runs: groups, and up to
 * four vectors of output channels, the first convolution of a network among them. {@link GemmConvolution} does the others,
 * where the shorter addresses of a gathered operand win, and all of them where registers are few.
 */
final class DirectConvolution implements RowWriter {

  /** Rows of the micro-kernels for rows anywhere. */
  private static final int ROWS = 6;

  /** Most rows of a group. */
  private static final int GROUP = 60;

  /** Most k of a panel: the weights of 64 output channels for that many take 128 kB of second-level cache. */
  private static final int PANEL = 512;

  /** Room for the sums of a group; a tile more than asked for, since rows are computed in whole tiles. */
  private static final long GROUP_BYTES = (GROUP + ROWS) * (4L * Lanes.BYTES);

  private static final long SHARED_BYTES = (long) GROUP * Lanes.BYTES;

  private static final long PLACES_BYTES = (GROUP * (long) Long.BYTES + 63) / 64 * 64;

  /** Rows of the micro-kernels for neighbouring rows, by the width of a tile in vectors. */
  private static final int[] RUN_ROWS = {0, 12, 8, 6, 6};

  /** By the width of a tile in vectors: micro-kernels for rows anywhere, and for neighbouring rows. */
  private static final Rehearsal[] TILES = Rehearsal.several(5);

  private static final Rehearsal[] RUN_TILES = Rehearsal.several(5);

  private static final int REHEARSED_DEPTH = 24;

  private final ConvSpec spec;
  private final ImageLayout input;
  private final Outputs outputs;
  private final Columns[] columns;
  private final MemorySegment packed;
  private final RowGroups groups;

  /** Whether every pixel's first input lies at least a vector behind that of the one before. */
  private final boolean apart;

  private DirectConvolution(
      ConvSpec spec, ImageLayout input, PackedWeights weights, Outputs outputs) {
    this.spec = spec;
    this.input = input;
    this.outputs = outputs;
    this.columns = weights.tiles();
    this.packed = weights.memory();
    this.apart = input.lanes() == Lanes.COUNT;
    this.groups = RowGroups.of(spec.outPixels(), ROWS, GROUP);
  }

  /**
   * Whether few columns could share what would be gathered for a tile of them. Where registers are few, one tile is reason
   * enough to gather: checks of bounds make the micro-kernels here twice as long as those for a gathered operand.
   */
  static boolean takes(ConvSpec spec, PackedWeights weights) {
    return Lanes.MANY_REGISTERS && (spec.groups() > 1 || weights.tiles().length == 1);
  }

  /** Whether all pixels of an image are neighbours, as a micro-kernel for such rows takes them. */
  private static boolean isOneRun(ConvSpec spec, ImageLayout input) {
    long step = spec.strideX() * input.pixelStride();
    return input.lanes() == Lanes.COUNT
        && step == Lanes.BYTES
        && spec.strideY() * input.rowStride() == spec.outWidth() * step;
  }

  static DirectConvolution prepare(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      PackedWeights weights,
      float[] bias,
      Arena arena) {
    return new DirectConvolution(
        spec, input, weights, Outputs.of(spec, output, residual, bias, arena));
  }

  @Override
  public String name() {
    return "direct " + ROWS + "x" + columns[0].vectors() + "v" + Lanes.COUNT;
  }

  @Override
  public long multiplyAdds() {
    return spec.multiplyAdds();
  }

  @Override
  public long scratchBytes(int threads) {
    return threads * scratchPerThread();
  }

  /** The sums of a group, the products of a panel that are added to them, a vector that two tiles share, and where the rows go. */
  private static long scratchPerThread() {
    return 2 * GROUP_BYTES + SHARED_BYTES + 2 * PLACES_BYTES;
  }

  @Override
  public boolean isSettled() {
    for (Columns c : columns) {
      if (!(hasRuns(c.vectors()) ? RUN_TILES : TILES)[c.vectors()].isDone()
          || !outputs.isSettled(c.vectors())) {
        return false;
      }
    }
    return true;
  }

  /** Whether most pixels are neighbours of others as far as a micro-kernel for such rows reaches. */
  private boolean hasRuns(int vectors) {
    int pixels = isOneRun(spec, input) ? spec.outPixels() : spec.outWidth();
    return apart
        && spec.strideX() * input.pixelStride() == Lanes.BYTES
        && pixels >= RUN_ROWS[vectors];
  }

  @Override
  public void run(
      MemorySegment memory,
      long[] inputs,
      long out,
      long scratch,
      Parallel parallel,
      ZeroCounts counts) {
    groups.forEach(
        parallel,
        columns.length,
        (begin, end, firstColumn, endColumn, thread) ->
            group(
                memory,
                inputs,
                out,
                scratch,
                parallel,
                counts,
                begin,
                end,
                PackedWeights.start(columns, firstColumn),
                PackedWeights.start(columns, endColumn),
                thread));
  }

  @Override
  public RowWriter writing(ImageLayout output) {
    return new DirectConvolution(
        spec, input, new PackedWeights(columns, packed), outputs.on(output));
  }

  @Override
  public void writeRows(
      MemorySegment memory,
      long[] inputs,
      long out,
      long scratch,
      Parallel parallel,
      int thread,
      ZeroCounts counts,
      int image,
      int from,
      int to) {
    int first = (image * spec.outHeight() + from) * spec.outWidth();
    int pixels = (to - from) * spec.outWidth();
    int count = Math.ceilDiv(pixels, GROUP);
    for (int i = 0; i < count; i++) {
      int begin = first + RowGroups.start(pixels, ROWS, count, i);
      int end = first + RowGroups.start(pixels, ROWS, count, i + 1);
      group(memory, inputs, out, scratch, parallel, counts, begin, end, 0, columns.length, thread);
    }
  }

  private void group(
      MemorySegment m,
      long[] inputs,
      long out,
      long allScratch,
      Parallel parallel,
      ZeroCounts counts,
      int from,
      int to,
      int firstColumn,
      int endColumn,
      int thread) {
    long in = inputs[0] - spec.padTop() * input.rowStride() - spec.padLeft() * input.pixelStride();
    long extra = inputs.length > 1 ? inputs[1] : -1;
    long scratch = allScratch + thread * scratchPerThread();
    long[] sources = parallel.longs(thread, GROUP + ROWS);
    int rows = to - from;
    long sum = scratch;
    long products = sum + GROUP_BYTES;
    long shared = products + GROUP_BYTES;
    long places = shared + SHARED_BYTES;
    long residualPlaces = places + PLACES_BYTES;
    locate(from, rows, in, sources);
    outputs.place(m, from, rows, places, residualPlaces);
    for (int i = firstColumn; i < endColumn; i++) {
      Columns c = columns[i];
      multiply(m, c, sources, rows, sum, products);
      if (c.continues()) {
        GemmConvolution.addShared(m, shared, sum, c.vectors(), rows);
      }
      // The last vector's sums may not be complete yet.
      int complete = c.vectors();
      if (i + 1 < endColumn && columns[i + 1].continues()) {
        complete--;
        GemmConvolution.keepShared(m, sum, c.vectors(), shared, rows);
      }
      outputs.finish(
          m,
          c.firstVector(),
          complete,
          c.vectors(),
          sum,
          rows,
          places,
          residualPlaces,
          out,
          extra,
          counts,
          thread);
    }
  }

  /** Sums the products of all panels. */
  private void multiply(
      MemorySegment m, Columns c, long[] sources, int rows, long sum, long products) {
    int depth = c.at().length;
    int panels = Math.ceilDiv(depth, PANEL);
    for (int p = 0; p < panels; p++) {
      int first = (int) ((long) depth * p / panels);
      int end = (int) ((long) depth * (p + 1) / panels);
      long w = c.weights() + (long) first * c.vectors() * Lanes.BYTES;
      long to = p == 0 ? sum : products;
      product(c.vectors(), m, sources, apart, rows, c.at(), first, end - first, packed, w, to);
      if (p > 0) {
        GemmConvolution.add(m, products, sum, rows * c.vectors());
      }
    }
  }

  /**
   * One panel's products.
   *
   * @param m memory of both the left operand and the products
   * @param sources byte offset of each row's first input, and of those computed too many
   * @param apart whether every row lies at least a vector behind the one before
   * @param rows number of rows; there is room for the products of five more
   * @param at byte offset of each k within a row
   * @param first first k
   * @param depth number of k
   * @param w packed weights
   * @param w0 byte offset of those of the first k
   * @param block byte offset of the products: row by row, {@code vectors} vectors each
   */
  static void product(
      int vectors,
      MemorySegment m,
      long[] sources,
      boolean apart,
      int rows,
      long[] at,
      int first,
      int depth,
      MemorySegment w,
      long w0,
      long block) {
    int tall = RUN_ROWS[vectors];
    int cold = 0;
    int coldRuns = 0;
    for (int r = 0; r < rows; ) {
      // The last tile ends with the rows where it can: what it shares with the one before comes out
      // the same.
      int start = Math.clamp(rows - tall, 0, r);
      boolean run = apart && isRun(sources, start, rows, tall);
      if (!run) {
        start = Math.clamp(rows - ROWS, 0, r);
      }
      int height = run ? tall : ROWS;
      Rehearsal rehearsal = (run ? RUN_TILES : TILES)[vectors];
      while (rehearsal.isDue()) {
        int shallow = Math.min(depth, REHEARSED_DEPTH);
        long began = System.nanoTime();
        tile(vectors, run, m, sources, start, at, first, shallow, w, w0, block);
        rehearsal.rehearsed(began, height * (shallow + 2L) * vectors);
        // It has overwritten what it shares with the tile before.
        cold = Math.min(cold, start);
      }
      int end = Math.min(rows, start + height);
      if (rehearsal.isDone()) {
        cold(vectors, m, sources, cold, r, coldRuns, at, first, depth, w, w0, block);
        tile(vectors, run, m, sources, start, at, first, depth, w, w0, block);
        cold = end;
        coldRuns = 0;
      } else if (run) {
        coldRuns += end - r;
      }
      r = end;
    }
    cold(vectors, m, sources, cold, rows, coldRuns, at, first, depth, w, w0, block);
  }

  /**
   * Rows {@code from … to − 1} in plain code.
   *
   * @param runs how many of them wait for the micro-kernel for neighbouring rows
   */
  private static void cold(
      int vectors,
      MemorySegment m,
      long[] sources,
      int from,
      int to,
      int runs,
      long[] at,
      int first,
      int depth,
      MemorySegment w,
      long w0,
      long block) {
    if (from == to) {
      return;
    }
    long start = System.nanoTime();
    ColdCode.product(vectors, m, sources, from, to, at, first, depth, w, w0, block);
    long nanos = System.nanoTime() - start;
    long forRuns = nanos * Math.min(runs, to - from) / (to - from);
    RUN_TILES[vectors].waited(forRuns);
    TILES[vectors].waited(nanos - forRuns);
  }

  private static void tile(
      int vectors,
      boolean run,
      MemorySegment m,
      long[] sources,
      int r,
      long[] at,
      int first,
      int depth,
      MemorySegment w,
      long w0,
      long block) {
    long to = block + r * (vectors * (long) Lanes.BYTES);
    if (run) {
      long row = sources[r];
      switch (vectors) {
        case 1 -> F32RunTile.tile12x1(m, row, at, first, depth, w, w0, to);
        case 2 -> F32RunTile.tile8x2(m, row, at, first, depth, w, w0, to);
        case 3 -> F32RunTile.tile6x3(m, row, at, first, depth, w, w0, to);
        default -> F32RunTile.tile6x4(m, row, at, first, depth, w, w0, to);
      }
    } else {
      switch (vectors) {
        case 1 -> F32DirectTile.tile6x1(m, sources, r, at, first, depth, w, w0, to);
        case 2 -> F32DirectTile.tile6x2(m, sources, r, at, first, depth, w, w0, to);
        case 3 -> F32DirectTile.tile6x3(m, sources, r, at, first, depth, w, w0, to);
        default -> F32DirectTile.tile6x4(m, sources, r, at, first, depth, w, w0, to);
      }
    }
  }

  /** Whether {@code height} of the rows from {@code row} on are neighbours in memory. */
  private static boolean isRun(long[] sources, int row, int rows, int height) {
    return row + height <= rows
        && sources[row + height - 1] - sources[row] == (height - 1L) * Lanes.BYTES;
  }

  /**
   * Where the rows of a group lie.
   *
   * @param from output pixel of the first row
   * @param in byte offset of the first input of output pixel 0
   * @param sources receives the byte offset of each row's first input, and the last one again for the rows that are
   *     computed to fill a tile, and dropped
   */
  private void locate(int from, int rows, long in, long[] sources) {
    int x = from % spec.outWidth();
    int y = from / spec.outWidth() % spec.outHeight();
    int n = from / spec.outWidth() / spec.outHeight();
    long step = spec.strideX() * input.pixelStride();
    for (int r = 0; r < rows; ) {
      int end = Math.min(rows, r + spec.outWidth() - x);
      long source =
          in + n * input.batchStride() + (long) y * spec.strideY() * input.rowStride() + x * step;
      for (; r < end; r++) {
        sources[r] = source;
        source += step;
      }
      x = 0;
      if (++y == spec.outHeight()) {
        y = 0;
        n++;
      }
    }
    Arrays.fill(sources, rows, rows + ROWS, sources[rows - 1]);
  }
}
