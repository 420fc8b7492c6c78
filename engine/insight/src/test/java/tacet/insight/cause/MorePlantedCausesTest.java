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
import tacet.kernels.Activation;
import tacet.tensor.Tensor;

/** Causes planted in other ways and other networks than in {@link PlantedCausesTest}. */
class MorePlantedCausesTest {

  private static List<Finding> explain(Planted network, Sample... samples)
      throws InterruptedException {
    List<Finding> found =
        Explanation.of(network.graph(), ModelOptions.defaults().withThreads(2), List.of(samples))
            .findings();
    Map<String, Double> shares = new HashMap<>();
    for (Finding f : found) {
      if (f.holds() && f.share() != null) {
        shares.merge(f.layer(), f.share(), Double::sum);
      }
    }
    shares.forEach((layer, sum) -> assertEquals(1, sum, 1e-9, layer));
    return found;
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

  /** A network with batch normalisation that was trained on the sample: means and variances are those seen. */
  private static Planted normalised(long seed, Sample trained) throws InterruptedException {
    Planted n = new Planted(seed).conv("a", 12, 5).norm("a").conv("b", 20, 3).norm("b").pool("p");
    n.conv("c", 16, 1);
    for (String layer : List.of("a", "b")) {
      try (Analysis seen =
          Analysis.of(
              n.graph(), ModelOptions.defaults().withThreads(1), List.of(trained), (_, _) -> {})) {
        ChannelStatistics s = seen.original().channels().get(layer + "/conv");
        for (int c = 0; c < s.channels(); c++) {
          n.weights(layer + "/mean")[c] = (float) s.mean(c);
          n.weights(layer + "/variance")[c] = (float) (s.deviation(c) * s.deviation(c));
        }
      }
    }
    return n;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void shiftOfBatchNormalisation(long seed) throws InterruptedException {
    Sample sample = Planted.textured(seed);
    assertNot("bias", explain(normalised(seed, sample), sample));
    Planted n = normalised(seed, sample);
    Arrays.fill(n.weights("b/shift"), 2, 6, -12);
    assertFirst("bias", "b", explain(n, sample));
  }

  /** Behind a first layer that lost its weights, batch normalisation sees what it was not trained with, under any picture. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void shrunkBeforeBatchNormalisation(long seed) throws InterruptedException {
    Sample sample = Planted.textured(seed);
    Planted n = normalised(seed, sample);
    float[] w = n.weights("a/w");
    float[] sizes = new float[w.length];
    for (int i = 0; i < w.length; i++) {
      sizes[i] = Math.abs(w[i]);
    }
    Arrays.sort(sizes);
    SoftThreshold.apply(w, w.length, sizes[(int) (0.84 * w.length)]);
    List<Finding> found = explain(n, sample);
    assertFirst("small-weights", "a", found);
    assertNot("preprocessing", found);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void wholeLayerKilledByItsBias(long seed) throws InterruptedException {
    Sample[] samples = {Planted.textured(seed), Planted.textured(seed + 7)};
    Planted n = new Planted(seed).conv("a", 10).flatten().dense("b", 40).dense("c", 24);
    assertNot("bias", explain(n, samples));
    Arrays.fill(n.weights("b/b"), -40);
    assertFirst("bias", "b", explain(n, samples));
  }

  /** No unit is silent, yet the layer is far sparser than it would be without its biases. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void wholeLayerKeptDownByItsBiases(long seed) throws InterruptedException {
    Planted n = new Planted(seed).conv("a", 16).pool("p").conv("b", 24).conv("c", 24);
    assertNot("bias", explain(n, Planted.textured(seed)));
    float[] biases = n.weights("b/b");
    for (int c = 0; c < biases.length; c++) {
      biases[c] -= 1;
    }
    assertFirst("bias", "b", explain(n, Planted.textured(seed)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void onlyTheDenseLayerShrunk(long seed) throws InterruptedException {
    Sample sample = Planted.textured(seed);
    Planted n = new Planted(seed).conv("a", 8, 5).pool("p").flatten().dense("d", 64);
    n.dense("e", 32);
    assertNot("small-weights", explain(n, sample));
    float[] w = n.weights("d/w");
    double squares = 0;
    for (float f : w) {
      squares += f * f;
    }
    SoftThreshold.apply(w, w.length, (float) (2.5 * Math.sqrt(squares / w.length)));
    assertFirst("small-weights", "d", explain(n, sample));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void bottleneckOfOneByOneConvolution(long seed) throws InterruptedException {
    Sample[] samples = {Planted.textured(seed), Planted.textured(seed + 10)};
    Planted narrow = new Planted(seed).conv("a", 32).conv("neck", 2, 1).conv("b", 40);
    assertFirst("bottleneck", "b", explain(narrow, samples));
    Planted wide = new Planted(seed).conv("a", 32).conv("neck", 32, 1).conv("b", 40);
    assertNot("bottleneck", explain(wide, samples));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void halfTheImageFlat(long seed) throws InterruptedException {
    Planted n = new Planted(seed).conv("a", 20, 5).conv("b", 12);
    float[] w = n.weights("a/w");
    int length = 3 * 25;
    for (int u = 0; u < w.length; u += length) {
      float mean = 0;
      for (int i = u; i < u + length; i++) {
        mean += w[i] / length;
      }
      for (int i = u; i < u + length; i++) {
        w[i] -= mean;
      }
    }
    Arrays.fill(n.weights("a/b"), -0.03f);
    float[] x = Planted.textured(seed).tensor().toFloats();
    for (int i = 0; i < x.length; i++) {
      x[i] = i / Planted.SIDE % Planted.SIDE < Planted.SIDE / 2 ? x[i] : -0.4f;
    }
    Sample half = new Sample("half", Tensor.of(Planted.textured(seed).tensor().shape(), x), null);
    assertFirst("flat-regions", "a", explain(n, half));
    assertNot("flat-regions", explain(n, Planted.textured(seed)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void scaleForgotten(long seed) throws InterruptedException {
    Sample sample = Planted.textured(seed);
    assertNot("preprocessing", explain(normalised(seed, sample), sample));
    float[] x = sample.tensor().toFloats();
    for (int i = 0; i < x.length; i++) {
      x[i] = 127.5f * (x[i] + 1);
    }
    Sample raw = new Sample("raw", Tensor.of(sample.tensor().shape(), x), null);
    assertFirst("preprocessing", "a", explain(normalised(seed, sample), raw));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void nanInTheWeights(long seed) throws InterruptedException {
    Planted n = new Planted(seed).conv("a", 8).conv("b", 8);
    assertNot("non-finite", explain(n, Planted.textured(seed)));
    n.weights("b/w")[11] = Float.NaN;
    assertEquals("non-finite", explain(n, Planted.textured(seed)).getFirst().cause());
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void saturatedUnits(long seed) throws InterruptedException {
    for (Activation f :
        List.of(Activation.of(Activation.Kind.SIGMOID), Activation.of(Activation.Kind.TANH))) {
      Planted n = new Planted(seed).conv("a", 12).conv("b", 16, 3, f).conv("c", 8);
      assertNot("saturation", explain(n, Planted.textured(seed)));
      float[] w = n.weights("b/w");
      for (int i = 0; i < w.length; i++) {
        w[i] *= 300;
      }
      assertFirst("saturation", "b", explain(n, Planted.textured(seed)));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void duplicatedChannels(long seed) throws InterruptedException {
    Planted n = new Planted(seed).conv("a", 16).conv("b", 12);
    assertNot("duplicate-channels", explain(n, Planted.textured(seed)));
    for (int u = 8; u < 16; u++) {
      System.arraycopy(n.weights("a/w"), 27 * (u - 8), n.weights("a/w"), 27 * u, 27);
      n.weights("a/b")[u] = n.weights("a/b")[u - 8];
    }
    assertFirst("duplicate-channels", "a", explain(n, Planted.textured(seed)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void constantChannels(long seed) throws InterruptedException {
    Planted n = new Planted(seed).conv("a", 16).conv("b", 12);
    assertNot("constant-channels", explain(n, Planted.textured(seed)));
    Arrays.fill(n.weights("a/w"), 0, 27 * 6, 0);
    Arrays.fill(n.weights("a/b"), 0, 6, 0.5f);
    assertFirst("constant-channels", "a", explain(n, Planted.textured(seed)));
  }
}
