package tacet.insight;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tacet.Model;
import tacet.Result;
import tacet.kernels.DataType;
import tacet.profile.LayerProfile;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * Two forms of one network run in turn on the same input, so that whatever else the machine does falls on both.
 *
 * @param layers in the order of the network, layers without time of their own left out
 * @param baseMilliseconds median of the first form, all layers
 * @param milliseconds median of the second form
 * @param speedup median of the ratios of neighbouring runs
 * @param worstDifference largest difference of an output, as a share of the largest magnitude in that output
 * @param sameTopOne whether the largest value of every output's first image is at the same place
 */
public record Alternation(
    List<Layer> layers,
    double baseMilliseconds,
    double milliseconds,
    double speedup,
    double worstDifference,
    boolean sameTopOne) {

  /** Longest that each form runs until its code is compiled. */
  private static final Duration MOST_WARM_UP = Duration.ofSeconds(15);

  /** Then both on the input itself, whose zeros call for kernels that noise does not. */
  private static final long WARM_UP_NANOS = 1_500_000_000L;

  private static final int FEWEST_WARM_UPS = 3;

  /**
   * One layer, as {@link Alternation} has the whole network.
   *
   * @param kernel of the second form's last run
   */
  public record Layer(
      String name,
      String op,
      String kernel,
      double baseMilliseconds,
      double milliseconds,
      double speedup) {}

  /**
   * @param base what is compared with
   * @param other another form of the same network: the same layers and outputs
   * @param rounds runs of each that count
   */
  public static Alternation of(Model base, Model other, Map<String, Tensor> input, int rounds)
      throws InterruptedException {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    input.forEach((name, t) -> shapes.put(name, t.shape()));
    base.warmUp(shapes, MOST_WARM_UP);
    other.warmUp(shapes, MOST_WARM_UP);
    long start = System.nanoTime();
    for (int i = 0; i < FEWEST_WARM_UPS || System.nanoTime() - start < WARM_UP_NANOS; i++) {
      base.run(input);
      other.run(input);
    }
    Result[] first = new Result[rounds];
    Result[] second = new Result[rounds];
    for (int i = 0; i < rounds; i++) {
      // Each goes first every other time.
      if (i % 2 == 0) {
        first[i] = base.run(input);
        second[i] = other.run(input);
      } else {
        second[i] = other.run(input);
        first[i] = base.run(input);
      }
    }
    int count = first[0].profile().layers().size();
    double[] firstTotal = new double[rounds];
    double[] secondTotal = new double[rounds];
    List<Layer> layers = new ArrayList<>();
    for (int l = 0; l < count; l++) {
      double[] a = new double[rounds];
      double[] b = new double[rounds];
      for (int i = 0; i < rounds; i++) {
        a[i] = first[i].profile().layers().get(l).nanoseconds() / 1e6;
        b[i] = second[i].profile().layers().get(l).nanoseconds() / 1e6;
        firstTotal[i] += a[i];
        secondTotal[i] += b[i];
      }
      LayerProfile p = second[rounds - 1].profile().layers().get(l);
      if (median(a) > 0 && median(b) > 0) {
        layers.add(
            new Layer(p.name(), p.op(), p.kernel(), median(a), median(b), median(ratios(a, b))));
      }
    }
    Result x = first[rounds - 1];
    Result y = second[rounds - 1];
    return new Alternation(
        layers,
        median(firstTotal),
        median(secondTotal),
        median(ratios(firstTotal, secondTotal)),
        worstDifference(x, y),
        sameTopOne(x, y));
  }

  private static double[] ratios(double[] a, double[] b) {
    double[] r = new double[a.length];
    for (int i = 0; i < r.length; i++) {
      r[i] = a[i] / b[i];
    }
    return r;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    return (sorted[n / 2] + sorted[(n - 1) / 2]) / 2;
  }

  private static double worstDifference(Result x, Result y) {
    double worst = 0;
    for (Map.Entry<String, Tensor> e : x.outputs().entrySet()) {
      if (e.getValue().type() != DataType.FLOAT32) {
        continue;
      }
      float[] a = e.getValue().toFloats();
      float[] b = y.output(e.getKey()).toFloats();
      double scale = 0;
      double difference = 0;
      for (int i = 0; i < a.length; i++) {
        scale = Math.max(scale, Math.abs(a[i]));
        difference = Math.max(difference, Math.abs(a[i] - b[i]));
      }
      worst = Math.max(worst, scale == 0 ? difference : difference / scale);
    }
    return worst;
  }

  private static boolean sameTopOne(Result x, Result y) {
    for (Map.Entry<String, Tensor> e : x.outputs().entrySet()) {
      if (e.getValue().type() == DataType.FLOAT32
          && best(e.getValue()) != best(y.output(e.getKey()))) {
        return false;
      }
    }
    return true;
  }

  private static int best(Tensor t) {
    float[] values = t.toFloats();
    int n = t.shape().rank() < 2 ? values.length : (int) (values.length / t.shape().dim(0));
    int best = 0;
    for (int i = 1; i < n; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best;
  }
}
