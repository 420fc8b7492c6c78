package tacet.keras;

import java.util.Arrays;
import java.util.stream.Collectors;
import tacet.graph.ValueInfo;

/**
 * A tensor between layers.
 *
 * @param name its name in the graph
 * @param dims dimensions as Keras has them, batch first; {@link ValueInfo#UNKNOWN} where free
 * @param moved whether the graph has its last axis as the second: [N, H, W, C] for the author, [N, C, H, W] in the graph
 */
record Value(String name, long[] dims, boolean moved) {

  int rank() {
    return dims.length;
  }

  /** The graph's axis for an axis of Keras, counted from 0. */
  int graphAxis(int axis) {
    if (!moved || axis == 0) {
      return axis;
    }
    return axis == dims.length - 1 ? 1 : axis + 1;
  }

  /** A number per Keras axis in the order of the graph's axes. */
  long[] inGraphOrder(long[] perAxis) {
    long[] out = new long[perAxis.length];
    for (int i = 0; i < perAxis.length; i++) {
      out[graphAxis(i)] = perAxis[i];
    }
    return out;
  }

  /** For example {@code ?x28x28x3}. */
  String describe() {
    return describe(dims);
  }

  static String describe(long[] dims) {
    return dims.length == 0
        ? "scalar"
        : Arrays.stream(dims)
            .mapToObj(d -> d == ValueInfo.UNKNOWN ? "?" : Long.toString(d))
            .collect(Collectors.joining("x"));
  }
}
