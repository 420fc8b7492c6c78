package tacet.kernels;

/**
 * A two-dimensional convolution (cross-correlation) of images with fused bias, residual add and activation:
 * {@code y = activation(conv(x, w) + bias + residual)}. Output extents are given; padding at the end follows from them.
 * A dense layer is a convolution of one pixel.
 *
 * @param batch N
 * @param inChannels C
 * @param inHeight H of the input
 * @param inWidth W of the input
 * @param outChannels M
 * @param outHeight H of the output
 * @param outWidth W of the output
 * @param groups divides C and M
 * @param kernelHeight kernel extent
 * @param kernelWidth kernel extent
 * @param strideY vertical step
 * @param strideX horizontal step
 * @param padTop rows of zeros above
 * @param padLeft columns of zeros to the left
 * @param dilationY distance of kernel rows
 * @param dilationX distance of kernel columns
 * @param residual whether the second input is added before the activation
 * @param activation applied last
 */
public record ConvSpec(
    int batch,
    int inChannels,
    int inHeight,
    int inWidth,
    int outChannels,
    int outHeight,
    int outWidth,
    int groups,
    int kernelHeight,
    int kernelWidth,
    int strideY,
    int strideX,
    int padTop,
    int padLeft,
    int dilationY,
    int dilationX,
    boolean residual,
    Activation activation) {

  public ConvSpec {
    if (inChannels % groups != 0 || outChannels % groups != 0) {
      throw new IllegalArgumentException(
          "groups " + groups + " do not divide " + inChannels + " and " + outChannels);
    }
  }

  /** The zeros around its input that this convolution reads. */
  public ImageLayout.Halo halo() {
    return new ImageLayout.Halo(
        padTop,
        padLeft,
        Math.max(
            0,
            (outHeight - 1) * strideY + (kernelHeight - 1) * dilationY - padTop - (inHeight - 1)),
        Math.max(
            0, (outWidth - 1) * strideX + (kernelWidth - 1) * dilationX - padLeft - (inWidth - 1)));
  }

  /** Whether every channel is convolved on its own, one filter each. */
  public boolean isDepthwise() {
    return groups == inChannels && groups == outChannels;
  }

  public long multiplyAdds() {
    return (long) batch
        * outHeight
        * outWidth
        * outChannels
        * (inChannels / groups)
        * kernelHeight
        * kernelWidth;
  }

  /** Output pixels of the whole batch. */
  public int outPixels() {
    return Math.multiplyExact(Math.multiplyExact(batch, outHeight), outWidth);
  }
}
