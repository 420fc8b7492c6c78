package tacet.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Option;
import tacet.Model;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.insight.Alternation;
import tacet.insight.Lossy;
import tacet.kernels.SparseMode;
import tacet.tensor.Tensor;

/** What skipping zeros gains, and ways to make more of them. */
final class SkippingOptions {

  private static final int ROUNDS = 21;

  @Option(
      names = "--ab",
      description = "Run with and without skipping zeros in turn; print what it gains per layer.")
  private boolean ab;

  @Option(
      names = "--threshold",
      paramLabel = "T",
      description = "LOSSY: values up to T after a ReLU become zero. Implies --ab.")
  private Float threshold;

  @Option(
      names = "--prune-below",
      paramLabel = "T",
      description = "LOSSY: weights with |w| < T become zero. Implies --ab.")
  private Float pruneBelow;

  private final Map<String, Double> speedups = new LinkedHashMap<>();

  /** What each layer with time of its own was measured to gain, by name, once alternated. */
  Map<String, Double> speedups() {
    return speedups;
  }

  /** The network with the lossy changes that were asked for. */
  Graph changed(Graph graph, PrintStream out) {
    Graph changed = graph;
    if (threshold != null) {
      changed = Lossy.threshold(changed, positive("--threshold", threshold));
      out.println("LOSSY: values up to " + threshold + " after a ReLU become zero");
    }
    if (pruneBelow != null) {
      changed = Lossy.prune(changed, positive("--prune-below", pruneBelow));
      out.println("LOSSY: weights below " + pruneBelow + " become zero");
    }
    return changed;
  }

  private static float positive(String name, float tau) {
    if (!(tau > 0) || Float.isInfinite(tau)) {
      throw new IllegalArgumentException(name + " " + tau + ": expected a positive number");
    }
    return tau;
  }

  boolean asked() {
    return ab || threshold != null || pruneBelow != null;
  }

  /**
   * Runs the network as it came, skipping nothing, and as it is to be run, in turn.
   *
   * @return for JSON
   */
  Map<String, Object> alternate(
      Graph original, Graph changed, ModelOptions options, Tensor input, PrintStream out)
      throws InterruptedException {
    ModelOptions measured = options.withMeasure(true);
    try (Model base = Model.of(original, measured.withSparse(SparseMode.OFF));
        Model other = Model.of(changed, measured)) {
      Map<String, Tensor> given = Map.of(base.inputs().getFirst().name(), input);
      Alternation a = Alternation.of(base, other, given, ROUNDS);
      print(a, out);
      a.layers().forEach(l -> speedups.put(l.name(), l.speedup()));
      return json(a);
    }
  }

  private void print(Alternation a, PrintStream out) {
    out.println();
    out.println("Without and with skipping, in turn, medians of " + ROUNDS + " rounds:");
    int width = a.layers().stream().mapToInt(l -> l.name().length()).max().orElse(5);
    for (Alternation.Layer l : a.layers()) {
      out.printf(
          Locale.ROOT,
          "%-" + width + "s  %-20s  %9.3f ms  %9.3f ms  %6.2f%n",
          l.name(),
          l.kernel(),
          l.baseMilliseconds(),
          l.milliseconds(),
          l.speedup());
    }
    out.printf(
        Locale.ROOT,
        "all layers: %.3f ms without, %.3f ms with, %.2f times as fast%n",
        a.baseMilliseconds(),
        a.milliseconds(),
        a.speedup());
    out.printf(
        Locale.ROOT,
        "outputs: largest difference %.2g of the largest value, %s%n",
        a.worstDifference(),
        a.sameTopOne() ? "the same first place" : "ANOTHER FIRST PLACE");
  }

  private Map<String, Object> json(Alternation a) {
    Map<String, Object> o = new LinkedHashMap<>();
    o.put("rounds", ROUNDS);
    o.put("threshold", threshold);
    o.put("pruneBelow", pruneBelow);
    o.put("millisecondsOff", a.baseMilliseconds());
    o.put("milliseconds", a.milliseconds());
    o.put("measuredSpeedup", a.speedup());
    o.put("worstDifference", a.worstDifference());
    o.put("sameTopOne", a.sameTopOne());
    List<Object> layers = new ArrayList<>();
    for (Alternation.Layer l : a.layers()) {
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("name", l.name());
      row.put("kernel", l.kernel());
      row.put("millisecondsOff", l.baseMilliseconds());
      row.put("milliseconds", l.milliseconds());
      row.put("measuredSpeedup", l.speedup());
      layers.add(row);
    }
    o.put("layers", layers);
    return o;
  }
}
