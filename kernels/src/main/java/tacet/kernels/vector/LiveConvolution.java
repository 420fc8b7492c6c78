package tacet.kernels.vector;

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
import tacet.kernels.ZeroCounts;
import tacet.kernels.vector.PackedWeights.Columns;

/**
 * Convolution as the matrix product of {@link GemmConvolution}, without what meets whole vectors of zeros: a vector of
 * input channels, under one tap, that is zero for all pixels of a group is not gathered, and the weights it would meet are
 * left out of a copy of the panel. The micro-kernels then run over what is left, as fast as they do without zeros; the copy
 * is of weights that are read anyway, and every vector of it meets all rows of the group.
 */
final class LiveConvolution implements Kernel {

  private static final int ROWS = 6;

  /** Most rows of a group. */
  private static final int GROUP = 60;

  /** Room for the sums of a group; a tile more than asked for, since rows are computed in whole tiles. */
  private static final long GROUP_BYTES = (GROUP + ROWS) * (4L * Lanes.BYTES);

  private static final long PLACES_BYTES = (GROUP * (long) Long.BYTES + 63) / 64 * 64;

  /** Most vectors of channels of a panel; a row of the left operand holds one more. */
  private static final int PANEL = F32Tile.STRIDE / Lanes.COUNT - 1;

  /** A panel's weights under one tile of columns. */
  private static final long WEIGHT_BYTES = (long) PANEL * Lanes.COUNT * 4 * Lanes.BYTES;

  /** Two ints for each stretch of k that is left of a panel. */
  private static final long STRETCH_BYTES = (PANEL * 8L + 63) / 64 * 64;

  private final ConvSpec spec;
  private final ImageLayout input;
  private final Outputs outputs;
  private final Columns[] columns;
  private final MemorySegment packed;
  private final RowGroups groups;

  /** For each vector of channels under each tap, its byte distance from a pixel's first input, and its first k. */
  private final long[] from;

  /** One entry more: the end of the last. */
  private final int[] first;

  private LiveConvolution(
      ConvSpec spec, ImageLayout input, PackedWeights weights, Outputs outputs) {
    this.spec = spec;
    this.input = input;
    this.outputs = outputs;
    this.columns = weights.tiles();
    this.packed = weights.memory();
    this.groups = RowGroups.of(spec.outPixels(), ROWS, GROUP);
    int taps = spec.kernelHeight() * spec.kernelWidth();
    int vectors = input.blocks() * taps;
    this.from = new long[vectors];
    this.first = new int[vectors + 1];
    for (int v = 0, k = 0; v < vectors; v++) {
      from[v] = columns[0].at()[k];
      k += Math.min(Lanes.COUNT, spec.inChannels() - v / taps * Lanes.COUNT);
      first[v + 1] = k;
    }
  }

  /** Whether a convolution has vectors of channels that could be left out. */
  static boolean takes(ConvSpec spec, ImageLayout input) {
    return spec.groups() == 1
        && input.lanes() == Lanes.COUNT
        && spec.inChannels() >= 2 * Lanes.COUNT;
  }

  /**
   * @param weights finite ones
   */
  static LiveConvolution prepare(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      PackedWeights weights,
      float[] bias,
      Arena arena) {
    return new LiveConvolution(
        spec, input, weights, Outputs.of(spec, output, residual, bias, arena));
  }

  @Override
  public String name() {
    return "sparse-gemm " + GemmConvolution.tile(columns[0].vectors());
  }

  @Override
  public long multiplyAdds() {
    return spec.multiplyAdds();
  }

  @Override
  public boolean isSettled() {
    for (Columns c : columns) {
      if (!GemmConvolution.isSettled(c.vectors()) || !outputs.isSettled(c.vectors())) {
        return false;
      }
    }
    return true;
  }

  @Override
  public long scratchBytes(int threads) {
    return threads * scratchPerThread();
  }

  /** What is left of weights and k, one column's products, the rows' places, the sums of all columns. */
  private long scratchPerThread() {
    return WEIGHT_BYTES
        + STRETCH_BYTES
        + GROUP_BYTES
        + 3 * PLACES_BYTES
        + columns.length * GROUP_BYTES;
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
    long extra = inputs.length > 1 ? inputs[1] : -1;
    groups.forEach(
        parallel,
        columns.length,
        (begin, end, firstColumn, endColumn, thread) -> {
          int left = Scratchpad.lease(thread);
          try {
            group(
                memory,
                in,
                out,
                extra,
                scratch + thread * scratchPerThread(),
                left,
                begin,
                end,
                firstColumn,
                endColumn,
                counts,
                thread);
          } finally {
            Scratchpad.release(left);
          }
        });
  }

  private void group(
      MemorySegment m,
      long in,
      long out,
      long extra,
      long weights,
      int left,
      int begin,
      int end,
      int firstColumn,
      int endColumn,
      ZeroCounts counts,
      int thread) {
    int rows = end - begin;
    long stretches = weights + WEIGHT_BYTES;
    long products = stretches + STRETCH_BYTES;
    long sources = products + GROUP_BYTES;
    long places = sources + PLACES_BYTES;
    long residualPlaces = places + PLACES_BYTES;
    long sums = residualPlaces + PLACES_BYTES;
    outputs.place(m, begin, rows, sources, in, input, spec.strideY(), spec.strideX());
    outputs.place(m, begin, rows, places, residualPlaces);
    int vectors = from.length;
    int panels = Math.ceilDiv(vectors, PANEL);
    int living = 0;
    for (int p = 0; p < panels; p++) {
      int v0 = (int) ((long) vectors * p / panels);
      int v1 = (int) ((long) vectors * (p + 1) / panels);
      int depth = gather(m, v0, v1, sources, rows, left, stretches);
      living += depth;
      for (int c = firstColumn; c < endColumn; c++) {
        long sum = sums + (c - firstColumn) * GROUP_BYTES;
        if (depth > 0 || p == 0) {
          multiply(m, columns[c], rows, left, v0, v1, depth, weights, p == 0 ? sum : products);
        }
        if (depth > 0 && p > 0) {
          GemmConvolution.add(m, products, sum, rows * columns[c].vectors());
        }
        if (p == panels - 1) {
          outputs.finish(
              m,
              columns[c].firstVector(),
              columns[c].vectors(),
              columns[c].vectors(),
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
    if (counts != null) {
      int to = endColumn == columns.length ? spec.outChannels() : channel(endColumn);
      counts.addSkipped(
          thread, (long) (first[vectors] - living) * rows * (to - channel(firstColumn)));
    }
  }

  private int channel(int column) {
    return columns[column].firstVector() * Lanes.COUNT;
  }

  /**
   * Gathers the vectors {@code v0 … v1 − 1} that are not zero for all rows, next to each other.
   *
   * @param left index in the scratchpad of the first row
   * @param stretches filled with the k of them: from and to, as ints, and from the last of all on an empty one
   * @return number of k gathered
   */
  private int gather(
      MemorySegment m, int v0, int v1, long sources, int rows, int left, long stretches) {
    int depth = 0;
    long stretch = stretches - 8;
    int end = -1;
    for (int v = v0; v < v1; v++) {
      if (isZero(m, from[v], first[v + 1] - first[v], sources, rows)) {
        continue;
      }
      if (first[v] != end) {
        stretch += 8;
        m.set(ValueLayout.JAVA_INT, stretch, first[v]);
      }
      end = first[v + 1];
      m.set(ValueLayout.JAVA_INT, stretch + 4, end);
      gather(m, from[v], sources, rows, left + depth);
      depth += end - first[v];
    }
    return depth;
  }

  /** Most vectors are not, and most of those show it at the first pixel. Lanes behind the last channel hold anything. */
  private static boolean isZero(MemorySegment m, long from, int lanes, long sources, int rows) {
    m = Lanes.known(m);
    VectorMask<Float> channels = FLOATS.indexInRange(0, lanes);
    for (int r = 0; r < rows; r++) {
      long x = m.get(ValueLayout.JAVA_LONG, sources + r * 8L) + from;
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, m, x, ORDER);
      if (v.compare(VectorOperators.NE, 0f, channels).anyTrue()) {
        return false;
      }
    }
    return true;
  }

  /** What a vector has too much behind the last channel is overwritten or not looked at. */
  private static void gather(MemorySegment m, long from, long sources, int rows, int to) {
    m = Lanes.known(m);
    for (int r = 0; r < rows; r++) {
      long x = m.get(ValueLayout.JAVA_LONG, sources + r * 8L) + from;
      FloatVector.fromMemorySegment(FLOATS, m, x, ORDER)
          .intoArray(Scratchpad.ARRAY, (to + r * F32Tile.STRIDE) & Scratchpad.MASK);
    }
  }

  /** The products of what is left of a panel. */
  private void multiply(
      MemorySegment m,
      Columns c,
      int rows,
      int left,
      int v0,
      int v1,
      int depth,
      long weights,
      long to) {
    long row = (long) c.vectors() * Lanes.BYTES;
    float[] a = Scratchpad.ARRAY;
    int b0 = left + GemmConvolution.LEFT;
    if (depth == first[v1] - first[v0]) {
      long w = c.weights() + first[v0] * row;
      GemmConvolution.product(c.vectors(), rows, a, left, depth, packed, w, b0, m, to);
      return;
    }
    long stretch = weights + WEIGHT_BYTES;
    for (int k = 0; k < depth; stretch += 8) {
      int k0 = m.get(ValueLayout.JAVA_INT, stretch);
      int k1 = m.get(ValueLayout.JAVA_INT, stretch + 4);
      MemorySegment.copy(packed, c.weights() + k0 * row, m, weights + k * row, (k1 - k0) * row);
      k += k1 - k0;
    }
    GemmConvolution.product(c.vectors(), rows, a, left, depth, m, weights, b0, m, to);
  }
}
