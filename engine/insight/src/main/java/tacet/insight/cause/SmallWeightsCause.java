package tacet.insight.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tacet.insight.Finding;
import tacet.insight.cause.Network.Answer;
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

  /**
   * Near zero beside the root mean square of the layer's weights: of normal ones 4 % are, of
   * Laplace's 7 %.
   */
  private static final double NEAR_USUAL = 0.05;

  /**
   * Part of a layer's weights near zero, beside their root mean square, from which they have been
   * shrunk or pruned.
   */
  static final double MANY = 0.3;

  /** Strength of a layer initialised after He: no layer need be stronger because others are. */
  private static final double INITIAL = Math.sqrt(2);

  /** Thresholds of the proximal step, as parts of the root mean square of a layer's weights. */
  private static final double[] LAMBDAS = {0.25, 0.5, 1, 2};

  /**
   * A layer's weights.
   *
   * @param nearZero part below {@link #NEAR} of the largest
   * @param shrunk part below {@link #NEAR_USUAL} of their root mean square
   * @param zero part that is exactly zero
   * @param sparse units of which hardly a weight is left
   */
  private record Weights(
      double nearZero,
      double shrunk,
      double zero,
      double strength,
      boolean[] vanished,
      boolean[] sparse) {}

  /**
   * The same before layers are compared.
   *
   * @param strength by unit, root of its weights' squares
   * @param sparsity by unit, part of its weights near zero beside its largest
   */
  private record Measured(
      double nearZero, double shrunk, double zero, double[] strength, double[] sparsity) {}

  private final Analysis analysis;
  private final LocalBounds bounds;
  private final Map<String, Weights> weights = new LinkedHashMap<>();
  private final Map<String, double[][]> thresholded;

  SmallWeightsCause(Analysis analysis, LocalBounds bounds) throws InterruptedException {
    this.analysis = analysis;
    this.bounds = bounds;
    measure();
    thresholded = thresholds();
  }

  private void measure() {
    Map<String, Measured> layers = new LinkedHashMap<>();
    for (Answer answer : analysis.network().answers()) {
      layers.put(answer.output(), measured(answer.units()));
    }
    double[] medians = layers.values().stream().mapToDouble(m -> median(m.strength())).toArray();
    double network = Math.min(INITIAL, median(medians));
    layers.forEach((output, m) -> weights.put(output, compared(m, network)));
  }

  private Measured measured(Units u) {
    double largest = 0;
    double squares = 0;
    for (int c = 0; c < u.count(); c++) {
      for (float w : u.weights(c)) {
        largest = Math.max(largest, Math.abs(w));
        squares += (double) w * w;
      }
    }
    double usual = NEAR_USUAL * Math.sqrt(squares / u.elements());
    // Small inputs are no fault of the weights.
    double inputs = readsPixels(u) ? Math.max(1, pixelSize()) : 1;
    double[] strength = new double[u.count()];
    double[] sparsity = new double[u.count()];
    long near = 0;
    long shrunk = 0;
    long zero = 0;
    for (int c = 0; c < u.count(); c++) {
      float[] w = u.weights(c);
      double own = 0;
      for (float f : w) {
        own = Math.max(own, Math.abs(f));
      }
      int nearOwn = 0;
      for (float f : w) {
        strength[c] += (double) f * f;
        near += Math.abs(f) < NEAR * largest || f == 0 ? 1 : 0;
        nearOwn += Math.abs(f) < NEAR * own || f == 0 ? 1 : 0;
        shrunk += Math.abs(f) < usual || f == 0 ? 1 : 0;
        zero += f == 0 ? 1 : 0;
      }
      strength[c] = inputs * Math.sqrt(strength[c]);
      sparsity[c] = (double) nearOwn / w.length;
    }
    double all = u.elements();
    return new Measured(near / all, shrunk / all, zero / all, strength, sparsity);
  }

  private boolean readsPixels(Units u) {
    ReceptiveField field = analysis.field(u.input());
    return u.input().equals(analysis.inputName()) || field != null && field.size()[0] == 1;
  }

  private double pixelSize() {
    return analysis.original().channels().get(analysis.inputName()).rms();
  }

  /**
   * Which units have vanished.
   *
   * @param network median strength of its layers
   */
  private static Weights compared(Measured m, double network) {
    double layer = median(m.strength());
    double usual = Math.max(Math.max(layer, network / 2), LEAST_USUAL);
    double usualOfAll = Math.max(usual, network);
    boolean[] vanished = new boolean[m.strength().length];
    boolean[] sparse = new boolean[vanished.length];
    for (int c = 0; c < vanished.length; c++) {
      double strength = m.strength()[c];
      sparse[c] = m.sparsity()[c] >= SPARSE;
      vanished[c] = strength < VANISHED * usual || sparse[c] && strength < SHRUNK * usualOfAll;
    }
    return new Weights(m.nearZero(), m.shrunk(), m.zero(), layer, vanished, sparse);
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted.length == 0 ? 0 : sorted[(sorted.length - 1) / 2];
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
    // So few weights are left that none, or no sum of them, can lift it.
    return w != null
        && (w.vanished()[unit]
            || w.sparse()[unit]
                && analysis.original().units().get(cut.output()).isSilent(unit)
                && bounds.neverFires(cut, unit));
  }

  @Override
  public List<Finding> findings(Partition partition) {
    List<Finding> found = new ArrayList<>();
    for (Answer answer : analysis.network().answers()) {
      found.add(finding(answer, weights.get(answer.output()), partition));
    }
    return found;
  }

  private Finding finding(Answer answer, Weights w, Partition partition) {
    boolean cut = analysis.network().cut(answer.output()) != null;
    double share = cut ? partition.share(answer.output(), Kind.SMALL_WEIGHTS) : 0;
    int units = 0;
    for (int c = 0; c < w.vanished().length; c++) {
      units += w.vanished()[c] || cut && claims(analysis.network().cut(answer.output()), c) ? 1 : 0;
    }
    List<Object> table = new ArrayList<>();
    double[][] rows = thresholded.get(answer.output());
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
            .put("zeros", partition.zeros(answer.output()))
            .put("nearZeroWeights", w.nearZero())
            .put("shrunkWeights", w.shrunk())
            .put("zeroWeights", w.zero())
            .put("medianStrength", w.strength())
            .put("vanishedUnits", units)
            .put("units", w.vanished().length)
            .put("softThreshold", table);
    String layer = answer.layer();
    String linear = Network.layerName(answer.units().node()).replaceFirst("/preactivation$", "");
    if (share > 0 || units > 0) {
      return new Finding(
          "small-weights",
          layer,
          share > 0 ? share : null,
          Text.format(
              "The weights of %d of %s's %d units have all but vanished (%s of the layer's weights"
                  + " are near zero): what is left is their bias. They hold %s.",
              units,
              layer,
              w.vanished().length,
              Text.percent(w.nearZero()),
              share > 0 ? Text.percent(share) + " of its zeros" : "no zeros"),
          true,
          evidence.map());
    }
    ChannelStatistics seen = analysis.original().channels().get(answer.output());
    String effect =
        rows == null || seen == null
            ? ""
            : Text.format(
                "; shrinking them by their own mean size would make %s of %s zero instead of %s",
                Text.percent(rows[2][1]),
                layer,
                Text.percent(partition.zeros(answer.output()), seen.elements()));
    if (w.shrunk() >= MANY) {
      return new Finding(
          "small-weights",
          layer,
          null,
          Text.format(
              "%s of the weights of %s are next to nothing beside the others (less than a twentieth"
                  + " of their root mean square, which about 4 %% of normal ones are): an L1"
                  + " penalty or pruning leaves them so. No unit has vanished with them%s.",
              Text.percent(w.shrunk()), linear, effect),
          true,
          evidence.map());
    }
    return new Finding(
        "small-weights",
        layer,
        null,
        Text.format(
            "%s of the weights of %s are near zero, but no unit has vanished with them%s.",
            Text.percent(w.nearZero()), linear, effect),
        false,
        evidence.map());
  }
}
