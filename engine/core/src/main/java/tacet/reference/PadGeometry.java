package tacet.reference;

import java.util.Arrays;
import java.util.List;
import tacet.graph.Node;
import tacet.tensor.Tensor;

/** Reads the pads of a Pad node. */
final class PadGeometry {

  private PadGeometry() {}

  /** Begins of all axes, then ends; negative = crop. */
  static long[] pads(Node node, int rank, List<Tensor> known) {
    long[] given = Inference.known(node, known, 1, "pads").longs();
    long[] axes = null;
    if (node.hasInput(3)) {
      axes = Inference.known(node, known, 3, "axes").longs();
    }
    int count = axes == null ? rank : axes.length;
    if (given.length != 2 * count) {
      throw Windows.bad(node, 2 * count + " pads", Arrays.toString(given));
    }
    long[] pads = new long[2 * rank];
    for (int i = 0; i < count; i++) {
      int axis = axes == null ? i : Inference.axis(node, axes[i], rank);
      pads[axis] = given[i];
      pads[axis + rank] = given[i + count];
    }
    return pads;
  }
}
