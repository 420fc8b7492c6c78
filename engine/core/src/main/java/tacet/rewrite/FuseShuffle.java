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
import tacet.tensor.Shape;

/**
 * Channels that are split into groups, transposed and joined again – three nodes that move every value three times – are
 * one permutation of channels.
 */
public final class FuseShuffle implements Rewrite {

  private static final List<Integer> GROUPS_AND_CHANNELS = List.of(0, 2, 1, 3, 4);

  @Override
  public Graph apply(Graph graph, Facts facts) {
    Map<String, List<Node>> consumers = graph.consumers();
    Map<String, Node> producers = new HashMap<>();
    for (Node n : graph.nodes()) {
      producers.put(n.output(0), n);
    }
    List<Node> nodes = new ArrayList<>(graph.nodes());
    boolean changed = false;
    for (Node join : graph.nodes()) {
      Node transpose = join.op() instanceof Op.Reshape ? producers.get(join.input(0)) : null;
      if (transpose == null
          || !(transpose.op() instanceof Op.Transpose t)
          || !t.permutation().equals(GROUPS_AND_CHANNELS)) {
        continue;
      }
      Node split = producers.get(transpose.input(0));
      if (split == null
          || !(split.op() instanceof Op.Reshape)
          || !facts.isPrivate(split.output(0), consumers)
          || !facts.isPrivate(transpose.output(0), consumers)) {
        continue;
      }
      Shape x = facts.shapes().get(split.input(0));
      Shape groups = facts.shapes().get(split.output(0));
      if (!splits(x, groups) || !x.equals(facts.shapes().get(join.output(0)))) {
        continue;
      }
      List<Layer> layers = new ArrayList<>();
      split.layers().forEach(l -> layers.add(as(Role.GROUPS_BEFORE_SHUFFLE, l)));
      transpose.layers().forEach(l -> layers.add(as(Role.GROUPS_AFTER_SHUFFLE, l)));
      layers.addAll(join.layers());
      nodes.remove(split);
      nodes.remove(transpose);
      nodes.set(
          nodes.indexOf(join),
          new Node(
              split.name(),
              new Op.ChannelShuffle(groups.intDim(1)),
              List.of(split.input(0)),
              List.of(join.output(0)),
              layers));
      changed = true;
    }
    return changed ? graph.with(nodes, graph.constants()) : graph;
  }

  private static Layer as(Role role, Layer l) {
    return new Layer(l.name(), l.op(), l.value(), role);
  }

  /** Whether the second shape is the first, [N, C, H, W], with C in two factors. */
  private static boolean splits(Shape x, Shape groups) {
    return x != null
        && groups != null
        && x.rank() == 4
        && groups.rank() == 5
        && x.dim(0) == groups.dim(0)
        && x.dim(1) == groups.dim(1) * groups.dim(2)
        && x.dim(2) == groups.dim(3)
        && x.dim(3) == groups.dim(4)
        && x.elements() > 0;
  }
}
