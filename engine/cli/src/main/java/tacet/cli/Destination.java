package tacet.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where results go: looked at before the work, which would be lost otherwise. */
final class Destination {

  private Destination() {}

  /**
   * Requires that a file can be written.
   *
   * @param file null where none is asked for
   */
  static void requireFile(Path file) throws IOException {
    if (file == null) {
      return;
    }
    Path folder = file.toAbsolutePath().getParent();
    if (Files.isDirectory(file)) {
      throw new FileSystemException(file.toString(), null, "is a folder; a file is to be written");
    }
    if (!Files.isDirectory(folder)) {
      throw new FileSystemException(file.toString(), null, "there is no folder " + folder);
    }
    if (!Files.isWritable(Files.exists(file) ? file : folder)) {
      throw new AccessDeniedException(file.toString());
    }
  }

  /**
   * Makes a folder where there is none, and requires that files can be written in it.
   *
   * @param folder null where none is asked for
   */
  static void requireFolder(Path folder) throws IOException {
    if (folder == null) {
      return;
    }
    try {
      Files.createDirectories(folder);
    } catch (FileAlreadyExistsException e) {
      throw new FileSystemException(folder.toString(), null, "is a file; a folder is needed");
    } catch (AccessDeniedException e) {
      throw e;
    } catch (FileSystemException e) {
      throw new FileSystemException(folder.toString(), null, "the folder cannot be made");
    }
    if (!Files.isWritable(folder)) {
      throw new AccessDeniedException(folder.toString());
    }
  }
}
