package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.ORDER;
import static tacet.kernels.vector.Lanes.fma;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import tacet.kernels.ImageLayout;
import tacet.kernels.Parallel;
import tacet.kernels.PoolSpec;
import tacet.kernels.RowReader;
import tacet.kernels.ZeroCounts;

/**
 * Maximum and average pooling of one block of channels at a time, windows clipped to the image: first along the columns of
 * a row of windows, which overlap, then along the row.
 */
final class Pooling implements RowReader {

  private static final Rehearsal MAXIMUM = new Rehearsal();
  private static final Rehearsal AVERAGE = new Rehearsal();

  private final PoolSpec spec;
  private final ImageLayout input;
  private final ImageLayout output;

  Pooling(PoolSpec spec, ImageLayout input, ImageLayout output) {
    this.spec = spec;
    this.input = input;
    this.output = output;
  }

  @Override
  public String name() {
    return (spec.max() ? "max-pool " : "average-pool ") + "1v" + Lanes.COUNT;
  }

  @Override
  public long scratchBytes(int threads) {
    return threads * rowBytes();
  }

  private long rowBytes() {
    return (long) spec.inWidth() * BYTES;
  }

  @Override
  public long multiplyAdds() {
    return 0;
  }

  @Override
  public void run(
      MemorySegment memory,
      long[] inputs,
      long out,
      long scratch,
      Parallel parallel,
      ZeroCounts counts) {
    int blocks = output.blocks();
    parallel.forEach(
        spec.batch() * blocks,
        (item, thread) ->
            plane(
                memory,
                inputs[0],
                out,
                scratch,
                thread,
                counts,
                item / blocks,
                item % blocks,
                0,
                spec.outHeight()));
  }

  @Override
  public RowReader reading(ImageLayout from) {
    return new Pooling(spec, from, output);
  }

  @Override
  public int firstInputRow(int row) {
    int top = row * spec.strideY() - spec.padTop();
    return Math.clamp(top, 0, spec.inHeight());
  }

  @Override
  public int endInputRow(int row) {
    int top = row * spec.strideY() - spec.padTop();
    return Math.clamp(top + (spec.kernelHeight() - 1) * spec.dilationY() + 1, 0, spec.inHeight());
  }

  @Override
  public void readRows(
      MemorySegment memory,
      long in,
      long out,
      long scratch,
      int thread,
      ZeroCounts counts,
      int image,
      int from,
      int to) {
    for (int block = 0; block < output.blocks(); block++) {
      plane(memory, in, out, scratch, thread, counts, image, block, from, to);
    }
  }

  @Override
  public boolean isSettled() {
    return rehearsal().isDone();
  }

  private Rehearsal rehearsal() {
    return spec.max() ? MAXIMUM : AVERAGE;
  }

  /** Rows {@code from … to − 1} of one block of channels of an image. */
  private void plane(
      MemorySegment m,
      long input0,
      long output0,
      long scratch,
      int thread,
      ZeroCounts counts,
      int image,
      int block,
      int from,
      int to) {
    long in = input0 + image * input.batchStride() + block * input.blockStride();
    long out = output0 + image * output.batchStride() + block * output.blockStride();
    long columns = scratch + thread * rowBytes();
    int channel = block * Lanes.COUNT;
    int[] slab = counts == null ? null : counts.slab(thread);
    Rehearsal rehearsal = rehearsal();
    if (rehearsal.isDone()) {
      rows(m, in, out, columns, channel, counts, slab, from, to);
      return;
    }
    while (rehearsal.isDue()) {
      int[] nowhere = counts == null ? null : new int[slab.length];
      long began = System.nanoTime();
      rows(m, in, out, columns, channel, counts, nowhere, from, from + 1);
      long operations = 2L * spec.kernelHeight() * spec.inWidth() + 5L * spec.outWidth();
      rehearsal.rehearsed(began, operations + (long) spec.kernelWidth() * spec.outWidth());
    }
    long start = System.nanoTime();
    coldRows(m, in, out, channel, counts, slab, from, to);
    rehearsal.computed(start);
  }

  /**
   * @param columns byte offset of a row of scratch memory: the windows of a row pooled along their columns
   */
  private void rows(
      MemorySegment m,
      long in,
      long out,
      long columns,
      int channel,
      ZeroCounts counts,
      int[] slab,
      int from,
      int end) {
    long step = spec.dilationY() * input.rowStride();
    boolean dense = output.rowStride() == spec.outWidth() * output.pixelStride();
    for (int oy = from; oy < end; oy++) {
      int top = oy * spec.strideY() - spec.padTop();
      int ky = firstTap(top, spec.dilationY());
      int high = endTap(top, spec.dilationY(), spec.kernelHeight(), spec.inHeight()) - ky;
      long first = in + (top + (long) ky * spec.dilationY()) * input.rowStride();
      long to = out + oy * output.rowStride();
      if (!spec.max()) {
        sumColumns(m, first, high, step, columns, spec.inWidth());
        average(m, columns, to, top, high);
      } else if (maxColumns(m, first, high, step, columns, spec.inWidth())) {
        maximum(m, columns, to);
      } else {
        carefulMaximum(m, first, high, step, to);
      }
      if (counts != null && !dense) {
        Pointwise.countStored(m, to, spec.outWidth(), counts, slab, channel);
      }
    }
    if (counts != null && dense) {
      long first = out + from * output.rowStride();
      Pointwise.countStored(m, first, (end - from) * spec.outWidth(), counts, slab, channel);
    }
  }

  /** As {@link #rows}, without the Vector API. */
  void coldRows(
      MemorySegment m,
      long in,
      long out,
      int channel,
      ZeroCounts counts,
      int[] slab,
      int from,
      int end) {
    int lanes = Lanes.COUNT;
    float[] x = new float[spec.inWidth() * lanes];
    float[] columns = new float[x.length];
    float[] windows = new float[spec.outWidth() * lanes];
    float nothing = spec.max() ? Float.NEGATIVE_INFINITY : 0f;
    for (int oy = from; oy < end; oy++) {
      int top = oy * spec.strideY() - spec.padTop();
      int ky = firstTap(top, spec.dilationY());
      int rows = endTap(top, spec.dilationY(), spec.kernelHeight(), spec.inHeight()) - ky;
      Arrays.fill(columns, nothing);
      for (int r = 0; r < rows; r++) {
        long row = in + (top + (ky + r) * (long) spec.dilationY()) * input.rowStride();
        MemorySegment.copy(m, Lanes.FLOAT, row, x, 0, x.length);
        pool(columns, 0, x, 0, x.length);
      }
      Arrays.fill(windows, nothing);
      coldWindows(columns, windows, top, rows);
      if (counts != null) {
        ColdCode.count(windows, spec.outWidth(), lanes, lanes, counts, slab, channel);
      }
      MemorySegment.copy(windows, 0, m, Lanes.FLOAT, out + oy * output.rowStride(), windows.length);
    }
  }

  /** The windows of a row whose columns are pooled, one tap of all of them after the other. */
  private void coldWindows(float[] columns, float[] windows, int top, int rows) {
    int lanes = Lanes.COUNT;
    for (int k = 0; k < spec.kernelWidth(); k++) {
      int first = k * spec.dilationX() - spec.padLeft();
      int begin = Math.min(spec.outWidth(), firstTap(first, spec.strideX()));
      int end = endTap(first, spec.strideX(), spec.outWidth(), spec.inWidth());
      int from = (first + begin * spec.strideX()) * lanes;
      if (spec.max()) {
        maximum(windows, begin, end, columns, from, spec.strideX() * lanes, lanes);
      } else {
        add(windows, begin, end, columns, from, spec.strideX() * lanes, lanes);
      }
    }
    for (int ox = 0; ox < spec.outWidth() && !spec.max(); ox++) {
      int left = ox * spec.strideX() - spec.padLeft();
      int taps =
          endTap(left, spec.dilationX(), spec.kernelWidth(), spec.inWidth())
              - firstTap(left, spec.dilationX());
      ColdCode.divide(windows, ox * lanes, lanes, seen(top, left, rows, taps));
    }
  }

  private static void maximum(
      float[] into, int begin, int end, float[] x, int from, int step, int lanes) {
    for (int i = begin; i < end; i++) {
      ColdCode.maximum(into, i * lanes, x, from + (i - begin) * step, lanes);
    }
  }

  private static void add(
      float[] into, int begin, int end, float[] x, int from, int step, int lanes) {
    for (int i = begin; i < end; i++) {
      ColdCode.add(into, i * lanes, x, from + (i - begin) * step, lanes);
    }
  }

  private void pool(float[] into, int to, float[] x, int from, int length) {
    if (spec.max()) {
      ColdCode.maximum(into, to, x, from, length);
    } else {
      ColdCode.add(into, to, x, from, length);
    }
  }

  /** Elements that an average is taken over. */
  private int seen(int top, int left, int rows, int columns) {
    return spec.countIncludePad() ? stated(top, left) : rows * columns;
  }

  /**
   * The greatest of each column. Comparisons here ignore NaN, at a third of the cost of those that do not.
   *
   * @return whether there was neither NaN nor an infinity; if there was, the result may be wrong
   */
  private static boolean maxColumns(
      MemorySegment m, long first, int rows, long step, long columns, int width) {
    m = Lanes.known(m);
    FloatVector strange = FloatVector.zero(FLOATS);
    FloatVector zero = strange;
    if (rows == 3) {
      for (int i = 0; i < width; i++) {
        long o = (long) i * BYTES;
        FloatVector a = FloatVector.fromMemorySegment(FLOATS, m, first + o, ORDER);
        FloatVector b = FloatVector.fromMemorySegment(FLOATS, m, first + step + o, ORDER);
        FloatVector c = FloatVector.fromMemorySegment(FLOATS, m, first + 2 * step + o, ORDER);
        // Infinities of one sign and a NaN survive a sum; infinities of two signs become one.
        strange = fma(a.add(b).add(c), zero, strange);
        a = a.blend(b, b.compare(VectorOperators.GT, a));
        a.blend(c, c.compare(VectorOperators.GT, a)).intoMemorySegment(m, columns + o, ORDER);
      }
    } else if (rows == 2) {
      for (int i = 0; i < width; i++) {
        long o = (long) i * BYTES;
        FloatVector a = FloatVector.fromMemorySegment(FLOATS, m, first + o, ORDER);
        FloatVector b = FloatVector.fromMemorySegment(FLOATS, m, first + step + o, ORDER);
        strange = fma(a.add(b), zero, strange);
        a.blend(b, b.compare(VectorOperators.GT, a)).intoMemorySegment(m, columns + o, ORDER);
      }
    } else {
      for (int i = 0; i < width; i++) {
        long o = (long) i * BYTES;
        FloatVector v = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
        for (int r = 0; r < rows; r++) {
          FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, first + r * step + o, ORDER);
          strange = fma(x, zero, strange);
          v = v.blend(x, x.compare(VectorOperators.GT, v));
        }
        v.intoMemorySegment(m, columns + o, ORDER);
      }
    }
    return strange.eq(0f).allTrue();
  }

  /** The greatest of each window, whose columns hold neither NaN nor infinities. */
  private void maximum(MemorySegment m, long columns, long to) {
    m = Lanes.known(m);
    long step = spec.dilationX() * (long) BYTES;
    for (int ox = 0; ox < spec.outWidth(); ox++) {
      int left = ox * spec.strideX() - spec.padLeft();
      int kx = firstTap(left, spec.dilationX());
      int count = endTap(left, spec.dilationX(), spec.kernelWidth(), spec.inWidth()) - kx;
      long at = columns + (left + (long) kx * spec.dilationX()) * BYTES;
      FloatVector v;
      if (count == 3) {
        FloatVector a = FloatVector.fromMemorySegment(FLOATS, m, at, ORDER);
        FloatVector b = FloatVector.fromMemorySegment(FLOATS, m, at + step, ORDER);
        FloatVector c = FloatVector.fromMemorySegment(FLOATS, m, at + 2 * step, ORDER);
        a = a.blend(b, b.compare(VectorOperators.GT, a));
        v = a.blend(c, c.compare(VectorOperators.GT, a));
      } else {
        v = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
        for (int i = 0; i < count; i++) {
          FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, at + i * step, ORDER);
          v = v.blend(x, x.compare(VectorOperators.GT, v));
        }
      }
      v.intoMemorySegment(m, to + ox * output.pixelStride(), ORDER);
    }
  }

  /** The greatest of each window; NaN wins, as it does in Math.max. */
  private void carefulMaximum(MemorySegment m, long first, int rows, long step, long to) {
    m = Lanes.known(m);
    long columnStep = spec.dilationX() * input.pixelStride();
    for (int ox = 0; ox < spec.outWidth(); ox++) {
      int left = ox * spec.strideX() - spec.padLeft();
      int kx = firstTap(left, spec.dilationX());
      int count = endTap(left, spec.dilationX(), spec.kernelWidth(), spec.inWidth()) - kx;
      long at = first + (left + (long) kx * spec.dilationX()) * input.pixelStride();
      FloatVector v = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
      for (int r = 0; r < rows; r++) {
        for (int i = 0; i < count; i++) {
          FloatVector x =
              FloatVector.fromMemorySegment(FLOATS, m, at + r * step + i * columnStep, ORDER);
          // Greater or unordered, but a NaN stays.
          v = v.blend(x, x.compare(VectorOperators.LE, v).not().and(v.eq(v)));
        }
      }
      v.intoMemorySegment(m, to + ox * output.pixelStride(), ORDER);
    }
  }

  private static void sumColumns(
      MemorySegment m, long first, int rows, long step, long columns, int width) {
    m = Lanes.known(m);
    for (int i = 0; i < width; i++) {
      long o = (long) i * BYTES;
      FloatVector v = FloatVector.zero(FLOATS);
      for (int r = 0; r < rows; r++) {
        v = v.add(FloatVector.fromMemorySegment(FLOATS, m, first + r * step + o, ORDER));
      }
      v.intoMemorySegment(m, columns + o, ORDER);
    }
  }

  /**
   * @param top first row of the windows
   * @param rows rows of the windows that lie within the image
   */
  private void average(MemorySegment m, long columns, long to, int top, int rows) {
    m = Lanes.known(m);
    long step = spec.dilationX() * (long) BYTES;
    for (int ox = 0; ox < spec.outWidth(); ox++) {
      int left = ox * spec.strideX() - spec.padLeft();
      int kx = firstTap(left, spec.dilationX());
      int count = endTap(left, spec.dilationX(), spec.kernelWidth(), spec.inWidth()) - kx;
      long at = columns + (left + (long) kx * spec.dilationX()) * BYTES;
      FloatVector v = FloatVector.zero(FLOATS);
      for (int i = 0; i < count; i++) {
        v = v.add(FloatVector.fromMemorySegment(FLOATS, m, at + i * step, ORDER));
      }
      v.div(seen(top, left, rows, count))
          .intoMemorySegment(m, to + ox * output.pixelStride(), ORDER);
    }
  }

  private static int firstTap(int start, int dilation) {
    return start >= 0 ? 0 : Math.ceilDiv(-start, dilation);
  }

  private static int endTap(int start, int dilation, int kernel, int extent) {
    return Math.clamp(Math.ceilDiv(extent - start, dilation), 0, kernel);
  }

  /** Elements of a window that lie within the image and its stated padding. */
  private int stated(int top, int left) {
    int bottom = spec.inHeight() + spec.padBottom();
    int right = spec.inWidth() + spec.padRight();
    return endTap(top, spec.dilationY(), spec.kernelHeight(), bottom)
        * endTap(left, spec.dilationX(), spec.kernelWidth(), right);
  }
}
