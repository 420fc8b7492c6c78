package tacet.plan;

import java.lang.foreign.MemorySegment;
import tacet.kernels.DataType;
import tacet.kernels.ImageLayout;
import tacet.kernels.pack.Reorder;
import tacet.reference.TensorType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * Where a value leaves a plan.
 *
 * @param name the value
 * @param type element type
 * @param shape as the model's author sees it
 * @param source where it lies if it is a constant; null for the workspace
 * @param place byte offset of its first element
 * @param from its layout; null where it lies there as it leaves
 * @param to the layout in which it leaves
 */
record Door(
    String name,
    DataType type,
    Shape shape,
    MemorySegment source,
    long place,
    ImageLayout from,
    ImageLayout to) {

  /**
   * @param channelsLast whether the model's author sees the value with its channels last
   */
  static Door of(String name, Placement placement, TensorType t, boolean channelsLast) {
    return switch (placement) {
      case Placement.Plain p -> dense(name, t, null, p.buffer().offset, channelsLast);
      case Placement.Image i -> {
        ImageLayout l = i.layout();
        ImageLayout to =
            channelsLast
                ? Reorder.channelsLast(l.batch(), l.channels(), l.height(), l.width())
                : Places.doorLayout(i);
        // A matrix, or few channels of one pixel, is the same either way.
        boolean same = l.equals(to);
        yield new Door(
            name,
            t.type(),
            channelsLast ? channelsLast(t.shape()) : t.shape(),
            null,
            Steps.first(i),
            same ? null : l,
            to);
      }
      case Placement.Flattened _ -> throw new AssertionError("materialised by the planner");
    };
  }

  static Door of(String name, Tensor constant, boolean channelsLast) {
    TensorType t = new TensorType(constant.type(), constant.shape());
    return dense(name, t, constant.data(), 0, channelsLast);
  }

  private static Door dense(
      String name, TensorType t, MemorySegment source, long place, boolean channelsLast) {
    Shape s = t.shape();
    if (!channelsLast || s.rank() < 3 || t.type() != DataType.FLOAT32) {
      return new Door(name, t.type(), s, source, place, null, null);
    }
    if (s.elements() == 0) {
      return new Door(name, t.type(), channelsLast(s), source, place, null, null);
    }
    int pixels = Math.toIntExact(s.elements(2, s.rank()));
    return new Door(
        name,
        t.type(),
        channelsLast(s),
        source,
        place,
        Reorder.channelsFirst(s.intDim(0), s.intDim(1), 1, pixels),
        Reorder.channelsLast(s.intDim(0), s.intDim(1), 1, pixels));
  }

  /** [N, C, spatial…] as [N, spatial…, C]; rank 2 and below stay as they are. */
  private static Shape channelsLast(Shape s) {
    if (s.rank() < 3) {
      return s;
    }
    long[] dims = s.dims();
    long channels = dims[1];
    System.arraycopy(dims, 2, dims, 1, dims.length - 2);
    dims[dims.length - 1] = channels;
    return Shape.of(dims);
  }

  /** Whether the workspace holds the value just as it leaves. */
  boolean isView() {
    return source == null && from == null;
  }

  long bytes() {
    return Tensor.byteSize(type, shape);
  }

  void copy(MemorySegment memory, MemorySegment target) {
    MemorySegment at = source == null ? memory : source;
    if (from == null) {
      MemorySegment.copy(at, place, target, 0, target.byteSize());
    } else {
      Reorder.copy(at, from, place, target, to, 0);
    }
  }
}
