package tacet.insight.cause;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Node.Layer;
import tacet.graph.Node.Role;
import tacet.graph.Op;
import tacet.kernels.Activation;
import tacet.kernels.DataType;
import tacet.tensor.Tensor;

/**
 * A graph in which every value that its author sees is formed: operators that carry an activation are split in two. Knows
 * which of its values are cut at zero.
 *
 * @param graph the split graph
 * @param producers node by value
 * @param cuts activations that make zeros out of what is below a bound, in order
 */
record Network(Graph graph, Map<String, Node> producers, List<Cut> cuts) {

  /**
   * An activation that is zero for all x ≤ bound.
   *
   * @param layer name of the activation's layer
   * @param input value before it
   * @param output value after it
   * @param bound where it cuts
   * @param upper where it is flat again, or infinity
   * @param units what computes its input, or null where that is no linear layer with known weights
   * @param bias constants in its input per unit: those of {@code units}, or of the linear layers that a residual block adds
   *     up; null where there are none known
   */
  record Cut(
      String layer,
      String input,
      String output,
      float bound,
      float upper,
      Units units,
      float[] bias) {}

  /**
   * A linear layer and what it answers with.
   *
   * @param layer name of the layer that makes {@code output}
   * @param output value behind the activation, or the linear layer's own where none follows
   */
  record Answer(String layer, String output, Units units) {}

  static Network of(Graph original) {
    List<Node> nodes = new ArrayList<>();
    for (Node n : original.nodes()) {
      split(n, original, nodes);
    }
    Graph graph = original.with(nodes, original.constants());
    Map<String, Node> producers = graph.producers();
    Map<String, float[]> sums = addedBiases(graph, producers);
    List<Cut> cuts = new ArrayList<>();
    for (Node n : graph.nodes()) {
      if (n.op() instanceof Op.Unary u && cutsAtZero(u.function())) {
        Activation f = u.function();
        Units units = Units.behind(n.input(0), graph, producers);
        cuts.add(
            new Cut(
                layerName(n),
                n.input(0),
                n.output(0),
                bound(f),
                upper(f),
                units,
                units == null ? sums.get(n.input(0)) : units.learnedBias()));
      }
    }
    return new Network(graph, producers, cuts);
  }

  /** By sum of values: the biases that the linear layers behind them add up to. */
  private static Map<String, float[]> addedBiases(Graph graph, Map<String, Node> producers) {
    Map<String, float[]> sums = new HashMap<>();
    for (Node n : graph.nodes()) {
      if (!(n.op() instanceof Op.Elementwise e)
          || e.kind() != Op.ElementwiseKind.ADD
          || n.inputs().stream().anyMatch(graph.constants()::containsKey)) {
        continue;
      }
      float[] sum = null;
      boolean alike = true;
      for (String in : n.inputs()) {
        Units units = Units.behind(in, graph, producers);
        float[] part = units == null ? sums.get(in) : units.learnedBias();
        if (part == null) {
          continue;
        }
        if (sum == null) {
          sum = part.clone();
          continue;
        }
        alike &= part.length == sum.length;
        for (int c = 0; alike && c < sum.length; c++) {
          sum[c] += part[c];
        }
      }
      if (alike && sum != null) {
        sums.put(n.output(0), sum);
      }
    }
    return sums;
  }

  /** Linear layers with known weights, with any activation, in order. */
  List<Answer> answers() {
    Map<String, List<Node>> readers = new HashMap<>();
    graph
        .nodes()
        .forEach(
            n ->
                n.inputs()
                    .forEach(in -> readers.computeIfAbsent(in, _ -> new ArrayList<>()).add(n)));
    List<Answer> answers = new ArrayList<>();
    for (Node n : graph.nodes()) {
      Units units = Units.behind(n.output(0), graph, producers);
      List<Node> next = readers.getOrDefault(n.output(0), List.of());
      boolean goesOn =
          units != null
              && next.size() == 1
              && Units.behind(next.getFirst().output(0), graph, producers) instanceof Units u
              && u.node() == units.node();
      if (units != null && !goesOn) {
        boolean activated = next.size() == 1 && next.getFirst().op() instanceof Op.Unary;
        Node last = activated ? next.getFirst() : n;
        answers.add(new Answer(layerName(last), last.output(0), units));
      }
    }
    return answers;
  }

  /** Names of all values that nodes make and that a run can return. */
  Set<String> taps() {
    Set<String> taps = new LinkedHashSet<>();
    for (Node n : graph.nodes()) {
      n.outputs().stream().filter(o -> !o.isEmpty()).forEach(taps::add);
    }
    return taps;
  }

  /** The layer that makes a value. */
  String layer(String value) {
    Node n = producers.get(value);
    return n == null ? value : layerName(n);
  }

  /** The name that the model's author knows a node's result by. */
  static String layerName(Node n) {
    return n.layers().isEmpty() ? n.name() : n.layers().getLast().name();
  }

  /** The cut that makes a value, or null. */
  Cut cut(String output) {
    return cuts.stream().filter(c -> c.output().equals(output)).findFirst().orElse(null);
  }

  private static void split(Node n, Graph graph, List<Node> into) {
    if (isMaxWithZero(n, graph)) {
      String x = graph.constants().containsKey(n.input(0)) ? n.input(1) : n.input(0);
      into.add(
          new Node(n.name(), new Op.Unary(Activation.RELU), List.of(x), n.outputs(), n.layers()));
      return;
    }
    if (n.op() instanceof Op.Clip && n.hasInput(1)) {
      Float low = scalar(n.input(1), graph);
      Float high = n.hasInput(2) ? scalar(n.input(2), graph) : Float.valueOf(Float.MAX_VALUE);
      if (low != null && high != null) {
        Activation clip = new Activation(Activation.Kind.CLIP, low, high);
        into.add(
            new Node(n.name(), new Op.Unary(clip), List.of(n.input(0)), n.outputs(), n.layers()));
        return;
      }
    }
    Activation fused =
        switch (n.op()) {
          case Op.Conv c -> c.activation();
          case Op.Gemm g -> g.activation();
          case Op.Elementwise e -> e.activation();
          default -> Activation.IDENTITY;
        };
    if (fused.isIdentity()) {
      into.add(n);
      return;
    }
    Op plain =
        switch (n.op()) {
          case Op.Conv c -> new Op.Conv(c.window(), c.groups(), c.residual(), Activation.IDENTITY);
          case Op.Gemm g -> new Op.Gemm(g.alpha(), g.beta(), g.transA(), g.transB());
          case Op.Elementwise e -> new Op.Elementwise(e.kind());
          default -> throw new AssertionError(n.op());
        };
    Layer before = null;
    for (Layer l : n.layers()) {
      before = l.role() == Role.BEFORE_ACTIVATION ? l : before;
    }
    String name = before == null ? n.name() + "/preactivation" : before.name();
    String value = before == null ? n.output(0) + "/preactivation" : before.value();
    into.add(new Node(name, plain, n.inputs(), List.of(value)));
    into.add(
        new Node(
            n.name(),
            new Op.Unary(fused),
            List.of(value),
            n.outputs(),
            n.layers().isEmpty() ? List.of() : List.of(n.layers().getLast())));
  }

  private static boolean isMaxWithZero(Node n, Graph graph) {
    if (!(n.op() instanceof Op.Elementwise e)
        || e.kind() != Op.ElementwiseKind.MAX
        || n.inputs().size() != 2) {
      return false;
    }
    for (String in : n.inputs()) {
      Float value = scalar(in, graph);
      if (value != null && value == 0) {
        return true;
      }
    }
    return false;
  }

  /** A constant of one float32 element, or null. */
  private static Float scalar(String name, Graph graph) {
    Tensor t = graph.constants().get(name);
    return t != null && t.type() == DataType.FLOAT32 && t.shape().elements() == 1
        ? Float.valueOf(t.toFloats()[0])
        : null;
  }

  private static boolean cutsAtZero(Activation f) {
    return switch (f.kind()) {
      case RELU, THRESHOLDED_RELU, HARD_SWISH, HARD_SIGMOID -> true;
      case CLIP -> f.alpha() == 0 && f.beta() > 0;
      default -> false;
    };
  }

  private static float bound(Activation f) {
    return switch (f.kind()) {
      case THRESHOLDED_RELU -> f.alpha();
      case HARD_SWISH -> -3f;
      case HARD_SIGMOID -> -f.beta() / f.alpha();
      default -> 0f;
    };
  }

  private static float upper(Activation f) {
    return switch (f.kind()) {
      case CLIP -> f.beta();
      case HARD_SIGMOID -> (1 - f.beta()) / f.alpha();
      default -> Float.POSITIVE_INFINITY;
    };
  }

  /** Layers in the order of the network: layer name by value. */
  Map<String, String> layersByValue() {
    Map<String, String> layers = new LinkedHashMap<>();
    for (Node n : graph.nodes()) {
      for (String out : n.outputs()) {
        if (!out.isEmpty()) {
          layers.put(out, layerName(n));
        }
      }
    }
    return layers;
  }
}
