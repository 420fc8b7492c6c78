package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import tacet.kernels.ConvSpec;
import tacet.kernels.Parallel;
import tacet.kernels.Weights;

/**
 * The weights of {@link WinogradConvolution}, G g Gᵀ of every filter g, for output channels that are computed together.
 *
 * @param firstVector number of the first vector of output channels
 * @param vectors 1 … 4
 * @param memory transformed weights: points, then input channels, then vectors
 */
record WinogradWeights(int firstVector, int vectors, MemorySegment memory) {

  /** Input channels whose filters are transformed together: their lines of memory are read once. */
  private static final int PACKED_CHANNELS = 16;

  /** Bytes of all transformed weights. */
  static long bytes(ConvSpec spec, int tile) {
    long vectors = Math.ceilDiv(spec.outChannels(), Lanes.COUNT);
    return (tile + 2L) * (tile + 2L) * spec.inChannels() * vectors * BYTES;
  }

  /**
   * Transforms the weights, in double precision.
   *
   * @param tile output pixels of a tile along each axis: 2 or 4
   */
  static WinogradWeights[] pack(
      ConvSpec spec, int tile, Weights weights, Arena arena, Parallel parallel) {
    int vectors = Math.ceilDiv(spec.outChannels(), Lanes.COUNT);
    int count = Math.ceilDiv(vectors, PackedWeights.WIDEST);
    WinogradWeights[] columns = new WinogradWeights[count];
    int[] first = new int[count + 1];
    for (int c = 0; c < count; c++) {
      first[c + 1] = first[c] + Math.ceilDiv(vectors - first[c], count - c);
    }
    // Fresh memory is zeroed, which takes longer than to fill it: every tile has its own, so that
    // all threads do that.
    parallel.forEach(
        count,
        (c, _) -> {
          int width = first[c + 1] - first[c];
          long bytes = bytes(spec, tile) / vectors * width;
          columns[c] = new WinogradWeights(first[c], width, arena.allocate(bytes, 64));
        });
    int parts = Math.ceilDiv(spec.inChannels(), PACKED_CHANNELS);
    parallel.forEach(
        count * parts,
        (item, thread) -> {
          int from = item % parts * PACKED_CHANNELS;
          int to = Math.min(spec.inChannels(), from + PACKED_CHANNELS);
          pack(spec, tile, columns[item / parts], from, to, weights, parallel, thread);
        });
    return columns;
  }

  /** Those of input channels {@code from … to − 1} under one tile of columns. */
  private static void pack(
      ConvSpec spec,
      int tile,
      WinogradWeights c,
      int from,
      int to,
      Weights weights,
      Parallel parallel,
      int thread) {
    int patch = tile + 2;
    int points = patch * patch;
    int width = c.vectors * Lanes.COUNT;
    int firstChannel = c.firstVector * Lanes.COUNT;
    int filters = Math.min(width, spec.outChannels() - firstChannel);
    int depth = (to - from) * 9;
    int point = (to - from) * width;
    int room = points * point;
    float[] u = parallel.floats(thread, room + filters * depth);
    if (filters < width) {
      Arrays.fill(u, 0, room, 0f);
    }
    for (int i = 0; i < filters; i++) {
      long w = ((firstChannel + i) * (long) spec.inChannels() + from) * 9;
      weights.copy(w, u, room + i * depth, depth);
    }
    transform(tile, u, room, filters, to - from, width);
    for (int p = 0; p < points; p++) {
      long at = ((long) p * spec.inChannels() + from) * c.vectors * BYTES;
      MemorySegment.copy(u, p * point, c.memory, ValueLayout.JAVA_FLOAT, at, point);
    }
  }

  /**
   * @param u receives points, input channels, then {@code width} filters, from its beginning on
   * @param w where nine weights of every filter and input channel begin in {@code u}
   */
  private static void transform(int tile, float[] u, int w, int filters, int channels, int width) {
    double[] half = new double[(tile + 2) * 3];
    for (int i = 0; i < filters; i++) {
      for (int k = 0; k < channels; k++) {
        int from = w + (i * channels + k) * 9;
        WinogradTransforms.filter(tile, u, from, half, u, k * width + i, channels * width);
      }
    }
  }
}
