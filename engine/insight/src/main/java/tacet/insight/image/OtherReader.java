package tacet.insight.image;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.WritableRaster;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.FileImageInputStream;

/** Decodes what else the JDK's ImageIO knows: GIF, BMP, WBMP, TIFF; the first image of several. */
final class OtherReader {
  /** Above what LZW and run lengths reach in practice. */
  private static final long PIXELS_PER_BYTE = 4096;

  private OtherReader() {}

  static Picture read(Path file) throws IOException {
    // A stream on the file itself: ImageIO's own choice may be a cache on disk.
    try (FileImageInputStream in = new FileImageInputStream(file.toFile())) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        throw new ImageFormatException(
            file, "not an image that Tacet knows (PNG, JPEG, GIF, BMP, TIFF)");
      }
      ImageReader reader = readers.next();
      try {
        reader.setInput(in, true, true);
        PictureReader.checkSize(file, reader.getWidth(0), reader.getHeight(0), PIXELS_PER_BYTE);
        boolean tiff = reader.getFormatName().equalsIgnoreCase("tif");
        Picture picture = toPicture(reader.read(0));
        return tiff ? Exif.upright(picture, tiffOrientation(file)) : picture;
      } finally {
        reader.dispose();
      }
    } catch (ImageFormatException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // The JDK's decoders answer some damaged files with unchecked exceptions.
      throw new ImageFormatException(file, "damaged or unsupported image: " + e.getMessage(), e);
    }
  }

  private static int tiffOrientation(Path file) throws IOException {
    // A TIFF file is itself the structure in which EXIF notes the orientation.
    return Exif.orientation(ByteBuffer.wrap(Files.readAllBytes(file)));
  }

  /**
   * Samples of grey and RGB images are taken as stored; getRGB would take grey for linear light.
   */
  static Picture toPicture(BufferedImage image) {
    ColorModel model = image.getColorModel();
    WritableRaster raster = image.getRaster();
    Picture picture = Picture.blank(image.getWidth(), image.getHeight());
    int type = model.getColorSpace().getType();
    boolean stored = model instanceof ComponentColorModel;
    if (stored && type != ColorSpace.TYPE_GRAY && type != ColorSpace.TYPE_RGB) {
      throw new IllegalArgumentException("neither grey nor RGB");
    }
    int[] samples = null;
    byte[] rgb = picture.rgb();
    for (int y = 0, to = 0; y < picture.height(); y++) {
      if (stored) {
        samples = raster.getPixels(0, y, picture.width(), 1, samples);
      }
      for (int x = 0; x < picture.width(); x++, to += 3) {
        if (stored) {
          pixel(samples, x * raster.getNumBands(), model, rgb, to);
        } else {
          int argb = image.getRGB(x, y);
          for (int c = 0; c < 3; c++) {
            rgb[to + c] = PngReader.overWhite(argb >> 16 - 8 * c & 0xFF, argb >>> 24);
          }
        }
      }
    }
    return picture;
  }

  private static void pixel(int[] samples, int from, ColorModel model, byte[] rgb, int to) {
    int colours = model.getNumColorComponents();
    int alpha = model.hasAlpha() ? eightBit(samples[from + colours], model, colours) : 255;
    for (int c = 0; c < 3; c++) {
      int channel = colours == 1 ? 0 : c;
      rgb[to + c] = PngReader.overWhite(eightBit(samples[from + channel], model, channel), alpha);
    }
  }

  private static int eightBit(int v, ColorModel model, int channel) {
    int bits = model.getComponentSize(channel);
    return bits >= 8 ? v >>> bits - 8 : v * 255 / ((1 << bits) - 1);
  }
}
