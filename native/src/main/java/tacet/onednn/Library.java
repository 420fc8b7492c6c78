package tacet.onednn;

import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.Loader;

/** Whether oneDNN is there. Loading is tried once per process, and takes half a second. */
final class Library {

  /** System property that switches oneDNN off. */
  private static final String SWITCH = "tacet.onednn";

  private static final String OFF = "off";

  /** JavaCPP's own library, by platform. */
  static final String WRAPPER = "org/bytedeco/dnnl/%s/libjnidnnl.so";

  private static final String NOT_LOADED = "it cannot be loaded: ";

  private Library() {}

  private static final class Attempt {
    static final String FAILURE = load();
  }

  /** What stands in the way of loading oneDNN, in one line, or null where nothing is seen yet. */
  static String obstacle() {
    if (OFF.equalsIgnoreCase(System.getProperty(SWITCH))) {
      return "switched off by " + SWITCH + "=" + OFF;
    }
    try {
      String platform = Loader.getPlatform();
      if (!platform.startsWith("linux-")) {
        return "no support for " + platform + " yet";
      }
      return dnnl.class.getClassLoader().getResource(WRAPPER.formatted(platform)) == null
          ? NOT_LOADED + "its jar for " + platform + " is not there"
          : null;
    } catch (LinkageError | RuntimeException e) {
      return NOT_LOADED + oneLine(e);
    }
  }

  /** Why oneDNN cannot be used, in one line, or null where it can. */
  static String unavailable() {
    String obstacle = obstacle();
    return obstacle == null ? Attempt.FAILURE : obstacle;
  }

  private static String load() {
    try {
      return Native.failure();
    } catch (LinkageError | RuntimeException e) {
      return NOT_LOADED + oneLine(e);
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
