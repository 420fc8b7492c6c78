package tacet.kernels.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.Parallel;
import tacet.kernels.RowWriter;
import tacet.kernels.ZeroCounts;
import tacet.kernels.vector.Operand.Panel;
import tacet.kernels.vector.PackedWeights.Columns;

/**
 * Convolution and dense layers as a matrix product. Rows are output pixels, columns output channels, k runs over input
 * channels and kernel taps. The blocking follows Goto and van de Geijn (Anatomy of High-Performance Matrix Multiplication, ACM
 * TOMS 34(3), 2008): a group of rows is gathered once per panel of k for all columns that share it – all of them, or those of
 * a group of channels – and every panel of weights meets all rows of the group while it is in the second-level cache. Where
 * there are too few columns for the gathering to pay, there is {@link DirectConvolution}.
 */
final class GemmConvolution implements RowWriter {

  /** Rows of the tallest micro-kernels of wide tiles; those of narrower ones have as many or twice as many. */
  private static final int ROWS = 6;

  /** Most rows of a group: more where each of them copies the weights. */
  private static final int GROUP = Lanes.MANY_REGISTERS ? 60 : 180;

  /** Fewer rows are not worth a copy of the weights, nor a gathering, for a group of their own. */
  private static final int LEAST_GROUP = 60;

  /** Parts of the columns for each thread, which all gather the rows of the group: an eighth of the time with few registers. */
  private static final int PARTS = Lanes.MANY_REGISTERS ? RowGroups.PARTS : 1;

  /** Panels gathered at a time: those of 60 rows take a quarter of a megabyte of second-level cache. */
  private static final int PANELS = 2;

  private static final int PANEL_FLOATS = (GROUP + ROWS) * F32Tile.STRIDE;

  /**
   * Floats of room that {@link #product} wants for the right operand: with few registers the micro-kernels read a panel of weights
   * from the scratchpad. Copying it takes a few hundredths of a group's time, and brings it into the first-level cache.
   */
  static final int RIGHT =
      Lanes.MANY_REGISTERS ? 0 : PackedWeights.WIDEST * Lanes.COUNT * F32Tile.STRIDE;

  /** Floats of a lease of the scratchpad that are there for the left operand; {@link #RIGHT} follow. */
  static final int LEFT = Scratchpad.FLOATS - RIGHT;

  /** Room for the sums of a group; a tile more than asked for, since rows are computed in whole tiles. */
  private static final long GROUP_BYTES = (GROUP + ROWS) * (4L * Lanes.BYTES);

  private static final long PLACES_BYTES = (GROUP * (long) Long.BYTES + 63) / 64 * 64;

  private static final long SHARED_BYTES = (long) GROUP * Lanes.BYTES;

  /** By the width of a tile in vectors. */
  private static final Rehearsal[] TILES = Rehearsal.several(5);

  /** Rows of a rehearsal: one tile of each height. */
  private static final int REHEARSED_NARROW = 3 * ROWS;

  private static final int REHEARSED_WIDE = 2 * ROWS - 1;

  private static final int REHEARSED_DEPTH = 24;

  static {
    assert PANELS * PANEL_FLOATS <= LEFT;
  }

  private final ConvSpec spec;
  private final ImageLayout input;
  private final Outputs outputs;
  private final Columns[] columns;
  private final Share[] shares;

  /** Room for sums: of one column, or of all of a share where they wait. */
  private final long sumBytes;

  private final MemorySegment packed;
  private final RowGroups groups;

  /** Whether neighbouring outputs read neighbouring vectors. */
  private final boolean neighbours;

  private GemmConvolution(
      ConvSpec spec, ImageLayout input, PackedWeights weights, Outputs outputs) {
    this.spec = spec;
    this.input = input;
    this.outputs = outputs;
    this.columns = weights.tiles();
    this.shares = shares(columns);
    this.sumBytes = sumBytes(shares);
    this.packed = weights.memory();
    this.groups = RowGroups.of(spec.outPixels(), ROWS, GROUP, LEAST_GROUP, PARTS);
    this.neighbours = spec.strideX() * input.pixelStride() == Lanes.BYTES;
  }

  /** Columns {@code first … end − 1}, which share a gathered left operand. */
  private record Share(Operand operand, int first, int end) {

    List<Panel> panels() {
      return operand.panels();
    }
  }

  private static Share[] shares(Columns[] columns) {
    List<Share> shares = new ArrayList<>();
    for (int first = 0, end; first < columns.length; first = end) {
      long[] at = columns[first].at();
      end = first + 1;
      while (end < columns.length && columns[end].at() == at) {
        end++;
      }
      shares.add(new Share(Operand.of(at), first, end));
    }
    return shares.toArray(Share[]::new);
  }

  static GemmConvolution prepare(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      PackedWeights weights,
      float[] bias,
      Arena arena) {
    return new GemmConvolution(
        spec, input, weights, Outputs.of(spec, output, residual, bias, arena));
  }

  @Override
  public String name() {
    return "gemm " + tile(columns[0].vectors());
  }

  /** Rows, vectors and lanes of the micro-kernel for tiles so wide, for people. */
  static String tile(int vectors) {
    boolean tall = vectors == 1 || vectors == 2 && Lanes.MANY_REGISTERS;
    return (tall ? 2 * ROWS : ROWS) + "x" + vectors + "v" + Lanes.COUNT;
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
  private static boolean waits(Share share) {
    return share.panels().size() > PANELS;
  }

  private static long sumBytes(Share[] shares) {
    long columnsAtOnce = 1;
    for (Share s : shares) {
      columnsAtOnce = Math.max(columnsAtOnce, waits(s) ? s.end - s.first : 1);
    }
    return columnsAtOnce * GROUP_BYTES;
  }

  /** One column's products, the rows' places, a vector of sums that two columns share, and the sums. */
  private long scratchPerThread() {
    return GROUP_BYTES + 3 * PLACES_BYTES + SHARED_BYTES + sumBytes;
  }

  @Override
  public boolean isSettled() {
    for (Columns c : columns) {
      if (!isSettled(c.vectors()) || !outputs.isSettled(c.vectors())) {
        return false;
      }
    }
    return Operand.isSettled();
  }

  /** Whether products with tiles of this width are computed by compiled code. */
  static boolean isSettled(int vectors) {
    return TILES[vectors].isDone();
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
                counts,
                begin,
                end,
                PackedWeights.start(columns, firstColumn),
                PackedWeights.start(columns, endColumn),
                thread));
  }

  @Override
  public RowWriter writing(ImageLayout output) {
    return new GemmConvolution(spec, input, new PackedWeights(columns, packed), outputs.on(output));
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
      group(memory, inputs, out, scratch, counts, begin, end, 0, columns.length, thread);
    }
  }

  private void group(
      MemorySegment m,
      long[] inputs,
      long out,
      long scratch,
      ZeroCounts counts,
      int from,
      int to,
      int firstColumn,
      int endColumn,
      int thread) {
    int left = Scratchpad.lease(thread);
    try {
      group(m, inputs, out, scratch, left, counts, from, to, firstColumn, endColumn, thread);
    } finally {
      Scratchpad.release(left);
    }
  }

  private void group(
      MemorySegment m,
      long[] inputs,
      long out,
      long allScratch,
      int left,
      ZeroCounts counts,
      int from,
      int to,
      int firstColumn,
      int endColumn,
      int thread) {
    long in = inputs[0] - spec.padTop() * input.rowStride() - spec.padLeft() * input.pixelStride();
    long extra = inputs.length > 1 ? inputs[1] : -1;
    int rows = to - from;
    long products = allScratch + thread * scratchPerThread();
    long sources = products + GROUP_BYTES;
    long places = sources + PLACES_BYTES;
    long residualPlaces = places + PLACES_BYTES;
    long shared = residualPlaces + PLACES_BYTES;
    long sums = shared + SHARED_BYTES;
    outputs.place(m, from, rows, sources, in, input, spec.strideY(), spec.strideX());
    outputs.place(m, from, rows, places, residualPlaces);
    for (Share share : shares) {
      int first = Math.max(firstColumn, share.first);
      int end = Math.min(endColumn, share.end);
      List<Panel> panels = share.panels();
      for (int p = 0; p < panels.size() && first < end; p += PANELS) {
        int endPanel = Math.min(panels.size(), p + PANELS);
        for (int j = p; j < endPanel; j++) {
          int a0 = left + (j - p) * PANEL_FLOATS;
          Operand.gather(m, panels.get(j), sources, rows, neighbours, a0);
        }
        for (int i = first; i < end; i++) {
          Columns c = columns[i];
          long sum = waits(share) ? sums + (i - first) * GROUP_BYTES : sums;
          multiply(m, c, panels, rows, p, endPanel, left, sum, products);
          if (endPanel < panels.size()) {
            continue;
          }
          if (c.continues()) {
            addShared(m, shared, sum, c.vectors(), rows);
          }
          int complete = c.vectors();
          if (i + 1 < endColumn && columns[i + 1].continues()) {
            complete--;
            keepShared(m, sum, c.vectors(), shared, rows);
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
    }
  }

  /** Keeps the last of {@code vectors} columns of sums, which the next tile continues. */
  static void keepShared(MemorySegment m, long sum, int vectors, long shared, int rows) {
    m = Lanes.known(m);
    long from = sum + (vectors - 1L) * Lanes.BYTES;
    for (int r = 0; r < rows; r++) {
      long o = (long) r * Lanes.BYTES;
      Lanes.store(Lanes.load(m, from + o * vectors), m, shared + o);
    }
  }

  /** Adds what was kept to the first of {@code vectors} columns of sums. */
  static void addShared(MemorySegment m, long shared, long sum, int vectors, int rows) {
    m = Lanes.known(m);
    for (int r = 0; r < rows; r++) {
      long o = (long) r * Lanes.BYTES;
      long to = sum + o * vectors;
      Lanes.store(Lanes.load(m, to).add(Lanes.load(m, shared + o)), m, to);
    }
  }

  /** Adds the products of panels {@code from … to − 1} to {@code sum}; those of the first panel of all start it. */
  private void multiply(
      MemorySegment m,
      Columns c,
      List<Panel> panels,
      int rows,
      int from,
      int to,
      int left,
      long sum,
      long products) {
    for (int p = from; p < to; p++) {
      Panel panel = panels.get(p);
      long w = c.weights() + (long) panel.first() * c.vectors() * Lanes.BYTES;
      int a0 = left + (p - from) * PANEL_FLOATS;
      int b0 = left + LEFT;
      long target = p == 0 ? sum : products;
      product(c.vectors(), rows, Scratchpad.ARRAY, a0, panel.depth(), packed, w, b0, m, target);
      if (p > 0) {
        add(m, products, sum, rows * c.vectors());
      }
    }
  }

  /**
   * One panel's products.
   *
   * @param rows number of rows, with room behind them for as many as make up whole tiles: less than {@link #ROWS}
   * @param a the left operand, from {@code a0} on: with few registers the scratchpad
   * @param w the packed right operand, from byte {@code w0} on
   * @param b0 in the scratchpad, {@link #RIGHT} floats of room for it
   */
  static void product(
      int vectors,
      int rows,
      float[] a,
      int a0,
      int depth,
      MemorySegment w,
      long w0,
      int b0,
      MemorySegment m,
      long block) {
    Rehearsal rehearsal = TILES[vectors];
    if (!rehearsal.isDone()) {
      long start = System.nanoTime();
      while (rehearsal.isDue()) {
        int some = Math.min(rows, vectors > 2 ? REHEARSED_WIDE : REHEARSED_NARROW);
        int shallow = Math.min(depth, REHEARSED_DEPTH);
        // Odd and even numbers: what C2 has never seen taken it leaves out, and compiles all again
        // when it is.
        tiles(vectors, some, a, a0, shallow, w, w0, b0, m, block);
        tiles(vectors, some, a, a0, Math.max(0, shallow - 1), w, w0, b0, m, block);
        rehearsal.rehearsed(start, 2 * some * (shallow + 2L) * vectors);
        start = System.nanoTime();
      }
      ColdCode.product(vectors, rows, a, a0, depth, w, w0, m, block);
      rehearsal.computed(start);
      return;
    }
    tiles(vectors, rows, a, a0, depth, w, w0, b0, m, block);
  }

  private static void tiles(
      int vectors,
      int rows,
      float[] a,
      int a0,
      int depth,
      MemorySegment w,
      long w0,
      int b0,
      MemorySegment m,
      long block) {
    if (!Lanes.MANY_REGISTERS && vectors <= PackedWeights.WIDEST) {
      int floats = vectors * Lanes.COUNT * depth;
      MemorySegment.copy(w, Lanes.FLOAT, w0, Scratchpad.ARRAY, b0, floats);
      tightTiles(vectors, rows, a0, depth, b0, m, block);
      return;
    }
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

  /** Tiles of one or two vectors for few registers. Rows too many come out meaningless. */
  private static void tightTiles(
      int vectors, int rows, int a0, int depth, int b0, MemorySegment m, long block) {
    long row = (long) vectors * Lanes.BYTES;
    int r = 0;
    if (vectors == 1) {
      for (; r + ROWS < rows; r += 2 * ROWS) {
        F32TightTile.tile12x1(a0 + r * F32Tile.STRIDE, depth, b0, m, block + r * row);
      }
      for (; r < rows; r += ROWS) {
        F32TightTile.tile6x1(a0 + r * F32Tile.STRIDE, depth, b0, m, block + r * row);
      }
    } else {
      for (; r < rows; r += ROWS) {
        F32TightTile.tile6x2(a0 + r * F32Tile.STRIDE, depth, b0, m, block + r * row);
      }
    }
  }

  /** Adds {@code vectors} vectors to others. */
  static void add(MemorySegment m, long from, long to, int vectors) {
    m = Lanes.known(m);
    for (int i = 0; i < vectors; i++) {
      long o = (long) i * Lanes.BYTES;
      Lanes.store(Lanes.load(m, to + o).add(Lanes.load(m, from + o)), m, to + o);
    }
  }
}
