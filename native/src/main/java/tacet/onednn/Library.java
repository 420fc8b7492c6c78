package tacet.onednn;

import org.bytedeco.javacpp.Loader;

/** Whether oneDNN is there. Loading is tried once per process. */
final class Library {

  /** System property that switches oneDNN off. */
  private static final String SWITCH = "tacet.onednn";

  private static final String OFF = "off";

  private Library() {}

  private static final class Attempt {
    static final String FAILURE = load();
  }

  /** Why oneDNN cannot be used, in one line, or null where it can. */
  static String unavailable() {
    return OFF.equalsIgnoreCase(System.getProperty(SWITCH))
        ? "switched off by " + SWITCH + "=" + OFF
        : Attempt.FAILURE;
  }

  private static String load() {
    try {
      if (!Loader.getPlatform().startsWith("linux-")) {
        return "no support for " + Loader.getPlatform() + " yet";
      }
      return Native.failure();
    } catch (LinkageError | RuntimeException e) {
      return "it cannot be loaded: " + oneLine(e);
    }
  }

  private static String oneLine(Throwable e) {
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    String message =
        cause.getMessage() == null ? "" : cause.getMessage().lines().findFirst().orElse("");
    return switch (cause) {
      case UnsatisfiedLinkError _ -> message;
      case NoClassDefFoundError _ -> "missing class " + message;
      case ClassNotFoundException _ -> "missing class " + message;
      default -> cause.getClass().getSimpleName() + ": " + message;
    };
  }
}
