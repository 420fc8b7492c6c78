package tacet.bench;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.Result;
import tacet.graph.Graph;
import tacet.kernels.DataType;
import tacet.profile.LayerProfile;
import tacet.tensor.Tensor;

/**
 * Whether SIMD kernels and oneDNN's say the same of a network: outputs within rounding, and zero counts that differ by no
 * more than the elements that are zero with one and not with the other.
 */
final class Agreement {

  /** Share of an output's largest magnitude. */
  private static final double CLOSE = 1e-4;

  private final Conditions on;
  private final PrintStream out;

  Agreement(Conditions on) {
    this.on = on;
    this.out = on.out();
  }

  /** What became of one network. */
  private record Row(
      double difference,
      int layers,
      int differing,
      long elements,
      long counts,
      long flips,
      int wrong) {
    boolean agrees() {
      return difference <= CLOSE && wrong == 0;
    }
  }

  /** Prints a line per network; returns what goes into the JSON file, {@code agree} among it. */
  Map<String, Object> run(List<Path> models) throws Exception {
    out.printf(
        "%-44s %9s %7s %10s %12s %12s %7s%n",
        "model", "max diff", "layers", "differing", "zeros differ", "elements flip", "");
    List<Map<String, Object>> rows = new ArrayList<>();
    boolean agree = true;
    double most = 0;
    long flips = 0;
    long elements = 0;
    for (Path model : models) {
      Row r = compare(on.graph(model));
      agree &= r.agrees();
      most = Math.max(most, r.difference);
      flips += r.flips;
      elements += r.elements;
      out.printf(
          Locale.ROOT,
          "%-44s %9.2g %7d %10d %12d %12d %7s%n",
          ModelComparison.name(model),
          r.difference,
          r.layers,
          r.differing,
          r.counts,
          r.flips,
          r.agrees() ? "ok" : "FAIL");
      Map<String, Object> m = new LinkedHashMap<>();
      m.put("model", model.toString());
      m.put("relativeDifference", r.difference);
      m.put("layers", r.layers);
      m.put("layersDiffering", r.differing);
      m.put("elements", r.elements);
      m.put("zerosDiffering", r.counts);
      m.put("elementsFlipping", r.flips);
      m.put("countsUnexplained", r.wrong);
      rows.add(m);
    }
    out.printf(
        Locale.ROOT,
        "%n%d models, largest difference %.2g of an output's largest value, %d of %d elements are"
            + " zero with one provider and not with the other%n",
        rows.size(),
        most,
        flips,
        elements);
    return Map.of("models", rows, "agree", agree);
  }

  private Row compare(Graph graph) throws InterruptedException {
    Map<String, Tensor> inputs = ModelInputs.noise(graph, on.seed());
    Set<String> taps = new LinkedHashSet<>();
    graph.nodes().forEach(n -> taps.add(n.output(0)));
    ModelOptions options = ModelOptions.defaults().withThreads(on.threads());
    try (Model simd = Model.of(graph, options.withBackend(Backend.VECTOR));
        Model oneDnn = Model.of(graph, options.withBackend(Backend.ONEDNN))) {
      double difference = 0;
      Result a = simd.run(inputs);
      Result b = oneDnn.run(inputs);
      for (Map.Entry<String, Tensor> e : a.outputs().entrySet()) {
        if (e.getValue().type() == DataType.FLOAT32) {
          difference =
              Math.max(
                  difference, relative(e.getValue().toFloats(), b.output(e.getKey()).toFloats()));
        }
      }
      // Once more with every value in sight, so that each count can be held against its elements.
      a = simd.run(inputs, taps);
      b = oneDnn.run(inputs, taps);
      return layers(difference, a, b);
    }
  }

  private static Row layers(double difference, Result a, Result b) {
    int layers = 0;
    int differing = 0;
    int wrong = 0;
    long elements = 0;
    long counts = 0;
    long flips = 0;
    for (LayerProfile l : a.profile().layers()) {
      LayerProfile o = b.profile().layer(l.value()).orElseThrow();
      Tensor x = a.outputs().get(l.value());
      Tensor y = b.outputs().get(l.value());
      if (l.counts() == null || o.counts() == null || x == null || x.type() != DataType.FLOAT32) {
        continue;
      }
      float[] ours = x.toFloats();
      float[] theirs = y.toFloats();
      long flipped = 0;
      for (int i = 0; i < ours.length; i++) {
        flipped += (ours[i] == 0) != (theirs[i] == 0) ? 1 : 0;
      }
      long apart = Math.abs(l.counts().zeros() - o.counts().zeros());
      layers++;
      elements += ours.length;
      differing += apart > 0 ? 1 : 0;
      counts += apart;
      flips += flipped;
      boolean exact = zeros(ours) == l.counts().zeros() && zeros(theirs) == o.counts().zeros();
      wrong += apart > flipped || !exact ? 1 : 0;
    }
    return new Row(difference, layers, differing, elements, counts, flips, wrong);
  }

  private static long zeros(float[] values) {
    long zeros = 0;
    for (float v : values) {
      zeros += v == 0 ? 1 : 0;
    }
    return zeros;
  }

  private static double relative(float[] a, float[] b) {
    double scale = 0;
    double most = 0;
    for (int i = 0; i < a.length; i++) {
      scale = Math.max(scale, Math.abs(a[i]));
      double d = Math.abs(a[i] - b[i]);
      most = d >= 0 ? Math.max(most, d) : Double.NaN;
    }
    return most == 0 ? 0 : most / scale;
  }
}
