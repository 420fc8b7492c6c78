package tacet.insight.cause;

import java.util.ArrayList;
import java.util.List;
import tacet.insight.Finding;
import tacet.insight.cause.Network.Cut;

/** The cut itself: values at or below it become zero. */
final class ReluCause implements Cause {

  private final Analysis analysis;

  ReluCause(Analysis analysis) {
    this.analysis = analysis;
  }

  @Override
  public List<Finding> findings(Partition partition) {
    List<Finding> found = new ArrayList<>();
    for (Cut cut : analysis.network().cuts()) {
      ChannelStatistics before = analysis.original().channels().get(cut.input());
      UnitStatistics units = analysis.original().units().get(cut.output());
      if (before != null && units != null) {
        found.add(finding(cut, before, units, partition));
      }
    }
    return found;
  }

  private static Finding finding(
      Cut cut, ChannelStatistics before, UnitStatistics units, Partition partition) {
    long zeros = partition.zeros(cut.output());
    long cutOff = 0;
    long byBias = 0;
    for (int c = 0; c < units.units(); c++) {
      cutOff += units.silent(c);
      if (partition.owner(cut, c) == null) {
        double on = units.fireShareWithoutBias(c) * units.observations(c);
        byBias += Math.max(0, Math.round(on) - (units.observations(c) - units.silent(c)));
      }
    }
    long made = Math.max(0, zeros - before.zeros());
    double own = partition.share(cut.output(), Kind.RELU);
    boolean holds = made > 0;
    Evidence evidence =
        new Evidence()
            .put("zeros", zeros)
            .put("elements", before.elements())
            .put("negativeInputs", cutOff - (cut.bound() == 0 ? before.zeros() : 0))
            .put("negativeShare", share(cutOff - before.zeros(), before.elements()))
            .put("zerosBefore", before.zeros())
            .put("zerosOnlyBecauseOfIt", made)
            .put("zerosNetOfBias", byBias);
    if (!holds) {
      return new Finding(
          "relu",
          cut.layer(),
          null,
          Text.format("ReLU makes no zeros in %s: none of its inputs is negative.", cut.layer()),
          false,
          evidence.map());
    }
    String rest =
        own > 0.999 ? "" : Text.format("; %s have no more specific cause", Text.percent(own));
    return new Finding(
        "relu",
        cut.layer(),
        own,
        Text.format(
            "ReLU makes %s of the zeros of %s: %s of its inputs are negative, %s were zero"
                + " before%s.",
            Text.percent(made, zeros),
            cut.layer(),
            Text.percent(cutOff - before.zeros(), before.elements()),
            Text.percent(before.zeros(), before.elements()),
            rest),
        true,
        evidence.map());
  }

  private static double share(long part, long whole) {
    return whole == 0 ? 0 : (double) part / whole;
  }
}
