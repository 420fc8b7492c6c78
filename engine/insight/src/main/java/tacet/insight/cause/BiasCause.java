package tacet.insight.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import tacet.insight.Finding;
import tacet.insight.cause.Network.Cut;

/**
 * Units that their bias alone keeps off: silent on every image, and on every altered image unless the bias is far below its
 * layer's others; so low that three standard deviations of their input do not lift them; and such that without the bias they
 * would fire, often, or at all where the bias exceeds whatever inputs could add or take. What a unit would do without its
 * bias follows exactly from what was measured, by subtraction.
 *
 * <p>Biases that silence no unit may still keep a whole layer down. Where without any there would be a quarter fewer zeros,
 * they have as many of the zeros that each would not make without, as count on balance: biases above zero take zeros away.
 */
final class BiasCause implements Cause.OfUnits {

  private static final double DEVIATIONS = 3;

  /** Firing less often than this without the bias, a unit is not kept off by it alone. */
  private static final double LEAST_FIRING = 0.1;

  /** The same on altered images, where it would not fire on those that are asked about. */
  private static final double LEAST_FIRING_ELSEWHERE = 0.25;

  private static final int ENOUGH = 100;

  /** Part of a layer's zeros that biases must make on balance, beside those of units they keep off. */
  private static final double LEAST_ON_BALANCE = 0.25;

  /** Times the median of the units that fire. */
  private static final double OUTLIER = 10;

  private final Analysis analysis;
  private final LocalBounds bounds;

  BiasCause(Analysis analysis, LocalBounds bounds) {
    this.analysis = analysis;
    this.bounds = bounds;
  }

  @Override
  public Kind kind() {
    return Kind.BIAS;
  }

  @Override
  public boolean claims(Cut cut, int unit) {
    UnitStatistics s = analysis.original().units().get(cut.output());
    UnitStatistics altered = analysis.altered().units().get(cut.output());
    if (!hasBias(cut, s) || cut.bias()[unit] >= 0 || !s.isSilent(unit)) {
      return false;
    }
    // Few observations say little of the spread; altered images add to them.
    UnitStatistics seen = altered == null || s.observations(unit) >= ENOUGH ? s : altered;
    boolean fires =
        s.fireShareWithoutBias(unit) >= LEAST_FIRING
            || altered != null && altered.fireShareWithoutBias(unit) >= LEAST_FIRING_ELSEWHERE;
    boolean outlier = isOutlier(cut.bias(), unit, s);
    return (outlier || altered == null || altered.isSilent(unit))
        && (fires || (outlier || bounds.isOutweighed(cut, unit)) && couldFire(cut, unit))
        && seen.mean(unit) + DEVIATIONS * seen.deviation(unit) <= cut.bound();
  }

  /**
   * Of the zeros of unclaimed units that would not be zero without their bias, the part that counts on balance. One number
   * moves all values of a unit one way, so that those zeros are as many as the times it would fire more often.
   */
  double rate(Cut cut, Partition partition) {
    UnitStatistics s = analysis.original().units().get(cut.output());
    if (!hasBias(cut, s)) {
      return 0;
    }
    long zeros = 0;
    long made = 0;
    long net = 0;
    for (int c = 0; c < s.units(); c++) {
      zeros += s.silent(c);
      if (partition.owner(cut, c) == null) {
        long more = s.firesWithoutBias(c) - (s.observations(c) - s.silent(c));
        made += Math.max(0, more);
        net += more;
      }
    }
    FlatCounts flat = analysis.flatCounts(cut.output());
    if (FlatRegionsCause.rate(flat) > 0) {
      // In what is flat hardly more than a bias is left: those zeros are told already.
      made -= flat.excess();
      net -= flat.excess();
    }
    return net > 0 && net >= LEAST_ON_BALANCE * zeros ? (double) net / made : 0;
  }

  /** Whether a bias is far below what units of its layer have that fire; where none does, below what all have. */
  private static boolean isOutlier(float[] bias, int unit, UnitStatistics s) {
    boolean anyFires = s.silentUnits() < bias.length;
    double[] sizes = new double[bias.length];
    int count = 0;
    for (int c = 0; c < bias.length; c++) {
      if (!anyFires || !s.isSilent(c)) {
        sizes[count++] = Math.abs(bias[c]);
      }
    }
    Arrays.sort(sizes, 0, count);
    return -bias[unit] > OUTLIER * sizes[count / 2];
  }

  private static boolean hasBias(Cut cut, UnitStatistics s) {
    return s != null && cut.bias() != null && cut.bias().length == s.units();
  }

  private boolean couldFire(Cut cut, int unit) {
    return bounds.upper(cut, unit) - cut.bias()[unit] > cut.bound();
  }

  @Override
  public List<Finding> findings(Partition partition) {
    List<Finding> found = new ArrayList<>();
    for (Cut cut : analysis.network().cuts()) {
      if (hasBias(cut, analysis.original().units().get(cut.output()))) {
        found.add(finding(cut, partition));
      }
    }
    return found;
  }

  private Finding finding(Cut cut, Partition partition) {
    UnitStatistics s = analysis.original().units().get(cut.output());
    double share = partition.share(cut.output(), Kind.BIAS);
    List<Object> units = new ArrayList<>();
    double[] biases = new double[s.units()];
    int outliers = 0;
    long without = 0;
    long all = 0;
    long ofUnits = 0;
    for (int c = 0; c < s.units(); c++) {
      biases[c] = cut.bias()[c];
      without += Math.round((1 - s.fireShareWithoutBias(c)) * s.observations(c));
      all += s.observations(c);
      if (partition.owner(cut, c) == Kind.BIAS) {
        units.add((long) c);
        ofUnits += s.silent(c);
        outliers += isOutlier(cut.bias(), c, s) ? 1 : 0;
      }
    }
    Arrays.sort(biases);
    double zeroFraction = all == 0 ? 0 : (double) partition.zeros(cut.output()) / all;
    double withoutBias = all == 0 ? 0 : (double) without / all;
    Evidence evidence =
        new Evidence()
            .put("zeros", partition.zeros(cut.output()))
            .put("units", units)
            .put("of", s.units())
            .put("farBelowTheOthers", outliers)
            .put("medianBias", biases[biases.length / 2])
            .put("leastBias", biases[0])
            .put("zeroFractionWithoutAnyBias", withoutBias);
    boolean onBalance = partition.biasRate(cut) > 0;
    String lowered =
        Text.format(
            "without any bias %s would be zero instead of %s",
            Text.percent(withoutBias), Text.percent(zeroFraction));
    if (units.isEmpty() && onBalance && share > 0) {
      return new Finding(
          "bias",
          cut.layer(),
          share,
          Text.format(
              "Biases keep %s down (the median is %.3g), though no unit is off because of its own"
                  + " alone: %s. %s of the layer's zeros.",
              cut.layer(), biases[biases.length / 2], lowered, Text.percent(share)),
          true,
          evidence.map());
    }
    if (!units.isEmpty()) {
      double fires = 0;
      for (Object u : units) {
        fires += s.fireShareWithoutBias(((Long) u).intValue()) / units.size();
      }
      return new Finding(
          "bias",
          cut.layer(),
          share,
          Text.format(
              "%d of %s's %d units %s off because of bias alone (down to %.3g, the layer's median"
                  + " is %.3g): without it, %s. %s of the layer's zeros%s.",
              units.size(),
              cut.layer(),
              s.units(),
              units.size() == 1 ? "is" : "are",
              biases[0],
              biases[biases.length / 2],
              fires > 0
                  ? Text.format("firing at %s of positions", Text.percent(fires))
                  : "firing on altered images",
              Text.percent(ofUnits, partition.zeros(cut.output())),
              onBalance
                  ? Text.format(
                      ", and with what biases keep down of its other units %s: %s",
                      Text.percent(share), lowered)
                  : ""),
          true,
          evidence.map());
    }
    return new Finding(
        "bias",
        cut.layer(),
        null,
        Text.format("No unit of %s is kept off by its bias alone; %s.", cut.layer(), lowered),
        false,
        evidence.map());
  }
}
