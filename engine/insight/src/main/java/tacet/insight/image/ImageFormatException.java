package tacet.insight.image;

import java.io.IOException;
import java.nio.file.Path;

/** A file that is no image, is damaged, or is of a kind that Tacet does not decode. */
public final class ImageFormatException extends IOException {
  private static final long serialVersionUID = 1L;

  private final String file;
  private final String reason;

  ImageFormatException(Path file, String reason) {
    this(file, reason, null);
  }

  ImageFormatException(Path file, String reason, Throwable cause) {
    super(file + ": " + reason, cause);
    this.file = file.toString();
    this.reason = reason;
  }

  /** The file's path as it was given. */
  public String file() {
    return file;
  }

  /** What is wrong with the file. */
  public String reason() {
    return reason;
  }
}
