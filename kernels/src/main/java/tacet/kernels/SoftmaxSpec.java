package tacet.kernels;

/**
 * Softmax over the channels of each pixel: {@code y = e^x / Σ e^x}, or its logarithm.
 *
 * @param batch N
 * @param channels C
 * @param height H
 * @param width W
 */
public record SoftmaxSpec(int batch, int channels, int height, int width, boolean logarithm) {}
