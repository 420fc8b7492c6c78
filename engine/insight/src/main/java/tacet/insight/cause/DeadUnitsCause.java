package tacet.insight.cause;

import java.util.ArrayList;
import java.util.List;
import tacet.insight.Finding;
import tacet.insight.cause.Network.Cut;

/**
 * Units that are never anything but zero. Dead is a unit that is silent on all images and altered
 * images and either cannot fire by {@link LocalBounds}, or hardly can and had so many independent
 * chances that, firing as often as its neighbours, it would have fired but once in a million such
 * units. Other silent units are dormant: silent here, perhaps not elsewhere; that says something of
 * the images, and is no cause.
 */
final class DeadUnitsCause implements Cause.OfUnits {

  private static final double CHANCE = 1e-6;

  /**
   * Part of what inputs can add to or take from a unit that is above its cut. Weights of both signs
   * leave it about half, and then silence on images that are much like each other proves nothing.
   */
  private static final double LEAST_REACH = 0.15;

  /** A bound on a firing rate that is no lower says nothing. */
  private static final double MOST_BOUND = 0.5;

  private final Analysis analysis;
  private final LocalBounds local;
  private final ImageBounds global;

  DeadUnitsCause(Analysis analysis, LocalBounds local, ImageBounds global) {
    this.analysis = analysis;
    this.local = local;
    this.global = global;
  }

  @Override
  public Kind kind() {
    return Kind.DEAD_UNITS;
  }

  @Override
  public boolean claims(Cut cut, int unit) {
    UnitStatistics s = analysis.original().units().get(cut.output());
    UnitStatistics altered = analysis.altered().units().get(cut.output());
    if (!s.isSilent(unit) || altered != null && !altered.isSilent(unit)) {
      return false;
    }
    return local.neverFires(cut, unit)
        || local.reach(cut, unit) < LEAST_REACH && isUnlikely(s, altered);
  }

  /** Whether a unit cannot fire on any input in the range seen. */
  boolean isUnreachable(Cut cut, int unit) {
    return local.neverFires(cut, unit);
  }

  /** Whether units that fire as often as those of the layer that do fire would not all be silent so long. */
  private static boolean isUnlikely(UnitStatistics s, UnitStatistics altered) {
    long zeros = 1;
    long all = 2;
    for (int c = 0; c < s.units(); c++) {
      if (!s.isSilent(c) || altered != null && !altered.isSilent(c)) {
        zeros += s.silent(c) + (altered == null ? 0 : altered.silent(c));
        all += s.observations(c) + (altered == null ? 0 : altered.observations(c));
      }
    }
    long trials = s.trials() + (altered == null ? 0 : altered.trials());
    return trials * Math.log((double) zeros / all) < Math.log(CHANCE);
  }

  @Override
  public List<Finding> findings(Partition partition) {
    List<Finding> found = new ArrayList<>();
    for (Cut cut : analysis.network().cuts()) {
      UnitStatistics s = analysis.original().units().get(cut.output());
      if (s != null && s.silentUnits() > 0) {
        found.add(finding(cut, s, partition));
      }
    }
    return found;
  }

  private Finding finding(Cut cut, UnitStatistics s, Partition partition) {
    double share = partition.share(cut.output(), Kind.DEAD_UNITS);
    UnitStatistics altered = analysis.altered().units().get(cut.output());
    int silent = s.silentUnits();
    int dead = partition.units(cut, Kind.DEAD_UNITS);
    int dormant = 0;
    int proven = 0;
    int unreachable = 0;
    int woken = 0;
    List<Object> units = new ArrayList<>();
    for (int c = 0; c < s.units(); c++) {
      if (!s.isSilent(c)) {
        continue;
      }
      Kind owner = partition.owner(cut, c);
      dormant += owner == null ? 1 : 0;
      woken += altered != null && !altered.isSilent(c) ? 1 : 0;
      proven += global.neverFires(cut, c) ? 1 : 0;
      unreachable += local.neverFires(cut, c) ? 1 : 0;
      units.add(
          new Evidence()
              .put("unit", (long) c)
              .put("why", owner == null ? "dormant" : owner.label())
              .put("largestBeforeCut", s.most(c))
              .put("bias", cut.bias() == null ? null : (double) cut.bias()[c])
              .map());
    }
    int images = Math.max(1, analysis.images());
    double bound = 1 - Math.pow(0.05, 1.0 / images);
    Evidence evidence =
        new Evidence()
            .put("zeros", partition.zeros(cut.output()))
            .put("channels", s.units())
            .put("silentUnits", silent)
            .put("deadUnits", dead)
            .put("dormantUnits", dormant)
            .put("explainedOtherwise", silent - dead - dormant)
            .put("wokenByAlteredImages", woken)
            .put("unreachableByInputRange", unreachable)
            .put("provenForAnyImage", proven)
            .put("images", images)
            .put("firingRateUpperBound", bound)
            .put("units", units);
    StringBuilder text =
        new StringBuilder(
            Text.format(
                "%d of %d units of %s %s zero everywhere on %s",
                silent,
                s.units(),
                cut.layer(),
                silent == 1 ? "is" : "are",
                Text.plural(images, "image")));
    if (bound < MOST_BOUND) {
      text.append(
          Text.format(
              " (with 95 %% confidence each fires on fewer than %s of such images)",
              Text.percent(bound)));
    }
    if (dead > 0) {
      text.append(
          Text.format(
              ". Dead: %d, with %s of the layer's zeros; no altered image wakes %s%s",
              dead,
              Text.percent(share),
              dead == 1 ? "it" : "them",
              unreachable > 0
                  ? Text.format(", and %d cannot fire on any input in the range seen", unreachable)
                  : ""));
    }
    if (proven > 0) {
      text.append(Text.format(". Proven dead for any image: %d", proven));
    }
    if (dormant > 0) {
      text.append(Text.format(". Dormant, perhaps only on these images: %d", dormant));
    }
    if (silent - dead - dormant > 0) {
      text.append(
          Text.format(
              ". Silent for another reason that is named here: %d", silent - dead - dormant));
    }
    if (woken > 0) {
      text.append(Text.format(". Altered images wake %d of all silent ones", woken));
    }
    return new Finding(
        "dead-units",
        cut.layer(),
        share > 0 ? share : null,
        text.append('.').toString(),
        share > 0,
        evidence.map());
  }
}
