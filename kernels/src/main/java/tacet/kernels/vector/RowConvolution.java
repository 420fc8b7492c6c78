package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.COUNT;
import static tacet.kernels.vector.Lanes.FLOAT;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.Parallel;
import tacet.kernels.RowWriter;
import tacet.kernels.ZeroCounts;
import tacet.kernels.vector.PackedWeights.Columns;

/**
 * Convolution of a row-major image of few channels to few others, as the first of a small network is, a row of output
 * pixels at a time. The input rows that it needs are copied into an array that stays in the first-level cache, the columns
 * of a stride apart from each other: then neighbouring outputs have neighbouring inputs, whatever the stride.
 */
final class RowConvolution implements RowWriter {

  /** Pixels of a tile. */
  private static final int PIXELS = 12;

  /** Widest tile in vectors: its sums must stay in registers. */
  private static final int WIDEST = Lanes.MANY_REGISTERS ? 2 : 1;

  /** Most floats of the copied rows: half of a first-level cache. */
  private static final int MOST_FLOATS = 6144;

  /** By the number of vectors. */
  private static final Rehearsal[] TILES = Rehearsal.several(WIDEST + 1);

  /** Even lanes first, odd lanes first, and halves swapped. */
  private static final VectorShuffle<Float> EVEN =
      VectorShuffle.fromOp(FLOATS, i -> i < COUNT / 2 ? 2 * i : 2 * i + 1 - COUNT);

  private static final VectorShuffle<Float> ODD =
      VectorShuffle.fromOp(FLOATS, i -> i < COUNT / 2 ? 2 * i + 1 : 2 * i - COUNT);

  private static final VectorShuffle<Float> SWAP =
      VectorShuffle.fromOp(FLOATS, i -> (i + COUNT / 2) % COUNT);

  private static final VectorMask<Float> UPPER_HALF = FLOATS.indexInRange(0, COUNT / 2).not();

  private final ConvSpec spec;
  private final ImageLayout input;
  private final ImageLayout output;
  private final ImageLayout residual;
  private final Columns columns;
  private final MemorySegment packed;
  private final MemorySegment bias;

  /** Floats of an input row's columns that are a stride apart. */
  private final int length;

  /** Where each k's inputs begin. */
  private final int[] at;

  private RowConvolution(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      PackedWeights weights,
      MemorySegment bias) {
    this.spec = spec;
    this.input = input;
    this.output = output;
    this.residual = residual;
    this.columns = weights.tiles()[0];
    this.packed = weights.memory();
    this.bias = bias;
    this.length = length(spec);
    this.at = new int[columns.at().length];
    int k = 0;
    for (int row = 0; row < spec.inChannels() * spec.kernelHeight(); row++) {
      for (int kx = 0; kx < spec.kernelWidth(); kx++) {
        int x = kx * spec.dilationX();
        at[k++] = (row * spec.strideX() + x % spec.strideX()) * length + x / spec.strideX();
      }
    }
  }

  /** Room for what the last pair of vectors writes too much. */
  private static int length(ConvSpec spec) {
    return Math.ceilDiv(read(spec), spec.strideX()) + COUNT;
  }

  /** Floats of an input row that are read. */
  private static int read(ConvSpec spec) {
    return (spec.outWidth() - 1) * spec.strideX() + (spec.kernelWidth() - 1) * spec.dilationX() + 1;
  }

  private static long floats(ConvSpec spec) {
    return (long) spec.inChannels() * spec.kernelHeight() * spec.strideX() * length(spec);
  }

  static boolean takes(ConvSpec spec, ImageLayout input, PackedWeights weights) {
    return input.lanes() == 1
        && spec.groups() == 1
        && weights.tiles().length == 1
        && weights.tiles()[0].vectors() <= WIDEST
        && spec.outWidth() >= PIXELS
        && floats(spec) <= MOST_FLOATS;
  }

  static RowConvolution prepare(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      PackedWeights weights,
      float[] bias,
      Arena arena) {
    int vectors = weights.tiles()[0].vectors();
    return new RowConvolution(
        spec, input, output, residual, weights, Epilogue.bias(bias, vectors, arena));
  }

  @Override
  public String name() {
    return "rows " + PIXELS + "x" + columns.vectors() + "v" + COUNT;
  }

  @Override
  public long multiplyAdds() {
    return spec.multiplyAdds();
  }

  @Override
  public long scratchBytes(int threads) {
    return threads * scratchPerThread();
  }

  /** The sums of a row, and where its pixels go. */
  private long scratchPerThread() {
    return sumBytes() + (spec.outWidth() * (long) Long.BYTES + 63) / 64 * 64;
  }

  private long sumBytes() {
    return (long) spec.outWidth() * columns.vectors() * BYTES;
  }

  @Override
  public boolean isSettled() {
    return TILES[columns.vectors()].isDone()
        && CountingEpilogue.isSettled(spec.activation(), columns.vectors());
  }

  @Override
  public void run(
      MemorySegment memory,
      long[] inputs,
      long out,
      long scratch,
      Parallel parallel,
      ZeroCounts counts) {
    parallel.forEach(
        spec.batch() * spec.outHeight(),
        (item, thread) -> {
          int y = item % spec.outHeight();
          int image = item / spec.outHeight();
          writeRows(memory, inputs, out, scratch, parallel, thread, counts, image, y, y + 1);
        });
  }

  @Override
  public RowWriter writing(ImageLayout to) {
    PackedWeights weights = new PackedWeights(new Columns[] {columns}, packed);
    return new RowConvolution(spec, input, to, residual, weights, bias);
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
    for (int y = from; y < to; y++) {
      row(memory, inputs, out, scratch, parallel, thread, counts, image, y);
    }
  }

  private void row(
      MemorySegment memory,
      long[] inputs,
      long out,
      long scratch,
      Parallel parallel,
      int thread,
      ZeroCounts counts,
      int n,
      int y) {
    long in = inputs[0] - spec.padTop() * input.rowStride() - spec.padLeft() * input.pixelStride();
    long sums = scratch + thread * scratchPerThread();
    product(
        memory,
        in + n * input.batchStride() + (long) y * spec.strideY() * input.rowStride(),
        parallel.floats(thread, (int) floats(spec)),
        sums);
    long places = sums + sumBytes();
    for (int x = 0; x < spec.outWidth(); x++) {
      memory.set(ValueLayout.JAVA_LONG_UNALIGNED, places + x * 8L, x * output.pixelStride());
    }
    Epilogue.finish(
        memory,
        sums,
        spec.outWidth(),
        columns.vectors(),
        columns.vectors(),
        bias,
        0,
        places,
        out + output.offset(n, 0, y, 0),
        output.blockStride(),
        places,
        residual == null ? -1 : inputs[1] + residual.offset(n, 0, y, 0),
        residual == null ? 0 : residual.blockStride(),
        spec.activation(),
        counts,
        thread,
        0);
  }

  /**
   * The sums of a row.
   *
   * @param in byte offset of the first input of its first pixel
   * @param a room for the input rows
   */
  private void product(MemorySegment m, long in, float[] a, long sums) {
    Rehearsal rehearsal = TILES[columns.vectors()];
    if (!rehearsal.isDone()) {
      long start = System.nanoTime();
      while (rehearsal.isDue()) {
        row(m, in, a, 0);
        tile(a, 0, m, sums);
        long copied = 4L * spec.strideX() * (length / COUNT);
        rehearsal.rehearsed(start, copied + PIXELS * (at.length + 2L) * columns.vectors());
        start = System.nanoTime();
      }
      for (int r = 0; r < spec.inChannels() * spec.kernelHeight(); r++) {
        rest(m, source(in, r), a, r * spec.strideX() * length, 0);
      }
      ColdCode.product(
          columns.vectors(), a, at, spec.outWidth(), packed, columns.weights(), m, sums);
      rehearsal.computed(start);
      return;
    }
    for (int r = 0; r < spec.inChannels() * spec.kernelHeight(); r++) {
      row(m, source(in, r), a, r * spec.strideX() * length);
    }
    for (int x = 0; x < spec.outWidth(); x += PIXELS) {
      // The last tile ends with the row: what it shares with the one before comes out the same.
      tile(a, Math.min(x, spec.outWidth() - PIXELS), m, sums);
    }
  }

  /** Byte offset of input row {@code r}, counted over channels and kernel rows. */
  private long source(long in, int r) {
    int ky = r % spec.kernelHeight();
    return in
        + r / spec.kernelHeight() * input.blockStride()
        + (long) ky * spec.dilationY() * input.rowStride();
  }

  private void tile(float[] a, int x, MemorySegment m, long sums) {
    long to = sums + (long) x * columns.vectors() * BYTES;
    long w = columns.weights();
    if (columns.vectors() == 1) {
      F32RowTile.tile12x1(a, at, x, packed, w, at.length, m, to);
    } else {
      F32RowTile.tile12x2(a, at, x, packed, w, at.length, m, to);
    }
  }

  /** Copies an input row, every column to those that are a multiple of the stride away. */
  private void row(MemorySegment m, long from, float[] a, int to) {
    int read = read(spec);
    if (spec.strideX() == 1) {
      int whole = FLOATS.loopBound(read);
      copy(m, from, a, to, whole);
      rest(m, from, a, to, whole);
    } else if (spec.strideX() == 2) {
      int pairs = read / (2 * COUNT);
      split(m, from, a, to, length, pairs);
      rest(m, from, a, to, pairs * 2 * COUNT);
    } else {
      rest(m, from, a, to, 0);
    }
  }

  /** As {@link MemorySegment#copy}, which makes objects of its arguments. */
  private static void copy(MemorySegment m, long from, float[] a, int to, int count) {
    m = Lanes.known(m);
    for (int i = 0; i < count; i += COUNT) {
      FloatVector.fromMemorySegment(FLOATS, m, from + (long) i * Float.BYTES, ORDER)
          .intoArray(a, to + i);
    }
  }

  /** Even columns to {@code even}, odd ones {@code apart} behind them. */
  private static void split(MemorySegment m, long from, float[] a, int even, int apart, int pairs) {
    m = Lanes.known(m);
    for (int i = 0; i < pairs; i++) {
      long o = from + (long) i * (2 * BYTES);
      // Even columns of the first half and odd ones, then the other way round.
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, o, ORDER).rearrange(EVEN);
      FloatVector y = FloatVector.fromMemorySegment(FLOATS, m, o + BYTES, ORDER).rearrange(ODD);
      int to = even + i * COUNT;
      x.blend(y, UPPER_HALF).intoArray(a, to);
      y.blend(x, UPPER_HALF).rearrange(SWAP).intoArray(a, to + apart);
    }
  }

  /** The same from column {@code first} on, a multiple of the stride, one by one. */
  private void rest(MemorySegment m, long from, float[] a, int to, int first) {
    int stride = spec.strideX();
    int read = read(spec);
    for (int phase = 0; phase < stride; phase++) {
      int j = to + phase * length + first / stride;
      for (int x = first + phase; x < read; x += stride) {
        a[j++] = m.get(FLOAT, from + (long) x * Float.BYTES);
      }
    }
  }
}
