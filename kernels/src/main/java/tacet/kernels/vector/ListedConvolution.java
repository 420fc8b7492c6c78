package tacet.kernels.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.Parallel;
import tacet.kernels.ZeroCounts;

/**
 * Convolution with weights most of which are zero: of each output channel there is a list of those that are not, and each of
 * these meets many pixels at once (Elsen, Dukhan, Gale and Simonyan, Fast Sparse ConvNets, CVPR 2020, section 3). Lanes are
 * pixels, then, and channels everywhere else: what a group of pixels reads is turned over before, and its sums after.
 *
 * <p>An input that is infinite or NaN gives NaN with a weight of zero, too. Where there is one in a group, that group's products
 * are formed with all weights, in plain code.
 */
final class ListedConvolution implements Kernel {

  /** Most pixels of a group. */
  private static final int PIXELS = F32ListTile.WIDEST * Lanes.COUNT;

  /** Inputs of a group that are turned over at a time: they stay in the second-level cache. */
  private static final int PANEL_BYTES = 512 << 10;

  /** Most vectors of inputs of a panel. */
  private static final int PANEL = PANEL_BYTES / (Lanes.COUNT * PixelTurn.ROW);

  /** Vectors of output channels that are finished together. */
  private static final int FINISHED = 4;

  private static final long PLACES_BYTES = PIXELS * (long) Long.BYTES;

  /** Pixels that are turned back, what that needs, and where its rows lie. */
  private static final long FINISH_BYTES =
      (long) PIXELS * PixelTurn.ROW + PixelTurn.WORK_BYTES + PLACES_BYTES;

  private final ConvSpec spec;
  private final ImageLayout input;
  private final Outputs outputs;
  private final RowGroups groups;

  /** For each k, its byte distance from a pixel's first input. */
  private final long[] at;

  /** For each vector of channels under each tap its first k; one entry more, the end of the last. */
  private final int[] first;

  /** The lists, by panel and output channel, and behind them where each starts. */
  private final MemorySegment lists;

  private final long starts;

  /** Weights that are listed of the output channels before each one. */
  private final long[] listed;

  private ListedConvolution(
      ConvSpec spec,
      ImageLayout input,
      Outputs outputs,
      long[] at,
      int[] first,
      MemorySegment lists,
      long starts,
      long[] listed) {
    this.spec = spec;
    this.input = input;
    this.outputs = outputs;
    this.groups = RowGroups.of(spec.outPixels(), Lanes.COUNT, PIXELS);
    this.at = at;
    this.first = first;
    this.lists = lists;
    this.starts = starts;
    this.listed = listed;
  }

  /** Whether a convolution can be computed so. */
  static boolean takes(ConvSpec spec, ImageLayout input) {
    return spec.groups() == 1
        && input.lanes() == Lanes.COUNT
        && spec.outHeight() * spec.outWidth() >= Lanes.COUNT;
  }

  /**
   * @param weights finite ones
   */
  static ListedConvolution prepare(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      float[] weights,
      float[] bias,
      Arena arena) {
    int taps = spec.kernelHeight() * spec.kernelWidth();
    int depth = Math.multiplyExact(spec.inChannels(), taps);
    int[] sources = new int[depth];
    long[] at = PackedWeights.table(spec, input, 0, spec.inChannels(), sources);
    int vectors = input.blocks() * taps;
    int[] first = new int[vectors + 1];
    for (int v = 0; v < vectors; v++) {
      first[v + 1] = first[v] + Math.min(Lanes.COUNT, spec.inChannels() - v / taps * Lanes.COUNT);
    }
    int outs = spec.outChannels();
    int count = 0;
    for (float w : weights) {
      count += w == 0f ? 0 : 1;
    }
    int panels = Math.ceilDiv(vectors, PANEL);
    long starts = (long) count * F32ListTile.ENTRY_BYTES;
    MemorySegment lists = arena.allocate(starts + (panels * (long) outs + 1) * 4, 64);
    long[] listed = new long[outs + 1];
    int[] row = new int[2 * PANEL * Lanes.COUNT];
    int entry = 0;
    for (int p = 0; p < panels; p++) {
      int v0 = panelStart(vectors, panels, p);
      int v1 = panelStart(vectors, panels, p + 1);
      for (int c = 0; c < outs; c++) {
        lists.set(ValueLayout.JAVA_INT, starts + (p * (long) outs + c) * 4, entry);
        int entries = list(weights, c * depth, sources, first, v0, v1, row);
        MemorySegment.copy(row, 0, lists, ValueLayout.JAVA_INT, place(entry), 2 * entries);
        entry += entries;
        listed[c + 1] += entries;
      }
    }
    lists.set(ValueLayout.JAVA_INT, starts + panels * (long) outs * 4, entry);
    Arrays.parallelPrefix(listed, Long::sum);
    return new ListedConvolution(
        spec,
        input,
        Outputs.of(spec, output, residual, bias, arena),
        at,
        first,
        lists,
        starts,
        listed);
  }

  /**
   * Lists the weights of a channel, from {@code from} on, for some vectors of inputs.
   *
   * @param list receives two ints for each: the distance of its inputs, and its bits
   * @return how many there are
   */
  private static int list(
      float[] weights, int from, int[] sources, int[] first, int v0, int v1, int[] list) {
    int entries = 0;
    for (int v = v0; v < v1; v++) {
      for (int k = first[v]; k < first[v + 1]; k++) {
        float w = weights[from + sources[k]];
        if (w != 0f) {
          int row = (v - v0) * Lanes.COUNT + k - first[v];
          list[2 * entries] = row * PixelTurn.ROW;
          list[2 * entries + 1] = Float.floatToRawIntBits(w);
          entries++;
        }
      }
    }
    return entries;
  }

  /** Byte offset of an entry: the distance of its inputs, then its weight. */
  private static long place(int entry) {
    return (long) entry * F32ListTile.ENTRY_BYTES;
  }

  private static int panelStart(int vectors, int panels, int p) {
    return (int) ((long) vectors * p / panels);
  }

  private int vectors() {
    return first.length - 1;
  }

  private int panels() {
    return Math.ceilDiv(vectors(), PANEL);
  }

  private int width(int pixels) {
    return F32ListTile.width(Math.ceilDiv(pixels, Lanes.COUNT));
  }

  private int outVectors() {
    return Math.ceilDiv(spec.outChannels(), Lanes.COUNT);
  }

  @Override
  public String name() {
    int widest = width(groups.start(1) - groups.start(0));
    return "sparse-weights 1x" + widest + "v" + Lanes.COUNT;
  }

  @Override
  public long multiplyAdds() {
    return spec.multiplyAdds();
  }

  @Override
  public boolean isSettled() {
    return PixelTurn.isSettled()
        && F32ListTile.isSettled(width(groups.start(1) - groups.start(0)))
        && outputs.isSettled(vectors());
  }

  @Override
  public long scratchBytes(int threads) {
    return threads * scratchPerThread();
  }

  /** Inputs of a panel and sums, lanes being pixels; pixels to be finished; places. */
  private long scratchPerThread() {
    return panelBytes() + sumBytes() + FINISH_BYTES + 3 * PLACES_BYTES;
  }

  private long panelBytes() {
    return (long) Math.ceilDiv(vectors(), panels()) * Lanes.COUNT * PixelTurn.ROW;
  }

  /** Of all output channels where they wait for another panel; and a row of zeros. */
  private long sumBytes() {
    int vectors = panels() == 1 ? Math.min(FINISHED, outVectors()) : outVectors();
    return (vectors * (long) Lanes.COUNT + 1) * PixelTurn.ROW;
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
        Math.ceilDiv(outVectors(), FINISHED),
        (begin, end, firstColumn, endColumn, thread) ->
            group(
                memory,
                in,
                out,
                extra,
                scratch + thread * scratchPerThread(),
                begin,
                end,
                firstColumn * FINISHED,
                Math.min(outVectors(), endColumn * FINISHED),
                counts,
                thread));
  }

  private void group(
      MemorySegment m,
      long in,
      long out,
      long extra,
      long inputs,
      int begin,
      int end,
      int firstVector,
      int endVector,
      ZeroCounts counts,
      int thread) {
    int pixels = end - begin;
    int width = width(pixels);
    long nothing = inputs + panelBytes();
    long sums = nothing + PixelTurn.ROW;
    long turned = nothing + sumBytes();
    long work = turned + (long) PIXELS * PixelTurn.ROW;
    long rows = work + PixelTurn.WORK_BYTES;
    long sources = turned + FINISH_BYTES;
    long places = sources + PLACES_BYTES;
    long residualPlaces = places + PLACES_BYTES;
    outputs.place(m, begin, pixels, sources, in, input, spec.strideY(), spec.strideX());
    // What the last vector has too many are the last pixel once more.
    long last = m.get(ValueLayout.JAVA_LONG_UNALIGNED, sources + (pixels - 1) * 8L);
    for (int i = pixels; i < width * Lanes.COUNT; i++) {
      m.set(ValueLayout.JAVA_LONG_UNALIGNED, sources + i * 8L, last);
    }
    outputs.place(m, begin, pixels, places, residualPlaces);
    for (int i = 0; i < PixelTurn.ROW; i += Long.BYTES) {
      m.set(ValueLayout.JAVA_LONG_UNALIGNED, nothing + i, 0);
    }
    boolean finite = true;
    int panels = panels();
    for (int p = 0; p < panels; p++) {
      finite &= turn(m, p, sources, width, work, inputs);
      for (int v = firstVector; v < endVector; v += FINISHED) {
        int some = Math.min(FINISHED, endVector - v);
        int channel = v * Lanes.COUNT;
        int channels = Math.min(spec.outChannels() - channel, some * Lanes.COUNT);
        long sum = panels == 1 ? sums : sums + (long) channel * PixelTurn.ROW;
        F32ListTile.products(
            width,
            lists,
            starts + (p * (long) spec.outChannels() + channel) * 4,
            channels,
            m,
            inputs,
            p == 0 ? nothing : sum,
            p == 0 ? 0 : PixelTurn.ROW,
            sum,
            PixelTurn.ROW);
        if (p < panels - 1) {
          continue;
        }
        if (!finite) {
          multiplyAll(m, sources, pixels, channel, channels, sum);
        } else if (counts != null) {
          long done = listed[channel + channels] - listed[channel];
          counts.addSkipped(thread, pixels * (at.length * (long) channels - done));
        }
        for (int i = 0; i < some; i++) {
          long from = sum + (long) i * Lanes.COUNT * PixelTurn.ROW;
          turnBack(m, from, width, rows, work, turned + (long) i * Lanes.BYTES);
        }
        outputs.finish(
            m,
            v,
            some,
            F32ListTile.WIDEST,
            turned,
            pixels,
            places,
            residualPlaces,
            out,
            extra,
            counts,
            thread);
      }
    }
  }

  /** Turns the inputs of a panel over; returns whether all of them are numbers. */
  private boolean turn(MemorySegment m, int p, long sources, int width, long work, long inputs) {
    boolean finite = true;
    int v0 = panelStart(vectors(), panels(), p);
    int v1 = panelStart(vectors(), panels(), p + 1);
    for (int v = v0; v < v1; v++) {
      long to = inputs + (long) (v - v0) * Lanes.COUNT * PixelTurn.ROW;
      PixelTurn.turn(m, sources, at[first[v]], width, work, to);
      finite &= PixelTurn.isFinite(m, to, first[v + 1] - first[v], width);
    }
    return finite;
  }

  /** From rows of pixels of one vector of channels to that vector for each pixel. */
  private static void turnBack(
      MemorySegment m, long from, int width, long rows, long work, long to) {
    for (int i = 0; i < Lanes.COUNT; i++) {
      m.set(ValueLayout.JAVA_LONG_UNALIGNED, rows + i * 8L, from + (long) i * PixelTurn.ROW);
    }
    for (int i = 0; i < width; i++) {
      long square = to + (long) i * Lanes.COUNT * PixelTurn.ROW;
      PixelTurn.turn(m, rows, (long) i * Lanes.BYTES, 1, work, square);
    }
  }

  /** All products of a group, those with weights of zero too. */
  private void multiplyAll(
      MemorySegment m, long sources, int pixels, int channel, int channels, long sums) {
    float[] weights = new float[at.length];
    int panels = panels();
    for (int c = channel; c < channel + channels; c++) {
      Arrays.fill(weights, 0f);
      for (int p = 0; p < panels; p++) {
        long list = starts + (p * (long) spec.outChannels() + c) * 4;
        int v0 = panelStart(vectors(), panels, p);
        int to = lists.get(ValueLayout.JAVA_INT, list + 4);
        for (int e = lists.get(ValueLayout.JAVA_INT, list); e < to; e++) {
          int row = lists.get(ValueLayout.JAVA_INT, place(e)) / PixelTurn.ROW;
          int k = first[v0 + row / Lanes.COUNT] + row % Lanes.COUNT;
          weights[k] = lists.get(ValueLayout.JAVA_FLOAT, place(e) + 4);
        }
      }
      long sum = sums + (long) (c - channel) * PixelTurn.ROW;
      for (int i = 0; i < pixels; i++) {
        long source = m.get(ValueLayout.JAVA_LONG_UNALIGNED, sources + i * 8L);
        float s = 0f;
        for (int k = 0; k < weights.length; k++) {
          s += weights[k] * m.get(Lanes.FLOAT, source + at[k]);
        }
        m.set(Lanes.FLOAT, sum + i * 4L, s);
      }
    }
  }
}
