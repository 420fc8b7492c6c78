package tacet.insight.image;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Finds the decoder for a file by its first bytes and guards what all decoders must. */
final class PictureReader {
  private PictureReader() {}

  static Picture read(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new ImageFormatException(file, "a folder, not an image");
    }
    byte[] head;
    try (InputStream in = Files.newInputStream(file)) {
      head = in.readNBytes(8);
    }
    try {
      if (PngReader.recognises(head)) {
        try (InputStream in = Files.newInputStream(file)) {
          return new PngReader(file, new DataInputStream(in)).read();
        }
      }
      if (JpegReader.recognises(head)) {
        return JpegReader.read(file);
      }
      return OtherReader.read(file);
    } catch (EOFException e) {
      throw new ImageFormatException(file, "truncated image", e);
    } catch (OutOfMemoryError e) {
      // What is allocated here is one array or a few, each for the image as a whole: failing that,
      // all else is intact.
      throw new ImageFormatException(file, "image does not fit into the heap (-Xmx)", e);
    }
  }

  /**
   * Refuses sizes that cannot be true or cannot be held, before anything is allocated for them.
   *
   * @param pixelsPerByte most pixels that one byte of this kind of file can stand for
   */
  static void checkSize(Path file, long width, long height, long pixelsPerByte) throws IOException {
    if (width < 1 || height < 1) {
      throw new ImageFormatException(file, "image of " + width + "x" + height + " pixels");
    }
    if (width > Integer.MAX_VALUE
        || height > Integer.MAX_VALUE
        || width * height > Picture.MAX_PIXELS) {
      throw new ImageFormatException(
          file,
          "image claims "
              + width
              + "x"
              + height
              + " pixels, more than the "
              + Picture.MAX_PIXELS
              + " that are decoded");
    }
    long plausible = Math.multiplyExact(Files.size(file), pixelsPerByte);
    if (width * height > plausible) {
      throw new ImageFormatException(
          file,
          "damaged or truncated image: claims "
              + width
              + "x"
              + height
              + " pixels in "
              + Files.size(file)
              + " bytes");
    }
    long heap = Runtime.getRuntime().maxMemory();
    if (width * height * 3 > heap) {
      throw new ImageFormatException(
          file,
          "image of %dx%d pixels needs %d MB, the heap has %d MB (-Xmx)"
              .formatted(width, height, width * height * 3 >> 20, heap >> 20));
    }
  }
}
