package tacet.kernels;

/**
 * An image whose channels are channels of others, of the same batch, height and width: a channel shuffle, or a
 * concatenation.
 *
 * @param batch N
 * @param height H
 * @param width W
 * @param image for each channel of the output, the number of the image that it is from
 * @param channel for each channel of the output, its number in that image
 */
public record SelectSpec(int batch, int height, int width, int[] image, int[] channel) {

  /**
   * A channel shuffle (Zhang et al., ShuffleNet, arXiv 1707.01083, section 3.1): channel {@code i · groups + j} of the
   * output is channel {@code j · channels / groups + i} of the input.
   *
   * @param channels a multiple of {@code groups}
   */
  public static SelectSpec shuffle(int batch, int channels, int height, int width, int groups) {
    int[] from = new int[channels];
    for (int c = 0; c < channels; c++) {
      from[c] = c % groups * (channels / groups) + c / groups;
    }
    return new SelectSpec(batch, height, width, new int[channels], from);
  }

  /**
   * A concatenation along channels.
   *
   * @param channels of each image
   */
  public static SelectSpec join(int batch, int height, int width, int... channels) {
    int all = 0;
    for (int c : channels) {
      all += c;
    }
    int[] image = new int[all];
    int[] from = new int[all];
    int to = 0;
    for (int i = 0; i < channels.length; i++) {
      for (int c = 0; c < channels[i]; c++) {
        image[to] = i;
        from[to++] = c;
      }
    }
    return new SelectSpec(batch, height, width, image, from);
  }
}
