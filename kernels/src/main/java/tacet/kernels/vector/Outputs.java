package tacet.kernels.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.ZeroCounts;

/**
 * What becomes of a convolution's sums: where they go, and what happens to them on the way.
 *
 * @param residual of the image that is added, or null
 * @param bias a vector per vector of output channels
 */
record Outputs(ConvSpec spec, ImageLayout layout, ImageLayout residual, MemorySegment bias) {

  static Outputs of(
      ConvSpec spec, ImageLayout layout, ImageLayout residual, float[] bias, Arena arena) {
    int vectors = Math.ceilDiv(spec.outChannels(), Lanes.COUNT);
    return new Outputs(spec, layout, residual, Epilogue.bias(bias, vectors, arena));
  }

  /** The same sums written elsewhere. */
  Outputs on(ImageLayout other) {
    return new Outputs(spec, other, residual, bias);
  }

  /**
   * Writes where pixels go, as longs that {@link #finish} reads.
   *
   * @param from first pixel, counted through the batch
   * @param places receives the byte distance of each pixel in the output
   * @param residualPlaces the same for the residual, where there is one
   */
  void place(MemorySegment m, int from, int pixels, long places, long residualPlaces) {
    place(m, from, pixels, places, 0, layout, 1, 1);
    if (residual != null) {
      place(m, from, pixels, residualPlaces, 0, residual, 1, 1);
    }
  }

  /**
   * Writes where pixels lie in an image of which they take every {@code strideX}-th column of every {@code strideY}-th row.
   *
   * @param base byte offset of pixel 0
   */
  void place(
      MemorySegment m,
      int from,
      int pixels,
      long places,
      long base,
      ImageLayout image,
      int strideY,
      int strideX) {
    int x = from % spec.outWidth();
    int y = from / spec.outWidth() % spec.outHeight();
    int n = from / spec.outWidth() / spec.outHeight();
    long step = strideX * image.pixelStride();
    for (int i = 0; i < pixels; ) {
      int end = Math.min(pixels, i + spec.outWidth() - x);
      long place =
          base + n * image.batchStride() + (long) y * strideY * image.rowStride() + x * step;
      for (; i < end; i++) {
        m.set(ValueLayout.JAVA_LONG_UNALIGNED, places + i * 8L, place);
        place += step;
      }
      x = 0;
      if (++y == spec.outHeight()) {
        y = 0;
        n++;
      }
    }
  }

  /** Whether sums of so many vectors of output channels are finished by compiled code. */
  boolean isSettled(int vectors) {
    return CountingEpilogue.isSettled(spec.activation(), vectors);
  }

  /**
   * Finishes sums of some output channels.
   *
   * @param firstVector number of the first vector of output channels
   * @param vectors their number
   * @param stride vectors from a pixel's sums to the next one's
   * @param sums byte offset of the sums; overwritten
   * @param places byte offset of what {@link #place} has written for these pixels
   * @param out byte offset of the output
   * @param extra byte offset of the residual, where there is one
   */
  void finish(
      MemorySegment m,
      int firstVector,
      int vectors,
      int stride,
      long sums,
      int pixels,
      long places,
      long residualPlaces,
      long out,
      long extra,
      ZeroCounts counts,
      int thread) {
    Epilogue.finish(
        m,
        sums,
        pixels,
        vectors,
        stride,
        bias,
        (long) firstVector * Lanes.BYTES,
        places,
        out + firstVector * layout.blockStride(),
        layout.blockStride(),
        residualPlaces,
        residual == null ? -1 : extra + firstVector * residual.blockStride(),
        residual == null ? 0 : residual.blockStride(),
        spec.activation(),
        counts,
        thread,
        firstVector * Lanes.COUNT);
  }
}
