package tacet.graph;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tacet.error.ModelFormatException;
import tacet.tensor.Tensor;

/**
 * A network: nodes in an order in which each comes after what it reads. Immutable; rewrites make new graphs.
 *
 * @param source file or name it came from, for messages
 * @param inputs what the caller gives, constants excluded
 * @param outputs what the network returns, in the model's order
 * @param constants weights and other values known beforehand, by name; never copied by the graph
 * @param nodes topologically ordered
 * @param notes what the model's file says about its training that does not change inference, by node name (for example
 *     a regulariser: {@code "L1 0.001"})
 * @param channelsLast names of values that are channels-first here and channels-last (NHWC, NWC) in the model's own terms:
 *     what the user sees of them is transposed
 */
public record Graph(
    String source,
    List<ValueInfo> inputs,
    List<ValueInfo> outputs,
    Map<String, Tensor> constants,
    List<Node> nodes,
    Map<String, String> notes,
    Set<String> channelsLast) {

  public Graph {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    constants = Collections.unmodifiableMap(new LinkedHashMap<>(constants));
    nodes = List.copyOf(nodes);
    notes = Map.copyOf(notes);
    channelsLast = Set.copyOf(channelsLast);
  }

  /** The same graph with other nodes and constants. */
  public Graph with(List<Node> newNodes, Map<String, Tensor> newConstants) {
    return new Graph(source, inputs, outputs, newConstants, newNodes, notes, channelsLast);
  }

  /** The node that makes each value, by value name. */
  public Map<String, Node> producers() {
    Map<String, Node> producers = new HashMap<>();
    for (Node n : nodes) {
      for (String out : n.outputs()) {
        if (!out.isEmpty()) {
          producers.put(out, n);
        }
      }
    }
    return producers;
  }

  /**
   * The values that the model's layers make, in order. Nodes that no layer stands for only bring values into another form.
   */
  public Set<String> layerValues() {
    Set<String> made = producers().keySet();
    Set<String> values = new LinkedHashSet<>();
    for (Node n : nodes) {
      String value = n.layers().isEmpty() ? "" : n.layers().getLast().value();
      if (made.contains(value) && !n.outputs().contains(value)) {
        values.add(value);
      } else if (!n.layers().isEmpty()) {
        n.outputs().stream().filter(o -> !o.isEmpty()).forEach(values::add);
      }
    }
    return values;
  }

  /** The nodes that read each value, by value name; a node that reads it twice is listed twice. */
  public Map<String, List<Node>> consumers() {
    Map<String, List<Node>> consumers = new HashMap<>();
    for (Node n : nodes) {
      for (String in : n.inputs()) {
        if (!in.isEmpty()) {
          consumers.computeIfAbsent(in, k -> new ArrayList<>()).add(n);
        }
      }
    }
    return consumers;
  }

  /**
   * Checks and orders what a reader found: every name made once, every name read made somewhere, no cycle.
   *
   * @throws ModelFormatException naming the node where one of these fails
   */
  public static Graph checked(
      String source,
      List<ValueInfo> inputs,
      List<ValueInfo> outputs,
      Map<String, Tensor> constants,
      List<Node> nodes,
      Map<String, String> notes,
      Set<String> channelsLast) {
    Map<String, Integer> maker = new HashMap<>();
    for (ValueInfo v : inputs) {
      if (maker.put(v.name(), -1) != null || constants.containsKey(v.name())) {
        throw new ModelFormatException(source, "input " + v.name(), "the name is given twice");
      }
    }
    for (String c : constants.keySet()) {
      maker.put(c, -1);
    }
    for (int i = 0; i < nodes.size(); i++) {
      for (String out : nodes.get(i).outputs()) {
        if (!out.isEmpty() && maker.put(out, i) != null) {
          throw new ModelFormatException(
              source, place(nodes.get(i)), "value '" + out + "' is made twice");
        }
      }
    }
    int[] missing = new int[nodes.size()];
    List<List<Integer>> readers = new ArrayList<>();
    for (int i = 0; i < nodes.size(); i++) {
      readers.add(new ArrayList<>());
    }
    for (int i = 0; i < nodes.size(); i++) {
      for (String in : nodes.get(i).inputs()) {
        if (in.isEmpty()) {
          continue;
        }
        Integer by = maker.get(in);
        if (by == null) {
          throw new ModelFormatException(
              source, place(nodes.get(i)), "reads value '" + in + "', which nothing makes");
        }
        if (by >= 0) {
          missing[i]++;
          readers.get(by).add(i);
        }
      }
    }
    for (ValueInfo v : outputs) {
      if (!maker.containsKey(v.name())) {
        throw new ModelFormatException(source, "output " + v.name(), "nothing makes this value");
      }
    }
    return new Graph(
        source,
        inputs,
        outputs,
        constants,
        ordered(source, nodes, missing, readers),
        notes,
        channelsLast);
  }

  /** Kahn's algorithm; keeps the file's order where that is already right. */
  private static List<Node> ordered(
      String source, List<Node> nodes, int[] missing, List<List<Integer>> readers) {
    Deque<Integer> ready = new ArrayDeque<>();
    for (int i = 0; i < nodes.size(); i++) {
      if (missing[i] == 0) {
        ready.add(i);
      }
    }
    List<Node> order = new ArrayList<>(nodes.size());
    boolean[] done = new boolean[nodes.size()];
    while (!ready.isEmpty()) {
      int i = ready.poll();
      done[i] = true;
      order.add(nodes.get(i));
      for (int r : readers.get(i)) {
        if (--missing[r] == 0) {
          ready.add(r);
        }
      }
    }
    for (int i = 0; i < done.length; i++) {
      if (!done[i]) {
        throw new ModelFormatException(source, place(nodes.get(i)), "is part of a cycle");
      }
    }
    return order;
  }

  private static String place(Node n) {
    return "node " + n.name() + " (" + n.op().type() + ")";
  }
}
