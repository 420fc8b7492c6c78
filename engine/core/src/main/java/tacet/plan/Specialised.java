package tacet.plan;

import java.util.ArrayList;
import java.util.Arrays;
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
 */
record Specialised(Graph graph, Map<String, TensorType> types) {

  /** Folding makes no value larger than this: it would take memory that the model's file does not warrant. */
  private static final long MOST_FOLDED_BYTES = 64L << 20;

  static Specialised of(Graph graph, Map<String, Tensor> inputs, Set<String> wanted) {
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
        known.put(i.name(), t);
      }
    }
    known.forEach((name, t) -> types.putIfAbsent(name, new TensorType(t.type(), t.shape())));
    List<Node> nodes = new ArrayList<>();
    Set<String> needed = needed(graph, wanted);
    for (Node n : graph.nodes()) {
      if (n.outputs().stream().noneMatch(needed::contains)) {
        continue;
      }
      List<TensorType> in = new ArrayList<>();
      List<Tensor> values = new ArrayList<>();
      boolean allKnown = true;
      for (String name : n.inputs()) {
        in.add(name.isEmpty() ? null : types.get(name));
        Tensor value = name.isEmpty() ? null : known.get(name);
        values.add(value);
        allKnown &= name.isEmpty() || value != null;
      }
      List<TensorType> out = Evaluator.infer(n, in, values);
      for (int i = 0; i < n.outputs().size(); i++) {
        if (n.hasOutput(i)) {
          types.put(n.output(i), out.get(i));
        }
      }
      boolean shapeOnly = n.op() instanceof Op.Shape || n.op() instanceof Op.Size;
      if (shapeOnly || allKnown && bytes(out) <= MOST_FOLDED_BYTES) {
        List<Tensor> results =
            shapeOnly
                ? List.of(ofShape(n.op(), in.getFirst().shape()))
                : Evaluator.evaluate(n, values, (_, type, shape) -> Tensor.allocate(type, shape));
        for (int i = 0; i < n.outputs().size(); i++) {
          if (n.hasOutput(i)) {
            known.put(n.output(i), results.get(i));
          }
        }
      } else {
        nodes.add(n);
      }
    }
    return new Specialised(graph.with(nodes, known), types);
  }

  private static long bytes(List<TensorType> types) {
    long sum = 0;
    for (TensorType t : types) {
      if (t != null) {
        sum = Math.addExact(sum, Tensor.byteSize(t.type(), t.shape()));
      }
    }
    return sum;
  }

  /** Shape and Size of a value whose content need not be known. */
  private static Tensor ofShape(Op op, Shape shape) {
    if (!(op instanceof Op.Shape s)) {
      return Tensor.ofLongs(Shape.scalar(), shape.elements());
    }
    int rank = shape.rank();
    int start = Math.clamp(s.start() < 0 ? s.start() + rank : s.start(), 0, rank);
    int end = s.end() == null ? rank : Math.clamp(s.end() < 0 ? s.end() + rank : s.end(), 0, rank);
    long[] dims = start >= end ? new long[0] : Arrays.copyOfRange(shape.dims(), start, end);
    return Tensor.ofLongs(Shape.of(dims.length), dims);
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
      boolean shapeOnly = n.op() instanceof Op.Shape || n.op() instanceof Op.Size;
      for (int k = 0; k < n.inputs().size(); k++) {
        if (n.hasInput(k) && !shapeOnly && (all || decidesShape(n.op(), k))) {
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
