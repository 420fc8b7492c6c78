package tacet.insight.cause;

import java.util.ArrayList;
import java.util.List;
import tacet.insight.Finding;
import tacet.insight.cause.Network.Cut;

/**
 * What no other finding names: zeros that a layer only hands on, with the causes that made them, zeros that nothing
 * explains, and a network's output that has none.
 */
final class RemainderCause implements Cause {

  private final Analysis analysis;
  private final List<Finding> others;

  /**
   * @param others all other findings
   */
  RemainderCause(Analysis analysis, List<Finding> others) {
    this.analysis = analysis;
    this.others = others;
  }

  @Override
  public List<Finding> findings(Partition partition) {
    List<Finding> found = new ArrayList<>();
    for (String value : analysis.values()) {
      for (Kind kind : Kind.values()) {
        double share = partition.share(value, kind);
        if (share > 0 && !isSaid(kind, analysis.network().layer(value))) {
          found.add(finding(value, kind, share, partition));
        }
      }
    }
    String output = analysis.outputValue();
    if (analysis.original().channels().containsKey(output) && partition.zeros(output) == 0) {
      found.add(none(output));
    }
    return found;
  }

  /** Whether there are more zeros behind a cut than before it. */
  private boolean makesZeros(Cut cut, Partition partition) {
    ChannelStatistics before = analysis.original().channels().get(cut.input());
    return before == null || partition.zeros(cut.output()) > before.zeros();
  }

  /** Whether another finding gives the share of a layer's zeros that this cause has. */
  private boolean isSaid(Kind kind, String layer) {
    return others.stream()
        .anyMatch(
            f ->
                f.holds()
                    && f.share() != null
                    && f.cause().equals(kind.label())
                    && layer.equals(f.layer()));
  }

  private Finding finding(String value, Kind kind, double share, Partition partition) {
    Cut cut = analysis.network().cut(value);
    boolean ofInput = cut != null && !analysis.original().units().containsKey(cut.output());
    String layer = analysis.network().layer(value);
    long zeros = partition.zeros(value);
    Evidence evidence =
        new Evidence()
            .put("zeros", zeros)
            .put("inherited", partition.isInherited(value) || cut != null && !ofInput);
    if (kind == Kind.UNEXPLAINED) {
      return new Finding(
          kind.label(),
          layer,
          share,
          Text.format(
              "%s of the zeros of %s are unexplained: zeros of the image, padding, or sums that"
                  + " cancel.",
              Text.percent(share), layer),
          true,
          evidence.map());
    }
    if (ofInput) {
      return new Finding(
          kind.label(),
          layer,
          share,
          Text.format(
              "ReLU makes %s of the zeros of %s, which reads the network's input as it is.",
              Text.percent(share), layer),
          true,
          evidence.map());
    }
    if (cut != null && makesZeros(cut, partition)) {
      return new Finding(
          kind.label(),
          layer,
          share,
          Text.format(
              "%s of the zeros of %s were zero before it, made by %s.",
              Text.percent(share), layer, kind.label()),
          true,
          evidence.map());
    }
    return new Finding(
        kind.label(),
        layer,
        share,
        Text.format(
            "%s makes no zeros of its own; %s of those it hands on were made by %s.",
            layer, Text.percent(share), kind.label()),
        true,
        evidence.map());
  }

  private Finding none(String output) {
    ChannelStatistics s = analysis.original().channels().get(output);
    return new Finding(
        "unexplained",
        analysis.network().layer(output),
        null,
        Text.format(
            "The network's output %s has no zeros to explain: none of its %s is zero.",
            output, Text.plural(s.elements(), "value")),
        false,
        new Evidence().put("zeros", 0L).put("elements", s.elements()).map());
  }
}
