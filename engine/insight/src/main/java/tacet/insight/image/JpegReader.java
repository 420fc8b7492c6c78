package tacet.insight.image;

import java.awt.image.DataBufferByte;
import java.awt.image.PixelInterleavedSampleModel;
import java.awt.image.Raster;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStreamImpl;

/**
 * Decodes JPEG: the JDK's decoder (libjpeg) gives the stored components, this class finds out what
 * they mean and converts them in place, with libjpeg's own rules and arithmetic. So CMYK works,
 * which ImageIO refuses; embedded profiles change nothing; and truncated files are refused, which
 * libjpeg fills up with grey.
 */
final class JpegReader {
  private static final int TEM = 0x01;
  private static final int SOF0 = 0xC0;
  private static final int DHT = 0xC4;
  private static final int JPG = 0xC8;
  private static final int DAC = 0xCC;
  private static final int SOF15 = 0xCF;
  private static final int RST0 = 0xD0;
  private static final int RST7 = 0xD7;
  private static final int SOI = 0xD8;
  private static final int EOI = 0xD9;
  private static final int SOS = 0xDA;
  private static final int APP0 = 0xE0;
  private static final int APP1 = 0xE1;
  private static final int APP14 = 0xEE;

  /** A block of 64 pixels takes at least one bit in its first scan. */
  private static final long PIXELS_PER_BYTE = 512;

  /**
   * Progressive files have about ten scans; thousands of almost empty ones serve only to keep a
   * decoder busy.
   */
  private static final int MAX_SCANS = 500;

  private JpegReader() {}

  /**
   * What the markers say.
   *
   * @param ids the components' identifiers
   * @param adobe the colour transform of the Adobe marker, or -1 without that marker
   */
  private record Header(
      int width, int height, int[] ids, boolean jfif, int adobe, int orientation) {
    /**
     * libjpeg's rules for what the components are (jdapimin.c, {@code default_decompress_parms}).
     */
    boolean luma() {
      if (ids.length == 4) {
        return adobe == 2;
      }
      if (jfif || adobe >= 0) {
        return jfif || adobe != 0;
      }
      return !(ids[0] == 'R' && ids[1] == 'G' && ids[2] == 'B');
    }
  }

  static boolean recognises(byte[] head) {
    return head.length >= 3
        && (head[0] & 0xFF) == 0xFF
        && (head[1] & 0xFF) == SOI
        && (head[2] & 0xFF) == 0xFF;
  }

  static Picture read(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    Header header = scan(file, bytes);
    Raster raster = decode(file, bytes, header);
    byte[] data = ((DataBufferByte) raster.getDataBuffer()).getData();
    boolean plain =
        raster.getSampleModel() instanceof PixelInterleavedSampleModel model
            && model.getScanlineStride() == header.ids.length * header.width
            && data.length == header.ids.length * header.width * header.height;
    if (!plain || raster.getWidth() != header.width || raster.getHeight() != header.height) {
      throw new ImageFormatException(file, "damaged JPEG: size of the decoded image differs");
    }
    byte[] rgb =
        switch (header.ids.length) {
          case 1 -> repeat(data);
          case 3 -> {
            if (header.luma()) {
              toRgb(data, 3);
            }
            yield data;
          }
          default -> {
            if (header.luma()) {
              toRgb(data, 4);
            }
            yield fromCmyk(data, header.luma());
          }
        };
    return Exif.upright(new Picture(header.width, header.height, rgb), header.orientation);
  }

  /** Walks the markers up to the end of the image. */
  private static Header scan(Path file, byte[] bytes) throws IOException {
    int width = 0;
    int height = 0;
    int[] ids = null;
    boolean jfif = false;
    int adobe = -1;
    int orientation = 1;
    int scans = 0;
    ByteBuffer in = ByteBuffer.wrap(bytes);
    try {
      in.position(2);
      while (true) {
        int marker = marker(in);
        if (marker == EOI) {
          break;
        }
        // Entropy-coded data holds FF 00 for FF, and restart markers; neither has a length.
        if (marker == 0 || marker == TEM || marker >= RST0 && marker <= RST7) {
          continue;
        }
        if (marker == SOI) {
          throw error(file, "an image inside the image");
        }
        int length = (in.getShort() & 0xFFFF) - 2;
        if (length < 0) {
          throw error(file, "marker segment without length");
        }
        if (length > in.remaining()) {
          throw new BufferUnderflowException();
        }
        ByteBuffer b = in.slice(in.position(), length);
        in.position(in.position() + length);
        if (marker == SOS && ++scans > MAX_SCANS) {
          throw error(file, "more than " + MAX_SCANS + " scans");
        }
        if (marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG && marker != DAC) {
          if (ids != null || length < 6 || length < 6 + 3 * (b.get(5) & 0xFF)) {
            throw error(file, "frame header");
          }
          if (b.get(0) != 8) {
            throw new ImageFormatException(file, "JPEG of " + b.get(0) + " bits per sample");
          }
          height = b.getShort(1) & 0xFFFF;
          width = b.getShort(3) & 0xFFFF;
          ids = new int[b.get(5) & 0xFF];
          for (int i = 0; i < ids.length; i++) {
            ids[i] = b.get(6 + 3 * i) & 0xFF;
          }
        } else if (marker == APP0) {
          jfif |= starts(b, "JFIF\0");
        } else if (marker == APP14 && starts(b, "Adobe") && length >= 12) {
          adobe = b.get(11) & 0xFF;
        } else if (marker == APP1 && starts(b, "Exif\0\0")) {
          orientation = Exif.orientation(b.position(6));
        }
      }
    } catch (BufferUnderflowException e) {
      throw new ImageFormatException(file, "truncated JPEG: the end marker is missing", e);
    }
    if (ids == null || scans == 0) {
      throw error(file, "no image in it");
    }
    if (ids.length != 1 && ids.length != 3 && ids.length != 4) {
      throw new ImageFormatException(file, "JPEG of " + ids.length + " components");
    }
    PictureReader.checkSize(file, width, height, PIXELS_PER_BYTE);
    if ((long) width * height * ids.length > Integer.MAX_VALUE - 8) {
      throw new ImageFormatException(file, "CMYK JPEG of " + width + "x" + height + " pixels");
    }
    return new Header(width, height, ids, jfif, adobe, orientation);
  }

  /**
   * The next byte pair FF xx, from the buffer's position on; padding FFs are skipped.
   *
   * @throws BufferUnderflowException where there is none
   */
  private static int marker(ByteBuffer in) {
    byte[] bytes = in.array();
    int at = in.position();
    while (at < bytes.length && bytes[at] != (byte) 0xFF) {
      at++;
    }
    while (at < bytes.length && bytes[at] == (byte) 0xFF) {
      at++;
    }
    in.position(at);
    return in.get() & 0xFF;
  }

  private static boolean starts(ByteBuffer b, String text) {
    for (int i = 0; i < text.length(); i++) {
      if (i >= b.limit() || b.get(i) != text.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private static Raster decode(Path file, byte[] bytes, Header header) throws IOException {
    ImageReader reader = ImageIO.getImageReadersByFormatName("jpeg").next();
    List<String> damage = new ArrayList<>();
    try (Stored in = new Stored(bytes)) {
      reader.setInput(in, true, true);
      reader.addIIOReadWarningListener(
          (source, warning) -> {
            // Bytes too many before a marker are common and harmless; every other damage costs
            // pixels.
            if (warning.startsWith("Corrupt JPEG data") && !warning.contains("extraneous")) {
              damage.add(warning);
            }
          });
      Raster raster = reader.readRaster(0, null);
      if (!damage.isEmpty()) {
        throw error(file, damage.getFirst());
      }
      if (raster.getNumBands() != header.ids.length) {
        throw error(file, "component count");
      }
      return raster;
    } catch (ImageFormatException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // The JDK's decoder answers some damaged files with unchecked exceptions.
      throw new ImageFormatException(file, "damaged or unsupported JPEG: " + e.getMessage(), e);
    } finally {
      reader.dispose();
    }
  }

  /**
   * YCbCr to RGB in place, in the fixed-point arithmetic of libjpeg's jdcolor.c (JFIF 1.02, ITU-R
   * BT.601 at full range).
   *
   * @param step components per pixel; a fourth one is left alone
   */
  private static void toRgb(byte[] data, int step) {
    Chroma c = Chroma.TABLES;
    for (int i = 0; i < data.length; i += step) {
      long sums =
          c.cb[data[i + 1] & 0xFF] + c.cr[data[i + 2] & 0xFF] + (data[i] & 0xFF) * Chroma.LUMA;
      data[i] = c.limited[(int) sums & Chroma.MASK];
      data[i + 1] = c.limited[(int) (sums >>> Chroma.GREEN) & Chroma.MASK];
      data[i + 2] = c.limited[(int) (sums >>> Chroma.BLUE) & Chroma.MASK];
    }
  }

  /**
   * What the chroma of a pixel adds to its luma, for three colours in one sum: red in the lowest bits, then blue, then green
   * with 16 fractional bits beneath. Every colour is moved up, so that none borrows from another.
   *
   * @param cb by Cb: of blue and green, with green's rounding
   * @param cr by Cr: of red and green
   * @param limited a colour that was moved up, within 0 to 255
   */
  private record Chroma(long[] cb, long[] cr, byte[] limited) {
    private static final int BLUE = 16;
    private static final int GREEN = 48;
    private static final int FRACTION = 16;

    /** Luma in all three. */
    private static final long LUMA = 1L << GREEN | 1L << BLUE | 1;

    /** More than any chroma takes away from luma. */
    private static final int MARGIN = 256;

    /** Of a colour that was moved up: luma and chroma stay below twice the margin. */
    private static final int MASK = 4 * MARGIN - 1;

    private static final Chroma TABLES = make();

    private static Chroma make() {
      Chroma t = new Chroma(new long[256], new long[256], new byte[MASK + 1]);
      long half = 1L << FRACTION - 1;
      for (int i = 0; i < 256; i++) {
        int v = i - 128;
        long blue = MARGIN + (116130 * v + half >> FRACTION);
        long greenOfCb = ((long) MARGIN << FRACTION) + half - 22554 * v;
        t.cb[i] = (greenOfCb << GREEN - FRACTION) + (blue << BLUE);
        long red = MARGIN + (91881 * v + half >> FRACTION);
        t.cr[i] = ((long) -46802 * v << GREEN - FRACTION) + red;
      }
      for (int i = 0; i < t.limited.length; i++) {
        t.limited[i] = clamp(i - MARGIN);
      }
      return t;
    }
  }

  private static byte clamp(int v) {
    return (byte) Math.max(0, Math.min(255, v));
  }

  /**
   * CMYK, stored inverted as Adobe's programs do, to RGB by Pillow's formula.
   *
   * @param ycck whether the first three were YCbCr, which then have become the complement of stored
   *     CMY
   */
  private static byte[] fromCmyk(byte[] data, boolean ycck) {
    byte[] rgb = new byte[data.length / 4 * 3];
    for (int i = 0, p = 0; i < data.length; i += 4) {
      int light = data[i + 3] & 0xFF;
      for (int c = 0; c < 3; c++) {
        int stored = data[i + c] & 0xFF;
        int ink = ycck ? stored : 255 - stored;
        int t = ink * light + 128;
        rgb[p++] = clamp(light - ((t >> 8) + t >> 8));
      }
    }
    return rgb;
  }

  private static byte[] repeat(byte[] grey) {
    byte[] rgb = new byte[3 * grey.length];
    for (int i = 0, p = 0; i < grey.length; i++, p += 3) {
      rgb[p] = grey[i];
      rgb[p + 1] = grey[i];
      rgb[p + 2] = grey[i];
    }
    return rgb;
  }

  /** A file's bytes as ImageIO reads them. */
  private static final class Stored extends ImageInputStreamImpl {
    private final byte[] bytes;

    Stored(byte[] bytes) {
      this.bytes = bytes;
    }

    @Override
    public int read() {
      bitOffset = 0;
      return streamPos < bytes.length ? bytes[(int) streamPos++] & 0xFF : -1;
    }

    @Override
    public int read(byte[] to, int offset, int length) {
      bitOffset = 0;
      int n = (int) Math.min(length, bytes.length - streamPos);
      if (n <= 0) {
        return length == 0 ? 0 : -1;
      }
      System.arraycopy(bytes, (int) streamPos, to, offset, n);
      streamPos += n;
      return n;
    }

    @Override
    public long length() {
      return bytes.length;
    }
  }

  private static ImageFormatException error(Path file, String reason) {
    return new ImageFormatException(file, "damaged JPEG: " + reason);
  }
}
