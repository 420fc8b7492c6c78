package tacet.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.CountLevel;
import tacet.profile.LayerProfile;
import tacet.reference.Windows;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Lists of convolution shapes: resources, text files, or the convolutions of a model. */
final class ShapeLists {

  /** The lists that come with the benchmarks; {@code all} is their union. */
  static final List<String> NAMES =
      List.of(
          "resnet50",
          "vgg19",
          "squeezenet",
          "mobilenet_v1",
          "mobilenet_v2",
          "inception_v1",
          "densenet121",
          "encoders");

  private ShapeLists() {}

  /**
   * @param list a name of {@link #NAMES}, {@code all}, a text file with one shape per line ({@code #} begins a comment),
   *     or a model file
   */
  static List<ConvShape> load(String list) throws IOException, InterruptedException {
    if (list.equals("all")) {
      Set<ConvShape> all = new LinkedHashSet<>();
      for (String name : NAMES) {
        all.addAll(load(name));
      }
      return List.copyOf(all);
    }
    try (InputStream in = ShapeLists.class.getResourceAsStream(list + ".shapes")) {
      if (in != null) {
        return parse(new String(in.readAllBytes(), StandardCharsets.UTF_8));
      }
    }
    Path file = Path.of(list);
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(
          list + " (there are also the lists all, " + String.join(", ", NAMES) + ")");
    }
    return list.endsWith(".txt") || list.endsWith(".shapes")
        ? parse(Files.readString(file))
        : of(Model.read(file));
  }

  private static List<ConvShape> parse(String text) {
    Set<ConvShape> shapes = new LinkedHashSet<>();
    for (String line : text.lines().toList()) {
      String shape = line.replaceAll("#.*", "").strip();
      if (!shape.isEmpty()) {
        shapes.add(ConvShape.parse(shape));
      }
    }
    return List.copyOf(shapes);
  }

  /** The distinct convolutions of a network, in its order; free dimensions of its input become 224. */
  static List<ConvShape> of(Graph graph) throws InterruptedException {
    Map<String, Shape> shapes = new HashMap<>();
    Map<String, Tensor> inputs = ModelInputs.noise(graph, 1);
    inputs.forEach((name, t) -> shapes.put(name, t.shape()));
    ModelOptions options =
        ModelOptions.defaults()
            .withBackend(Backend.VECTOR)
            .withThreads(1)
            .withCounts(CountLevel.OFF)
            .withFuse(false);
    try (Model model = Model.of(graph, options)) {
      for (LayerProfile layer : model.run(inputs).profile().layers()) {
        shapes.put(layer.value(), layer.outputShape());
      }
    }
    Map<String, Node> producers = graph.producers();
    Set<ConvShape> found = new LinkedHashSet<>();
    for (Node n : graph.nodes()) {
      Shape in = shapes.get(n.input(0));
      if (n.op() instanceof Op.Conv conv && in != null && in.rank() == 4) {
        found.add(
            shape(n, conv, in, shapes.get(n.output(0)), kernel(graph, producers, n.input(1))));
      }
    }
    return List.copyOf(found);
  }

  /** Shape of a convolution's weights: a constant, or one that the network makes from a constant shape. */
  private static Shape kernel(Graph graph, Map<String, Node> producers, String weights) {
    Tensor constant = graph.constants().get(weights);
    if (constant != null) {
      return constant.shape();
    }
    Node maker = producers.get(weights);
    if (maker != null && maker.op() instanceof Op.ConstantOfShape) {
      return Shape.of(graph.constants().get(maker.input(0)).toLongs());
    }
    throw new IllegalArgumentException(graph.source() + ": weights " + weights + " not constant");
  }

  private static ConvShape shape(Node n, Op.Conv conv, Shape in, Shape out, Shape weights) {
    Windows.ResolvedWindow w =
        Windows.convolution(
            n,
            new int[] {in.intDim(2), in.intDim(3)},
            new int[] {weights.intDim(2), weights.intDim(3)},
            conv.window());
    return new ConvShape(
        in.intDim(1),
        in.intDim(2),
        in.intDim(3),
        out.intDim(1),
        w.kernel()[0],
        w.kernel()[1],
        w.strides()[0],
        w.strides()[1],
        w.padsBegin()[0],
        w.padsBegin()[1],
        w.padsEnd()[0],
        w.padsEnd()[1],
        w.dilations()[0],
        w.dilations()[1],
        conv.groups());
  }
}
