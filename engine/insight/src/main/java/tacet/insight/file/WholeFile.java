package tacet.insight.file;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Writes a file whole or not at all: the bytes go to a temporary sibling that takes the final name
 * only once it is complete, so that nobody finds a half-written file under that name.
 */
public final class WholeFile {
  private WholeFile() {}

  /** What produces the bytes. */
  @FunctionalInterface
  public interface Body {
    /**
     * @param out takes the bytes, in order; may take fewer than offered per call
     */
    void writeTo(WritableByteChannel out) throws IOException;
  }

  /**
   * Writes {@code file}, replacing the file that has that name. The folder must exist. A device, a pipe, or what a link
   * points to is written to as it is, and may be left with half of it.
   *
   * @throws IOException naming {@code file} and why it cannot be written; the name then still has
   *     its old content, or none
   */
  public static void write(Path file, Body body) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null || Files.isDirectory(file)) {
      throw new IOException("cannot write " + file + ": it is a folder");
    }
    if (!Files.isDirectory(folder)) {
      String what = Files.exists(folder) ? " is not a folder" : " does not exist";
      throw new IOException("cannot write " + file + ": " + folder + what);
    }
    if (Files.exists(file) && !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      // A file in its place would be one too many.
      try (FileChannel out =
          FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
        body.writeTo(out);
      } catch (IOException e) {
        throw new IOException("cannot write " + file + ": " + e.getMessage(), e);
      }
      return;
    }
    Path unfinished =
        folder.resolve(
            "." + file.getFileName() + "." + Long.toHexString(System.nanoTime()) + ".tmp");
    try {
      try (FileChannel out =
          FileChannel.open(unfinished, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        body.writeTo(out);
      }
      try {
        Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(unfinished, file, StandardCopyOption.REPLACE_EXISTING);
      }
    } catch (FileSystemException e) {
      throw new IOException("cannot write " + file + ": " + reason(folder, e), e);
    } catch (IOException e) {
      throw new IOException("cannot write " + file + ": " + e.getMessage(), e);
    } finally {
      Files.deleteIfExists(unfinished);
    }
  }

  private static String reason(Path folder, FileSystemException e) {
    if (e instanceof AccessDeniedException) {
      return "no permission to write in " + folder;
    }
    return e.getReason() != null ? e.getReason() : "no file can be made in " + folder;
  }
}
