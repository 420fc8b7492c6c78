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
    long max = Math.min(Picture.MAX_PIXELS, Runtime.getRuntime().maxMemory() / 3);
    if (width > Integer.MAX_VALUE || height > Integer.MAX_VALUE || width * height > max) {
      throw new ImageFormatException(
          file,
          "image claims " + width + "x" + height + " pixels; at most " + max + " fit in memory");
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
  }
}
