package tacet.insight.cause;

import java.util.Arrays;
import tacet.insight.cause.Values.Value;

/** Range, moments and oddities of a value per channel, over images and positions. */
final class ChannelStatistics {

  private final float[] least;
  private final float[] most;
  private final double[] sum;
  private final double[] squares;
  private final long[] zeros;
  private final long[] nonFinite;
  private long perChannel;

  ChannelStatistics(int channels) {
    least = new float[channels];
    most = new float[channels];
    sum = new double[channels];
    squares = new double[channels];
    zeros = new long[channels];
    nonFinite = new long[channels];
    Arrays.fill(least, Float.POSITIVE_INFINITY);
    Arrays.fill(most, Float.NEGATIVE_INFINITY);
  }

  void add(Value v) {
    begin(v);
    add(v, 0, channels());
  }

  /** Counts a value whose channels are then added, all of them, by whatever threads. */
  void begin(Value v) {
    perChannel += (long) v.images() * v.positions();
  }

  /** Adds some channels of a value. */
  void add(Value v, int first, int end) {
    int positions = v.positions();
    for (int n = 0; n < v.images(); n++) {
      for (int c = first; c < end; c++) {
        int from = (n * channels() + c) * positions;
        double s = 0;
        double q = 0;
        for (int i = from; i < from + positions; i++) {
          float x = v.data()[i];
          if (!Float.isFinite(x)) {
            nonFinite[c]++;
            continue;
          }
          zeros[c] += x == 0 ? 1 : 0;
          s += x;
          q += (double) x * x;
          least[c] = Math.min(least[c], x);
          most[c] = Math.max(most[c], x);
        }
        sum[c] += s;
        squares[c] += q;
      }
    }
  }

  int channels() {
    return sum.length;
  }

  long elements() {
    return perChannel * channels();
  }

  long perChannel() {
    return perChannel;
  }

  float least(int c) {
    return least[c];
  }

  float most(int c) {
    return most[c];
  }

  long zeros(int c) {
    return zeros[c];
  }

  long zeros() {
    return Arrays.stream(zeros).sum();
  }

  long nonFinite() {
    return Arrays.stream(nonFinite).sum();
  }

  double mean(int c) {
    return perChannel == 0 ? 0 : sum[c] / perChannel;
  }

  double deviation(int c) {
    double m = mean(c);
    return perChannel == 0 ? 0 : Math.sqrt(Math.max(0, squares[c] / perChannel - m * m));
  }

  /** Root of the mean square over everything. */
  double rms() {
    return elements() == 0 ? 0 : Math.sqrt(Arrays.stream(squares).sum() / elements());
  }

  float largestMagnitude() {
    float m = 0;
    for (int c = 0; c < channels(); c++) {
      m = Math.max(m, Math.max(Math.abs(least[c]), Math.abs(most[c])));
    }
    return Float.isFinite(m) ? m : 0;
  }
}
