package tacet.kernels;

import java.util.List;

/**
 * Bytes of pictures [N, H, W, S] as an image [N, C, H, W] of float32: channel c is {@code (x · scale − mean[c]) / std[c]} of
 * byte {@code order[c]} of each pixel, every operation rounded to float32.
 *
 * @param batch N
 * @param height H
 * @param width W
 * @param bytesPerPixel S
 * @param order which byte of a pixel each channel is
 * @param mean one value per channel, in scaled units
 * @param std one value per channel
 */
public record PixelSpec(
    int batch,
    int height,
    int width,
    int bytesPerPixel,
    List<Integer> order,
    float scale,
    List<Float> mean,
    List<Float> std) {

  public PixelSpec {
    order = List.copyOf(order);
    mean = List.copyOf(mean);
    std = List.copyOf(std);
    for (int source : order) {
      if (source < 0 || source >= bytesPerPixel) {
        throw new IllegalArgumentException(
            "byte " + source + " of pixels of " + bytesPerPixel + " bytes");
      }
    }
    if (order.isEmpty() || mean.size() != order.size() || std.size() != order.size()) {
      throw new IllegalArgumentException(
          order.size() + " channels, " + mean.size() + " means, " + std.size() + " deviations");
    }
  }

  /** C. */
  public int channels() {
    return order.size();
  }

  /** What becomes of each value of a byte in a channel: 256 numbers. */
  public float[] table(int channel) {
    float[] table = new float[256];
    for (int v = 0; v < table.length; v++) {
      table[v] = (v * scale - mean.get(channel)) / std.get(channel);
    }
    return table;
  }
}
