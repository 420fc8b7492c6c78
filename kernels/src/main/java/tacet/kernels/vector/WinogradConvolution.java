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

  /** Rows that the micro-kernels may compute too many. */
  private static final int SLACK = ROWS;

  /** Transformed weights beyond this size come from the third-level cache and want more tiles to meet. */
  private static final long LARGE_WEIGHTS = 1L << 20;

  /**
   * Output channels that are computed together.
   *
   * @param firstVector number of the first vector of output channels
   * @param vectors 1 … 4
   * @param weights byte offset of the transformed weights: points, then input channels, then vectors
   */
  private record Columns(int firstVector, int vectors, long weights) {}

  private final ConvSpec spec;

  /** Output pixels of a tile along each axis: 2 or 4. */
  private final int tile;

  /** Input pixels of a tile along each axis. */
  private final int patch;

  /** Products of a tile, and so matrix products. */
  private final int points;

  private final ImageLayout input;
  private final ImageLayout output;
  private final ImageLayout residual;
  private final Columns[] columns;
  private final MemorySegment packed;
  private final MemorySegment bias;
  private final int tilesX;
  private final int tilesY;
  private final int tiles;
  private final int blocks;
  private final int mostTiles;
  private final int channelBlocks;

  /** Where the values of each point lie in a tile's row of the left operand, with the tile number still to be added. */
  private final int[] pointOffsets;

  private WinogradConvolution(
      ConvSpec spec,
      int tile,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      Columns[] columns,
      MemorySegment packed,
      MemorySegment bias) {
    this.spec = spec;
    this.tile = tile;
    this.patch = tile + 2;
    this.points = patch * patch;
    this.input = input;
    this.output = output;
    this.residual = residual;
    this.columns = columns;
    this.packed = packed;
    this.bias = bias;
    this.tilesX = Math.ceilDiv(spec.outWidth(), tile);
    this.tilesY = Math.ceilDiv(spec.outHeight(), tile);
    this.tiles = Math.multiplyExact(Math.multiplyExact(spec.batch(), tilesX), tilesY);
    int wanted = packed.byteSize() > LARGE_WEIGHTS ? 48 : 24;
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
      float[] weights,
      float[] bias,
      Arena arena) {
    int vectors = Math.ceilDiv(spec.outChannels(), Lanes.COUNT);
    int count = Math.ceilDiv(vectors, Lanes.MANY_REGISTERS ? 4 : 2);
    Columns[] columns = new Columns[count];
    long bytes = 0;
    int first = 0;
    for (int c = 0; c < count; c++) {
      int width = Math.ceilDiv(vectors - first, count - c);
      columns[c] = new Columns(first, width, bytes);
      bytes += (tile + 2L) * (tile + 2L) * spec.inChannels() * width * BYTES;
      first += width;
    }
    MemorySegment packed = arena.allocate(bytes, 64);
    for (Columns c : columns) {
      pack(spec, tile, c, weights, packed);
    }
    return new WinogradConvolution(
        spec, tile, input, output, residual, columns, packed, Epilogue.bias(bias, vectors, arena));
  }

  /** Rows of G for F(2, 3): the filter's values at 0, 1, −1 and infinity, scaled so that the other matrices are whole. */
  private static final double[][] G2 = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};

  /**
   * Points of F(4, 3) are 0, ±{@link #B}, ±{@link #A} and infinity. Integers would save multiplications; these, exact in
   * binary as all their products here, keep the rounding errors of the transforms smaller.
   */
  private static final float A = 1.5f;

  private static final float B = 0.625f;
  private static final float A2 = A * A;
  private static final float B2 = B * B;

  /** The same for F(4, 3): the filter's polynomial at each point over the product of the point's distances to the others. */
  private static final double[][] G4 = {
    {1.0 / (A2 * B2), 0, 0},
    filterRow(B, A2),
    filterRow(-B, A2),
    filterRow(A, B2),
    filterRow(-A, B2),
    {0, 0, 1},
  };

  private static double[] filterRow(double point, double otherSquared) {
    double square = point * point;
    double norm = 2 * square * (square - otherSquared);
    return new double[] {1 / norm, point / norm, square / norm};
  }

  /** G g Gᵀ of every filter, in double precision. */
  private static void pack(
      ConvSpec spec, int tile, Columns c, float[] weights, MemorySegment packed) {
    double[][] g = tile == 2 ? G2 : G4;
    int patch = g.length;
    int width = c.vectors * Lanes.COUNT;
    int firstChannel = c.firstVector * Lanes.COUNT;
    double[] half = new double[patch * 3];
    for (int i = 0; i < width && firstChannel + i < spec.outChannels(); i++) {
      for (int k = 0; k < spec.inChannels(); k++) {
        int w = ((firstChannel + i) * spec.inChannels() + k) * 9;
        for (int a = 0; a < patch; a++) {
          for (int x = 0; x < 3; x++) {
            half[a * 3 + x] =
                g[a][0] * weights[w + x]
                    + g[a][1] * weights[w + 3 + x]
                    + g[a][2] * weights[w + 6 + x];
          }
        }
        for (int p = 0; p < patch * patch; p++) {
          double[] row = g[p % patch];
          int h = p / patch * 3;
          double u = half[h] * row[0] + half[h + 1] * row[1] + half[h + 2] * row[2];
          long at = c.weights + ((long) p * spec.inChannels() + k) * c.vectors * BYTES;
          packed.set(ValueLayout.JAVA_FLOAT, at + (long) i * Float.BYTES, (float) u);
        }
      }
    }
  }

  @Override
  public String name() {
    return "winograd F(" + tile + "x" + tile + ",3x3) 6x" + columns[0].vectors + "v" + Lanes.COUNT;
  }

  @Override
  public long multiplyAdds() {
    return spec.multiplyAdds();
  }

  @Override
  public long scratchBytes(int threads) {
    return threads * (productBytes() + WORK_BYTES);
  }

  /** The products of a block: columns, points, tiles, vectors. */
  private long productBytes() {
    long vectors = Math.ceilDiv(spec.outChannels(), Lanes.COUNT);
    return points * (mostTiles + SLACK) * vectors * BYTES;
  }

  private static final long HALF_BYTES = 36L * BYTES;
  private static final long PIXELS_BYTES = FINISHED_PIXELS * (4L * BYTES);
  private static final long PLACES_BYTES = FINISHED_PIXELS * (long) Long.BYTES;

  /** A thread's own memory: a patch, half a transform, the pixels to be finished, and where those go. */
  private static final long WORK_BYTES = 2 * HALF_BYTES + PIXELS_BYTES + 2 * PLACES_BYTES;

  /** Tiles whose outputs are finished together. */
  private int finishedTiles() {
    return FINISHED_PIXELS / (tile * tile);
  }

  private int operandFloats() {
    return pointOffsets[points - 1] + (mostTiles + SLACK) * F32Tile.STRIDE;
  }

  @Override
  public boolean isSettled() {
    for (Columns c : columns) {
      if (!GemmConvolution.isSettled(c.vectors)) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void run(
      MemorySegment memory,
      long[] inputs,
      long out,
      long scratch,
      Parallel parallel,
      ZeroCounts counts) {
    long extra = residual == null ? -1 : inputs[1];
    int threads = parallel.threads();
    long work = scratch + threads * productBytes();
    if (blocks >= 4 * threads) {
      parallel.forEach(
          blocks,
          (block, thread) -> {
            float[] a = parallel.floats(thread, operandFloats());
            long products = scratch + thread * productBytes();
            long mine = work + thread * WORK_BYTES;
            int from = (int) ((long) tiles * block / blocks);
            int count = (int) ((long) tiles * (block + 1) / blocks) - from;
            for (int t = 0; t < count; t++) {
              transformInput(memory, inputs[0], from + t, a, t, mine);
            }
            for (int p = 0; p < points; p++) {
              multiply(p, count, a, memory, products);
            }
            for (int t = 0; t < count; t += finishedTiles()) {
              finish(memory, out, extra, from, t, count, products, mine, counts, thread);
            }
          });
      return;
    }
    // Few blocks: all threads share each of them.
    float[] a = parallel.floats(0, operandFloats());
    for (int block = 0; block < blocks; block++) {
      int from = (int) ((long) tiles * block / blocks);
      int count = (int) ((long) tiles * (block + 1) / blocks) - from;
      parallel.forEach(
          count,
          (t, thread) ->
              transformInput(memory, inputs[0], from + t, a, t, work + thread * WORK_BYTES));
      parallel.forEach(points, (p, _) -> multiply(p, count, a, memory, scratch));
      parallel.forEach(
          Math.ceilDiv(count, finishedTiles()),
          (i, thread) ->
              finish(
                  memory,
                  out,
                  extra,
                  from,
                  i * finishedTiles(),
                  count,
                  scratch,
                  work + thread * WORK_BYTES,
                  counts,
                  thread));
    }
  }

  /**
   * Bᵀ d B of one tile, all channels.
   *
   * @param number of the tile in the batch
   * @param a the left operand, whose row {@code row} is written
   * @param work this thread's memory
   */
  private void transformInput(MemorySegment m, long in, int number, float[] a, int row, long work) {
    int x = number % tilesX * tile - spec.padLeft();
    int y = number / tilesX % tilesY * tile - spec.padTop();
    int n = number / tilesX / tilesY;
    long copy = work;
    long half = work + HALF_BYTES;
    long step = input.pixelStride();
    // The image has zeros around it as far as the convolution reads; a tile that ends behind its
    // output reads farther.
    boolean whole =
        y + spec.padTop() + tile <= spec.outHeight()
            && x + spec.padLeft() + tile <= spec.outWidth();
    for (int b = 0; b < channelBlocks; b++) {
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
      int to = row * F32Tile.STRIDE + b * Lanes.COUNT;
      long halfRow = (long) patch * BYTES;
      for (int j = 0; j < patch; j++) {
        if (tile == 2) {
          inputColumn2(m, source + j * columnStep, rowStep, half + (long) j * BYTES);
        } else {
          inputColumn4(m, source + j * columnStep, rowStep, half + (long) j * BYTES);
        }
      }
      for (int i = 0; i < patch; i++) {
        if (tile == 2) {
          inputRow2(m, half + i * halfRow, a, to, pointOffsets, i * patch);
        } else {
          inputRow4(m, half + i * halfRow, a, to, pointOffsets, i * patch);
        }
      }
    }
  }

  /** Copies a patch of one block of channels, zeros where it lies outside the image. */
  private void copyPatch(MemorySegment m, long source, int x, int y, long copy) {
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

  /** Four values {@code step} bytes apart become four, a row of the half transform apart. */
  private static void inputColumn2(MemorySegment m, long from, long step, long to) {
    FloatVector d0 = FloatVector.fromMemorySegment(FLOATS, m, from, ORDER);
    FloatVector d1 = FloatVector.fromMemorySegment(FLOATS, m, from + step, ORDER);
    FloatVector d2 = FloatVector.fromMemorySegment(FLOATS, m, from + 2 * step, ORDER);
    FloatVector d3 = FloatVector.fromMemorySegment(FLOATS, m, from + 3 * step, ORDER);
    d0.sub(d2).intoMemorySegment(m, to, ORDER);
    d1.add(d2).intoMemorySegment(m, to + 4 * BYTES, ORDER);
    d2.sub(d1).intoMemorySegment(m, to + 8 * BYTES, ORDER);
    d1.sub(d3).intoMemorySegment(m, to + 12 * BYTES, ORDER);
  }

  /** Four neighbouring values become those of points {@code p … p + 3}. */
  private static void inputRow2(
      MemorySegment m, long from, float[] a, int to, int[] offsets, int p) {
    FloatVector d0 = FloatVector.fromMemorySegment(FLOATS, m, from, ORDER);
    FloatVector d1 = FloatVector.fromMemorySegment(FLOATS, m, from + BYTES, ORDER);
    FloatVector d2 = FloatVector.fromMemorySegment(FLOATS, m, from + 2 * BYTES, ORDER);
    FloatVector d3 = FloatVector.fromMemorySegment(FLOATS, m, from + 3 * BYTES, ORDER);
    d0.sub(d2).intoArray(a, to + offsets[p]);
    d1.add(d2).intoArray(a, to + offsets[p + 1]);
    d2.sub(d1).intoArray(a, to + offsets[p + 2]);
    d1.sub(d3).intoArray(a, to + offsets[p + 3]);
  }

  /** Six values {@code step} bytes apart become six, a row of the half transform apart. */
  private static void inputColumn4(MemorySegment m, long from, long step, long to) {
    FloatVector d0 = FloatVector.fromMemorySegment(FLOATS, m, from, ORDER);
    FloatVector d1 = FloatVector.fromMemorySegment(FLOATS, m, from + step, ORDER);
    FloatVector d2 = FloatVector.fromMemorySegment(FLOATS, m, from + 2 * step, ORDER);
    FloatVector d3 = FloatVector.fromMemorySegment(FLOATS, m, from + 3 * step, ORDER);
    FloatVector d4 = FloatVector.fromMemorySegment(FLOATS, m, from + 4 * step, ORDER);
    FloatVector d5 = FloatVector.fromMemorySegment(FLOATS, m, from + 5 * step, ORDER);
    FloatVector even = d4.sub(d2.mul(A2));
    FloatVector odd = d3.sub(d1.mul(A2)).mul(B);
    FloatVector even2 = d4.sub(d2.mul(B2));
    FloatVector odd2 = d3.sub(d1.mul(B2)).mul(A);
    d0.mul(A2 * B2).sub(d2.mul(A2 + B2)).add(d4).intoMemorySegment(m, to, ORDER);
    even.add(odd).intoMemorySegment(m, to + 6 * BYTES, ORDER);
    even.sub(odd).intoMemorySegment(m, to + 12 * BYTES, ORDER);
    even2.add(odd2).intoMemorySegment(m, to + 18 * BYTES, ORDER);
    even2.sub(odd2).intoMemorySegment(m, to + 24 * BYTES, ORDER);
    d1.mul(A2 * B2).sub(d3.mul(A2 + B2)).add(d5).intoMemorySegment(m, to + 30 * BYTES, ORDER);
  }

  /** Six neighbouring values become those of points {@code p … p + 5}. */
  private static void inputRow4(
      MemorySegment m, long from, float[] a, int to, int[] offsets, int p) {
    FloatVector d0 = FloatVector.fromMemorySegment(FLOATS, m, from, ORDER);
    FloatVector d1 = FloatVector.fromMemorySegment(FLOATS, m, from + BYTES, ORDER);
    FloatVector d2 = FloatVector.fromMemorySegment(FLOATS, m, from + 2 * BYTES, ORDER);
    FloatVector d3 = FloatVector.fromMemorySegment(FLOATS, m, from + 3 * BYTES, ORDER);
    FloatVector d4 = FloatVector.fromMemorySegment(FLOATS, m, from + 4 * BYTES, ORDER);
    FloatVector d5 = FloatVector.fromMemorySegment(FLOATS, m, from + 5 * BYTES, ORDER);
    FloatVector even = d4.sub(d2.mul(A2));
    FloatVector odd = d3.sub(d1.mul(A2)).mul(B);
    FloatVector even2 = d4.sub(d2.mul(B2));
    FloatVector odd2 = d3.sub(d1.mul(B2)).mul(A);
    d0.mul(A2 * B2).sub(d2.mul(A2 + B2)).add(d4).intoArray(a, to + offsets[p]);
    even.add(odd).intoArray(a, to + offsets[p + 1]);
    even.sub(odd).intoArray(a, to + offsets[p + 2]);
    even2.add(odd2).intoArray(a, to + offsets[p + 3]);
    even2.sub(odd2).intoArray(a, to + offsets[p + 4]);
    d1.mul(A2 * B2).sub(d3.mul(A2 + B2)).add(d5).intoArray(a, to + offsets[p + 5]);
  }

  /** The matrix products of one point: tiles × input channels times input channels × output channels. */
  private void multiply(int p, int count, float[] a, MemorySegment m, long products) {
    for (Columns c : columns) {
      GemmConvolution.product(
          c.vectors,
          count,
          a,
          pointOffsets[p],
          spec.inChannels(),
          packed,
          c.weights + (long) p * spec.inChannels() * c.vectors * BYTES,
          m,
          products + product(c, p));
    }
  }

  /** Byte offset of the products of a point with one tile's columns. */
  private long product(Columns c, int p) {
    long rows = mostTiles + SLACK;
    return (points * c.firstVector + (long) p * c.vectors) * rows * BYTES;
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
      long work,
      ZeroCounts counts,
      int thread) {
    int end = Math.min(count, from + finishedTiles());
    long half = work;
    long pixels = work + 2 * HALF_BYTES;
    long places = pixels + PIXELS_BYTES;
    long residualPlaces = places + PLACES_BYTES;
    int rows = 0;
    for (int t = from; t < end; t++) {
      rows += place(m, firstTile + t, rows, places, residualPlaces);
    }
    for (Columns c : columns) {
      long pointStep = (long) (mostTiles + SLACK) * c.vectors * BYTES;
      long rowBytes = (long) c.vectors * BYTES;
      long to = pixels;
      for (int t = from; t < end; t++) {
        for (int v = 0; v < c.vectors; v++) {
          long source = products + product(c, 0) + (t * (long) c.vectors + v) * BYTES;
          long pixel = to + (long) v * BYTES;
          if (tile == 2) {
            for (int j = 0; j < 4; j++) {
              output2(m, source + j * pointStep, 4 * pointStep, half + (long) j * BYTES, 4 * BYTES);
            }
            for (int i = 0; i < 2; i++) {
              output2(m, half + i * (4L * BYTES), BYTES, pixel + i * 2 * rowBytes, rowBytes);
            }
          } else {
            for (int j = 0; j < 6; j++) {
              output4(m, source + j * pointStep, 6 * pointStep, half + (long) j * BYTES, 6 * BYTES);
            }
            for (int i = 0; i < 4; i++) {
              output4(m, half + i * (6L * BYTES), BYTES, pixel + i * 4 * rowBytes, rowBytes);
            }
          }
        }
        to += clip(m, firstTile + t, to, rowBytes) * rowBytes;
      }
      Epilogue.finish(
          m,
          pixels,
          rows,
          c.vectors,
          c.vectors,
          bias,
          (long) c.firstVector * BYTES,
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
  }

  /** Four values {@code step} bytes apart become two, {@code toStep} bytes apart. */
  private static void output2(MemorySegment m, long from, long step, long to, long toStep) {
    FloatVector m0 = FloatVector.fromMemorySegment(FLOATS, m, from, ORDER);
    FloatVector m1 = FloatVector.fromMemorySegment(FLOATS, m, from + step, ORDER);
    FloatVector m2 = FloatVector.fromMemorySegment(FLOATS, m, from + 2 * step, ORDER);
    FloatVector m3 = FloatVector.fromMemorySegment(FLOATS, m, from + 3 * step, ORDER);
    m0.add(m1).add(m2).intoMemorySegment(m, to, ORDER);
    m1.sub(m2).sub(m3).intoMemorySegment(m, to + toStep, ORDER);
  }

  /** Six values {@code step} bytes apart become four, {@code toStep} bytes apart. */
  private static void output4(MemorySegment m, long from, long step, long to, long toStep) {
    FloatVector m0 = FloatVector.fromMemorySegment(FLOATS, m, from, ORDER);
    FloatVector m1 = FloatVector.fromMemorySegment(FLOATS, m, from + step, ORDER);
    FloatVector m2 = FloatVector.fromMemorySegment(FLOATS, m, from + 2 * step, ORDER);
    FloatVector m3 = FloatVector.fromMemorySegment(FLOATS, m, from + 3 * step, ORDER);
    FloatVector m4 = FloatVector.fromMemorySegment(FLOATS, m, from + 4 * step, ORDER);
    FloatVector m5 = FloatVector.fromMemorySegment(FLOATS, m, from + 5 * step, ORDER);
    FloatVector sum12 = m1.add(m2);
    FloatVector difference12 = m1.sub(m2);
    FloatVector sum34 = m3.add(m4);
    FloatVector difference34 = m3.sub(m4);
    m0.add(sum12).add(sum34).intoMemorySegment(m, to, ORDER);
    difference34.mul(A).add(difference12.mul(B)).intoMemorySegment(m, to + toStep, ORDER);
    sum34.mul(A2).add(sum12.mul(B2)).intoMemorySegment(m, to + 2 * toStep, ORDER);
    difference34
        .mul(A * A2)
        .add(difference12.mul(B * B2))
        .add(m5)
        .intoMemorySegment(m, to + 3 * toStep, ORDER);
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
        m.set(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L, output.offset(n, 0, y, x));
        if (residual != null) {
          m.set(
              ValueLayout.JAVA_LONG_UNALIGNED,
              residualPlaces + r * 8L,
              residual.offset(n, 0, y, x));
        }
      }
    }
    return width * height;
  }
}
