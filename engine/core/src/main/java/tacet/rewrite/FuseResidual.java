package tacet.rewrite;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Node.Layer;
import tacet.graph.Node.Role;
import tacet.graph.Op;
import tacet.kernels.Activation;

/** Lets a convolution add the other branch of a residual connection, which saves writing and reading its own result. */
public final class FuseResidual implements Rewrite {

  @Override
  public Graph apply(Graph graph, Facts facts) {
    Map<String, Node> producers = graph.producers();
    Map<String, List<Node>> consumers = graph.consumers();
    Map<Node, Node> sums = new HashMap<>();
    Set<Node> gone = new HashSet<>();
    for (Node sum : graph.nodes()) {
      if (!(sum.op() instanceof Op.Elementwise e)
          || e.kind() != Op.ElementwiseKind.ADD
          || !e.activation().isIdentity()
          || sum.inputs().size() != 2
          || sum.input(0).equals(sum.input(1))
          || !facts.shapes().get(sum.input(0)).equals(facts.shapes().get(sum.input(1)))) {
        continue;
      }
      // The later of the two is the one that ends its branch.
      for (int i = 1; i >= 0; i--) {
        Node conv = producers.get(sum.input(i));
        if (conv != null
            && !gone.contains(conv)
            && conv.op() instanceof Op.Conv c
            && !c.residual()
            && c.activation().isIdentity()
            && !graph.constants().containsKey(sum.input(1 - i))
            && facts.isPrivate(sum.input(i), consumers)) {
          gone.add(conv);
          sums.put(sum, fuse(conv, c, sum, sum.input(1 - i)));
          break;
        }
      }
    }
    if (sums.isEmpty()) {
      return graph;
    }
    List<Node> nodes = new ArrayList<>();
    for (Node n : graph.nodes()) {
      if (!gone.contains(n)) {
        nodes.add(sums.getOrDefault(n, n));
      }
    }
    return graph.with(nodes, graph.constants());
  }

  private static Node fuse(Node conv, Op.Conv c, Node sum, String other) {
    List<Layer> layers = new ArrayList<>();
    for (Layer l : conv.layers()) {
      layers.add(new Layer(l.name(), l.op(), l.value(), Role.FOLDED));
    }
    layers.addAll(sum.layers());
    return new Node(
        conv.name(),
        new Op.Conv(c.window(), c.groups(), true, Activation.IDENTITY),
        List.of(conv.input(0), conv.input(1), conv.input(2), other),
        List.of(sum.output(0)),
        layers);
  }
}
