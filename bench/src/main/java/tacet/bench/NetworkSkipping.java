package tacet.bench;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.insight.Alternation;
import tacet.kernels.SparseMode;

/** What skipping zeros gains in whole networks: planned without it, and with the choice left to each run, in turn. */
final class NetworkSkipping {

  private static final Set<String> MULTIPLYING = Set.of("Conv", "Gemm", "MatMul");

  private final Conditions on;
  private final PrintStream out;

  NetworkSkipping(Conditions on) {
    this.on = on;
    this.out = on.out();
  }

  /** Measures and prints; returns what goes into the JSON file. */
  Map<String, Object> run(List<Path> models) throws Exception {
    out.printf("%d thread(s), medians of %d rounds%n", on.threads(), on.rounds());
    List<Object> rows = new ArrayList<>();
    for (Path model : models) {
      rows.add(compare(model));
    }
    return Map.of("threads", on.threads(), "rounds", on.rounds(), "models", rows);
  }

  private Map<String, Object> compare(Path file) throws Exception {
    Graph graph = on.graph(file);
    ModelOptions options =
        ModelOptions.defaults()
            .withThreads(on.threads())
            .withBackend(Backend.AUTO)
            .withMeasure(true);
    try (Model off = Model.of(graph, options.withSparse(SparseMode.OFF));
        Model auto = Model.of(graph, options.withSparse(SparseMode.AUTO))) {
      Alternation a = Alternation.of(off, auto, ModelInputs.noise(graph, on.seed()), on.rounds());
      out.printf(
          Locale.ROOT,
          "%n%-36s %-30s %9.3f ms %9.3f ms %6.2f%n",
          file,
          "all layers, without and with:",
          a.baseMilliseconds(),
          a.milliseconds(),
          a.speedup());
      List<Object> layers = new ArrayList<>();
      for (Alternation.Layer l : a.layers()) {
        if (MULTIPLYING.contains(l.op())) {
          out.printf(
              Locale.ROOT,
              "  %-34s %-30s %9.3f ms %9.3f ms %6.2f%n",
              l.name(),
              l.kernel(),
              l.baseMilliseconds(),
              l.milliseconds(),
              l.speedup());
          layers.add(
              ordered(
                  "name",
                  l.name(),
                  "kernel",
                  l.kernel(),
                  "millisecondsOff",
                  l.baseMilliseconds(),
                  "milliseconds",
                  l.milliseconds(),
                  "measuredSpeedup",
                  l.speedup()));
        }
      }
      return ordered(
          "model",
          file.toString(),
          "millisecondsOff",
          a.baseMilliseconds(),
          "milliseconds",
          a.milliseconds(),
          "measuredSpeedup",
          a.speedup(),
          "worstDifference",
          a.worstDifference(),
          "layers",
          layers);
    }
  }

  private static Map<String, Object> ordered(Object... keysAndValues) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      map.put((String) keysAndValues[i], keysAndValues[i + 1]);
    }
    return map;
  }
}
