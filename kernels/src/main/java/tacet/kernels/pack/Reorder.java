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
        // The longest run of channels within one block of either side; planes of one channel each
        // are
        // no blocks.
        int run = Math.min(Math.min(leftInBlock(from, c), leftInBlock(to, c)), from.channels() - c);
        boolean sameBlocks = from.lanes() == to.lanes() && run == from.lanes();
        for (int y = 0; y < from.height(); y++) {
          if (sameBlocks) {
            long bytes = from.width() * from.pixelStride();
            long first = fromOffset + from.offset(n, c, y, 0);
            MemorySegment.copy(source, first, target, toOffset + to.offset(n, c, y, 0), bytes);
            continue;
          }
          for (int i = c; i < c + run; i++) {
            long first = fromOffset + from.offset(n, i, y, 0);
            long place = toOffset + to.offset(n, i, y, 0);
            row(source, first, from.pixelStride(), target, place, to.pixelStride(), from.width());
          }
        }
        c += run;
      }
    }
  }

  private static int leftInBlock(ImageLayout layout, int channel) {
    return layout.lanes() == 1 ? layout.channels() : layout.lanes() - channel % layout.lanes();
  }

  /** One channel of a row. */
  private static void row(
      MemorySegment source,
      long from,
      long fromStep,
      MemorySegment target,
      long to,
      long toStep,
      int width) {
    if (toStep == Float.BYTES && fromStep == 16 * Float.BYTES) {
      fromBlocksOf16(source, from, target, to, width);
    } else if (toStep == Float.BYTES && fromStep == 8 * Float.BYTES) {
      fromBlocksOf8(source, from, target, to, width);
    } else {
      for (int x = 0; x < width; x++) {
        target.set(FLOAT, to + x * toStep, source.get(FLOAT, from + x * fromStep));
      }
    }
  }

  // With steps that it knows, C2 checks bounds once per row and not once per element.

  private static void fromBlocksOf16(
      MemorySegment source, long from, MemorySegment target, long to, int width) {
    for (int x = 0; x < width; x++) {
      target.set(FLOAT, to + 4L * x, source.get(FLOAT, from + 64L * x));
    }
  }

  private static void fromBlocksOf8(
      MemorySegment source, long from, MemorySegment target, long to, int width) {
    for (int x = 0; x < width; x++) {
      target.set(FLOAT, to + 4L * x, source.get(FLOAT, from + 32L * x));
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
