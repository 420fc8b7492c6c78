package tacet.insight.cause;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.DataType;
import tacet.kernels.Parallel;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * A dense layer whose weights are thresholded as they are read: the answer costs one pass over them and no copy.
 *
 * @param node the operator, a Gemm or MatMul
 * @param weights its constant weights of rank 2
 * @param bias its constant addend, or null
 * @param rows whether a unit's weights lie side by side ([M, K]); otherwise [K, M]
 */
record ShrunkDense(Node node, Tensor weights, Tensor bias, boolean rows) {

  /** Smaller ones are copied: then they run with the rest of the network. */
  private static final long LEAST_WEIGHTS = 1 << 20;

  /** Elements read at a time; with their input they stay in a first-level cache. */
  private static final int CHUNK = 2048;

  /** The layer of a node, or null where it is none that is worth it. */
  static ShrunkDense of(Node n, Graph graph) {
    boolean gemm = n.op() instanceof Op.Gemm g && !g.transA();
    if (!gemm && !(n.op() instanceof Op.MatMul)) {
      return null;
    }
    Tensor w = graph.constants().get(n.input(1));
    if (w == null
        || w.type() != DataType.FLOAT32
        || w.shape().rank() != 2
        || w.shape().elements() < LEAST_WEIGHTS
        || graph.constants().containsKey(n.input(0))) {
      return null;
    }
    boolean rows = n.op() instanceof Op.Gemm g && g.transB();
    Tensor bias = null;
    if (n.hasInput(2)) {
      bias = graph.constants().get(n.input(2));
      long units = w.shape().dim(rows ? 0 : 1);
      if (bias == null
          || bias.type() != DataType.FLOAT32
          || bias.shape().elements() != 1 && bias.shape().elements() != units) {
        return null;
      }
    }
    return new ShrunkDense(n, w, bias, rows);
  }

  private int units() {
    return weights.shape().intDim(rows ? 0 : 1);
  }

  private int inputs() {
    return weights.shape().intDim(rows ? 1 : 0);
  }

  /**
   * What the layer makes of its input.
   *
   * @param x [N, K]
   * @param threshold weights of this size and below become zero, others smaller by it
   * @return [N, M]
   */
  Tensor apply(Tensor x, float threshold, Parallel parallel) {
    int images = Math.toIntExact(x.shape().elements() / inputs());
    float[] in = x.toFloats();
    float[] sums = new float[images * units()];
    if (rows) {
      parallel.forEach(
          units(),
          (m, thread) ->
              dotProducts(m, in, images, threshold, sums, parallel.floats(thread, CHUNK)));
    } else {
      int columns = Math.ceilDiv(units(), CHUNK);
      parallel.forEach(
          columns,
          (c, thread) ->
              addRows(c * CHUNK, in, images, threshold, sums, parallel.floats(thread, CHUNK)));
    }
    float alpha = node.op() instanceof Op.Gemm g ? g.alpha() : 1;
    float beta = node.op() instanceof Op.Gemm g ? g.beta() : 1;
    float[] b = bias == null ? new float[1] : bias.toFloats();
    for (int i = 0; i < sums.length; i++) {
      sums[i] = alpha * sums[i] + beta * b[b.length == 1 ? 0 : i % units()];
    }
    return Tensor.of(Shape.of(images, units()), sums);
  }

  private void dotProducts(int m, float[] x, int images, float t, float[] sums, float[] w) {
    for (int from = 0; from < inputs(); from += CHUNK) {
      int length = Math.min(CHUNK, inputs() - from);
      read((long) m * inputs() + from, length, t, w);
      for (int n = 0; n < images; n++) {
        sums[n * units() + m] += dot(w, x, n * inputs() + from, length);
      }
    }
  }

  private void addRows(int from, float[] x, int images, float t, float[] sums, float[] w) {
    int length = Math.min(CHUNK, units() - from);
    for (int k = 0; k < inputs(); k++) {
      read((long) k * units() + from, length, t, w);
      for (int n = 0; n < images; n++) {
        float factor = x[n * inputs() + k];
        int at = n * units() + from;
        for (int i = 0; i < length; i++) {
          sums[at + i] += factor * w[i];
        }
      }
    }
  }

  /** Reads weights and shrinks them: what is left of w is what lies outside [−t, t]. */
  private void read(long first, int length, float t, float[] into) {
    MemorySegment.copy(
        weights.data(), ValueLayout.JAVA_FLOAT_UNALIGNED, first * Float.BYTES, into, 0, length);
    SoftThreshold.apply(into, length, t);
  }

  /** In four sums: one alone would wait for each addition. */
  private static float dot(float[] a, float[] b, int from, int length) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    int i = 0;
    for (; i + 3 < length; i += 4) {
      s0 += a[i] * b[from + i];
      s1 += a[i + 1] * b[from + i + 1];
      s2 += a[i + 2] * b[from + i + 2];
      s3 += a[i + 3] * b[from + i + 3];
    }
    for (; i < length; i++) {
      s0 += a[i] * b[from + i];
    }
    return s0 + s1 + (s2 + s3);
  }
}
