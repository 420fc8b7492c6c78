package tacet.insight.cause;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.insight.cause.Network.Cut;
import tacet.insight.cause.Values.Value;
import tacet.insight.image.Normalization;
import tacet.tensor.Tensor;

/**
 * What the network does when images are prepared in one way.
 *
 * @param images how many were looked at
 * @param observations of each unit of the first layer
 * @param trained distance from the first batch normalisation's statistics, in deviations; NaN
 *     without one
 * @param dead part of the eligible units of the first layer that is silent everywhere
 * @param stuck part that is silent everywhere or never silent
 * @param offset of half of the eligible units no more deviations from their mean to the cut than
 *     this; NaN of too few units
 * @param answer root mean square of what eligible units make of the input, without bias
 * @param answers what is said of the images and of quarters of the first one
 * @param aroundZero whether zero is between black and white, or not far beside
 * @param units what units before each cut did, by its output
 */
record WayTrial(
    Normalization way,
    int images,
    long observations,
    double trained,
    double dead,
    double stuck,
    double offset,
    double answer,
    ClassAnswers answers,
    boolean aroundZero,
    Map<String, UnitStatistics> units) {

  /** Images looked at. */
  private static final int IMAGES = 16;

  /** Of fewer images, quarters of the first one are pictures too. */
  static final int PICTURES = 6;

  private static final int FEW_UNITS = 4;

  /** About how many runs a trial makes. */
  static int mostRuns(int samples) {
    return Math.min(IMAGES, samples) + (samples < PICTURES ? 4 : 0);
  }

  /**
   * Runs the network.
   *
   * @param first the first layer whose weights are known
   * @param eligible which of its units say something about preparation
   * @param from how the samples are prepared
   * @param to how they are to be
   */
  static WayTrial of(
      Analysis analysis, Cut first, boolean[] eligible, Normalization from, Normalization to)
      throws InterruptedException {
    Map<String, UnitStatistics> units = new HashMap<>();
    Node batchNormalisation = firstBatchNormalisation(analysis);
    ChannelStatistics normalised = null;
    UnitStatistics inner = null;
    ClassAnswers answers = new ClassAnswers();
    boolean around = true;
    String logits = ClassAnswers.logitsOf(analysis.network(), analysis.outputValue());
    Set<String> read = new HashSet<>();
    analysis.network().cuts().forEach(cut -> read.add(cut.input()));
    read.add(first.input());
    if (batchNormalisation != null) {
      read.add(batchNormalisation.input(0));
    }
    if (logits != null) {
      read.add(logits);
    }
    List<Sample> samples =
        analysis.samples().subList(0, Math.min(IMAGES, analysis.samples().size()));
    for (Sample sample : samples) {
      ImageView image =
          UsualWays.convert(ImageView.of(sample, analysis.network().graph()), from, to);
      around &= UsualWays.isAroundZero(image, to, sample.normalization() != null);
      Values v = analysis.run(image.tensor(), read::contains);
      for (Cut cut : analysis.network().cuts()) {
        Value x = v.floats().get(cut.input());
        if (x != null) {
          units.computeIfAbsent(cut.output(), _ -> new UnitStatistics(cut, x.channels())).add(x, 1);
        }
      }
      Value x = batchNormalisation == null ? null : v.floats().get(batchNormalisation.input(0));
      if (x != null) {
        normalised = normalised == null ? new ChannelStatistics(x.channels()) : normalised;
        normalised.add(x.inner());
      }
      Value before = v.floats().get(first.input());
      inner = inner == null ? new UnitStatistics(first, before.channels()) : inner;
      inner.add(before.inner(), 1);
      if (logits != null) {
        answers.add(v.floats().get(logits));
      }
    }
    if (samples.size() < PICTURES && answers.classes() >= ClassAnswers.CLASSES) {
      ImageView image =
          UsualWays.convert(ImageView.of(samples.getFirst(), analysis.network().graph()), from, to);
      for (int quarter = 0; quarter < 4; quarter++) {
        answers.add(analysis.run(image.quarter(quarter).tensor(), logits));
      }
    }
    int dead = 0;
    int on = 0;
    int all = 0;
    double answer = 0;
    double[] offsets = new double[eligible.length];
    for (int c = 0; c < eligible.length; c++) {
      if (eligible[c]) {
        offsets[all] = Math.abs(inner.mean(c) - first.bound()) / inner.deviation(c);
        all++;
        dead += inner.isSilent(c) ? 1 : 0;
        on += inner.least(c) > first.bound() ? 1 : 0;
        double mean = inner.mean(c) - first.units().bias(c);
        answer += mean * mean + inner.deviation(c) * inner.deviation(c);
      }
    }
    Arrays.sort(offsets, 0, all);
    return new WayTrial(
        to,
        samples.size(),
        inner.observations(0),
        normalised == null
            ? Double.NaN
            : distance(analysis, batchNormalisation, normalised, eligible),
        all == 0 ? 0 : (double) dead / all,
        all == 0 ? 0 : (double) (dead + on) / all,
        all < FEW_UNITS ? Double.NaN : offsets[all / 2],
        all == 0 ? Double.NaN : Math.sqrt(answer / all),
        answers,
        around,
        units);
  }

  private static Node firstBatchNormalisation(Analysis analysis) {
    for (Node n : analysis.network().graph().nodes()) {
      if (n.op() instanceof Op.BatchNormalization
          && Analysis.isFloat(constant(analysis, n.input(3)))
          && Analysis.isFloat(constant(analysis, n.input(4)))) {
        return n;
      }
    }
    return null;
  }

  private static Tensor constant(Analysis analysis, String name) {
    return analysis.network().graph().constants().get(name);
  }

  /** Mean over channels of the distance of means in deviations, plus the factor between deviations as a logarithm. */
  private static double distance(
      Analysis analysis, Node n, ChannelStatistics seen, boolean[] eligible) {
    float[] mean = constant(analysis, n.input(3)).toFloats();
    float[] variance = constant(analysis, n.input(4)).toFloats();
    double sum = 0;
    int channels = 0;
    boolean ofFirst = eligible.length == mean.length;
    for (int c = 0; c < mean.length; c++) {
      if (ofFirst && !eligible[c]) {
        continue;
      }
      double std = Math.sqrt(variance[c] + ((Op.BatchNormalization) n.op()).epsilon());
      sum +=
          Math.abs(seen.mean(c) - mean[c]) / std
              + Math.abs(Math.log((seen.deviation(c) + 1e-3 * std) / std));
      channels++;
    }
    return channels == 0 ? Double.NaN : sum / channels;
  }
}
