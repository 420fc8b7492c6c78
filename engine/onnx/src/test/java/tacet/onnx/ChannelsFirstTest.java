package tacet.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
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
import tacet.graph.Op.AutoPad;
import tacet.graph.Op.ElementwiseKind;
import tacet.graph.Op.Window;
import tacet.graph.ValueInfo;
import tacet.kernels.Activation;
import tacet.kernels.DataType;
import tacet.profile.LayerProfile;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Images that an exporter keeps channels-last between convolutions are computed channels-first, and seen as before. */
class ChannelsFirstTest {

  private static final List<Integer> TO_LAST = List.of(0, 2, 3, 1);
  private static final List<Integer> TO_FIRST = List.of(0, 3, 1, 2);

  private final SplittableRandom random = new SplittableRandom(5);
  private final Map<String, Tensor> constants = new LinkedHashMap<>();
  private final List<Node> nodes = new ArrayList<>();

  private String add(String name, Op op, String... inputs) {
    nodes.add(new Node(name, op, List.of(inputs), List.of(name)));
    return name;
  }

  private String constant(String name, long... dims) {
    Tensor t = Tensor.allocate(DataType.FLOAT32, Shape.of(dims));
    t.fill(() -> 0.5 + random.nextDouble());
    constants.put(name, t);
    return name;
  }

  private String longs(String name, long... values) {
    constants.put(name, Tensor.ofLongs(Shape.of(values.length), values));
    return name;
  }

  private String convolution(String name, String x, int filters, int channels) {
    Tensor w = Tensor.allocate(DataType.FLOAT32, Shape.of(filters, channels, 3, 3));
    w.fill(() -> random.nextGaussian() / 3);
    constants.put(name + "/w", w);
    List<Integer> ones = List.of(1, 1);
    Window window = new Window(List.of(), ones, ones, ones, ones, AutoPad.EXPLICIT);
    return add(name, new Op.Conv(window, 1), x, name + "/w");
  }

  private Graph graph(String output) {
    return Graph.checked(
        "test",
        List.of(new ValueInfo("image", DataType.FLOAT32, new long[] {2, 7, 9, 3})),
        List.of(new ValueInfo(output, DataType.FLOAT32, null)),
        constants,
        nodes,
        Map.of(),
        Set.of());
  }

  /** As Keras 3 writes it: conversions to the same type everywhere, normalisation in four steps. */
  private Graph exported() {
    String x = add("cast0", new Op.Cast(DataType.FLOAT32), "image");
    x = convolution("conv1", add("first1", new Op.Transpose(TO_FIRST), x), 32, 3);
    x = add("cast1", new Op.Cast(DataType.FLOAT32), add("last1", new Op.Transpose(TO_LAST), x));
    x = add("mean", new Op.Elementwise(ElementwiseKind.SUB), x, constant("mean/c", 32));
    x = add("scale", new Op.Elementwise(ElementwiseKind.DIV), x, constant("scale/c", 1, 1, 1, 32));
    x = add("shift", new Op.Elementwise(ElementwiseKind.ADD), constant("shift/c", 1), x);
    x = add("cast2", new Op.Cast(DataType.FLOAT32), x);
    String stem = add("relu", new Op.Unary(Activation.RELU6), x);
    x = add("grid", new Op.Elementwise(ElementwiseKind.MUL), stem, constant("grid/c", 7, 9, 32));
    x = add("sum", new Op.Elementwise(ElementwiseKind.ADD), x, stem);
    x = add("joined", new Op.Concat(-1), x, stem);
    x = add("padded", new Op.Pad(Op.PadMode.CONSTANT), x, longs("pads", 0, 1, 2, 0, 0, 0, 1, 0));
    x = convolution("conv2", add("first2", new Op.Transpose(TO_FIRST), x), 5, 64);
    String seen = add("last2", new Op.Transpose(TO_LAST), x);
    add("softmax", new Op.Softmax(3, false, false), seen);
    add("softmaxToEnd", new Op.Softmax(3, true, true), seen);
    add("softmaxOfPixels", new Op.Softmax(1, false, true), seen);
    add("rows", new Op.Reduce(Op.ReduceKind.SUM, false, false), seen, longs("axes1", 1));
    String mean =
        add("pooled", new Op.Reduce(Op.ReduceKind.MEAN, false, false), seen, longs("axes2", 1, -2));
    return graph(mean);
  }

  @ParameterizedTest
  @EnumSource(names = {"VECTOR", "SCALAR"})
  void everyValueStaysWhatItWas(Backend backend) throws InterruptedException {
    Graph before = exported();
    Graph after = ChannelsFirst.of(before, Arena.ofAuto());
    assertTrue(
        after
            .channelsLast()
            .containsAll(Set.of("last1", "shift", "joined", "softmax", "softmaxToEnd")));
    assertFalse(after.channelsLast().contains("rows"));
    assertFalse(after.channelsLast().contains("softmaxOfPixels"));
    Tensor image = Tensor.allocate(DataType.FLOAT32, Shape.of(2, 7, 9, 3));
    image.fill(random::nextGaussian);
    Map<String, Tensor> inputs = Map.of("image", image);
    Set<String> all = new LinkedHashSet<>();
    nodes.forEach(n -> all.add(n.output(0)));
    ModelOptions options = ModelOptions.defaults().withThreads(1).withBackend(Backend.SCALAR);
    try (Model expected = Model.of(before, options);
        Model model = Model.of(after, options.withBackend(backend))) {
      Result e = expected.run(inputs, all);
      Result tapped = model.run(inputs, all);
      for (String value : all) {
        assertEquals(e.output(value).shape(), tapped.output(value).shape(), value);
        close(value, e.output(value), tapped.output(value));
      }
      Result fused = model.run(inputs);
      close("pooled", e.output("pooled"), fused.output("pooled"));
      for (LayerProfile l : fused.profile().layers()) {
        assertEquals(e.output(l.value()).shape(), l.outputShape(), l.name());
        if (l.counts() != null && backend == Backend.VECTOR) {
          int channels =
              l.name().equals("pooled") ? 5 : l.outputShape().rank() < 4 ? -1 : channels(l);
          assertEquals(channels, l.counts().zerosPerChannel().length, l.name());
        }
      }
      if (backend == Backend.VECTOR) {
        for (LayerProfile l : fused.profile().layers()) {
          boolean apart = Set.of("grid", "sum", "rows", "softmaxOfPixels").contains(l.name());
          assertTrue(apart || !l.kernel().equals("reference"), l::toString);
        }
      }
    }
  }

  /** Up to 1e-5 of the largest value: sums here have up to 576 terms. */
  private static void close(String value, Tensor expected, Tensor got) {
    float largest = 1;
    for (float v : expected.toFloats()) {
      largest = Math.max(largest, Math.abs(v));
    }
    assertArrayEquals(expected.toFloats(), got.toFloats(), 1e-5f * largest, value);
  }

  private static int channels(LayerProfile l) {
    boolean first = l.name().startsWith("conv") || l.name().startsWith("first");
    return l.outputShape().intDim(first ? 1 : 3);
  }

  @Test
  void whatIsNoImageStays() {
    String x = add("ints", new Op.Cast(DataType.INT64), "image");
    x = add("transposed", new Op.Transpose(TO_LAST), x);
    Graph graph = graph(add("negative", new Op.Cast(DataType.INT64), x));
    Graph after = ChannelsFirst.of(graph, Arena.ofAuto());
    assertEquals(graph.nodes(), after.nodes());
    assertEquals(Set.of(), after.channelsLast());
    nodes.remove(1);
    nodes.set(1, new Node("negative", new Op.Identity(), List.of("ints"), List.of("negative")));
    Graph without = graph("negative");
    assertSame(without, ChannelsFirst.of(without, Arena.ofAuto()));
  }
}
