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

/** Causes planted in residual, depthwise and grey networks, and in such as have no ReLU. */
class PlantedElsewhereTest {

  private static final Activation SIGMOID = Activation.of(Activation.Kind.SIGMOID);
  private static final Activation LEAKY = new Activation(Activation.Kind.LEAKY_RELU, 0.1f, 0);

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

  private static Planted residual(long seed) {
    return new Planted(seed).conv("a", 12).residual("r").residual("s").conv("c", 8);
  }

  private static Planted separable(long seed) {
    return new Planted(seed, 1, 37, 53)
        .conv("a", 12)
        .depthwise("d")
        .conv("p", 20, 1)
        .depthwise("e")
        .conv("q", 16, 1);
  }

  private static Sample grey(long seed) {
    return Planted.textured(seed, 1, 37, 53);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void biasInsideAResidualBlock(long seed) throws InterruptedException {
    assertNot("bias", explain(residual(seed), Planted.textured(seed)));
    Planted n = residual(seed);
    Arrays.fill(n.weights("s/1/b"), 3, 6, -25);
    assertFirst("bias", "s/1", explain(n, Planted.textured(seed)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void biasBeforeTheSumOfAResidualBlock(long seed) throws InterruptedException {
    Planted n = residual(seed);
    Arrays.fill(n.weights("r/2/b"), 3, 6, -40);
    assertFirst("bias", "r", explain(n, Planted.textured(seed)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void biasOfADepthwiseConvolution(long seed) throws InterruptedException {
    assertNot("bias", explain(separable(seed), grey(seed)));
    Planted n = separable(seed);
    Arrays.fill(n.weights("e/b"), 2, 7, -30);
    assertFirst("bias", "e", explain(n, grey(seed)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void depthwiseWeightsShrunk(long seed) throws InterruptedException {
    assertNot("small-weights", explain(separable(seed), grey(seed)));
    Planted n = separable(seed);
    float[] w = n.weights("e/w");
    for (int i = 0; i < 9 * 8; i++) {
      w[i] *= 1e-4f;
    }
    Arrays.fill(n.weights("e/b"), 0, 8, -0.01f);
    assertFirst("small-weights", "e", explain(n, grey(seed)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void purelyNegativePointwiseLayer(long seed) throws InterruptedException {
    Planted n = separable(seed);
    float[] w = n.weights("q/w");
    for (int i = 0; i < w.length; i++) {
      w[i] = -Math.abs(w[i]);
    }
    Arrays.fill(n.weights("q/b"), 0);
    assertFirst("dead-units", "q", explain(n, grey(seed)));
    // A unit or two of random weights may be dead by themselves; a layer is not.
    for (Finding f : explain(separable(seed), grey(seed))) {
      assertFalse(
          f.cause().equals("dead-units") && f.share() != null && f.share() > 0.3, f.statement());
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void greyImageBarelyLit(long seed) throws InterruptedException {
    float[] x = new float[37 * 53];
    Arrays.fill(x, -0.3f);
    Sample flat = new Sample("flat", Tensor.of(grey(seed).tensor().shape(), x), null);
    assertEquals("flat-regions", explain(separable(seed), flat).getFirst().cause());
    assertNot("flat-regions", explain(separable(seed), grey(seed)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void greyPixelsNotScaled(long seed) throws InterruptedException {
    assertNot("preprocessing", explain(separable(seed), grey(seed)));
    assertFirst("preprocessing", "a", explain(separable(seed), Planted.shifted(grey(seed), -9)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void saturatedLayerOfANetworkWithoutReLU(long seed) throws InterruptedException {
    Planted control = new Planted(seed).conv("a", 10, 3, SIGMOID).conv("b", 12, 3, SIGMOID);
    assertNot("saturation", explain(control, Planted.textured(seed)));
    Planted n = new Planted(seed).conv("a", 10, 3, SIGMOID).conv("b", 12, 3, SIGMOID);
    float[] w = n.weights("a/w");
    for (int i = 0; i < w.length; i++) {
      w[i] *= 400;
    }
    assertFirst("saturation", "a", explain(n, Planted.textured(seed)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void repeatedAndConstantChannelsWithoutReLU(long seed) throws InterruptedException {
    for (Activation f : List.of(LEAKY, SIGMOID)) {
      Planted control = new Planted(seed).conv("a", 16, 3, f).conv("b", 12, 3, f);
      List<Finding> found = explain(control, Planted.textured(seed));
      assertNot("duplicate-channels", found);
      assertNot("constant-channels", found);
      Planted n = new Planted(seed).conv("a", 16, 3, f).conv("b", 12, 3, f);
      for (int u = 8; u < 16; u++) {
        System.arraycopy(n.weights("a/w"), 27 * (u - 8), n.weights("a/w"), 27 * u, 27);
        n.weights("a/b")[u] = n.weights("a/b")[u - 8];
      }
      assertFirst("duplicate-channels", "a", explain(n, Planted.textured(seed)));
      Planted c = new Planted(seed).conv("a", 16, 3, f).conv("b", 12, 3, f);
      Arrays.fill(c.weights("b/w"), 0, 9 * 16 * 5, 0);
      assertFirst("constant-channels", "b", explain(c, Planted.textured(seed)));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void explodingScale(long seed) throws InterruptedException {
    assertNot("non-finite", explain(residual(seed), Planted.textured(seed)));
    for (float factor : new float[] {1e18f, 1e38f}) {
      Planted n = residual(seed);
      float[] w = n.weights("s/2/w");
      for (int i = 0; i < w.length; i++) {
        w[i] *= factor;
      }
      assertEquals("non-finite", explain(n, Planted.textured(seed)).getFirst().cause());
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void bottleneckOfADeepNetwork(long seed) throws InterruptedException {
    Sample[] samples = {Planted.textured(seed), Planted.textured(seed + 4)};
    Planted narrow = new Planted(seed).conv("a", 16).pool("p").residual("r").conv("w", 40, 1);
    narrow.conv("neck", 2, 1).conv("b", 32).conv("c", 8);
    assertFirst("bottleneck", "b", explain(narrow, samples));
    Planted wide = new Planted(seed).conv("a", 16).pool("p").residual("r").conv("w", 40, 1);
    wide.conv("neck", 24, 1).conv("b", 32).conv("c", 8);
    assertNot("bottleneck", explain(wide, samples));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void unitsThatSleepOnTheseImages(long seed) throws InterruptedException {
    Planted control = new Planted(seed).conv("a", 16).conv("b", 12);
    assertNot("dead-units", explain(control, Planted.textured(seed)));
    Planted n = new Planted(seed).conv("a", 16).conv("b", 12);
    // Units for flat light: they fire where all pixels are bright, which a textured image never is.
    for (int u = 0; u < 6; u++) {
      Arrays.fill(n.weights("a/w"), 27 * u, 27 * u + 27, 0.3f);
      n.weights("a/b")[u] = -5.5f;
    }
    float[] x = Planted.textured(seed).tensor().toFloats();
    for (int i = 0; i < x.length; i++) {
      x[i] *= 0.8f;
    }
    Sample dim = new Sample("dim", Tensor.of(Planted.textured(seed).tensor().shape(), x), null);
    Finding first = explain(n, dim).getFirst();
    assertTrue(
        List.of("dead-units", "bias").contains(first.cause()) && first.layer().equals("a"),
        first.statement());
  }
}
