package tacet.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tacet.insight.Finding;
import tacet.insight.ModelComparison;
import tacet.insight.Weights;
import tacet.insight.cause.ResolutionSweep;
import tacet.profile.LayerProfile;
import tacet.profile.LayerProfile.Counts;
import tacet.profile.LayerProfile.Skipping;
import tacet.profile.SparsityProfile;

/** What {@code inspect} found, as maps and lists for JSON. */
final class InspectJson {

  private InspectJson() {}

  static List<Object> findings(List<Finding> findings) {
    List<Object> found = new ArrayList<>();
    for (Finding f : findings) {
      Map<String, Object> o = new LinkedHashMap<>();
      o.put("cause", f.cause());
      o.put("layer", f.layer());
      o.put("share", f.share());
      o.put("statement", f.statement());
      o.put("holds", f.holds());
      o.put("evidence", f.evidence());
      found.add(o);
    }
    return found;
  }

  static List<Object> weights(List<Weights.Summary> weights) {
    List<Object> summaries = new ArrayList<>();
    for (Weights.Summary w : weights) {
      Map<String, Object> o = new LinkedHashMap<>();
      o.put("layer", w.layer());
      o.put("elements", w.elements());
      o.put("zeros", w.zeros());
      o.put("below0.001", w.below001());
      o.put("below0.01", w.below01());
      o.put("l1", w.l1());
      o.put("regulariser", w.regulariser());
      summaries.add(o);
    }
    return summaries;
  }

  static List<Object> layers(SparsityProfile profile) {
    List<Object> layers = new ArrayList<>();
    for (LayerProfile l : profile.layers()) {
      layers.add(layer(l, profile.runs()));
    }
    return layers;
  }

  private static Map<String, Object> layer(LayerProfile l, int runs) {
    Map<String, Object> o = new LinkedHashMap<>();
    o.put("name", l.name());
    o.put("op", l.op());
    o.put("value", l.value());
    o.put("outputShape", l.outputShape().dims());
    o.put("kernel", l.kernel());
    o.put("backend", l.backend());
    o.put("reason", l.reason());
    o.put("milliseconds", l.nanoseconds() / 1e6 / runs);
    o.put("multiplyAdds", l.multiplyAdds());
    Skipping s = l.skipping();
    o.put("skippedMultiplyAdds", s == null ? 0 : s.multiplyAdds());
    o.put("predictedSpeedup", s == null ? 1 : s.predictedSpeedup());
    Counts c = l.counts();
    o.put("elements", c == null ? null : c.elements());
    o.put("zeros", c == null ? null : c.zeros());
    o.put("nearZeros", c == null ? null : c.nearZeros());
    o.put("negatives", c == null ? null : c.negatives());
    o.put("zeroFraction", c == null ? null : c.zeroFraction());
    o.put("nearZeroFraction", c == null ? null : c.nearZeroFraction());
    o.put("channels", c == null ? null : c.channels());
    o.put("zerosPerChannel", c == null ? null : c.zerosPerChannel());
    o.put("deadChannels", c == null ? null : c.deadChannels());
    if (c != null && c.detail() != null) {
      o.put("detail", DetailReport.describe(c.detail()));
    }
    return o;
  }

  /** Adds to the layers what each was measured to gain; null where it has no time of its own. */
  static void addMeasuredSpeedups(List<Object> layers, Map<String, Double> speedups) {
    for (Object layer : layers) {
      @SuppressWarnings("unchecked")
      Map<String, Object> l = (Map<String, Object>) layer;
      l.put("measuredSpeedup", speedups.get(l.get("name")));
    }
  }

  /** Adds to the layers the zeros that findings are about; null where they say nothing of a layer. */
  static void addStrictZeros(List<Object> layers, Map<String, Long> zeros) {
    for (Object layer : layers) {
      @SuppressWarnings("unchecked")
      Map<String, Object> l = (Map<String, Object>) layer;
      l.put("strictZeros", zeros.get(l.get("value")));
    }
  }

  static List<Object> sizes(ResolutionSweep sweep) {
    List<Object> points = new ArrayList<>();
    for (ResolutionSweep.Point p : sweep.points()) {
      Map<String, Object> point = new LinkedHashMap<>();
      point.put("size", p.side());
      point.put("zeroFractionAllRelu", p.cutZeroFraction());
      point.put("receptiveFieldShare", p.fieldShares());
      point.put("layers", layers(p.profile()));
      points.add(point);
    }
    return points;
  }

  static Map<String, Object> comparison(ModelComparison c) {
    Map<String, Object> o = new LinkedHashMap<>();
    o.put("model", c.second());
    List<Object> rows = new ArrayList<>();
    for (ModelComparison.Row r : c.rows()) {
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("layer", r.layer());
      row.put("other", r.otherLayer());
      row.put("zeroFraction", List.of(r.zeros(), r.otherZeros()));
      row.put("nearZeroFraction", List.of(r.nearZeros(), r.otherNearZeros()));
      row.put("deadChannels", List.of(r.dead(), r.otherDead()));
      row.put("weightsBelow0.001", pair(r.weights(), r.otherWeights(), true));
      row.put("weightsBelow0.01", pair(r.weights(), r.otherWeights(), false));
      rows.add(row);
    }
    o.put("layers", rows);
    return o;
  }

  private static List<Object> pair(Weights.Summary a, Weights.Summary b, boolean thousandth) {
    if (a == null || b == null) {
      return null;
    }
    return List.of(share(a, thousandth), share(b, thousandth));
  }

  private static double share(Weights.Summary w, boolean thousandth) {
    return (double) (thousandth ? w.below001() : w.below01()) / w.elements();
  }
}
