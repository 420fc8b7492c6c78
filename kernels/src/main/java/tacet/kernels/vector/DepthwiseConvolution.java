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
 * Depthwise convolution: lanes are channels, so a tap is one multiply-add of whole vectors. The weights of
 * three by three taps, or of one, stay in registers; for other kernels a tile is {@link #PIXELS} output
 * pixels of one block of channels, wherever they lie. Batch normalisation that could not be folded into a
 * convolution is the case of one tap. {@link DepthwisePlane} computes long rows of three by three taps to the end; what
 * others leave is finished group by group.
 */
final class DepthwiseConvolution implements Kernel {

  private static final int PIXELS = 8;

  /** Most pixels that are finished together. */
  private static final int GROUP = 64;

  /** Most blocks of channels that are finished together. */
  private static final int BLOCKS = 4;

  /** Pixels of a row from which on it pays to slide along it, and with a stride of two. */
  private static final int LONG_ROW = 6;

  private static final int LONG_ROW_OF_TWO = 12;

  private final ConvSpec spec;
  private final ImageLayout input;
  private final ImageLayout output;
  private final ImageLayout residual;
  private final long[] table;

  /** Pixels that are finished together: whole rows, or even parts of one. */
  private final int group;

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
    int width = spec.outWidth();
    this.group =
        width <= GROUP ? GROUP / width * width : Math.ceilDiv(width, Math.ceilDiv(width, GROUP));
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
    return "depthwise " + (keepsWeights() ? "" : PIXELS + "x") + "1v" + Lanes.COUNT;
  }

  @Override
  public long multiplyAdds() {
    return spec.multiplyAdds();
  }

  @Override
  public boolean isSettled() {
    return slides() && residual == null
        || CountingEpilogue.isSettled(
            spec.activation(), Math.ceilDiv(spec.outChannels(), Lanes.COUNT));
  }

  @Override
  public long scratchBytes(int threads) {
    return threads * scratchPerThread();
  }

  private static long scratchPerThread() {
    return GROUP * (BLOCKS * (long) BYTES + 2L * Long.BYTES);
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
              parallel.longs(thread, GROUP),
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
      long[] sources,
      int n,
      int first,
      int blocks,
      ZeroCounts counts,
      int thread) {
    long x = in + n * input.batchStride() + first * input.blockStride();
    long y = out + n * output.batchStride() + first * output.blockStride();
    long e =
        residual == null ? -1 : extra + n * residual.batchStride() + first * residual.blockStride();
    if (slides() && finishesPlanes(counts)) {
      for (int b = 0; b < blocks; b++) {
        plane(
            m,
            x + b * input.blockStride(),
            y + b * output.blockStride(),
            first + b,
            counts,
            thread);
      }
      return;
    }
    long rowBytes = (long) blocks * BYTES;
    long places = scratch + (long) GROUP * BLOCKS * BYTES;
    long residualPlaces = places + GROUP * 8L;
    int pixels = spec.outHeight() * spec.outWidth();
    for (int from = 0; from < pixels; from += group) {
      int count = Math.min(group, pixels - from);
      if (!slides() && !slidesByTwo()) {
        locate(sources, from, count);
      }
      place(m, places, from, count, output);
      if (residual != null) {
        place(m, residualPlaces, from, count, residual);
      }
      for (int b = 0; b < blocks; b++) {
        long plane = x + b * input.blockStride();
        long w = (long) (first + b) * table.length * BYTES;
        long tile = scratch + (long) b * BYTES;
        if (keepsWeights()) {
          run(m, plane, sources, from, count, w, tile, rowBytes);
        } else if (count < PIXELS) {
          for (int i = 0; i < count; i++) {
            one(m, plane + sources[i], w, tile + i * rowBytes);
          }
        } else {
          for (int i = 0; i < count; i += PIXELS) {
            // The last tile ends with the group: what it shares with the one before comes out the
            // same.
            int start = Math.min(i, count - PIXELS);
            eight(m, plane, sources, start, w, tile + start * rowBytes, rowBytes);
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

  /** Whether what follows the taps is done as they slide along a plane. */
  private boolean finishesPlanes(ZeroCounts counts) {
    return residual == null
        && output.pixelStride() == BYTES
        && (counts == null
            ? VectorActivation.isClamp(spec.activation())
            : CountingEpilogue.takes(spec.activation(), counts.threshold()));
  }

  /** One vector of channels, finished as it is computed. */
  private void plane(
      MemorySegment m, long from, long out, int block, ZeroCounts counts, int thread) {
    long w = (long) block * table.length * BYTES;
    long b = (long) block * BYTES;
    long down = table[3];
    long step = spec.strideY() * input.rowStride();
    long outStep = output.rowStride();
    int width = spec.outWidth();
    int height = spec.outHeight();
    boolean rectify = !spec.activation().isIdentity();
    float lower = VectorActivation.lower(spec.activation());
    float upper = VectorActivation.upper(spec.activation());
    if (counts == null) {
      DepthwisePlane.clamp(
          m, from, down, step, width, height, packed, w, bias, b, out, outStep, lower, upper);
      return;
    }
    int[] slab = counts.slab(thread);
    int c = block * Lanes.COUNT;
    if (!rectify) {
      DepthwisePlane.countPlain(
          m, from, down, step, width, height, packed, w, bias, b, out, outStep, counts, slab, c);
    } else if (upper == Float.POSITIVE_INFINITY) {
      DepthwisePlane.countRectified(
          m, from, down, step, width, height, packed, w, bias, b, out, outStep, counts, slab, c);
    } else {
      DepthwisePlane.countClamped(
          m, from, down, step, width, height, packed, w, bias, b, out, outStep, upper, counts, slab,
          c);
    }
  }

  /** Whether the weights of all taps stay in registers. */
  private boolean keepsWeights() {
    return table.length == 1 || spec.kernelHeight() == 3 && spec.kernelWidth() == 3;
  }

  /** Whether pixels are computed along rows: each column of inputs is part of three outputs. */
  private boolean slides() {
    return spec.strideX() == 1 && hasRows(LONG_ROW);
  }

  /** The same for every second pixel: every second column is part of two. */
  private boolean slidesByTwo() {
    return spec.strideX() == 2 && hasRows(LONG_ROW_OF_TWO);
  }

  private boolean hasRows(int least) {
    return spec.kernelHeight() == 3
        && spec.kernelWidth() == 3
        && spec.dilationX() == 1
        && spec.outWidth() >= least;
  }

  /** The byte distances of the first inputs of output pixels {@code from …} within a plane. */
  private void locate(long[] sources, int from, int count) {
    int x = from % spec.outWidth();
    int y = from / spec.outWidth();
    long step = spec.strideX() * input.pixelStride();
    for (int i = 0; i < count; x = 0, y++) {
      int end = Math.min(count, i + spec.outWidth() - x);
      long source = (long) y * spec.strideY() * input.rowStride() + x * step;
      for (; i < end; i++) {
        sources[i] = source;
        source += step;
      }
    }
  }

  /** Writes the byte distances of output pixels {@code from …} within a plane, as longs. */
  private void place(MemorySegment m, long at, int from, int count, ImageLayout layout) {
    int x = from % spec.outWidth();
    int y = from / spec.outWidth();
    for (int i = 0; i < count; x = 0, y++) {
      int end = Math.min(count, i + spec.outWidth() - x);
      long place = layout.offset(0, 0, y, x);
      for (; i < end; i++) {
        m.set(ValueLayout.JAVA_LONG_UNALIGNED, at + i * 8L, place);
        place += layout.pixelStride();
      }
    }
  }

  /** Pixels of one tap or of three by three. */
  private void run(
      MemorySegment m,
      long plane,
      long[] sources,
      int from,
      int count,
      long w,
      long tile,
      long row) {
    if (table.length == 1) {
      scale(m, plane, sources, count, packed, w, tile, row);
    } else if (slides() || slidesByTwo()) {
      int x = from % spec.outWidth();
      int y = from / spec.outWidth();
      long step = spec.strideX() * input.pixelStride();
      for (int i = 0; i < count; x = 0, y++) {
        int n = Math.min(count - i, spec.outWidth() - x);
        long first = plane + y * spec.strideY() * input.rowStride() + x * step;
        if (slidesByTwo()) {
          slideByTwo(m, first, table[3], n, packed, w, tile + i * row, row);
        } else {
          slide(m, first, table[3], n, packed, w, tile + i * row, row);
        }
        i += n;
      }
    } else {
      nine(m, plane, sources, table[3], table[1], count, packed, w, tile, row);
    }
  }

  /**
   * Three by three taps along a row: every column of inputs is read once and added to the three outputs that it is part
   * of.
   *
   * @param down bytes from a row of inputs to the next that is read
   */
  private static void slide(
      MemorySegment m,
      long from,
      long down,
      int count,
      MemorySegment weights,
      long w,
      long tile,
      long row) {
    m = Lanes.known(m);
    weights = Lanes.known(weights);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, weights, w, ORDER);
    FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, weights, w + BYTES, ORDER);
    FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, weights, w + 2 * BYTES, ORDER);
    FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, weights, w + 3 * BYTES, ORDER);
    FloatVector b4 = FloatVector.fromMemorySegment(FLOATS, weights, w + 4 * BYTES, ORDER);
    FloatVector b5 = FloatVector.fromMemorySegment(FLOATS, weights, w + 5 * BYTES, ORDER);
    FloatVector b6 = FloatVector.fromMemorySegment(FLOATS, weights, w + 6 * BYTES, ORDER);
    FloatVector b7 = FloatVector.fromMemorySegment(FLOATS, weights, w + 7 * BYTES, ORDER);
    FloatVector b8 = FloatVector.fromMemorySegment(FLOATS, weights, w + 8 * BYTES, ORDER);
    // What the next output and the one after it have so far. The first two rounds fill them; their
    // own outputs are overwritten.
    FloatVector next = FloatVector.zero(FLOATS);
    FloatVector later = next;
    for (int i = 0; i < count + 2; i++) {
      long o = from + (long) i * BYTES;
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, o, ORDER);
      FloatVector y = FloatVector.fromMemorySegment(FLOATS, m, o + down, ORDER);
      FloatVector z = FloatVector.fromMemorySegment(FLOATS, m, o + 2 * down, ORDER);
      FloatVector c = HAS_FMA ? x.fma(b2, next) : x.mul(b2).add(next);
      c = HAS_FMA ? y.fma(b5, c) : y.mul(b5).add(c);
      c = HAS_FMA ? z.fma(b8, c) : z.mul(b8).add(c);
      next = HAS_FMA ? x.fma(b1, later) : x.mul(b1).add(later);
      next = HAS_FMA ? y.fma(b4, next) : y.mul(b4).add(next);
      next = HAS_FMA ? z.fma(b7, next) : z.mul(b7).add(next);
      later = x.mul(b0);
      later = HAS_FMA ? y.fma(b3, later) : y.mul(b3).add(later);
      later = HAS_FMA ? z.fma(b6, later) : z.mul(b6).add(later);
      c.intoMemorySegment(m, tile + Math.max(0, i - 2) * row, ORDER);
    }
  }

  /** Every second output of these: six inputs each, of which three are added to the next output, too. */
  private static void slideByTwo(
      MemorySegment m,
      long from,
      long down,
      int count,
      MemorySegment weights,
      long w,
      long tile,
      long row) {
    m = Lanes.known(m);
    weights = Lanes.known(weights);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, weights, w, ORDER);
    FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, weights, w + BYTES, ORDER);
    FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, weights, w + 2 * BYTES, ORDER);
    FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, weights, w + 3 * BYTES, ORDER);
    FloatVector b4 = FloatVector.fromMemorySegment(FLOATS, weights, w + 4 * BYTES, ORDER);
    FloatVector b5 = FloatVector.fromMemorySegment(FLOATS, weights, w + 5 * BYTES, ORDER);
    FloatVector b6 = FloatVector.fromMemorySegment(FLOATS, weights, w + 6 * BYTES, ORDER);
    FloatVector b7 = FloatVector.fromMemorySegment(FLOATS, weights, w + 7 * BYTES, ORDER);
    FloatVector b8 = FloatVector.fromMemorySegment(FLOATS, weights, w + 8 * BYTES, ORDER);
    FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, from, ORDER);
    FloatVector y = FloatVector.fromMemorySegment(FLOATS, m, from + down, ORDER);
    FloatVector z = FloatVector.fromMemorySegment(FLOATS, m, from + 2 * down, ORDER);
    FloatVector next = x.mul(b0);
    next = HAS_FMA ? y.fma(b3, next) : y.mul(b3).add(next);
    next = HAS_FMA ? z.fma(b6, next) : z.mul(b6).add(next);
    for (int i = 0; i < count; i++) {
      long o = from + BYTES + i * (2L * BYTES);
      x = FloatVector.fromMemorySegment(FLOATS, m, o, ORDER);
      y = FloatVector.fromMemorySegment(FLOATS, m, o + down, ORDER);
      z = FloatVector.fromMemorySegment(FLOATS, m, o + 2 * down, ORDER);
      FloatVector c = HAS_FMA ? x.fma(b1, next) : x.mul(b1).add(next);
      c = HAS_FMA ? y.fma(b4, c) : y.mul(b4).add(c);
      c = HAS_FMA ? z.fma(b7, c) : z.mul(b7).add(c);
      x = FloatVector.fromMemorySegment(FLOATS, m, o + BYTES, ORDER);
      y = FloatVector.fromMemorySegment(FLOATS, m, o + down + BYTES, ORDER);
      z = FloatVector.fromMemorySegment(FLOATS, m, o + 2 * down + BYTES, ORDER);
      c = HAS_FMA ? x.fma(b2, c) : x.mul(b2).add(c);
      c = HAS_FMA ? y.fma(b5, c) : y.mul(b5).add(c);
      c = HAS_FMA ? z.fma(b8, c) : z.mul(b8).add(c);
      next = x.mul(b0);
      next = HAS_FMA ? y.fma(b3, next) : y.mul(b3).add(next);
      next = HAS_FMA ? z.fma(b6, next) : z.mul(b6).add(next);
      c.intoMemorySegment(m, tile + i * row, ORDER);
    }
  }

  private static void scale(
      MemorySegment m,
      long plane,
      long[] sources,
      int count,
      MemorySegment weights,
      long w,
      long tile,
      long row) {
    m = Lanes.known(m);
    weights = Lanes.known(weights);
    FloatVector b = FloatVector.fromMemorySegment(FLOATS, weights, w, ORDER);
    for (int i = 0; i < count; i++) {
      FloatVector.fromMemorySegment(FLOATS, m, plane + sources[i], ORDER)
          .mul(b)
          .intoMemorySegment(m, tile + i * row, ORDER);
    }
  }

  /** The weights of three by three taps stay in registers. */
  private static void nine(
      MemorySegment m,
      long plane,
      long[] sources,
      long down,
      long right,
      int count,
      MemorySegment weights,
      long w,
      long tile,
      long row) {
    m = Lanes.known(m);
    weights = Lanes.known(weights);
    FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, weights, w, ORDER);
    FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, weights, w + BYTES, ORDER);
    FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, weights, w + 2 * BYTES, ORDER);
    FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, weights, w + 3 * BYTES, ORDER);
    FloatVector b4 = FloatVector.fromMemorySegment(FLOATS, weights, w + 4 * BYTES, ORDER);
    FloatVector b5 = FloatVector.fromMemorySegment(FLOATS, weights, w + 5 * BYTES, ORDER);
    FloatVector b6 = FloatVector.fromMemorySegment(FLOATS, weights, w + 6 * BYTES, ORDER);
    FloatVector b7 = FloatVector.fromMemorySegment(FLOATS, weights, w + 7 * BYTES, ORDER);
    FloatVector b8 = FloatVector.fromMemorySegment(FLOATS, weights, w + 8 * BYTES, ORDER);
    for (int i = 0; i < count; i++) {
      long o = plane + sources[i];
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, o, ORDER);
      FloatVector c = x.mul(b0);
      x = FloatVector.fromMemorySegment(FLOATS, m, o + right, ORDER);
      c = HAS_FMA ? x.fma(b1, c) : x.mul(b1).add(c);
      x = FloatVector.fromMemorySegment(FLOATS, m, o + 2 * right, ORDER);
      c = HAS_FMA ? x.fma(b2, c) : x.mul(b2).add(c);
      o += down;
      x = FloatVector.fromMemorySegment(FLOATS, m, o, ORDER);
      c = HAS_FMA ? x.fma(b3, c) : x.mul(b3).add(c);
      x = FloatVector.fromMemorySegment(FLOATS, m, o + right, ORDER);
      c = HAS_FMA ? x.fma(b4, c) : x.mul(b4).add(c);
      x = FloatVector.fromMemorySegment(FLOATS, m, o + 2 * right, ORDER);
      c = HAS_FMA ? x.fma(b5, c) : x.mul(b5).add(c);
      o += down;
      x = FloatVector.fromMemorySegment(FLOATS, m, o, ORDER);
      c = HAS_FMA ? x.fma(b6, c) : x.mul(b6).add(c);
      x = FloatVector.fromMemorySegment(FLOATS, m, o + right, ORDER);
      c = HAS_FMA ? x.fma(b7, c) : x.mul(b7).add(c);
      x = FloatVector.fromMemorySegment(FLOATS, m, o + 2 * right, ORDER);
      c = HAS_FMA ? x.fma(b8, c) : x.mul(b8).add(c);
      c.intoMemorySegment(m, tile + i * row, ORDER);
    }
  }

  private void one(MemorySegment m, long p0, long w, long tile) {
    m = Lanes.known(m);
    FloatVector c = FloatVector.zero(FLOATS);
    for (int t = 0; t < table.length; t++) {
      FloatVector b = FloatVector.fromMemorySegment(FLOATS, packed, w + (long) t * BYTES, ORDER);
      FloatVector x = FloatVector.fromMemorySegment(FLOATS, m, p0 + table[t], ORDER);
      c = HAS_FMA ? b.fma(x, c) : b.mul(x).add(c);
    }
    c.intoMemorySegment(m, tile, ORDER);
  }

  private void eight(
      MemorySegment m, long plane, long[] sources, int first, long w, long tile, long row) {
    m = Lanes.known(m);
    long p0 = plane + sources[first];
    long p1 = plane + sources[first + 1];
    long p2 = plane + sources[first + 2];
    long p3 = plane + sources[first + 3];
    long p4 = plane + sources[first + 4];
    long p5 = plane + sources[first + 5];
    long p6 = plane + sources[first + 6];
    long p7 = plane + sources[first + 7];
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
