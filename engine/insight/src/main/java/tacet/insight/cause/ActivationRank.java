package tacet.insight.cause;

import java.util.Arrays;
import java.util.SplittableRandom;
import tacet.insight.cause.Values.Value;

/**
 * Effective rank of a layer's activations by the participation ratio of their covariance, (Σλ)² / Σλ² (Gao et al., "A
 * theory of multineuronal dimensionality", 2017), every unit scaled to a variance of one: a network with ReLU stays the
 * same when a unit is scaled and the weights behind it are scaled back, and so must its rank. Needs no eigenvalues: it is
 * (tr K)² / ‖K‖² of the Gram matrix K of the samples, here positions spread over the images.
 */
final class ActivationRank {

  private static final int MOST_SAMPLES = 256;
  private static final int PER_IMAGE = 128;

  /** A deviation of this part of the mean is rounding. */
  private static final double NOTHING = 1e-6;

  private static final int ITERATIONS = 12;

  private final int units;
  private final float[][] samples = new float[MOST_SAMPLES][];
  private int count;

  ActivationRank(int units) {
    this.units = units;
  }

  void add(Value v) {
    int positions = v.positions();
    if (v.channels() != units) {
      return;
    }
    int take = Math.min(PER_IMAGE, positions);
    for (int n = 0; n < v.images(); n++) {
      for (int i = 0; i < take && count < MOST_SAMPLES; i++) {
        int p = (int) ((i + 0.5) * positions / take);
        float[] sample = new float[units];
        for (int c = 0; c < units; c++) {
          sample[c] = v.data()[(n * units + c) * positions + p];
        }
        samples[count++] = sample;
      }
    }
  }

  int samples() {
    return count;
  }

  /** Samples with every unit scaled to mean 0 and deviation 1; null where nothing varies. */
  private float[][] scores() {
    double[] mean = new double[units];
    for (int i = 0; i < count; i++) {
      for (int c = 0; c < units; c++) {
        mean[c] += samples[i][c] / (double) count;
      }
    }
    float[][] scores = new float[count][units];
    boolean varies = false;
    for (int c = 0; c < units; c++) {
      double squares = 0;
      for (int i = 0; i < count; i++) {
        double d = samples[i][c] - mean[c];
        squares += d * d / count;
      }
      double deviation = Math.sqrt(squares);
      if (deviation > NOTHING * Math.abs(mean[c]) && deviation <= Double.MAX_VALUE) {
        varies = true;
        for (int i = 0; i < count; i++) {
          scores[i][c] = (float) ((samples[i][c] - mean[c]) / deviation);
        }
      }
    }
    return varies ? scores : null;
  }

  /**
   * Part of the variance that no choice of {@code k} directions holds: what a layer of that many
   * channels must lose. From below, by subspace iteration on the Gram matrix; NaN of fewer than two
   * samples.
   */
  double beyond(int k) {
    if (count < 2) {
      return Double.NaN;
    }
    float[][] scores = scores();
    if (scores == null || k >= count) {
      return 0;
    }
    double trace = 0;
    for (float[] s : scores) {
      trace += dot(s, s);
    }
    SplittableRandom random = new SplittableRandom(1);
    double[][] basis = new double[k][count];
    for (double[] b : basis) {
      Arrays.setAll(b, _ -> random.nextGaussian());
    }
    double held = 0;
    for (int iteration = 0; iteration < ITERATIONS; iteration++) {
      held = 0;
      for (int j = 0; j < k; j++) {
        double[] x = times(scores, basis[j]);
        for (int i = 0; i < j; i++) {
          double along = 0;
          for (int t = 0; t < count; t++) {
            along += x[t] * basis[i][t];
          }
          for (int t = 0; t < count; t++) {
            x[t] -= along * basis[i][t];
          }
        }
        double length = 0;
        for (double v : x) {
          length += v * v;
        }
        length = Math.sqrt(length);
        held += length;
        for (int t = 0; t < count; t++) {
          basis[j][t] = length > 0 ? x[t] / length : 0;
        }
      }
    }
    return Math.max(0, 1 - held / trace);
  }

  /** The Gram matrix of the samples times a vector. */
  private double[] times(float[][] scores, double[] vector) {
    double[] sum = new double[units];
    for (int i = 0; i < count; i++) {
      for (int c = 0; c < units; c++) {
        sum[c] += scores[i][c] * vector[i];
      }
    }
    double[] out = new double[count];
    for (int i = 0; i < count; i++) {
      for (int c = 0; c < units; c++) {
        out[i] += scores[i][c] * sum[c];
      }
    }
    return out;
  }

  private static float dot(float[] a, float[] b) {
    float dot = 0;
    for (int c = 0; c < a.length; c++) {
      dot += a[c] * b[c];
    }
    return dot;
  }

  /** Between 1 and the number of units, at most samples − 1; 0 where nothing varies; NaN of fewer than two samples. */
  double participationRatio() {
    if (count < 2) {
      return Double.NaN;
    }
    float[][] scores = scores();
    if (scores == null) {
      return 0;
    }
    double trace = 0;
    double frobenius = 0;
    for (int i = 0; i < count; i++) {
      for (int j = 0; j <= i; j++) {
        float dot = dot(scores[i], scores[j]);
        frobenius += (i == j ? 1 : 2) * (double) dot * dot;
        trace += i == j ? dot : 0;
      }
    }
    return frobenius > 0 ? trace * trace / frobenius : 0;
  }
}
