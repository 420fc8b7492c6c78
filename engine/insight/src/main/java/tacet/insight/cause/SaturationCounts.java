package tacet.insight.cause;

import java.util.HashMap;
import java.util.Map;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.insight.cause.Values.Value;

/** Elements at the ends of activations that have ends. */
final class SaturationCounts {

  private final Map<String, Long> counts = new HashMap<>();

  void add(Graph graph, Values v) {
    for (Node n : graph.nodes()) {
      float upper = SaturationCause.upperEnd(n.op());
      float lower = SaturationCause.lowerEnd(n.op());
      Value y = v.floats().get(n.output(0));
      boolean softmax = n.op() instanceof Op.Softmax;
      if (y == null || !softmax && Float.isInfinite(upper) && Float.isInfinite(lower)) {
        continue;
      }
      long saturated = 0;
      for (float f : y.data()) {
        saturated += softmax ? f == 0 ? 1 : 0 : f >= upper || f <= lower ? 1 : 0;
      }
      counts.merge(n.output(0), saturated, Long::sum);
    }
  }

  /** Saturated elements of a value, or null where its operator has no ends. */
  Long of(String value) {
    return counts.get(value);
  }
}
