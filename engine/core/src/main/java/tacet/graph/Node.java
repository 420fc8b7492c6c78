package tacet.graph;

import java.util.List;

/**
 * One operation of a graph.
 *
 * @param name the node's own name in the model's file, unique in the graph
 * @param op what it does
 * @param inputs names of the values it reads; empty for an optional input that is absent
 * @param outputs names of the values it makes; empty for an optional output nobody wants
 * @param layers the layers of the model that this node computes, in order; more than one where rewrites fused some
 */
public record Node(
    String name, Op op, List<String> inputs, List<String> outputs, List<Layer> layers) {

  /**
   * A layer as the model's author knows it. Rewrites keep it when they fuse its node into another.
   *
   * @param name the original node's name
   * @param op the operator's name in the model's format
   * @param value name of the value it makes
   * @param role what became of it
   */
  public record Layer(String name, String op, String value, Role role) {}

  /** How a layer's value can still be observed after rewriting. */
  public enum Role {
    /** The node's result: counted as it is stored. */
    RESULT,
    /** The value just before the fused activation: counted in the epilogue. */
    BEFORE_ACTIVATION,
    /** Channels split into groups, [N, groups, C / groups, H, W], before the channel shuffle that the node is. */
    GROUPS_BEFORE_SHUFFLE,
    /** The same with groups and their channels changed over, [N, C / groups, groups, H, W]. */
    GROUPS_AFTER_SHUFFLE,
    /** Folded into weights (a convolution before its batch normalisation): its value is never formed. */
    FOLDED
  }

  public Node {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    layers = List.copyOf(layers);
  }

  /** A node as a reader makes it. */
  public Node(String name, Op op, List<String> inputs, List<String> outputs) {
    this(
        name,
        op,
        inputs,
        outputs,
        outputs.isEmpty()
            ? List.of()
            : List.of(new Layer(name, op.type(), outputs.getFirst(), Role.RESULT)));
  }

  /** Name of input {@code i}, or the empty name where the node has no such input. */
  public String input(int i) {
    return i < inputs.size() ? inputs.get(i) : "";
  }

  /** Name of output {@code i}, or the empty name where the node has no such output. */
  public String output(int i) {
    return i < outputs.size() ? outputs.get(i) : "";
  }

  public boolean hasInput(int i) {
    return !input(i).isEmpty();
  }

  public boolean hasOutput(int i) {
    return !output(i).isEmpty();
  }
}
