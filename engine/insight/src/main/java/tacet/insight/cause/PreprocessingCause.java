package tacet.insight.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.insight.Finding;
import tacet.insight.cause.Network.Cut;
import tacet.insight.cause.Values.Value;
import tacet.insight.image.Normalization;
import tacet.insight.image.Normalization.Channels;
import tacet.tensor.Tensor;

/**
 * Pixels prepared in another way than the network was trained with. Every usual way is tried on the
 * same images. Signs that one is better than the way in use:
 *
 * <ul>
 *   <li>batch normalisation: what arrives at the first one is far from the mean and deviation that
 *       it was trained with;
 *   <li>the first layer: its units are stuck – silent everywhere or never silent – and the other
 *       way frees them. Units that other causes explain (vanished or purely negative weights, bias)
 *       are left out. More than half of the rest silent is more than the signs of weights would
 *       give, and inputs that are nowhere near zero are a sign too;
 *   <li>the first layer again: the mean of its units is many deviations from where they fire, so
 *       that the image hardly matters beside an offset of the inputs, or beside biases where pixels
 *       are of another scale;
 *   <li>the classes: the network is far surer of them, and tells them apart better than chance
 *       would. Alone this counts only between ways of like scale, since any network is surer of
 *       larger inputs; certainty of everything, of answers that are huge already in the first
 *       layer, is a sign that they are too large.
 * </ul>
 */
final class PreprocessingCause implements Cause.OfUnits {

  private static final int IMAGES = 3;

  /** Tried at most, the one in use included. */
  private static final int WAYS = 14;

  private static final double FAR_FROM_TRAINED = 3.5;
  private static final double CLEARLY_NEARER = 2;
  private static final double CLEARLY_SURER = 1.8;
  private static final double LIKE_SCALE = 4;
  private static final double FEW_STUCK = 0.05;
  private static final double CHANCE = 0.01;

  /**
   * Deviations between a unit's mean and its cut: more, and the image hardly moves it; with inputs
   * nowhere near zero.
   */
  private static final double OFFSET = 4;

  /** The same where inputs are around zero, but so small that biases decide. */
  private static final double OFFSET_BY_BIAS = 8;

  private static final double CLEARLY_CLOSER = 3;

  /** A grey level is larger by so much where another way is one of another scale. */
  private static final double OTHER_SCALE = 8;

  /** Units of a network initialised as usual answer with about 1 to inputs of its scale. */
  private static final double USUAL_ANSWER = 5;

  /** Answers, and certainty, that say that inputs are much too large. */
  private static final double HUGE_ANSWER = 20;

  private static final double CERTAIN = 0.9999;

  private static final int FEW_UNITS = 4;

  private static final double LEAST_ELIGIBLE = 0.25;

  /**
   * What the network does when images are prepared in one way.
   *
   * @param trained distance from the first batch normalisation's statistics, in deviations; NaN
   *     without one
   * @param dead part of the eligible units of the first layer that is silent everywhere
   * @param stuck part that is silent everywhere or never silent
   * @param offset of half of the eligible units no more deviations from their mean to the cut than
   *     this; NaN of too few units
   * @param answer root mean square of what eligible units make of the input, without bias
   * @param sure mean largest probability; NaN where the output is none
   * @param told whether the largest logit is farther out than that of as many normal ones would be
   *     by chance
   * @param scale root mean square of the input
   * @param aroundZero whether zero is between black and white
   */
  private record Trial(
      Normalization way,
      double trained,
      double dead,
      double stuck,
      double offset,
      double answer,
      double sure,
      boolean told,
      double scale,
      boolean aroundZero,
      Map<String, UnitStatistics> units) {}

  private final Analysis analysis;
  private final boolean[] eligible;
  private final Trial current;
  private final List<Trial> others = new ArrayList<>();
  private final Trial better;

  /**
   * @param explained causes whose units say nothing about preprocessing
   */
  PreprocessingCause(Analysis analysis, List<Cause.OfUnits> explained) throws InterruptedException {
    this.analysis = analysis;
    Cut first = firstLayer();
    ImageView image = ImageView.of(analysis.samples().getFirst(), analysis.network().graph());
    Normalization used = used(image);
    if (first == null || used == null || analysis.samples().getFirst().noise()) {
      eligible = null;
      current = null;
      better = null;
      return;
    }
    eligible = eligible(first, explained);
    current = trial(first, used, used);
    for (Normalization way : ways(used, image)) {
      if (!way.describe().equals(used.describe())) {
        others.add(trial(first, used, way));
      }
    }
    Trial best = null;
    for (Trial t : others) {
      if (isBetter(t) && (best == null || score(t) > score(best))) {
        best = t;
      }
    }
    better = best;
  }

  /** About how many runs it makes. */
  static long mostRuns(int samples) {
    return (long) WAYS * Math.min(IMAGES, samples);
  }

  private Normalization used(ImageView image) {
    Normalization n = analysis.samples().getFirst().normalization();
    if (n == null) {
      n = ImageView.guess(image);
    }
    if (n == null && (image.channels() == 1 || image.channels() == 3)) {
      Channels c = image.channels() == 3 ? Channels.RGB : Channels.GREY;
      n = new Normalization(c, 1, new float[] {0}, new float[] {1});
    }
    return n != null && n.channels().count() == image.channels() ? n : null;
  }

  private Cut firstLayer() {
    for (Cut cut : analysis.network().cuts()) {
      if (cut.units() != null) {
        return cut;
      }
    }
    return null;
  }

  private static boolean[] eligible(Cut first, List<Cause.OfUnits> explained) {
    boolean[] eligible = new boolean[first.units().count()];
    int left = 0;
    for (int c = 0; c < eligible.length; c++) {
      boolean negative = first.units().bias(c) <= 0;
      for (float w : first.units().weights(c)) {
        negative &= w <= 0;
      }
      eligible[c] = !negative;
      for (Cause.OfUnits cause : explained) {
        eligible[c] &= !cause.claims(first, c);
      }
      left += eligible[c] ? 1 : 0;
    }
    if (left < LEAST_ELIGIBLE * eligible.length) {
      // What is wrong with most of the layer is wrong with the rest too, if less so.
      Arrays.fill(eligible, false);
    }
    return eligible;
  }

  private static List<Normalization> ways(Normalization used, ImageView image) {
    List<Normalization> ways = new ArrayList<>();
    float[] none = {0};
    float[] one = {1};
    Channels[] orders =
        used.channels() == Channels.GREY
            ? new Channels[] {Channels.GREY}
            : new Channels[] {Channels.RGB, Channels.BGR};
    for (Channels c : orders) {
      ways.add(new Normalization(c, used.scale(), used.mean(), used.std()));
      ways.add(new Normalization(c, 1f / 255, none, one));
      ways.add(new Normalization(c, 1 / 127.5f, one, one));
      ways.add(new Normalization(c, 1, none, one));
      if (c == Channels.RGB) {
        ways.add(
            new Normalization(
                c,
                1f / 255,
                new float[] {0.485f, 0.456f, 0.406f},
                new float[] {0.229f, 0.224f, 0.225f}));
        ways.add(new Normalization(c, 1, new float[] {123, 117, 104}, one));
      } else if (c == Channels.BGR) {
        ways.add(new Normalization(c, 1, new float[] {104, 117, 123}, one));
      }
    }
    ways.add(centred(used, image));
    return ways;
  }

  /** As in use, but with the image's own mean taken away. */
  private static Normalization centred(Normalization used, ImageView image) {
    float[] mean = used.mean();
    for (int c = 0; c < image.channels(); c++) {
      double sum = 0;
      for (int n = 0; n < image.images(); n++) {
        int from = (n * image.channels() + c) * image.pixels();
        for (int p = from; p < from + image.pixels(); p++) {
          sum += image.planes()[p];
        }
      }
      mean[c] += (float) (sum / image.images() / image.pixels() * used.std()[c]);
    }
    return new Normalization(used.channels(), used.scale(), mean, used.std());
  }

  private Trial trial(Cut first, Normalization from, Normalization to) throws InterruptedException {
    Map<String, UnitStatistics> units = new HashMap<>();
    ChannelStatistics normalised = null;
    UnitStatistics s = null;
    Node batchNormalisation = firstBatchNormalisation();
    double sure = 0;
    boolean told = true;
    double squares = 0;
    boolean around = true;
    int images = Math.min(IMAGES, analysis.samples().size());
    for (Sample sample : analysis.samples().subList(0, images)) {
      ImageView image = convert(ImageView.of(sample, analysis.network().graph()), from, to);
      squares += rms(image) / images;
      around &= aroundZero(image, to, analysis.samples().getFirst().normalization() != null);
      Values v = analysis.run(image.tensor());
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
      s = s == null ? new UnitStatistics(first, before.channels()) : s;
      s.add(before.inner(), 1);
      Value output = v.floats().get(analysis.outputValue());
      sure += largestProbability(output) / images;
      told &= isTold(output);
    }
    int dead = 0;
    int on = 0;
    int all = 0;
    double answer = 0;
    double[] offsets = new double[eligible.length];
    for (int c = 0; c < eligible.length; c++) {
      if (eligible[c]) {
        offsets[all] = Math.abs(s.mean(c) - first.bound()) / s.deviation(c);
        all++;
        dead += s.isSilent(c) ? 1 : 0;
        on += s.least(c) > first.bound() ? 1 : 0;
        double mean = s.mean(c) - first.units().bias(c);
        answer += mean * mean + s.deviation(c) * s.deviation(c);
      }
    }
    Arrays.sort(offsets, 0, all);
    return new Trial(
        to,
        normalised == null ? Double.NaN : distance(batchNormalisation, normalised),
        all == 0 ? 0 : (double) dead / all,
        all == 0 ? 0 : (double) (dead + on) / all,
        all < FEW_UNITS ? Double.NaN : offsets[all / 2],
        all == 0 ? Double.NaN : Math.sqrt(answer / all),
        sure,
        told,
        squares,
        around,
        units);
  }

  private Node firstBatchNormalisation() {
    for (Node n : analysis.network().graph().nodes()) {
      if (n.op() instanceof Op.BatchNormalization
          && Analysis.isFloat(constant(n.input(3)))
          && Analysis.isFloat(constant(n.input(4)))) {
        return n;
      }
    }
    return null;
  }

  private Tensor constant(String name) {
    return analysis.network().graph().constants().get(name);
  }

  /** Mean over channels of the distance of means in deviations, plus the factor between deviations as a logarithm. */
  private double distance(Node n, ChannelStatistics seen) {
    float[] mean = constant(n.input(3)).toFloats();
    float[] variance = constant(n.input(4)).toFloats();
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

  /**
   * Whether a network tells classes apart: of every image the largest logit is four standard
   * deviations farther out than the largest of as many independent normal ones is on average
   * (extreme value theory). Of few classes that cannot be.
   */
  private static boolean isTold(Value y) {
    if (Double.isNaN(largestProbability(y))) {
      return false;
    }
    int n = y.channels();
    double a = Math.sqrt(2 * Math.log(n));
    double mean = a - (Math.log(Math.log(n)) + Math.log(4 * Math.PI)) / (2 * a);
    double deviation = Math.PI / (Math.sqrt(6) * a);
    for (int i = 0; i < y.images(); i++) {
      double sum = 0;
      double squares = 0;
      double most = Double.NEGATIVE_INFINITY;
      for (int c = 0; c < n; c++) {
        if (y.data()[i * n + c] < Float.MIN_NORMAL) {
          // How far behind it is was lost: so far that certainty says more of scale than of
          // classes.
          return false;
        }
        double logit = Math.log(y.data()[i * n + c]);
        sum += logit;
        squares += logit * logit;
        most = Math.max(most, logit);
      }
      double m = sum / n;
      double std = Math.sqrt(Math.max(0, squares / n - m * m));
      if (!(most - m > (mean + 4 * deviation) * std)) {
        return false;
      }
    }
    return true;
  }

  /** NaN where the output is not one distribution per image. */
  private static double largestProbability(Value y) {
    if (y == null || y.positions() != 1 || y.channels() < 2) {
      return Double.NaN;
    }
    double mean = 0;
    for (int n = 0; n < y.images(); n++) {
      double sum = 0;
      float most = 0;
      for (int c = 0; c < y.channels(); c++) {
        float p = y.data()[n * y.channels() + c];
        if (!(p >= 0)) {
          return Double.NaN;
        }
        sum += p;
        most = Math.max(most, p);
      }
      if (Math.abs(sum - 1) > 1e-3) {
        return Double.NaN;
      }
      mean += most / y.images();
    }
    return mean;
  }

  private static double rms(ImageView image) {
    double sum = 0;
    for (float x : image.planes()) {
      sum += (double) x * x;
    }
    return Math.sqrt(sum / image.planes().length);
  }

  private static boolean aroundZero(ImageView image, Normalization way, boolean known) {
    if (known) {
      for (int c = 0; c < image.channels(); c++) {
        double black = -way.mean()[c] / way.std()[c];
        double white = (255 * way.scale() - way.mean()[c]) / way.std()[c];
        double margin = Math.abs(white - black) / 2;
        if (Math.min(black, white) > margin || Math.max(black, white) < -margin) {
          return false;
        }
      }
      return true;
    }
    if (ImageView.guess(image) != null) {
      return true;
    }
    float least = Float.POSITIVE_INFINITY;
    float most = Float.NEGATIVE_INFINITY;
    for (float x : image.planes()) {
      least = Math.min(least, x);
      most = Math.max(most, x);
    }
    return least <= most - least && most >= least - most;
  }

  private static ImageView convert(ImageView image, Normalization from, Normalization to) {
    if (from == to) {
      return image;
    }
    float[] out = new float[image.planes().length];
    int pixels = image.pixels();
    boolean swap = from.channels() != to.channels();
    float[] fromMean = from.mean();
    float[] fromStd = from.std();
    float[] toMean = to.mean();
    float[] toStd = to.std();
    for (int plane = 0; plane < image.images() * image.channels(); plane++) {
      int c = plane % image.channels();
      int source = swap ? image.channels() - 1 - c : c;
      int base = (plane - c + source) * pixels;
      for (int p = 0; p < pixels; p++) {
        double pixel =
            (image.planes()[base + p] * fromStd[source] + fromMean[source]) / from.scale();
        out[plane * pixels + p] = (float) ((pixel * to.scale() - toMean[c]) / toStd[c]);
      }
    }
    return image.with(out);
  }

  private boolean isBetter(Trial t) {
    if (t.trained > 2 * current.trained) {
      return false;
    }
    if (current.trained > FAR_FROM_TRAINED && current.trained > CLEARLY_NEARER * t.trained) {
      return true;
    }
    boolean usual = t.answer <= Math.max(USUAL_ANSWER, 2 * current.answer);
    if (usual && (isFreed(t) || isCloser(t) || isNoLongerHuge(t))) {
      return true;
    }
    double ratio = t.scale / current.scale;
    boolean alike = ratio < LIKE_SCALE && ratio > 1 / LIKE_SCALE;
    boolean freed = t.stuck <= current.stuck / 2 && current.stuck > FEW_STUCK;
    return t.told && t.sure > CLEARLY_SURER * current.sure && (alike || freed);
  }

  /** Whether units that never change have learned to, the dead among them too. */
  private boolean isFreed(Trial t) {
    return current.stuck >= 0.5
        && t.stuck <= current.stuck / 2
        && t.dead <= current.dead / 2
        && (!current.aroundZero || manyDead());
  }

  /**
   * Whether the image moves units across their cut that an offset, of the inputs or by biases,
   * keeps far from it.
   */
  private boolean isCloser(Trial t) {
    boolean otherScale = grey(t.way) > OTHER_SCALE * grey(current.way);
    double far =
        !current.aroundZero ? OFFSET : otherScale ? OFFSET_BY_BIAS : Double.POSITIVE_INFINITY;
    return current.offset > far
        && current.offset < Double.POSITIVE_INFINITY
        && current.offset > CLEARLY_CLOSER * t.offset;
  }

  /** Whether inputs were so large that the network was certain of anything. */
  private boolean isNoLongerHuge(Trial t) {
    return current.answer > HUGE_ANSWER
        && t.answer < USUAL_ANSWER
        && !current.told
        && current.sure > CERTAIN
        && t.sure < CERTAIN;
  }

  /** How much a grey level is. */
  private static double grey(Normalization n) {
    return n.scale() / n.std()[0];
  }

  /** Whether more units are dead than half of them by chance (one-sided binomial test). */
  private boolean manyDead() {
    int n = 0;
    for (boolean e : eligible) {
      n += e ? 1 : 0;
    }
    int dead = (int) Math.round(current.dead * n);
    double tail = 0;
    double term = Math.pow(0.5, n);
    for (int k = 0; k <= n; k++) {
      tail += k >= dead ? term : 0;
      term *= (double) (n - k) / (k + 1);
    }
    return n > 0 && tail < CHANCE;
  }

  private double score(Trial t) {
    double score = Math.log((current.stuck + 0.02) / (t.stuck + 0.02));
    if (current.offset > t.offset) {
      score += Math.log(current.offset / t.offset);
    }
    if (!Double.isNaN(t.trained)) {
      score += Math.log(current.trained / t.trained);
    }
    if (!Double.isNaN(t.sure)) {
      score += 2 * Math.log(t.sure / current.sure);
    }
    return score;
  }

  @Override
  public Kind kind() {
    return Kind.PREPROCESSING;
  }

  @Override
  public boolean claims(Cut cut, int unit) {
    return better != null
        && analysis.original().units().get(cut.output()).isSilent(unit)
        && !better.units.get(cut.output()).isSilent(unit);
  }

  @Override
  public List<Finding> findings(Partition partition) {
    if (current == null) {
      return List.of();
    }
    List<Finding> found = new ArrayList<>();
    Cut first = firstLayer();
    found.add(finding(first, partition));
    for (Cut cut : analysis.network().cuts()) {
      double share = partition.share(cut.output(), Kind.PREPROCESSING);
      if (cut != first && share > 0) {
        found.add(
            new Finding(
                "preprocessing",
                cut.layer(),
                share,
                Text.format(
                    "%s of %s are silent as the images are prepared and fire with them prepared"
                        + " otherwise; they hold %s of its zeros.",
                    Text.plural(partition.units(cut, Kind.PREPROCESSING), "unit"),
                    cut.layer(),
                    Text.percent(share)),
                true,
                new Evidence().put("zeros", partition.zeros(cut.output())).map()));
      }
    }
    return found;
  }

  private Finding finding(Cut first, Partition partition) {
    List<Object> table = new ArrayList<>();
    table.add(row(current));
    others.forEach(t -> table.add(row(t)));
    Evidence evidence =
        new Evidence()
            .put("zeros", partition.zeros(first.output()))
            .put("inUse", current.way.describe())
            .put("better", better == null ? null : better.way.describe())
            .put("tried", table);
    if (better == null) {
      return new Finding(
          "preprocessing",
          first.layer(),
          null,
          Text.format(
              "None of %d other usual ways to prepare the images does clearly better than %s.",
              others.size(), current.way.describe()),
          false,
          evidence.map());
    }
    List<String> signs = new ArrayList<>();
    if (current.trained > CLEARLY_NEARER * better.trained) {
      signs.add(
          Text.format(
              "what reaches the first batch normalisation is %.1f instead of %.1f deviations from"
                  + " what it was trained with",
              current.trained, better.trained));
    }
    if (better.stuck <= current.stuck / 2 && current.stuck > FEW_STUCK) {
      signs.add(
          Text.format(
              "%s instead of %s of the units of %s are stuck",
              Text.percent(current.stuck), Text.percent(better.stuck), first.layer()));
    }
    if (isCloser(better)) {
      signs.add(
          Text.format(
              "half of the units of %s are no more than %.1f instead of %.1f deviations away from"
                  + " firing",
              first.layer(), better.offset, current.offset));
    }
    if (isNoLongerHuge(better)) {
      signs.add(
          Text.format(
              "units of %s answer with %.2g instead of %.2g, and the network is %s instead of %s"
                  + " sure of its first choice",
              first.layer(),
              better.answer,
              current.answer,
              Text.percent(better.sure),
              Text.percent(current.sure)));
    }
    if (better.told && better.sure > CLEARLY_SURER * current.sure) {
      signs.add(
          Text.format(
              "the network gives its first choice %s instead of %s",
              Text.percent(current.sure), Text.percent(better.sure)));
    }
    double share = partition.share(first.output(), Kind.PREPROCESSING);
    return new Finding(
        "preprocessing",
        first.layer(),
        share > 0 ? share : null,
        Text.format(
            "The images are probably not prepared as the network was trained: with %s instead of"
                + " %s, %s.",
            current.way.describe(), better.way.describe(), String.join(", and ", signs)),
        true,
        evidence.map());
  }

  private static Map<String, Object> row(Trial t) {
    return new Evidence()
        .put("way", t.way.describe())
        .put("stuckUnits", t.stuck)
        .put("deadUnits", t.dead)
        .put("deviationsFromCut", t.offset)
        .put("answer", t.answer)
        .put("largestProbability", t.sure)
        .put("classesToldApart", t.told)
        .put("batchNormalisationDistance", t.trained)
        .map();
  }
}
