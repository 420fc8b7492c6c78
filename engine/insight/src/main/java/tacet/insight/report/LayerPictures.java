package tacet.insight.report;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import tacet.insight.cause.Trace;

/** A layer's answer to one input, small enough to travel inside a page. */
final class LayerPictures {

  /** Longest side of a map in the page. */
  private static final int MAP_SIDE = 32;

  private static final int ZERO_MAP_SIDE = 64;

  /** Most maps per layer; of more channels these are spread over the order of zero share. */
  private static final int MOST_MAPS = 48;

  private static final int BINS = 60;

  private LayerPictures() {}

  static Map<String, Object> of(Trace t) throws IOException {
    int pixels = t.height() * t.width();
    double[] zeros = new double[t.channels()];
    for (int c = 0; c < zeros.length; c++) {
      for (int i = c * pixels; i < (c + 1) * pixels; i++) {
        zeros[c] += t.data()[i] == 0 ? 1.0 / pixels : 0;
      }
    }
    Map<String, Object> o = new LinkedHashMap<>();
    o.put("width", t.width());
    o.put("height", t.height());
    if (t.input() != null) {
      o.put("histogram", histogram(t.input(), t.bound()));
    }
    if (pixels == 1) {
      o.put("units", units(t));
      return o;
    }
    List<Integer> shown = shown(zeros);
    int[] size = fit(t.width(), t.height(), MAP_SIDE);
    byte[] sprite = new byte[shown.size() * size[0] * size[1]];
    for (int i = 0; i < shown.size(); i++) {
      byte[] map = map(t, shown.get(i), size[0], size[1]);
      System.arraycopy(map, 0, sprite, i * map.length, map.length);
    }
    o.put("maps", DataImages.grey(sprite, size[0], size[1] * shown.size()));
    o.put("mapWidth", size[0]);
    o.put("mapHeight", size[1]);
    o.put("shown", shown);
    o.put("shares", shown.stream().map(c -> (Object) zeros[c]).toList());
    int[] zeroSize = fit(t.width(), t.height(), ZERO_MAP_SIDE);
    o.put(
        "zeroMap", DataImages.grey(zeroMap(t, zeroSize[0], zeroSize[1]), zeroSize[0], zeroSize[1]));
    return o;
  }

  private static int[] fit(int width, int height, int most) {
    double scale = Math.min(1.0, (double) most / Math.max(width, height));
    return new int[] {
      Math.max(1, (int) Math.round(width * scale)), Math.max(1, (int) Math.round(height * scale))
    };
  }

  private static List<Integer> shown(double[] zeros) {
    List<Integer> order =
        IntStream.range(0, zeros.length)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer c) -> -zeros[c]))
            .toList();
    if (order.size() <= MOST_MAPS) {
      return order;
    }
    List<Integer> spread = new ArrayList<>();
    for (int i = 0; i < MOST_MAPS; i++) {
      spread.add(order.get((int) Math.round((double) i * (order.size() - 1) / (MOST_MAPS - 1))));
    }
    return spread;
  }

  /** Magnitudes, area-averaged, against the channel's own largest; 0 only where all that is averaged is zero. */
  private static byte[] map(Trace t, int channel, int width, int height) {
    float[] sum = new float[width * height];
    int[] count = new int[width * height];
    int from = channel * t.height() * t.width();
    for (int y = 0; y < t.height(); y++) {
      int row = y * height / t.height() * width;
      for (int x = 0; x < t.width(); x++) {
        int to = row + x * width / t.width();
        float v = Math.abs(t.data()[from + y * t.width() + x]);
        sum[to] += Float.isFinite(v) ? v : 0;
        count[to]++;
      }
    }
    float most = 0;
    for (int i = 0; i < sum.length; i++) {
      sum[i] /= Math.max(1, count[i]);
      most = Math.max(most, sum[i]);
    }
    byte[] out = new byte[sum.length];
    for (int i = 0; i < out.length; i++) {
      // Sixteen levels tell as much at this size and take half the bytes.
      int level = sum[i] == 0 ? 0 : 1 + Math.round(14 * sum[i] / most);
      out[i] = (byte) (level * 17);
    }
    return out;
  }

  /** Share of channels that are zero at each position, 0 to 255. */
  private static byte[] zeroMap(Trace t, int width, int height) {
    long[] zeros = new long[width * height];
    long[] count = new long[width * height];
    int pixels = t.height() * t.width();
    for (int y = 0; y < t.height(); y++) {
      for (int x = 0; x < t.width(); x++) {
        int to = y * height / t.height() * width + x * width / t.width();
        for (int c = 0; c < t.channels(); c++) {
          zeros[to] += t.data()[c * pixels + y * t.width() + x] == 0 ? 1 : 0;
          count[to]++;
        }
      }
    }
    byte[] out = new byte[zeros.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (byte) Math.round(255.0 * zeros[i] / Math.max(1, count[i]));
    }
    return out;
  }

  private static List<Object> units(Trace t) {
    List<Object> units = new ArrayList<>();
    for (float v : t.data()) {
      units.add((double) v);
    }
    return units;
  }

  /** Counts of values between the 0.2 and 99.8 percentiles; what lies beyond is in the outer bins. */
  private static Map<String, Object> histogram(float[] values, float bound) {
    float[] sorted = values.clone();
    java.util.Arrays.sort(sorted);
    double low = Math.min(bound, sorted[(int) (0.002 * (sorted.length - 1))]);
    double high = Math.max(bound, sorted[(int) (0.998 * (sorted.length - 1))]);
    if (!(high > low) || Double.isInfinite(high - low)) {
      low = bound - 1;
      high = bound + 1;
    }
    // The cut is the edge of a bin, so that the bins on its left are exactly what becomes zero.
    double width = (high - low) / BINS;
    low = bound - Math.ceil((bound - low) / width) * width;
    long[] bins = new long[BINS + 1];
    for (float v : values) {
      int bin = (int) Math.ceil((v - low) / width) - 1;
      bins[Math.max(0, Math.min(BINS, bin))]++;
    }
    Map<String, Object> o = new LinkedHashMap<>();
    o.put("low", low);
    o.put("step", width);
    o.put("cut", (double) bound);
    o.put("bins", java.util.Arrays.stream(bins).boxed().toList());
    return o;
  }
}
