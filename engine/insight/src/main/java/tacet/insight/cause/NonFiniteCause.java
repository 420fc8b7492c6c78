package tacet.insight.cause;

import java.util.ArrayList;
import java.util.List;
import tacet.insight.Finding;

/** Values that are no numbers, and values on their way there: the scale of activations from layer to layer. */
final class NonFiniteCause implements Cause {

  /** Magnitude beyond which a few more such layers overflow float32 (3.4e38). */
  private static final double EXPLODING = 1e15;

  private final Analysis analysis;

  NonFiniteCause(Analysis analysis) {
    this.analysis = analysis;
  }

  @Override
  public List<Finding> findings(Partition partition) {
    List<Finding> found = new ArrayList<>();
    String largestLayer = null;
    double largest = 0;
    long elements = 0;
    for (String value : analysis.values()) {
      ChannelStatistics s = analysis.original().channels().get(value);
      elements += s.elements();
      String layer = analysis.network().layer(value);
      if (s.largestMagnitude() > largest) {
        largest = s.largestMagnitude();
        largestLayer = layer;
      }
      if (s.nonFinite() > 0) {
        found.add(
            new Finding(
                "non-finite",
                layer,
                null,
                Text.format(
                    "%s of %s are NaN or infinite%s.",
                    Text.percent(s.nonFinite(), s.elements()),
                    layer,
                    found.isEmpty() ? "; this is the first such layer" : ""),
                true,
                new Evidence()
                    .put("nonFinite", s.nonFinite())
                    .put("elements", s.elements())
                    .put("zeros", partition.zeros(value))
                    .map()));
      }
    }
    if (found.isEmpty() && largestLayer != null) {
      boolean exploding = largest > EXPLODING;
      found.add(
          new Finding(
              "non-finite",
              largestLayer,
              null,
              exploding
                  ? Text.format(
                      "Values reach %.3g in %s: a few more such layers overflow float32.",
                      largest, largestLayer)
                  : Text.format(
                      "No value is NaN or infinite; the largest magnitude is %.3g, in %s.",
                      largest, largestLayer),
              exploding,
              new Evidence()
                  .put("nonFinite", 0L)
                  .put("elements", elements)
                  .put("largestMagnitude", largest)
                  .map()));
    }
    return found;
  }
}
