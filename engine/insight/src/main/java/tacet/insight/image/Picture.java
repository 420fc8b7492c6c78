package tacet.insight.image;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * An image as 8-bit RGB, the form that networks for photos are trained on.
 *
 * <p>The array is not copied in or out: whoever makes a picture hands it over.
 *
 * @param width pixels per row, at least 1
 * @param height rows, at least 1
 * @param rgb red, green, blue (0..255 as unsigned bytes) of the pixels, row by row from the top
 *     left; length {@code 3·width·height}
 */
public record Picture(int width, int height, byte[] rgb) {
  /** Longest array that every JVM allocates, in whole pixels of three bytes. */
  static final long MAX_PIXELS = (Integer.MAX_VALUE - 8) / 3;

  /**
   * @throws IllegalArgumentException if a side is not positive or the array's length does not fit
   */
  public Picture {
    if (width < 1 || height < 1 || rgb.length != 3L * width * height) {
      throw new IllegalArgumentException(
          width + "x" + height + " pixels in " + rgb.length + " bytes");
    }
  }

  /** A black picture. */
  static Picture blank(int width, int height) {
    return new Picture(
        width, height, new byte[Math.multiplyExact(Math.multiplyExact(3, width), height)]);
  }

  /**
   * A picture of the JDK's kind, with the samples that it stores; transparent pixels are blended over white.
   *
   * @throws IllegalArgumentException if it is neither grey nor RGB
   */
  public static Picture of(BufferedImage image) {
    return OtherReader.toPicture(image);
  }

  /**
   * Copies pixels.
   *
   * @param rgb as the record's, from the buffer's position on; the position stays
   * @throws IllegalArgumentException if a side is not positive or too few bytes remain
   */
  public static Picture of(int width, int height, ByteBuffer rgb) {
    long bytes = 3L * width * height;
    if (width < 1 || height < 1 || bytes > rgb.remaining()) {
      throw new IllegalArgumentException(
          width + "x" + height + " pixels in " + rgb.remaining() + " bytes");
    }
    Picture picture = blank(width, height);
    rgb.get(rgb.position(), picture.rgb);
    return picture;
  }

  /**
   * Decodes a PNG, JPEG, GIF, BMP or TIFF file. The pixels are those of Pillow's {@code
   * Image.open(f).convert('RGB')}: stored values are taken as they are, without gamma or colour
   * profile; grey is repeated in all channels; of 16 bits the upper 8 are kept; CMYK becomes RGB by
   * Pillow's formula. Two things differ on purpose: transparent pixels are blended over white
   * (Pillow drops alpha and so shows whatever colour is stored under it), and an EXIF orientation
   * is applied (Pillow's {@code ImageOps.exif_transpose}).
   *
   * @throws ImageFormatException if the file is no image, is damaged or truncated, claims more
   *     pixels than its size can hold, or is of a kind that is not decoded
   * @throws IOException if the file cannot be read
   */
  public static Picture read(Path file) throws IOException {
    return PictureReader.read(file);
  }

  /**
   * Writes a PNG file; the name appears once the file is complete.
   *
   * @throws IOException naming the file if it cannot be written
   */
  public void writePng(Path file) throws IOException {
    PngWriter.write(file, this);
  }

  /**
   * The picture in grey: luma in all three channels, ITU-R BT.601 weights in fixed point and
   * rounded as Pillow's {@code convert('L')}. A grey picture stays as it is.
   */
  public Picture grey() {
    byte[] out = new byte[rgb.length];
    for (int p = 0; p < out.length; p += 3) {
      int r = rgb[p] & 0xFF;
      int g = rgb[p + 1] & 0xFF;
      int b = rgb[p + 2] & 0xFF;
      byte luma = (byte) (r * 19595 + g * 38470 + b * 7471 + 0x8000 >> 16);
      out[p] = luma;
      out[p + 1] = luma;
      out[p + 2] = luma;
    }
    return new Picture(width, height, out);
  }
}
