package tacet.plan;

/**
 * Time of a layer's two kernels as a function of its input's zeros: the dense one takes the same time always, the skipping
 * one is known at three shares of zeros and lies on straight lines between and beyond them.
 *
 * @param dense nanoseconds
 * @param few nanoseconds of the skipping kernel at {@link #FEW} zeros
 * @param middle the same at {@link #MIDDLE}
 * @param many the same at {@link #MANY}
 * @param measured whether on this machine, or estimated
 */
record CostCurve(double dense, double few, double middle, double many, boolean measured) {

  static final double FEW = 0.3;
  static final double MIDDLE = 0.6;
  static final double MANY = 0.9;

  /**
   * Most of the dense kernel's time that skipping may be expected to take: kernels are timed on their own, and among others
   * the skipping one has its lists and branches to get back into the caches.
   */
  static final double WORTH = 0.9;

  CostCurve {
    // More zeros never take longer; where noise says so, the later measurement was disturbed.
    middle = Math.min(few, middle);
    many = Math.min(middle, many);
  }

  /**
   * @param dense nanoseconds of the dense kernel
   * @param fixed time of the skipping one for nothing but zeros, as a share of the dense one's
   * @param perShare what it takes more for no zeros at all
   */
  static CostCurve estimated(double dense, double fixed, double perShare) {
    return new CostCurve(
        dense,
        dense * (fixed + perShare * (1 - FEW)),
        dense * (fixed + perShare * (1 - MIDDLE)),
        dense * (fixed + perShare * (1 - MANY)),
        false);
  }

  /** Nanoseconds of the skipping kernel. */
  double skipping(double zeroShare) {
    double t =
        zeroShare < MIDDLE
            ? few + (middle - few) * (zeroShare - FEW) / (MIDDLE - FEW)
            : middle + (many - middle) * (zeroShare - MIDDLE) / (MANY - MIDDLE);
    return Math.max(t, 0);
  }

  /**
   * The same where some of the zeros are whole vectors of channels, which are left out as one.
   *
   * @param dead share of those channels, at most {@code zeroShare}
   */
  double skipping(double zeroShare, double dead) {
    return dead >= 1
        ? skipping(1)
        : (1 - dead) * skipping((zeroShare - dead) / (1 - dead)) + dead * skipping(1);
  }

  /** Whether a skipping kernel that is expected to take so long should run. */
  boolean isWorth(double nanoseconds) {
    return nanoseconds < WORTH * dense;
  }

  /** Whether skipping is worth it. */
  boolean skips(double zeroShare) {
    return isWorth(skipping(zeroShare));
  }

  /** Whether there is a share of zeros, short of all of them, at which skipping is worth it. */
  boolean pays() {
    return isWorth(many);
  }

  /** The share of zeros from which on skipping is worth it; 1 where it never is. */
  double crossover() {
    if (skips(0)) {
      return 0;
    }
    double from = isWorth(middle) ? FEW : MIDDLE;
    double first = isWorth(middle) ? few : middle;
    double last = isWorth(middle) ? middle : many;
    double width = MIDDLE - FEW;
    return Math.clamp(
        first == last ? 1 : from + width * (first - WORTH * dense) / (first - last), 0, 1);
  }

  /**
   * For people.
   *
   * @param zeros what is skipped
   */
  String describe(String zeros) {
    String how = measured ? "measured" : "estimated";
    return pays()
        ? "skips "
            + zeros
            + " where they are over "
            + Math.round(100 * crossover())
            + " % ("
            + how
            + ")"
        : "skipping " + zeros + " does not pay (" + how + ")";
  }
}
