package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.COUNT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import tacet.kernels.ZeroCounts;
import tacet.kernels.ZeroCounts.Kind;
import tacet.kernels.vector.Operand.Panel;

/**
 * Parts of the kernels without the Vector API, for the time until C2 has compiled those with it: a network's first result is
 * then there several times sooner. Every sum is formed in the same order, so that results are the same to the bit.
 *
 * <p>Loops that do the work have methods of their own, without memory segments where that is possible: C2 compiles those in a
 * tenth of the time that the methods around them would take, which stay short of being compiled.
 *
 * @see Rehearsal
 */
final class ColdCode {

  private static final ValueLayout.OfFloat FLOAT = Lanes.FLOAT;

  private ColdCode() {}

  /** As {@link GemmConvolution#product}. */
  static void product(
      int vectors,
      int rows,
      float[] a,
      int a0,
      int depth,
      MemorySegment w,
      long w0,
      MemorySegment m,
      long block) {
    float[][] columns = columns(depth, rows);
    for (int k = 0; k < depth; k++) {
      column(a, a0 + k, columns[k]);
    }
    product(vectors, columns, depth, rows, w, w0, m, block);
  }

  /** As {@link DirectConvolution#product}, rows {@code from … to − 1}. */
  static void product(
      int vectors,
      MemorySegment m,
      long[] sources,
      int from,
      int to,
      long[] at,
      int first,
      int depth,
      MemorySegment w,
      long w0,
      long block) {
    float[][] columns = columns(depth, to - from);
    for (int k = 0; k < depth; k++) {
      for (int r = from; r < to; r++) {
        columns[k][r - from] = m.get(FLOAT, sources[r] + at[first + k]);
      }
    }
    product(vectors, columns, depth, to - from, w, w0, m, block + (long) from * vectors * BYTES);
  }

  /** As {@link RowConvolution}'s products, {@code pixels} of them. */
  static void product(
      int vectors,
      float[] a,
      int[] at,
      int pixels,
      MemorySegment w,
      long w0,
      MemorySegment m,
      long block) {
    float[][] columns = columns(at.length, pixels);
    for (int k = 0; k < at.length; k++) {
      System.arraycopy(a, at[k], columns[k], 0, pixels);
    }
    product(vectors, columns, at.length, pixels, w, w0, m, block);
  }

  private static void column(float[] a, int from, float[] column) {
    for (int r = 0; r < column.length; r++) {
      column[r] = a[from + r * F32Tile.STRIDE];
    }
  }

  /** Columns of a left operand, of which {@link #multiplyAdd} takes four at a time: those behind the last are zero. */
  private static float[][] columns(int depth, int rows) {
    float[][] columns = new float[Math.ceilDiv(depth, 4) * 4][];
    for (int k = 0; k < columns.length; k++) {
      columns[k] = new float[rows];
    }
    return columns;
  }

  /**
   * Two columns of sums after the other, each of whose elements meets the columns of the left operand in their order. C2 makes
   * vectors of loops along whole arrays, and of none that begin within one.
   */
  private static void product(
      int vectors,
      float[][] columns,
      int depth,
      int rows,
      MemorySegment w,
      long w0,
      MemorySegment m,
      long block) {
    int width = vectors * COUNT;
    float[] weights = new float[columns.length * width];
    MemorySegment.copy(w, FLOAT, w0, weights, 0, depth * width);
    float[] sums = new float[rows * width];
    for (int j = 0; j < width; j += 2) {
      float[] even = new float[rows];
      float[] odd = new float[rows];
      for (int k = 0; k < columns.length; k += 4) {
        multiplyAdd(columns, k, weights, k * width + j, width, even, odd);
      }
      place(even, odd, sums, j, width);
    }
    MemorySegment.copy(sums, 0, m, FLOAT, block, sums.length);
  }

  private static void place(float[] even, float[] odd, float[] sums, int to, int width) {
    for (int r = 0; r < even.length; r++) {
      sums[r * width + to] = even[r];
      sums[r * width + to + 1] = odd[r];
    }
  }

  private static void multiplyAdd(
      float[][] columns, int k, float[] w, int at, int width, float[] even, float[] odd) {
    float[] x0 = columns[k];
    float[] x1 = columns[k + 1];
    float[] x2 = columns[k + 2];
    float[] x3 = columns[k + 3];
    float e0 = w[at];
    float e1 = w[at + width];
    float e2 = w[at + 2 * width];
    float e3 = w[at + 3 * width];
    float o0 = w[at + 1];
    float o1 = w[at + width + 1];
    float o2 = w[at + 2 * width + 1];
    float o3 = w[at + 3 * width + 1];
    if (Lanes.HAS_FMA) {
      for (int r = 0; r < even.length; r++) {
        float a = x0[r];
        float b = x1[r];
        float c = x2[r];
        float d = x3[r];
        even[r] = Math.fma(d, e3, Math.fma(c, e2, Math.fma(b, e1, Math.fma(a, e0, even[r]))));
        odd[r] = Math.fma(d, o3, Math.fma(c, o2, Math.fma(b, o1, Math.fma(a, o0, odd[r]))));
      }
    } else {
      for (int r = 0; r < even.length; r++) {
        even[r] = even[r] + x0[r] * e0 + x1[r] * e1 + x2[r] * e2 + x3[r] * e3;
        odd[r] = odd[r] + x0[r] * o0 + x1[r] * o1 + x2[r] * o2 + x3[r] * o3;
      }
    }
  }

  static void multiplyAdd(float x, float[] w, int from, float[] sums) {
    if (Lanes.HAS_FMA) {
      for (int j = 0; j < sums.length; j++) {
        sums[j] = Math.fma(x, w[from + j], sums[j]);
      }
    } else {
      for (int j = 0; j < sums.length; j++) {
        sums[j] += x * w[from + j];
      }
    }
  }

  /** As {@link Operand#gather}, where whole vectors may be read for every row. */
  static void gather(MemorySegment m, Panel panel, long places, int rows, float[] a, int a0) {
    for (int r = 0; r < rows; r++) {
      long x = m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      for (int i = 0; i < panel.from().length; i++) {
        int to = a0 + r * F32Tile.STRIDE + panel.to()[i];
        MemorySegment.copy(m, FLOAT, x + panel.from()[i], a, to, COUNT);
      }
    }
  }

  /** As {@link CountingEpilogue#finish}. */
  static void finish(
      MemorySegment m,
      long tile,
      int rows,
      int vectors,
      long step,
      MemorySegment bias,
      long biasOffset,
      long places,
      long out,
      long outStep,
      boolean rectify,
      float upper,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    int width = vectors * COUNT;
    int stride = (int) (step / Float.BYTES);
    float[] x = new float[(rows - 1) * stride + width];
    float[] b = new float[width];
    MemorySegment.copy(m, FLOAT, tile, x, 0, x.length);
    MemorySegment.copy(bias, FLOAT, biasOffset, b, 0, width);
    addToRows(x, rows, stride, b);
    if (rectify) {
      rectify(x, rows, stride, width, upper, counts, slab, channel);
    } else {
      count(x, rows, stride, width, counts, slab, channel);
    }
    store(x, rows, stride, vectors, m, places, out, outStep);
  }

  private static void store(
      float[] x,
      int rows,
      int stride,
      int vectors,
      MemorySegment m,
      long places,
      long out,
      long outStep) {
    for (int r = 0; r < rows; r++) {
      long to = out + m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      store(x, r * stride, vectors, m, to, outStep);
    }
  }

  private static void addToRows(float[] x, int rows, int stride, float[] b) {
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < b.length; i++) {
        x[r * stride + i] += b[i];
      }
    }
  }

  private static void rectify(
      float[] x,
      int rows,
      int stride,
      int width,
      float upper,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    int tau = Float.floatToRawIntBits(counts.threshold());
    int zero = Kind.ZERO.ordinal() * counts.stride() + channel;
    int near = Kind.NEAR_ZERO.ordinal() * counts.stride() + channel;
    int negativeBefore = Kind.NEGATIVE_BEFORE.ordinal() * counts.stride() + channel;
    int zeroBefore = Kind.ZERO_BEFORE.ordinal() * counts.stride() + channel;
    int nearBefore = Kind.NEAR_ZERO_BEFORE.ordinal() * counts.stride() + channel;
    for (int r = 0; r < rows; r++) {
      int from = r * stride;
      for (int i = 0; i < width; i++) {
        float v = x[from + i];
        int bits = Float.floatToRawIntBits(v);
        int negative = v < 0f ? 1 : 0;
        int none = v == 0f ? 1 : 0;
        slab[zero + i] += negative + none;
        slab[near + i] += negative + (bits >= 0 && bits < tau ? 1 : 0);
        slab[negativeBefore + i] += negative;
        slab[zeroBefore + i] += none;
        slab[nearBefore + i] += (bits & Integer.MAX_VALUE) < tau ? 1 : 0;
        x[from + i] = negative == 1 ? 0f : v > upper ? upper : v;
      }
    }
  }

  /** Counts {@code width} values of each of some rows, as they are stored. */
  static void count(
      float[] x, int rows, int stride, int width, ZeroCounts counts, int[] slab, int channel) {
    float tau = counts.threshold();
    int zero = Kind.ZERO.ordinal() * counts.stride() + channel;
    int near = Kind.NEAR_ZERO.ordinal() * counts.stride() + channel;
    int negative = Kind.NEGATIVE.ordinal() * counts.stride() + channel;
    for (int r = 0; r < rows; r++) {
      int from = r * stride;
      for (int i = 0; i < width; i++) {
        float v = x[from + i];
        slab[zero + i] += v == 0f ? 1 : 0;
        slab[near + i] += Math.abs(v) < tau ? 1 : 0;
        slab[negative + i] += v < 0f ? 1 : 0;
      }
    }
  }

  /** Greater values replace others, and NaN all. */
  static void maximum(float[] most, int to, float[] x, int from, int length) {
    for (int i = 0; i < length; i++) {
      float a = most[to + i];
      float b = x[from + i];
      most[to + i] = !(b <= a) && a == a ? b : a;
    }
  }

  static void add(float[] sums, int to, float[] x, int from, int length) {
    for (int i = 0; i < length; i++) {
      sums[to + i] += x[from + i];
    }
  }

  static void divide(float[] x, int from, int length, int divisor) {
    for (int i = 0; i < length; i++) {
      x[from + i] /= divisor;
    }
  }

  /**
   * As {@link ChannelSoftmax}'s pixel, of whose last vector the lanes behind the last channel keep what they hold.
   *
   * @param step bytes from a vector of inputs to the next
   * @param outStep bytes from a vector of outputs to the next
   */
  static void softmax(
      MemorySegment m,
      long from,
      long step,
      long to,
      long outStep,
      int channels,
      boolean logarithm) {
    float[] x = new float[channels];
    for (int c = 0; c < channels; c += COUNT) {
      MemorySegment.copy(m, FLOAT, from + c / COUNT * step, x, c, Math.min(COUNT, channels - c));
    }
    float max = Float.NEGATIVE_INFINITY;
    for (float v : x) {
      max = Math.max(max, v);
    }
    float[] e = new float[channels];
    float[] sums = new float[COUNT];
    for (int c = 0; c < channels; c++) {
      e[c] = VectorActivation.exp(x[c] - max);
      sums[c % COUNT] += e[c];
    }
    for (int half = COUNT / 2; half > 0; half /= 2) {
      add(sums, 0, sums, half, half);
    }
    if (logarithm) {
      float shift = (float) (max + Math.log(sums[0]));
      for (int c = 0; c < channels; c++) {
        e[c] = x[c] - shift;
      }
    } else {
      for (int c = 0; c < channels; c++) {
        e[c] /= sums[0];
      }
    }
    for (int c = 0; c < channels; c += COUNT) {
      MemorySegment.copy(e, c, m, FLOAT, to + c / COUNT * outStep, Math.min(COUNT, channels - c));
    }
  }

  /**
   * As {@link WinogradTransforms}' columns, then rows, of a patch of inputs.
   *
   * @param row bytes from a row of the image to the next
   * @param pixel bytes from a pixel to the next
   * @param a receives the vector of point p at {@code to + offsets[p]}
   */
  static void transformInput(
      int tile,
      MemorySegment m,
      long from,
      long row,
      long pixel,
      float[] a,
      int to,
      int[] offsets) {
    int patch = tile + 2;
    float[] x = new float[patch * patch * COUNT];
    for (int i = 0; i < patch; i++) {
      load(m, from + i * row, pixel, patch, x, i * patch * COUNT);
    }
    transformInput(tile, x);
    for (int p = 0; p < patch * patch; p++) {
      System.arraycopy(x, p * COUNT, a, to + offsets[p], COUNT);
    }
  }

  /** Copies vectors that are {@code step} bytes apart. */
  private static void load(MemorySegment m, long from, long step, int vectors, float[] x, int to) {
    for (int i = 0; i < vectors; i++) {
      MemorySegment.copy(m, FLOAT, from + i * step, x, to + i * COUNT, COUNT);
    }
  }

  /** Copies vectors to places that are {@code step} bytes apart. */
  private static void store(float[] x, int from, int vectors, MemorySegment m, long to, long step) {
    for (int i = 0; i < vectors; i++) {
      MemorySegment.copy(x, from + i * COUNT, m, FLOAT, to + i * step, COUNT);
    }
  }

  private static void transformInput(int tile, float[] x) {
    int patch = tile + 2;
    for (int j = 0; j < patch; j++) {
      transformInput(tile, x, j * COUNT, patch * COUNT);
    }
    for (int i = 0; i < patch; i++) {
      transformInput(tile, x, i * patch * COUNT, COUNT);
    }
  }

  /** In place, vectors {@code step} floats apart. */
  private static void transformInput(int tile, float[] x, int from, int step) {
    if (tile == 2) {
      WinogradTransforms.plainInput2(x, from, step);
    } else {
      WinogradTransforms.plainInput4(x, from, step);
    }
  }

  /**
   * As {@link WinogradTransforms}' outputs of the columns, then the rows, of a patch of products.
   *
   * @param step bytes from the products of a point to those of the next
   * @param pixel bytes from an output pixel to the next; those of a row follow those of the row before
   */
  static void transformOutput(
      int tile, MemorySegment m, long from, long step, long to, long pixel) {
    int patch = tile + 2;
    float[] x = new float[patch * patch * COUNT];
    load(m, from, step, patch * patch, x, 0);
    transformOutput(tile, x);
    for (int i = 0; i < tile; i++) {
      store(x, i * patch * COUNT, tile, m, to + i * tile * pixel, pixel);
    }
  }

  private static void transformOutput(int tile, float[] x) {
    int patch = tile + 2;
    for (int j = 0; j < patch; j++) {
      transformOutput(tile, x, j * COUNT, patch * COUNT);
    }
    for (int i = 0; i < tile; i++) {
      transformOutput(tile, x, i * patch * COUNT, COUNT);
    }
  }

  private static void transformOutput(int tile, float[] x, int from, int step) {
    if (tile == 2) {
      WinogradTransforms.plainOutput2(x, from, step);
    } else {
      WinogradTransforms.plainOutput4(x, from, step);
    }
  }
}
