package tacet.reference;

import static tacet.reference.Windows.bad;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import tacet.error.UnsupportedOpException;
import tacet.error.UnsupportedOpException.Unsupported;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Types and shapes of a node's outputs, from those of its inputs and the contents that decide shapes. */
final class Inference {

  private final Node node;
  private final List<TensorType> types;
  private final List<Tensor> known;

  Inference(Node node, List<TensorType> types, List<Tensor> known) {
    this.node = node;
    this.types = types;
    this.known = known;
  }

  List<TensorType> outputs() {
    int needed = leastInputs();
    for (int i = 0; i < needed; i++) {
      boolean optional = node.op() instanceof Op.Conv && i == 2;
      if (i >= types.size() || types.get(i) == null && !optional) {
        throw bad(node, "at least " + needed + " inputs", types.size() + ", or one is absent");
      }
    }
    boolean variadic = node.op() instanceof Op.Elementwise || node.op() instanceof Op.Concat;
    if (variadic && types.contains(null)) {
      throw bad(node, "no absent input", node.inputs().toString());
    }
    return switch (node.op()) {
      case Op.Conv c -> {
        sameTypes(0, 1);
        yield one(as(windows().convolution(c)));
      }
      case Op.ConvTranspose c -> {
        sameTypes(0, 1);
        yield one(as(windows().transposed(c)));
      }
      case Op.Pool p -> pool(p);
      case Op.GlobalPool _ -> one(as(windows().globalPool()));
      case Op.BatchNormalization _, Op.InstanceNormalization _ -> perChannel();
      case Op.GroupNormalization g -> one(groupNormalization(g));
      case Op.Lrn l -> {
        if (l.size() < 1 || shape(0).rank() < 2) {
          throw bad(node, "an image and a size of at least 1", shape(0) + " and " + l.size());
        }
        yield one(type(0));
      }
      case Op.LayerNormalization l -> layerNormalization(l);
      case Op.LpNormalization l -> {
        axis(l.axis(), shape(0).rank());
        if (l.p() != 1 && l.p() != 2) {
          throw bad(node, "p of 1 or 2", Integer.toString(l.p()));
        }
        yield one(type(0));
      }
      case Op.Unary u -> {
        if (!type(0).type().isFloating() && !Arithmetic.takesIntegers(u.function().kind())) {
          throw bad(node, "floating-point numbers", type(0).type().toString());
        }
        yield one(type(0));
      }
      case Op.Clip _ -> {
        for (int i = 1; i < 3 && i < types.size(); i++) {
          if (has(i)) {
            sameTypes(0, i);
            need(shape(i).elements() == 1, "a bound of one element", shape(i));
          }
        }
        yield one(type(0));
      }
      case Op.ChannelShuffle s -> {
        need(shape(0).rank() == 4, "an image", shape(0));
        need(shape(0).dim(1) % s.groups() == 0, "channels in " + s.groups() + " groups", shape(0));
        yield one(type(0));
      }
      case Op.Pixels p -> {
        need(
            type(0).type() == DataType.UINT8 && shape(0).rank() == 4,
            "uint8 pictures [N, H, W, S]",
            shape(0));
        Shape s = shape(0);
        try {
          yield one(
              new TensorType(
                  DataType.FLOAT32, Shape.of(s.dim(0), p.spec(s).channels(), s.dim(1), s.dim(2))));
        } catch (IllegalArgumentException e) {
          throw bad(node, "an order, means and deviations that fit", e.getMessage());
        }
      }
      case Op.Not _ -> {
        bool(0);
        yield one(type(0));
      }
      case Op.Softmax s -> {
        if (s.toEnd()) {
          insertionAxis(s.axis(), shape(0).rank());
        } else {
          axis(s.axis(), shape(0).rank());
        }
        yield one(type(0));
      }
      case Op.PRelu _ -> {
        sameTypes(0, 1);
        if (!broadcast(shape(0), shape(1)).equals(shape(0))) {
          throw bad(node, "a slope that broadcasts to " + shape(0), shape(1).toString());
        }
        yield one(type(0));
      }
      case Op.Elementwise e -> one(elementwise(e));
      case Op.Where _ -> {
        bool(0);
        sameTypes(1, 2);
        yield one(
            new TensorType(type(1).type(), broadcast(broadcast(shape(0), shape(1)), shape(2))));
      }
      case Op.Gemm g -> one(gemm(g));
      case Op.MatMul _ -> {
        sameTypes(0, 1);
        yield one(as(matMul(shape(0), shape(1))));
      }
      case Op.Concat c -> one(concat(c));
      case Op.Flatten f -> {
        int a = insertionAxis(f.axis(), shape(0).rank());
        yield one(as(Shape.of(shape(0).elements(0, a), shape(0).elements(a, shape(0).rank()))));
      }
      case Op.Reshape r -> one(as(moved().reshape(r)));
      case Op.Transpose t -> one(as(moved().transpose(t)));
      case Op.Squeeze _ -> one(as(moved().squeeze()));
      case Op.Unsqueeze _ -> one(as(moved().unsqueeze()));
      case Op.AlignAxes a -> one(as(moved().align(a.axis(), shape(1))));
      case Op.Expand _ -> one(as(broadcast(shape(0), positive(node, longs(1)))));
      case Op.Tile _ -> one(as(moved().tile()));
      case Op.Identity _ -> one(type(0));
      case Op.ConstantOfShape c -> one(new TensorType(c.value().type(), positive(node, longs(0))));
      case Op.Range _ -> one(range());
      case Op.Pad _ -> one(pad());
      case Op.Reduce r -> one(as(reduced(r.keepDims(), reduceAxes(r))));
      case Op.Resize r -> one(as(ResizeGeometry.of(node, r, shape(0), known).output()));
      case Op.Split s -> moved().split(s).stream().map(this::as).toList();
      case Op.Slice _ -> one(as(SliceGeometry.of(node, shape(0), known).output()));
      case Op.Shape s -> one(new TensorType(DataType.INT64, Shape.of(part(s, shape(0)).length)));
      case Op.Size _ -> one(new TensorType(DataType.INT64, Shape.scalar()));
      case Op.Gather g -> {
        int a = axis(g.axis(), shape(0).rank());
        integers(1);
        yield one(as(replaced(shape(0), a, a + 1, shape(1).dims())));
      }
      case Op.Cast c ->
          one(
              new TensorType(
                  c.to() == DataType.FLOAT16 || c.to() == DataType.BFLOAT16
                      ? DataType.FLOAT32
                      : c.to(),
                  shape(0)));
      case Op.CastLike _ -> one(new TensorType(type(1).type(), shape(0)));
      case Op.DepthToSpace d -> {
        image4();
        long block = (long) d.block() * d.block();
        if (d.block() < 1 || shape(0).dim(1) % block != 0) {
          throw bad(node, "channels divisible by " + block, shape(0).toString());
        }
        yield one(
            as(
                Shape.of(
                    shape(0).dim(0),
                    shape(0).dim(1) / block,
                    Math.multiplyExact(shape(0).dim(2), (long) d.block()),
                    Math.multiplyExact(shape(0).dim(3), (long) d.block()))));
      }
      case Op.SpaceToDepth d -> {
        image4();
        if (d.block() < 1 || shape(0).dim(2) % d.block() != 0 || shape(0).dim(3) % d.block() != 0) {
          throw bad(node, "height and width divisible by " + d.block(), shape(0).toString());
        }
        yield one(
            as(
                Shape.of(
                    shape(0).dim(0),
                    Math.multiplyExact(shape(0).dim(1), (long) d.block() * d.block()),
                    shape(0).dim(2) / d.block(),
                    shape(0).dim(3) / d.block())));
      }
      case Op.ArgMax a -> {
        int ax = axis(a.axis(), shape(0).rank());
        if (shape(0).dim(ax) == 0) {
          throw bad(node, "something to choose from", shape(0).toString());
        }
        yield one(new TensorType(DataType.INT64, reduced(a.keepDims(), Set.of(ax))));
      }
    };
  }

  private int leastInputs() {
    return switch (node.op()) {
      case Op.BatchNormalization _ -> 5;
      case Op.InstanceNormalization _,
          Op.GroupNormalization _,
          Op.Where _,
          Op.Range _,
          Op.Slice _ ->
          3;
      case Op.Conv c -> c.residual() ? 4 : 2;
      case Op.ConvTranspose _,
          Op.LayerNormalization _,
          Op.PRelu _,
          Op.Gemm _,
          Op.MatMul _,
          Op.Reshape _,
          Op.Unsqueeze _,
          Op.AlignAxes _,
          Op.CastLike _,
          Op.Expand _,
          Op.Tile _,
          Op.Pad _,
          Op.Gather _ ->
          2;
      case Op.Elementwise e ->
          switch (e.kind()) {
            case ADD, MAX, MIN, MEAN -> 1;
            default -> 2;
          };
      default -> 1;
    };
  }

  private TensorType type(int i) {
    return types.get(i);
  }

  private Shape shape(int i) {
    return types.get(i).shape();
  }

  private boolean has(int i) {
    return i < types.size() && types.get(i) != null;
  }

  private static List<TensorType> one(TensorType t) {
    return List.of(t);
  }

  /** The first input's type with another shape. */
  private TensorType as(Shape s) {
    return new TensorType(type(0).type(), s);
  }

  private List<TensorType> pool(Op.Pool p) {
    TensorType y = as(windows().pool(p));
    return node.outputs().size() > 1
        ? List.of(y, new TensorType(DataType.INT64, y.shape()))
        : List.of(y);
  }

  private List<TensorType> perChannel() {
    if (shape(0).rank() < 2) {
      throw bad(node, "an input [N, C, …]", shape(0).toString());
    }
    Shape c = Shape.of(shape(0).dim(1));
    for (int i = 1; i < types.size(); i++) {
      if (has(i) && !shape(i).equals(c)) {
        throw bad(node, "one parameter per channel, " + c, shape(i).toString());
      }
    }
    return one(type(0));
  }

  private List<TensorType> layerNormalization(Op.LayerNormalization l) {
    int a = axis(l.axis(), shape(0).rank());
    for (int i = 1; i < 3; i++) {
      if (has(i) && !broadcast(shape(0), shape(i)).equals(shape(0))) {
        throw bad(node, "a parameter that broadcasts to " + shape(0), shape(i).toString());
      }
    }
    List<TensorType> out = new ArrayList<>(List.of(type(0)));
    long[] dims = shape(0).dims();
    Arrays.fill(dims, a, dims.length, 1);
    for (int i = 1; i < node.outputs().size(); i++) {
      out.add(as(Shape.of(dims)));
    }
    return out;
  }

  private TensorType elementwise(Op.Elementwise e) {
    Shape s = shape(0);
    for (int i = 1; i < types.size(); i++) {
      s = broadcast(s, shape(i));
      if (e.kind() != Op.ElementwiseKind.POW) {
        sameTypes(0, i);
      }
    }
    boolean bool = type(0).type() == DataType.BOOL;
    return switch (e.kind()) {
      case AND, OR, XOR -> {
        bool(0);
        yield as(s);
      }
      case EQUAL -> new TensorType(DataType.BOOL, s);
      default -> {
        if (bool) {
          throw bad(node, "numbers", "BOOL");
        }
        yield switch (e.kind()) {
          case GREATER, GREATER_OR_EQUAL, LESS, LESS_OR_EQUAL -> new TensorType(DataType.BOOL, s);
          default -> as(s);
        };
      }
    };
  }

  private void sameTypes(int a, int b) {
    if (type(a).type() != type(b).type()) {
      throw bad(node, "operands of one type", type(a).type() + " and " + type(b).type());
    }
  }

  private TensorType gemm(Op.Gemm g) {
    Shape a = shape(0);
    Shape b = shape(1);
    sameTypes(0, 1);
    if (a.rank() != 2 || b.rank() != 2) {
      throw bad(node, "two matrices", a + " and " + b);
    }
    long m = a.dim(g.transA() ? 1 : 0);
    long k = a.dim(g.transA() ? 0 : 1);
    long k2 = b.dim(g.transB() ? 1 : 0);
    long n = b.dim(g.transB() ? 0 : 1);
    if (k != k2) {
      throw bad(node, "matrices that share " + k, a + " and " + b);
    }
    Shape out = Shape.of(m, n);
    if (has(2) && !broadcast(out, shape(2)).equals(out)) {
      throw bad(node, "a third operand that broadcasts to " + out, shape(2).toString());
    }
    return as(out);
  }

  private Shape matMul(Shape a, Shape b) {
    if (a.rank() == 0 || b.rank() == 0) {
      throw bad(node, "operands of rank 1 or more", a + " and " + b);
    }
    Shape x = a.rank() == 1 ? Shape.of(1, a.dim(0)) : a;
    Shape y = b.rank() == 1 ? Shape.of(b.dim(0), 1) : b;
    if (x.dim(-1) != y.dim(-2)) {
      throw bad(node, "matrices that share " + x.dim(-1), a + " and " + b);
    }
    Shape batch =
        broadcast(
            Shape.of(Arrays.copyOf(x.dims(), x.rank() - 2)),
            Shape.of(Arrays.copyOf(y.dims(), y.rank() - 2)));
    List<Long> dims = new ArrayList<>(Arrays.stream(batch.dims()).boxed().toList());
    if (a.rank() > 1) {
      dims.add(x.dim(-2));
    }
    if (b.rank() > 1) {
      dims.add(y.dim(-1));
    }
    return Shape.of(dims.stream().mapToLong(Long::longValue).toArray());
  }

  private TensorType concat(Op.Concat c) {
    int a = axis(c.axis(), shape(0).rank());
    long sum = 0;
    for (int i = 0; i < types.size(); i++) {
      sameTypes(0, i);
      if (shape(i).rank() != shape(0).rank() || !shape(i).with(a, 1).equals(shape(0).with(a, 1))) {
        throw bad(node, "inputs alike but for axis " + a, shape(0) + " and " + shape(i));
      }
      sum = Math.addExact(sum, shape(i).dim(a));
    }
    return as(shape(0).with(a, sum));
  }

  static int[] permutation(Op.Transpose t, int rank, Node node) {
    int[] p = new int[rank];
    if (t.permutation().isEmpty()) {
      for (int i = 0; i < rank; i++) {
        p[i] = rank - 1 - i;
      }
      return p;
    }
    Set<Integer> seen = new HashSet<>(t.permutation());
    if (t.permutation().size() != rank || seen.size() != rank) {
      throw bad(node, "a permutation of " + rank + " axes", t.permutation().toString());
    }
    for (int i = 0; i < rank; i++) {
      p[i] = t.permutation().get(i);
      if (p[i] < 0 || p[i] >= rank) {
        throw bad(node, "a permutation of " + rank + " axes", t.permutation().toString());
      }
    }
    return p;
  }

  static Shape positive(Node node, long[] dims) {
    for (long d : dims) {
      if (d < 0) {
        throw bad(node, "a shape without negative dimensions", Arrays.toString(dims));
      }
    }
    return Shape.of(dims);
  }

  private TensorType range() {
    sameTypes(0, 1);
    sameTypes(0, 2);
    for (int i = 0; i < 3; i++) {
      need(shape(i).elements() == 1, "start, limit and delta of one element", shape(i));
    }
    Numbers start = known(0, "start");
    Numbers limit = known(1, "limit");
    Numbers delta = known(2, "delta");
    if (delta.number(0) == 0) {
      throw bad(node, "a delta other than 0", "0");
    }
    double n = Math.ceil((limit.number(0) - start.number(0)) / delta.number(0));
    if (!type(0).type().isFloating() && Math.abs(n) < 1L << 32) {
      // Exact where doubles are not.
      n = Math.ceilDiv(limit.longs()[0] - start.longs()[0], delta.longs()[0]);
    }
    if (!(n < 1L << 32)) {
      throw bad(node, "fewer than 2^32 numbers", Double.toString(n));
    }
    return as(Shape.of((long) Math.max(0, n)));
  }

  private TensorType pad() {
    if (has(2)) {
      sameTypes(0, 2);
      need(shape(2).elements() == 1, "a value of one element", shape(2));
    }
    return as(moved().pad());
  }

  private WindowShapes windows() {
    return new WindowShapes(node, shape(0), has(1) ? shape(1) : null, has(2) ? shape(2) : null);
  }

  private MoveShapes moved() {
    return new MoveShapes(node, shape(0), known);
  }

  private void need(boolean holds, String what, Shape got) {
    if (!holds) {
      throw bad(node, what, got.toString());
    }
  }

  private void bool(int i) {
    if (type(i).type() != DataType.BOOL) {
      throw bad(node, "BOOL", type(i).type().toString());
    }
  }

  /** The dimensions that a Shape node gives. */
  static long[] part(Op.Shape s, Shape shape) {
    int rank = shape.rank();
    int start = Math.clamp(s.start() < 0 ? s.start() + rank : s.start(), 0, rank);
    int end = s.end() == null ? rank : Math.clamp(s.end() < 0 ? s.end() + rank : s.end(), 0, rank);
    return start >= end ? new long[0] : Arrays.copyOfRange(shape.dims(), start, end);
  }

  private TensorType groupNormalization(Op.GroupNormalization g) {
    Shape x = shape(0);
    if (g.groups() < 1 || x.rank() < 2 || x.dim(1) % g.groups() != 0) {
      throw bad(node, "groups that divide the channels", g.groups() + " for " + x);
    }
    for (int i = 1; i < 3; i++) {
      boolean fits = shape(i).equals(Shape.of(x.dim(1))) || shape(i).equals(Shape.of(g.groups()));
      need(fits && shape(i).equals(shape(1)), "parameters per channel or per group", shape(i));
    }
    return type(0);
  }

  Set<Integer> reduceAxes(Op.Reduce r) {
    Set<Integer> axes = new HashSet<>();
    int rank = shape(0).rank();
    long[] given = has(1) ? longs(1) : new long[0];
    for (long a : given) {
      axes.add(axis(a, rank));
    }
    if (given.length == 0 && !r.noopWithEmptyAxes()) {
      for (int i = 0; i < rank; i++) {
        axes.add(i);
      }
    }
    return axes;
  }

  private Shape reduced(boolean keep, Set<Integer> axes) {
    List<Long> dims = new ArrayList<>();
    for (int i = 0; i < shape(0).rank(); i++) {
      if (!axes.contains(i)) {
        dims.add(shape(0).dim(i));
      } else if (keep) {
        dims.add(1L);
      }
    }
    return Shape.of(dims.stream().mapToLong(Long::longValue).toArray());
  }

  private void image4() {
    if (shape(0).rank() != 4) {
      throw bad(node, "an image [N, C, H, W]", shape(0).toString());
    }
  }

  private static Shape replaced(Shape s, int from, int to, long[] with) {
    long[] d = s.dims();
    long[] out = new long[d.length - (to - from) + with.length];
    System.arraycopy(d, 0, out, 0, from);
    System.arraycopy(with, 0, out, from, with.length);
    System.arraycopy(d, to, out, from + with.length, d.length - to);
    return Shape.of(out);
  }

  private int axis(long a, int rank) {
    return axis(node, a, rank);
  }

  static int axis(Node node, long a, int rank) {
    long i = a < 0 ? a + rank : a;
    if (i < 0 || i >= rank) {
      throw bad(node, "an axis of a tensor of rank " + rank, Long.toString(a));
    }
    return (int) i;
  }

  /** An axis that may lie behind the last. */
  private int insertionAxis(int a, int rank) {
    int i = a < 0 ? a + rank : a;
    if (i < 0 || i > rank) {
      throw bad(node, "an axis of a tensor of rank " + rank, Integer.toString(a));
    }
    return i;
  }

  private Shape broadcast(Shape a, Shape b) {
    return broadcast(node, a, b);
  }

  static Shape broadcast(Node node, Shape a, Shape b) {
    int rank = Math.max(a.rank(), b.rank());
    long[] dims = new long[rank];
    for (int i = 1; i <= rank; i++) {
      long x = i > a.rank() ? 1 : a.dim(-i);
      long y = i > b.rank() ? 1 : b.dim(-i);
      if (x != y && x != 1 && y != 1) {
        throw bad(node, "shapes that broadcast together", a + " and " + b);
      }
      dims[rank - i] = x == 1 ? y : x;
    }
    return Shape.of(dims);
  }

  private void integers(int i) {
    DataType t = type(i).type();
    if (t != DataType.INT64 && t != DataType.INT32) {
      throw bad(node, "integer indices", t.toString());
    }
  }

  private long[] longs(int i) {
    return known(i, "input " + i).longs();
  }

  private Numbers known(int i, String what) {
    return known(node, known, i, what);
  }

  static Numbers known(Node node, List<Tensor> known, int i, String what) {
    Tensor t = i < known.size() ? known.get(i) : null;
    if (t == null) {
      throw new UnsupportedOpException(
          "plan",
          List.of(
              new Unsupported(
                  node.name(),
                  node.op().type(),
                  "its output's shape depends on data (" + what + ")")));
    }
    return Numbers.of(t);
  }
}
