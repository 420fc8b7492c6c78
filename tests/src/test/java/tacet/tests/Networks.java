package tacet.tests;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.graph.Op.AutoPad;
import tacet.graph.Op.Window;
import tacet.graph.ValueInfo;
import tacet.kernels.Activation;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Small networks and inputs for tests that need no trained one. */
final class Networks {

  private Networks() {}

  /**
   * Input {@code x} [1, 3, H, W]; convolution 3×3, ReLU, max-pool, depthwise 3×3, ReLU6, 1×1 convolution added to the
   * pool's output, ReLU, flatten, dense with sigmoid as output {@code y} [1, 10].
   */
  static Graph small(long seed, int height, int width) {
    Random random = new Random(seed);
    int c = 20;
    int pixels = (height / 2) * (width / 2);
    Map<String, Tensor> constants = new LinkedHashMap<>();
    constants.put("w1", random(random, 0.2f, c, 3, 3, 3));
    constants.put("b1", random(random, 0.1f, c));
    constants.put("w2", random(random, 0.3f, c, 1, 3, 3));
    constants.put("w3", random(random, 0.2f, c, c, 1, 1));
    constants.put("w4", random(random, 0.05f, c * pixels, 10));
    constants.put("b4", random(random, 0.1f, 10));
    List<Node> nodes =
        List.of(
            node("conv", new Op.Conv(window(3, 1, 1), 1), "x", "w1", "b1"),
            node("relu", new Op.Unary(Activation.RELU), "conv"),
            node(
                "pool",
                new Op.Pool(Op.PoolKind.MAX, window(2, 2, 0), false, false, 2, false),
                "relu"),
            node("depthwise", new Op.Conv(window(3, 1, 1), c), "pool", "w2"),
            node("relu6", new Op.Unary(Activation.RELU6), "depthwise"),
            node("pointwise", new Op.Conv(window(1, 1, 0), 1), "relu6", "w3"),
            node("sum", new Op.Elementwise(Op.ElementwiseKind.ADD), "pointwise", "pool"),
            node("rest", new Op.Unary(Activation.RELU), "sum"),
            node("flat", new Op.Flatten(1), "rest"),
            node("dense", new Op.Gemm(1f, 1f, false, false), "flat", "w4", "b4"),
            node("y", new Op.Unary(Activation.of(Activation.Kind.SIGMOID)), "dense"));
    return Graph.checked(
        "small",
        List.of(new ValueInfo("x", DataType.FLOAT32, new long[] {1, 3, height, width})),
        List.of(new ValueInfo("y", DataType.FLOAT32, new long[] {1, 10})),
        constants,
        nodes,
        Map.of(),
        Set.of());
  }

  /** Normal noise. */
  static Tensor random(Random random, float scale, long... dims) {
    Shape shape = Shape.of(dims);
    float[] values = new float[Math.toIntExact(shape.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = scale * (float) random.nextGaussian();
    }
    return Tensor.of(shape, values);
  }

  private static Node node(String name, Op op, String... inputs) {
    return new Node(name, op, List.of(inputs), List.of(name));
  }

  private static Window window(int kernel, int stride, int pad) {
    return new Window(
        List.of(kernel, kernel),
        List.of(stride, stride),
        List.of(pad, pad),
        List.of(pad, pad),
        List.of(1, 1),
        AutoPad.EXPLICIT);
  }
}
