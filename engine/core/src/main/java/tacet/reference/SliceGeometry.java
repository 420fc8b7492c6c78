package tacet.reference;

import java.util.Arrays;
import java.util.List;
import tacet.graph.Node;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * Where a Slice node reads.
 *
 * @param starts first index per axis of the input
 * @param steps step per axis
 * @param output extent of the result
 */
record SliceGeometry(long[] starts, long[] steps, Shape output) {

  static SliceGeometry of(Node node, Shape x, List<Tensor> known) {
    int rank = x.rank();
    long[] start = Inference.known(node, known, 1, "starts").longs();
    long[] end = Inference.known(node, known, 2, "ends").longs();
    long[] axes = new long[start.length];
    Arrays.setAll(axes, i -> i);
    if (node.hasInput(3)) {
      axes = Inference.known(node, known, 3, "axes").longs();
    }
    long[] step = new long[start.length];
    Arrays.fill(step, 1);
    if (node.hasInput(4)) {
      step = Inference.known(node, known, 4, "steps").longs();
    }
    if (end.length != start.length || axes.length != start.length || step.length != start.length) {
      throw Windows.bad(node, "as many starts, ends, axes and steps", "different numbers");
    }
    long[] starts = new long[rank];
    long[] steps = new long[rank];
    Arrays.fill(steps, 1);
    long[] dims = x.dims();
    for (int i = 0; i < start.length; i++) {
      int a = Inference.axis(node, axes[i], rank);
      long n = x.dim(a);
      long s = step[i];
      if (s == 0) {
        throw Windows.bad(node, "a step other than 0", "0");
      }
      long from = start[i] < 0 ? start[i] + n : start[i];
      long to = end[i] < 0 ? end[i] + n : end[i];
      if (s > 0) {
        from = Math.clamp(from, 0, n);
        to = Math.clamp(to, 0, n);
        dims[a] = Math.max(0, Math.ceilDiv(to - from, s));
      } else {
        from = n == 0 ? 0 : Math.clamp(from, 0, n - 1);
        to = Math.clamp(to, -1, n);
        dims[a] = n == 0 ? 0 : Math.max(0, Math.ceilDiv(from - to, -s));
      }
      starts[a] = from;
      steps[a] = s;
    }
    return new SliceGeometry(starts, steps, Shape.of(dims));
  }
}
