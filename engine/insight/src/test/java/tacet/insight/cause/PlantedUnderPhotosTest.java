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
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * Causes planted where all pixels are positive, as photos divided by 255 are: of a network with random weights many units
 * are then silent on any photo, though nothing is wrong with them.
 */
class PlantedUnderPhotosTest {

  private static final int SIDE = 32;

  private static Planted network(long seed, int units) {
    return new Planted(seed, 3, SIDE, SIDE)
        .conv("a", units)
        .pool("p")
        .conv("b", units)
        .conv("c", 24);
  }

  private static Sample photo(long seed) {
    Tensor t = Planted.textured(seed, 3, SIDE, SIDE).tensor();
    float[] x = t.toFloats();
    for (int i = 0; i < x.length; i++) {
      x[i] = 0.5f + 0.5f * x[i];
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

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void nothingPlanted(long seed) throws InterruptedException {
    for (Finding f : explain(network(seed, 32), photo(seed))) {
      assertTrue(
          !f.holds() || List.of("relu", "pooling", "unexplained").contains(f.cause()),
          f.statement());
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void oneChannelOfManyKilledByItsBias(long seed) throws InterruptedException {
    for (String layer : List.of("a", "b")) {
      Planted n = network(seed, 64);
      n.weights(layer + "/b")[17] = -100;
      assertFirst("bias", layer, explain(n, photo(seed)));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void negativeWeights(long seed) throws InterruptedException {
    Planted n = network(seed, 32);
    float[] w = n.weights("b/w");
    for (int i = 0; i < w.length; i++) {
      w[i] = -Math.abs(w[i]);
    }
    assertFirst("dead-units", "b", explain(n, photo(seed)));
  }

  @ParameterizedTest
  @ValueSource(floats = {0, 0.5f, 1})
  void imageOfOneGrey(float grey) throws InterruptedException {
    float[] x = new float[3 * SIDE * SIDE];
    Arrays.fill(x, grey);
    Sample flat = new Sample("grey", Tensor.of(Shape.of(1, 3, SIDE, SIDE), x), null);
    assertFirst("flat-regions", "a", explain(network(4, 32), flat));
  }

  /** What dies behind a shrunk layer is its witness, however many zeros it has. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void shrunkDepthwiseWeights(long seed) throws InterruptedException {
    Planted n = new Planted(seed, 3, SIDE, SIDE).conv("a", 24).depthwise("d").conv("e", 32, 1);
    float[] w = n.residual("r").conv("f", 16, 1).weights("d/w");
    for (int i = 0; i < w.length; i++) {
      w[i] *= 0.01f;
    }
    assertFirst("small-weights", "d", explain(n, photo(seed)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void repeatedChannelsThatAreSilentHere(long seed) throws InterruptedException {
    Planted n = network(seed, 64);
    int length = 9 * 64;
    for (int u = 1; u < 9; u++) {
      System.arraycopy(n.weights("b/w"), 0, n.weights("b/w"), u * length, length);
      n.weights("b/b")[u] = n.weights("b/b")[0];
    }
    assertFirst("duplicate-channels", "b", explain(n, photo(seed)));
    for (Finding f : explain(network(seed, 64), photo(seed))) {
      assertFalse(f.holds() && f.cause().equals("duplicate-channels"), f.statement());
    }
  }
}
