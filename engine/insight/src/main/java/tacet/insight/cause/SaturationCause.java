package tacet.insight.cause;

import java.util.ArrayList;
import java.util.List;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.insight.Finding;
import tacet.kernels.Activation;

/** Activations driven to where they no longer answer: an upper bound, the ends of a sigmoid, an underflow to zero. */
final class SaturationCause implements Cause {

  /** Below this part of a layer, saturation is how such activations work. */
  private static final double LEAST = 0.25;

  private final Analysis analysis;
  private final SaturationCounts counts;

  SaturationCause(Analysis analysis, SaturationCounts counts) {
    this.analysis = analysis;
    this.counts = counts;
  }

  @Override
  public List<Finding> findings(Partition partition) {
    List<Finding> found = new ArrayList<>();
    for (Node n : analysis.network().graph().nodes()) {
      String out = n.output(0);
      Long saturated = counts.of(out);
      ChannelStatistics s = analysis.original().channels().get(out);
      if (saturated == null || s == null || s.elements() == 0) {
        continue;
      }
      double part = (double) saturated / s.elements();
      double share = partition.share(out, Kind.SATURATION);
      double largestShare = n.op() instanceof Op.Softmax ? 0 : part;
      boolean holds = share > 0 || largestShare >= LEAST;
      found.add(
          new Finding(
              "saturation",
              Network.layerName(n),
              share > 0 ? share : null,
              share > 0
                  ? Text.format(
                      "%s of the zeros of %s come from saturation: %s drives them to exactly zero.",
                      Text.percent(share), Network.layerName(n), n.op().type())
                  : Text.format(
                      "%s of %s is saturated (%s)%s.",
                      Text.percent(part),
                      Network.layerName(n),
                      n.op().type(),
                      holds ? "" : ", which is not unusual"),
              holds,
              new Evidence()
                  .put("zeros", partition.zeros(out))
                  .put("saturated", saturated)
                  .put("saturatedShare", part)
                  .map()));
    }
    return found;
  }

  /** Where a function no longer answers, from above; infinity where it always does. */
  static float upperEnd(Op op) {
    if (!(op instanceof Op.Unary u)) {
      return Float.POSITIVE_INFINITY;
    }
    Activation f = u.function();
    return switch (f.kind()) {
      case CLIP -> f.beta();
      case SIGMOID, TANH -> 0.999f;
      case HARD_SIGMOID -> 1;
      default -> Float.POSITIVE_INFINITY;
    };
  }

  /** The same from below. */
  static float lowerEnd(Op op) {
    if (!(op instanceof Op.Unary u)) {
      return Float.NEGATIVE_INFINITY;
    }
    return switch (u.function().kind()) {
      case SIGMOID -> 0.001f;
      case TANH -> -0.999f;
      default -> Float.NEGATIVE_INFINITY;
    };
  }
}
