package tacet.kernels;

/**
 * An element-wise operation on images: {@code y = activation(a)} for {@code COPY}, {@code activation(a op b)} otherwise.
 *
 * @param batch N
 * @param channels C
 * @param height H
 * @param width W
 * @param op how a and b meet
 * @param second the extent of b
 * @param activation applied last
 */
public record PointwiseSpec(
    int batch, int channels, int height, int width, Op op, Second second, Activation activation) {

  /** How the two inputs meet. */
  public enum Op {
    /** There is no second input. */
    COPY,
    ADD,
    SUB,
    MUL,
    DIV,
    MAX,
    MIN,
    /** a &lt; 0 ? a · b : a. */
    PRELU
  }

  /** Extent of the second input. */
  public enum Second {
    NONE,
    /** As the first. */
    SAME,
    /** [N, C, 1, 1]. */
    PER_CHANNEL,
    /** [1, C, 1, 1], for every image the same. */
    PER_CHANNEL_ALL_IMAGES
  }
}
