package tacet.reference;

import java.util.Arrays;
import java.util.List;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.scalar.Elements;
import tacet.kernels.scalar.ScalarResize;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * Scales, regions and extents of a Resize node.
 *
 * @param scales output / input per axis
 * @param roi starts of all axes, then ends, as shares of the input
 * @param output extent of the result
 */
record ResizeGeometry(float[] scales, float[] roi, Shape output) {

  static ResizeGeometry of(Node node, Op.Resize r, Shape x, List<Tensor> known) {
    int rank = x.rank();
    int[] axes = new int[r.axes().isEmpty() ? rank : r.axes().size()];
    for (int i = 0; i < axes.length; i++) {
      axes[i] = r.axes().isEmpty() ? i : Inference.axis(node, r.axes().get(i), rank);
    }
    float[] scales = new float[rank];
    Arrays.fill(scales, 1);
    float[] roi = new float[2 * rank];
    Arrays.fill(roi, rank, 2 * rank, 1);
    long[] out = x.dims();
    boolean crop = r.coordinates() == Op.CoordinateMode.TF_CROP_AND_RESIZE;
    if (crop) {
      double[] given = Inference.known(node, known, 1, "roi").numbers();
      need(node, given.length == 2 * axes.length, "a region per axis", given.length);
      for (int i = 0; i < axes.length; i++) {
        roi[axes[i]] = (float) given[i];
        roi[axes[i] + rank] = (float) given[i + axes.length];
      }
    }
    boolean bySizes = isGiven(node, known, 3);
    if (!bySizes && !isGiven(node, known, 2)) {
      throw Windows.bad(node, "scales or sizes", "neither");
    }
    double[] given = Inference.known(node, known, bySizes ? 3 : 2, "sizes").numbers();
    need(
        node,
        given.length == axes.length,
        (bySizes ? "a size" : "a scale") + " per axis",
        given.length);
    float common = Float.NaN;
    for (int i = 0; i < axes.length; i++) {
      int a = axes[i];
      if (!(given[i] > 0 || bySizes && given[i] == 0) || given[i] > 1 << 28 || x.dim(a) > 1 << 28) {
        throw Windows.bad(node, "positive sizes and scales", Arrays.toString(given) + " for " + x);
      }
      scales[a] = bySizes ? (float) given[i] / x.dim(a) : (float) given[i];
      common =
          switch (r.aspectRatio()) {
            case STRETCH -> Float.NaN;
            case NOT_LARGER -> Float.isNaN(common) ? scales[a] : Math.min(common, scales[a]);
            case NOT_SMALLER -> Float.isNaN(common) ? scales[a] : Math.max(common, scales[a]);
          };
    }
    for (int i = 0; i < axes.length; i++) {
      int a = axes[i];
      if (!Float.isNaN(common) && bySizes) {
        scales[a] = common;
        out[a] = Math.round(common * x.dim(a));
      } else if (bySizes) {
        out[a] = (long) given[i];
      } else {
        // In single precision, as the operator's shape inference has it: 10 · 0.7 is 7. The region
        // does
        // not shrink it either, whatever the operator's text says: no implementation does that.
        out[a] = (long) (scales[a] * x.dim(a));
      }
      if (out[a] < 0 || out[a] > 0 && x.dim(a) == 0) {
        throw Windows.bad(node, "something to resize", x + " to " + Arrays.toString(out));
      }
    }
    return new ResizeGeometry(scales, roi, Shape.of(out));
  }

  /** Whether an input is there and not an empty tensor, which stands for none. */
  private static boolean isGiven(Node node, List<Tensor> known, int input) {
    return node.hasInput(input)
        && (input >= known.size()
            || known.get(input) == null
            || known.get(input).shape().elements() > 0);
  }

  private static void need(Node node, boolean holds, String what, int got) {
    if (!holds) {
      throw Windows.bad(node, what, Integer.toString(got));
    }
  }

  void run(Op.Resize r, Tensor x, Tensor y) {
    ScalarResize.resize(
        new Elements(x.data(), x.type()),
        x.shape().dims(),
        new Elements(y.data(), y.type()),
        y.shape().dims(),
        scales,
        roi,
        ScalarResize.Mode.valueOf(r.mode().name()),
        ScalarResize.Coordinates.valueOf(r.coordinates().name()),
        ScalarResize.Nearest.valueOf(r.nearest().name()),
        r.cubicCoefficient(),
        r.excludeOutside(),
        r.extrapolationValue(),
        r.antialias());
  }
}
