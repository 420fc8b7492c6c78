package tacet.format;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import tacet.graph.Graph;

/** Reads one model format; found by {@link java.util.ServiceLoader}. */
public interface ModelReader {

  /** Name of the format for people, for example {@code ONNX}. */
  String format();

  /**
   * Whether the file looks like this format, from its name and its first bytes.
   *
   * @param head the first bytes of the file, at most 16
   */
  boolean recognises(Path file, byte[] head);

  /**
   * Reads the file into a graph. Weights may stay mapped to it: the file must not change while the graph is in use.
   *
   * @param arena where they are mapped or otherwise live; of any thread
   * @throws IOException where the file cannot be read
   * @throws tacet.error.ModelFormatException where it is not what the format says
   * @throws tacet.error.UnsupportedOpException listing everything Tacet does not have
   */
  Graph read(Path file, Arena arena) throws IOException;

  /**
   * Reads the file into a graph whose weights live as long as it is reachable.
   *
   * @see #read(Path, Arena)
   */
  default Graph read(Path file) throws IOException {
    return read(file, Arena.ofAuto());
  }
}
