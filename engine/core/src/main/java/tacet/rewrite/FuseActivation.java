package tacet.rewrite;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Node.Layer;
import tacet.graph.Node.Role;
import tacet.graph.Op;
import tacet.kernels.Activation;
import tacet.tensor.Shape;

/** Lets the node that makes a value apply the activation that alone reads it. */
public final class FuseActivation implements Rewrite {

  @Override
  public Graph apply(Graph graph, Facts facts) {
    Map<String, List<Node>> consumers = graph.consumers();
    // By output: nodes change while the pass goes on.
    Map<String, Node> current = new HashMap<>();
    List<String> order = new ArrayList<>();
    boolean changed = false;
    for (Node n : graph.nodes()) {
      Node producer = n.op() instanceof Op.Unary ? current.get(n.input(0)) : null;
      Op fused =
          producer == null || !facts.isPrivate(n.input(0), consumers)
              ? null
              : fuse(producer, ((Op.Unary) n.op()).function(), facts);
      if (fused == null) {
        put(current, order, n);
        continue;
      }
      changed = true;
      List<Layer> layers = new ArrayList<>();
      for (Layer l : producer.layers()) {
        layers.add(
            l.role() == Role.RESULT
                ? new Layer(l.name(), l.op(), l.value(), Role.BEFORE_ACTIVATION)
                : l);
      }
      layers.addAll(n.layers());
      order.remove(n.input(0));
      current.remove(n.input(0));
      put(
          current,
          order,
          new Node(producer.name(), fused, producer.inputs(), List.of(n.output(0)), layers));
    }
    if (!changed) {
      return graph;
    }
    return graph.with(order.stream().map(current::get).toList(), graph.constants());
  }

  private static void put(Map<String, Node> current, List<String> order, Node n) {
    String key = n.outputs().stream().filter(o -> !o.isEmpty()).findFirst().orElse("");
    current.put(key, n);
    order.add(key);
  }

  private static Op fuse(Node producer, Activation f, Facts facts) {
    return switch (producer.op()) {
      case Op.Conv c when c.activation().isIdentity() ->
          new Op.Conv(c.window(), c.groups(), c.residual(), f);
      case Op.Gemm g when g.activation().isIdentity() ->
          new Op.Gemm(g.alpha(), g.beta(), g.transA(), g.transB(), f);
      case Op.Elementwise e when e.activation().isIdentity() && isFloatResult(e.kind()) ->
          new Op.Elementwise(e.kind(), f);
      case Op.BatchNormalization b
          when b.activation().isIdentity() && isImage(facts.shapes().get(producer.input(0))) ->
          new Op.BatchNormalization(b.epsilon(), f);
      default -> null;
    };
  }

  /** The reference implementation, which normalises everything else, does not count what it activates. */
  private static boolean isImage(Shape shape) {
    return shape != null && shape.rank() == 4;
  }

  private static boolean isFloatResult(Op.ElementwiseKind kind) {
    return switch (kind) {
      case ADD, SUB, MUL, DIV, MAX, MIN -> true;
      default -> false;
    };
  }
}
