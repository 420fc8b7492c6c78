package tacet.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import tacet.tensor.Tensor;

/** Decides where in a workspace each buffer lies. */
final class MemoryPlan {

  private MemoryPlan() {}

  /**
   * Places buffers, largest first, at the lowest offset where no buffer in use at the same time lies.
   *
   * @return the end of the last one
   */
  static long assignOffsets(List<Buffer> buffers) {
    List<Buffer> bySize = new ArrayList<>(buffers);
    bySize.sort(Comparator.comparingLong((Buffer b) -> b.bytes).reversed());
    List<Buffer> placed = new ArrayList<>();
    long end = 0;
    for (Buffer b : bySize) {
      List<Buffer> rivals = new ArrayList<>();
      for (Buffer p : placed) {
        if (p.firstStep <= b.lastStep && b.firstStep <= p.lastStep) {
          rivals.add(p);
        }
      }
      rivals.sort(Comparator.comparingLong(r -> r.offset));
      long at = 0;
      for (Buffer r : rivals) {
        if (at + b.bytes <= r.offset) {
          break;
        }
        at = Math.max(at, align(r.offset + r.bytes));
      }
      b.offset = at;
      placed.add(b);
      end = Math.max(end, align(at + b.bytes));
    }
    return end;
  }

  private static long align(long bytes) {
    return (bytes + Tensor.ALIGNMENT - 1) / Tensor.ALIGNMENT * Tensor.ALIGNMENT;
  }
}
