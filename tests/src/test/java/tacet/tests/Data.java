package tacet.tests;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where the tests find things. */
final class Data {

  private Data() {}

  /** The project's root folder. */
  static Path root() {
    return Path.of(System.getProperty("tacet.root")).toAbsolutePath().normalize();
  }

  /** A file or folder of the reference data; skips the test where it is absent. */
  static Path of(String path) {
    String data = System.getProperty("tacet.data", "");
    Path p = Path.of(data, path.split("/"));
    assumeTrue(!data.isEmpty() && Files.exists(p), () -> "no reference data at " + p);
    return p;
  }
}
