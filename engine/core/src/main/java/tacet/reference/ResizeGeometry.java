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
record ResizeGeometry(double[] scales, double[] roi, Shape output) {

  static ResizeGeometry of(Node node, Op.Resize r, Shape x, List<Tensor> known) {
    int rank = x.rank();
    int[] axes = new int[r.axes().isEmpty() ? rank : r.axes().size()];
    for (int i = 0; i < axes.length; i++) {
      axes[i] = r.axes().isEmpty() ? i : Inference.axis(node, r.axes().get(i), rank);
    }
    double[] scales = new double[rank];
    Arrays.fill(scales, 1);
    double[] roi = new double[2 * rank];
    Arrays.fill(roi, rank, 2 * rank, 1);
    long[] out = x.dims();
    if (node.hasInput(1) && r.coordinates() == Op.CoordinateMode.TF_CROP_AND_RESIZE) {
      double[] given = Inference.known(node, known, 1, "roi").numbers();
      need(node, given.length == 2 * axes.length, "a region per axis", given.length);
      for (int i = 0; i < axes.length; i++) {
        roi[axes[i]] = given[i];
        roi[axes[i] + rank] = given[i + axes.length];
      }
    }
    boolean bySizes = node.hasInput(3);
    if (!bySizes && !node.hasInput(2)) {
      throw Windows.bad(node, "scales or sizes", "neither");
    }
    double[] given = Inference.known(node, known, bySizes ? 3 : 2, "sizes").numbers();
    need(
        node,
        given.length == axes.length,
        (bySizes ? "a size" : "a scale") + " per axis",
        given.length);
    double common = Double.NaN;
    for (int i = 0; i < axes.length; i++) {
      int a = axes[i];
      if (!(given[i] > 0) || given[i] > 1 << 28) {
        throw Windows.bad(node, "positive sizes and scales", Arrays.toString(given));
      }
      scales[a] = bySizes ? given[i] / x.dim(a) : given[i];
      common =
          switch (r.aspectRatio()) {
            case STRETCH -> Double.NaN;
            case NOT_LARGER -> Double.isNaN(common) ? scales[a] : Math.min(common, scales[a]);
            case NOT_SMALLER -> Double.isNaN(common) ? scales[a] : Math.max(common, scales[a]);
          };
    }
    for (int i = 0; i < axes.length; i++) {
      int a = axes[i];
      if (!Double.isNaN(common) && bySizes) {
        scales[a] = common;
        out[a] = (long) Math.floor(common * x.dim(a) + 0.5);
      } else {
        double span =
            r.coordinates() == Op.CoordinateMode.TF_CROP_AND_RESIZE ? roi[a + rank] - roi[a] : 1;
        out[a] = bySizes ? (long) given[i] : (long) Math.floor(x.dim(a) * span * scales[a]);
      }
    }
    return new ResizeGeometry(scales, roi, Shape.of(out));
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
