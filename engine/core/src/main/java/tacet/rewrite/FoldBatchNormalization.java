package tacet.rewrite;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Node.Layer;
import tacet.graph.Node.Role;
import tacet.graph.Op;
import tacet.kernels.DataType;
import tacet.tensor.Tensor;

/**
 * Folds a batch normalisation into the convolution before it: w' = w · s, b' = (b − mean) · s + shift with s = scale / √(variance +
 * ε), computed in double precision per output channel.
 */
public final class FoldBatchNormalization implements Rewrite {

  @Override
  public Graph apply(Graph graph, Facts facts) {
    Map<String, Node> producers = graph.producers();
    Map<String, List<Node>> consumers = graph.consumers();
    Map<String, Tensor> constants = new LinkedHashMap<>(graph.constants());
    Map<Node, Node> replaced = new LinkedHashMap<>();
    for (Node bn : graph.nodes()) {
      if (!(bn.op() instanceof Op.BatchNormalization op)) {
        continue;
      }
      Node conv = producers.get(bn.input(0));
      if (conv == null
          || !(conv.op() instanceof Op.Conv c)
          || c.residual()
          || !c.activation().isIdentity()
          || replaced.containsKey(conv)
          || !facts.isPrivate(bn.input(0), consumers)
          || !allConstant(constants, bn, 1, 5)
          || !allConstant(constants, conv, 1, 3)
          || constants.get(conv.input(1)).type() != DataType.FLOAT32) {
        continue;
      }
      replaced.put(conv, null);
      replaced.put(bn, fold(conv, bn, op.epsilon(), constants));
    }
    if (replaced.isEmpty()) {
      return graph;
    }
    List<Node> nodes = new ArrayList<>();
    for (Node n : graph.nodes()) {
      Node with = replaced.getOrDefault(n, n);
      if (with != null) {
        nodes.add(with);
      }
    }
    return graph.with(nodes, constants);
  }

  private static boolean allConstant(Map<String, Tensor> constants, Node n, int from, int to) {
    for (int i = from; i < to; i++) {
      if (n.hasInput(i) && !constants.containsKey(n.input(i))) {
        return false;
      }
    }
    return true;
  }

  private static Node fold(Node conv, Node bn, float epsilon, Map<String, Tensor> constants) {
    Tensor weights = constants.get(conv.input(1));
    float[] w = weights.toFloats();
    float[] scale = constants.get(bn.input(1)).toFloats();
    float[] shift = constants.get(bn.input(2)).toFloats();
    float[] mean = constants.get(bn.input(3)).toFloats();
    float[] variance = constants.get(bn.input(4)).toFloats();
    float[] bias =
        conv.hasInput(2) ? constants.get(conv.input(2)).toFloats() : new float[scale.length];
    int perChannel = w.length / scale.length;
    for (int m = 0; m < scale.length; m++) {
      double s = scale[m] / Math.sqrt((double) variance[m] + epsilon);
      for (int i = m * perChannel; i < (m + 1) * perChannel; i++) {
        w[i] = (float) (w[i] * s);
      }
      bias[m] = (float) ((bias[m] - (double) mean[m]) * s + shift[m]);
    }
    String wName = conv.input(1) + "·" + bn.name();
    String bName = "bias·" + bn.name();
    constants.put(wName, Tensor.of(weights.shape(), w));
    constants.put(bName, Tensor.of(tacet.tensor.Shape.of(bias.length), bias));
    List<Layer> layers = new ArrayList<>();
    for (Layer l : conv.layers()) {
      layers.add(new Layer(l.name(), l.op(), l.value(), Role.FOLDED));
    }
    layers.addAll(bn.layers());
    return new Node(
        conv.name(),
        conv.op(),
        List.of(conv.input(0), wName, bName),
        List.of(bn.output(0)),
        layers);
  }
}
