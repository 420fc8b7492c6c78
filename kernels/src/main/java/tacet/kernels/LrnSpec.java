package tacet.kernels;

/**
 * Local response normalisation across channels (Krizhevsky et al., ImageNet Classification with Deep Convolutional Neural
 * Networks, NIPS 2012, section 3.3, with the scale of ONNX's operator LRN): {@code y = x / (bias + alpha / size · Σ
 * x²)^beta}, summed over {@code size} channels around each, those before it rounded down.
 *
 * @param batch N
 * @param channels C
 * @param height H
 * @param width W
 * @param size channels in a sum
 */
public record LrnSpec(
    int batch, int channels, int height, int width, int size, float alpha, float beta, float bias) {

  /** Channels of a sum that come before its own. */
  public int before() {
    return (size - 1) / 2;
  }
}
