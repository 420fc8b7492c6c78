package tacet.plan;

import java.util.Locale;

/**
 * Time of a layer's two kernels as a function of its input's zeros: the dense one takes the same time always, the skipping
 * one {@code fixed + perShare · (1 − zero share)}.
 *
 * @param dense nanoseconds
 * @param fixed nanoseconds of the skipping kernel for nothing but zeros
 * @param perShare nanoseconds that it takes more for no zeros at all
 * @param measured whether on this machine, or estimated
 */
record CostCurve(double dense, double fixed, double perShare, boolean measured) {

  /** A line through two measurements. */
  static CostCurve through(double dense, double share0, double time0, double share1, double time1) {
    // More zeros never take longer; where noise says so, the mean holds for all shares.
    double slope = Math.max(0, (time0 - time1) / (share1 - share0));
    double atMiddle = (time0 + time1) / 2;
    double fixed = Math.max(0, atMiddle - slope * (1 - (share0 + share1) / 2));
    return new CostCurve(dense, fixed, slope, true);
  }

  /** Nanoseconds of the skipping kernel. */
  double skipping(double zeroShare) {
    return fixed + perShare * (1 - zeroShare);
  }

  /** Whether skipping is expected to be faster. */
  boolean skips(double zeroShare) {
    return skipping(zeroShare) < dense;
  }

  /** The share of zeros from which on skipping is faster; above 1 where it never is. */
  double crossover() {
    return perShare == 0 ? (fixed < dense ? 0 : 2) : Math.max(0, 1 - (dense - fixed) / perShare);
  }

  /** For people. */
  String describe() {
    double c = crossover();
    String how = measured ? "measured" : "estimated";
    return c > 1
        ? "skipping zeros never pays (" + how + ")"
        : String.format(Locale.ROOT, "skips zeros where they are over %.0f %% (%s)", 100 * c, how);
  }
}
