package tacet.plan;

import java.util.List;
import tacet.kernels.Kernel;

/**
 * A kernel that may run in the place of a layer's dense one, because it skips products with zeros.
 *
 * @param kernel that skips
 * @param backend who made it
 * @param vectors whether it skips nothing but whole vectors of channels
 * @param curve its time and the dense kernel's
 */
record Alternative(Kernel kernel, String backend, boolean vectors, CostCurve curve) {

  /**
   * Nanoseconds that it is expected to take.
   *
   * @param zeroShare share of the input's elements that are zero
   * @param dead share of its channels that are zero in whole vectors, at most {@code zeroShare}
   */
  double expected(double zeroShare, double dead) {
    return vectors ? curve.skipping(dead) : curve.skipping(zeroShare, dead);
  }

  /** Number of the one that is expected to take the smallest share of the dense kernel's time. */
  static int best(List<Alternative> all, double zeroShare, double dead) {
    int best = 0;
    double least = Double.POSITIVE_INFINITY;
    for (int i = 0; i < all.size(); i++) {
      double share = all.get(i).expected(zeroShare, dead) / all.get(i).curve.dense();
      if (share < least) {
        least = share;
        best = i;
      }
    }
    return best;
  }
}
