package tacet.plan;

import tacet.kernels.DataType;
import tacet.kernels.ImageLayout;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.tensor.Shape;

/** Where a value of the network lies, and how. */
sealed interface Placement {

  Buffer buffer();

  /**
   * A float32 image, or a matrix as images of one pixel.
   *
   * @param layout strides
   * @param offset byte offset of the first element in the buffer
   * @param halo zeros around each plane
   * @param channelsLast whether the value's own shape is [N, H, W, C]
   */
  record Image(
      Buffer buffer, ImageLayout layout, long offset, ImageLayout.Halo halo, boolean channelsLast)
      implements Placement {

    Image seen(boolean asChannelsLast) {
      return new Image(buffer, layout, offset, halo, asChannelsLast);
    }

    boolean hasHalo(ImageLayout.Halo wanted) {
      return halo.union(wanted).equals(halo);
    }
  }

  /** Dense and row-major, any type. */
  record Plain(Buffer buffer, DataType type, Shape shape) implements Placement {}

  /** The elements of an image as the rows of a matrix [N, C·H·W], without having been moved. */
  record Flattened(Image image, FlattenOrder order) implements Placement {
    @Override
    public Buffer buffer() {
      return image.buffer();
    }
  }
}
