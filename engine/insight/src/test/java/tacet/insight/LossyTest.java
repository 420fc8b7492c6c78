package tacet.insight;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import tacet.Model;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.graph.ValueInfo;
import tacet.kernels.Activation;
import tacet.kernels.DataType;
import tacet.kernels.SparseMode;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

class LossyTest {

  private static Graph twoInputs() {
    return Graph.checked(
        "test",
        List.of(new ValueInfo("x", DataType.FLOAT32, new long[] {1, 2})),
        List.of(new ValueInfo("y", DataType.FLOAT32, new long[] {1, 3})),
        Map.of(
            "w", Tensor.of(Shape.of(3, 2), new float[] {1f, 0.004f, -0.02f, 0.5f, -0.004f, 0.01f})),
        List.of(
            new Node("dense", new Op.Gemm(1f, 1f, false, true), List.of("x", "w"), List.of("z")),
            new Node("relu", new Op.Unary(Activation.RELU), List.of("z"), List.of("y"))),
        Map.of(),
        Set.of());
  }

  @Test
  void smallValuesAfterReluBecomeZero() throws InterruptedException {
    Tensor x = Tensor.of(Shape.of(1, 2), new float[] {0.1f, 0.3f});
    try (Model model = Model.of(Lossy.threshold(twoInputs(), 0.12f), ModelOptions.defaults())) {
      float[] y = model.run(x).output("y").toFloats();
      assertArrayEquals(new float[] {0f, 0.148f, 0f}, y, 1e-6f);
    }
  }

  @Test
  void smallWeightsBecomeZeroAndOthersStay() {
    assertArrayEquals(
        new float[] {1f, 0f, -0.02f, 0.5f, 0f, 0.01f},
        Lossy.prune(twoInputs(), 0.01f).constants().get("w").toFloats());
  }

  @Test
  void alternatedFormsAreCompared() throws InterruptedException {
    Graph g = RandomWeights.of(Presets.conv(1), 3);
    ModelOptions options = ModelOptions.defaults().withThreads(1);
    try (Model off = Model.of(g, options.withSparse(SparseMode.OFF));
        Model always = Model.of(g, options.withSparse(SparseMode.ALWAYS))) {
      Tensor x = Presets.noise(Shape.of(1, 3, Presets.SIZE, Presets.SIZE), 1);
      Alternation a = Alternation.of(off, always, Map.of("input", x), 3);
      assertTrue(a.worstDifference() < 1e-5, "difference " + a.worstDifference());
      assertTrue(a.sameTopOne());
      assertEquals(5, a.layers().size());
      assertTrue(a.speedup() > 0);
    }
  }
}
