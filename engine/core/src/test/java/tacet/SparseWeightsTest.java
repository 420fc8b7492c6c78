package tacet;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import tacet.graph.Graph;
import tacet.graph.Op;
import tacet.graph.Op.AutoPad;
import tacet.graph.Op.Window;
import tacet.kernels.SparseMode;
import tacet.profile.LayerProfile;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Layers whose weights are mostly zero: which kernel they get, and what is said of it. */
class SparseWeightsTest {

  private static final int CHANNELS = 96;
  private static final int SIZE = 20;

  private static float[] weights(Random random, int n, double zeros) {
    float[] f = new float[n];
    for (int i = 0; i < n; i++) {
      f[i] = random.nextDouble() < zeros ? 0f : (float) random.nextGaussian() / 8;
    }
    return f;
  }

  private static Graph graph(double zeros) {
    Random random = new Random(3);
    NetworkBuilder b = new NetworkBuilder("pruned", 1);
    String x = b.relu("before", b.input("x", 1, CHANNELS, SIZE, SIZE));
    x =
        b.node(
            "conv",
            new Op.Conv(
                new Window(
                    List.of(1, 1),
                    List.of(1, 1),
                    List.of(0, 0),
                    List.of(0, 0),
                    List.of(1, 1),
                    AutoPad.EXPLICIT),
                1),
            x,
            b.constant(
                "w",
                Tensor.of(
                    Shape.of(CHANNELS, CHANNELS, 1, 1),
                    weights(random, CHANNELS * CHANNELS, zeros))));
    x = b.flatten("flat", b.relu("relu", x));
    int inputs = CHANNELS * SIZE * SIZE;
    x =
        b.dense(
            "dense",
            x,
            Tensor.of(Shape.of(256, inputs), weights(random, 256 * inputs, zeros)),
            Tensor.of(Shape.of(256), weights(random, 256, 0)));
    return b.build(x);
  }

  private static Map<String, Tensor> input() {
    Random random = new Random(4);
    float[] values = new float[CHANNELS * SIZE * SIZE];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Map.of("x", Tensor.of(Shape.of(1, CHANNELS, SIZE, SIZE), values));
  }

  private static LayerProfile layer(Result r, String name) {
    return r.profile().layers().stream()
        .filter(l -> l.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void listsOfWeightsTakeThePlaceOfThemAll() throws Exception {
    ModelOptions options = ModelOptions.defaults().withBackend(Backend.VECTOR).withThreads(1);
    try (Model off = Model.of(graph(0.95), options.withSparse(SparseMode.OFF));
        Model auto = Model.of(graph(0.95), options)) {
      Result expected = off.run(input());
      Result result = auto.run(input());
      assertArrayEquals(expected.output().toFloats(), result.output().toFloats(), 1e-4f);
      for (String name : new String[] {"conv", "dense"}) {
        LayerProfile l = layer(result, name);
        assertTrue(l.kernel().startsWith("sparse-weights"), l.kernel());
        assertTrue(l.reason().contains("% of the weights are zero"), l.reason());
        assertTrue(l.skipping().predictedSpeedup() > 1.1, () -> "" + l.skipping());
        assertTrue(l.skipping().multiplyAdds() > 0.93 * l.multiplyAdds(), l::toString);
        assertEquals(layer(expected, name).counts().zeros(), l.counts().zeros());
      }
      long held = auto.memory().packedWeights();
      assertTrue(held < off.memory().packedWeights() / 3, () -> "weights take " + held);
    }
  }

  @Test
  void fewZerosChangeNothing() throws Exception {
    ModelOptions options = ModelOptions.defaults().withBackend(Backend.VECTOR).withThreads(1);
    try (Model auto = Model.of(graph(0.55), options)) {
      Result result = auto.run(input());
      LayerProfile l = layer(result, "conv");
      assertTrue(!l.kernel().startsWith("sparse-weights"), l.kernel());
      assertTrue(l.reason().contains("% of the weights are zero"), l.reason());
    }
  }
}
