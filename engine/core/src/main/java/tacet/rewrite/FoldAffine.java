package tacet.rewrite;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Node.Layer;
import tacet.graph.Node.Role;
import tacet.graph.Op;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * Folds what multiplies and shifts each channel by constants – batch normalisations, and products, quotients, sums and
 * differences with one number per channel – into the convolution before it, w' = w · s, b' = b · s + t, or into the batch normalisation before
 * it. Computed in double precision per channel.
 */
public final class FoldAffine implements Rewrite {

  /** y = x · scale + shift, per channel. */
  private record Affine(double[] scale, double[] shift) {}

  @Override
  public Graph apply(Graph graph, Facts facts) {
    Map<String, List<Node>> consumers = graph.consumers();
    Map<String, Tensor> constants = new LinkedHashMap<>(graph.constants());
    // By first output: what a node has become. Removed nodes are null.
    Map<String, Node> current = new HashMap<>();
    List<String> order = new ArrayList<>();
    boolean changed = false;
    for (Node n : graph.nodes()) {
      String input = affineInput(n, constants);
      Node producer = input == null ? null : current.get(input);
      Node folded = null;
      if (producer != null && facts.isPrivate(input, consumers)) {
        folded = fold(producer, n, input, facts, constants);
      }
      if (folded != null) {
        changed = true;
        current.remove(input);
        order.remove(input);
      }
      String key = n.outputs().stream().filter(o -> !o.isEmpty()).findFirst().orElse("");
      current.put(key, folded == null ? n : folded);
      order.add(key);
    }
    return changed ? graph.with(order.stream().map(current::get).toList(), constants) : graph;
  }

  /** The one input that is not constant, where the node may be such a function of it. */
  private static String affineInput(Node n, Map<String, Tensor> constants) {
    if (n.op() instanceof Op.BatchNormalization b && b.activation().isIdentity()) {
      return n.input(0);
    }
    if (n.op() instanceof Op.Elementwise e
        && n.inputs().size() == 2
        && e.activation().isIdentity()) {
      boolean first = constants.containsKey(n.input(0));
      boolean second = constants.containsKey(n.input(1));
      boolean affine =
          switch (e.kind()) {
            case ADD, SUB, MUL -> first != second;
            case DIV -> second && !first;
            default -> false;
          };
      return affine ? n.input(first ? 1 : 0) : null;
    }
    return null;
  }

  private static Node fold(
      Node producer, Node n, String input, Facts facts, Map<String, Tensor> constants) {
    boolean convolution =
        producer.op() instanceof Op.Conv c && !c.residual() && c.activation().isIdentity();
    boolean normalisation =
        producer.op() instanceof Op.BatchNormalization b && b.activation().isIdentity();
    if (!convolution && !normalisation || !constant(constants, producer, 1, convolution ? 3 : 5)) {
      return null;
    }
    Shape shape = facts.shapes().get(input);
    Affine affine = affine(n, input, shape, constants);
    if (affine == null) {
      return null;
    }
    return convolution
        ? intoConvolution(producer, n, affine, facts, constants)
        : intoNormalisation(producer, n, affine, facts, constants);
  }

  /** Whether inputs {@code from … to − 1}, as far as there are any, are float32 constants. */
  private static boolean constant(Map<String, Tensor> constants, Node n, int from, int to) {
    for (int i = from; i < to; i++) {
      if (n.hasInput(i)) {
        Tensor t = constants.get(n.input(i));
        if (t == null || t.type() != DataType.FLOAT32) {
          return false;
        }
      }
    }
    return true;
  }

  private static Affine affine(Node n, String input, Shape shape, Map<String, Tensor> constants) {
    if (shape.rank() < 2) {
      return null;
    }
    if (n.op() instanceof Op.BatchNormalization op) {
      return n.hasOutput(1) || !constant(constants, n, 1, 5)
          ? null
          : normalisation(n, op, constants);
    }
    Tensor t = constants.get(n.input(0).equals(input) ? n.input(1) : n.input(0));
    int channels = shape.intDim(1);
    Shape s = t.shape();
    // One number, or one per channel: 1s on every axis but the channels', which is the second of
    // the value.
    boolean perChannel =
        s.rank() >= shape.rank() - 1
            && s.rank() <= shape.rank()
            && s.elements() == channels
            && s.dim(-(shape.rank() - 1)) == channels;
    if (t.type() != DataType.FLOAT32
        || s.rank() > shape.rank()
        || !perChannel && s.elements() != 1) {
      return null;
    }
    float[] values = t.toFloats();
    boolean subtracted = n.input(1).equals(input);
    double[] scale = new double[channels];
    double[] shift = new double[channels];
    for (int c = 0; c < channels; c++) {
      double v = values[values.length == 1 ? 0 : c];
      switch (((Op.Elementwise) n.op()).kind()) {
        case MUL -> scale[c] = v;
        case DIV -> scale[c] = 1 / v;
        case SUB -> {
          scale[c] = subtracted ? -1 : 1;
          shift[c] = subtracted ? v : -v;
        }
        default -> {
          scale[c] = 1;
          shift[c] = v;
        }
      }
    }
    return new Affine(scale, shift);
  }

  private static Affine normalisation(
      Node n, Op.BatchNormalization op, Map<String, Tensor> constants) {
    float[] gamma = constants.get(n.input(1)).toFloats();
    float[] beta = constants.get(n.input(2)).toFloats();
    float[] mean = constants.get(n.input(3)).toFloats();
    float[] variance = constants.get(n.input(4)).toFloats();
    double[] scale = new double[gamma.length];
    double[] shift = new double[gamma.length];
    for (int c = 0; c < gamma.length; c++) {
      scale[c] = gamma[c] / Math.sqrt((double) variance[c] + op.epsilon());
      shift[c] = beta[c] - mean[c] * scale[c];
    }
    return new Affine(scale, shift);
  }

  private static Node intoConvolution(
      Node conv, Node n, Affine affine, Facts facts, Map<String, Tensor> constants) {
    Tensor weights = constants.get(conv.input(1));
    float[] w = weights.toFloats();
    int filters = affine.scale.length;
    float[] bias = conv.hasInput(2) ? constants.get(conv.input(2)).toFloats() : new float[filters];
    int perFilter = w.length / filters;
    for (int m = 0; m < filters; m++) {
      for (int i = m * perFilter; i < (m + 1) * perFilter; i++) {
        w[i] = (float) (w[i] * affine.scale[m]);
      }
      bias[m] = (float) (bias[m] * affine.scale[m] + affine.shift[m]);
    }
    String wName = conv.input(1) + "·" + n.name();
    String bName = "bias·" + n.name();
    constants.put(wName, facts.constant(weights.shape(), w));
    constants.put(bName, facts.constant(Shape.of(filters), bias));
    return folded(conv, n, conv.op(), List.of(conv.input(0), wName, bName));
  }

  private static Node intoNormalisation(
      Node bn, Node n, Affine affine, Facts facts, Map<String, Tensor> constants) {
    Op.BatchNormalization op = (Op.BatchNormalization) bn.op();
    Affine first = normalisation(bn, op, constants);
    int channels = affine.scale.length;
    float[] mean = constants.get(bn.input(3)).toFloats();
    float[] variance = constants.get(bn.input(4)).toFloats();
    float[] gamma = new float[channels];
    float[] beta = new float[channels];
    for (int c = 0; c < channels; c++) {
      // Mean and variance stay; gamma and beta take up what follows.
      double scale = first.scale[c] * affine.scale[c];
      gamma[c] = (float) (scale * Math.sqrt((double) variance[c] + op.epsilon()));
      beta[c] = (float) (first.shift[c] * affine.scale[c] + affine.shift[c] + mean[c] * scale);
    }
    String gammaName = "gamma·" + n.name();
    String betaName = "beta·" + n.name();
    constants.put(gammaName, facts.constant(Shape.of(channels), gamma));
    constants.put(betaName, facts.constant(Shape.of(channels), beta));
    return folded(bn, n, op, List.of(bn.input(0), gammaName, betaName, bn.input(3), bn.input(4)));
  }

  private static Node folded(Node producer, Node n, Op op, List<String> inputs) {
    List<Layer> layers = new ArrayList<>();
    for (Layer l : producer.layers()) {
      layers.add(new Layer(l.name(), l.op(), l.value(), Role.FOLDED));
    }
    layers.addAll(n.layers());
    return new Node(producer.name(), op, inputs, List.of(n.output(0)), layers);
  }
}
