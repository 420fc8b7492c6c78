package tacet.keras;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tacet.error.ModelFormatException;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Node.Layer;
import tacet.graph.Node.Role;
import tacet.graph.Op;
import tacet.graph.ValueInfo;
import tacet.kernels.Activation;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * Collects nodes, and keeps track of how each value lies: layers that work on images ask for the form they need. The graph's
 * images are channels-first; a channels-last network gets one transposition after its inputs and before what must see its
 * order (Flatten), which the planner turns into another way of reading the same memory.
 */
final class GraphBuilder {

  /** More layers than any network has, and fewer than nested models that call each other could ask for. */
  private static final int MOST_NODES = 100_000;

  private final String file;
  private final boolean channelsLastModel;
  private final Arena arena;
  private final List<Node> nodes = new ArrayList<>();
  private final Map<String, Tensor> constants = new LinkedHashMap<>();
  private final Map<String, String> notes = new LinkedHashMap<>();
  private final Set<String> channelsLast = new HashSet<>();
  private final Map<String, String> otherForms = new HashMap<>();
  private final Map<String, String> origins = new HashMap<>();

  /**
   * @param arena where constants live
   */
  GraphBuilder(String file, boolean channelsLastModel, Arena arena) {
    this.file = file;
    this.channelsLastModel = channelsLastModel;
    this.arena = arena;
  }

  /** Data format of layers that name none. */
  String defaultFormat() {
    return channelsLastModel ? "channels_last" : "channels_first";
  }

  // ---------------------------------------------------------------- nodes

  /**
   * Adds a node.
   *
   * @param layers what the model's author knows of it; none where it only serves others
   */
  void add(String name, Op op, List<String> inputs, String output, Layer... layers) {
    if (nodes.size() >= MOST_NODES) {
      throw new ModelFormatException(
          file, "node " + name, "the model has more than " + MOST_NODES + " nodes");
    }
    nodes.add(new Node(name, op, inputs, List.of(output), List.of(layers)));
  }

  /** Adds a node that is a whole layer and makes its value. */
  void addLayer(String name, Op op, String type, List<String> inputs, String output) {
    add(name, op, inputs, output, new Layer(output, type, output, Role.RESULT));
  }

  /** Adds a node of one function that only serves others. */
  String unary(String output, Activation.Kind kind, double alpha, double beta, String input) {
    add(
        output,
        new Op.Unary(new Activation(kind, (float) alpha, (float) beta)),
        List.of(input),
        output);
    return output;
  }

  /** Adds a node of two operands that only serves others. */
  String binary(String output, Op.ElementwiseKind kind, String a, String b) {
    add(output, new Op.Elementwise(kind), List.of(a, b), output);
    return output;
  }

  Tensor tensor(Shape shape, float... values) {
    Tensor t = Tensor.allocate(DataType.FLOAT32, shape, arena);
    t.copyFrom(values);
    return t;
  }

  String constant(String name, Tensor tensor) {
    constants.putIfAbsent(name, tensor);
    return name;
  }

  String scalar(String name, double value) {
    return constant(name, tensor(Shape.of(1), (float) value));
  }

  String longs(String name, long... values) {
    return constant(name, Tensor.ofLongs(Shape.of(values.length), values));
  }

  boolean hasConstant(String name) {
    return constants.containsKey(name);
  }

  void note(String node, String text) {
    if (!text.isEmpty()) {
      notes.put(node, text);
    }
  }

  // ---------------------------------------------------------------- forms of values

  /** A value that a node has made. */
  Value made(String name, long[] dims, boolean moved) {
    boolean isMoved = moved && dims.length > 2;
    if (isMoved) {
      channelsLast.add(name);
    }
    return new Value(name, dims, isMoved);
  }

  /** The name of a value with its last axis as the second; matrices are as they are. */
  String moved(Value v) {
    if (v.moved() || v.rank() < 3) {
      return v.name();
    }
    return otherForms.computeIfAbsent(
        v.name(),
        from -> {
          String to = from + "/channels-first";
          transpose(from, to, toSecond(v.rank()));
          // Where the form was taken for the value, this is the way back.
          origins.put(to, from);
          return to;
        });
  }

  /** The name of a value in the order of axes that Keras gives it. */
  String asDeclared(Value v) {
    if (!v.moved()) {
      return v.name();
    }
    if (origins.containsKey(v.name())) {
      return origins.get(v.name());
    }
    return otherForms.computeIfAbsent(
        v.name(),
        from -> {
          String to = from + "/channels-last";
          transpose(from, to, toLast(v.rank()));
          return to;
        });
  }

  /** The value in the form an image layer of this data format works on: channels second. */
  String image(Value v, boolean channelsLastLayer) {
    return channelsLastLayer ? moved(v) : asDeclared(v);
  }

  /** An input of the model, in the form its image layers want. */
  Value given(String name, long[] dims) {
    if (!channelsLastModel || dims.length < 3) {
      return made(name, dims, false);
    }
    return made(moved(new Value(name, dims, false)), dims, true);
  }

  /** The name under which a node makes a value that {@link #settle} then names {@code name}. */
  String unsettled(String name, int rank) {
    return channelsLastModel && rank > 2 ? name + "/channels-last" : name;
  }

  /** A value that was made in Keras' order of axes, in the form the model's image layers want. */
  Value settle(String name, long[] dims) {
    if (!channelsLastModel || dims.length < 3) {
      return made(name, dims, false);
    }
    String from = unsettled(name, dims.length);
    transpose(from, name, toSecond(dims.length));
    origins.put(name, from);
    return made(name, dims, true);
  }

  private void transpose(String from, String to, List<Integer> permutation) {
    add(to, new Op.Transpose(permutation), List.of(from), to);
  }

  private static List<Integer> toSecond(int rank) {
    List<Integer> p = new ArrayList<>(List.of(0, rank - 1));
    for (int i = 1; i < rank - 1; i++) {
      p.add(i);
    }
    return p;
  }

  private static List<Integer> toLast(int rank) {
    List<Integer> p = new ArrayList<>(List.of(0));
    for (int i = 2; i < rank; i++) {
      p.add(i);
    }
    p.add(1);
    return p;
  }

  Graph graph(List<ValueInfo> inputs, List<ValueInfo> outputs) {
    return Graph.checked(file, inputs, outputs, constants, nodes, notes, channelsLast);
  }

  /** Declares an output, under a name of its own where the value has another. */
  ValueInfo output(Value v, String name) {
    if (!v.name().equals(name)) {
      add(name, new Op.Identity(), List.of(v.name()), name);
      made(name, v.dims(), v.moved());
    }
    return new ValueInfo(name, DataType.FLOAT32, v.dims());
  }
}
