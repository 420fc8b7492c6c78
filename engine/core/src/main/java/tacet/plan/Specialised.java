package tacet.plan;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tacet.error.ShapeMismatchException;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.graph.ValueInfo;
import tacet.kernels.Activation;
import tacet.kernels.DataType;
import tacet.reference.Evaluator;
import tacet.reference.TensorType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * A graph for inputs of one shape: every shape known, what depends on constants and shapes alone computed, and nodes that
 * nothing wanted depends on left out.
 *
 * @param graph nodes that remain; constants include what was folded
 * @param types of every value
 * @param limits what the plan may still cost
 */
record Specialised(Graph graph, Map<String, TensorType> types, Limits limits) {

  /**
   * @param room where constants live that are computed here
   */
  static Specialised of(Graph graph, Map<String, Tensor> inputs, Set<String> wanted, Arena room) {
    Map<String, TensorType> types = new HashMap<>();
    Map<String, Tensor> known = new LinkedHashMap<>(graph.constants());
    Set<String> deciding = shapeDecidingInputs(graph);
    for (ValueInfo i : graph.inputs()) {
      Tensor t = inputs.get(i.name());
      if (t == null) {
        throw new IllegalArgumentException("input '" + i.name() + "' is missing");
      }
      if (!i.accepts(t.shape())) {
        throw new ShapeMismatchException("input " + i.name(), i.describe(), t.shape().toString());
      }
      if (i.type() != t.type()) {
        throw new ShapeMismatchException(
            "input " + i.name(), i.type().toString(), t.type().toString());
      }
      types.put(i.name(), new TensorType(t.type(), t.shape()));
      if (deciding.contains(i.name())) {
        // The caller may change or free it while the plan lives.
        Tensor copy = Tensor.allocate(t.type(), t.shape(), room);
        copy.data().copyFrom(t.data());
        known.put(i.name(), copy);
      }
    }
    known.forEach((name, t) -> types.putIfAbsent(name, new TensorType(t.type(), t.shape())));
    List<Tensor> given = new ArrayList<>(inputs.values());
    given.addAll(graph.constants().values());
    Limits limits = new Limits(given);
    types.forEach((name, t) -> limits.check("value " + name, t));
    List<Node> nodes = new ArrayList<>();
    Set<String> needed = needed(graph, wanted);
    for (Node original : graph.nodes()) {
      if (original.outputs().stream().noneMatch(needed::contains)) {
        continue;
      }
      List<TensorType> in = new ArrayList<>();
      for (String name : original.inputs()) {
        in.add(name.isEmpty() ? null : types.get(name));
      }
      List<TensorType> out = Evaluator.infer(original, in, values(original, known));
      for (int i = 0; i < original.outputs().size(); i++) {
        if (original.hasOutput(i)) {
          if (i >= out.size()) {
            throw new ShapeMismatchException(
                place(original), out.size() + " outputs", original.outputs().toString());
          }
          limits.check(place(original), out.get(i));
          types.put(original.output(i), out.get(i));
        }
      }
      Tensor shape = Evaluator.ofShape(original.op(), in.getFirst());
      if (shape != null) {
        known.put(original.output(0), shape);
        continue;
      }
      Node n = resolved(original, in, out, known);
      List<Tensor> values = values(n, known);
      boolean allKnown = true;
      for (int i = 0; i < n.inputs().size(); i++) {
        allKnown &= !n.hasInput(i) || values.get(i) != null;
      }
      if (allKnown && limits.mayFold(n, in, out)) {
        List<Tensor> results =
            Evaluator.evaluate(n, values, (_, type, s) -> Tensor.allocate(type, s, room));
        for (int i = 0; i < n.outputs().size(); i++) {
          if (n.hasOutput(i)) {
            known.put(n.output(i), results.get(i));
          }
        }
      } else {
        nodes.add(n);
      }
    }
    return new Specialised(graph.with(nodes, known), types, limits);
  }

  /** Contents of a node's inputs, null where they are not known. */
  private static List<Tensor> values(Node n, Map<String, Tensor> known) {
    List<Tensor> values = new ArrayList<>();
    for (String name : n.inputs()) {
      values.add(name.isEmpty() ? null : known.get(name));
    }
    return values;
  }

  private static String place(Node n) {
    return "node " + n.name() + " (" + n.op().type() + ")";
  }

  /**
   * The node in a simpler form, where types and shapes of other values, or constants, decide which.
   *
   * @param in types of its inputs
   * @param out types of its outputs
   * @param known gets the numbers that the simpler form reads
   */
  private static Node resolved(
      Node n, List<TensorType> in, List<TensorType> out, Map<String, Tensor> known) {
    return switch (n.op()) {
      case Op.AlignAxes _ -> {
        long[] dims = out.getFirst().shape().dims();
        String shape = n.output(0) + "·shape";
        known.put(shape, Tensor.ofLongs(Shape.of(dims.length), dims));
        yield with(n, new Op.Reshape(true), List.of(n.input(0), shape));
      }
      case Op.Cast c when c.to() == in.getFirst().type() -> with(n, new Op.Identity(), n.inputs());
      case Op.CastLike _ when out.getFirst().type() == in.getFirst().type() ->
          with(n, new Op.Identity(), List.of(n.input(0)));
      case Op.CastLike _ -> with(n, new Op.Cast(out.getFirst().type()), List.of(n.input(0)));
      case Op.Clip _ when out.getFirst().type() == DataType.FLOAT32 -> {
        Float low = bound(n.input(1), Float.NEGATIVE_INFINITY, known);
        Float high = bound(n.input(2), Float.POSITIVE_INFINITY, known);
        yield low == null || high == null
            ? n
            : with(
                n,
                new Op.Unary(new Activation(Activation.Kind.CLIP, low, high)),
                List.of(n.input(0)));
      }
      default -> n;
    };
  }

  private static Node with(Node n, Op op, List<String> inputs) {
    return new Node(n.name(), op, inputs, n.outputs(), n.layers());
  }

  private static Float bound(String value, float otherwise, Map<String, Tensor> known) {
    if (value.isEmpty()) {
      return otherwise;
    }
    Tensor t = known.get(value);
    return t == null ? null : Float.valueOf(t.toFloats()[0]);
  }

  private static boolean decidesShape(Op op, int input) {
    return switch (op) {
      case Op.Reshape _,
          Op.Expand _,
          Op.Tile _,
          Op.Split _,
          Op.Squeeze _,
          Op.Unsqueeze _,
          Op.Reduce _ ->
          input == 1;
      case Op.Pad _ -> input == 1 || input == 3;
      case Op.Resize _, Op.Slice _ -> input >= 1;
      case Op.ConstantOfShape _, Op.Range _ -> true;
      default -> false;
    };
  }

  /** Whether an operator reads more of an input than its shape and type. */
  private static boolean readsContent(Op op, int input) {
    return switch (op) {
      case Op.Shape _, Op.Size _ -> false;
      case Op.AlignAxes _, Op.CastLike _ -> input == 0;
      default -> true;
    };
  }

  private static Set<String> needed(Graph graph, Set<String> wanted) {
    Set<String> needed = new HashSet<>(wanted);
    for (int i = graph.nodes().size() - 1; i >= 0; i--) {
      Node n = graph.nodes().get(i);
      if (n.outputs().stream().anyMatch(needed::contains)) {
        needed.addAll(n.inputs());
      }
    }
    return needed;
  }

  /** Inputs of the model on whose contents, not only on whose shapes, the shape of some value depends. */
  static Set<String> shapeDecidingInputs(Graph graph) {
    Set<String> deciding = new HashSet<>();
    for (int i = graph.nodes().size() - 1; i >= 0; i--) {
      Node n = graph.nodes().get(i);
      boolean all = n.outputs().stream().anyMatch(deciding::contains);
      for (int k = 0; k < n.inputs().size(); k++) {
        if (n.hasInput(k) && readsContent(n.op(), k) && (all || decidesShape(n.op(), k))) {
          deciding.add(n.input(k));
        }
      }
    }
    Set<String> names = new HashSet<>();
    for (ValueInfo v : graph.inputs()) {
      if (deciding.contains(v.name())) {
        names.add(v.name());
      }
    }
    return names;
  }
}
