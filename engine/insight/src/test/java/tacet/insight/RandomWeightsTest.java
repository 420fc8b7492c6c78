package tacet.insight;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.graph.ValueInfo;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

class RandomWeightsTest {

  /** x · w + b with the weights filled by the graph, then a scale that is filled too. */
  private static Graph filled() {
    Tensor value = Tensor.of(Shape.of(1), new float[] {0.02f});
    return Graph.checked(
        "test",
        List.of(new ValueInfo("x", DataType.FLOAT32, new long[] {1, 400})),
        List.of(new ValueInfo("y", DataType.FLOAT32, new long[] {1, 300})),
        Map.of(
            "dims", Tensor.ofLongs(Shape.of(2), 300, 400),
            "row", Tensor.ofLongs(Shape.of(1), 300),
            "b", Tensor.of(Shape.of(300), new float[300])),
        List.of(
            new Node("w", new Op.ConstantOfShape(value), List.of("dims"), List.of("w")),
            new Node("s", new Op.ConstantOfShape(value), List.of("row"), List.of("s")),
            new Node(
                "dense", new Op.Gemm(1f, 1f, false, true), List.of("x", "w", "b"), List.of("z")),
            new Node(
                "scale",
                new Op.Elementwise(Op.ElementwiseKind.MUL, tacet.kernels.Activation.IDENTITY),
                List.of("z", "s"),
                List.of("y"))),
        Map.of(),
        Set.of());
  }

  @Test
  void weightsAreNormalWithVarianceTwoOverFanIn() {
    float[] w = RandomWeights.of(filled(), 5).constants().get("w").toFloats();
    double sum = 0;
    double squares = 0;
    for (float v : w) {
      sum += v;
      squares += (double) v * v;
    }
    assertEquals(120_000, w.length);
    // Five standard errors of each.
    assertEquals(0, sum / w.length, 5 * Math.sqrt(2.0 / 400 / w.length));
    assertEquals(2.0 / 400, squares / w.length, 5 * 2.0 / 400 * Math.sqrt(2.0 / w.length));
  }

  @Test
  void filledScalesBecomeNeutralAndTheirMakersGo() {
    Graph g = RandomWeights.of(filled(), 5);
    for (float v : g.constants().get("s").toFloats()) {
      assertEquals(1f, v);
    }
    assertFalse(g.producers().containsKey("w"));
    assertEquals(2, g.nodes().size());
  }

  @Test
  void dependsOnTheSeedAlone() {
    float[] first = RandomWeights.of(filled(), 5).constants().get("w").toFloats();
    assertArrayEquals(first, RandomWeights.of(filled(), 5).constants().get("w").toFloats());
    assertFalse(
        java.util.Arrays.equals(
            first, RandomWeights.of(filled(), 6).constants().get("w").toFloats()));
  }
}
