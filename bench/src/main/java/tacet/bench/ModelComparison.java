package tacet.bench;

import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.Result;
import tacet.graph.Graph;
import tacet.kernels.CountLevel;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Whole networks: Tacet's backends and ONNX Runtime in turn on the same input and weights. */
final class ModelComparison {

  private static final double LEAST_WARM_UP_SECONDS = 5;
  private static final double MOST_WARM_UP_SECONDS = 12;

  private static final Duration MOST_COMPILING = Duration.ofSeconds(20);

  private final Conditions on;
  private final PrintStream out;
  private final boolean strict;

  /**
   * @param strict whether Tacet's arithmetic is strict
   */
  ModelComparison(Conditions on, boolean strict) {
    this.on = on;
    this.out = on.out();
    this.strict = strict;
  }

  /** Measures and prints one network after the other; returns what goes into the JSON file. */
  Map<String, Object> run(List<Path> models) throws Exception {
    out.printf(
        "%d thread(s); ONNX Runtime: all optimisations, its threads spin as by default; median"
            + " milliseconds of %d rounds%n%n",
        on.threads(), on.rounds());
    out.printf(
        "%-28s %9s %9s %9s %9s %6s %6s %6s %8s %8s %9s%n",
        "model",
        "vector",
        "auto",
        "onednn",
        "ORT",
        "ratio",
        "auto",
        "better",
        "counting",
        "(onednn)",
        "max diff");
    List<Map<String, Object>> rows = new ArrayList<>();
    for (Path model : models) {
      rows.add(compare(model));
    }
    return Map.of("models", rows);
  }

  private Map<String, Object> compare(Path model) throws Exception {
    if (on.randomWeights() == null) {
      return compare(model, model);
    }
    Path copy = Files.createTempFile("tacet-compare", ".onnx");
    try {
      OnnxWeights.random(model, on.randomWeights(), copy);
      return compare(model, copy);
    } finally {
      Files.delete(copy);
    }
  }

  private Map<String, Object> compare(Path model, Path file) throws Exception {
    Graph graph = Model.read(file);
    Map<String, Tensor> inputs = ModelInputs.noise(graph, on.seed());
    ModelOptions options = ModelOptions.defaults().withThreads(on.threads()).withStrict(strict);
    try (Model vector = Model.of(graph, options.withBackend(Backend.VECTOR));
        Model auto = Model.of(graph, options.withBackend(Backend.AUTO).withMeasure(true));
        Model oneDnn = Model.of(graph, options.withBackend(Backend.ONEDNN));
        Model uncounted =
            Model.of(graph, options.withBackend(Backend.VECTOR).withCounts(CountLevel.OFF));
        Model oneDnnUncounted =
            Model.of(graph, options.withBackend(Backend.ONEDNN).withCounts(CountLevel.OFF));
        OnnxRuntimePeer peer = new OnnxRuntimePeer(file, on.threads(), inputs)) {
      Map<String, float[]> truth = peer.outputs();
      double ofVector = difference(truth, vector.run(inputs));
      double ofAuto = difference(truth, auto.run(inputs));
      Map<String, Shape> shapes = new LinkedHashMap<>();
      inputs.forEach((name, t) -> shapes.put(name, t.shape()));
      // On a busy machine the compiler may be slower than the contest's own warm-up is patient.
      for (Model m : List.of(vector, auto, oneDnn, uncounted, oneDnnUncounted)) {
        m.warmUp(shapes, MOST_COMPILING);
      }
      Contest contest =
          new Contest(
              List.of(
                  () -> vector.run(inputs),
                  () -> auto.run(inputs),
                  () -> uncounted.run(inputs),
                  peer::run,
                  () -> oneDnn.run(inputs),
                  () -> oneDnnUncounted.run(inputs)),
              on.threads() > 1);
      contest.run(on.rounds(), LEAST_WARM_UP_SECONDS, MOST_WARM_UP_SECONDS, () -> true);
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("model", model.toString());
      row.put("threads", on.threads());
      row.put("rounds", on.rounds());
      row.put("strict", strict);
      row.put(
          "medianMilliseconds",
          ordered(
              "vector",
              contest.median(0) / 1e6,
              "auto",
              contest.median(1) / 1e6,
              "onednn",
              contest.median(4) / 1e6,
              "vectorUncounted",
              contest.median(2) / 1e6,
              "onednnUncounted",
              contest.median(5) / 1e6,
              "onnxruntime",
              contest.median(3) / 1e6));
      row.put("ratio", ordered("vector", contest.ratio(3, 0), "auto", contest.ratio(3, 1)));
      row.put("autoAgainstBetter", Math.min(contest.ratio(0, 1), contest.ratio(4, 1)));
      row.put("countingCost", contest.ratio(0, 2) - 1);
      row.put("onednnCountingCost", contest.ratio(4, 5) - 1);
      row.put("maxAbsDifference", ordered("vector", ofVector, "auto", ofAuto));
      row.put("largestOutput", largest(truth));
      out.printf(
          Locale.ROOT,
          "%-28s %9.3f %9.3f %9.3f %9.3f %6.2f %6.2f %6.3f %7.1f%% %7.1f%% %9.2g%n",
          name(model),
          contest.median(0) / 1e6,
          contest.median(1) / 1e6,
          contest.median(4) / 1e6,
          contest.median(3) / 1e6,
          contest.ratio(3, 0),
          contest.ratio(3, 1),
          Math.min(contest.ratio(0, 1), contest.ratio(4, 1)),
          100 * (contest.ratio(0, 2) - 1),
          100 * (contest.ratio(4, 5) - 1),
          Math.max(ofVector, ofAuto));
      return row;
    }
  }

  /** The folder that tells models of one file name apart. */
  static String name(Path model) {
    Path folder = model.toAbsolutePath().getParent();
    while (folder.getNameCount() > 1 && folder.getFileName().toString().matches("onnx|keras|h5")) {
      folder = folder.getParent();
    }
    return folder.getFileName() + "/" + model.getFileName();
  }

  private static Map<String, Object> ordered(Object... pairs) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      map.put((String) pairs[i], pairs[i + 1]);
    }
    return map;
  }

  /** The largest difference of any output. */
  private static double difference(Map<String, float[]> truth, Result result) {
    double most = 0;
    for (Map.Entry<String, float[]> e : truth.entrySet()) {
      float[] ours = result.output(e.getKey()).toFloats();
      for (int i = 0; i < ours.length; i++) {
        double d = Math.abs(ours[i] - e.getValue()[i]);
        most = d >= 0 ? Math.max(most, d) : Double.NaN;
      }
    }
    return most;
  }

  private static double largest(Map<String, float[]> outputs) {
    double most = 0;
    for (float[] values : outputs.values()) {
      for (float v : values) {
        most = Math.max(most, Math.abs(v));
      }
    }
    return most;
  }
}
