package tacet.insight.cause;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tacet.ModelOptions;
import tacet.insight.Finding;
import tacet.insight.image.Normalization;
import tacet.insight.image.Normalization.Channels;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * A network that knows six colours, and pictures prepared for it and otherwise. Of so few classes none stands out of one
 * answer; that answers differ from picture to picture is all that tells.
 */
class PlantedForFewClassesTest {

  private static final int SIDE = 12;
  private static final int PICTURES = 12;

  private static final float[][] COLOURS = {
    {170, 80, 70}, {80, 160, 80}, {80, 90, 175}, {170, 160, 70}, {150, 80, 160}, {100, 170, 170}
  };

  private static final Normalization TRAINED =
      new Normalization(
          Channels.RGB,
          1f / 255,
          new float[] {0.485f, 0.456f, 0.406f},
          new float[] {0.229f, 0.224f, 0.225f});

  private static final Normalization FORGOTTEN =
      new Normalization(Channels.RGB, 1f / 255, new float[] {0}, new float[] {1});

  /** Units that each answer to one colour, less where it is weak, and a dense layer that sums them up. */
  private static Planted network(long seed) {
    Planted n =
        new Planted(seed, 3, SIDE, SIDE)
            .conv("a", COLOURS.length, 1)
            .flatten()
            .dense("classes", COLOURS.length)
            .softmax("softmax");
    float[] a = n.weights("a/w");
    float[] bias = n.weights("a/b");
    float[] dense = n.weights("classes/w");
    int positions = SIDE * SIDE;
    for (int c = 0; c < COLOURS.length; c++) {
      double length = 0;
      for (int k = 0; k < 3; k++) {
        a[3 * c + k] = value(COLOURS[c][k], k, TRAINED);
        length += a[3 * c + k] * a[3 * c + k];
      }
      for (int k = 0; k < 3; k++) {
        a[3 * c + k] *= (float) (1 / Math.sqrt(length));
      }
      bias[c] = -0.8f;
      for (int i = 0; i < COLOURS.length * positions; i++) {
        dense[c * COLOURS.length * positions + i] = i / positions == c ? 8f / positions : 0;
      }
    }
    return n;
  }

  private static float value(float pixel, int channel, Normalization way) {
    return (pixel * way.scale() - way.mean()[channel]) / way.std()[channel];
  }

  /**
   * @param all whether all colours are shown, or one
   */
  private static List<Finding> explain(long seed, Normalization way, boolean all)
      throws InterruptedException {
    SplittableRandom random = new SplittableRandom(seed);
    List<Sample> pictures = new ArrayList<>();
    for (int p = 0; p < PICTURES; p++) {
      float[] colour = COLOURS[all ? p % COLOURS.length : 0];
      float[] x = new float[3 * SIDE * SIDE];
      for (int i = 0; i < x.length; i++) {
        int k = i / (SIDE * SIDE);
        x[i] = value((float) (colour[k] + 12 * random.nextGaussian()), k, way);
      }
      pictures.add(new Sample("picture " + p, Tensor.of(Shape.of(1, 3, SIDE, SIDE), x), way));
    }
    ModelOptions options = ModelOptions.defaults().withThreads(2);
    return Explanation.of(network(seed).graph(), options, pictures).findings();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void forgottenMeanComesFirst(long seed) throws InterruptedException {
    Finding first = explain(seed, FORGOTTEN, true).getFirst();
    assertEquals("preprocessing", first.cause(), first::statement);
    assertEquals(TRAINED.describe(), first.evidence().get("better"));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void rightlyPreparedIsLeftAlone(long seed) throws InterruptedException {
    for (boolean all : new boolean[] {true, false}) {
      for (Finding f : explain(seed, TRAINED, all)) {
        assertFalse(f.holds() && f.cause().equals("preprocessing"), f::statement);
      }
    }
  }
}
