package tacet.insight.image;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Decodes PNG straight into 8-bit RGB, one row at a time. ImageIO would hold the whole image in the
 * file's depth first (twice the memory for 16 bits) and takes grey for linear light when asked for
 * RGB (a sample of 22 becomes 83). Source: PNG specification (W3C, third edition), sections 5
 * (chunks), 7 and 8 (pixels, interlacing), 9 (filters).
 */
final class PngReader {
  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

  private static final int IHDR = 0x49484452;
  private static final int PLTE = 0x504C5445;
  private static final int IDAT = 0x49444154;
  private static final int IEND = 0x49454E44;
  private static final int TRNS = 0x74524E53;
  private static final int EXIF = 0x65584966;

  private static final int GREY = 0;
  private static final int RGB = 2;
  private static final int PALETTE = 3;
  private static final int GREY_ALPHA = 4;
  private static final int RGB_ALPHA = 6;

  /**
   * Deflate emits at most 258 bytes for two bits, so no file holds more than this many bytes per
   * byte.
   */
  private static final long INFLATION = 1032;

  /** First column and row, then their steps, of the seven passes of an interlaced image. */
  private static final int[][] ADAM7 = {
    {0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}
  };

  private static final int[][] WHOLE = {{0, 0, 1, 1}};

  private final Path file;
  private final DataInputStream in;
  private final CRC32 crc = new CRC32();
  private final byte[] buffer = new byte[1 << 16];

  private int width;
  private int height;
  private int depth;
  private int colour;
  private int channels;
  private int[][] passes;

  /** RGB of the palette's entries, already blended over white. */
  private byte[] palette;

  /** The transparent grey or colour, or {@code null}. */
  private int[] transparent;

  private int orientation = 1;

  private byte[] rgb;
  private int pass;
  private int row;
  private int rowBytes;
  private int filled;
  private byte[] line;
  private byte[] above;

  PngReader(Path file, DataInputStream in) {
    this.file = file;
    this.in = in;
  }

  static boolean recognises(byte[] head) {
    return Arrays.equals(head, SIGNATURE);
  }

  Picture read() throws IOException {
    in.skipNBytes(SIGNATURE.length);
    Inflater inflater = new Inflater();
    try {
      boolean end = false;
      while (!end) {
        long length = in.readInt() & 0xFFFF_FFFFL;
        int type = in.readInt();
        if (length > Integer.MAX_VALUE) {
          throw error("chunk of " + length + " bytes");
        }
        if ((type == IHDR) == (passes != null)) {
          throw error(passes == null ? "no image header" : "second image header");
        }
        crc.reset();
        crc.update(new byte[] {(byte) (type >> 24), (byte) (type >> 16), (byte) (type >> 8)});
        crc.update(type);
        switch (type) {
          case IHDR -> header(small(length, 13, 13));
          case PLTE -> palette(small(length, 3, 768));
          case TRNS -> transparency(small(length, 1, 256));
          case EXIF -> exif((int) length);
          case IDAT -> pixels((int) length, inflater);
          case IEND -> {
            skip(length);
            end = true;
          }
          default -> {
            if ((type & 0x2000_0000) == 0) {
              throw error("unknown critical chunk");
            }
            skip(length);
          }
        }
        boolean sound = in.readInt() == (int) crc.getValue();
        // Damage in metadata leaves the pixels right.
        if (!sound && (type & 0x2000_0000) == 0) {
          throw error("checksum of a chunk does not match");
        }
      }
    } catch (DataFormatException e) {
      throw new ImageFormatException(file, "damaged PNG: " + e.getMessage(), e);
    } finally {
      inflater.end();
    }
    if (rgb == null || pass < passes.length) {
      throw new ImageFormatException(file, "truncated PNG: not all rows are there");
    }
    return Exif.upright(new Picture(width, height, rgb), orientation);
  }

  private void header(byte[] chunk) throws IOException {
    ByteBuffer b = ByteBuffer.wrap(chunk);
    width = b.getInt();
    height = b.getInt();
    depth = b.get();
    colour = b.get();
    int compression = b.get();
    int filter = b.get();
    int interlace = b.get();
    channels =
        switch (colour) {
          case GREY, PALETTE -> 1;
          case GREY_ALPHA -> 2;
          case RGB -> 3;
          case RGB_ALPHA -> 4;
          default -> throw error("colour type " + colour);
        };
    boolean known =
        switch (depth) {
          case 1, 2, 4 -> channels == 1;
          case 8 -> true;
          case 16 -> colour != PALETTE;
          default -> false;
        };
    if (!known) {
      throw error("colour type " + colour + " with " + depth + " bits");
    }
    if (compression != 0 || filter != 0 || interlace < 0 || interlace > 1) {
      throw error("unknown compression, filter or interlace method");
    }
    PictureReader.checkSize(
        file, width & 0xFFFF_FFFFL, height & 0xFFFF_FFFFL, INFLATION * 8 / (depth * channels));
    passes = interlace == 1 ? ADAM7 : WHOLE;
  }

  private void palette(byte[] chunk) throws IOException {
    if (chunk.length % 3 != 0) {
      throw error("palette of " + chunk.length + " bytes");
    }
    palette = chunk;
  }

  private void transparency(byte[] chunk) throws IOException {
    switch (colour) {
      case PALETTE -> {
        if (palette == null || chunk.length > palette.length / 3) {
          throw error("transparency without palette");
        }
        for (int i = 0; i < chunk.length; i++) {
          for (int c = 0; c < 3; c++) {
            palette[3 * i + c] = overWhite(palette[3 * i + c] & 0xFF, chunk[i] & 0xFF);
          }
        }
      }
      case GREY, RGB -> {
        if (chunk.length != 2 * channels) {
          throw error("transparency of " + chunk.length + " bytes");
        }
        transparent = new int[channels];
        for (int c = 0; c < channels; c++) {
          transparent[c] = (chunk[2 * c] & 0xFF) << 8 | chunk[2 * c + 1] & 0xFF;
        }
      }
      default -> throw error("transparency beside an alpha channel");
    }
  }

  private void exif(int length) throws IOException {
    // EXIF blocks are below 64 KiB by their own definition; longer ones are not worth the memory.
    if (length > 1 << 16) {
      skip(length);
      return;
    }
    orientation = Exif.orientation(ByteBuffer.wrap(small(length, 0, 1 << 16)));
  }

  private void pixels(int length, Inflater inflater) throws IOException, DataFormatException {
    if (rgb == null) {
      if (colour == PALETTE && palette == null) {
        throw error("no palette");
      }
      rgb = new byte[3 * width * height];
      pass = -1;
      nextPass();
    }
    for (int left = length; left > 0; ) {
      int n = Math.min(left, buffer.length);
      in.readFully(buffer, 0, n);
      crc.update(buffer, 0, n);
      left -= n;
      inflater.setInput(buffer, 0, n);
      while (pass < passes.length && !inflater.needsInput() && !inflater.finished()) {
        if (inflater.needsDictionary()) {
          throw error("unknown compression dictionary");
        }
        filled += inflater.inflate(line, filled, rowBytes + 1 - filled);
        if (filled == rowBytes + 1) {
          unfilter();
          place();
          nextRow();
        }
      }
    }
  }

  private void nextPass() {
    // Passes of small images may hold no pixel at all.
    do {
      pass++;
    } while (pass < passes.length && (passWidth() == 0 || passHeight() == 0));
    if (pass < passes.length) {
      rowBytes = (int) (((long) passWidth() * channels * depth + 7) / 8);
      line = new byte[rowBytes + 1];
      above = new byte[rowBytes + 1];
      row = 0;
    }
    filled = 0;
  }

  private void nextRow() {
    byte[] done = line;
    line = above;
    above = done;
    filled = 0;
    if (++row == passHeight()) {
      nextPass();
    }
  }

  private int passWidth() {
    int[] p = passes[pass];
    return (width - p[0] + p[2] - 1) / p[2];
  }

  private int passHeight() {
    int[] p = passes[pass];
    return (height - p[1] + p[3] - 1) / p[3];
  }

  private void unfilter() throws IOException {
    byte[] x = line;
    byte[] b = above;
    int step = Math.max(1, channels * depth / 8);
    int end = rowBytes + 1;
    int head = Math.min(step + 1, end);
    switch (x[0]) {
      case 0 -> {}
      case 1 -> {
        for (int i = step + 1; i < end; i++) {
          x[i] += x[i - step];
        }
      }
      case 2 -> {
        for (int i = 1; i < end; i++) {
          x[i] += b[i];
        }
      }
      case 3 -> {
        for (int i = 1; i < head; i++) {
          x[i] += (byte) ((b[i] & 0xFF) >> 1);
        }
        for (int i = head; i < end; i++) {
          x[i] += (byte) ((x[i - step] & 0xFF) + (b[i] & 0xFF) >> 1);
        }
      }
      case 4 -> {
        for (int i = 1; i < head; i++) {
          x[i] += b[i];
        }
        for (int i = head; i < end; i++) {
          x[i] += paeth(x[i - step] & 0xFF, b[i] & 0xFF, b[i - step] & 0xFF);
        }
      }
      default -> throw error("unknown filter " + x[0]);
    }
  }

  private static byte paeth(int left, int up, int corner) {
    int estimate = left + up - corner;
    int toLeft = Math.abs(estimate - left);
    int toUp = Math.abs(estimate - up);
    int toCorner = Math.abs(estimate - corner);
    if (toLeft <= toUp && toLeft <= toCorner) {
      return (byte) left;
    }
    return (byte) (toUp <= toCorner ? up : corner);
  }

  private void place() throws IOException {
    int[] p = passes[pass];
    int to = 3 * ((p[1] + row * p[3]) * width + p[0]);
    int step = 3 * p[2];
    int count = passWidth();
    switch (colour) {
      case GREY -> grey(to, step, count);
      case PALETTE -> indexed(to, step, count);
      case RGB -> rgb(to, step, count);
      case GREY_ALPHA -> alpha(to, step, count, 0, 0);
      default -> alpha(to, step, count, 1, 2);
    }
  }

  private void grey(int to, int step, int count) {
    int key = transparent == null ? -1 : transparent[0];
    int spread = depth < 8 ? 255 / ((1 << depth) - 1) : 1;
    for (int i = 0; i < count; i++, to += step) {
      int v = depth == 16 ? wide(1 + 2 * i) : sample(i);
      byte shown = (byte) (depth == 16 ? v >> 8 : v * spread);
      if (v == key) {
        shown = (byte) 255;
      }
      rgb[to] = shown;
      rgb[to + 1] = shown;
      rgb[to + 2] = shown;
    }
  }

  private void indexed(int to, int step, int count) throws IOException {
    for (int i = 0; i < count; i++, to += step) {
      int entry = 3 * sample(i);
      if (entry >= palette.length) {
        throw error("colour " + entry / 3 + " of a palette of " + palette.length / 3);
      }
      rgb[to] = palette[entry];
      rgb[to + 1] = palette[entry + 1];
      rgb[to + 2] = palette[entry + 2];
    }
  }

  private void rgb(int to, int step, int count) {
    int bytes = depth / 8;
    if (bytes == 1 && step == 3 && transparent == null) {
      System.arraycopy(line, 1, rgb, to, 3 * count);
      return;
    }
    for (int i = 0, from = 1; i < count; i++, to += step, from += 3 * bytes) {
      boolean clear = transparent != null;
      for (int c = 0; c < 3; c++) {
        int at = from + c * bytes;
        rgb[to + c] = line[at];
        clear &= transparent != null && transparent[c] == (bytes == 2 ? wide(at) : line[at] & 0xFF);
      }
      if (clear) {
        Arrays.fill(rgb, to, to + 3, (byte) 255);
      }
    }
  }

  /**
   * Pixels with alpha as their last channel; {@code green} and {@code blue} say which channels
   * those are.
   */
  private void alpha(int to, int step, int count, int green, int blue) {
    int bytes = depth / 8;
    for (int i = 0, from = 1; i < count; i++, to += step, from += channels * bytes) {
      int a = line[from + (channels - 1) * bytes] & 0xFF;
      rgb[to] = overWhite(line[from] & 0xFF, a);
      rgb[to + 1] = overWhite(line[from + green * bytes] & 0xFF, a);
      rgb[to + 2] = overWhite(line[from + blue * bytes] & 0xFF, a);
    }
  }

  private int sample(int i) {
    if (depth == 8) {
      return line[1 + i] & 0xFF;
    }
    int bit = i * depth;
    return (line[1 + (bit >> 3)] & 0xFF) >> 8 - depth - (bit & 7) & (1 << depth) - 1;
  }

  private int wide(int at) {
    return (line[at] & 0xFF) << 8 | line[at + 1] & 0xFF;
  }

  /** {@code v} with opacity {@code alpha} of 255 over white, rounded to nearest. */
  static byte overWhite(int v, int alpha) {
    return (byte) ((v * alpha + 255 * (255 - alpha) + 127) / 255);
  }

  private byte[] small(long length, int min, int max) throws IOException {
    if (length < min || length > max) {
      throw error("chunk of " + length + " bytes");
    }
    byte[] chunk = new byte[(int) length];
    in.readFully(chunk);
    crc.update(chunk);
    return chunk;
  }

  private void skip(long length) throws IOException {
    while (length > 0) {
      int n = (int) Math.min(length, buffer.length);
      in.readFully(buffer, 0, n);
      crc.update(buffer, 0, n);
      length -= n;
    }
  }

  private ImageFormatException error(String reason) {
    return new ImageFormatException(file, "damaged PNG: " + reason);
  }
}
