package tacet.insight.cause;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tacet.ModelOptions;
import tacet.insight.Finding;
import tacet.kernels.Activation;
import tacet.tensor.Tensor;

/** Causes that make few zeros or none, causes that look like others, and networks in which nothing is planted. */
class PlantedBroadlyTest {

  private static final int SIDE = 32;

  private static Planted network(long seed) {
    return new Planted(seed, 3, SIDE, SIDE)
        .conv("a", 16)
        .pool("p")
        .conv("b", 32)
        .flatten()
        .dense("d", 64)
        .dense("e", 24);
  }

  private static Sample photo(long seed, float scale) {
    Tensor t = Planted.textured(seed, 3, SIDE, SIDE).tensor();
    float[] x = t.toFloats();
    for (int i = 0; i < x.length; i++) {
      x[i] = scale * (0.5f + 0.5f * x[i]);
    }
    return new Sample("photo " + seed, Tensor.of(t.shape(), x), null);
  }

  private static List<Finding> explain(Planted network, Sample sample) throws InterruptedException {
    return Explanation.of(network.graph(), ModelOptions.defaults().withThreads(2), List.of(sample))
        .findings();
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

  private static double rms(float[] w) {
    double squares = 0;
    for (float f : w) {
      squares += f * f;
    }
    return Math.sqrt(squares / w.length);
  }

  /** Dense layers see much the same of every altered image: that units are silent on all of them does not make them dead. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void silenceOfRandomUnits(long seed) throws InterruptedException {
    List<Finding> found = explain(network(seed), photo(seed, 1));
    for (String cause :
        List.of("dead-units", "bias", "small-weights", "bottleneck", "preprocessing")) {
      assertNot(cause, found);
    }
    assertEquals("relu", found.getFirst().cause(), () -> found.getFirst().statement());
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.7, 1, 1.5})
  void mildlyShrunkWeights(double lambda) throws InterruptedException {
    for (String layer : List.of("a", "b", "d")) {
      Planted n = network(5);
      float[] w = n.weights(layer + "/w");
      SoftThreshold.apply(w, w.length, (float) (lambda * rms(w)));
      assertFirst("small-weights", layer, explain(n, photo(5, 1)));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void weightsOfLowRank(int rank) throws InterruptedException {
    for (String layer : List.of("b", "d")) {
      Planted n = network(6);
      float[] w = n.weights(layer + "/w");
      int units = layer.equals("b") ? 32 : 64;
      int length = w.length / units;
      double[] rest = new double[length];
      for (int u = rank; u < units; u++) {
        double norm = 0;
        for (int i = 0; i < length; i++) {
          rest[i] = 0;
          for (int k = 0; k < rank; k++) {
            rest[i] += Math.cos(3.7 * u + 2 * k) * w[k * length + i];
          }
          norm += rest[i] * rest[i];
        }
        for (int i = 0; i < length; i++) {
          w[u * length + i] = (float) (rest[i] * Math.sqrt(2 / norm));
        }
      }
      assertFirst("bottleneck", layer, explain(n, photo(6, 1)));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void bottleneckWithoutActivation(int width) throws InterruptedException {
    Planted narrow = new Planted(7, 3, SIDE, SIDE).conv("a", 32);
    narrow.conv("neck", width, 1, Activation.IDENTITY).conv("b", 48);
    assertFirst("bottleneck", "b", explain(narrow, photo(7, 1)));
    Planted wide = new Planted(7, 3, SIDE, SIDE).conv("a", 32);
    wide.conv("neck", 40, 1, Activation.IDENTITY).conv("b", 48);
    assertNot("bottleneck", explain(wide, photo(7, 1)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void weightsVanishedBeforeASum(long seed) throws InterruptedException {
    Planted n = new Planted(seed, 3, SIDE, SIDE).conv("a", 16).residual("r").conv("c", 24);
    float[] w = n.weights("r/2/w");
    for (int i = 0; i < w.length / 2; i++) {
      w[i] *= 1e-4f;
    }
    assertFirst("small-weights", "r/2/conv", explain(n, photo(seed, 1)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void dividedTwice(long seed) throws InterruptedException {
    Planted n = network(seed);
    float[] b = n.weights("a/b");
    for (int c = 0; c < b.length; c++) {
      b[c] *= 7;
    }
    assertFirst("preprocessing", "a", explain(n, photo(seed, 1 / 255f)));
    assertNot("preprocessing", explain(n, photo(seed, 1)));
  }

  /** What is far from firing because of its own bias is not to be fed with larger pixels. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void allBiasesOfTheFirstLayer(long seed) throws InterruptedException {
    Planted n = network(seed);
    Arrays.fill(n.weights("a/b"), -20);
    assertFirst("bias", "a", explain(n, photo(seed, 1)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void flatImageBesidePadding(long seed) throws InterruptedException {
    Planted n = new Planted(seed, 3, SIDE, SIDE).conv("a", 16).residual("r").residual("s");
    float[] x = new float[3 * SIDE * SIDE];
    Arrays.fill(x, 0.6f);
    Sample flat = new Sample("flat", Tensor.of(photo(1, 1).tensor().shape(), x), null);
    assertEquals("flat-regions", explain(n, flat).getFirst().cause());
    assertNot("flat-regions", explain(n, photo(seed, 1)));
  }
}
