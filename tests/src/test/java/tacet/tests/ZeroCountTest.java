package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.Result;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.kernels.CountLevel;
import tacet.profile.LayerProfile;
import tacet.profile.LayerProfile.Counts;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Counts made while computing are those of an independent pass over the same values, and change no value. */
class ZeroCountTest {

  private static final float TAU = 0.05f;

  private static Stream<ModelOptions> options() {
    List<ModelOptions> all = new ArrayList<>();
    boolean simd = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    for (Backend backend : List.of(Backend.AUTO, Backend.VECTOR, Backend.SCALAR)) {
      if (backend == Backend.VECTOR && !simd) {
        continue;
      }
      for (int threads = 1; threads <= 3; threads++) {
        all.add(
            ModelOptions.defaults().withBackend(backend).withThreads(threads).withNearZero(TAU));
      }
      // No magnitude is less than zero: then there are zeros, but no near zeros.
      all.add(ModelOptions.defaults().withBackend(backend).withThreads(1).withNearZero(-0f));
    }
    return all.stream();
  }

  @ParameterizedTest
  @MethodSource("options")
  void countsAreThoseOfARecount(ModelOptions options) throws InterruptedException {
    Graph graph = Networks.small(3, 29, 17);
    Tensor x = Networks.random(new Random(4), 1f, 1, 3, 29, 17);
    Set<String> taps = new LinkedHashSet<>();
    graph.nodes().forEach(n -> taps.add(n.output(0)));
    try (Model model = Model.of(graph, options)) {
      Result tapped = model.run(Map.of("x", x), taps);
      Result fused = model.run(x);
      assertEquals(graph.nodes().size(), tapped.profile().layers().size());
      for (Node n : graph.nodes()) {
        String name = n.name();
        // A flattened image keeps its channels.
        Counts expected =
            recount(tapped.output(name.equals("flat") ? "rest" : name), options.nearZero());
        assertSame(expected, tapped.profile().layer(name).orElseThrow().counts(), name);
        Counts inFused = fused.profile().layer(name).orElseThrow().counts();
        if (inFused != null) {
          assertSame(expected, inFused, name);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("options")
  void countingChangesNoValue(ModelOptions options) throws InterruptedException {
    Graph graph = Networks.small(5, 31, 22);
    Tensor x = Networks.random(new Random(6), 1f, 1, 3, 31, 22);
    List<float[]> outputs = new ArrayList<>();
    for (CountLevel level : CountLevel.values()) {
      try (Model model = Model.of(graph, options.withCounts(level))) {
        Result r = model.run(x);
        outputs.add(r.output("y").toFloats());
        for (LayerProfile l : r.profile().layers()) {
          if (level == CountLevel.OFF) {
            assertNull(l.counts(), l.name());
          } else {
            // With SIMD the value before a residual is added is never formed.
            boolean folded =
                level == CountLevel.COUNT
                    && l.name().equals("pointwise")
                    && !l.backend().equals("scalar");
            assertTrue(folded || l.counts() != null, l.name());
          }
        }
      }
    }
    assertArrayEquals(outputs.get(0), outputs.get(1));
    // A close look is at layers computed one by one, which may round differently.
    assertArrayEquals(outputs.get(0), outputs.get(2), 1e-6f);
  }

  /** [1, C, …] */
  private static Counts recount(Tensor t, float tau) {
    Shape s = t.shape();
    long[] perChannel = new long[s.intDim(1)];
    int inner = (int) s.elements(2, s.rank());
    long zeros = 0;
    long near = 0;
    long negative = 0;
    float[] values = t.toFloats();
    for (int i = 0; i < values.length; i++) {
      perChannel[i / inner] += values[i] == 0 ? 1 : 0;
      zeros += values[i] == 0 ? 1 : 0;
      near += Math.abs(values[i]) < tau ? 1 : 0;
      negative += values[i] < 0 ? 1 : 0;
    }
    return new Counts(values.length, zeros, near, negative, perChannel);
  }

  private static void assertSame(Counts expected, Counts got, String layer) {
    assertEquals(expected.elements(), got.elements(), layer);
    assertEquals(expected.zeros(), got.zeros(), layer);
    assertEquals(expected.nearZeros(), got.nearZeros(), layer);
    assertEquals(expected.negatives(), got.negatives(), layer);
    assertArrayEquals(expected.zerosPerChannel(), got.zerosPerChannel(), layer);
  }
}
