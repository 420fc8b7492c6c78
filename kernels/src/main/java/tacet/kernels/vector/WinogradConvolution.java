package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.Parallel;
import tacet.kernels.Weights;
import tacet.kernels.ZeroCounts;

/**
 * 3×3 convolution of stride 1 by Winograd's minimal filtering (Lavin and Gray, Fast Algorithms for Convolutional Neural
 * Networks, CVPR 2016, section 4): F(4×4, 3×3) takes 36 multiplications where a direct convolution has 144, F(2×2, 3×3)
 * 16 where it has 36. The output is cut into tiles, each computed from a patch of the input that is two pixels larger.
 * With lanes as channels the transforms are sums of whole vectors; between them lies one matrix product per point of a
 * patch, rows tiles, columns output channels.
 *
 * <p>Tiles go through all three phases in blocks, so that what lies between the phases stays in the cache.
 */
final class WinogradConvolution implements Kernel {

  /** Pixels whose outputs are finished together. */
  private static final int FINISHED_PIXELS = 64;

  /** Rows of the micro-kernels. */
  private static final int ROWS = 6;

  /** Fewest tiles of a block that one thread computes alone: with fewer, all of them meet the weights together. */
  private static final int FEWEST_APART = 12;

  /** Rows that the micro-kernels may compute too many. */
  private static final int SLACK = ROWS;

  /** Transformed weights beyond this size come from the third-level cache and want more tiles to meet. */
  private static final long LARGE_WEIGHTS = 1L << 20;

  private final ConvSpec spec;

  /** Output pixels of a tile along each axis: 2 or 4. */
  private final int tile;

  /** Input pixels of a tile along each axis. */
  private final int patch;

  /** Products of a tile, and so matrix products. */
  private final int points;

  private final ImageLayout input;
  private final Outputs outputs;
  private final WinogradWeights[] columns;
  private final int tilesX;
  private final int tilesY;
  private final int tiles;
  private final int blocks;
  private final int mostTiles;
  private final int channelBlocks;

  /** Whether vectors of input channels that are zero in all tiles of a block are left out. */
  private final boolean skipping;

  /** Where the values of each point lie in a tile's row of the left operand, with the tile number still to be added. */
  private final int[] pointOffsets;

  private WinogradConvolution(
      ConvSpec spec,
      int tile,
      ImageLayout input,
      WinogradWeights[] columns,
      Outputs outputs,
      boolean skipping) {
    this.spec = spec;
    this.skipping = skipping;
    this.tile = tile;
    this.patch = tile + 2;
    this.points = patch * patch;
    this.input = input;
    this.outputs = outputs;
    this.columns = columns;
    this.tilesX = Math.ceilDiv(spec.outWidth(), tile);
    this.tilesY = Math.ceilDiv(spec.outHeight(), tile);
    this.tiles = Math.multiplyExact(Math.multiplyExact(spec.batch(), tilesX), tilesY);
    int wanted = wantedTiles(spec, tile);
    this.blocks = Math.ceilDiv(tiles, wanted);
    this.mostTiles = Math.ceilDiv(tiles, blocks);
    this.channelBlocks = Math.ceilDiv(spec.inChannels(), Lanes.COUNT);
    // A row of the left operand has a fixed length: it holds as many points as fit.
    int padded = channelBlocks * Lanes.COUNT;
    int perRow = Math.clamp(F32Tile.STRIDE / padded, 1, points);
    this.pointOffsets = new int[points];
    for (int p = 0; p < points; p++) {
      pointOffsets[p] = p / perRow * (mostTiles + SLACK) * F32Tile.STRIDE + p % perRow * padded;
    }
  }

  /** Tiles of a block: more where reading the weights takes as long as computing with them, or copying them does. */
  private static int wantedTiles(ConvSpec spec, int tile) {
    if (WinogradWeights.bytes(spec, tile) > LARGE_WEIGHTS) {
      return 48;
    }
    boolean fewChannels = spec.inChannels() + spec.outChannels() <= 256;
    return fewChannels && !Lanes.MANY_REGISTERS ? 72 : 24;
  }

  /** Whether this algorithm computes such convolutions. */
  static boolean takes(ConvSpec spec, ImageLayout input) {
    return spec.kernelHeight() == 3
        && spec.kernelWidth() == 3
        && spec.strideY() == 1
        && spec.strideX() == 1
        && spec.dilationY() == 1
        && spec.dilationX() == 1
        && spec.groups() == 1
        && input.lanes() == Lanes.COUNT
        && spec.inChannels() <= F32Tile.STRIDE - Lanes.COUNT;
  }

  /**
   * The tile that is estimated to take least time – arithmetic or reading the weights, whichever takes longer, and the
   * transforms –, or 0 where a direct convolution is.
   */
  static int tile(ConvSpec spec, ImageLayout input) {
    if (!takes(spec, input)) {
      return 0;
    }
    double filters = (double) spec.inChannels() * spec.outChannels();
    double direct = cycles(9.0 * spec.outPixels() * filters, 9 * filters, 0);
    double two = cycles(spec, 2, filters);
    double four = cycles(spec, 4, filters);
    if (direct <= Math.min(two, four)) {
      return 0;
    }
    return two < four ? 2 : 4;
  }

  private static double cycles(ConvSpec spec, int tile, double filters) {
    double tiles =
        (double) spec.batch()
            * Math.ceilDiv(spec.outHeight(), tile)
            * Math.ceilDiv(spec.outWidth(), tile);
    int points = (tile + 2) * (tile + 2);
    // Every vector of a patch is read and written twice and takes part in some ten operations.
    double transforms = tiles * points * 3 * (spec.inChannels() + spec.outChannels()) / Lanes.COUNT;
    return cycles(points * Math.max(tiles, ROWS) * filters, points * filters, transforms);
  }

  /** Two vectors multiplied and added, or eight bytes of weights read from memory, per cycle. */
  private static double cycles(double multiplyAdds, double weights, double transforms) {
    return Math.max(multiplyAdds / (2 * Lanes.COUNT), weights * Float.BYTES / 8) + transforms;
  }

  /**
   * @param tile output pixels of a tile along each axis: 2 or 4
   */
  static WinogradConvolution prepare(
      ConvSpec spec,
      int tile,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      Weights weights,
      float[] bias,
      Arena arena,
      Parallel parallel) {
    WinogradWeights[] columns = WinogradWeights.pack(spec, tile, weights, arena, parallel);
    return new WinogradConvolution(
        spec, tile, input, columns, Outputs.of(spec, output, residual, bias, arena), false);
  }

  /** The same, without vectors of channels that are zero: right where all weights are finite. */
  WinogradConvolution skipping() {
    return new WinogradConvolution(spec, tile, input, columns, outputs, true);
  }

  @Override
  public String name() {
    return (skipping ? "sparse-" : "")
        + "winograd F("
        + tile
        + "x"
        + tile
        + ",3x3) "
        + ROWS
        + "x"
        + columns[0].vectors()
        + "v"
        + Lanes.COUNT;
  }

  @Override
  public long multiplyAdds() {
    return spec.multiplyAdds();
  }

  @Override
  public long scratchBytes(int threads) {
    return threads * (productBytes() + WORK_BYTES + liveBytes());
  }

  /** The products of a block: columns, points, tiles, vectors. */
  private long productBytes() {
    long vectors = Math.ceilDiv(spec.outChannels(), Lanes.COUNT);
    return points * (mostTiles + SLACK) * vectors * BYTES;
  }

  private static final long PATCH_BYTES = 36L * BYTES;
  private static final long PIXELS_BYTES = FINISHED_PIXELS * (4L * BYTES);
  private static final long PLACES_BYTES = FINISHED_PIXELS * (long) Long.BYTES;

  /** A thread's own memory: a patch, the pixels to be finished, and where those go. */
  private static final long WORK_BYTES = PATCH_BYTES + PIXELS_BYTES + 2 * PLACES_BYTES;

  /** The numbers of the vectors of channels that are not zero, and their weights under one tile of columns. */
  private long liveBytes() {
    return listBytes() + (skipping ? spec.inChannels() * (4L * BYTES) : 0);
  }

  private long listBytes() {
    return (channelBlocks * (long) Integer.BYTES + 63) / 64 * 64;
  }

  /** Tiles whose outputs are finished together. */
  private int finishedTiles() {
    return FINISHED_PIXELS / (tile * tile);
  }

  /** Floats of a block's left operands, those of all points. */
  private int operandFloats() {
    return pointOffsets[points - 1] + (mostTiles + SLACK) * F32Tile.STRIDE;
  }

  @Override
  public boolean isSettled() {
    for (WinogradWeights c : columns) {
      if (!GemmConvolution.isSettled(c.vectors()) || !outputs.isSettled(c.vectors())) {
        return false;
      }
    }
    return WinogradPatch.isSettled(tile);
  }

  @Override
  public void run(
      MemorySegment memory,
      long[] inputs,
      long out,
      long scratch,
      Parallel parallel,
      ZeroCounts counts) {
    long extra = inputs.length > 1 ? inputs[1] : -1;
    int threads = parallel.threads();
    long work = scratch + threads * productBytes();
    long lists = work + threads * WORK_BYTES;
    // As many for each thread.
    int apart = Math.ceilDiv(blocks, threads) * threads;
    if (tiles >= FEWEST_APART * apart) {
      parallel.forEach(
          apart,
          (block, thread) -> {
            long products = scratch + thread * productBytes();
            long mine = work + thread * WORK_BYTES;
            int from = (int) ((long) tiles * block / apart);
            int count = (int) ((long) tiles * (block + 1) / apart) - from;
            long list = lists + thread * liveBytes();
            int live = findLive(memory, inputs[0], from, count, list, counts, thread);
            int leased = Scratchpad.lease(thread);
            try {
              boolean fits = operandFloats() <= GemmConvolution.LEFT - WinogradPatch.HALF;
              float[] a = fits ? Scratchpad.ARRAY : parallel.floats(thread, operandFloats());
              int a0 = fits ? leased : 0;
              for (int t = 0; t < count; t++) {
                transformInput(memory, inputs[0], from + t, list, live, a, a0, t, leased, mine);
              }
              for (int p = 0; p < points; p++) {
                long weights = list + listBytes();
                multiply(p, count, list, live, a, a0, leased, memory, products, weights);
              }
              for (int t = 0; t < count; t += finishedTiles()) {
                finish(memory, out, extra, from, t, count, products, leased, mine, counts, thread);
              }
            } finally {
              Scratchpad.release(leased);
            }
          });
      return;
    }
    // Few blocks: all threads share each of them.
    float[] a = parallel.floats(0, operandFloats());
    for (int block = 0; block < blocks; block++) {
      int from = (int) ((long) tiles * block / blocks);
      int count = (int) ((long) tiles * (block + 1) / blocks) - from;
      int live = findLive(memory, inputs[0], from, count, lists, counts, 0);
      parallel.forEach(
          count,
          (t, thread) -> {
            long mine = work + thread * WORK_BYTES;
            int leased = Scratchpad.lease(thread);
            try {
              transformInput(memory, inputs[0], from + t, lists, live, a, 0, t, leased, mine);
            } finally {
              Scratchpad.release(leased);
            }
          });
      parallel.forEach(
          points,
          (p, thread) -> {
            long weights = lists + thread * liveBytes() + listBytes();
            int leased = Scratchpad.lease(thread);
            try {
              multiply(p, count, lists, live, a, 0, leased, memory, scratch, weights);
            } finally {
              Scratchpad.release(leased);
            }
          });
      parallel.forEach(
          Math.ceilDiv(count, finishedTiles()),
          (i, thread) -> {
            long mine = work + thread * WORK_BYTES;
            int first = i * finishedTiles();
            int leased = Scratchpad.lease(thread);
            try {
              finish(memory, out, extra, from, first, count, scratch, leased, mine, counts, thread);
            } finally {
              Scratchpad.release(leased);
            }
          });
    }
  }

  /**
   * Lists the vectors of channels that are not zero in all patches of a block of tiles; all of them where nothing is to be
   * skipped.
   *
   * @return how many there are
   */
  private int findLive(
      MemorySegment m, long in, int from, int count, long list, ZeroCounts counts, int thread) {
    int live = 0;
    for (int b = 0; b < channelBlocks; b++) {
      if (!skipping || isLive(m, in, b, from, count)) {
        m.set(ValueLayout.JAVA_INT, list + live * 4L, b);
        live++;
      }
    }
    if (counts != null && live < channelBlocks) {
      long pixels = 0;
      for (int t = from; t < from + count; t++) {
        pixels +=
            (long) within(t % tilesX, spec.outWidth())
                * within(t / tilesX % tilesY, spec.outHeight());
      }
      counts.addSkipped(
          thread, (spec.inChannels() - depth(m, list, live)) * 9L * pixels * spec.outChannels());
    }
    return live;
  }

  private boolean isLive(MemorySegment m, long in, int block, int from, int count) {
    m = Lanes.known(m);
    // Lanes behind the last channel hold anything.
    VectorMask<Float> channels = FLOATS.indexInRange(block * Lanes.COUNT, spec.inChannels());
    for (int t = from; t < from + count; t++) {
      int x = t % tilesX * tile - spec.padLeft();
      int y = t / tilesX % tilesY * tile - spec.padTop();
      long image = in + t / tilesX / tilesY * input.batchStride() + block * input.blockStride();
      for (int i = Math.max(0, y); i < Math.min(spec.inHeight(), y + patch); i++) {
        for (int j = Math.max(0, x); j < Math.min(spec.inWidth(), x + patch); j++) {
          long at = image + i * input.rowStride() + j * input.pixelStride();
          FloatVector v = FloatVector.fromMemorySegment(FLOATS, m, at, ORDER);
          if (v.compare(VectorOperators.NE, 0f, channels).anyTrue()) {
            return true;
          }
        }
      }
    }
    return false;
  }

  /** Channels in the listed vectors: the last of all may not be full. */
  private int depth(MemorySegment m, long list, int live) {
    boolean last =
        live > 0 && m.get(ValueLayout.JAVA_INT, list + (live - 1) * 4L) == channelBlocks - 1;
    return live * Lanes.COUNT - (last ? channelBlocks * Lanes.COUNT - spec.inChannels() : 0);
  }

  /**
   * Bᵀ d B of one tile, the listed vectors of channels next to each other.
   *
   * @param number of the tile in the batch
   * @param list byte offset of the numbers of the vectors
   * @param live how many there are
   * @param a the left operands from {@code a0} on, whose row {@code row} is written
   * @param leased the thread's part of the scratchpad
   * @param work this thread's memory
   */
  private void transformInput(
      MemorySegment m,
      long in,
      int number,
      long list,
      int live,
      float[] a,
      int a0,
      int row,
      int leased,
      long work) {
    int x = number % tilesX * tile - spec.padLeft();
    int y = number / tilesX % tilesY * tile - spec.padTop();
    int n = number / tilesX / tilesY;
    long copy = work;
    long step = input.pixelStride();
    // The image has zeros around it as far as the convolution reads; a tile that ends behind its
    // output reads farther.
    boolean whole =
        y + spec.padTop() + tile <= spec.outHeight()
            && x + spec.padLeft() + tile <= spec.outWidth();
    for (int i = 0; i < live; i++) {
      int b = m.get(ValueLayout.JAVA_INT, list + i * 4L);
      long source =
          in + n * input.batchStride() + b * input.blockStride() + y * input.rowStride() + x * step;
      long rowStep = input.rowStride();
      long columnStep = step;
      if (!whole) {
        copyPatch(m, source, x, y, copy);
        source = copy;
        rowStep = (long) patch * BYTES;
        columnStep = BYTES;
      }
      int to = a0 + row * F32Tile.STRIDE + i * Lanes.COUNT;
      WinogradPatch.input(tile, m, source, rowStep, columnStep, half(leased), a, to, pointOffsets);
    }
  }

  /** Room for a patch that is transformed along one axis, behind the left operand in a thread's part of the scratchpad. */
  private static int half(int leased) {
    return leased + GemmConvolution.LEFT - WinogradPatch.HALF;
  }

  /** Copies a patch of one block of channels, zeros where it lies outside the image. */
  private void copyPatch(MemorySegment m, long source, int x, int y, long copy) {
    m = Lanes.known(m);
    FloatVector zero = FloatVector.zero(FLOATS);
    for (int i = 0; i < patch; i++) {
      for (int j = 0; j < patch; j++) {
        boolean inside =
            y + i >= 0 && x + j >= 0 && y + i < spec.inHeight() && x + j < spec.inWidth();
        long to = copy + (long) (i * patch + j) * BYTES;
        if (inside) {
          Lanes.store(
              Lanes.load(m, source + i * input.rowStride() + j * input.pixelStride()), m, to);
        } else {
          Lanes.store(zero, m, to);
        }
      }
    }
  }

  /**
   * The matrix products of one point: tiles × input channels times input channels × output channels.
   *
   * @param a the left operands from {@code a0} on
   * @param leased the thread's part of the scratchpad
   * @param weights room for what is left of the weights under one tile of columns
   */
  private void multiply(
      int p,
      int count,
      long list,
      int live,
      float[] a,
      int a0,
      int leased,
      MemorySegment m,
      long products,
      long weights) {
    int depth = depth(m, list, live);
    int left = a0 + pointOffsets[p];
    int right = leased + GemmConvolution.LEFT;
    if (!Lanes.MANY_REGISTERS && a != Scratchpad.ARRAY) {
      // Where it does not fit there, or has been computed by all threads.
      for (int t = 0, to = leased; t < count; t++, to += F32Tile.STRIDE) {
        System.arraycopy(a, left + t * F32Tile.STRIDE, Scratchpad.ARRAY, to, depth);
      }
      a = Scratchpad.ARRAY;
      left = leased;
    }
    for (WinogradWeights c : columns) {
      long row = c.vectors() * (long) BYTES;
      long w = p * spec.inChannels() * row;
      long to = products + product(c, p);
      if (live == channelBlocks) {
        GemmConvolution.product(c.vectors(), count, a, left, depth, c.memory(), w, right, m, to);
        continue;
      }
      for (int i = 0; i < live; i++) {
        int k = m.get(ValueLayout.JAVA_INT, list + i * 4L) * Lanes.COUNT;
        int lanes = Math.min(Lanes.COUNT, spec.inChannels() - k);
        MemorySegment.copy(
            c.memory(), w + k * row, m, weights + i * Lanes.COUNT * row, lanes * row);
      }
      GemmConvolution.product(c.vectors(), count, a, left, depth, m, weights, right, m, to);
    }
  }

  /** Byte offset of the products of a point with one tile's columns. */
  private long product(WinogradWeights c, int p) {
    long rows = mostTiles + SLACK;
    return (points * c.firstVector() + (long) p * c.vectors()) * rows * BYTES;
  }

  /** Aᵀ m A of up to {@link #FINISHED_PIXELS} pixels, all output channels, and what follows a convolution. */
  private void finish(
      MemorySegment m,
      long out,
      long extra,
      int firstTile,
      int from,
      int count,
      long products,
      int leased,
      long work,
      ZeroCounts counts,
      int thread) {
    int end = Math.min(count, from + finishedTiles());
    long pixels = work + PATCH_BYTES;
    long places = pixels + PIXELS_BYTES;
    long residualPlaces = places + PLACES_BYTES;
    int rows = 0;
    for (int t = from; t < end; t++) {
      rows += place(m, firstTile + t, rows, places, residualPlaces);
    }
    for (WinogradWeights c : columns) {
      long pointStep = (long) (mostTiles + SLACK) * c.vectors() * BYTES;
      long rowBytes = (long) c.vectors() * BYTES;
      long to = pixels;
      for (int t = from; t < end; t++) {
        for (int v = 0; v < c.vectors(); v++) {
          long source = products + product(c, 0) + (t * (long) c.vectors() + v) * BYTES;
          long pixel = to + (long) v * BYTES;
          WinogradPatch.output(tile, m, source, pointStep, half(leased), pixel, rowBytes);
        }
        to += clip(m, firstTile + t, to, rowBytes) * rowBytes;
      }
      outputs.finish(
          m,
          c.firstVector(),
          c.vectors(),
          c.vectors(),
          pixels,
          rows,
          places,
          residualPlaces,
          out,
          extra,
          counts,
          thread);
    }
  }

  /** Pixels of a tile that are within the output, along an axis; tiles are numbered along it. */
  private int within(int number, int extent) {
    return Math.min(tile, extent - number * tile);
  }

  /** Moves the rows of a tile's pixels within the output together; returns their number. */
  private int clip(MemorySegment m, int number, long pixels, long rowBytes) {
    int width = within(number % tilesX, spec.outWidth());
    int height = within(number / tilesX % tilesY, spec.outHeight());
    if (width < tile) {
      for (int y = 1; y < height; y++) {
        MemorySegment.copy(
            m, pixels + y * tile * rowBytes, m, pixels + y * width * rowBytes, width * rowBytes);
      }
    }
    return width * height;
  }

  /** Writes where the pixels of a tile go; returns their number. */
  private int place(MemorySegment m, int number, int row, long places, long residualPlaces) {
    int x0 = number % tilesX * tile;
    int y0 = number / tilesX % tilesY * tile;
    int n = number / tilesX / tilesY;
    int width = within(number % tilesX, spec.outWidth());
    int height = within(number / tilesX % tilesY, spec.outHeight());
    int r = row;
    for (int y = y0; y < y0 + height; y++) {
      for (int x = x0; x < x0 + width; x++, r++) {
        m.set(
            ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L, outputs.layout().offset(n, 0, y, x));
        if (outputs.residual() != null) {
          m.set(
              ValueLayout.JAVA_LONG_UNALIGNED,
              residualPlaces + r * 8L,
              outputs.residual().offset(n, 0, y, x));
        }
      }
    }
    return width * height;
  }
}
