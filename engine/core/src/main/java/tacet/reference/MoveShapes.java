package tacet.reference;

import static tacet.reference.Windows.bad;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * Shapes of what only moves elements.
 *
 * @param x shape of the first input
 * @param known contents of inputs, null where they are not known
 */
record MoveShapes(Node node, Shape x, List<Tensor> known) {

  Shape reshape(Op.Reshape r) {
    long[] wanted = numbers(1);
    long[] dims = wanted.clone();
    long known = 1;
    int rest = -1;
    for (int i = 0; i < dims.length; i++) {
      if (dims[i] == -1 && rest < 0) {
        rest = i;
        continue;
      }
      if (dims[i] == 0 && !r.allowZero()) {
        if (i >= x.rank()) {
          throw bad(node, "a shape whose zeros copy from " + x, Arrays.toString(wanted));
        }
        dims[i] = x.dim(i);
      }
      if (dims[i] < 0) {
        throw bad(node, "a shape with at most one -1", Arrays.toString(wanted));
      }
      known = multiply(known, dims[i]);
    }
    if (rest >= 0) {
      if (known == 0 || x.elements() % known != 0) {
        throw bad(node, "a shape that " + x + " fits", Arrays.toString(wanted));
      }
      dims[rest] = x.elements() / known;
    }
    Shape out = Shape.of(dims);
    if (out.elements() != x.elements()) {
      throw bad(node, "a shape of " + x.elements() + " elements", out.toString());
    }
    return out;
  }

  private long multiply(long a, long b) {
    try {
      return Math.multiplyExact(a, b);
    } catch (ArithmeticException e) {
      throw bad(node, "a shape that fits in memory", a + " times " + b);
    }
  }

  Shape transpose(Op.Transpose t) {
    int[] p = Inference.permutation(t, x.rank(), node);
    long[] dims = new long[p.length];
    for (int i = 0; i < p.length; i++) {
      dims[i] = x.dim(p[i]);
    }
    return Shape.of(dims);
  }

  Shape squeeze() {
    Set<Integer> axes = new HashSet<>();
    if (node.hasInput(1)) {
      for (long a : numbers(1)) {
        axes.add(Inference.axis(node, a, x.rank()));
      }
    } else {
      for (int i = 0; i < x.rank(); i++) {
        if (x.dim(i) == 1) {
          axes.add(i);
        }
      }
    }
    List<Long> dims = new ArrayList<>();
    for (int i = 0; i < x.rank(); i++) {
      if (!axes.contains(i)) {
        dims.add(x.dim(i));
      } else if (x.dim(i) != 1) {
        throw bad(node, "an extent of 1 along axis " + i, x.toString());
      }
    }
    return Shape.of(dims.stream().mapToLong(Long::longValue).toArray());
  }

  Shape unsqueeze() {
    long[] axes = numbers(1);
    int rank = x.rank() + axes.length;
    Set<Integer> at = new HashSet<>();
    for (long a : axes) {
      if (!at.add(Inference.axis(node, a, rank))) {
        throw bad(node, "different axes", Arrays.toString(axes));
      }
    }
    long[] dims = new long[rank];
    int next = 0;
    for (int i = 0; i < rank; i++) {
      dims[i] = at.contains(i) ? 1 : x.dim(next++);
    }
    return Shape.of(dims);
  }

  Shape tile() {
    long[] repeats = numbers(1);
    if (repeats.length != x.rank()) {
      throw bad(node, "a repeat per axis of " + x, Arrays.toString(repeats));
    }
    long[] dims = x.dims();
    for (int i = 0; i < dims.length; i++) {
      dims[i] = multiply(dims[i], repeats[i]);
    }
    return Inference.positive(node, dims);
  }

  Shape pad() {
    long[] pads = PadGeometry.pads(node, x.rank(), known);
    long[] dims = x.dims();
    int rank = dims.length;
    for (int i = 0; i < rank; i++) {
      dims[i] = Math.addExact(dims[i], Math.addExact(pads[i], pads[i + rank]));
    }
    return Inference.positive(node, dims);
  }

  List<Shape> split(Op.Split s) {
    int a = Inference.axis(node, s.axis(), x.rank());
    List<Shape> out = new ArrayList<>();
    for (long size : splitSizes(x.dim(a))) {
      out.add(x.with(a, size));
    }
    return out;
  }

  private long[] splitSizes(long total) {
    int parts = node.outputs().size();
    long[] sizes;
    if (node.hasInput(1)) {
      sizes = numbers(1);
    } else {
      sizes = new long[parts];
      long chunk = Math.ceilDiv(total, (long) parts);
      for (int i = 0; i < parts; i++) {
        sizes[i] = Math.max(0, Math.min(chunk, total - i * chunk));
      }
    }
    if (sizes.length != parts
        || Arrays.stream(sizes).anyMatch(x -> x < 0 || x > total)
        || Arrays.stream(sizes).sum() != total) {
      throw bad(node, parts + " sizes that add up to " + total, Arrays.toString(sizes));
    }
    return sizes;
  }

  /** Axes of extent 1 before and after, so that the shape's first axis is axis {@code axis} of the other's. */
  Shape align(int axis, Shape other) {
    int before = axis < 0 ? axis + other.rank() : axis;
    if (x.rank() >= other.rank()) {
      return x;
    }
    if (before < 0 || before > other.rank() - x.rank()) {
      throw bad(node, "an axis from which " + x + " fits below " + other, Integer.toString(axis));
    }
    long[] dims = new long[other.rank()];
    Arrays.fill(dims, 1);
    System.arraycopy(x.dims(), 0, dims, before, x.rank());
    return Shape.of(dims);
  }

  private long[] numbers(int input) {
    return Inference.known(node, known, input, "input " + input).longs();
  }
}
