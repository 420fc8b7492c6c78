package tacet.insight.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import tacet.insight.Finding;
import tacet.insight.cause.Network.Cut;
import tacet.insight.image.Normalization;

/**
 * Pixels prepared in another way than the network was trained with. Every usual way is tried on the
 * same images. Signs that one is better than the way in use:
 *
 * <ul>
 *   <li>batch normalisation: what arrives at the first one is far from the mean and deviation that
 *       it was trained with. Where there is one, no way is better that is farther from it;
 *   <li>the first layer: its units are stuck – silent everywhere or never silent – and the other
 *       way frees them. Units that other causes explain (vanished or purely negative weights, bias)
 *       are left out. More than half of the rest silent is more than the signs of weights would
 *       give, and inputs that are nowhere near zero are a sign too;
 *   <li>the first layer again: the mean of its units is many deviations from where they fire, so
 *       that the image hardly matters beside an offset of the inputs, or beside biases where pixels
 *       are of another scale;
 *   <li>the classes: answers hold far more about which picture they are for, and tell classes apart
 *       better than chance would, or, of few classes, hold at least half of what there is to know
 *       and are no less sure. That the network is surer is no sign by itself: any is surer of
 *       larger inputs. Certainty of everything, of answers that are huge already in the first
 *       layer, is a sign that they are too large.
 * </ul>
 *
 * Where none of these tells two ways apart, that is said: a trained network can be as sure of
 * pictures whose red and blue are swapped.
 */
final class PreprocessingCause implements Cause.OfUnits {

  /** Deviations from what a network was trained with within which one picture may be, or two that are alike. */
  private static final double FEW_PICTURES = 3.5;

  /** Of more pictures, this divided by their number, */
  private static final double DIVIDED = 3;

  /** and this, which so many pictures as are looked at do not average out. */
  private static final double MANY_PICTURES = 0.6;

  private static final double CLEARLY_NEARER = 2;
  private static final double FEW_STUCK = 0.05;

  /** Of fewer, silence all along is no sign: a dense layer has one per image. */
  private static final long ENOUGH_OBSERVATIONS = 30;

  private static final double CHANCE = 0.01;

  /** An answer must hold so much more bits, and as many times more. */
  private static final double BITS_MORE = 0.25;

  private static final double TIMES_MORE = 2;

  /** Of few classes, this part of what answers could hold at most. */
  private static final double LEAST_KNOWN = 0.5;

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

  private static final double LEAST_ELIGIBLE = 0.25;

  /** Part of the first layer whose weights have vanished from which they are what is wrong with it. */
  private static final double MOST_VANISHED = 0.5;

  /** Ways whose score is nearer to the best than this are as good. */
  private static final double AS_GOOD = 0.4;

  private final Analysis analysis;
  private final boolean[] eligible;
  private final WayTrial current;

  /** As in use, but with the images' own mean taken away. */
  private final Normalization own;

  private final List<WayTrial> others = new ArrayList<>();

  /** Better than the one in use, best first. */
  private final List<WayTrial> better;

  /**
   * @param explained causes whose units say nothing about preprocessing
   */
  PreprocessingCause(Analysis analysis, List<Cause.OfUnits> explained) throws InterruptedException {
    this.analysis = analysis;
    Cut first = firstLayer();
    Sample sample = analysis.samples().getFirst();
    ImageView image = ImageView.of(sample, analysis.network().graph());
    Normalization used = UsualWays.inUse(sample, image);
    if (first == null || used == null || sample.noise()) {
      eligible = null;
      current = null;
      own = null;
      better = List.of();
      return;
    }
    eligible = eligible(first, explained);
    current = WayTrial.of(analysis, first, eligible, used, used);
    for (Normalization way : UsualWays.others(used)) {
      others.add(WayTrial.of(analysis, first, eligible, used, way));
    }
    own = UsualWays.centred(used, image);
    if (!UsualWays.isAlike(own, used)
        && others.stream().noneMatch(t -> UsualWays.isAlike(t.way(), own))) {
      others.add(WayTrial.of(analysis, first, eligible, used, own));
    }
    better =
        others.stream()
            .filter(t -> isBetter(t, current))
            .sorted(Comparator.comparingDouble(this::score).reversed())
            .toList();
  }

  /** About how many runs it makes. */
  static long mostRuns(int samples) {
    return (long) UsualWays.MOST * WayTrial.mostRuns(samples);
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
    int vanished = 0;
    for (int c = 0; c < eligible.length; c++) {
      boolean negative = first.units().bias(c) <= 0;
      for (float w : first.units().weights(c)) {
        negative &= w <= 0;
      }
      eligible[c] = !negative;
      for (Cause.OfUnits cause : explained) {
        boolean claimed = cause.claims(first, c);
        eligible[c] &= !claimed;
        // Biases may look large beside badly prepared images. Weights are what they are under any.
        vanished += claimed && cause.kind() == Kind.SMALL_WEIGHTS ? 1 : 0;
      }
      left += eligible[c] ? 1 : 0;
    }
    if (left < LEAST_ELIGIBLE * eligible.length || vanished >= MOST_VANISHED * eligible.length) {
      // What is wrong with most of the layer is wrong with the rest too, if less so.
      Arrays.fill(eligible, false);
    }
    return eligible;
  }

  /** Whether b is clearly better than a. */
  private boolean isBetter(WayTrial b, WayTrial a) {
    if (b.trained() > a.trained()) {
      return false;
    }
    if (isNearerToTrained(b, a)) {
      return true;
    }
    boolean usual = b.answer() <= Math.max(USUAL_ANSWER, 2 * a.answer());
    return usual
            && (isFreed(b, a)
                || isCloser(b, a)
                || isNoLongerHuge(b, a)
                || tellsMoreOfFewClasses(b, a))
        || tellsMore(b, a);
  }

  /** Whether a batch normalisation is given what no pictures would be, and hardly so the other way. */
  private boolean isNearerToTrained(WayTrial b, WayTrial a) {
    // Without their own mean, pictures that are all of one colour come nearer however many they
    // are.
    boolean few = a.images() < 3 || b.way() == own;
    double usual = few ? FEW_PICTURES : MANY_PICTURES + DIVIDED / a.images();
    return a.trained() > usual
        && b.trained() <= usual
        && a.trained() > CLEARLY_NEARER * b.trained();
  }

  /** Whether units that never change have learned to, the dead among them too. */
  private boolean isFreed(WayTrial b, WayTrial a) {
    return a.observations() >= ENOUGH_OBSERVATIONS
        && a.stuck() >= 0.5
        && b.stuck() <= a.stuck() / 2
        && b.dead() <= a.dead() / 2
        && (!a.aroundZero() || manyDead(a));
  }

  /**
   * Whether the image moves units across their cut that an offset, of the inputs or by biases,
   * keeps far from it.
   */
  private static boolean isCloser(WayTrial b, WayTrial a) {
    boolean otherScale = UsualWays.grey(b.way()) > OTHER_SCALE * UsualWays.grey(a.way());
    double far = !a.aroundZero() ? OFFSET : otherScale ? OFFSET_BY_BIAS : Double.POSITIVE_INFINITY;
    return a.observations() >= ENOUGH_OBSERVATIONS
        && a.offset() > far
        && a.offset() < Double.POSITIVE_INFINITY
        && a.offset() > CLEARLY_CLOSER * b.offset();
  }

  /** Whether inputs were so large that the network was certain of anything. */
  private static boolean isNoLongerHuge(WayTrial b, WayTrial a) {
    return a.answer() > HUGE_ANSWER
        && b.answer() < USUAL_ANSWER
        && !a.answers().told()
        && a.answers().sure() > CERTAIN
        && b.answers().sure() < CERTAIN;
  }

  /** Whether answers differ more from picture to picture. */
  private static boolean tellsMore(WayTrial b, WayTrial a) {
    double before = a.answers().information();
    double after = b.answers().information();
    return b.answers().told() && after > TIMES_MORE * before && after > before + BITS_MORE;
  }

  /**
   * The same of too few classes for the largest logit to stand out. Chance, too, has answers that differ, so they must hold
   * most of what there is to know; and be as sure: of pictures that all show one class, rightly said to, little is to be
   * learned, and wrongly prepared ones may seem to hold more.
   */
  private static boolean tellsMoreOfFewClasses(WayTrial b, WayTrial a) {
    ClassAnswers before = a.answers();
    ClassAnswers after = b.answers();
    return after.isOfFewClasses()
        && b.images() >= WayTrial.PICTURES
        && after.information() >= LEAST_KNOWN * after.mostInformation()
        && after.information() > TIMES_MORE * before.information()
        && after.sure() >= before.sure();
  }

  /** Whether more units are dead than half of them by chance (one-sided binomial test). */
  private boolean manyDead(WayTrial t) {
    int n = 0;
    for (boolean e : eligible) {
      n += e ? 1 : 0;
    }
    int dead = (int) Math.round(t.dead() * n);
    double tail = 0;
    double term = Math.pow(0.5, n);
    for (int k = 0; k <= n; k++) {
      tail += k >= dead ? term : 0;
      term *= (double) (n - k) / (k + 1);
    }
    return n > 0 && tail < CHANCE;
  }

  /** How much better a way is than the one in use; what a batch normalisation was trained with decides where there is one. */
  private double score(WayTrial t) {
    if (!Double.isNaN(t.trained())) {
      return Math.log(current.trained() / t.trained());
    }
    double score = Math.log((current.stuck() + 0.02) / (t.stuck() + 0.02));
    if (current.offset() > t.offset()) {
      score += Math.log(current.offset() / t.offset());
    }
    if (t.answers().classes() > 0) {
      score +=
          Math.log((t.answers().information() + 0.1) / (current.answers().information() + 0.1));
    }
    return score;
  }

  @Override
  public Kind kind() {
    return Kind.PREPROCESSING;
  }

  @Override
  public boolean claims(Cut cut, int unit) {
    return !better.isEmpty()
        && analysis.original().units().get(cut.output()).isSilent(unit)
        && !better.getFirst().units().get(cut.output()).isSilent(unit);
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
                    partition.units(cut, Kind.PREPROCESSING) == 1
                        ? "1 unit of %2$s is silent as the images are prepared and fires with them"
                            + " prepared otherwise; it holds %3$s of the layer's zeros."
                        : "%1$d units of %2$s are silent as the images are prepared and fire with"
                            + " them prepared otherwise; they hold %3$s of the layer's zeros.",
                    partition.units(cut, Kind.PREPROCESSING),
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
    List<WayTrial> alike = others.stream().filter(t -> !isBetter(current, t)).toList();
    Evidence evidence =
        new Evidence()
            .put("zeros", partition.zeros(first.output()))
            .put("images", current.images())
            .put("inUse", current.way().describe())
            .put("better", better.isEmpty() ? null : better.getFirst().way().describe())
            .put("notToldApart", alike.stream().map(t -> (Object) t.way().describe()).toList())
            .put("tried", table);
    if (better.isEmpty()) {
      return new Finding(
          "preprocessing",
          first.layer(),
          null,
          Text.format(
              "None of %d other usual ways to prepare the images does clearly better than %s%s.",
              others.size(), current.way().describe(), undecided(alike)),
          false,
          evidence.map());
    }
    double share = partition.share(first.output(), Kind.PREPROCESSING);
    return new Finding(
        "preprocessing",
        first.layer(),
        share > 0 ? share : null,
        Text.format(
            "The images are probably not prepared as the network was trained. They are %s. As %s%s,"
                + " %s.",
            current.way().describe(),
            better.getFirst().way().describe(),
            asGood(),
            String.join(", and ", signs(first, better.getFirst()))),
        true,
        evidence.map());
  }

  /** What the ways differ in that are not clearly worse than the one in use: a mistake in it is not ruled out. */
  private String undecided(List<WayTrial> alike) {
    if (alike.isEmpty()) {
      return "";
    }
    List<String> what = new ArrayList<>();
    if (alike.stream().anyMatch(this::isRescaled)) {
      what.add("the scale");
    }
    if (alike.stream().anyMatch(t -> !isSwapped(t) && !isRescaled(t))) {
      what.add("the mean");
    }
    if (alike.stream().anyMatch(this::isSwapped)) {
      what.add("the order of red and blue");
    }
    String list =
        what.size() == 1
            ? what.getFirst()
            : String.join(", ", what.subList(0, what.size() - 1)) + " or " + what.getLast();
    return Text.format(
        "; %d of them %s not clearly worse either, so that by %s a mistake in %s is not ruled out",
        alike.size(),
        alike.size() == 1 ? "is" : "are",
        current.images() == 1 ? "this image" : "these images",
        list);
  }

  private boolean isSwapped(WayTrial t) {
    return t.way().channels() != current.way().channels();
  }

  private boolean isRescaled(WayTrial t) {
    double ratio = UsualWays.grey(t.way()) / UsualWays.grey(current.way());
    return ratio > OTHER_SCALE || ratio < 1 / OTHER_SCALE;
  }

  private String asGood() {
    double best = score(better.getFirst());
    List<String> ways =
        better.stream()
            .skip(1)
            .filter(t -> best - score(t) < AS_GOOD)
            .map(t -> t.way().describe())
            .toList();
    return ways.isEmpty() ? "" : " (or, about as well, " + String.join("; ", ways) + ")";
  }

  /** What speaks for a way that is better than the one in use. */
  private List<String> signs(Cut first, WayTrial t) {
    List<String> signs = new ArrayList<>();
    if (current.trained() > CLEARLY_NEARER * t.trained()) {
      signs.add(
          Text.format(
              "what reaches the first batch normalisation is %.1f instead of %.1f deviations from"
                  + " what it was trained with",
              t.trained(), current.trained()));
    }
    if (current.observations() >= ENOUGH_OBSERVATIONS
        && t.stuck() <= current.stuck() / 2
        && current.stuck() > FEW_STUCK) {
      signs.add(
          Text.format(
              "%s instead of %s of the units of %s are stuck",
              Text.percent(t.stuck()), Text.percent(current.stuck()), first.layer()));
    }
    if (isCloser(t, current)) {
      signs.add(
          Text.format(
              "half of the units of %s are within %.1f instead of %.1f deviations of firing",
              first.layer(), t.offset(), current.offset()));
    }
    if (isNoLongerHuge(t, current)) {
      signs.add(
          Text.format(
              "units of %s answer with %.2g instead of %.2g, and the network is %s instead of %s"
                  + " sure of its first choice",
              first.layer(),
              t.answer(),
              current.answer(),
              Text.percent(t.answers().sure()),
              Text.percent(current.answers().sure())));
    }
    if (tellsMore(t, current) || tellsMoreOfFewClasses(t, current)) {
      signs.add(
          Text.format(
              "answers differ more between pictures (%.2f instead of %.2f bits) and the first"
                  + " choice gets %s instead of %s",
              t.answers().information(),
              current.answers().information(),
              Text.percent(t.answers().sure()),
              Text.percent(current.answers().sure())));
    }
    return signs;
  }

  private static Map<String, Object> row(WayTrial t) {
    return new Evidence()
        .put("way", t.way().describe())
        .put("stuckUnits", t.stuck())
        .put("deadUnits", t.dead())
        .put("deviationsFromCut", t.offset())
        .put("answer", t.answer())
        .put("largestProbability", t.answers().sure())
        .put("bitsAboutThePicture", t.answers().information())
        .put("classesToldApart", t.answers().told())
        .put("batchNormalisationDistance", t.trained())
        .map();
  }
}
