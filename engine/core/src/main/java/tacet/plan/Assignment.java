package tacet.plan;

import java.util.Map;
import tacet.graph.Node;

/**
 * Which of two providers is asked first for each node of a graph, and why.
 *
 * @param choices by name of a node's first output
 * @param otherwise why the nodes that are not among them go to SIMD
 */
record Assignment(Map<String, Choice> choices, String otherwise) {

  /**
   * @param other whether it goes to the provider that is not SIMD
   */
  record Choice(boolean other, String reason) {}

  /** Everything to SIMD. */
  static Assignment simd(String reason) {
    return new Assignment(Map.of(), reason);
  }

  /** Whether any node goes to the provider that is not SIMD. */
  boolean usesOther() {
    return choices.values().stream().anyMatch(Choice::other);
  }

  boolean other(Node n) {
    Choice c = choices.get(n.output(0));
    return c != null && c.other;
  }

  String reason(Node n) {
    Choice c = choices.get(n.output(0));
    return c == null ? otherwise : c.reason;
  }
}
