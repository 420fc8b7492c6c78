package tacet.insight.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tacet.insight.Finding;
import tacet.insight.cause.Network.Cut;

/**
 * Units whose weights have all but vanished: what they put out is their bias, or next to nothing. A unit's strength is the
 * Euclidean norm of its weights (of the first layer, times the root mean square of its input): about √2 in a layer
 * initialised after He et al. (2015), about 1 after Glorot and Bengio (2010), whatever the layer's width.
 */
final class SmallWeightsCause implements Cause.OfUnits {

  /** A unit has vanished below this part of what is usual in its layer or network. */
  private static final double VANISHED = 0.1;

  /** Or below this part, where at least {@link #SPARSE} of its weights are near zero beside its largest: L1 leaves such. */
  private static final double SHRUNK = 0.35;

  private static final double SPARSE = 0.8;

  /** Strength that no layer in use falls below as a whole. */
  private static final double LEAST_USUAL = 0.2;

  /** Near zero: below this part of the layer's largest weight. */
  private static final double NEAR = 0.01;

  /** Thresholds of the proximal step, as parts of the root mean square of a layer's weights. */
  private static final double[] LAMBDAS = {0.25, 0.5, 1, 2};

  private record Weights(double nearZero, double zero, double strength, boolean[] vanished) {}

  private final Analysis analysis;
  private final Map<String, Weights> weights = new LinkedHashMap<>();
  private final Map<String, double[][]> thresholded;

  SmallWeightsCause(Analysis analysis) throws InterruptedException {
    this.analysis = analysis;
    measure();
    thresholded = thresholds();
  }

  private void measure() {
    Map<String, double[]> strengths = new LinkedHashMap<>();
    Map<String, double[]> sparsities = new LinkedHashMap<>();
    Map<String, double[]> totals = new LinkedHashMap<>();
    List<Double> medians = new ArrayList<>();
    for (Cut cut : analysis.network().cuts()) {
      Units u = cut.units();
      if (u == null) {
        continue;
      }
      double[] strength = new double[u.count()];
      double[] sparse = new double[u.count()];
      double[] total = new double[2];
      double largest = 0;
      for (int c = 0; c < u.count(); c++) {
        for (float w : u.weights(c)) {
          largest = Math.max(largest, Math.abs(w));
        }
      }
      for (int c = 0; c < u.count(); c++) {
        float[] w = u.weights(c);
        double own = 0;
        for (float f : w) {
          own = Math.max(own, Math.abs(f));
        }
        int near = 0;
        int nearOwn = 0;
        for (float f : w) {
          strength[c] += (double) f * f;
          near += Math.abs(f) < NEAR * largest || f == 0 ? 1 : 0;
          nearOwn += Math.abs(f) < NEAR * own || f == 0 ? 1 : 0;
          total[1] += f == 0 ? 1 : 0;
        }
        strength[c] = Math.sqrt(strength[c]);
        sparse[c] = (double) nearOwn / w.length;
        total[0] += near;
      }
      total[0] /= u.elements();
      total[1] /= u.elements();
      if (u.input().equals(analysis.inputName())
          || analysis.field(u.input()) != null && analysis.field(u.input()).size()[0] == 1) {
        double rms = analysis.original().channels().get(analysis.inputName()).rms();
        for (int c = 0; c < strength.length; c++) {
          strength[c] *= rms;
        }
      }
      strengths.put(cut.output(), strength);
      sparsities.put(cut.output(), sparse);
      totals.put(cut.output(), total);
      medians.add(median(strength));
    }
    double network = medians.isEmpty() ? 1 : median(medians.stream().mapToDouble(d -> d).toArray());
    strengths.forEach(
        (output, strength) -> {
          double layer = median(strength);
          double usual = Math.max(Math.max(layer, network / 2), LEAST_USUAL);
          double usualOfAll = Math.max(usual, network);
          boolean[] vanished = new boolean[strength.length];
          for (int c = 0; c < vanished.length; c++) {
            boolean sparse = sparsities.get(output)[c] >= SPARSE;
            vanished[c] =
                strength[c] < VANISHED * usual || sparse && strength[c] < SHRUNK * usualOfAll;
          }
          double[] t = totals.get(output);
          weights.put(output, new Weights(t[0], t[1], layer, vanished));
        });
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted.length == 0 ? 0 : sorted[sorted.length / 2];
  }

  /** Zero share of every cut, and of its weights, with all weights thresholded; per λ. */
  private Map<String, double[][]> thresholds() throws InterruptedException {
    SoftThreshold shrunk =
        new SoftThreshold(analysis.network(), analysis.options(), analysis.shapes());
    return shrunk.isAffordable()
        ? shrunk.zeroShares(LAMBDAS, analysis.samples().getFirst().tensor())
        : Map.of();
  }

  @Override
  public Kind kind() {
    return Kind.SMALL_WEIGHTS;
  }

  @Override
  public boolean claims(Cut cut, int unit) {
    Weights w = weights.get(cut.output());
    return w != null && w.vanished()[unit];
  }

  /** Cuts of layers with weights. */
  Set<String> measured() {
    return weights.keySet();
  }

  @Override
  public List<Finding> findings(Partition partition) {
    List<Finding> found = new ArrayList<>();
    for (Cut cut : analysis.network().cuts()) {
      Weights w = weights.get(cut.output());
      if (w != null) {
        found.add(finding(cut, w, partition));
      }
    }
    return found;
  }

  private Finding finding(Cut cut, Weights w, Partition partition) {
    double share = partition.share(cut.output(), Kind.SMALL_WEIGHTS);
    int units = 0;
    for (boolean v : w.vanished()) {
      units += v ? 1 : 0;
    }
    List<Object> table = new ArrayList<>();
    double[][] rows = thresholded.get(cut.output());
    for (int i = 0; rows != null && i < rows.length; i++) {
      table.add(
          new Evidence()
              .put("lambda", LAMBDAS[i])
              .put("zeroWeights", rows[i][0])
              .put("zeroFraction", rows[i][1])
              .map());
    }
    Evidence evidence =
        new Evidence()
            .put("zeros", partition.zeros(cut.output()))
            .put("nearZeroWeights", w.nearZero())
            .put("zeroWeights", w.zero())
            .put("medianStrength", w.strength())
            .put("vanishedUnits", units)
            .put("units", w.vanished().length)
            .put("softThreshold", table);
    String layer = cut.layer();
    if (share > 0) {
      return new Finding(
          "small-weights",
          layer,
          share,
          Text.format(
              "The weights of %d of %s's %d units have all but vanished (%s of the layer's weights"
                  + " are near zero): what is left is their bias. They hold %s of its zeros.",
              units, layer, w.vanished().length, Text.percent(w.nearZero()), Text.percent(share)),
          true,
          evidence.map());
    }
    String effect =
        rows == null
            ? ""
            : Text.format(
                "; shrinking them by their own mean size would make %s zero instead of %s",
                Text.percent(rows[2][1]),
                Text.percent(
                    partition.zeros(cut.output()),
                    analysis.original().channels().get(cut.output()).elements()));
    return new Finding(
        "small-weights",
        layer,
        null,
        Text.format(
            "%s of the weights of %s are near zero, but no unit has vanished with them%s.",
            Text.percent(w.nearZero()), layer, effect),
        false,
        evidence.map());
  }
}
