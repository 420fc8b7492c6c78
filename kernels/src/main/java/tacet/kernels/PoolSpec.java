package tacet.kernels;

/**
 * Pooling of images. Windows are clipped to the image; an average divides by the elements it saw, or, where
 * {@code countIncludePad}, by those within the image and its stated padding.
 *
 * @param max maximum; otherwise average
 * @param padBottom stated padding, of which only averages take notice
 * @param padRight stated padding, of which only averages take notice
 */
public record PoolSpec(
    int batch,
    int channels,
    int inHeight,
    int inWidth,
    int outHeight,
    int outWidth,
    int kernelHeight,
    int kernelWidth,
    int strideY,
    int strideX,
    int padTop,
    int padLeft,
    int padBottom,
    int padRight,
    int dilationY,
    int dilationX,
    boolean max,
    boolean countIncludePad) {}
