package tacet.insight.cause;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tacet.ModelOptions;
import tacet.insight.Finding;

/** Each planted cause is named first, and not in the same network without it. */
class PlantedCausesTest {

  private static final List<String> ROOTS =
      List.of(
          "preprocessing",
          "flat-regions",
          "small-weights",
          "bias",
          "bottleneck",
          "dead-units",
          "non-finite",
          "saturation");

  private static Planted network(long seed) {
    return new Planted(seed).conv("a", 16).pool("p").conv("b", 24).flatten().dense("d", 20);
  }

  private static List<Finding> explain(Planted network, Sample... samples)
      throws InterruptedException {
    List<Finding> found =
        Explanation.of(network.graph(), ModelOptions.defaults().withThreads(1), List.of(samples))
            .findings();
    assertAddsUp(found);
    return found;
  }

  /** For every layer the shares of what holds add up to 1. */
  private static void assertAddsUp(List<Finding> found) {
    Map<String, Double> shares = new HashMap<>();
    for (Finding f : found) {
      if (f.holds() && f.share() != null) {
        shares.merge(f.layer(), f.share(), Double::sum);
      }
    }
    shares.forEach((layer, sum) -> assertEquals(1, sum, 1e-9, layer));
  }

  private static void assertFirst(String cause, String layer, List<Finding> found) {
    assertEquals(cause, found.getFirst().cause(), () -> found.getFirst().statement());
    assertTrue(found.getFirst().holds());
    assertEquals(layer, found.getFirst().layer());
  }

  private static void assertNot(String cause, List<Finding> found) {
    for (Finding f : found) {
      assertFalse(f.holds() && f.cause().equals(cause), f.statement());
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void nothingPlanted(long seed) throws InterruptedException {
    List<Finding> found = explain(network(seed), Planted.textured(seed));
    for (String cause : ROOTS) {
      assertNot(cause, found);
    }
    assertEquals("relu", found.getFirst().cause());
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void channelKilledByItsBias(long seed) throws InterruptedException {
    for (String layer : List.of("a", "b")) {
      Planted n = network(seed);
      n.weights(layer + "/b")[5] = -30;
      assertFirst("bias", layer, explain(n, Planted.textured(seed)));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void weightsShrunkByL1(long seed) throws InterruptedException {
    for (String layer : List.of("a", "b")) {
      for (double lambda : new double[] {2, 2.5, 100}) {
        Planted n = network(seed);
        float[] w = n.weights(layer + "/w");
        double squares = 0;
        for (float f : w) {
          squares += f * f;
        }
        float t = (float) (lambda * Math.sqrt(squares / w.length));
        for (int i = 0; i < w.length; i++) {
          w[i] = Math.signum(w[i]) * Math.max(Math.abs(w[i]) - t, 0);
        }
        assertFirst("small-weights", layer, explain(n, Planted.textured(seed)));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void flatImage(long seed) throws InterruptedException {
    Planted n = network(seed);
    assertEquals("flat-regions", explain(n, Planted.flat(0.3f, 0.5f, 0.2f)).getFirst().cause());
    assertNot("flat-regions", explain(n, Planted.textured(seed)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void narrowBottleneck(long seed) throws InterruptedException {
    Planted narrow = new Planted(seed).conv("a", 24).conv("neck", 2).conv("b", 32);
    List<Finding> found = explain(narrow, Planted.textured(seed));
    assertFirst("bottleneck", "b", found);
    Planted wide = new Planted(seed).conv("a", 24).conv("neck", 24).conv("b", 32);
    assertNot("bottleneck", explain(wide, Planted.textured(seed)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void narrowDenseBottleneck(long seed) throws InterruptedException {
    Sample[] samples = {
      Planted.textured(seed), Planted.textured(seed + 10), Planted.textured(seed + 20)
    };
    for (int width : new int[] {1, 2}) {
      Planted narrow = new Planted(seed).flatten().dense("a", 64).dense("neck", width);
      assertFirst("bottleneck", "b", explain(narrow.dense("b", 48), samples));
    }
    Planted wide = new Planted(seed).flatten().dense("a", 64).dense("neck", 64).dense("b", 48);
    assertNot("bottleneck", explain(wide, samples));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void mostlyFlatImage(long seed) throws InterruptedException {
    Planted n = new Planted(seed).conv("a", 16).pool("p").conv("b", 24);
    // Units that see differences only: in what is flat nothing is left but a negative bias.
    float[] w = n.weights("a/w");
    for (int u = 0; u < w.length; u += 27) {
      float mean = 0;
      for (int i = 0; i < 27; i++) {
        mean += w[u + i] / 27;
      }
      for (int i = 0; i < 27; i++) {
        w[u + i] -= mean;
      }
    }
    Arrays.fill(n.weights("a/b"), -0.02f);
    float[] x = Planted.textured(seed).tensor().toFloats();
    for (int i = 0; i < x.length; i++) {
      x[i] = i / Planted.SIDE % Planted.SIDE < 30 ? 0.25f : x[i];
    }
    Sample sky =
        new Sample("sky", tacet.tensor.Tensor.of(Planted.flat(0, 0, 0).tensor().shape(), x), null);
    List<Finding> found = explain(n, sky);
    assertFirst("flat-regions", "a", found);
    assertNot("flat-regions", explain(n, Planted.textured(seed)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void purelyNegativeLayer(long seed) throws InterruptedException {
    Planted n = network(seed);
    float[] w = n.weights("b/w");
    for (int i = 0; i < w.length; i++) {
      w[i] = -Math.abs(w[i]);
    }
    Arrays.fill(n.weights("b/b"), 0);
    assertFirst("dead-units", "b", explain(n, Planted.textured(seed)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void wrongMean(long seed) throws InterruptedException {
    Planted n = network(seed);
    for (float by : new float[] {-104, 6, -6}) {
      List<Finding> found = explain(n, Planted.shifted(Planted.textured(seed), by));
      assertFirst("preprocessing", "a", found);
    }
  }
}
