package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.COUNT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import tacet.kernels.ZeroCounts;
import tacet.kernels.ZeroCounts.Kind;
import tacet.kernels.vector.Operand.Panel;

/**
 * Parts of the kernels without the Vector API, for the time until C2 has compiled those with it: a network's first result is
 * then there several times sooner. Every sum is formed in the same order, so that results are the same to the bit.
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
    int width = vectors * COUNT;
    float[] weights = new float[depth * width];
    MemorySegment.copy(w, FLOAT, w0, weights, 0, weights.length);
    float[] sums = new float[width];
    for (int r = 0; r < rows; r++) {
      Arrays.fill(sums, 0f);
      for (int k = 0; k < depth; k++) {
        multiplyAdd(a[a0 + r * F32Tile.STRIDE + k], weights, k * width, sums);
      }
      MemorySegment.copy(sums, 0, m, FLOAT, block + (long) r * vectors * BYTES, width);
    }
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
    int width = vectors * COUNT;
    float[] weights = new float[depth * width];
    MemorySegment.copy(w, FLOAT, w0, weights, 0, weights.length);
    float[] sums = new float[width];
    for (int r = from; r < to; r++) {
      Arrays.fill(sums, 0f);
      for (int k = 0; k < depth; k++) {
        multiplyAdd(m.get(FLOAT, sources[r] + at[first + k]), weights, k * width, sums);
      }
      MemorySegment.copy(sums, 0, m, FLOAT, block + (long) r * vectors * BYTES, width);
    }
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
    int width = vectors * COUNT;
    float[] weights = new float[at.length * width];
    MemorySegment.copy(w, FLOAT, w0, weights, 0, weights.length);
    float[] sums = new float[width];
    for (int x = 0; x < pixels; x++) {
      Arrays.fill(sums, 0f);
      for (int k = 0; k < at.length; k++) {
        multiplyAdd(a[at[k] + x], weights, k * width, sums);
      }
      MemorySegment.copy(sums, 0, m, FLOAT, block + (long) x * vectors * BYTES, width);
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
    float[] x = new float[width];
    float[] b = new float[width];
    MemorySegment.copy(bias, FLOAT, biasOffset, b, 0, width);
    for (int r = 0; r < rows; r++) {
      long to = out + m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      MemorySegment.copy(m, FLOAT, tile + r * step, x, 0, width);
      for (int i = 0; i < width; i++) {
        x[i] += b[i];
      }
      if (rectify) {
        rectify(x, upper, counts, slab, channel);
      } else {
        count(x, width, counts, slab, channel);
      }
      for (int v = 0; v < vectors; v++) {
        MemorySegment.copy(x, v * COUNT, m, FLOAT, to + v * outStep, COUNT);
      }
    }
  }

  private static void rectify(float[] x, float upper, ZeroCounts counts, int[] slab, int channel) {
    int tau = Float.floatToRawIntBits(counts.threshold());
    int zero = Kind.ZERO.ordinal() * counts.stride() + channel;
    int near = Kind.NEAR_ZERO.ordinal() * counts.stride() + channel;
    int negativeBefore = Kind.NEGATIVE_BEFORE.ordinal() * counts.stride() + channel;
    int zeroBefore = Kind.ZERO_BEFORE.ordinal() * counts.stride() + channel;
    int nearBefore = Kind.NEAR_ZERO_BEFORE.ordinal() * counts.stride() + channel;
    for (int i = 0; i < x.length; i++) {
      int bits = Float.floatToRawIntBits(x[i]);
      int negative = x[i] < 0f ? 1 : 0;
      int none = x[i] == 0f ? 1 : 0;
      slab[zero + i] += negative + none;
      slab[near + i] += negative + (bits >= 0 && bits < tau ? 1 : 0);
      slab[negativeBefore + i] += negative;
      slab[zeroBefore + i] += none;
      slab[nearBefore + i] += (bits & Integer.MAX_VALUE) < tau ? 1 : 0;
      x[i] = negative == 1 ? 0f : x[i] > upper ? upper : x[i];
    }
  }

  /** Counts values as they are stored. */
  private static void count(float[] x, int width, ZeroCounts counts, int[] slab, int channel) {
    float tau = counts.threshold();
    int zero = Kind.ZERO.ordinal() * counts.stride() + channel;
    int near = Kind.NEAR_ZERO.ordinal() * counts.stride() + channel;
    int negative = Kind.NEGATIVE.ordinal() * counts.stride() + channel;
    for (int i = 0; i < width; i++) {
      slab[zero + i] += x[i] == 0f ? 1 : 0;
      slab[near + i] += Math.abs(x[i]) < tau ? 1 : 0;
      slab[negative + i] += x[i] < 0f ? 1 : 0;
    }
  }

  /**
   * One pixel of pooling, a vector of channels: first along the columns of its window, then along the row.
   *
   * @param first byte offset of the window's first element within the image
   * @param divisor of an average; 0 for a maximum
   * @param window room for a vector, as are {@code column} and {@code x}
   * @param counts counters, or null
   */
  static void pool(
      MemorySegment m,
      long first,
      int rows,
      int columns,
      long rowStep,
      long columnStep,
      int divisor,
      float[] window,
      float[] column,
      float[] x,
      long to,
      ZeroCounts counts,
      int[] slab,
      int channel) {
    float nothing = divisor == 0 ? Float.NEGATIVE_INFINITY : 0f;
    Arrays.fill(window, nothing);
    for (int kx = 0; kx < columns; kx++) {
      Arrays.fill(column, nothing);
      for (int ky = 0; ky < rows; ky++) {
        MemorySegment.copy(m, FLOAT, first + ky * rowStep + kx * columnStep, x, 0, COUNT);
        pool(column, x, divisor);
      }
      pool(window, column, divisor);
    }
    if (divisor != 0) {
      for (int i = 0; i < COUNT; i++) {
        window[i] /= divisor;
      }
    }
    if (counts != null) {
      count(window, COUNT, counts, slab, channel);
    }
    MemorySegment.copy(window, 0, m, FLOAT, to, COUNT);
  }

  private static void pool(float[] into, float[] x, int divisor) {
    if (divisor == 0) {
      maximum(into, x);
    } else {
      add(into, x);
    }
  }

  private static void maximum(float[] most, float[] x) {
    for (int i = 0; i < COUNT; i++) {
      most[i] = !(x[i] <= most[i]) && most[i] == most[i] ? x[i] : most[i];
    }
  }

  private static void add(float[] sums, float[] x) {
    for (int i = 0; i < COUNT; i++) {
      sums[i] += x[i];
    }
  }
}
