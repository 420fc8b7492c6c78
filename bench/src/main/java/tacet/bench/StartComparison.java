package tacet.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import tacet.Model;
import tacet.graph.Graph;
import tacet.insight.npy.NpyArray;
import tacet.insight.npy.NpyFile;
import tacet.tensor.Tensor;

/**
 * How long a user waits for a first result: {@code tacet run} on a model, from the start of the launcher to the end of its
 * process, without and with the launcher's cache of linked classes, in turn.
 */
final class StartComparison {

  private final Conditions on;
  private final PrintStream out;
  private final Path launcher;

  /**
   * @param launcher the command {@code tacet}
   */
  StartComparison(Conditions on, Path launcher) {
    this.on = on;
    this.out = on.out();
    this.launcher = launcher;
  }

  /** Measures and prints one model after the other; returns what goes into the JSON file. */
  Map<String, Object> run(List<Path> models) throws Exception {
    out.printf(
        "seconds from start to exit of tacet run --backend vector, without and with classes linked"
            + " beforehand; median and slowest of %d%n%n",
        on.rounds());
    out.printf("%-28s %9s %9s %9s %9s%n", "model", "without", "slowest", "with", "slowest");
    List<Map<String, Object>> rows = new ArrayList<>();
    for (Path model : models) {
      Path folder = Files.createTempDirectory("tacet-start");
      try {
        rows.add(compare(model, folder));
      } finally {
        try (Stream<Path> files = Files.walk(folder)) {
          for (Path p : files.sorted((a, b) -> b.compareTo(a)).toList()) {
            Files.delete(p);
          }
        }
      }
    }
    return Map.of("models", rows);
  }

  private Map<String, Object> compare(Path model, Path folder) throws Exception {
    Path file = model;
    if (on.randomWeights() != null) {
      file = folder.resolve("model.onnx");
      OnnxWeights.random(model, on.randomWeights(), file);
    }
    Graph graph = Model.read(file);
    List<String> command =
        new ArrayList<>(
            List.of(launcher.toString(), "run", file.toString(), "--backend", "vector"));
    for (Map.Entry<String, Tensor> e : ModelInputs.noise(graph, on.seed()).entrySet()) {
      Path input = folder.resolve("input" + command.size() + ".npy");
      Tensor t = e.getValue();
      NpyFile.write(input, NpyArray.ofFloats(t.toFloats(), t.shape().dims()));
      command.addAll(List.of("--input", e.getKey() + "=" + input));
    }
    command.addAll(List.of("--output", folder.toString()));
    // Builds what is not built, and makes the cache.
    seconds(command, true);
    double[][] seconds = new double[2][on.rounds()];
    for (int r = 0; r < on.rounds(); r++) {
      for (int k = 0; k < 2; k++) {
        int which = (k + r) & 1;
        seconds[which][r] = seconds(command, which == 1);
      }
    }
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("model", model.toString());
    row.put("rounds", on.rounds());
    row.put("seconds", seconds[0]);
    row.put("secondsWithCache", seconds[1]);
    out.printf(
        Locale.ROOT,
        "%-28s %9.2f %9.2f %9.2f %9.2f%n",
        ModelComparison.name(model),
        Contest.median(seconds[0]),
        slowest(seconds[0]),
        Contest.median(seconds[1]),
        slowest(seconds[1]));
    return row;
  }

  private static double slowest(double[] seconds) {
    double most = 0;
    for (double s : seconds) {
      most = Math.max(most, s);
    }
    return most;
  }

  private static double seconds(List<String> command, boolean cache)
      throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    if (!cache) {
      builder.environment().put("JAVA_OPTS", "-XX:AOTMode=off");
    }
    long start = System.nanoTime();
    int code = builder.start().waitFor();
    double seconds = (System.nanoTime() - start) / 1e9;
    if (code != 0) {
      throw new IOException(String.join(" ", command) + " ended with " + code);
    }
    return seconds;
  }
}
