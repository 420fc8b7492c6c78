package tacet.bench;

import java.util.SplittableRandom;

/** Numbers to compute with. */
final class Numbers {

  private Numbers() {}

  static float[] normal(SplittableRandom random, int n, double deviation) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) (random.nextGaussian() * deviation);
    }
    return values;
  }
}
