package tacet.rewrite;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.Result;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.graph.ValueInfo;
import tacet.kernels.Activation;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Channels split into groups, transposed and joined again are one shuffle, unless somebody looks between. */
class FuseShuffleTest {

  private static final int GROUPS = 3;
  private static final int CHANNELS = 21;
  private static final int PIXELS = 4 * 5;

  private final Map<String, Tensor> constants = new LinkedHashMap<>();
  private final List<Node> nodes = new ArrayList<>();

  private String add(String name, Op op, String... inputs) {
    Node.Layer layer = new Node.Layer(name, op.type(), name, Node.Role.RESULT);
    nodes.add(new Node(name, op, List.of(inputs), List.of(name), List.of(layer)));
    return name;
  }

  private String reshape(String name, String x, long... dims) {
    constants.put(name + ".shape", Tensor.ofLongs(Shape.of(dims.length), dims));
    return add(name, new Op.Reshape(false), x, name + ".shape");
  }

  private Result run(Backend backend, Tensor x, Set<String> taps) throws InterruptedException {
    String y = add("a", new Op.Unary(Activation.RELU), "x");
    y = reshape("split", y, 2, GROUPS, CHANNELS / GROUPS, 4, 5);
    y = add("transpose", new Op.Transpose(List.of(0, 2, 1, 3, 4)), y);
    y = reshape("join", y, 2, CHANNELS, 4, 5);
    Graph graph =
        Graph.checked(
            "test",
            List.of(new ValueInfo("x", DataType.FLOAT32, new long[] {2, CHANNELS, 4, 5})),
            List.of(new ValueInfo(y, DataType.FLOAT32, null)),
            constants,
            nodes,
            Map.of(),
            Set.of());
    ModelOptions options = ModelOptions.defaults().withThreads(1).withBackend(backend);
    try (Model model = Model.of(graph, options)) {
      return model.run(Map.of("x", x), taps);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"VECTOR", "SCALAR"})
  void shuffles(Backend backend) throws InterruptedException {
    SplittableRandom random = new SplittableRandom(1);
    Tensor x = Tensor.allocate(DataType.FLOAT32, Shape.of(2, CHANNELS, 4, 5));
    x.fill(random::nextGaussian);
    Result result = run(backend, x, Set.of());
    float[] in = x.toFloats();
    float[] expected = new float[in.length];
    long zeros = 0;
    long[] perGroup = new long[GROUPS];
    long[] perChannel = new long[CHANNELS / GROUPS];
    for (int i = 0; i < in.length; i++) {
      int n = i / (CHANNELS * PIXELS);
      int c = i / PIXELS % CHANNELS;
      int source = c % GROUPS * (CHANNELS / GROUPS) + c / GROUPS;
      expected[i] = Math.max(0f, in[(n * CHANNELS + source) * PIXELS + i % PIXELS]);
      if (expected[i] == 0) {
        zeros++;
        perGroup[c % GROUPS]++;
        perChannel[c / GROUPS]++;
      }
    }
    assertArrayEquals(expected, result.output("join").toFloats());
    var layers = result.profile().layers();
    assertEquals(4, layers.size());
    for (var layer : layers) {
      assertEquals(zeros, layer.counts().zeros(), layer.name());
    }
    assertArrayEquals(perGroup, layers.get(1).counts().zerosPerChannel());
    assertEquals(Shape.of(2, GROUPS, CHANNELS / GROUPS, 4, 5), layers.get(1).outputShape());
    assertArrayEquals(perChannel, layers.get(2).counts().zerosPerChannel());
  }

  @Test
  void whatIsTappedIsFormed() throws InterruptedException {
    Tensor x = Tensor.allocate(DataType.FLOAT32, Shape.of(2, CHANNELS, 4, 5));
    x.fill(new SplittableRandom(2)::nextGaussian);
    Result result = run(Backend.VECTOR, x, Set.of("transpose"));
    assertEquals(Shape.of(2, CHANNELS / GROUPS, GROUPS, 4, 5), result.output("transpose").shape());
    assertTrue(result.profile().layers().stream().noneMatch(l -> l.kernel().startsWith("select")));
  }
}
