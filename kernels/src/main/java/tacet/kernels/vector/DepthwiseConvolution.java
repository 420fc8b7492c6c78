package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.fma;
import static tacet.kernels.vector.Lanes.load;
import static tacet.kernels.vector.Lanes.store;

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
 * Depthwise convolution: lanes are channels, so a tap is one multiply-add of whole vectors. A tile is up to {@link
 * #PIXELS} output pixels of one row and one block of channels. Batch normalisation that could not be folded into a
 * convolution is the case of one tap.
 */
final class DepthwiseConvolution implements Kernel {

  private static final int PIXELS = 8;

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
    return (PIXELS * (Lanes.BYTES + 2L * Long.BYTES) + 63) / 64 * 64;
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
    parallel.forEach(
        spec.batch() * blocks,
        (item, thread) ->
            plane(
                memory,
                in,
                out,
                extra,
                scratch + thread * scratchPerThread(),
                item / blocks,
                item % blocks,
                counts,
                thread));
  }

  private void plane(
      MemorySegment m,
      long in,
      long out,
      long extra,
      long scratch,
      int n,
      int block,
      ZeroCounts counts,
      int thread) {
    long x = in + n * input.batchStride() + block * input.blockStride();
    long y = out + n * output.batchStride() + block * output.blockStride();
    long e =
        residual == null ? -1 : extra + n * residual.batchStride() + block * residual.blockStride();
    long w = (long) block * table.length * Lanes.BYTES;
    long step = spec.strideX() * input.pixelStride();
    long places = scratch + (long) PIXELS * Lanes.BYTES;
    for (int oy = 0; oy < spec.outHeight(); oy++) {
      long xRow = x + (long) oy * spec.strideY() * input.rowStride();
      for (int ox = 0; ox < spec.outWidth(); ox += PIXELS) {
        int pixels = Math.min(PIXELS, spec.outWidth() - ox);
        if (pixels == PIXELS) {
          eight(m, xRow + ox * step, step, w, scratch);
        } else {
          for (int i = 0; i < pixels; i++) {
            one(m, xRow + (ox + i) * step, w, scratch + (long) i * Lanes.BYTES);
          }
        }
        for (int i = 0; i < pixels; i++) {
          m.set(
              ValueLayout.JAVA_LONG,
              places + i * 8L,
              oy * output.rowStride() + (ox + i) * output.pixelStride());
          if (residual != null) {
            m.set(
                ValueLayout.JAVA_LONG,
                places + (pixels + i) * 8L,
                oy * residual.rowStride() + (ox + i) * residual.pixelStride());
          }
        }
        Epilogue.finish(
            m,
            scratch,
            pixels,
            1,
            1,
            bias,
            (long) block * Lanes.BYTES,
            places,
            y,
            0,
            places + pixels * 8L,
            e,
            0,
            spec.activation(),
            counts,
            thread,
            block * Lanes.COUNT);
      }
    }
  }

  private void one(MemorySegment m, long x, long w, long tile) {
    FloatVector c = FloatVector.zero(Lanes.FLOATS);
    for (int t = 0; t < table.length; t++) {
      c = fma(load(packed, w + (long) t * Lanes.BYTES), load(m, x + table[t]), c);
    }
    store(c, m, tile);
  }

  private void eight(MemorySegment m, long x, long step, long w, long tile) {
    FloatVector c0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector c1 = c0;
    FloatVector c2 = c0;
    FloatVector c3 = c0;
    FloatVector c4 = c0;
    FloatVector c5 = c0;
    FloatVector c6 = c0;
    FloatVector c7 = c0;
    for (int t = 0; t < table.length; t++) {
      FloatVector b = load(packed, w + (long) t * Lanes.BYTES);
      long o = x + table[t];
      c0 = fma(b, load(m, o), c0);
      c1 = fma(b, load(m, o + step), c1);
      c2 = fma(b, load(m, o + 2 * step), c2);
      c3 = fma(b, load(m, o + 3 * step), c3);
      c4 = fma(b, load(m, o + 4 * step), c4);
      c5 = fma(b, load(m, o + 5 * step), c5);
      c6 = fma(b, load(m, o + 6 * step), c6);
      c7 = fma(b, load(m, o + 7 * step), c7);
    }
    store(c0, m, tile);
    store(c1, m, tile + Lanes.BYTES);
    store(c2, m, tile + 2 * Lanes.BYTES);
    store(c3, m, tile + 3 * Lanes.BYTES);
    store(c4, m, tile + 4 * Lanes.BYTES);
    store(c5, m, tile + 5 * Lanes.BYTES);
    store(c6, m, tile + 6 * Lanes.BYTES);
    store(c7, m, tile + 7 * Lanes.BYTES);
  }
}
