package tacet.insight.cause;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.insight.Finding;
import tacet.profile.LayerProfile;
import tacet.profile.LayerProfile.Counts;
import tacet.profile.SparsityProfile;

/**
 * Everything that was found out about a network's zeros.
 *
 * @param findings most important first
 * @param zeros by value, what the shares of its layer's findings are parts of: zeros on all samples in strict arithmetic,
 *     one operator at a time
 */
public record Explanation(List<Finding> findings, Map<String, Long> zeros) {

  /** Part of a layer's elements up to which two countings are alike: sums that cancel, now and then. */
  private static final double ALIKE = 0.001;

  /** Told how many of about how many runs are done. */
  @FunctionalInterface
  public interface Listener {
    void at(long done, long total);
  }

  /** Runs the network on the samples and on altered ones, and asks every cause. */
  public static Explanation of(Graph graph, ModelOptions options, List<Sample> samples)
      throws InterruptedException {
    return of(graph, options, samples, (_, _) -> {});
  }

  /** The same, saying how far it is. */
  public static Explanation of(
      Graph graph, ModelOptions options, List<Sample> samples, Listener listener)
      throws InterruptedException {
    try (Analysis analysis = Analysis.of(graph, options, samples, listener)) {
      LocalBounds local = new LocalBounds(analysis);
      FlatRegionsCause flat = new FlatRegionsCause(analysis);
      SmallWeightsCause weights = new SmallWeightsCause(analysis, local);
      BiasCause bias = new BiasCause(analysis, local);
      PreprocessingCause preprocessing = new PreprocessingCause(analysis, List.of(weights, bias));
      DeadUnitsCause dead = new DeadUnitsCause(analysis, local, new ImageBounds(analysis));
      BottleneckCause bottleneck = new BottleneckCause(analysis, dead);
      Partition partition =
          Partition.of(
              analysis,
              List.of(preprocessing, flat, weights, bias, bottleneck, dead),
              bias,
              bottleneck);
      List<Finding> findings = new ArrayList<>();
      for (Cause cause :
          List.of(
              // Ahead of their weights: that channels say nothing is what was seen.
              new ConstantChannelsCause(analysis),
              preprocessing,
              flat,
              weights,
              bias,
              bottleneck,
              dead,
              new SaturationCause(analysis, analysis.saturation()),
              new ReluCause(analysis),
              new PoolingCause(analysis),
              new NonFiniteCause(analysis),
              new DuplicateChannelsCause(analysis))) {
        findings.addAll(cause.findings(partition));
      }
      findings.addAll(new RemainderCause(analysis, List.copyOf(findings)).findings(partition));
      Map<String, Long> zeros = new LinkedHashMap<>();
      analysis.values().forEach(v -> zeros.put(v, partition.zeros(v)));
      return new Explanation(
          Importance.sorted(findings, analysis.network(), analysis.elementsByLayer()), zeros);
    }
  }

  /** Layers of which a profile of the same samples has clearly other zeros. */
  public List<LayerProfile> countedOtherwise(SparsityProfile profile) {
    return profile.layers().stream()
        .filter(
            l -> {
              Counts c = l.counts();
              Long own = zeros.get(l.value());
              return c != null && own != null && Math.abs(own - c.zeros()) > ALIKE * c.elements();
            })
        .toList();
  }
}
