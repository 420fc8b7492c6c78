package tacet.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** How much memory is left on this machine. */
final class Memory {

  private static final Path MEMINFO = Path.of("/proc/meminfo");

  private Memory() {}

  /** Bytes that can be had without swapping; without bound where the machine does not say. */
  static long available() throws IOException {
    if (!Files.isReadable(MEMINFO)) {
      return Long.MAX_VALUE;
    }
    for (String line : Files.readAllLines(MEMINFO)) {
      if (line.startsWith("MemAvailable:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
      }
    }
    return Long.MAX_VALUE;
  }

  /** Bytes that the heap may take, and by the VM's default the memory outside it as well. */
  static long java() {
    return Runtime.getRuntime().maxMemory();
  }
}
