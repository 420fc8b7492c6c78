package tacet;

import java.lang.foreign.MemorySegment;
import tacet.kernels.ImageLayout;
import tacet.kernels.pack.Reorder;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Layouts at the model's doors. */
final class Layouts {

  private Layouts() {}

  /** A channels-first float32 tensor [N, C, spatial…] as [N, spatial…, C]; rank 2 and below stay as they are. */
  static Tensor channelsLast(Tensor t) {
    Shape s = t.shape();
    if (s.rank() < 3) {
      return t;
    }
    long[] dims = s.dims();
    long channels = dims[1];
    System.arraycopy(dims, 2, dims, 1, dims.length - 2);
    dims[dims.length - 1] = channels;
    Tensor out = Tensor.allocate(t.type(), Shape.of(dims));
    int pixels = Math.toIntExact(s.elements(2, s.rank()));
    int n = s.intDim(0);
    int c = s.intDim(1);
    if (s.elements() > 0) {
      ImageLayout from = Reorder.channelsFirst(n, c, 1, pixels);
      MemorySegment target = out.data();
      Reorder.copy(t.data(), from, 0, target, Reorder.channelsLast(n, c, 1, pixels), 0);
    }
    return out;
  }
}
