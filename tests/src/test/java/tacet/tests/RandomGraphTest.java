package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.Result;
import tacet.graph.Graph;
import tacet.profile.LayerProfile;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * Random networks, SIMD kernels against the reference implementation. {@code -Dtacet.graphs=N} sets how many, {@code
 * -Dtacet.graphs.first=N} the first seed.
 */
class RandomGraphTest {

  private static final int GRAPHS = Integer.getInteger("tacet.graphs", 150);
  private static final long FIRST = Long.getLong("tacet.graphs.first", 0);

  /** Of a value's largest magnitude: rounding grows by depth, and networks here have up to a dozen layers. */
  private static final double CLOSE = 2e-4;

  @Test
  void vectorKernelsAgreeWithTheReference() throws InterruptedException {
    for (long seed = FIRST; seed < FIRST + GRAPHS; seed++) {
      check(seed);
    }
  }

  private static void check(long seed) throws InterruptedException {
    Graph graph = RandomGraphs.graph(seed);
    SplittableRandom random = new SplittableRandom(seed);
    Tensor input =
        Tensor.allocate(
            graph.inputs().getFirst().type(), Shape.of(graph.inputs().getFirst().dims()));
    input.fill(random::nextGaussian);
    Map<String, Tensor> inputs = Map.of("input", input);
    Set<String> all = new LinkedHashSet<>();
    graph.nodes().forEach(n -> all.add(n.output(0)));
    ModelOptions options =
        ModelOptions.defaults().withThreads(1 + (int) (seed % 3)).withBackend(Backend.VECTOR);
    try (Model scalar = Model.of(graph, options.withBackend(Backend.SCALAR));
        Model vector = Model.of(graph, options)) {
      Result expected = scalar.run(inputs, all);
      if (all.stream().anyMatch(v -> !isFinite(expected.output(v)))) {
        // Windows of nothing but padding, and what follows from them: not what this is about.
        return;
      }
      Result fused = vector.run(inputs);
      for (String name : fused.outputs().keySet()) {
        close(seed, "fused", name, expected.output(name), fused.output(name));
      }
      Result tapped = vector.run(inputs, all);
      for (String name : all) {
        close(seed, "tapped", name, expected.output(name), tapped.output(name));
      }
      for (LayerProfile l : tapped.profile().layers()) {
        counted(seed, l, tapped.outputs().get(l.value()));
      }
      Result again = vector.run(inputs);
      for (String name : again.outputs().keySet()) {
        assertEquals(
            List.of(),
            differing(fused.output(name), again.output(name)),
            () -> "seed " + seed + ": a second run differs at " + name);
      }
    }
  }

  private static boolean isFinite(Tensor t) {
    for (float v : t.toFloats()) {
      if (!Float.isFinite(v)) {
        return false;
      }
    }
    return true;
  }

  private static void close(long seed, String how, String name, Tensor expected, Tensor got) {
    assertEquals(expected.shape(), got.shape());
    float[] e = expected.toFloats();
    float[] g = got.toFloats();
    double largest = 1;
    for (float v : e) {
      largest = Math.max(largest, Math.abs(v));
    }
    for (int i = 0; i < e.length; i++) {
      int at = i;
      double tolerance = CLOSE * largest;
      assertTrue(
          Math.abs((double) e[i] - g[i]) <= tolerance || Float.compare(e[i], g[i]) == 0,
          () ->
              "seed "
                  + seed
                  + ", "
                  + how
                  + ", value "
                  + name
                  + " "
                  + expected.shape()
                  + " at "
                  + at
                  + ": expected "
                  + e[at]
                  + ", got "
                  + g[at]);
    }
  }

  /** Counts are exact: those of a layer are those of the value it handed out. */
  private static void counted(long seed, LayerProfile layer, Tensor value) {
    if (layer.counts() == null || value == null) {
      return;
    }
    long zeros = 0;
    long near = 0;
    for (float v : value.toFloats()) {
      zeros += v == 0 ? 1 : 0;
      near += Math.abs(v) < ModelOptions.DEFAULT_NEAR_ZERO ? 1 : 0;
    }
    assertEquals(zeros, layer.counts().zeros(), () -> "seed " + seed + ": zeros of " + layer);
    assertEquals(near, layer.counts().nearZeros(), () -> "seed " + seed + ": near of " + layer);
  }

  private static List<Integer> differing(Tensor a, Tensor b) {
    long at = a.data().mismatch(b.data());
    return at < 0 ? List.of() : List.of((int) (at / Float.BYTES));
  }
}
