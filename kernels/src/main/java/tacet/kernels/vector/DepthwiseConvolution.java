package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.HAS_FMA;
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
 * Depthwise convolution: lanes are channels, so a tap is one multiply-add of whole vectors. A tile is {@link #PIXELS}
 * output pixels of one block of channels, wherever they lie. Batch normalisation that could not be folded into a
 * convolution is the case of one tap.
 */
final class DepthwiseConvolution implements Kernel {

  private static final int PIXELS = 8;

  /** Pixels that are finished together. */
  private static final int GROUP = 64;

  /** Most blocks of channels that are finished together. */
  private static final int BLOCKS = 4;

  private final ConvSpec spec;
  private final ImageLayout input;
  private final ImageLayout output;
  private final ImageLayout residual;
  private final long[] table;
  private final MemorySegment packed;
  private final MemorySegment bias;

  private DepthwiseConvolution(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      long[] table,
      MemorySegment packed,
      MemorySegment bias) {
    this.spec = spec;
    this.input = input;
    this.output = output;
    this.residual = residual;
    this.table = table;
    this.packed = packed;
    this.bias = bias;
  }

  static DepthwiseConvolution prepare(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      float[] weights,
      float[] bias,
      Arena arena) {
    int taps = spec.kernelHeight() * spec.kernelWidth();
    int blocks = Math.ceilDiv(spec.outChannels(), Lanes.COUNT);
    long[] table = new long[taps];
    for (int ky = 0; ky < spec.kernelHeight(); ky++) {
      for (int kx = 0; kx < spec.kernelWidth(); kx++) {
        table[ky * spec.kernelWidth() + kx] =
            (long) ky * spec.dilationY() * input.rowStride()
                + (long) kx * spec.dilationX() * input.pixelStride();
      }
    }
    MemorySegment packed = arena.allocate((long) blocks * taps * Lanes.BYTES, 64);
    for (int c = 0; c < spec.outChannels(); c++) {
      for (int t = 0; t < taps; t++) {
        long vector = (long) (c / Lanes.COUNT) * taps + t;
        packed.setAtIndex(
            ValueLayout.JAVA_FLOAT, vector * Lanes.COUNT + c % Lanes.COUNT, weights[c * taps + t]);
      }
    }
    return new DepthwiseConvolution(
        spec, input, output, residual, table, packed, Epilogue.bias(bias, blocks, arena));
  }

  @Override
  public String name() {
    return "depthwise 8x1v" + Lanes.COUNT;
  }

  @Override
  public long multiplyAdds() {
    return spec.multiplyAdds();
  }

  @Override
  public long scratchBytes(int threads) {
    return threads * scratchPerThread();
  }

  private static long scratchPerThread() {
    return GROUP * (BLOCKS * (long) BYTES + 3L * Long.BYTES);
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
    long extra = residual == null ? -1 : inputs[1];
    int blocks = Math.ceilDiv(spec.outChannels(), Lanes.COUNT);
    int columns = Math.ceilDiv(blocks, BLOCKS);
    parallel.forEach(
        spec.batch() * columns,
        (item, thread) -> {
          int first = item % columns * BLOCKS;
          planes(
              memory,
              in,
              out,
              extra,
              scratch + thread * scratchPerThread(),
              item / columns,
              first,
              Math.min(BLOCKS, blocks - first),
              counts,
              thread);
        });
  }

  /** Computes {@code blocks} blocks of channels from {@code first} on of image {@code n}. */
  private void planes(
      MemorySegment m,
      long in,
      long out,
      long extra,
      long scratch,
      int n,
      int first,
      int blocks,
      ZeroCounts counts,
      int thread) {
    long x = in + n * input.batchStride() + first * input.blockStride();
    long y = out + n * output.batchStride() + first * output.blockStride();
    long e =
        residual == null ? -1 : extra + n * residual.batchStride() + first * residual.blockStride();
    long rowBytes = (long) blocks * BYTES;
    long sources = scratch + (long) GROUP * BLOCKS * BYTES;
    long places = sources + GROUP * 8L;
    long residualPlaces = places + GROUP * 8L;
    int pixels = spec.outHeight() * spec.outWidth();
    for (int from = 0; from < pixels; from += GROUP) {
      int count = Math.min(GROUP, pixels - from);
      place(m, sources, from, count, input, spec.strideY(), spec.strideX());
      place(m, places, from, count, output, 1, 1);
      if (residual != null) {
        place(m, residualPlaces, from, count, residual, 1, 1);
      }
      for (int b = 0; b < blocks; b++) {
        long plane = x + b * input.blockStride();
        long w = (long) (first + b) * table.length * BYTES;
        long tile = scratch + (long) b * BYTES;
        if (count < PIXELS) {
          for (int i = 0; i < count; i++) {
            one(m, plane, sources + i * 8L, w, tile + i * rowBytes);
          }
        } else {
          for (int i = 0; i < count; i += PIXELS) {
            // The last tile ends with the group: what it shares with the one before comes out the
            // same.
            int start = Math.min(i, count - PIXELS);
            eight(m, plane, sources + start * 8L, w, tile + start * rowBytes, rowBytes);
          }
        }
      }
      Epilogue.finish(
          m,
          scratch,
          count,
          blocks,
          blocks,
          bias,
          (long) first * BYTES,
          places,
          y,
          output.blockStride(),
          residualPlaces,
          e,
          residual == null ? 0 : residual.blockStride(),
          spec.activation(),
          counts,
          thread,
          first * Lanes.COUNT);
    }
  }

  /** Writes the byte offsets of output pixels {@code from …} within a plane, or of their first inputs, as longs. */
  private void place(
      MemorySegment m, long at, int from, int count, ImageLayout layout, int strideY, int strideX) {
    int x = from % spec.outWidth();
    long step = strideX * layout.pixelStride();
    long row = (long) (from / spec.outWidth()) * strideY * layout.rowStride();
    for (int i = 0; i < count; i++) {
      m.set(ValueLayout.JAVA_LONG_UNALIGNED, at + i * 8L, row + x * step);
      if (++x == spec.outWidth()) {
        x = 0;
        row += strideY * layout.rowStride();
      }
    }
  }

  private static long source(MemorySegment m, long sources, int pixel) {
    return m.get(ValueLayout.JAVA_LONG_UNALIGNED, sources + pixel * 8L);
  }

  private void one(MemorySegment m, long plane, long sources, long w, long tile) {
    long p0 = plane + source(m, sources, 0);
    FloatVector c = FloatVector.zero(FLOATS);
    for (int t = 0; t < table.length; t++) {
      FloatVector b = FloatVector.fromMemorySegment(FLOATS, packed, w + (long) t * BYTES, ORDER);
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, p0 + table[t], ORDER);
      c = HAS_FMA ? b.fma(x, c) : b.mul(x).add(c);
    }
    c.intoMemorySegment(m, tile, ORDER);
  }

  private void eight(MemorySegment m, long plane, long sources, long w, long tile, long row) {
    long p0 = plane + source(m, sources, 0);
    long p1 = plane + source(m, sources, 1);
    long p2 = plane + source(m, sources, 2);
    long p3 = plane + source(m, sources, 3);
    long p4 = plane + source(m, sources, 4);
    long p5 = plane + source(m, sources, 5);
    long p6 = plane + source(m, sources, 6);
    long p7 = plane + source(m, sources, 7);
    FloatVector c0 = FloatVector.zero(FLOATS);
    FloatVector c1 = c0;
    FloatVector c2 = c0;
    FloatVector c3 = c0;
    FloatVector c4 = c0;
    FloatVector c5 = c0;
    FloatVector c6 = c0;
    FloatVector c7 = c0;
    for (int t = 0; t < table.length; t++) {
      FloatVector b = FloatVector.fromMemorySegment(FLOATS, packed, w + (long) t * BYTES, ORDER);
      long o = table[t];
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, p0 + o, ORDER);
      c0 = HAS_FMA ? b.fma(x, c0) : b.mul(x).add(c0);
      x = FloatVector.fromMemorySegment(FLOATS, m, p1 + o, ORDER);
      c1 = HAS_FMA ? b.fma(x, c1) : b.mul(x).add(c1);
      x = FloatVector.fromMemorySegment(FLOATS, m, p2 + o, ORDER);
      c2 = HAS_FMA ? b.fma(x, c2) : b.mul(x).add(c2);
      x = FloatVector.fromMemorySegment(FLOATS, m, p3 + o, ORDER);
      c3 = HAS_FMA ? b.fma(x, c3) : b.mul(x).add(c3);
      x = FloatVector.fromMemorySegment(FLOATS, m, p4 + o, ORDER);
      c4 = HAS_FMA ? b.fma(x, c4) : b.mul(x).add(c4);
      x = FloatVector.fromMemorySegment(FLOATS, m, p5 + o, ORDER);
      c5 = HAS_FMA ? b.fma(x, c5) : b.mul(x).add(c5);
      x = FloatVector.fromMemorySegment(FLOATS, m, p6 + o, ORDER);
      c6 = HAS_FMA ? b.fma(x, c6) : b.mul(x).add(c6);
      x = FloatVector.fromMemorySegment(FLOATS, m, p7 + o, ORDER);
      c7 = HAS_FMA ? b.fma(x, c7) : b.mul(x).add(c7);
    }
    c0.intoMemorySegment(m, tile, ORDER);
    c1.intoMemorySegment(m, tile + row, ORDER);
    c2.intoMemorySegment(m, tile + 2 * row, ORDER);
    c3.intoMemorySegment(m, tile + 3 * row, ORDER);
    c4.intoMemorySegment(m, tile + 4 * row, ORDER);
    c5.intoMemorySegment(m, tile + 5 * row, ORDER);
    c6.intoMemorySegment(m, tile + 6 * row, ORDER);
    c7.intoMemorySegment(m, tile + 7 * row, ORDER);
  }
}
