package tacet.plan;

import java.util.Collection;
import java.util.List;
import tacet.error.ShapeMismatchException;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.reference.TensorType;
import tacet.tensor.Tensor;

/**
 * What a plan may cost, measured by what it is made from: a file of a few hundred bytes can ask for any amount of memory
 * (Pad, Expand, a stride of a million in a transposed convolution) and for any amount of work before the first run.
 */
final class Limits {

  /** Reference kernels index elements with an int. */
  private static final long MOST_ELEMENTS = Integer.MAX_VALUE - 8;

  /** What every model may use, however small its inputs. */
  private static final long FREE_BYTES = 64L << 20;

  private static final long FREE_WORK = 1L << 28;

  /** How many times the bytes of all inputs and weights one value may take. */
  private static final long MOST_GROWTH = 1024;

  /** How many of the largest allowed values a workspace may hold. */
  private static final long MOST_LARGEST = 8;

  private static final long WORK_PER_ELEMENT = 64;

  private final long mostBytes;
  private long workLeft;

  Limits(Collection<Tensor> given) {
    long bytes = 0;
    long elements = 0;
    for (Tensor t : given) {
      bytes += t.data().byteSize();
      elements += t.shape().elements();
    }
    mostBytes = Math.max(FREE_BYTES, MOST_GROWTH * bytes);
    workLeft = FREE_WORK + WORK_PER_ELEMENT * elements;
  }

  /**
   * Checks the size of a value.
   *
   * @param where node or input that makes it
   * @throws ShapeMismatchException where it is too large
   */
  void check(String where, TensorType t) {
    long elements = t.shape().elements();
    boolean fits = elements <= MOST_ELEMENTS && elements * t.type().bytes() <= mostBytes;
    for (long d : t.shape().dims()) {
      fits &= d <= MOST_ELEMENTS;
    }
    if (!fits) {
      throw new ShapeMismatchException(
          where,
          "a value of at most " + mostBytes + " bytes, as inputs and weights of this size warrant",
          t.type() + " " + t.shape());
    }
  }

  /** Checks the size of a workspace. */
  void checkWorkspace(String source, long bytes) {
    if (bytes / MOST_LARGEST > mostBytes) {
      throw new ShapeMismatchException(
          source,
          "intermediate values of at most " + MOST_LARGEST * mostBytes + " bytes in all",
          bytes + " bytes");
    }
  }

  /** Whether a node may be computed while planning; takes its work off what is left. */
  boolean mayFold(Node n, List<TensorType> in, List<TensorType> out) {
    long work = work(n, in, out);
    if (work > workLeft) {
      return false;
    }
    workLeft -= work;
    return true;
  }

  /** Elements written and read, or multiply-adds where there are more of them. */
  private static long work(Node n, List<TensorType> in, List<TensorType> out) {
    double written = 0;
    for (TensorType t : out) {
      written += t.shape().elements();
    }
    double read = 0;
    for (TensorType t : in) {
      read += t == null ? 0 : t.shape().elements();
    }
    double each =
        switch (n.op()) {
          case Op.Conv _, Op.ConvTranspose _ -> in.get(1).shape().elements();
          case Op.Gemm _, Op.MatMul _ -> in.get(0).shape().elements();
          case Op.Pool p ->
              p.window().kernel().stream().mapToDouble(k -> k).reduce(1, (a, b) -> a * b);
          case Op.Lrn l -> l.size();
          case Op.Concat _, Op.Elementwise _ -> in.size();
          case Op.Resize _ -> 64;
          default -> 1;
        };
    return (long) Math.min(written * each + read, 1L << 60);
  }
}
