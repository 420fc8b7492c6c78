package tacet.onnx;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.tensor.Tensor;

/** Collects the constants and nodes of a graph; names that the reader makes up differ from all of the model's. */
final class GraphBuilder {

  private final Map<String, Tensor> constants = new LinkedHashMap<>();
  private final List<Node> nodes = new ArrayList<>();
  private final Set<String> taken = new HashSet<>();
  private final Map<String, Integer> copies = new HashMap<>();

  /** Keeps the names that a graph's inputs and weights have from being made up again. */
  void take(Proto.Graph graph) {
    graph.inputs.forEach(v -> taken.add(v.name));
    graph.initializers.forEach(t -> taken.add(t.name));
  }

  /** The same for the values a node makes. */
  void take(Proto.Node node) {
    taken.addAll(node.outputs);
  }

  Map<String, Tensor> constants() {
    return constants;
  }

  List<Node> nodes() {
    return nodes;
  }

  boolean isConstant(String value) {
    return constants.containsKey(value);
  }

  /** The constant of this name, or null. */
  Tensor known(String value) {
    return constants.get(value);
  }

  /** Gives one of the model's own names a constant; false where it has one already. */
  boolean define(String name, Tensor value) {
    return constants.putIfAbsent(name, value) == null;
  }

  /** A constant under a new name, which it returns. */
  String constant(String name, Tensor value) {
    String fresh = fresh(name);
    constants.put(fresh, value);
    return fresh;
  }

  /** A value name that nothing has. */
  String fresh(String name) {
    return unique(name, taken, copies);
  }

  /**
   * The name, or the name with a number that makes it new.
   *
   * @param copies the last number tried per name, so that a thousand equal names cost a thousand steps
   */
  static String unique(String name, Set<String> taken, Map<String, Integer> copies) {
    String fresh = name;
    while (!taken.add(fresh)) {
      fresh = name + "_" + copies.merge(name, 2, (n, _) -> n + 1);
    }
    return fresh;
  }

  void add(Node node) {
    nodes.add(node);
  }

  /** Adds a node that is no layer of the model's and returns the name of its output. */
  String between(String name, Op op, List<String> inputs) {
    String out = fresh(name);
    nodes.add(new Node(out, op, inputs, List.of(out), List.of()));
    return out;
  }
}
