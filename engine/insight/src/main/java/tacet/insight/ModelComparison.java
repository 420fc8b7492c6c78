package tacet.insight;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tacet.profile.LayerProfile;
import tacet.profile.LayerProfile.Counts;
import tacet.profile.SparsityProfile;

/**
 * Two models on the same inputs, layer beside layer, as with and without an L1 penalty.
 *
 * @param first name of the first model
 * @param second name of the other
 */
public record ModelComparison(String first, String second, List<Row> rows) {

  /** Changes of a share smaller than this are not spoken of. */
  private static final double LEAST = 0.01;

  /** Parts of a path by which a model is called in a sentence. */
  private static final int SHORT = 3;

  /**
   * A pair of layers.
   *
   * @param zeros zero share of its activations in the first model
   * @param weights its weights where it has some, else null
   */
  public record Row(
      String layer,
      String otherLayer,
      double zeros,
      double otherZeros,
      double nearZeros,
      double otherNearZeros,
      int dead,
      int otherDead,
      Weights.Summary weights,
      Weights.Summary otherWeights) {}

  public ModelComparison {
    rows = List.copyOf(rows);
  }

  /**
   * Pairs layers by name, or by position where the networks have as many layers of the same operators.
   *
   * @throws IllegalArgumentException where not one layer has a partner
   */
  public static ModelComparison of(
      String first,
      SparsityProfile a,
      List<Weights.Summary> weightsA,
      String second,
      SparsityProfile b,
      List<Weights.Summary> weightsB) {
    boolean alike =
        a.layers().stream()
            .map(LayerProfile::op)
            .toList()
            .equals(b.layers().stream().map(LayerProfile::op).toList());
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < a.layers().size(); i++) {
      LayerProfile x = a.layers().get(i);
      LayerProfile y = alike ? b.layers().get(i) : b.layer(x.name()).orElse(null);
      if (y != null && x.counts() != null && y.counts() != null) {
        rows.add(row(x, y, weightsA, weightsB));
      }
    }
    if (rows.isEmpty()) {
      throw new IllegalArgumentException(
          first + " and " + second + " have no layer in common to compare");
    }
    return new ModelComparison(first, second, rows);
  }

  private static Row row(
      LayerProfile x,
      LayerProfile y,
      List<Weights.Summary> weightsA,
      List<Weights.Summary> weightsB) {
    Counts c = x.counts();
    Counts d = y.counts();
    return new Row(
        x.name(),
        y.name(),
        c.zeroFraction(),
        d.zeroFraction(),
        c.nearZeroFraction(),
        d.nearZeroFraction(),
        c.deadChannels(),
        d.deadChannels(),
        weights(x.name(), weightsA),
        weights(y.name(), weightsB));
  }

  private static Weights.Summary weights(String layer, List<Weights.Summary> all) {
    return all.stream().filter(w -> w.layer().equals(layer)).findFirst().orElse(null);
  }

  /** A finding per layer with zeros: whether the model whose weights are nearer to zero there is also the sparser one. */
  public List<Finding> findings() {
    List<Finding> found = new ArrayList<>();
    Row weighted = null;
    for (Row r : rows) {
      if (r.weights() != null && r.otherWeights() != null) {
        weighted = r;
      }
      if (weighted != null && (r.zeros() > LEAST || r.otherZeros() > LEAST)) {
        found.add(finding(r, weighted));
        weighted = null;
      }
    }
    return found;
  }

  private Finding finding(Row r, Row weighted) {
    double near = share(weighted.weights());
    double otherNear = share(weighted.otherWeights());
    boolean firstSmaller = near > otherNear;
    double sparser = firstSmaller ? r.zeros() : r.otherZeros();
    double denser = firstSmaller ? r.otherZeros() : r.zeros();
    boolean holds = sparser > denser + LEAST && Math.abs(near - otherNear) > LEAST;
    String verdict =
        Math.abs(near - otherNear) <= LEAST
            ? "the weights hardly differ in size"
            : holds
                ? "smaller weights, sparser activations"
                : sparser < denser - LEAST
                    ? "smaller weights, and yet denser activations"
                    : "smaller weights, activations about as sparse";
    Map<String, Object> evidence = new LinkedHashMap<>();
    evidence.put("weightsBelow0.001", List.of(near, otherNear));
    evidence.put(
        "zeroWeights", List.of(weighted.weights().zeros(), weighted.otherWeights().zeros()));
    evidence.put("zeroFraction", List.of(r.zeros(), r.otherZeros()));
    evidence.put("deadChannels", List.of(r.dead(), r.otherDead()));
    return new Finding(
        "small-weights",
        r.layer(),
        null,
        String.format(
            Locale.ROOT,
            "%s: %.1f %% of the weights are below 0.001 against %.1f %% in %s (exactly zero: %d and"
                + " %d); %.1f %% of its outputs are zero against %.1f %%: %s.",
            r.layer(),
            100 * near,
            100 * otherNear,
            shortName(second),
            weighted.weights().zeros(),
            weighted.otherWeights().zeros(),
            100 * r.zeros(),
            100 * r.otherZeros(),
            verdict),
        holds,
        evidence);
  }

  /** The end of a path, long enough to tell models apart that are all called alike. */
  private static String shortName(String model) {
    Path p = Path.of(model);
    int n = p.getNameCount();
    return n > SHORT ? p.subpath(n - SHORT, n).toString() : model;
  }

  private static double share(Weights.Summary w) {
    return (double) w.below001() / w.elements();
  }
}
