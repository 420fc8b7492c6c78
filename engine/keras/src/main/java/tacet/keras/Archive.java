package tacet.keras;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import tacet.error.ModelFormatException;

/** The zip file of a Keras 3 model. What an entry may take in memory is bounded by what it takes in the file. */
final class Archive implements AutoCloseable {

  /** Weights compress by little; networks of one constant by much, but those are small. */
  private static final long MOST_RATIO = 100;

  /** Up to this size any ratio is fine. */
  private static final long SMALL = 16L << 20;

  /** Addressable by the HDF5 parser, and by one Java string. */
  private static final long MOST_BYTES = Integer.MAX_VALUE - 8;

  private static final int COPIED_AT_ONCE = 1 << 16;

  private final String file;
  private final ZipFile zip;

  private Archive(String file, ZipFile zip) {
    this.file = file;
    this.zip = zip;
  }

  /**
   * @throws ModelFormatException where it is no zip file
   */
  static Archive open(Path path) throws IOException {
    try {
      return new Archive(path.toString(), new ZipFile(path.toFile()));
    } catch (ZipException | EOFException | IllegalArgumentException e) {
      throw new ModelFormatException(path.toString(), "", "is no zip file: " + e.getMessage(), e);
    }
  }

  boolean has(String name) {
    return zip.getEntry(name) != null;
  }

  String text(String name) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      return new String(bytes(name, arena).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }
  }

  /**
   * An entry's content.
   *
   * @throws ModelFormatException where there is no such entry, its content is not of the size it declares, or that is out of
   *     proportion to what it takes in the file
   */
  MemorySegment bytes(String name, Arena arena) throws IOException {
    ZipEntry entry = zip.getEntry(name);
    if (entry == null) {
      throw new ModelFormatException(file, "entry " + name, "is missing");
    }
    long size = entry.getSize();
    long compressed = entry.getCompressedSize();
    if (size < 0 || size > MOST_BYTES) {
      throw new ModelFormatException(
          file, "entry " + name, "expected less than 2 GiB, got " + size + " bytes");
    }
    if (size > SMALL && size / MOST_RATIO > compressed) {
      throw new ModelFormatException(
          file,
          "entry " + name,
          size + " bytes packed into " + compressed + " are more than weights can compress");
    }
    MemorySegment content = arena.allocate(Math.max(size, 1), Long.BYTES).asSlice(0, size);
    try (InputStream in = zip.getInputStream(entry)) {
      byte[] part = new byte[(int) Math.min(COPIED_AT_ONCE, size + 1)];
      long at = 0;
      for (int n = in.read(part); n >= 0; n = in.read(part)) {
        if (n > size - at) {
          throw new ModelFormatException(
              file, "entry " + name, "is longer than the " + size + " bytes it declares");
        }
        MemorySegment.copy(part, 0, content, ValueLayout.JAVA_BYTE, at, n);
        at += n;
      }
      if (at != size) {
        throw new ModelFormatException(
            file, "entry " + name, "expected " + size + " bytes, got " + at);
      }
    } catch (ZipException | EOFException e) {
      throw new ModelFormatException(
          file, "entry " + name, "is a damaged zip entry: " + e.getMessage(), e);
    }
    return content;
  }

  @Override
  public void close() throws IOException {
    zip.close();
  }
}
