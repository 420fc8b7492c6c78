package tacet.onnx;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.graph.ValueInfo;
import tacet.kernels.DataType;
import tacet.reference.Evaluator;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * Undoes what exporters of channels-last frameworks do: between ONNX's channels-first convolutions they transpose every
 * image to [N, H, W, C], normalise and activate it there, and transpose it back. The values between are kept
 * channels-first and marked as channels-last in the model's own terms ({@link Graph#channelsLast()}), as those of a Keras
 * file are; so they stay in the layout of the convolutions around them, and their channels are counted as such.
 */
final class ChannelsFirst {

  private static final List<Integer> TO_LAST = List.of(0, 2, 3, 1);
  private static final List<Integer> TO_FIRST = List.of(0, 3, 1, 2);

  /** Where each axis of [N, H, W, C] is in [N, C, H, W]. */
  private static final int[] AXES = {0, 2, 3, 1};

  private final Graph graph;
  private final Arena arena;
  private final Map<String, Tensor> constants;
  private final List<Node> nodes = new ArrayList<>();

  /** Values that are channels-first now. */
  private final Set<String> last;

  /** Values that are surely float32 and have four axes: only these can be seen transposed. */
  private final Set<String> images = new HashSet<>();

  /** Copies for those who need channels last all the same. */
  private final Map<String, String> transposed = new HashMap<>();

  private final Set<String> names = new HashSet<>();

  private ChannelsFirst(Graph graph, Arena arena) {
    this.graph = graph;
    this.arena = arena;
    this.constants = new LinkedHashMap<>(graph.constants());
    this.last = new HashSet<>(graph.channelsLast());
    names.addAll(constants.keySet());
    for (ValueInfo i : graph.inputs()) {
      names.add(i.name());
      if (i.type() == DataType.FLOAT32 && i.dims() != null && i.dims().length == 4) {
        images.add(i.name());
      }
    }
    graph.nodes().forEach(n -> names.addAll(n.outputs()));
  }

  /**
   * @param arena where the constants of the changed graph live
   */
  static Graph of(Graph graph, Arena arena) {
    boolean any =
        graph.nodes().stream()
            .anyMatch(n -> n.op() instanceof Op.Transpose t && t.permutation().equals(TO_LAST));
    return any ? new ChannelsFirst(graph, arena).apply() : graph;
  }

  private Graph apply() {
    for (Node n : graph.nodes()) {
      boolean isImage = makesImage(n);
      Node changed = n.outputs().size() == 1 && isImage ? channelsFirst(n) : null;
      if (changed == null) {
        List<String> inputs =
            n.inputs().stream().map(i -> last.contains(i) ? transposed(i) : i).toList();
        changed = new Node(n.name(), n.op(), inputs, n.outputs(), n.layers());
      }
      nodes.add(changed);
      if (isImage && !(n.op() instanceof Op.Reduce r && !r.keepDims())) {
        images.add(n.output(0));
      }
    }
    return new Graph(
        graph.source(), graph.inputs(), graph.outputs(), constants, nodes, graph.notes(), last);
  }

  private boolean makesImage(Node n) {
    return switch (n.op()) {
      case Op.Conv _, Op.ConvTranspose _ -> isConstant(n.input(1), 4);
      case Op.Cast c -> c.to() == DataType.FLOAT32 && images.contains(n.input(0));
      case Op.Pool _,
          Op.GlobalPool _,
          Op.BatchNormalization _,
          Op.Lrn _,
          Op.Softmax _,
          Op.Unary _,
          Op.Transpose _,
          Op.Identity _,
          Op.Clip _,
          Op.Pad _,
          Op.PRelu _,
          Op.Reduce _ ->
          images.contains(n.input(0));
      case Op.Concat _ -> n.inputs().stream().allMatch(images::contains);
      case Op.Elementwise e ->
          switch (e.kind()) {
            case ADD, SUB, MUL, DIV, MAX, MIN, MEAN ->
                n.inputs().stream().anyMatch(images::contains)
                    && n.inputs().stream()
                        .allMatch(
                            i ->
                                images.contains(i)
                                    || constants.containsKey(i)
                                        && constants.get(i).shape().rank() <= 4);
            default -> false;
          };
      default -> false;
    };
  }

  private boolean isConstant(String value, int rank) {
    Tensor t = constants.get(value);
    return t != null && t.shape().rank() == rank;
  }

  /** The node computed channels-first; null where that is another thing. Marks its output where that lies otherwise. */
  private Node channelsFirst(Node n) {
    boolean isLast = last.contains(n.input(0));
    if (n.op() instanceof Op.Transpose t) {
      if (isLast && t.permutation().equals(TO_FIRST)) {
        return with(n, new Op.Identity(), n.inputs());
      }
      return !isLast && t.permutation().equals(TO_LAST) && !constants.containsKey(n.input(0))
          ? marked(with(n, new Op.Identity(), n.inputs()))
          : null;
    }
    if (n.inputs().stream().noneMatch(last::contains)) {
      return null;
    }
    return switch (n.op()) {
      case Op.Unary _, Op.Cast _, Op.Identity _, Op.Clip _ -> marked(n);
      case Op.Elementwise _, Op.PRelu _ -> elementwise(n);
      case Op.Concat c when isAxis(c.axis()) && n.inputs().stream().allMatch(last::contains) ->
          marked(with(n, new Op.Concat(axis(c.axis())), n.inputs()));
      case Op.Softmax s when isAxis(s.axis()) && (!s.toEnd() || axis(s.axis()) == 1) ->
          marked(with(n, new Op.Softmax(axis(s.axis()), s.logarithm(), false), n.inputs()));
      case Op.Pad _ -> pad(n);
      case Op.Reduce r -> reduce(n, r);
      default -> null;
    };
  }

  private Node elementwise(Node n) {
    List<String> inputs = new ArrayList<>();
    for (String in : n.inputs()) {
      Tensor t = constants.get(in);
      if (t != null && t.type() == DataType.FLOAT32 && t.shape().rank() <= 4) {
        inputs.add(t.shape().elements() == 1 ? in : constant(in, channelsFirst(t)));
      } else if (last.contains(in)) {
        inputs.add(in);
      } else {
        return null;
      }
    }
    return marked(with(n, n.op(), inputs));
  }

  /** A constant that is broadcast to [N, H, W, C], for [N, C, H, W]. */
  private Tensor channelsFirst(Tensor t) {
    long[] dims = new long[4];
    Arrays.fill(dims, 1);
    int rank = t.shape().rank();
    System.arraycopy(t.shape().dims(), 0, dims, 4 - rank, rank);
    Node transpose = new Node("", new Op.Transpose(TO_FIRST), List.of("x"), List.of("y"));
    return Evaluator.evaluate(
            transpose,
            List.of(t.reshaped(Shape.of(dims))),
            (_, type, shape) -> Tensor.allocate(type, shape, arena))
        .getFirst();
  }

  private Node pad(Node n) {
    Tensor pads = constants.get(n.input(1));
    if (pads == null || pads.type() != DataType.INT64 || n.hasInput(3)) {
      return null;
    }
    long[] of = pads.toLongs();
    if (of.length != 8) {
      return null;
    }
    long[] moved = new long[8];
    for (int a = 0; a < 4; a++) {
      moved[AXES[a]] = of[a];
      moved[AXES[a] + 4] = of[a + 4];
    }
    String name = constant(n.input(1), Tensor.ofLongs(Shape.of(8), moved));
    return marked(with(n, n.op(), List.of(n.input(0), name, n.input(2))));
  }

  /** What is left after axes have gone is in the same order only without the channels, or with nothing but them. */
  private Node reduce(Node n, Op.Reduce r) {
    Tensor axes = constants.get(n.input(1));
    if (axes == null || axes.type() != DataType.INT64) {
      return null;
    }
    long[] of = axes.toLongs();
    if (of.length == 0 || !Arrays.stream(of).allMatch(ChannelsFirst::isAxis)) {
      return null;
    }
    long[] moved = Arrays.stream(of).map(a -> axis((int) a)).toArray();
    boolean same =
        Arrays.stream(moved).anyMatch(a -> a == 1)
            || IntStream.of(2, 3).allMatch(a -> Arrays.stream(moved).anyMatch(m -> m == a));
    if (!r.keepDims() && !same) {
      return null;
    }
    String name = constant(n.input(1), Tensor.ofLongs(Shape.of(moved.length), moved));
    Node reduced = with(n, r, List.of(n.input(0), name));
    return r.keepDims() ? marked(reduced) : reduced;
  }

  private static boolean isAxis(long axis) {
    return -4 <= axis && axis < 4;
  }

  private static int axis(int channelsLast) {
    return AXES[channelsLast < 0 ? channelsLast + 4 : channelsLast];
  }

  private Node marked(Node n) {
    last.add(n.output(0));
    return n;
  }

  private static Node with(Node n, Op op, List<String> inputs) {
    return new Node(n.name(), op, inputs, n.outputs(), n.layers());
  }

  private String constant(String like, Tensor value) {
    String name = fresh(like);
    constants.put(name, value);
    return name;
  }

  private String transposed(String value) {
    return transposed.computeIfAbsent(
        value,
        v -> {
          String name = fresh(v);
          nodes.add(
              new Node(name, new Op.Transpose(TO_LAST), List.of(v), List.of(name), List.of()));
          return name;
        });
  }

  private String fresh(String like) {
    String name = like;
    for (int i = 1; !names.add(name); i++) {
      name = like + "·" + i;
    }
    return name;
  }
}
