package tacet.rewrite;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Node.Layer;
import tacet.graph.Op;

/**
 * Gives the value that a node passes on under another name – dropout, a conversion to the type it has – to the node that
 * makes it, so that the rewrites after this one see what follows.
 */
public final class JoinIdentities implements Rewrite {

  @Override
  public Graph apply(Graph graph, Facts facts) {
    Map<String, List<Node>> consumers = graph.consumers();
    // By first output: nodes change while the pass goes on.
    Map<String, Integer> places = new HashMap<>();
    List<Node> nodes = new ArrayList<>();
    boolean changed = false;
    for (Node n : graph.nodes()) {
      Integer place = n.op() instanceof Op.Identity ? places.get(n.input(0)) : null;
      if (place == null
          || n.outputs().size() != 1
          || !facts.isPrivate(n.input(0), consumers)
          || turnsBack(graph, n)) {
        places.put(n.output(0), nodes.size());
        nodes.add(n);
        continue;
      }
      changed = true;
      Node producer = nodes.get(place);
      List<Layer> layers = new ArrayList<>(producer.layers());
      layers.addAll(n.layers());
      List<String> outputs = new ArrayList<>(producer.outputs());
      outputs.set(0, n.output(0));
      nodes.set(
          place, new Node(producer.name(), producer.op(), producer.inputs(), outputs, layers));
      places.put(n.output(0), place);
    }
    return changed ? graph.with(nodes, graph.constants()) : graph;
  }

  /** Whether the author sees the value channels-last, and only its other name channels-first. */
  private static boolean turnsBack(Graph graph, Node identity) {
    return graph.channelsLast().contains(identity.input(0))
        && !graph.channelsLast().contains(identity.output(0));
  }
}
