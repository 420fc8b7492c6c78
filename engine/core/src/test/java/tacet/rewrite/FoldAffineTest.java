package tacet.rewrite;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.graph.ValueInfo;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** What multiplies and shifts channels by constants goes into the node before it, and the outputs stay. */
class FoldAffineTest {

  private static final int CHANNELS = 5;

  private final Map<String, Tensor> constants = new LinkedHashMap<>();
  private final List<Node> nodes = new ArrayList<>();
  private final SplittableRandom random = new SplittableRandom(3);

  private String constant(String name, long... dims) {
    Shape shape = Shape.of(dims);
    float[] values = new float[(int) shape.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = 0.5f + random.nextFloat();
    }
    constants.put(name, Tensor.of(shape, values));
    return name;
  }

  private String add(String name, Op op, String... inputs) {
    Node.Layer layer = new Node.Layer(name, op.type(), name, Node.Role.RESULT);
    nodes.add(new Node(name, op, List.of(inputs), List.of(name), List.of(layer)));
    return name;
  }

  private String normalisation(String name, String x) {
    return add(
        name,
        new Op.BatchNormalization(1e-3f),
        x,
        constant(name + ".gamma", CHANNELS),
        constant(name + ".beta", CHANNELS),
        constant(name + ".mean", CHANNELS),
        constant(name + ".variance", CHANNELS));
  }

  private String convolution(String name, String x) {
    Op.Window window =
        new Op.Window(List.of(), List.of(), List.of(), List.of(), List.of(), Op.AutoPad.EXPLICIT);
    return add(name, new Op.Conv(window, 1), x, constant(name + ".w", CHANNELS, CHANNELS, 1, 1));
  }

  private int kernels(String output, Set<String> taps) throws InterruptedException {
    Graph graph =
        Graph.checked(
            "test",
            List.of(new ValueInfo("x", DataType.FLOAT32, new long[] {2, CHANNELS, 3, 4})),
            List.of(new ValueInfo(output, DataType.FLOAT32, null)),
            constants,
            nodes,
            Map.of(),
            Set.of());
    Tensor x = Tensor.allocate(DataType.FLOAT32, Shape.of(2, CHANNELS, 3, 4));
    x.fill(random::nextGaussian);
    ModelOptions options = ModelOptions.defaults().withThreads(1).withBackend(Backend.VECTOR);
    try (Model fused = Model.of(graph, options);
        Model plain = Model.of(graph, options.withBackend(Backend.SCALAR))) {
      var result = fused.run(Map.of("x", x), taps);
      assertArrayEquals(
          plain.run(Map.of("x", x)).output(output).toFloats(),
          result.output(output).toFloats(),
          2e-5f);
      return (int) result.profile().layers().stream().filter(l -> l.counts() != null).count();
    }
  }

  @Test
  void normalisationProductAndSumGoIntoTheConvolution() throws InterruptedException {
    String y = normalisation("norm", convolution("conv", "x"));
    y = add("mul", new Op.Elementwise(Op.ElementwiseKind.MUL), y, constant("m", CHANNELS, 1, 1));
    y = add("add", new Op.Elementwise(Op.ElementwiseKind.ADD), constant("a", 1, CHANNELS, 1, 1), y);
    assertEquals(1, kernels(y, Set.of()));
  }

  @Test
  void productAndSumGoIntoTheNormalisation() throws InterruptedException {
    String y = normalisation("norm", "x");
    y = add("mul", new Op.Elementwise(Op.ElementwiseKind.MUL), y, constant("m", 1));
    y = add("add", new Op.Elementwise(Op.ElementwiseKind.ADD), y, constant("a", CHANNELS, 1, 1));
    assertEquals(1, kernels(y, Set.of()));
  }

  @Test
  void whatIsTappedOrNotPerChannelStays() throws InterruptedException {
    String y = convolution("conv", "x");
    y = add("mul", new Op.Elementwise(Op.ElementwiseKind.MUL), y, constant("m", 3, 4));
    assertEquals(2, kernels(y, Set.of()));
    y = normalisation("norm", convolution("conv2", y));
    assertEquals(4, kernels(y, Set.of("conv2")));
  }
}
