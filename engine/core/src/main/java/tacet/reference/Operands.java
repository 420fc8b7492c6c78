package tacet.reference;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import tacet.graph.Node;
import tacet.kernels.DataType;
import tacet.kernels.scalar.Elements;
import tacet.kernels.scalar.ScalarMove;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * A node and the tensors it reads and writes.
 *
 * @param in null where an optional input is absent
 * @param out null where nobody wants an output
 */
record Operands(Node node, List<Tensor> in, List<Tensor> out) {

  Tensor x(int i) {
    return in.get(i);
  }

  Shape shape(int i) {
    return in.get(i).shape();
  }

  /** Shape of an output. */
  Shape y(int i) {
    return out.get(i).shape();
  }

  boolean has(int i) {
    return i < in.size() && in.get(i) != null;
  }

  boolean wants(int i) {
    return i < out.size() && out.get(i) != null;
  }

  Elements from(int i) {
    return new Elements(in.get(i).data(), in.get(i).type());
  }

  Elements to(int i) {
    return new Elements(out.get(i).data(), out.get(i).type());
  }

  List<TensorType> types() {
    List<TensorType> types = new ArrayList<>();
    for (Tensor t : in) {
      types.add(t == null ? null : new TensorType(t.type(), t.shape()));
    }
    return types;
  }

  /** The elements of an input in single precision. */
  float[] floats(int i) {
    Tensor t = x(i);
    if (t.type() == DataType.FLOAT32) {
      return t.toFloats();
    }
    Elements e = from(i);
    float[] values = new float[Math.toIntExact(t.shape().elements())];
    for (int k = 0; k < values.length; k++) {
      values[k] = (float) e.get(k);
    }
    return values;
  }

  /** Writes the first output. */
  void store(float[] values) {
    Elements e = to(0);
    for (int i = 0; i < values.length; i++) {
      e.set(i, values[i]);
    }
  }

  /** Writes the first output with the first input's bytes. */
  void copy() {
    MemorySegment.copy(x(0).data(), 0, out.get(0).data(), 0, out.get(0).data().byteSize());
  }

  /** Writes an output with a strided view of a tensor. */
  void view(Tensor from, long first, long[] steps, int output) {
    Tensor y = out.get(output);
    ScalarMove.gather(from.data(), first, steps, y.data(), y.shape().dims(), y.type().bytes());
  }

  /** Extents after the batch and the channels. */
  int[] spatial(int i) {
    Shape s = shape(i);
    int[] extents = new int[s.rank() - 2];
    for (int a = 0; a < extents.length; a++) {
      extents[a] = s.intDim(a + 2);
    }
    return extents;
  }

  /** Steps through {@code s} for indices of the shape {@code to} that it broadcasts to. */
  static long[] broadcastSteps(Shape s, Shape to) {
    long[] dense = ScalarMove.dense(s.dims());
    long[] steps = new long[to.rank()];
    for (int i = 1; i <= s.rank(); i++) {
      steps[to.rank() - i] = s.dim(-i) == 1 ? 0 : dense[s.rank() - i];
    }
    return steps;
  }

  /** For each element of {@code to}, the index of the element of {@code s} that it reads. */
  static int[] broadcastIndices(Shape s, Shape to) {
    int[] indices = new int[Math.toIntExact(to.elements())];
    if (s.equals(to)) {
      Arrays.setAll(indices, i -> i);
      return indices;
    }
    long[] steps = broadcastSteps(s, to);
    long[] dims = to.dims();
    for (int i = 0; i < indices.length; i++) {
      long rest = i;
      long at = 0;
      for (int a = dims.length - 1; a >= 0; a--) {
        at += rest % dims[a] * steps[a];
        rest /= dims[a];
      }
      indices[i] = (int) at;
    }
    return indices;
  }
}
