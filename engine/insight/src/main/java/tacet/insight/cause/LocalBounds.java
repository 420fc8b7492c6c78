package tacet.insight.cause;

import java.util.HashMap;
import java.util.Map;
import tacet.insight.cause.Network.Cut;

/**
 * Upper bounds of units by interval arithmetic over the range that each input channel was seen in, on images and altered
 * images: a unit whose bound does not pass the cut can never fire on inputs in that range.
 */
final class LocalBounds {

  private final Analysis analysis;
  private final Map<String, Map<Integer, Double>> known = new HashMap<>();

  LocalBounds(Analysis analysis) {
    this.analysis = analysis;
  }

  boolean neverFires(Cut cut, int unit) {
    return upper(cut, unit) <= cut.bound();
  }

  /** Largest value before the cut; +∞ where nothing is known. */
  double upper(Cut cut, int unit) {
    return known
        .computeIfAbsent(cut.output(), _ -> new HashMap<>())
        .computeIfAbsent(unit, _ -> bound(cut, unit, true));
  }

  /** Whether a unit's bias is below zero by more than its inputs could add or take. */
  boolean isOutweighed(Cut cut, int unit) {
    double bias = cut.bias()[unit];
    return bias < 0
        && -bias > Math.abs(upper(cut, unit) - bias)
        && -bias > Math.abs(bound(cut, unit, false) - bias);
  }

  /**
   * Part of the range of a unit's values that is above the cut, between 0 and 1; 1 where nothing is
   * known.
   */
  double reach(Cut cut, int unit) {
    double most = upper(cut, unit) - cut.bound();
    double least = bound(cut, unit, false) - cut.bound();
    return most <= 0
        ? 0
        : least >= 0 || most == Double.POSITIVE_INFINITY ? 1 : most / (most - least);
  }

  /** Largest, or else least, value before the cut; infinite where nothing is known. */
  private double bound(Cut cut, int unit, boolean upper) {
    double unknown = upper ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY;
    Units u = cut.units();
    if (u == null) {
      return unknown;
    }
    ChannelStatistics in = analysis.original().channels().get(u.input());
    ChannelStatistics other = analysis.altered().channels().get(u.input());
    int first = u.firstInputChannel(unit);
    if (in == null || in.channels() < first + u.inputChannels()) {
      return unknown;
    }
    float[] w = u.weights(unit);
    int window = w.length / u.inputChannels();
    double bound = u.bias(unit);
    for (int i = 0; i < u.inputChannels(); i++) {
      double least = in.least(first + i);
      double most = in.most(first + i);
      if (other != null) {
        least = Math.min(least, other.least(first + i));
        most = Math.max(most, other.most(first + i));
      }
      if (u.isConvolution()) {
        // Padding may put zeros beside the values.
        least = Math.min(0, least);
        most = Math.max(0, most);
      }
      for (int k = 0; k < window; k++) {
        float f = w[i * window + k];
        bound += f > 0 == upper ? f * most : f * least;
      }
    }
    return bound;
  }
}
