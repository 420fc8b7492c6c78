package tacet.reference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.DataType;
import tacet.kernels.scalar.ScalarActivation;
import tacet.kernels.scalar.ScalarConv;
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

  private Evaluator() {}

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

  /** What Shape or Size gives for a value of this type, whose content need not be known; null for other operators. */
  public static Tensor ofShape(Op op, TensorType value) {
    return switch (op) {
      case Op.Shape s -> {
        long[] dims = Inference.part(s, value.shape());
        yield Tensor.ofLongs(Shape.of(dims.length), dims);
      }
      case Op.Size _ -> Tensor.ofLongs(Shape.scalar(), value.shape().elements());
      default -> null;
    };
  }

  /**
   * Computes a node.
   *
   * @param inputs null where absent
   * @return outputs; null where the node does not name them
   */
  public static List<Tensor> evaluate(Node node, List<Tensor> inputs, Allocator allocator) {
    List<TensorType> wanted = infer(node, new Operands(node, inputs, List.of()).types(), inputs);
    List<Tensor> outputs = new ArrayList<>();
    for (int i = 0; i < node.outputs().size(); i++) {
      outputs.add(
          node.hasOutput(i) && i < wanted.size()
              ? allocator.allocate(i, wanted.get(i).type(), wanted.get(i).shape())
              : null);
    }
    try {
      run(new Operands(node, inputs, outputs));
    } catch (ArithmeticException e) {
      throw Windows.bad(node, "extents whose products fit", String.valueOf(e.getMessage()));
    }
    return outputs;
  }

  private static void run(Operands o) {
    switch (o.node().op()) {
      case Op.Conv c -> convolution(o, c);
      case Op.ConvTranspose c -> transposed(o, c);
      case Op.Pool p -> pool(o, p);
      case Op.GlobalPool p -> globalPool(o, p);
      case Op.BatchNormalization b -> Normalizations.batch(o, b);
      case Op.InstanceNormalization n -> Normalizations.group(o, o.shape(0).intDim(1), n.epsilon());
      case Op.GroupNormalization g -> Normalizations.group(o, g.groups(), g.epsilon());
      case Op.LayerNormalization l -> Normalizations.layer(o, l);
      case Op.Lrn l -> Normalizations.acrossChannels(o, l);
      case Op.LpNormalization l -> Normalizations.byNorm(o, l);
      case Op.Softmax s -> Normalizations.softmax(o, s);
      case Op.ArgMax a -> Normalizations.argMax(o, a);
      case Op.Unary u -> Arithmetic.unary(o, u.function());
      case Op.Clip _ -> Arithmetic.clip(o);
      case Op.PRelu _ -> Arithmetic.prelu(o);
      case Op.Elementwise e -> Arithmetic.elementwise(o, e.kind(), e.activation());
      case Op.Not _ -> Arithmetic.not(o);
      case Op.Where _ -> Arithmetic.where(o);
      case Op.Cast c -> Arithmetic.cast(o, c.to());
      case Op.CastLike _ -> Arithmetic.cast(o, o.x(1).type());
      case Op.Range _ -> Arithmetic.range(o);
      case Op.Gemm g -> Matrices.gemm(o, g);
      case Op.MatMul _ -> Matrices.matMul(o);
      case Op.Flatten _,
          Op.Reshape _,
          Op.Squeeze _,
          Op.Unsqueeze _,
          Op.AlignAxes _,
          Op.Identity _ ->
          o.copy();
      case Op.Transpose t -> Moves.transpose(o, t);
      case Op.Pixels p -> Arithmetic.pixels(o, p);
      case Op.ChannelShuffle s -> Moves.channelShuffle(o, s);
      case Op.Expand _ -> o.view(o.x(0), 0, Operands.broadcastSteps(o.shape(0), o.y(0)), 0);
      case Op.ConstantOfShape c -> o.view(c.value(), 0, new long[o.y(0).rank()], 0);
      case Op.Tile _ -> Moves.tile(o);
      case Op.Pad p -> Moves.pad(o, p);
      case Op.Concat c -> Moves.concat(o, c);
      case Op.Split s -> Moves.split(o, s);
      case Op.Slice _ -> Moves.slice(o);
      case Op.Gather g -> Moves.gather(o, g);
      case Op.DepthToSpace d -> Moves.depthToSpace(o, d);
      case Op.SpaceToDepth d -> Moves.spaceToDepth(o, d);
      case Op.Reduce r -> reduce(o, r);
      case Op.Resize r ->
          ResizeGeometry.of(o.node(), r, o.shape(0), o.in()).run(r, o.x(0), o.out().get(0));
      case Op.Shape _, Op.Size _ ->
          o.out().get(0).data().copyFrom(ofShape(o.node().op(), o.types().getFirst()).data());
    }
  }

  private static void convolution(Operands o, Op.Conv c) {
    Shape s = o.shape(0);
    Shape w = o.shape(1);
    int[] extent = o.spatial(0);
    ResolvedWindow r = Windows.convolution(o.node(), extent, o.spatial(1), c.window());
    float[] y = new float[Math.toIntExact(o.y(0).elements())];
    ScalarConv.convolve(
        o.floats(0),
        s.intDim(0),
        s.intDim(1),
        extent,
        o.floats(1),
        r.kernel(),
        o.has(2) ? o.floats(2) : null,
        y,
        w.intDim(0),
        r.outputExtent(),
        c.groups(),
        r.strides(),
        r.padsBegin(),
        r.dilations());
    if (c.residual()) {
      float[] other = o.floats(3);
      for (int i = 0; i < y.length; i++) {
        y[i] += other[i];
      }
    }
    if (!c.activation().isIdentity()) {
      for (int i = 0; i < y.length; i++) {
        y[i] = (float) ScalarActivation.apply(c.activation(), y[i]);
      }
    }
    o.store(y);
  }

  private static void transposed(Operands o, Op.ConvTranspose c) {
    Shape s = o.shape(0);
    int[] extent = o.spatial(0);
    ResolvedWindow r = Windows.transposed(o.node(), extent, o.spatial(1), c);
    float[] y = new float[Math.toIntExact(o.y(0).elements())];
    ScalarConv.transpose(
        o.floats(0),
        s.intDim(0),
        s.intDim(1),
        extent,
        o.floats(1),
        r.kernel(),
        o.has(2) ? o.floats(2) : null,
        y,
        o.y(0).intDim(1),
        r.outputExtent(),
        c.groups(),
        r.strides(),
        r.padsBegin(),
        r.dilations());
    o.store(y);
  }

  private static void pool(Operands o, Op.Pool p) {
    int[] extent = o.spatial(0);
    ResolvedWindow r = Windows.pool(o.node(), extent, p);
    ScalarPool.pool(
        ScalarPool.Kind.valueOf(p.kind().name()),
        o.from(0),
        Math.toIntExact(o.shape(0).elements(0, 2)),
        extent,
        o.wants(0) ? o.to(0) : null,
        r.outputExtent(),
        o.wants(1) ? o.to(1) : null,
        p.columnMajorIndices(),
        r.kernel(),
        r.strides(),
        r.padsBegin(),
        r.padsEnd(),
        r.dilations(),
        p.countIncludePad(),
        p.p());
  }

  private static void globalPool(Operands o, Op.GlobalPool p) {
    int[] extent = o.spatial(0);
    int[] ones = new int[extent.length];
    Arrays.fill(ones, 1);
    int[] none = new int[extent.length];
    ScalarPool.pool(
        ScalarPool.Kind.valueOf(p.kind().name()),
        o.from(0),
        Math.toIntExact(o.shape(0).elements(0, 2)),
        extent,
        o.to(0),
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

  private static void reduce(Operands o, Op.Reduce r) {
    Set<Integer> axes = new Inference(o.node(), o.types(), o.in()).reduceAxes(r);
    long[] dims = o.shape(0).dims();
    boolean[] reduced = new boolean[dims.length];
    axes.forEach(a -> reduced[a] = true);
    ScalarReduce.reduce(
        ScalarReduce.Kind.valueOf(r.kind().name()), o.from(0), dims, reduced, o.to(0));
  }
}
