package tacet.insight.image;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import tacet.graph.Op;

/**
 * What becomes of pixel values 0..255 before a network sees them: {@code (x·scale − mean) / std} in
 * float32.
 *
 * @param channels which channels, in which order
 * @param scale factor, the same for all channels
 * @param mean one value, or one per channel in the order of {@code channels} (for BGR blue first),
 *     in scaled units
 * @param std one value, or one per channel in the same order, none zero
 */
public record Normalization(Channels channels, float scale, float[] mean, float[] std) {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** The channels of a network's input. */
  public enum Channels {
    /** Red, green, blue. */
    RGB(0, 1, 2),
    /** Blue, green, red. */
    BGR(2, 1, 0),
    /** Luma as {@link Picture#grey()} has it. */
    GREY(0);

    private final int[] source;

    Channels(int... source) {
      this.source = source;
    }

    /** Number of channels. */
    public int count() {
      return source.length;
    }
  }

  /** The order of dimensions in memory, outermost first. */
  public enum Layout {
    NCHW,
    NHWC
  }

  /**
   * @throws IllegalArgumentException if there are neither one nor as many values as channels, a
   *     value is not finite or a standard deviation is zero
   */
  public Normalization {
    mean = perChannel("mean", mean, channels.count());
    std = perChannel("std", std, channels.count());
    if (!Float.isFinite(scale)) {
      throw new IllegalArgumentException("scale is " + scale);
    }
    for (float s : std) {
      if (s == 0) {
        throw new IllegalArgumentException("std is 0");
      }
    }
  }

  /** Pixels as they are used unless something else is asked for: RGB, 0 to 1. */
  public static Normalization unit() {
    return new Normalization(Channels.RGB, 1f / 255f, new float[] {0f}, new float[] {1f});
  }

  @Override
  public float[] mean() {
    return mean.clone();
  }

  @Override
  public float[] std() {
    return std.clone();
  }

  /**
   * The picture as a network's input.
   *
   * @return one image of shape {@code [1, C, H, W]} or {@code [1, H, W, C]}, by {@code layout}
   * @throws IllegalArgumentException if the picture has too many pixels for one array of float32
   */
  public float[] apply(Picture picture, Layout layout) {
    long elements = (long) picture.width() * picture.height() * channels.count();
    if (elements > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException("too many pixels: " + picture);
    }
    float[] out = new float[(int) elements];
    apply(picture, layout, MemorySegment.ofArray(out));
    return out;
  }

  /**
   * Writes the picture as a network's input, in one pass over it.
   *
   * @param out at least as many float32 as the picture has pixels times channels, for example the memory of a session's
   *     input
   * @throws IndexOutOfBoundsException if {@code out} is too small
   */
  public void apply(Picture picture, Layout layout, MemorySegment out) {
    int count = channels.count();
    int pixels = picture.width() * picture.height();
    byte[] from = channels == Channels.GREY ? picture.grey().rgb() : picture.rgb();
    // 256 possible values: the division is done once for each, exactly as it would be per pixel.
    float[] table = new float[256];
    for (int c = 0; c < count; c++) {
      for (int v = 0; v < 256; v++) {
        table[v] = (v * scale - mean[c]) / std[c];
      }
      int source = channels.source[c];
      long target = layout == Layout.NCHW ? (long) c * pixels : c;
      int step = layout == Layout.NCHW ? 1 : count;
      for (int i = 0; i < pixels; i++, source += 3, target += step) {
        out.setAtIndex(FLOAT, target, table[from[source] & 0xFF]);
      }
    }
  }

  /** The same as an operator on the bytes of pictures, three per pixel. */
  Op.Pixels onBytes() {
    List<Integer> order = new ArrayList<>();
    List<Float> means = new ArrayList<>();
    List<Float> deviations = new ArrayList<>();
    for (int c = 0; c < channels.count(); c++) {
      order.add(channels.source[c]);
      means.add(mean[c]);
      deviations.add(std[c]);
    }
    return new Op.Pixels(order, scale, means, deviations);
  }

  /** As a formula, for reports: {@code BGR, (x·1 − [104, 117, 123]) / [1, 1, 1]}. */
  public String describe() {
    return channels + ", (x·" + number(scale) + " − " + list(mean) + ") / " + list(std);
  }

  private static String list(float[] values) {
    StringBuilder s = new StringBuilder("[");
    for (int i = 0; i < values.length; i++) {
      s.append(i == 0 ? "" : ", ").append(number(values[i]));
    }
    return s.append(']').toString();
  }

  private static String number(float v) {
    return v == Math.rint(v) && Math.abs(v) < 1e6 ? Integer.toString((int) v) : Float.toString(v);
  }

  private static float[] perChannel(String what, float[] values, int channels) {
    if (values.length != 1 && values.length != channels) {
      throw new IllegalArgumentException(
          what + ": " + values.length + " values for " + channels + " channels");
    }
    for (float v : values) {
      if (!Float.isFinite(v)) {
        throw new IllegalArgumentException(what + " is " + v);
      }
    }
    float[] out = Arrays.copyOf(values, channels);
    if (values.length == 1) {
      Arrays.fill(out, values[0]);
    }
    return out;
  }
}
