package tacet.rewrite;

import java.lang.foreign.Arena;
import java.util.Map;
import java.util.Set;
import tacet.graph.Graph;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** A change of a graph that leaves its outputs as they are, up to rounding. */
@FunctionalInterface
public interface Rewrite {

  /**
   * @param graph what to change
   * @param facts what is known of it
   * @return the changed graph, or the same where there was nothing to do
   */
  Graph apply(Graph graph, Facts facts);

  /**
   * What rewrites may rely on.
   *
   * @param shapes the shape of every value
   * @param kept values that must still be made: outputs and taps
   * @param room where new constants live
   */
  record Facts(Map<String, Shape> shapes, Set<String> kept, Arena room) {
    /** A float32 constant. */
    Tensor constant(Shape shape, float[] values) {
      Tensor t = Tensor.allocate(DataType.FLOAT32, shape, room);
      t.copyFrom(values);
      return t;
    }

    /** Whether {@code value} is only passed from one node to one other, so that fusion may remove it. */
    boolean isPrivate(String value, Map<String, ? extends java.util.List<?>> consumers) {
      var users = consumers.get(value);
      return !kept.contains(value) && users != null && users.size() == 1;
    }
  }
}
