package tacet.onnx;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import tacet.error.ModelFormatException;
import tacet.onnx.Proto.Attribute;
import tacet.onnx.Proto.Node;

/** Puts the bodies of a model's own functions in the place of the nodes that call them. */
final class Functions {

  /** A body may call on: deeper than this, functions call themselves. */
  private static final int MOST_DEPTH = 32;

  /** Functions that call functions twice each double the nodes with every level; no real model comes near this. */
  private static final int MOST_NODES = 200_000;

  private record Key(String domain, String name, String overload) {}

  private final Map<Key, Proto.Function> functions = new HashMap<>();
  private final Set<String> taken = new HashSet<>();
  private final Map<String, Integer> copies = new HashMap<>();
  private final List<Node> expanded = new ArrayList<>();
  private final Function<String, ModelFormatException> error;
  private long called;

  private Functions(Proto.Model model, Function<String, ModelFormatException> error) {
    this.error = error;
    for (Proto.Function f : model.functions) {
      if (functions.put(new Key(f.domain, f.name, f.overload), f) != null) {
        throw error.apply("function " + f.name + " is defined twice");
      }
    }
    model.graph.inputs.forEach(v -> taken.add(v.name));
    model.graph.initializers.forEach(t -> taken.add(t.name));
    model.graph.nodes.forEach(n -> taken.addAll(n.outputs));
  }

  /**
   * The graph's nodes with every call replaced, each knowing the operator set it is written in.
   *
   * @param error makes the model's error from what is wrong
   */
  static List<Node> expand(Proto.Model model, Function<String, ModelFormatException> error) {
    Functions f = new Functions(model, error);
    for (Node n : model.graph.nodes) {
      n.opset = opset(model.opsets);
      f.add(n, 0);
    }
    return f.expanded;
  }

  /** Version of the standard operators among imported sets; 1 where it is not said. */
  static long opset(List<Proto.OperatorSet> imported) {
    long version = 1;
    for (Proto.OperatorSet o : imported) {
      if (o.domain().isEmpty() || o.domain().equals("ai.onnx")) {
        version = o.version();
      }
    }
    return version;
  }

  private void add(Node n, int depth) {
    Proto.Function f = functions.get(new Key(n.domain, n.type, n.overload));
    if (f == null) {
      if (!functions.isEmpty() && expanded.size() >= MOST_NODES) {
        throw error.apply("functions make more than " + MOST_NODES + " nodes");
      }
      expanded.add(n);
      return;
    }
    if (depth == MOST_DEPTH || ++called > MOST_NODES) {
      throw error.apply("node " + n.name + " calls functions too deeply");
    }
    if (n.inputs.size() > f.inputs.size() || n.outputs.size() > f.outputs.size()) {
      throw error.apply("node " + n.name + " gives function " + f.name + " too many values");
    }
    String prefix = (n.name.isEmpty() ? n.type : n.name) + "/";
    Map<String, String> names = new HashMap<>();
    names.put("", "");
    for (int i = 0; i < f.inputs.size(); i++) {
      names.put(f.inputs.get(i), i < n.inputs.size() ? n.inputs.get(i) : "");
    }
    for (int i = 0; i < f.outputs.size(); i++) {
      if (i < n.outputs.size() && !n.outputs.get(i).isEmpty()) {
        names.put(f.outputs.get(i), n.outputs.get(i));
      }
    }
    Map<String, Attribute> given = new HashMap<>();
    f.defaults.forEach(a -> given.put(a.name, a));
    n.attributes.forEach(a -> given.put(a.name, a));
    for (Node inner : f.nodes) {
      Node copy = new Node();
      copy.name = prefix + (inner.name.isEmpty() ? inner.type : inner.name);
      copy.type = inner.type;
      copy.domain = inner.domain;
      copy.overload = inner.overload;
      copy.opset = opset(f.opsets);
      inner.inputs.forEach(v -> copy.inputs.add(local(names, prefix, v)));
      inner.outputs.forEach(v -> copy.outputs.add(local(names, prefix, v)));
      for (Attribute a : inner.attributes) {
        Attribute value = a.reference.isEmpty() ? a : given.get(a.reference);
        // One that the caller leaves out is left out here too.
        if (value != null) {
          copy.attributes.add(value.named(a.name));
        }
      }
      add(copy, depth + 1);
    }
  }

  private String local(Map<String, String> names, String prefix, String value) {
    return names.computeIfAbsent(value, v -> GraphBuilder.unique(prefix + v, taken, copies));
  }
}
