package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.Parallel;
import tacet.kernels.Weights;
import tacet.kernels.ZeroCounts;

/**
 * A dense layer on few images: a matrix times a vector, bound by how fast the matrix is read. Weights lie input-major: a
 * row of M outputs for each input, so that memory is read in long runs and a zero input is a row that need not be read at
 * all. Inputs are listed first, value and row; then rows are added up four at a time. Short rows are added up strip by strip,
 * and without a list where none of them is left out.
 *
 * <p>Rows follow the order in which the input lies in memory, whatever the order of the weights' columns was.
 */
final class DenseLayer implements Kernel {

  /** Above this a matrix product reads the weights as rarely and computes faster. */
  static final int MOST_IMAGES = 8;

  /** Bytes of accumulators that stay in a first-level cache beside four rows in flight. */
  private static final int BLOCK_BYTES = 16 << 10;

  /** Runs of a row shorter than this defeat the prefetcher. */
  private static final int SHORTEST_RUN = 4 << 10;

  /** Pieces into which the inputs are cut where rows are too short to be cut among threads. */
  private static final int PIECES = 8;

  /** Bytes of weights that every image reads before the next are fetched. */
  private static final int PANEL_BYTES = 256 << 10;

  /**
   * Inputs that neighbour each other in memory.
   *
   * @param offset byte distance from the image's first element
   * @param length number of elements
   * @param firstRow row of weights that the first of them meets
   */
  private record Run(long offset, int length, int firstRow) {}

  private final ConvSpec spec;
  private final ImageLayout input;
  private final ImageLayout output;
  private final ImageLayout residual;
  private final Run[] runs;
  private final DenseWeights weights;
  private final MemorySegment bias;
  private final boolean skipping;

  private DenseLayer(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      Run[] runs,
      DenseWeights weights,
      MemorySegment bias,
      boolean skipping) {
    this.spec = spec;
    this.input = input;
    this.output = output;
    this.residual = residual;
    this.runs = runs;
    this.weights = weights;
    this.bias = bias;
    this.skipping = skipping;
  }

  /** Whether a convolution is a dense layer that this class computes well. */
  static boolean takes(ConvSpec spec) {
    return spec.groups() == 1
        && spec.kernelHeight() * spec.kernelWidth() == 1
        && spec.outHeight() * spec.outWidth() == 1
        && spec.padTop() == 0
        && spec.padLeft() == 0
        && spec.batch() <= MOST_IMAGES
        && spec.outChannels() >= 4 * Lanes.COUNT;
  }

  static DenseLayer prepare(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      FlattenOrder flattened,
      Weights weights,
      float[] bias,
      Arena arena,
      Parallel parallel) {
    int inputs = spec.inChannels();
    int[] columns = new int[inputs];
    Run[] runs =
        flattened == FlattenOrder.NONE
            ? runs(input, 1, 1, FlattenOrder.NCHW, columns)
            : runs(input, input.height(), input.width(), flattened, columns);
    DenseWeights packed = DenseWeights.pack(weights, columns, spec.outChannels(), arena, parallel);
    return new DenseLayer(
        spec,
        input,
        output,
        residual,
        runs,
        packed,
        Epilogue.bias(bias, packed.vectors(), arena),
        false);
  }

  /** The same layer, passing over zero inputs: right where all weights are finite. */
  DenseLayer skipping() {
    return new DenseLayer(spec, input, output, residual, runs, weights, bias, true);
  }

  /**
   * @param columns filled with the column of the weights that each row comes from
   */
  private static Run[] runs(
      ImageLayout in, int height, int width, FlattenOrder order, int[] columns) {
    List<Run> runs = new ArrayList<>();
    int row = 0;
    for (int block = 0; block < in.blocks(); block++) {
      int c0 = block * in.lanes();
      int c1 = Math.min(in.channels(), c0 + in.lanes());
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          append(runs, new Run(in.offset(0, c0, y, x), c1 - c0, row));
          for (int c = c0; c < c1; c++) {
            columns[row++] =
                order == FlattenOrder.NCHW
                    ? (c * height + y) * width + x
                    : (y * width + x) * in.channels() + c;
          }
        }
      }
    }
    return runs.toArray(Run[]::new);
  }

  private static void append(List<Run> runs, Run next) {
    Run last = runs.isEmpty() ? null : runs.getLast();
    if (last != null && last.offset + (long) last.length * Float.BYTES == next.offset) {
      runs.removeLast();
      runs.add(new Run(last.offset, last.length + next.length, last.firstRow));
    } else {
      runs.add(next);
    }
  }

  /** Number of the run that a row's input is in. */
  private int run(int row) {
    int low = 0;
    int high = runs.length - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (runs[middle].firstRow <= row) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  @Override
  public String name() {
    String rows = !weights.hasStrips() ? "4xv" : (skipping ? "1x" : "2x") + DenseRows.STRIP + "v";
    return (skipping ? "sparse-dense " : "dense ") + rows + Lanes.COUNT;
  }

  @Override
  public long multiplyAdds() {
    return spec.multiplyAdds();
  }

  @Override
  public boolean isSettled() {
    return CountingEpilogue.isSettled(spec.activation(), weights.vectors());
  }

  @Override
  public long scratchBytes(int threads) {
    return spec.batch() * (listBytes() + PIECES * (weights.rowBytes() + 64)) + 16 * spec.batch();
  }

  /** Values, then rows, of the inputs of one image; room for a whole vector behind either. */
  private long listBytes() {
    return 2 * valueBytes();
  }

  private long valueBytes() {
    return ((weights.inputs() + 2L * Lanes.COUNT) * Float.BYTES + 63) / 64 * 64;
  }

  /** Whether inputs are listed first: not where short rows are read one after the other. */
  private boolean isListed() {
    return skipping || !weights.hasStrips();
  }

  private boolean cutsInputs() {
    return weights.rowBytes() < SHORTEST_RUN && weights.inputs() >= 64 * PIECES;
  }

  @Override
  public void run(
      MemorySegment memory,
      long[] inputs,
      long out,
      long scratch,
      Parallel parallel,
      ZeroCounts counts) {
    int images = spec.batch();
    int[] listed = new int[images];
    for (int n = 0; n < images; n++) {
      listed[n] =
          isListed()
              ? list(memory, inputs[0] + n * input.batchStride(), scratch + n * listBytes())
              : weights.inputs();
      if (counts != null) {
        counts.addSkipped(0, (long) (weights.inputs() - listed[n]) * spec.outChannels());
      }
    }
    long sums = scratch + images * listBytes();
    long extra = residual == null ? -1 : inputs[1];
    if (cutsInputs()) {
      parallel.forEach(
          PIECES,
          (piece, _) ->
              multiply(
                  memory, inputs[0], scratch, sums, listed, 0, weights.vectors(), piece, PIECES));
      for (int n = 0; n < images; n++) {
        addPieces(memory, sums, n);
        finish(memory, sums, n, out, extra, 0, weights.vectors(), counts, 0);
      }
      return;
    }
    int cuts = Math.clamp(weights.rowBytes() / SHORTEST_RUN, 1, parallel.threads());
    parallel.forEach(
        cuts,
        (cut, thread) -> {
          int end = (int) ((long) weights.vectors() * (cut + 1) / cuts);
          int step = BLOCK_BYTES / BYTES;
          int first = (int) ((long) weights.vectors() * cut / cuts);
          for (int v = first; v < end; v += step) {
            int to = Math.min(end, v + step);
            multiply(memory, inputs[0], scratch, sums, listed, v, to, 0, 1);
            for (int n = 0; n < images; n++) {
              finish(memory, sums, n, out, extra, v, to, counts, thread);
            }
          }
        });
  }

  private int list(MemorySegment m, long image, long list) {
    int count = 0;
    long rows = list + valueBytes();
    for (Run r : runs) {
      count =
          skipping
              ? Compress.nonZeros(m, image + r.offset, r.length, r.firstRow, list, rows, count)
              : Compress.all(m, image + r.offset, r.length, r.firstRow, list, rows, count);
    }
    return count;
  }

  /** Byte offset of an image's sums over one piece of the inputs. */
  private long sums(long sums, int n, int piece) {
    return sums + (n * (long) PIECES + piece) * weights.rowBytes();
  }

  private void multiply(
      MemorySegment m,
      long in,
      long lists,
      long sums,
      int[] listed,
      int from,
      int to,
      int piece,
      int pieces) {
    long first = (long) from * BYTES;
    int bytes = (to - from) * BYTES;
    for (int n = 0; n < spec.batch(); n++) {
      clear(m, sums(sums, n, piece) + first, bytes);
    }
    int begin = (int) ((long) weights.inputs() * piece / pieces);
    int end = (int) ((long) weights.inputs() * (piece + 1) / pieces);
    int panel = spec.batch() == 1 ? end - begin : Math.max(16, PANEL_BYTES / bytes);
    for (int row = begin, last; row < end; row = last) {
      int partEnd = (row / weights.partRows() + 1) * weights.partRows();
      last = Math.min(Math.min(end, partEnd), row + panel);
      for (int n = 0; n < spec.batch(); n++) {
        addRows(
            m,
            in + n * input.batchStride(),
            lists + n * listBytes(),
            listed[n],
            row,
            last,
            first,
            sums(sums, n, piece) + first,
            bytes);
      }
    }
  }

  /**
   * Adds the rows {@code from … to − 1} of one part, or {@code bytes} of each from byte {@code
   * first} on, to sums.
   *
   * <p>Rows that lie strip by strip are added whole: they are shorter than what columns are cut into.
   *
   * @param image byte offset of the image
   * @param list byte offset of the image's listed values, of which there are {@code listed}
   */
  private void addRows(
      MemorySegment m,
      long image,
      long list,
      int listed,
      int from,
      int to,
      long first,
      long sums,
      int bytes) {
    int part = from / weights.partRows();
    MemorySegment w = weights.parts()[part];
    int firstRow = part * weights.partRows();
    long strip = weights.stripBytes(part);
    long step = (long) DenseRows.STRIP * BYTES;
    if (!isListed()) {
      int begin = from;
      for (int n = run(from); begin < to; n++) {
        Run r = runs[n];
        int end = Math.min(to, r.firstRow + r.length);
        long values = image + r.offset + (begin - r.firstRow) * (long) Float.BYTES;
        for (int i = 0; i < weights.strips(); i++) {
          long row = i * strip + (begin - firstRow) * step;
          DenseRows.addStrip(w, row, m, values, end - begin, sums + i * step);
        }
        begin = end;
      }
      return;
    }
    long rows = list + valueBytes();
    int i = position(m, rows, listed, from);
    int j = position(m, rows, listed, to);
    if (!weights.hasStrips()) {
      long rowBytes = weights.rowBytes();
      DenseRows.addRows(w, first - firstRow * rowBytes, rowBytes, m, list, rows, i, j, sums, bytes);
      return;
    }
    for (int k = 0; k < weights.strips(); k++) {
      long origin = k * strip - firstRow * step;
      DenseRows.addStrip(w, origin, m, list, rows, i, j, sums + k * step);
    }
  }

  /** How many of the listed rows, which ascend, lie before {@code row}. */
  private static int position(MemorySegment m, long rows, int count, int row) {
    int low = 0;
    int high = count;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (m.get(ValueLayout.JAVA_INT, rows + middle * 4L) < row) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static void clear(MemorySegment m, long at, int bytes) {
    m = Lanes.known(m);
    FloatVector zero = FloatVector.zero(FLOATS);
    for (int o = 0; o < bytes; o += BYTES) {
      zero.intoMemorySegment(m, at + o, ORDER);
    }
  }

  private void addPieces(MemorySegment m, long sums, int n) {
    m = Lanes.known(m);
    long to = sums(sums, n, 0);
    for (int v = 0; v < weights.vectors(); v++) {
      FloatVector a = FloatVector.fromMemorySegment(FLOATS, m, to + (long) v * BYTES, ORDER);
      for (int p = 1; p < PIECES; p++) {
        long o = sums(sums, n, p) + (long) v * BYTES;
        a = a.add(FloatVector.fromMemorySegment(FLOATS, m, o, ORDER));
      }
      a.intoMemorySegment(m, to + (long) v * BYTES, ORDER);
    }
  }

  private void finish(
      MemorySegment m,
      long sums,
      int n,
      long out,
      long extra,
      int from,
      int to,
      ZeroCounts counts,
      int thread) {
    // One row, and it goes to its image's own place.
    long places = sums + spec.batch() * (long) PIECES * weights.rowBytes() + n * 16L;
    m.set(ValueLayout.JAVA_LONG, places, 0);
    m.set(ValueLayout.JAVA_LONG, places + 8, 0);
    Epilogue.finish(
        m,
        sums(sums, n, 0) + (long) from * BYTES,
        1,
        to - from,
        to - from,
        bias,
        (long) from * BYTES,
        places,
        out + n * output.batchStride() + from * output.blockStride(),
        output.blockStride(),
        places + 8,
        residual == null ? -1 : extra + n * residual.batchStride() + from * residual.blockStride(),
        residual == null ? 0 : residual.blockStride(),
        spec.activation(),
        counts,
        thread,
        from * Lanes.COUNT);
  }
}
