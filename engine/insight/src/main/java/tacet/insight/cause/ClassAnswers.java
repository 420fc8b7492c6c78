package tacet.insight.cause;

import java.util.ArrayList;
import java.util.List;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.insight.cause.Values.Value;

/** What a classifier says about several pictures: logits of classes for each. */
final class ClassAnswers {

  /** Of fewer classes, the largest logit of one answer cannot be told from what chance gives. */
  static final int CLASSES = 20;

  /** Deviations that a logit must be farther out than the largest of as many normal ones. */
  private static final double OUTSTANDING = 4;

  /** One in so many pictures that shows a class is more than chance gives, and not all show one. */
  private static final int PART = 3;

  private final List<double[]> logits = new ArrayList<>();

  /** The value that holds a network's logits: what its last softmax reads, or what its last linear layer says; else null. */
  static String logitsOf(Network network, String output) {
    Node n = network.producers().get(output);
    if (n != null && n.op() instanceof Op.Softmax) {
      return n.input(0);
    }
    Units last = Units.behind(output, network.graph(), network.producers());
    return last != null && last.count() >= CLASSES ? output : null;
  }

  /**
   * Adds what was said.
   *
   * @param value null, or of several positions, where there are no classes to speak of: then it is passed over
   */
  void add(Value value) {
    if (value == null || value.positions() != 1 || value.channels() < 2) {
      return;
    }
    for (int n = 0; n < value.images(); n++) {
      double[] one = new double[value.channels()];
      for (int c = 0; c < one.length; c++) {
        one[c] = value.data()[n * one.length + c];
      }
      logits.add(one);
    }
  }

  /** How many classes; 0 of no answers. */
  int classes() {
    return logits.isEmpty() ? 0 : logits.getFirst().length;
  }

  /** Mean largest probability; NaN of no answers. */
  double sure() {
    return logits.stream()
        .mapToDouble(l -> probabilities(l)[largest(l)])
        .average()
        .orElse(Double.NaN);
  }

  /**
   * Bits that an answer holds about which picture it was given for: the entropy of the mean answer less the mean entropy of
   * answers (mutual information). 0 of a network that says the same of every picture, be it certain or not; at most the
   * logarithm of the number of pictures. NaN of no answers.
   */
  double information() {
    if (logits.isEmpty()) {
      return Double.NaN;
    }
    double[] mean = new double[logits.getFirst().length];
    double entropy = 0;
    for (double[] one : logits) {
      double[] p = probabilities(one);
      for (int c = 0; c < mean.length; c++) {
        mean[c] += p[c] / logits.size();
        entropy += surprise(p[c]) / logits.size();
      }
    }
    double all = 0;
    for (double m : mean) {
      all += surprise(m);
    }
    return Math.max(0, all - entropy);
  }

  /** Bits that answers could hold at most: no more than there are classes, or pictures, to tell apart. NaN of no answers. */
  double mostInformation() {
    return logits.isEmpty()
        ? Double.NaN
        : Math.log(Math.min(classes(), logits.size())) / Math.log(2);
  }

  /** Whether there are classes, but fewer than {@link #told()} can speak of. */
  boolean isOfFewClasses() {
    return classes() > 1 && classes() < CLASSES;
  }

  private static double surprise(double p) {
    return p > 0 ? -p * Math.log(p) / Math.log(2) : 0;
  }

  /**
   * Whether classes are told apart: for one in three of the pictures the largest logit is farther out, by four standard
   * deviations, than the largest of as many independent normal ones is on average (extreme value theory).
   */
  boolean told() {
    if (classes() < CLASSES) {
      return false;
    }
    int told = 0;
    for (double[] l : logits) {
      double a = Math.sqrt(2 * Math.log(l.length));
      double mean = a - (Math.log(Math.log(l.length)) + Math.log(4 * Math.PI)) / (2 * a);
      double deviation = Math.PI / (Math.sqrt(6) * a);
      told += outstanding(l) > mean + OUTSTANDING * deviation ? 1 : 0;
    }
    return told > 0 && PART * told >= logits.size();
  }

  /** Standard deviations from the mean logit to the largest. */
  private static double outstanding(double[] logits) {
    double sum = 0;
    double squares = 0;
    for (double l : logits) {
      sum += l;
      squares += l * l;
    }
    double mean = sum / logits.length;
    double deviation = Math.sqrt(Math.max(0, squares / logits.length - mean * mean));
    return (logits[largest(logits)] - mean) / deviation;
  }

  private static double[] probabilities(double[] logits) {
    double most = logits[largest(logits)];
    double[] p = new double[logits.length];
    double sum = 0;
    for (int c = 0; c < p.length; c++) {
      p[c] = Math.exp(logits[c] - most);
      sum += p[c];
    }
    for (int c = 0; c < p.length; c++) {
      p[c] /= sum;
    }
    return p;
  }

  private static int largest(double[] x) {
    int most = 0;
    for (int c = 1; c < x.length; c++) {
      most = x[c] > x[most] ? c : most;
    }
    return most;
  }
}
