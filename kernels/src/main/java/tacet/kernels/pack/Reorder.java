package tacet.kernels.pack;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import tacet.kernels.ImageLayout;

/**
 * Copies images between layouts. Row-major NCHW is a layout of one lane, NHWC one of as many lanes as channels, so that
 * one routine serves every pair.
 */
public final class Reorder {

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private Reorder() {}

  /** The dense NCHW layout of an image. */
  public static ImageLayout channelsFirst(int batch, int channels, int height, int width) {
    return ImageLayout.of(batch, channels, height, width, 1, ImageLayout.Halo.NONE);
  }

  /** The dense NHWC layout of an image. */
  public static ImageLayout channelsLast(int batch, int channels, int height, int width) {
    return ImageLayout.of(
        batch, channels, height, width, Math.max(1, channels), ImageLayout.Halo.NONE);
  }

  /**
   * Copies every element.
   *
   * @param from layout of the source, whose first element is at byte {@code fromOffset}
   * @param to layout of the target, of the same extents
   */
  public static void copy(
      MemorySegment source,
      ImageLayout from,
      long fromOffset,
      MemorySegment target,
      ImageLayout to,
      long toOffset) {
    for (int n = 0; n < from.batch(); n++) {
      for (int c = 0; c < from.channels(); ) {
        // The longest run of channels within one block of either side.
        int run =
            Math.min(
                Math.min(from.lanes() - c % from.lanes(), to.lanes() - c % to.lanes()),
                from.channels() - c);
        for (int y = 0; y < from.height(); y++) {
          row(
              source,
              fromOffset + from.offset(n, c, y, 0),
              from.pixelStride(),
              target,
              toOffset + to.offset(n, c, y, 0),
              to.pixelStride(),
              from.width(),
              run);
        }
        c += run;
      }
    }
  }

  private static void row(
      MemorySegment source,
      long from,
      long fromStep,
      MemorySegment target,
      long to,
      long toStep,
      int width,
      int run) {
    long bytes = (long) run * Float.BYTES;
    if (fromStep == bytes && toStep == bytes) {
      MemorySegment.copy(source, from, target, to, bytes * width);
      return;
    }
    for (int c = 0; c < run; c++) {
      long f = from + (long) c * Float.BYTES;
      long t = to + (long) c * Float.BYTES;
      for (int x = 0; x < width; x++) {
        target.set(FLOAT, t + x * toStep, source.get(FLOAT, f + x * fromStep));
      }
    }
  }

  /** Writes zeros around every plane of a freshly placed image. */
  public static void clearHalo(
      MemorySegment memory, ImageLayout layout, ImageLayout.Halo halo, long first) {
    long left = halo.left() * layout.pixelStride();
    long right = halo.right() * layout.pixelStride();
    long row = layout.width() * layout.pixelStride();
    for (int n = 0; n < layout.batch(); n++) {
      for (int b = 0; b < layout.blocks(); b++) {
        long plane = first + n * layout.batchStride() + b * layout.blockStride();
        clear(memory, plane - halo.top() * layout.rowStride() - left, plane);
        for (int y = 0; y < layout.height() - 1; y++) {
          long end = plane + y * layout.rowStride() + row;
          clear(memory, end, end + right + left);
        }
        long end = plane + (layout.height() - 1) * layout.rowStride() + row;
        clear(memory, end, end + right + halo.bottom() * layout.rowStride());
      }
    }
  }

  private static void clear(MemorySegment memory, long from, long to) {
    long o = from;
    for (; o + Long.BYTES <= to; o += Long.BYTES) {
      memory.set(ValueLayout.JAVA_LONG_UNALIGNED, o, 0);
    }
    if (o < to) {
      memory.set(FLOAT, o, 0f);
    }
  }
}
