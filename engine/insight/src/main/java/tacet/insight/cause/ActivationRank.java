package tacet.insight.cause;

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

  /** Between 1 and the number of units, at most samples − 1; 0 where nothing varies; NaN of fewer than two samples. */
  double participationRatio() {
    if (count < 2) {
      return Double.NaN;
    }
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
    if (!varies) {
      return 0;
    }
    double trace = 0;
    double frobenius = 0;
    for (int i = 0; i < count; i++) {
      for (int j = 0; j <= i; j++) {
        float dot = 0;
        for (int c = 0; c < units; c++) {
          dot += scores[i][c] * scores[j][c];
        }
        frobenius += (i == j ? 1 : 2) * (double) dot * dot;
        trace += i == j ? dot : 0;
      }
    }
    return frobenius > 0 ? trace * trace / frobenius : 0;
  }
}
