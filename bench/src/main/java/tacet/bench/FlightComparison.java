package tacet.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import jdk.jfr.Recording;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.Session;
import tacet.graph.Graph;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * What a flight recording of every layer adds to a run: batches of runs without and with one, in
 * turn.
 */
final class FlightComparison {

  private static final Duration MOST_COMPILING = Duration.ofSeconds(20);

  /** A batch lasts about this long. */
  private static final double BATCH_NANOS = 1e8;

  /** Runs until a recording has seen every text often enough to keep it in its pool. */
  private static final int FIRST_RUNS = 5;

  private final Conditions on;
  private final PrintStream out;

  FlightComparison(Conditions on) {
    this.on = on;
    this.out = on.out();
  }

  /** Measures and prints one network after the other; returns what goes into the JSON file. */
  Map<String, Object> run(List<Path> models) throws Exception {
    out.printf(
        "%d thread(s), milliseconds of a run without and with tacet.Layer; medians and quartiles of"
            + " %d rounds%n%n",
        on.threads(), on.rounds());
    out.printf("%-28s %9s %9s %9s   %s%n", "model", "without", "with", "overhead", "quartiles");
    List<Map<String, Object>> rows = new ArrayList<>();
    for (Path model : models) {
      rows.add(compare(model));
    }
    return Map.of("models", rows);
  }

  private Map<String, Object> compare(Path file) throws Exception {
    Graph graph = on.graph(file);
    ModelOptions options =
        ModelOptions.defaults().withThreads(on.threads()).withBackend(Backend.VECTOR);
    Map<String, Tensor> inputs = ModelInputs.noise(graph, on.seed());
    Map<String, Shape> shapes = new LinkedHashMap<>();
    inputs.forEach((name, t) -> shapes.put(name, t.shape()));
    double[][] nanos = new double[2][on.rounds()];
    double[] overhead = new double[on.rounds()];
    try (Model model = Model.of(graph, options);
        Session session = model.session(shapes, Set.of())) {
      inputs.forEach((name, t) -> session.input(name).data().copyFrom(t.data()));
      model.warmUp(shapes, MOST_COMPILING);
      int batch = (int) Math.clamp(BATCH_NANOS / batch(session, 10), 1, 100_000);
      // The events' own code is compiled, and times are settled, after some rounds.
      for (int r = -on.rounds() / 2 - 1; r < on.rounds(); r++) {
        double[] pair = new double[2];
        for (int k = 0; k < 2; k++) {
          int which = (k + r) & 1;
          pair[which] = which == 0 ? batch(session, batch) : recorded(session, batch);
        }
        if (r >= 0) {
          nanos[0][r] = pair[0];
          nanos[1][r] = pair[1];
          overhead[r] = pair[1] / pair[0] - 1;
        }
      }
    }
    double[] sorted = overhead.clone();
    Arrays.sort(sorted);
    double median = Contest.median(overhead);
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("model", file.toString());
    row.put("threads", on.threads());
    row.put("rounds", on.rounds());
    row.put("milliseconds", Contest.median(nanos[0]) / 1e6);
    row.put("recordedMilliseconds", Contest.median(nanos[1]) / 1e6);
    row.put("overhead", median);
    row.put(
        "overheadQuartiles",
        List.of(sorted[on.rounds() / 4], sorted[on.rounds() - 1 - on.rounds() / 4]));
    out.printf(
        Locale.ROOT,
        "%-28s %9.3f %9.3f %8.2f%%   %.2f%% … %.2f%%%n",
        ModelComparison.name(file),
        Contest.median(nanos[0]) / 1e6,
        Contest.median(nanos[1]) / 1e6,
        100 * median,
        100 * sorted[on.rounds() / 4],
        100 * sorted[on.rounds() - 1 - on.rounds() / 4]);
    return row;
  }

  private static double recorded(Session session, int runs)
      throws InterruptedException, IOException {
    try (Recording recording = new Recording()) {
      recording.enable("tacet.Layer");
      recording.start();
      return batch(session, runs);
    }
  }

  /** Nanoseconds of one run, after some that are not timed. */
  private static double batch(Session session, int runs) throws InterruptedException {
    for (int i = 0; i < Math.max(FIRST_RUNS, runs / 10); i++) {
      session.run();
    }
    long start = System.nanoTime();
    for (int i = 0; i < runs; i++) {
      session.run();
    }
    return (double) (System.nanoTime() - start) / runs;
  }
}
