package tacet.insight.image;

/**
 * What a layer answered to one image.
 *
 * @param name the layer's name
 * @param channels number of maps, or of units of a dense layer
 * @param height rows of a map; 1 for a dense layer
 * @param width columns of a map; 1 for a dense layer
 * @param values shape {@code [channels, height, width]}
 * @param zeroShare per channel the part of its elements that is zero, 0 to 1; may come from more
 *     images than the one shown
 */
public record FeatureMaps(
    String name, int channels, int height, int width, float[] values, double[] zeroShare) {
  /**
   * @throws IllegalArgumentException if a dimension is not positive or an array has the wrong
   *     length
   */
  public FeatureMaps {
    if (channels < 1
        || height < 1
        || width < 1
        || values.length != (long) channels * height * width
        || zeroShare.length != channels) {
      throw new IllegalArgumentException(
          "%s: %d values and %d zero shares for %d channels of %dx%d"
              .formatted(name, values.length, zeroShare.length, channels, height, width));
    }
  }

  /** Maps of shape {@code [channels, height, width]}, zeros counted here. */
  public static FeatureMaps ofNchw(
      String name, int channels, int height, int width, float[] values) {
    double[] share = new double[Math.max(0, channels)];
    if (values.length == (long) channels * height * width) {
      int pixels = height * width;
      for (int c = 0; c < channels; c++) {
        int zeros = 0;
        for (int i = c * pixels; i < (c + 1) * pixels; i++) {
          zeros += values[i] == 0 ? 1 : 0;
        }
        share[c] = (double) zeros / pixels;
      }
    }
    return new FeatureMaps(name, channels, height, width, values, share);
  }

  /** Maps of shape {@code [height, width, channels]}, zeros counted here. */
  public static FeatureMaps ofNhwc(
      String name, int channels, int height, int width, float[] values) {
    float[] planes = new float[values.length];
    if (values.length == (long) channels * height * width) {
      int pixels = height * width;
      for (int i = 0, from = 0; i < pixels; i++) {
        for (int c = 0; c < channels; c++, from++) {
          planes[c * pixels + i] = values[from];
        }
      }
    }
    return ofNchw(name, channels, height, width, planes);
  }

  /** The units of a dense layer. */
  public static FeatureMaps ofVector(String name, float[] values) {
    return ofNchw(name, values.length, 1, 1, values);
  }

  /** Whether these are single values, not maps. */
  boolean isVector() {
    return height == 1 && width == 1;
  }

  /** The part of all elements that is zero. */
  double totalZeroShare() {
    double sum = 0;
    for (double share : zeroShare) {
      sum += share;
    }
    return sum / channels;
  }
}
