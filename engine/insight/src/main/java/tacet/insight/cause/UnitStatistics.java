package tacet.insight.cause;

import java.util.Arrays;
import tacet.insight.cause.Network.Cut;
import tacet.insight.cause.Values.Value;

/** What the units before one cut were seen doing, over images and positions. */
final class UnitStatistics {

  private final Cut cut;
  private final long[] observations;
  private final long[] silent;
  private final long[] firesWithoutBias;
  private final double[] sum;
  private final double[] squares;
  private final double[] least;
  private final double[] most;
  private long trials;

  UnitStatistics(Cut cut, int units) {
    this.cut = cut;
    observations = new long[units];
    silent = new long[units];
    firesWithoutBias = new long[units];
    sum = new double[units];
    squares = new double[units];
    least = new double[units];
    most = new double[units];
    Arrays.fill(least, Double.POSITIVE_INFINITY);
    Arrays.fill(most, Double.NEGATIVE_INFINITY);
  }

  /**
   * Adds one run.
   *
   * @param before the value before the cut
   * @param independent positions of an image that see nothing in common
   */
  void add(Value before, long independent) {
    begin(before, independent);
    add(before, 0, units());
  }

  /** Counts a run whose units are then added, all of them, by whatever threads. */
  void begin(Value before, long independent) {
    trials += before.images() * independent;
  }

  /** Adds some units of a run. */
  void add(Value before, int first, int end) {
    int positions = before.positions();
    for (int n = 0; n < before.images(); n++) {
      for (int c = first; c < end; c++) {
        float bias = bias(c);
        int from = (n * units() + c) * positions;
        long quiet = 0;
        long fires = 0;
        double s = 0;
        double q = 0;
        float lo = Float.POSITIVE_INFINITY;
        float hi = Float.NEGATIVE_INFINITY;
        for (int i = from; i < from + positions; i++) {
          float v = before.data()[i];
          quiet += v <= cut.bound() ? 1 : 0;
          fires += v - bias > cut.bound() ? 1 : 0;
          s += v;
          q += (double) v * v;
          lo = Math.min(lo, v);
          hi = Math.max(hi, v);
        }
        observations[c] += positions;
        silent[c] += quiet;
        firesWithoutBias[c] += fires;
        sum[c] += s;
        squares[c] += q;
        least[c] = Math.min(least[c], lo);
        most[c] = Math.max(most[c], hi);
      }
    }
  }

  int units() {
    return sum.length;
  }

  private float bias(int unit) {
    return cut.bias() == null || cut.bias().length != units() ? 0 : cut.bias()[unit];
  }

  /** Independent chances that each unit had to fire. */
  long trials() {
    return trials;
  }

  long observations(int unit) {
    return observations[unit];
  }

  /** Values at or below the cut: zeros. */
  long silent(int unit) {
    return silent[unit];
  }

  /** Whether nothing seen was above the cut. */
  boolean isSilent(int unit) {
    return observations[unit] > 0 && silent[unit] == observations[unit];
  }

  int silentUnits() {
    int n = 0;
    for (int c = 0; c < units(); c++) {
      n += isSilent(c) ? 1 : 0;
    }
    return n;
  }

  /** Values that would be above the cut without the bias. */
  long firesWithoutBias(int unit) {
    return firesWithoutBias[unit];
  }

  /** Part of what was seen that would be above the cut without the bias. */
  double fireShareWithoutBias(int unit) {
    return observations[unit] == 0 ? 0 : (double) firesWithoutBias[unit] / observations[unit];
  }

  double mean(int unit) {
    return observations[unit] == 0 ? 0 : sum[unit] / observations[unit];
  }

  double deviation(int unit) {
    double m = mean(unit);
    return observations[unit] == 0
        ? 0
        : Math.sqrt(Math.max(0, squares[unit] / observations[unit] - m * m));
  }

  double least(int unit) {
    return least[unit];
  }

  double most(int unit) {
    return most[unit];
  }
}
