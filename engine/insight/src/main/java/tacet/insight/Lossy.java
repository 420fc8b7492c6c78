package tacet.insight;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.Activation;
import tacet.kernels.Activation.Kind;
import tacet.kernels.DataType;
import tacet.tensor.Tensor;

/** Changes of a network that make more zeros and other results. Nothing does them unless asked. */
public final class Lossy {

  private Lossy() {}

  /**
   * Values after a ReLU that do not exceed τ become zero (FATReLU: Kurtz et al., Inducing and Exploiting Activation
   * Sparsity, ICML 2020).
   */
  public static Graph threshold(Graph graph, float tau) {
    List<Node> nodes = new ArrayList<>();
    for (Node n : graph.nodes()) {
      Op op =
          switch (n.op()) {
            case Op.Unary u -> new Op.Unary(threshold(u.function(), tau));
            case Op.Conv c ->
                new Op.Conv(c.window(), c.groups(), c.residual(), threshold(c.activation(), tau));
            case Op.Gemm g ->
                new Op.Gemm(
                    g.alpha(), g.beta(), g.transA(), g.transB(), threshold(g.activation(), tau));
            case Op.Elementwise e -> new Op.Elementwise(e.kind(), threshold(e.activation(), tau));
            default -> n.op();
          };
      nodes.add(new Node(n.name(), op, n.inputs(), n.outputs(), n.layers()));
    }
    return graph.with(nodes, graph.constants());
  }

  private static Activation threshold(Activation f, float tau) {
    return f.kind() == Kind.RELU ? new Activation(Kind.THRESHOLDED_RELU, tau, 0f) : f;
  }

  /** Weights of convolutions and dense layers with |w| &lt; τ become zero; biases stay. */
  public static Graph prune(Graph graph, float tau) {
    Map<String, Tensor> constants = new LinkedHashMap<>(graph.constants());
    for (Node n : graph.nodes()) {
      boolean weighted =
          n.op() instanceof Op.Conv || n.op() instanceof Op.Gemm || n.op() instanceof Op.MatMul;
      Tensor w = weighted ? graph.constants().get(n.input(1)) : null;
      if (w != null && w.type() == DataType.FLOAT32 && w.shape().rank() >= 2) {
        Tensor pruned = Tensor.allocate(DataType.FLOAT32, w.shape());
        for (long i = 0; i < w.shape().elements(); i++) {
          float v = w.data().getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i);
          pruned.data().setAtIndex(ValueLayout.JAVA_FLOAT, i, Math.abs(v) < tau ? 0f : v);
        }
        constants.put(n.input(1), pruned);
      }
    }
    return graph.with(graph.nodes(), constants);
  }
}
