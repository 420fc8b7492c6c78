package tacet.kernels;

/**
 * A channel shuffle (Zhang et al., ShuffleNet, arXiv 1707.01083, section 3.1): channel {@code i · groups + j} of the output
 * is channel {@code j · channels / groups + i} of the input.
 *
 * @param batch N
 * @param channels C, a multiple of {@code groups}
 * @param height H
 * @param width W
 */
public record ShuffleSpec(int batch, int channels, int height, int width, int groups) {

  /** The input channel that becomes channel {@code c} of the output. */
  public int source(int c) {
    return c % groups * (channels / groups) + c / groups;
  }
}
