package tacet.reference;

import java.util.Arrays;
import tacet.graph.Op;
import tacet.kernels.DataType;
import tacet.kernels.scalar.Elements;
import tacet.kernels.scalar.ScalarActivation;
import tacet.tensor.Shape;

/** Matrix products. Float32 is summed in float32 in a fixed order, float64 in float64, integers exactly modulo 2^64. */
final class Matrices {

  private Matrices() {}

  /**
   * Where the elements of a matrix lie.
   *
   * @param first index of the first one
   * @param row elements from a row to the next
   * @param column elements from a column to the next
   */
  private record View(int first, int row, int column) {}

  static void gemm(Operands o, Op.Gemm g) {
    int m = o.y(0).intDim(0);
    int n = o.y(0).intDim(1);
    int k = o.shape(0).intDim(g.transA() ? 0 : 1);
    View a = g.transA() ? new View(0, 1, m) : new View(0, k, 1);
    View b = g.transB() ? new View(0, 1, k) : new View(0, n, 1);
    int[] at = o.has(2) ? Operands.broadcastIndices(o.shape(2), o.y(0)) : null;
    Elements c = o.has(2) ? o.from(2) : null;
    Elements y = o.to(0);
    if (o.x(0).type() == DataType.FLOAT32) {
      float[] sums = new float[m * n];
      multiply(o.floats(0), a, o.floats(1), b, sums, 0, m, n, k);
      for (int i = 0; i < sums.length; i++) {
        double v = g.alpha() * sums[i] + (c == null ? 0f : g.beta() * (float) c.get(at[i]));
        y.set(i, ScalarActivation.apply(g.activation(), v));
      }
      return;
    }
    boolean exact = !o.x(0).type().isFloating() && g.alpha() == 1 && g.beta() == 1;
    for (int i = 0; i < m * n; i++) {
      if (exact) {
        long sum = integer(o.from(0), a, o.from(1), b, i / n, i % n, k);
        y.setLong(i, c == null ? sum : sum + c.getLong(at[i]));
      } else {
        double sum = g.alpha() * real(o.from(0), a, o.from(1), b, i / n, i % n, k);
        double v = c == null ? sum : sum + g.beta() * c.get(at[i]);
        y.set(i, ScalarActivation.apply(g.activation(), v));
      }
    }
  }

  static void matMul(Operands o) {
    Shape left = o.shape(0).rank() == 1 ? Shape.of(1, o.shape(0).dim(0)) : o.shape(0);
    Shape right = o.shape(1).rank() == 1 ? Shape.of(o.shape(1).dim(0), 1) : o.shape(1);
    int m = left.intDim(-2);
    int k = left.intDim(-1);
    int n = right.intDim(-1);
    Shape batchA = Shape.of(Arrays.copyOf(left.dims(), left.rank() - 2));
    Shape batchB = Shape.of(Arrays.copyOf(right.dims(), right.rank() - 2));
    Shape batch = Inference.broadcast(o.node(), batchA, batchB);
    int[] atA = Operands.broadcastIndices(batchA, batch);
    int[] atB = Operands.broadcastIndices(batchB, batch);
    boolean single = o.x(0).type() == DataType.FLOAT32;
    float[] x = single ? o.floats(0) : null;
    float[] w = single ? o.floats(1) : null;
    float[] sums = single ? new float[Math.toIntExact(o.y(0).elements())] : null;
    Elements y = o.to(0);
    for (int i = 0; i < atA.length; i++) {
      View a = new View(atA[i] * m * k, k, 1);
      View b = new View(atB[i] * k * n, n, 1);
      if (single) {
        multiply(x, a, w, b, sums, i * m * n, m, n, k);
        continue;
      }
      for (int j = 0; j < m * n; j++) {
        if (y.type().isFloating()) {
          y.set(i * m * n + j, real(o.from(0), a, o.from(1), b, j / n, j % n, k));
        } else {
          y.setLong(i * m * n + j, integer(o.from(0), a, o.from(1), b, j / n, j % n, k));
        }
      }
    }
    if (single) {
      o.store(sums);
    }
  }

  /** y += a · b. */
  private static void multiply(
      float[] a, View va, float[] b, View vb, float[] y, int first, int m, int n, int k) {
    for (int i = 0; i < m; i++) {
      for (int p = 0; p < k; p++) {
        float v = a[va.first + i * va.row + p * va.column];
        int row = vb.first + p * vb.row;
        int to = first + i * n;
        for (int j = 0; j < n; j++) {
          y[to + j] += v * b[row + j * vb.column];
        }
      }
    }
  }

  private static double real(Elements a, View va, Elements b, View vb, int row, int column, int k) {
    double sum = 0;
    for (int p = 0; p < k; p++) {
      sum +=
          a.get(va.first + row * va.row + p * va.column)
              * b.get(vb.first + p * vb.row + column * vb.column);
    }
    return sum;
  }

  private static long integer(
      Elements a, View va, Elements b, View vb, int row, int column, int k) {
    long sum = 0;
    for (int p = 0; p < k; p++) {
      sum +=
          a.getLong(va.first + row * va.row + p * va.column)
              * b.getLong(vb.first + p * vb.row + column * vb.column);
    }
    return sum;
  }
}
