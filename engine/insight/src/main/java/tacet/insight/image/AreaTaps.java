package tacet.insight.image;

/**
 * How much each input of an axis contributes to each output when the axis shrinks: the length they
 * share over the output's length. Source: OpenCV, {@code computeResizeAreaTab}.
 */
final class AreaTaps {
  private final int taps;
  private final int[] first;
  private final int[] count;
  private final float[] weight;

  private AreaTaps(int taps, int out) {
    this.taps = taps;
    first = new int[out];
    count = new int[out];
    weight = new float[Math.multiplyExact(taps, out)];
  }

  /**
   * @param out at most {@code in}
   */
  static AreaTaps of(int in, int out) {
    double scale = (double) in / out;
    AreaTaps t = new AreaTaps((int) Math.ceil(scale) + 1, out);
    for (int i = 0; i < out; i++) {
      double from = i * scale;
      double to = from + scale;
      double cell = Math.min(scale, in - from);
      int end = Math.min((int) Math.floor(to), in - 1);
      int begin = Math.min((int) Math.ceil(from), end);
      t.first[i] = begin;
      if (begin - from > 1e-3) {
        t.first[i] = begin - 1;
        t.add(i, (begin - from) / cell);
      }
      for (int k = begin; k < end; k++) {
        t.add(i, 1.0 / cell);
      }
      if (to - end > 1e-3) {
        t.add(i, Math.min(Math.min(to - end, 1.0), cell) / cell);
      }
    }
    return t;
  }

  private void add(int i, double w) {
    weight[i * taps + count[i]++] = (float) w;
  }

  int first(int i) {
    return first[i];
  }

  int count(int i) {
    return count[i];
  }

  float weight(int i, int k) {
    return weight[i * taps + k];
  }
}
