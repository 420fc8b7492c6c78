package tacet.insight.cause;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tacet.insight.Finding;

/**
 * The order of findings. A cause outranks the mechanism through which it acts: that ReLU cuts negative values off is how
 * nearly all zeros come about; why the values are negative is what is asked. So, first to last: what makes every other
 * figure meaningless (no numbers, wrong preprocessing); causes that explain at least a twentieth of a layer's zeros, and
 * what is wrong with at least a twentieth of a layer without making zeros (saturated, constant or repeated channels);
 * mechanisms and lesser causes; what layers hand on and facts without a share; what was tested and does not hold. Within
 * each, what explains more zeros comes first.
 */
final class Importance {

  private static final Set<String> ROOTS =
      Set.of("flat-regions", "small-weights", "bias", "bottleneck", "dead-units", "saturation");

  private static final double MATERIAL = 0.05;

  private Importance() {}

  static List<Finding> sorted(List<Finding> findings) {
    return findings.stream()
        .sorted(
            Comparator.comparingInt(Importance::rank)
                .thenComparing(Comparator.comparingDouble(Importance::explained).reversed()))
        .toList();
  }

  private static int rank(Finding f) {
    if (!f.holds()) {
      return 4;
    }
    if (f.cause().equals("non-finite") || f.cause().equals("preprocessing") && !isInherited(f)) {
      return 0;
    }
    if (Boolean.TRUE.equals(f.evidence().get("narrows"))) {
      return 1;
    }
    if (!isInherited(f) && affected(f) >= MATERIAL) {
      return 1;
    }
    if (isInherited(f) || f.share() == null) {
      return 3;
    }
    return ROOTS.contains(f.cause()) && f.share() >= MATERIAL ? 1 : 2;
  }

  /** Part of a layer that is out of order in a way that makes no zeros: 0 for causes that are counted in zeros. */
  private static double affected(Finding f) {
    if (f.share() != null) {
      return 0;
    }
    Map<String, Object> e = f.evidence();
    return switch (f.cause()) {
      case "saturation" -> (double) e.get("saturatedShare");
      case "dead-units" ->
          ((Number) e.get("dormantUnitsNotByChance")).doubleValue()
              / ((Number) e.get("channels")).doubleValue();
      case "constant-channels" -> part(e.get("constantChannels"), e.get("channels"));
      case "duplicate-channels" -> part(e.get("pairs"), e.get("channels"));
      default -> 0;
    };
  }

  private static double part(Object channels, Object all) {
    return ((List<?>) channels).size() / ((Number) all).doubleValue();
  }

  private static boolean isInherited(Finding f) {
    return Boolean.TRUE.equals(f.evidence().get("inherited"));
  }

  private static double explained(Finding f) {
    if (f.cause().equals("preprocessing") && f.evidence().containsKey("better")) {
      // That they are wrongly prepared comes before what it does to each layer.
      return Double.MAX_VALUE;
    }
    Object zeros = f.evidence().get("zeros");
    return zeros instanceof Long z ? (f.share() == null ? 1e-9 : f.share()) * z : 0;
  }
}
