package tacet.insight.npy;

import java.io.IOException;
import java.nio.file.Path;

/** A file that is no {@code .npy} array, is truncated, or holds what Tacet does not read. */
public final class NpyFormatException extends IOException {
  private static final long serialVersionUID = 1L;

  private final String file;
  private final long offset;

  NpyFormatException(Path file, long offset, String reason) {
    super(file + ": byte " + offset + ": " + reason);
    this.file = file.toString();
    this.offset = offset;
  }

  /** The file's path as it was given. */
  public String file() {
    return file;
  }

  /** Byte offset in the file of what is wrong. */
  public long offset() {
    return offset;
  }
}
