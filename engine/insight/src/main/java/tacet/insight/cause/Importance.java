package tacet.insight.cause;

import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tacet.graph.Node;
import tacet.insight.Finding;

/**
 * The order of findings. A cause outranks the mechanism through which it acts: that ReLU cuts negative values off is how
 * nearly all zeros come about; why the values are negative is what is asked. So, first to last: what makes every other
 * figure meaningless (no numbers, wrong preprocessing); causes that explain at least a twentieth of a layer's zeros, and
 * what is wrong with at least a twentieth of a layer without making zeros (saturated, constant or repeated channels);
 * lesser causes, weights next to nothing, and dead units and biases behind a layer that is itself silenced or in one whose
 * weights were shrunk, which may be no more than its witnesses; mechanisms; what layers hand on and facts without a share; what was tested and does not hold. Within each, what explains
 * more zeros comes first.
 */
final class Importance {

  private static final Set<String> ROOTS =
      Set.of("flat-regions", "small-weights", "bias", "bottleneck", "dead-units", "saturation");

  /** Causes that a unit as a whole has, be it the only one in a wide layer. */
  private static final Set<String> UNITS =
      Set.of("small-weights", "bias", "bottleneck", "dead-units");

  /** Causes that may be no more than what a layer further ahead brings about. */
  private static final Set<String> WITNESSES = Set.of("dead-units", "bias");

  private static final double MATERIAL = 0.05;

  /** Part of a layer's zeros from which their cause has silenced the layer rather than units of it. */
  private static final double SILENCED = 0.5;

  private Importance() {}

  /**
   * @param elements of what each layer puts out
   */
  static List<Finding> sorted(List<Finding> findings, Network network, Map<String, Long> elements) {
    Set<String> witnesses = witnesses(findings, network);
    return findings.stream()
        .sorted(
            Comparator.comparingInt((Finding f) -> rank(f, witnesses))
                .thenComparing(
                    Comparator.comparingDouble((Finding f) -> explained(f, elements)).reversed()))
        .toList();
  }

  /** Layers that read, at whatever distance, what a silenced layer makes, and those whose weights were shrunk. */
  private static Set<String> witnesses(List<Finding> findings, Network network) {
    Set<String> silenced = new HashSet<>();
    Set<String> witnesses = new HashSet<>();
    for (Finding f : findings) {
      if (f.holds() && ofShrunkWeights(f)) {
        // What is left of its weights no longer outweighs its biases.
        witnesses.add(f.layer());
      }
      if (f.holds()
          && UNITS.contains(f.cause())
          && !isInherited(f)
          && f.share() != null
          && f.share() >= SILENCED) {
        silenced.add(f.layer());
      }
    }
    Set<String> reached = new HashSet<>();
    // Nodes stand in an order in which they can be computed.
    for (Node n : network.graph().nodes()) {
      boolean behind = n.inputs().stream().anyMatch(reached::contains);
      if (behind) {
        witnesses.add(Network.layerName(n));
      }
      if (behind || silenced.contains(Network.layerName(n))) {
        reached.addAll(n.outputs());
      }
    }
    return witnesses;
  }

  private static int rank(Finding f, Set<String> witnesses) {
    if (!f.holds()) {
      return 5;
    }
    if (f.cause().equals("non-finite")) {
      return -1;
    }
    if (f.cause().equals("preprocessing") && !isInherited(f)) {
      return 0;
    }
    if (Boolean.TRUE.equals(f.evidence().get("narrows"))) {
      return 1;
    }
    if (isShrunk(f)) {
      return 2;
    }
    if (!isInherited(f) && affected(f) >= MATERIAL) {
      return 1;
    }
    if (isInherited(f) || f.share() == null) {
      return 4;
    }
    if (f.evidence().get("farBelowTheOthers") instanceof Integer n && n > 0) {
      return 1;
    }
    if (WITNESSES.contains(f.cause()) && witnesses.contains(f.layer())) {
      return 2;
    }
    if (ROOTS.contains(f.cause()) && f.share() >= MATERIAL) {
      return 1;
    }
    return UNITS.contains(f.cause()) ? 2 : 3;
  }

  /** Part of a layer that is out of order in a way that makes no zeros: 0 for causes that are counted in zeros. */
  private static double affected(Finding f) {
    return f.share() == null && f.holds() ? outOfOrder(f) : 0;
  }

  private static double outOfOrder(Finding f) {
    Map<String, Object> e = f.evidence();
    return switch (f.cause()) {
      case "saturation" -> (double) e.get("saturatedShare");
      case "constant-channels" -> part(e.get("constantChannels"), e.get("channels"));
      case "duplicate-channels" -> part(e.get("pairs"), e.get("channels"));
      case "small-weights" ->
          isShrunk(f)
              ? (double) e.get("shrunkWeights")
              : ((Number) e.get("vanishedUnits")).doubleValue()
                  / ((Number) e.get("units")).doubleValue();
      case "bottleneck" -> (double) e.get("affected");
      default -> 0;
    };
  }

  /**
   * Weights near zero that make no zeros: an explanation of nothing, but a fact before the
   * mechanisms.
   */
  private static boolean isShrunk(Finding f) {
    return f.cause().equals("small-weights")
        && f.share() == null
        && Integer.valueOf(0).equals(f.evidence().get("vanishedUnits"));
  }

  /** Whether a good part of a layer's weights is next to nothing, be it with units that vanished or without. */
  private static boolean ofShrunkWeights(Finding f) {
    return f.cause().equals("small-weights")
        && f.evidence().get("shrunkWeights") instanceof Double shrunk
        && shrunk >= SmallWeightsCause.MANY;
  }

  private static double part(Object channels, Object all) {
    return ((List<?>) channels).size() / ((Number) all).doubleValue();
  }

  private static boolean isInherited(Finding f) {
    return Boolean.TRUE.equals(f.evidence().get("inherited"));
  }

  /**
   * Zeros that a finding explains; elements that are out of order in another way count as many as
   * half of them.
   */
  private static double explained(Finding f, Map<String, Long> elements) {
    if (f.cause().equals("preprocessing") && f.evidence().containsKey("better")) {
      // That they are wrongly prepared comes before what it does to each layer.
      return Double.MAX_VALUE;
    }
    Object zeros = f.evidence().get("zeros");
    double size = elements.getOrDefault(f.layer(), 0L) / 2.0;
    if (f.share() != null && zeros instanceof Long z) {
      // Vanished units make constants as well as zeros.
      double vanished = f.evidence().containsKey("vanishedUnits") ? outOfOrder(f) * size : 0;
      return Math.max(f.share() * z, vanished);
    }
    return affected(f) * size;
  }
}
