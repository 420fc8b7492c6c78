package tacet.insight.cause;

import java.util.ArrayList;
import java.util.List;
import tacet.insight.Finding;
import tacet.insight.cause.Network.Cut;

/**
 * Flat parts of the image: units that are silent because they see nothing else, and zeros that texture takes away.
 */
final class FlatRegionsCause implements Cause.OfUnits {

  /** Less than this part of a layer's zeros is within what texture changes by chance. */
  private static final double LEAST = 0.1;

  /** Part of textured positions at which a unit fires that texture wakes. */
  private static final double LEAST_FIRING = 0.02;

  /** Positions at which chance may keep a unit silent that should fire at them. */
  private static final double FEW = 1;

  private final Analysis analysis;

  FlatRegionsCause(Analysis analysis) {
    this.analysis = analysis;
  }

  static boolean isMaterial(long part, long zeros) {
    return part > LEAST * zeros;
  }

  /** Of the zeros inside flat regions that texture turns into other values, the part that counts on balance. */
  static double rate(FlatCounts f) {
    return f == null || f.revived == 0 || !isMaterial(f.excess(), f.zerosInside + f.zerosOutside)
        ? 0
        : Math.min(1.0, (double) f.excess() / f.revived);
  }

  @Override
  public Kind kind() {
    return Kind.FLAT_REGIONS;
  }

  @Override
  public boolean claims(Cut cut, int unit) {
    FlatCounts f = analysis.flatCounts(cut.output());
    // What texture would wake in flat regions has texture elsewhere already: it would fire there if
    // that were all it lacks.
    return f != null
        && f.inside > f.outside
        && f.isSilent(unit)
        && f.wakes(unit) >= LEAST_FIRING
        && f.wakes(unit) * f.positionsOutside() < FEW;
  }

  @Override
  public List<Finding> findings(Partition partition) {
    List<Finding> found = new ArrayList<>();
    for (Cut cut : analysis.network().cuts()) {
      FlatCounts f = analysis.flatCounts(cut.output());
      if (f != null && f.inside > 0) {
        found.add(finding(cut, f, partition));
      }
    }
    return found;
  }

  private static Finding finding(Cut cut, FlatCounts f, Partition partition) {
    double share = partition.share(cut.output(), Kind.FLAT_REGIONS);
    long elements = f.inside + f.outside;
    double in = ratio(f.zerosInside, f.inside);
    double textured = ratio(f.zerosTextured, f.inside);
    int units = partition.units(cut, Kind.FLAT_REGIONS);
    String where =
        Text.format(
            "%s of %s sees only flat parts of the image; %s of that is zero",
            Text.percent(f.inside, elements), cut.layer(), Text.percent(in));
    String outside =
        f.outside == 0
            ? ""
            : Text.format(", against %s elsewhere", Text.percent(f.zerosOutside, f.outside));
    Evidence evidence =
        new Evidence()
            .put("zeros", partition.zeros(cut.output()))
            .put("flatShare", ratio(f.inside, elements))
            .put("zeroFractionInside", in)
            .put("zeroFractionOutside", f.outside == 0 ? null : ratio(f.zerosOutside, f.outside))
            .put("zeroFractionInsideWhenTextured", textured)
            .put("silentUnitsThatTextureWakes", units);
    if (share > 0) {
      String wakes =
          units == 0
              ? ""
              : Text.format("; %s silent only for want of texture", Text.plural(units, "unit"));
      return new Finding(
          "flat-regions",
          cut.layer(),
          share,
          Text.format(
              "%s%s. With texture there it is %s%s: flat regions explain %s of the layer's zeros.",
              where, outside, Text.percent(textured), wakes, Text.percent(share)),
          true,
          evidence.map());
    }
    return new Finding(
        "flat-regions",
        cut.layer(),
        null,
        Text.format(
            "%s%s. With texture there it is %s: flat regions are not why.",
            where, outside, Text.percent(textured)),
        false,
        evidence.map());
  }

  private static double ratio(long part, long whole) {
    return whole == 0 ? 0 : (double) part / whole;
  }
}
