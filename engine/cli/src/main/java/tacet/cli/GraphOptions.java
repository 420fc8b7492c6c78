package tacet.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Option;
import tacet.Model;
import tacet.graph.Graph;
import tacet.insight.Presets;
import tacet.insight.RandomWeights;

/** Which network is looked at. */
final class GraphOptions {

  @Option(
      names = "--preset",
      paramLabel = "conv|dense-l1",
      description = "Built-in encoder, where no model is given (default: conv).")
  private String preset = "conv";

  @Option(
      names = "--l1",
      paramLabel = "F",
      description = "L1 factor of --preset dense-l1 (default: ${DEFAULT-VALUE}).")
  private double l1 = 0.001;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of noise and preset weights (default: ${DEFAULT-VALUE}).")
  private long seed = 1;

  @Option(
      names = "--random-weights",
      paramLabel = "SEED",
      description = "Seeded He-normal weights in place of the model's own.")
  private Long randomWeights;

  long seed() {
    return seed;
  }

  /**
   * The network of a file, or the preset where there is none.
   *
   * @param file may be null
   */
  Graph graph(Path file, PrintStream out) throws IOException {
    Graph graph = file != null ? Model.read(file) : preset(out);
    return randomWeights == null ? graph : RandomWeights.of(graph, randomWeights);
  }

  private Graph preset(PrintStream out) throws IOException {
    return switch (preset) {
      case "conv" -> Presets.conv(seed);
      case "dense-l1" -> {
        long bytes = Presets.denseL1Bytes();
        // As made, as packed for the kernels, and on the heap while they are packed.
        long needed = 4 * bytes + bytes / 4;
        require("memory", needed, Memory.available());
        // The VM counts memory outside the heap too, up to what the heap may take.
        require("Java memory (JAVA_OPTS=-Xmx… sets it)", 2 * bytes + bytes / 4, Memory.java());
        out.printf(
            Locale.ROOT,
            "Preset dense-l1 at full size: %.2f GB of weights, %.2f GB of memory while it runs.%n",
            bytes / 1e9,
            needed / 1e9);
        yield Presets.denseL1(seed, l1);
      }
      default ->
          throw new IllegalArgumentException(
              "--preset " + preset + ": there are conv and dense-l1");
    };
  }

  private static void require(String what, long needed, long free) {
    if (free < needed) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "--preset dense-l1 needs %.2f GB of %s, %.2f GB are free",
              needed / 1e9,
              what,
              free / 1e9));
    }
  }
}
