package tacet.kernels;

/**
 * Where the elements of a float32 image tensor [N, C, H, W] lie in memory: channels in blocks of {@code lanes}, each
 * block a plane of pixels, each pixel {@code lanes} neighbouring floats ("nChw16c"; with one lane this is NCHW). Rows and
 * planes may have room around them (a halo of zeros that stands for a consumer's padding), and a tensor may be a slice
 * of the channels of a larger one. A matrix [N, C] is an image of one pixel.
 *
 * <p>The lanes behind the last channel of the last block are unspecified.
 *
 * @param batch N
 * @param channels C
 * @param height H
 * @param width W
 * @param lanes channels per block
 * @param rowStride bytes from a row to the next
 * @param blockStride bytes from a block of channels to the next
 * @param batchStride bytes from an image to the next
 */
public record ImageLayout(
    int batch,
    int channels,
    int height,
    int width,
    int lanes,
    long rowStride,
    long blockStride,
    long batchStride) {

  /** Zeros kept around every plane, in pixels. */
  public record Halo(int top, int left, int bottom, int right) {
    /** No room around. */
    public static final Halo NONE = new Halo(0, 0, 0, 0);

    public Halo {
      if ((top | left | bottom | right) < 0) {
        throw new IllegalArgumentException("negative halo");
      }
    }

    /** The smallest halo that holds both. */
    public Halo union(Halo o) {
      return new Halo(
          Math.max(top, o.top),
          Math.max(left, o.left),
          Math.max(bottom, o.bottom),
          Math.max(right, o.right));
    }

    /** Both, one outside of the other. */
    public Halo plus(Halo o) {
      return new Halo(top + o.top, left + o.left, bottom + o.bottom, right + o.right);
    }

    /**
     * What is outside of {@code o} in this one.
     *
     * @throws IllegalArgumentException where {@code o} is larger on some side
     */
    public Halo minus(Halo o) {
      return new Halo(top - o.top, left - o.left, bottom - o.bottom, right - o.right);
    }

    public boolean isNone() {
      return (top | left | bottom | right) == 0;
    }
  }

  /**
   * A layout with nothing but the halo between planes.
   *
   * @throws ArithmeticException where the size does not fit in a {@code long}
   */
  public static ImageLayout of(
      int batch, int channels, int height, int width, int lanes, Halo halo) {
    long row = ((long) width + halo.left + halo.right) * lanes * Float.BYTES;
    long block = Math.multiplyExact(row, (long) height + halo.top + halo.bottom);
    int blocks = Math.ceilDiv(channels, lanes);
    return new ImageLayout(
        batch,
        channels,
        height,
        width,
        lanes,
        row,
        block,
        Math.multiplyExact(block, (long) blocks));
  }

  /** Number of channel blocks. */
  public int blocks() {
    return Math.ceilDiv(channels, lanes);
  }

  /** Bytes per pixel of one block. */
  public long pixelStride() {
    return (long) lanes * Float.BYTES;
  }

  /** Byte offset of an element, from the first element of the tensor. */
  public long offset(int n, int c, int y, int x) {
    return n * batchStride
        + c / lanes * blockStride
        + y * rowStride
        + (x * (long) lanes + c % lanes) * Float.BYTES;
  }

  /** Bytes from the start of a buffer with this halo to its first element. */
  public long origin(Halo halo) {
    return halo.top * rowStride + halo.left * pixelStride();
  }

  /** Bytes of a buffer that holds the whole tensor, halo included. */
  public long bytes() {
    return Math.multiplyExact(batchStride, (long) batch);
  }

  /** Whether the pixels of one block follow each other without room between rows. */
  public boolean isDensePlane() {
    return rowStride == width * pixelStride();
  }

  /** Whether rows and planes of one image follow each other without room between them. */
  public boolean isDense() {
    return hasRoomOf(Halo.NONE);
  }

  /** Whether the room around every plane is exactly this halo. */
  public boolean hasRoomOf(Halo halo) {
    long row = (width + (long) halo.left + halo.right) * pixelStride();
    return rowStride == row
        && (blocks() == 1 || blockStride == row * (height + (long) halo.top + halo.bottom));
  }

  /** Logical elements: N · C · H · W. */
  public long elements() {
    return (long) batch * channels * height * width;
  }
}
