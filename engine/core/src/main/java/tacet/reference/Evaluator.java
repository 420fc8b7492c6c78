package tacet.reference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.Activation;
import tacet.kernels.DataType;
import tacet.kernels.scalar.Elements;
import tacet.kernels.scalar.ScalarActivation;
import tacet.kernels.scalar.ScalarConv;
import tacet.kernels.scalar.ScalarMove;
import tacet.kernels.scalar.ScalarPool;
import tacet.kernels.scalar.ScalarReduce;
import tacet.reference.Windows.ResolvedWindow;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * The reference implementation of every operator: row-major, plain Java. It is what fast kernels are checked against,
 * what constants are folded with, and what computes a node that no kernel takes.
 */
public final class Evaluator {

  /** Gives memory for outputs. */
  @FunctionalInterface
  public interface Allocator {
    /** A tensor for output number {@code index}; its content is overwritten whole. */
    Tensor allocate(int index, DataType type, Shape shape);
  }

  private final Node node;
  private final List<Tensor> in;
  private final List<Tensor> out;

  private Evaluator(Node node, List<Tensor> in, List<Tensor> out) {
    this.node = node;
    this.in = in;
    this.out = out;
  }

  /**
   * Types and shapes of a node's outputs.
   *
   * @param types per input; null where it is absent
   * @param known contents per input; null where they are not known
   * @throws tacet.error.ShapeMismatchException where inputs or attributes do not fit
   * @throws tacet.error.UnsupportedOpException where a shape depends on contents that are not known
   */
  public static List<TensorType> infer(Node node, List<TensorType> types, List<Tensor> known) {
    try {
      return new Inference(node, types, known).outputs();
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw Windows.bad(node, "shapes that fit in memory", String.valueOf(e.getMessage()));
    }
  }

  /**
   * Computes a node.
   *
   * @param inputs null where absent
   * @return outputs; null where the node does not name them
   */
  public static List<Tensor> evaluate(Node node, List<Tensor> inputs, Allocator allocator) {
    List<TensorType> types = new ArrayList<>();
    for (Tensor t : inputs) {
      types.add(t == null ? null : new TensorType(t.type(), t.shape()));
    }
    List<TensorType> wanted = infer(node, types, inputs);
    List<Tensor> outputs = new ArrayList<>();
    for (int i = 0; i < node.outputs().size(); i++) {
      outputs.add(
          node.hasOutput(i) && i < wanted.size()
              ? allocator.allocate(i, wanted.get(i).type(), wanted.get(i).shape())
              : null);
    }
    new Evaluator(node, inputs, outputs).run();
    return outputs;
  }

  private void run() {
    switch (node.op()) {
      case Op.Conv c -> convolution(c);
      case Op.ConvTranspose c -> transposed(c);
      case Op.Pool p -> pool(p);
      case Op.GlobalPool p -> globalPool(p);
      case Op.BatchNormalization b -> batchNormalization(b.epsilon());
      case Op.InstanceNormalization n -> groupNormalization(x(0).shape().intDim(1), n.epsilon());
      case Op.GroupNormalization g -> groupNormalization(g.groups(), g.epsilon());
      case Op.LayerNormalization l -> layerNormalization(l);
      case Op.Lrn l -> lrn(l);
      case Op.LpNormalization l -> lpNormalization(l);
      case Op.Unary u -> unary(u.function());
      case Op.Clip _ -> clip();
      case Op.PRelu _ -> elementwise(Op.ElementwiseKind.ADD, Activation.IDENTITY, true);
      case Op.Elementwise e -> elementwise(e.kind(), e.activation(), false);
      case Op.Not _ -> {
        for (long i = 0; i < y(0).elements(); i++) {
          e(out, 0).setLong(i, e(in, 0).getLong(i) == 0 ? 1 : 0);
        }
      }
      case Op.Where _ -> where();
      case Op.Softmax s -> softmax(s);
      case Op.Gemm g -> gemm(g);
      case Op.MatMul _ -> matMul();
      case Op.Concat c -> concat(c);
      case Op.Flatten _, Op.Reshape _, Op.Squeeze _, Op.Unsqueeze _ -> copy(in.get(0), out.get(0));
      case Op.Identity _ -> {
        copy(in.get(0), out.get(0));
        if (out.size() > 1 && out.get(1) != null) {
          out.get(1).data().fill((byte) 1);
        }
      }
      case Op.Transpose t -> {
        int[] p = Inference.permutation(t, in.get(0).shape().rank(), node);
        long[] dense = ScalarMove.dense(in.get(0).shape().dims());
        long[] steps = new long[p.length];
        for (int i = 0; i < p.length; i++) {
          steps[i] = dense[p[i]];
        }
        view(in.get(0), 0, steps, out.get(0));
      }
      case Op.Expand _ -> view(in.get(0), 0, broadcastSteps(in.get(0).shape(), y(0)), out.get(0));
      case Op.Tile _ -> tile();
      case Op.ConstantOfShape c -> view(c.value(), 0, new long[y(0).rank()], out.get(0));
      case Op.Range _ -> {
        for (long i = 0; i < y(0).elements(); i++) {
          e(out, 0).set(i, e(in, 0).get(0) + i * e(in, 2).get(0));
        }
      }
      case Op.Pad p -> pad(p);
      case Op.Reduce r -> reduce(r);
      case Op.Resize r -> ResizeGeometry.of(node, r, x(0).shape(), in).run(r, x(0), out.get(0));
      case Op.Split s -> split(s);
      case Op.Slice _ -> slice();
      case Op.Shape s -> {
        long[] dims = x(0).shape().dims();
        int start = Math.clamp(s.start() < 0 ? s.start() + dims.length : s.start(), 0, dims.length);
        for (int i = 0; i < y(0).elements(); i++) {
          e(out, 0).setLong(i, dims[start + i]);
        }
      }
      case Op.Size _ -> e(out, 0).setLong(0, x(0).shape().elements());
      case Op.Gather g -> gather(g);
      case Op.Cast _ -> {
        boolean integers = !x(0).type().isFloating() && !out.get(0).type().isFloating();
        for (long i = 0; i < y(0).elements(); i++) {
          if (integers && out.get(0).type() != DataType.BOOL) {
            e(out, 0).setLong(i, e(in, 0).getLong(i));
          } else {
            e(out, 0).set(i, e(in, 0).get(i));
          }
        }
      }
      case Op.DepthToSpace d -> depthToSpace(d);
      case Op.SpaceToDepth d -> spaceToDepth(d);
      case Op.ArgMax a -> argMax(a);
    }
  }

  // ---------------------------------------------------------------- access

  private Tensor x(int i) {
    return in.get(i);
  }

  private Shape y(int i) {
    return out.get(i).shape();
  }

  private boolean has(int i) {
    return i < in.size() && in.get(i) != null;
  }

  private static Elements e(List<Tensor> list, int i) {
    return new Elements(list.get(i).data(), list.get(i).type());
  }

  private static float[] floats(Tensor t) {
    if (t.type() == DataType.FLOAT32) {
      return t.toFloats();
    }
    Elements e = new Elements(t.data(), t.type());
    float[] out = new float[Math.toIntExact(t.shape().elements())];
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) e.get(i);
    }
    return out;
  }

  private static void store(float[] values, Tensor to) {
    Elements e = new Elements(to.data(), to.type());
    for (int i = 0; i < values.length; i++) {
      e.set(i, values[i]);
    }
  }

  private static void copy(Tensor from, Tensor to) {
    java.lang.foreign.MemorySegment.copy(from.data(), 0, to.data(), 0, to.data().byteSize());
  }

  private static void view(Tensor from, long first, long[] steps, Tensor to) {
    ScalarMove.gather(from.data(), first, steps, to.data(), to.shape().dims(), to.type().bytes());
  }

  private static int[] spatial(Shape s) {
    int[] out = new int[s.rank() - 2];
    for (int i = 0; i < out.length; i++) {
      out[i] = s.intDim(i + 2);
    }
    return out;
  }

  /** Steps through {@code s} for indices of the shape {@code to} that it broadcasts to. */
  private static long[] broadcastSteps(Shape s, Shape to) {
    long[] dense = ScalarMove.dense(s.dims());
    long[] steps = new long[to.rank()];
    for (int i = 1; i <= s.rank(); i++) {
      steps[to.rank() - i] = s.dim(-i) == 1 ? 0 : dense[s.rank() - i];
    }
    return steps;
  }

  /** For each element of {@code to}, the index of the element of {@code s} that it reads. */
  private static int[] broadcastIndices(Shape s, Shape to) {
    int n = Math.toIntExact(to.elements());
    int[] out = new int[n];
    if (s.equals(to)) {
      Arrays.setAll(out, i -> i);
      return out;
    }
    long[] steps = broadcastSteps(s, to);
    long[] dims = to.dims();
    for (int i = 0; i < n; i++) {
      long rest = i;
      long at = 0;
      for (int a = dims.length - 1; a >= 0; a--) {
        at += rest % dims[a] * steps[a];
        rest /= dims[a];
      }
      out[i] = (int) at;
    }
    return out;
  }

  // ---------------------------------------------------------------- windows

  private void convolution(Op.Conv c) {
    Shape s = x(0).shape();
    Shape w = x(1).shape();
    int[] extent = spatial(s);
    ResolvedWindow r = Windows.convolution(node, extent, spatial(w), c.window());
    float[] y = new float[Math.toIntExact(y(0).elements())];
    ScalarConv.convolve(
        floats(x(0)),
        s.intDim(0),
        s.intDim(1),
        extent,
        floats(x(1)),
        r.kernel(),
        has(2) ? floats(x(2)) : null,
        y,
        w.intDim(0),
        r.outputExtent(),
        c.groups(),
        r.strides(),
        r.padsBegin(),
        r.dilations());
    if (c.residual()) {
      float[] other = floats(x(3));
      for (int i = 0; i < y.length; i++) {
        y[i] += other[i];
      }
    }
    activate(y, c.activation());
    store(y, out.get(0));
  }

  private static void activate(float[] y, Activation f) {
    if (!f.isIdentity()) {
      for (int i = 0; i < y.length; i++) {
        y[i] = (float) ScalarActivation.apply(f, y[i]);
      }
    }
  }

  private void transposed(Op.ConvTranspose c) {
    Shape s = x(0).shape();
    Shape w = x(1).shape();
    int[] extent = spatial(s);
    ResolvedWindow r = Windows.transposed(node, extent, spatial(w), c);
    float[] y = new float[Math.toIntExact(y(0).elements())];
    ScalarConv.transpose(
        floats(x(0)),
        s.intDim(0),
        s.intDim(1),
        extent,
        floats(x(1)),
        r.kernel(),
        has(2) ? floats(x(2)) : null,
        y,
        w.intDim(1) * c.groups(),
        r.outputExtent(),
        c.groups(),
        r.strides(),
        r.padsBegin(),
        r.dilations());
    store(y, out.get(0));
  }

  private void pool(Op.Pool p) {
    Shape s = x(0).shape();
    int[] extent = spatial(s);
    ResolvedWindow r = Windows.pool(node, extent, p);
    Elements indices = out.size() > 1 && out.get(1) != null ? e(out, 1) : null;
    ScalarPool.pool(
        ScalarPool.Kind.valueOf(p.kind().name()),
        e(in, 0),
        Math.toIntExact(s.dim(0) * s.dim(1)),
        extent,
        e(out, 0),
        r.outputExtent(),
        indices,
        p.columnMajorIndices(),
        r.kernel(),
        r.strides(),
        r.padsBegin(),
        r.padsEnd(),
        r.dilations(),
        p.countIncludePad(),
        p.p());
  }

  private void globalPool(Op.GlobalPool p) {
    Shape s = x(0).shape();
    int[] extent = spatial(s);
    int[] ones = new int[extent.length];
    Arrays.fill(ones, 1);
    int[] none = new int[extent.length];
    ScalarPool.pool(
        ScalarPool.Kind.valueOf(p.kind().name()),
        e(in, 0),
        Math.toIntExact(s.dim(0) * s.dim(1)),
        extent,
        e(out, 0),
        ones,
        null,
        false,
        extent,
        ones,
        none,
        none,
        ones,
        false,
        p.p());
  }

  // ---------------------------------------------------------------- normalisation

  private void batchNormalization(float epsilon) {
    Shape s = x(0).shape();
    int channels = s.intDim(1);
    long inner = s.elements(2, s.rank());
    for (long i = 0; i < s.elements(); i++) {
      int c = (int) (i / inner % channels);
      double scale = e(in, 1).get(c) / Math.sqrt(e(in, 4).get(c) + epsilon);
      e(out, 0).set(i, (e(in, 0).get(i) - e(in, 3).get(c)) * scale + e(in, 2).get(c));
    }
  }

  private void groupNormalization(int groups, float epsilon) {
    Shape s = x(0).shape();
    int channels = s.intDim(1);
    int perGroup = channels / groups;
    long inner = s.elements(2, s.rank());
    long size = perGroup * inner;
    boolean perChannel = x(1).shape().elements() == channels;
    for (long g = 0; g < s.dim(0) * groups; g++) {
      double[] moments = moments(e(in, 0), g * size, size);
      double scale = 1 / Math.sqrt(moments[1] + epsilon);
      for (long i = g * size; i < (g + 1) * size; i++) {
        int c = (int) (i / inner % channels);
        int parameter = perChannel ? c : c / perGroup;
        e(out, 0)
            .set(
                i,
                (e(in, 0).get(i) - moments[0]) * scale * e(in, 1).get(parameter)
                    + e(in, 2).get(parameter));
      }
    }
  }

  /** Mean and variance of a run of elements. */
  private static double[] moments(Elements x, long from, long count) {
    double mean = 0;
    for (long i = 0; i < count; i++) {
      mean += x.get(from + i);
    }
    mean /= count;
    double variance = 0;
    for (long i = 0; i < count; i++) {
      double d = x.get(from + i) - mean;
      variance += d * d;
    }
    return new double[] {mean, variance / count};
  }

  private void layerNormalization(Op.LayerNormalization l) {
    Shape s = x(0).shape();
    int axis = Inference.axis(node, l.axis(), s.rank());
    long size = s.elements(axis, s.rank());
    int[] scaleAt = broadcastIndices(x(1).shape(), s);
    int[] biasAt = has(2) ? broadcastIndices(x(2).shape(), s) : null;
    for (long g = 0; g < s.elements(0, axis); g++) {
      double[] moments = moments(e(in, 0), g * size, size);
      double inverse = 1 / Math.sqrt(moments[1] + l.epsilon());
      for (long i = g * size; i < (g + 1) * size; i++) {
        double v = (e(in, 0).get(i) - moments[0]) * inverse * e(in, 1).get(scaleAt[(int) i]);
        e(out, 0).set(i, biasAt == null ? v : v + e(in, 2).get(biasAt[(int) i]));
      }
      for (int o = 1; o < out.size() && o < 3; o++) {
        if (out.get(o) != null) {
          e(out, o).set(g, o == 1 ? moments[0] : inverse);
        }
      }
    }
  }

  private void lrn(Op.Lrn l) {
    Shape s = x(0).shape();
    int channels = s.intDim(1);
    long inner = s.elements(2, s.rank());
    int before = (l.size() - 1) / 2;
    int after = l.size() - 1 - before;
    for (long n = 0; n < s.dim(0); n++) {
      for (long p = 0; p < inner; p++) {
        for (int c = 0; c < channels; c++) {
          double sum = 0;
          for (int k = Math.max(0, c - before); k <= Math.min(channels - 1, c + after); k++) {
            double v = e(in, 0).get((n * channels + k) * inner + p);
            sum += v * v;
          }
          long at = (n * channels + c) * inner + p;
          e(out, 0)
              .set(
                  at, e(in, 0).get(at) / Math.pow(l.bias() + l.alpha() / l.size() * sum, l.beta()));
        }
      }
    }
  }

  private void lpNormalization(Op.LpNormalization l) {
    alongAxis(
        l.axis(),
        (first, step, count) -> {
          double sum = 0;
          for (long i = 0; i < count; i++) {
            double v = Math.abs(e(in, 0).get(first + i * step));
            sum += l.p() == 1 ? v : v * v;
          }
          double norm = l.p() == 1 ? sum : Math.sqrt(sum);
          for (long i = 0; i < count; i++) {
            double v = e(in, 0).get(first + i * step);
            e(out, 0).set(first + i * step, norm == 0 ? 0 : v / norm);
          }
        });
  }

  private interface Line {
    void run(long first, long step, long count);
  }

  private void alongAxis(int axisAttribute, Line line) {
    Shape s = x(0).shape();
    int axis = Inference.axis(node, axisAttribute, s.rank());
    long inner = s.elements(axis + 1, s.rank());
    long count = s.dim(axis);
    for (long o = 0; o < s.elements(0, axis); o++) {
      for (long i = 0; i < inner; i++) {
        line.run(o * count * inner + i, inner, count);
      }
    }
  }

  private void softmax(Op.Softmax s) {
    Shape shape = x(0).shape();
    Line line = (first, step, count) -> softmaxLine(first, step, count, s.logarithm());
    if (s.toEnd()) {
      int axis = s.axis() < 0 ? s.axis() + shape.rank() : s.axis();
      long count = shape.elements(axis, shape.rank());
      for (long o = 0; o < shape.elements(0, axis); o++) {
        line.run(o * count, 1, count);
      }
    } else {
      alongAxis(s.axis(), line);
    }
  }

  private void softmaxLine(long first, long step, long count, boolean logarithm) {
    Elements x = e(in, 0);
    double max = Double.NEGATIVE_INFINITY;
    for (long i = 0; i < count; i++) {
      max = Math.max(max, x.get(first + i * step));
    }
    double sum = 0;
    for (long i = 0; i < count; i++) {
      sum += Math.exp(x.get(first + i * step) - max);
    }
    for (long i = 0; i < count; i++) {
      double d = x.get(first + i * step) - max;
      e(out, 0).set(first + i * step, logarithm ? d - Math.log(sum) : Math.exp(d) / sum);
    }
  }

  // ---------------------------------------------------------------- element by element

  private void unary(Activation f) {
    Elements x = e(in, 0);
    Elements y = e(out, 0);
    for (long i = 0; i < y(0).elements(); i++) {
      y.set(i, ScalarActivation.apply(f, x.get(i)));
    }
  }

  private void clip() {
    Elements x = e(in, 0);
    Elements y = e(out, 0);
    double low = has(1) ? e(in, 1).get(0) : Double.NEGATIVE_INFINITY;
    double high = has(2) ? e(in, 2).get(0) : Double.POSITIVE_INFINITY;
    for (long i = 0; i < y(0).elements(); i++) {
      double v = x.get(i);
      if (v < low || v > high || low > high) {
        y.set(i, Math.min(Math.max(v, low), high));
      } else {
        y.setLong(i, 0);
        copyElement(x, y, i);
      }
    }
  }

  private static void copyElement(Elements x, Elements y, long i) {
    if (x.type().isFloating()) {
      y.set(i, x.get(i));
    } else {
      y.setLong(i, x.getLong(i));
    }
  }

  private void elementwise(Op.ElementwiseKind kind, Activation f, boolean prelu) {
    Shape s = y(0);
    int n = Math.toIntExact(s.elements());
    int[][] at = new int[in.size()][];
    for (int k = 0; k < in.size(); k++) {
      at[k] = broadcastIndices(x(k).shape(), s);
    }
    Elements y = e(out, 0);
    boolean integers = !x(0).type().isFloating();
    for (int i = 0; i < n; i++) {
      if (prelu) {
        double v = e(in, 0).get(at[0][i]);
        y.set(i, v < 0 ? v * e(in, 1).get(at[1][i]) : v);
        continue;
      }
      if (integers && kind != Op.ElementwiseKind.POW && kind != Op.ElementwiseKind.MEAN) {
        long r = e(in, 0).getLong(at[0][i]);
        for (int k = 1; k < in.size(); k++) {
          r = combine(kind, r, e(in, k).getLong(at[k][i]));
        }
        y.setLong(i, r);
        continue;
      }
      double r = e(in, 0).get(at[0][i]);
      for (int k = 1; k < in.size(); k++) {
        r = combine(kind, r, e(in, k).get(at[k][i]), x(0).type() == DataType.FLOAT32);
      }
      if (kind == Op.ElementwiseKind.MEAN) {
        r /= in.size();
      }
      y.set(i, ScalarActivation.apply(f, r));
    }
  }

  /** Sums of float32 are rounded at each step, as every implementation does. */
  private static double combine(Op.ElementwiseKind kind, double a, double b, boolean single) {
    double r =
        switch (kind) {
          case ADD, MEAN -> a + b;
          case SUB -> a - b;
          case MUL -> a * b;
          case DIV -> a / b;
          case POW -> Math.pow(a, b);
          case MOD -> a % b;
          case MAX -> Math.max(a, b);
          case MIN -> Math.min(a, b);
          case EQUAL -> a == b ? 1 : 0;
          case GREATER -> a > b ? 1 : 0;
          case GREATER_OR_EQUAL -> a >= b ? 1 : 0;
          case LESS -> a < b ? 1 : 0;
          case LESS_OR_EQUAL -> a <= b ? 1 : 0;
          case AND -> a != 0 && b != 0 ? 1 : 0;
          case OR -> a != 0 || b != 0 ? 1 : 0;
          case XOR -> a != 0 ^ b != 0 ? 1 : 0;
        };
    return single ? (float) r : r;
  }

  private long combine(Op.ElementwiseKind kind, long a, long b) {
    return switch (kind) {
      case ADD -> a + b;
      case SUB -> a - b;
      case MUL -> a * b;
      case DIV, MOD -> {
        if (b == 0) {
          throw Windows.bad(node, "a divisor other than 0", "0");
        }
        yield kind == Op.ElementwiseKind.DIV ? a / b : Math.floorMod(a, b);
      }
      case MAX -> Math.max(a, b);
      case MIN -> Math.min(a, b);
      case EQUAL -> a == b ? 1 : 0;
      case GREATER -> a > b ? 1 : 0;
      case GREATER_OR_EQUAL -> a >= b ? 1 : 0;
      case LESS -> a < b ? 1 : 0;
      case LESS_OR_EQUAL -> a <= b ? 1 : 0;
      case AND -> a != 0 && b != 0 ? 1 : 0;
      case OR -> a != 0 || b != 0 ? 1 : 0;
      case XOR -> a != 0 ^ b != 0 ? 1 : 0;
      case POW, MEAN -> throw new AssertionError(kind);
    };
  }

  private void where() {
    Shape s = y(0);
    int[] c = broadcastIndices(x(0).shape(), s);
    int size = out.get(0).type().bytes();
    int[] a = broadcastIndices(x(1).shape(), s);
    int[] b = broadcastIndices(x(2).shape(), s);
    for (int i = 0; i < c.length; i++) {
      boolean first = e(in, 0).getLong(c[i]) != 0;
      java.lang.foreign.MemorySegment.copy(
          x(first ? 1 : 2).data(),
          (long) (first ? a[i] : b[i]) * size,
          out.get(0).data(),
          (long) i * size,
          size);
    }
  }

  // ---------------------------------------------------------------- matrices

  private void gemm(Op.Gemm g) {
    float[] a = floats(x(0));
    float[] b = floats(x(1));
    int m = y(0).intDim(0);
    int n = y(0).intDim(1);
    int k = x(0).shape().intDim(g.transA() ? 0 : 1);
    float[] y = new float[m * n];
    multiply(
        a,
        0,
        g.transA() ? 1 : k,
        g.transA() ? m : 1,
        b,
        0,
        g.transB() ? 1 : n,
        g.transB() ? k : 1,
        y,
        0,
        m,
        n,
        k);
    int[] at = has(2) ? broadcastIndices(x(2).shape(), y(0)) : null;
    float[] c = has(2) ? floats(x(2)) : null;
    for (int i = 0; i < y.length; i++) {
      y[i] *= g.alpha();
      if (c != null) {
        y[i] += g.beta() * c[at[i]];
      }
    }
    activate(y, g.activation());
    store(y, out.get(0));
  }

  /** y += a · b with element steps per row and column of a and b. */
  private static void multiply(
      float[] a,
      int a0,
      int aRow,
      int aColumn,
      float[] b,
      int b0,
      int bRow,
      int bColumn,
      float[] y,
      int y0,
      int m,
      int n,
      int k) {
    for (int i = 0; i < m; i++) {
      for (int p = 0; p < k; p++) {
        float v = a[a0 + i * aRow + p * aColumn];
        for (int j = 0; j < n; j++) {
          y[y0 + i * n + j] += v * b[b0 + p * bRow + j * bColumn];
        }
      }
    }
  }

  private void matMul() {
    Shape a = x(0).shape().rank() == 1 ? Shape.of(1, x(0).shape().dim(0)) : x(0).shape();
    Shape b = x(1).shape().rank() == 1 ? Shape.of(x(1).shape().dim(0), 1) : x(1).shape();
    int m = a.intDim(-2);
    int k = a.intDim(-1);
    int n = b.intDim(-1);
    float[] x = floats(x(0));
    float[] w = floats(x(1));
    float[] y = new float[Math.toIntExact(y(0).elements())];
    Shape batchA = Shape.of(Arrays.copyOf(a.dims(), a.rank() - 2));
    Shape batchB = Shape.of(Arrays.copyOf(b.dims(), b.rank() - 2));
    int rank = Math.max(batchA.rank(), batchB.rank());
    long[] dims = new long[rank];
    for (int i = 1; i <= rank; i++) {
      long p = i > batchA.rank() ? 1 : batchA.dim(-i);
      long q = i > batchB.rank() ? 1 : batchB.dim(-i);
      dims[rank - i] = p == 1 ? q : p;
    }
    Shape batch = Shape.of(dims);
    int[] atA = broadcastIndices(batchA, batch);
    int[] atB = broadcastIndices(batchB, batch);
    for (int i = 0; i < atA.length; i++) {
      multiply(x, atA[i] * m * k, k, 1, w, atB[i] * k * n, n, 1, y, i * m * n, m, n, k);
    }
    store(y, out.get(0));
  }

  // ---------------------------------------------------------------- moving

  private void concat(Op.Concat c) {
    int axis = Inference.axis(node, c.axis(), y(0).rank());
    long[] steps = ScalarMove.dense(y(0).dims());
    long at = 0;
    for (Tensor t : in) {
      ScalarMove.scatter(
          t.data(), out.get(0).data(), at * steps[axis], steps, t.shape().dims(), t.type().bytes());
      at += t.shape().dim(axis);
    }
  }

  private void split(Op.Split s) {
    int axis = Inference.axis(node, s.axis(), x(0).shape().rank());
    long[] steps = ScalarMove.dense(x(0).shape().dims());
    long at = 0;
    List<TensorType> all = infer(node, types(), in);
    for (int i = 0; i < out.size(); i++) {
      if (out.get(i) != null) {
        view(x(0), at * steps[axis], steps, out.get(i));
      }
      at += all.get(i).shape().dim(axis);
    }
  }

  private List<TensorType> types() {
    List<TensorType> types = new ArrayList<>();
    for (Tensor t : in) {
      types.add(t == null ? null : new TensorType(t.type(), t.shape()));
    }
    return types;
  }

  private void slice() {
    SliceGeometry g = SliceGeometry.of(node, x(0).shape(), in);
    long[] steps = ScalarMove.dense(x(0).shape().dims());
    long first = 0;
    for (int a = 0; a < steps.length; a++) {
      first += g.starts()[a] * steps[a];
      steps[a] *= g.steps()[a];
    }
    view(x(0), first, steps, out.get(0));
  }

  private void tile() {
    long[] source = x(0).shape().dims();
    long[] dense = ScalarMove.dense(source);
    long[] dims = y(0).dims();
    int size = x(0).type().bytes();
    for (long i = 0; i < y(0).elements(); i++) {
      long rest = i;
      long at = 0;
      for (int a = dims.length - 1; a >= 0; a--) {
        at += rest % dims[a] % source[a] * dense[a];
        rest /= dims[a];
      }
      java.lang.foreign.MemorySegment.copy(
          x(0).data(), at * size, out.get(0).data(), i * size, size);
    }
  }

  private void pad(Op.Pad p) {
    int rank = y(0).rank();
    long[] pads = PadGeometry.pads(node, rank, in);
    long[] source = x(0).shape().dims();
    long[] dense = ScalarMove.dense(source);
    long[] dims = y(0).dims();
    int size = x(0).type().bytes();
    for (long i = 0; i < y(0).elements(); i++) {
      long rest = i;
      long at = 0;
      boolean inside = true;
      for (int a = rank - 1; a >= 0; a--) {
        long k = rest % dims[a] - pads[a];
        rest /= dims[a];
        if (k < 0 || k >= source[a]) {
          inside &= p.mode() != Op.PadMode.CONSTANT;
          k = outside(p.mode(), k, source[a]);
        }
        at += k * dense[a];
      }
      if (inside) {
        java.lang.foreign.MemorySegment.copy(
            x(0).data(), at * size, out.get(0).data(), i * size, size);
      } else if (has(2)) {
        java.lang.foreign.MemorySegment.copy(x(2).data(), 0, out.get(0).data(), i * size, size);
      } else {
        e(out, 0).set(i, 0);
      }
    }
  }

  private long outside(Op.PadMode mode, long k, long extent) {
    if (extent == 0 && mode != Op.PadMode.CONSTANT) {
      throw Windows.bad(node, "something to pad with", "an extent of 0");
    }
    return switch (mode) {
      case CONSTANT -> 0;
      case EDGE -> Math.clamp(k, 0, extent - 1);
      case WRAP -> Math.floorMod(k, extent);
      case REFLECT -> {
        if (extent == 1) {
          yield 0;
        }
        long period = 2 * (extent - 1);
        long r = Math.floorMod(k, period);
        yield r < extent ? r : period - r;
      }
    };
  }

  private void reduce(Op.Reduce r) {
    Set<Integer> axes = new Inference(node, types(), in).reduceAxes(r);
    long[] dims = x(0).shape().dims();
    boolean[] reduced = new boolean[dims.length];
    axes.forEach(a -> reduced[a] = true);
    ScalarReduce.reduce(
        ScalarReduce.Kind.valueOf(r.kind().name()), e(in, 0), dims, reduced, e(out, 0));
  }

  private void gather(Op.Gather g) {
    Shape s = x(0).shape();
    int axis = Inference.axis(node, g.axis(), s.rank());
    long inner = s.elements(axis + 1, s.rank()) * x(0).type().bytes();
    long count = x(1).shape().elements();
    for (long o = 0; o < s.elements(0, axis); o++) {
      for (long i = 0; i < count; i++) {
        long index = e(in, 1).getLong(i);
        long k = index < 0 ? index + s.dim(axis) : index;
        if (k < 0 || k >= s.dim(axis)) {
          throw Windows.bad(node, "indices below " + s.dim(axis), Long.toString(index));
        }
        java.lang.foreign.MemorySegment.copy(
            x(0).data(),
            (o * s.dim(axis) + k) * inner,
            out.get(0).data(),
            (o * count + i) * inner,
            inner);
      }
    }
  }

  /** Steps of the input for the axes [N, C', H, b, W, b'] of the output, whose extent is given. */
  private void depthToSpace(Op.DepthToSpace d) {
    Shape s = x(0).shape();
    long b = d.block();
    long c = s.dim(1) / (b * b);
    long h = s.dim(2);
    long w = s.dim(3);
    long plane = h * w;
    long[] dims = {s.dim(0), c, h, b, w, b};
    long[] steps =
        d.columnRowDepth()
            ? new long[] {s.dim(1) * plane, b * b * plane, w, b * plane, 1, plane}
            : new long[] {s.dim(1) * plane, plane, w, b * c * plane, 1, c * plane};
    ScalarMove.gather(x(0).data(), 0, steps, out.get(0).data(), dims, x(0).type().bytes());
  }

  private void spaceToDepth(Op.SpaceToDepth d) {
    Shape s = x(0).shape();
    long b = d.block();
    long c = s.dim(1);
    long h = s.dim(2) / b;
    long w = s.dim(3) / b;
    long row = s.dim(3);
    long plane = s.dim(2) * row;
    // Output channels run over (row, column, channel), or (channel, row, column).
    long[] dims =
        d.columnRowDepth()
            ? new long[] {s.dim(0), c, b, b, h, w}
            : new long[] {s.dim(0), b, b, c, h, w};
    long[] steps =
        d.columnRowDepth()
            ? new long[] {c * plane, plane, row, 1, b * row, b}
            : new long[] {c * plane, row, 1, plane, b * row, b};
    ScalarMove.gather(x(0).data(), 0, steps, out.get(0).data(), dims, x(0).type().bytes());
  }

  private void argMax(Op.ArgMax a) {
    Shape s = x(0).shape();
    int axis = Inference.axis(node, a.axis(), s.rank());
    long inner = s.elements(axis + 1, s.rank());
    alongAxis(
        a.axis(),
        (first, step, count) -> {
          long best = 0;
          for (long i = 1; i < count; i++) {
            double v = e(in, 0).get(first + i * step);
            double w = e(in, 0).get(first + best * step);
            boolean better = a.minimum() ? v < w : v > w;
            if (better || v == w && a.selectLast()) {
              best = i;
            }
          }
          e(out, 0).setLong(first / (count * inner) * inner + first % inner, best);
        });
  }
}
