package tacet.reference;

import java.util.Arrays;
import java.util.List;
import tacet.graph.Node;
import tacet.graph.Op.PadMode;
import tacet.tensor.Tensor;

/** Where a Pad node reads. */
public final class PadGeometry {

  /** Larger pads are of no use, and keep no sum of pads and extents from overflowing. */
  private static final long MOST = 1L << 40;

  private PadGeometry() {}

  /**
   * Begins of all axes, then ends; negative = crop.
   *
   * @param known the node's inputs, null where their contents are not known
   * @throws tacet.error.ModelFormatException where there are not two pads for every axis
   */
  public static long[] pads(Node node, int rank, List<Tensor> known) {
    long[] given = Inference.known(node, known, 1, "pads").longs();
    long[] axes = null;
    if (node.hasInput(3)) {
      axes = Inference.known(node, known, 3, "axes").longs();
    }
    int count = axes == null ? rank : axes.length;
    if (given.length != 2 * count || Arrays.stream(given).anyMatch(p -> p > MOST || p < -MOST)) {
      throw Windows.bad(node, 2 * count + " pads", Arrays.toString(given));
    }
    long[] pads = new long[2 * rank];
    boolean[] seen = new boolean[rank];
    for (int i = 0; i < count; i++) {
      int axis = axes == null ? i : Inference.axis(node, axes[i], rank);
      if (seen[axis]) {
        throw Windows.bad(node, "different axes", Arrays.toString(axes));
      }
      seen[axis] = true;
      pads[axis] = given[i];
      pads[axis + rank] = given[i + count];
    }
    return pads;
  }

  /**
   * For each index of the result along an axis, the index of the source it reads, or −1 for the constant. What is cropped
   * is gone before the rest is repeated at the other end.
   */
  static long[] reads(Node node, PadMode mode, long extent, long begin, long end) {
    long first = Math.max(0, -begin);
    long kept = extent - first - Math.max(0, -end);
    long[] reads = new long[Math.toIntExact(Math.max(0, extent + begin + end))];
    for (int i = 0; i < reads.length; i++) {
      long k = i - Math.max(0, begin);
      boolean inside = k >= 0 && k < kept;
      if (!inside && mode != PadMode.CONSTANT && kept < 1) {
        throw Windows.bad(node, "something to pad with", "an extent of " + kept);
      }
      reads[i] =
          inside
              ? first + k
              : switch (mode) {
                case CONSTANT -> -1;
                case EDGE -> first + Math.clamp(k, 0, kept - 1);
                case WRAP -> first + Math.floorMod(k, kept);
                case REFLECT -> first + reflected(k, kept);
              };
    }
    return reads;
  }

  private static long reflected(long k, long extent) {
    if (extent == 1) {
      return 0;
    }
    long period = 2 * (extent - 1);
    long r = Math.floorMod(k, period);
    return r < extent ? r : period - r;
  }
}
