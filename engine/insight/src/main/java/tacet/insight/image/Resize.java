package tacet.insight.image;

import java.util.Arrays;

/**
 * Resizes pictures as the libraries do that networks are trained with, since a network notices the
 * difference.
 *
 * <ul>
 *   <li>{@link ResizeMethod#PILLOW_BILINEAR}: Pillow's {@code Resample.c} for 8-bit images.
 *       Horizontal pass, then vertical, each with weights rounded to 22 fractional bits, sums
 *       rounded to 8 bits. Bit for bit the same.
 *   <li>{@link ResizeMethod#OPENCV_LINEAR}: OpenCV's generic {@code resize} for 8-bit images. Pixel
 *       centres at halves, weights of 11 bits, the vertical pass truncating as OpenCV's does;
 *       halving both sides is the mean of four pixels, as there. OpenCV builds that hand the work
 *       to IPP or a vendor's library may differ by 1.
 *   <li>{@link ResizeMethod#AREA}: OpenCV's {@code INTER_AREA}: weighted mean in float32, ties to
 *       even, when neither side grows; otherwise OpenCV falls back to linear weights at other
 *       positions, and so does this.
 * </ul>
 */
public final class Resize {
  private static final int PILLOW_BITS = 22;
  private static final int OPENCV_BITS = 11;

  /**
   * Weights that are not negative and add up to 2^22 but for their rounding make bytes of bytes, if they are fewer: 255 times
   * half of one per weight stays below the half that rounds.
   */
  private static final int EXACT_TAPS = (1 << PILLOW_BITS) / 255;

  private Resize() {}

  /**
   * @param width pixels per row of the result
   * @param height rows of the result
   * @return the resized picture, or {@code picture} itself if it has that size already
   * @throws IllegalArgumentException if a side is not positive or the result has too many pixels
   *     for an array
   */
  public static Picture resize(Picture picture, int width, int height, ResizeMethod method) {
    requireSize(width, height);
    if (width == picture.width() && height == picture.height()) {
      return picture;
    }
    return switch (method) {
      case PILLOW_BILINEAR ->
          pillowBilinear(
              picture,
              new Sizes(picture.width(), picture.height(), width, height, 0, 0, width, height));
      case OPENCV_LINEAR -> openCvLinear(picture, width, height);
      case AREA -> area(picture, width, height);
    };
  }

  /**
   * The same, of which only the middle is kept: from {@code floor((side − cut) / 2)} on. What is cut away is not computed
   * where the method allows that.
   *
   * @param cutWidth at most {@code width}
   * @param cutHeight at most {@code height}
   * @throws IllegalArgumentException as {@link #resize}
   */
  static Picture middle(
      Picture picture, int width, int height, int cutWidth, int cutHeight, ResizeMethod method) {
    int left = (width - cutWidth) / 2;
    int top = (height - cutHeight) / 2;
    if (method == ResizeMethod.PILLOW_BILINEAR
        && (width != picture.width() || height != picture.height())) {
      requireSize(width, height);
      return pillowBilinear(
          picture,
          new Sizes(
              picture.width(), picture.height(), width, height, left, top, cutWidth, cutHeight));
    }
    Picture whole = resize(picture, width, height, method);
    if (width == cutWidth && height == cutHeight) {
      return whole;
    }
    Picture out = Picture.blank(cutWidth, cutHeight);
    for (int y = 0; y < cutHeight; y++) {
      System.arraycopy(
          whole.rgb(), 3 * ((top + y) * width + left), out.rgb(), 3 * y * cutWidth, 3 * cutWidth);
    }
    return out;
  }

  private static void requireSize(int width, int height) {
    if (width < 1 || height < 1 || (long) width * height > Picture.MAX_PIXELS) {
      throw new IllegalArgumentException("cannot resize to " + width + "x" + height + " pixels");
    }
  }

  /**
   * Where each output position takes its input from: {@code count[i]} weights starting at {@code
   * weight[i·taps]} for the inputs from {@code first[i]} on.
   */
  private record Taps(int taps, int[] first, int[] count, int[] weight) {}

  /** A picture's size, the size that it is to have, and the part of it that is asked for. */
  private record Sizes(
      int inWidth,
      int inHeight,
      int width,
      int height,
      int left,
      int top,
      int partWidth,
      int partHeight) {}

  /**
   * Both passes of Pillow's resize.
   *
   * @param across null where the width stays
   * @param down null where the height stays
   * @param held rows that the second pass reads at once
   */
  private record Passes(Sizes sizes, Across across, Taps down, int held) {

    /** The last ones: one picture after the other mostly has the same size. */
    private static volatile Passes last;

    static Passes of(Sizes s) {
      Passes known = last;
      if (known != null && known.sizes.equals(s)) {
        return known;
      }
      Across across =
          s.width == s.inWidth ? null : Across.of(s.inWidth, s.width, s.left, s.partWidth);
      Taps down =
          s.height == s.inHeight ? null : triangle(s.inHeight, s.height, s.top, s.partHeight);
      Passes made = new Passes(s, across, down, down == null ? 1 : most(down));
      last = made;
      return made;
    }
  }

  /** Of the picture in the new size, the part that is asked for. */
  private static Picture pillowBilinear(Picture in, Sizes sizes) {
    Passes passes = Passes.of(sizes);
    Across across = passes.across;
    Taps down = passes.down;
    Picture out = Picture.blank(sizes.partWidth, sizes.partHeight);
    int stride = 3 * sizes.partWidth;
    // Rows that are done, by the remainder of their number.
    int[][] rows = new int[passes.held][stride];
    int[] held = new int[rows.length];
    Arrays.fill(held, -1);
    int[] sum = new int[stride];
    for (int y = 0; y < sizes.partHeight; y++) {
      if (down == null) {
        across.row(in.rgb(), sizes.top + y, sum);
        bytes(sum, 0, out.rgb(), y * stride);
        continue;
      }
      int first = down.first[y];
      int count = down.count[y];
      for (int from = first; from < first + count; from++) {
        int slot = from % rows.length;
        if (held[slot] != from) {
          held[slot] = from;
          if (across == null) {
            unsigned(in.rgb(), 3 * (from * in.width() + sizes.left), rows[slot]);
          } else {
            across.row(in.rgb(), from, rows[slot]);
          }
        }
      }
      add(rows, first, down.weight, y * down.taps, count, sum);
      if (down.taps < EXACT_TAPS) {
        bytes(sum, PILLOW_BITS, out.rgb(), y * stride);
      } else {
        limited(sum, PILLOW_BITS, out.rgb(), y * stride);
      }
    }
    return out;
  }

  private static int most(Taps t) {
    return Arrays.stream(t.count).max().orElseThrow();
  }

  private static void unsigned(byte[] from, int at, int[] to) {
    for (int i = 0; i < to.length; i++) {
      to[i] = from[at + i] & 0xFF;
    }
  }

  /**
   * Sums of rows times their weights, and the half that rounds.
   *
   * @param first number of the first row
   * @param at where its weight is
   */
  private static void add(int[][] rows, int first, int[] weight, int at, int count, int[] sum) {
    int[] a = rows[first % rows.length];
    int[] b = rows[(first + 1) % rows.length];
    int[] c = rows[(first + 2) % rows.length];
    int k = 0;
    if (count > 2) {
      three(a, weight[at], b, weight[at + 1], c, weight[at + 2], sum);
      k = 3;
    } else if (count > 1) {
      two(a, weight[at], b, weight[at + 1], sum);
      k = 2;
    } else {
      Arrays.fill(sum, 1 << PILLOW_BITS - 1);
    }
    for (; k < count; k++) {
      one(rows[(first + k) % rows.length], weight[at + k], sum);
    }
  }

  private static void one(int[] a, int u, int[] sum) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] += a[i] * u;
    }
  }

  private static void two(int[] a, int u, int[] b, int v, int[] sum) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] = a[i] * u + b[i] * v + (1 << PILLOW_BITS - 1);
    }
  }

  private static void three(int[] a, int u, int[] b, int v, int[] c, int w, int[] sum) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] = a[i] * u + b[i] * v + c[i] * w + (1 << PILLOW_BITS - 1);
    }
  }

  private static void limited(int[] sum, int bits, byte[] to, int at) {
    for (int i = 0; i < sum.length; i++) {
      to[at + i] = clamp(sum[i] >> bits);
    }
  }

  /** Of sums that are bytes. */
  private static void bytes(int[] sum, int bits, byte[] to, int at) {
    for (int i = 0; i < sum.length; i++) {
      to[at + i] = (byte) (sum[i] >> bits);
    }
  }

  /**
   * Weights of the triangle filter, scaled by 2^22 and rounded half away from zero.
   *
   * @param from the first of the output positions that are wanted
   * @param wanted how many
   */
  private static Taps triangle(int in, int out, int from, int wanted) {
    double scale = (double) in / out;
    double support = Math.max(scale, 1.0);
    int taps = (int) Math.ceil(support) * 2 + 1;
    int[] weight = new int[Math.multiplyExact(wanted, taps)];
    Taps t = new Taps(taps, new int[wanted], new int[wanted], weight);
    double[] w = new double[taps];
    double inverse = 1.0 / support;
    for (int i = 0; i < wanted; i++) {
      double centre = (from + i + 0.5) * scale;
      int first = Math.max(0, (int) (centre - support + 0.5));
      int count = Math.min(in, (int) (centre + support + 0.5)) - first;
      double sum = 0;
      for (int k = 0; k < count; k++) {
        double distance = Math.abs((k + first - centre + 0.5) * inverse);
        w[k] = distance < 1.0 ? 1.0 - distance : 0.0;
        sum += w[k];
      }
      for (int k = 0; k < count; k++) {
        double share = sum != 0 ? w[k] / sum : w[k];
        weight[i * taps + k] = (int) (0.5 + share * (1 << PILLOW_BITS));
      }
      t.first[i] = first;
      t.count[i] = count;
    }
    return t;
  }

  /**
   * The pass along rows.
   *
   * @param width pixels per row before it
   * @param source where three taps are all, byte offset of the first one in a row, by pixel; else null
   * @param three their weights
   */
  private record Across(int width, Taps taps, int[] source, int[] three) {

    static Across of(int in, int out, int from, int wanted) {
      Taps t = triangle(in, out, from, wanted);
      if (most(t) > 3 || in < 3) {
        return new Across(in, t, null, null);
      }
      // So it is at usual scales. The last pixels begin further left, with a weight of nothing.
      int[] source = new int[wanted];
      int[] three = new int[3 * wanted];
      for (int x = 0; x < wanted; x++) {
        int first = Math.min(t.first[x], in - 3);
        source[x] = 3 * first;
        System.arraycopy(t.weight, x * t.taps, three, 3 * x + t.first[x] - first, t.count[x]);
      }
      return new Across(in, t, source, three);
    }

    void row(byte[] from, int y, int[] to) {
      if (source == null) {
        any(from, 3 * y * width, to);
      } else {
        threeTaps(from, 3 * y * width, source, three, to);
      }
    }

    private static void threeTaps(byte[] from, int row, int[] source, int[] w, int[] to) {
      int half = 1 << PILLOW_BITS - 1;
      int target = 0;
      for (int x = 0; x < source.length; x++, target += 3) {
        int s = row + source[x];
        int u = w[target];
        int v = w[target + 1];
        int z = w[target + 2];
        int r = (from[s] & 0xFF) * u + (from[s + 3] & 0xFF) * v + (from[s + 6] & 0xFF) * z;
        int g = (from[s + 1] & 0xFF) * u + (from[s + 4] & 0xFF) * v + (from[s + 7] & 0xFF) * z;
        int b = (from[s + 2] & 0xFF) * u + (from[s + 5] & 0xFF) * v + (from[s + 8] & 0xFF) * z;
        // Weights are not negative and add up to 2^22 but for their rounding: bytes stay bytes.
        to[target] = r + half >> PILLOW_BITS;
        to[target + 1] = g + half >> PILLOW_BITS;
        to[target + 2] = b + half >> PILLOW_BITS;
      }
    }

    private void any(byte[] from, int row, int[] to) {
      for (int x = 0, target = 0; target < to.length; x++, target += 3) {
        int r = 1 << PILLOW_BITS - 1;
        int g = r;
        int b = r;
        int s = row + 3 * taps.first[x];
        int end = x * taps.taps + taps.count[x];
        for (int k = x * taps.taps; k < end; k++, s += 3) {
          int w = taps.weight[k];
          r += (from[s] & 0xFF) * w;
          g += (from[s + 1] & 0xFF) * w;
          b += (from[s + 2] & 0xFF) * w;
        }
        to[target] = Math.min(255, r >> PILLOW_BITS);
        to[target + 1] = Math.min(255, g >> PILLOW_BITS);
        to[target + 2] = Math.min(255, b >> PILLOW_BITS);
      }
    }
  }

  private static byte clamp(int v) {
    return (byte) Math.max(0, Math.min(255, v));
  }

  private static Picture openCvLinear(Picture in, int width, int height) {
    // OpenCV's resize() itself turns linear into area when both sides are halved exactly.
    if (in.width() == 2L * width && in.height() == 2L * height) {
      return wholeArea(in, 2, 2);
    }
    return twoTaps(
        in, twoTaps(in.width(), width, false, true), twoTaps(in.height(), height, false, false));
  }

  /**
   * @param area whether the positions are those of INTER_AREA when it enlarges
   * @param clip whether a tap beyond the edge moves onto it with all the weight, as OpenCV does
   *     along x; along y it repeats the edge row instead, which rounds differently
   */
  private static Taps twoTaps(int in, int out, boolean area, boolean clip) {
    double inverse = (double) out / in;
    double scale = 1.0 / inverse;
    Taps t = new Taps(2, new int[out], new int[out], new int[2 * out]);
    for (int i = 0; i < out; i++) {
      float f;
      int first;
      if (area) {
        first = (int) Math.floor(i * scale);
        f = (float) ((i + 1) - (first + 1) * inverse);
        f = f <= 0 ? 0f : f - (float) Math.floor(f);
      } else {
        f = (float) ((i + 0.5) * scale - 0.5);
        first = (int) Math.floor(f);
        f -= first;
      }
      if (clip && first < 0) {
        first = 0;
        f = 0;
      }
      if (clip && first >= in - 1) {
        first = in - 1;
        f = 0;
      }
      t.first[i] = first;
      t.weight[2 * i] = (int) Math.rint((1f - f) * (1 << OPENCV_BITS));
      t.weight[2 * i + 1] = (int) Math.rint(f * (1 << OPENCV_BITS));
    }
    return t;
  }

  private static Picture twoTaps(Picture in, Taps h, Taps v) {
    int width = h.first.length;
    int height = v.first.length;
    Picture out = Picture.blank(width, height);
    int[] upper = new int[3 * width];
    int[] lower = new int[3 * width];
    int[] rows = {-1, -1};
    int last = in.height() - 1;
    for (int y = 0; y < height; y++) {
      int y0 = Math.max(0, Math.min(last, v.first[y]));
      int y1 = Math.max(0, Math.min(last, v.first[y] + 1));
      if (rows[1] == y0) {
        int[] swap = upper;
        upper = lower;
        lower = swap;
        rows[0] = rows[1];
        rows[1] = -1;
      }
      if (rows[0] != y0) {
        acrossRow(in, y0, h, upper);
        rows[0] = y0;
      }
      if (rows[1] != y1) {
        acrossRow(in, y1, h, lower);
        rows[1] = y1;
      }
      int a = v.weight[2 * y];
      int b = v.weight[2 * y + 1];
      int to = 3 * y * width;
      for (int i = 0; i < upper.length; i++) {
        int sum = (a * (upper[i] >> 4) >> 16) + (b * (lower[i] >> 4) >> 16);
        out.rgb()[to + i] = clamp(sum + 2 >> 2);
      }
    }
    return out;
  }

  private static void acrossRow(Picture in, int y, Taps h, int[] out) {
    byte[] from = in.rgb();
    int row = 3 * y * in.width();
    int last = in.width() - 1;
    for (int x = 0; x < h.first.length; x++) {
      int left = row + 3 * h.first[x];
      int right = row + 3 * Math.min(last, h.first[x] + 1);
      int a = h.weight[2 * x];
      int b = h.weight[2 * x + 1];
      for (int c = 0; c < 3; c++) {
        out[3 * x + c] = (from[left + c] & 0xFF) * a + (from[right + c] & 0xFF) * b;
      }
    }
  }

  private static Picture area(Picture in, int width, int height) {
    if (width > in.width() || height > in.height()) {
      return twoTaps(
          in, twoTaps(in.width(), width, true, true), twoTaps(in.height(), height, true, false));
    }
    if (in.width() % width == 0 && in.height() % height == 0) {
      return wholeArea(in, in.width() / width, in.height() / height);
    }
    AreaTaps h = AreaTaps.of(in.width(), width);
    AreaTaps v = AreaTaps.of(in.height(), height);
    Picture out = Picture.blank(width, height);
    float[] across = new float[3 * width];
    float[] sum = new float[3 * width];
    for (int y = 0; y < height; y++) {
      Arrays.fill(sum, 0f);
      for (int k = 0; k < v.count(y); k++) {
        areaRow(in, v.first(y) + k, h, across);
        float weight = v.weight(y, k);
        for (int i = 0; i < sum.length; i++) {
          sum[i] += weight * across[i];
        }
      }
      for (int i = 0; i < sum.length; i++) {
        out.rgb()[3 * y * width + i] = clamp((int) Math.rint(sum[i]));
      }
    }
    return out;
  }

  private static void areaRow(Picture in, int y, AreaTaps h, float[] out) {
    byte[] from = in.rgb();
    int row = 3 * y * in.width();
    for (int x = 0; 3 * x < out.length; x++) {
      float r = 0;
      float g = 0;
      float b = 0;
      int source = row + 3 * h.first(x);
      for (int k = 0; k < h.count(x); k++, source += 3) {
        float weight = h.weight(x, k);
        r += (from[source] & 0xFF) * weight;
        g += (from[source + 1] & 0xFF) * weight;
        b += (from[source + 2] & 0xFF) * weight;
      }
      out[3 * x] = r;
      out[3 * x + 1] = g;
      out[3 * x + 2] = b;
    }
  }

  /** Shrinks by whole factors: a sum of integers, so that only the division rounds. */
  private static Picture wholeArea(Picture in, int across, int down) {
    int width = in.width() / across;
    int height = in.height() / down;
    Picture out = Picture.blank(width, height);
    byte[] from = in.rgb();
    float share = 1f / (across * down);
    boolean four = across == 2 && down == 2;
    for (int y = 0, to = 0; y < height; y++) {
      for (int x = 0; x < 3 * width; x++, to++) {
        long sum = 0;
        int corner = 3 * (y * down * in.width() + x / 3 * across) + x % 3;
        for (int dy = 0; dy < down; dy++) {
          for (int dx = 0; dx < across; dx++) {
            sum += from[corner + 3 * (dy * in.width() + dx)] & 0xFF;
          }
        }
        // OpenCV rounds the mean of four up, every other mean to even.
        out.rgb()[to] = clamp(four ? (int) (sum + 2 >> 2) : (int) Math.rint(sum * share));
      }
    }
    return out;
  }
}
