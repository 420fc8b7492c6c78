package tacet.plan;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.DataType;
import tacet.tensor.Tensor;

/**
 * The part of a network that is worth timing: without the layers that only wait for their weights to come from memory,
 * whoever computes them, and what depends on these.
 *
 * @param wanted what the rest of the network reads, and what runs return
 */
record Trunk(TypedGraph net, Set<String> wanted) {

  /** Layers with more weights than this are left out: elements. */
  private static final long MOST_WEIGHTS = 8L << 20;

  static Trunk of(TypedGraph net, Set<String> wanted) {
    Set<String> dropped = new HashSet<>();
    Set<String> made = new LinkedHashSet<>();
    List<Node> kept = new ArrayList<>();
    for (Node n : net.graph().nodes()) {
      if (isHeavy(net, n) || n.inputs().stream().anyMatch(dropped::contains)) {
        dropped.addAll(n.outputs());
        // An optional output that is absent has no name, like an optional input.
        dropped.remove("");
      } else {
        kept.add(n);
        made.addAll(n.outputs());
      }
    }
    Set<String> read = new HashSet<>(wanted);
    for (Node n : net.graph().nodes()) {
      if (dropped.contains(n.output(0))) {
        read.addAll(n.inputs());
      }
    }
    made.remove("");
    made.retainAll(read);
    Graph g = net.graph();
    return new Trunk(new TypedGraph(g.with(kept, g.constants()), net.types(), net.passing()), made);
  }

  private static boolean isHeavy(TypedGraph net, Node n) {
    return switch (n.op()) {
      case Op.Conv _, Op.Gemm _, Op.MatMul _ -> {
        Tensor w = net.constant(n.input(1));
        yield w != null && w.shape().elements() > MOST_WEIGHTS;
      }
      default -> false;
    };
  }

  /** Nodes that different providers have kernels for. */
  List<Node> contested() {
    return net.graph().nodes().stream()
        .filter(
            n ->
                switch (n.op()) {
                  case Op.Conv _, Op.Gemm _, Op.MatMul _, Op.Pool _, Op.GlobalPool _ -> true;
                  default -> false;
                })
        .toList();
  }

  /** Tenths of the weights that are zero, by node; only of nodes most of whose weights are. All weights are read for it. */
  Map<Node, Integer> sparseWeights() {
    Map<Node, Integer> tenths = new HashMap<>();
    for (Node n : net.graph().nodes()) {
      boolean multiplies =
          n.op() instanceof Op.Conv || n.op() instanceof Op.Gemm || n.op() instanceof Op.MatMul;
      Tensor w = multiplies && n.inputs().size() > 1 ? net.constant(n.input(1)) : null;
      if (w == null || w.type() != DataType.FLOAT32) {
        continue;
      }
      // Read where they lie: they are only to be counted.
      long elements = w.shape().elements();
      long zeros = 0;
      for (long i = 0; i < elements; i++) {
        float v = w.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, i * Float.BYTES);
        zeros += v == 0f ? 1 : 0;
      }
      if (2 * zeros >= elements) {
        tenths.put(n, (int) (10.0 * zeros / elements));
      }
    }
    return tenths;
  }

  /**
   * A text that is the same where the computation is: operators, shapes, sparse weights, and who reads whose result.
   *
   * @param sparse {@link #sparseWeights}
   */
  String signature(Map<Node, Integer> sparse) {
    Map<String, Integer> numbers = new HashMap<>();
    net.graph().inputs().forEach(i -> numbers.put(i.name(), numbers.size()));
    StringBuilder text = new StringBuilder();
    for (Node n : net.graph().nodes()) {
      text.append(n.op() instanceof Op.ConstantOfShape ? n.op().type() : n.op());
      for (String in : n.inputs()) {
        Integer number = numbers.get(in);
        text.append(' ').append(number == null ? "constant" : number);
        text.append(net.isKnown(in) ? net.type(in) : "");
      }
      text.append(sparse.containsKey(n) ? " zeros " + sparse.get(n) : "");
      for (String out : n.outputs()) {
        numbers.put(out, numbers.size());
        text.append(wanted.contains(out) ? " wanted " : " ").append(net.type(out));
      }
      text.append('\n');
    }
    return text.toString();
  }
}
