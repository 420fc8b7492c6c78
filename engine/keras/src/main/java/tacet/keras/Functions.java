package tacet.keras;

import java.util.List;
import java.util.Map;
import tacet.graph.Node.Layer;
import tacet.graph.Node.Role;
import tacet.graph.Op;
import tacet.graph.Op.ElementwiseKind;
import tacet.kernels.Activation;
import tacet.kernels.Activation.Kind;

/** Keras' activation functions. */
sealed interface Functions {

  /** Passes its argument on. */
  record Linear() implements Functions {}

  /** One function the kernels have. */
  record Simple(Activation function) implements Functions {}

  /** Over one axis, as Keras counts it. */
  record Softmax(int axis, boolean logarithm) implements Functions {}

  /** ReLU in its general form; negativeSlope and threshold are not both 0, maximum is null where there is none. */
  record GeneralRelu(double negativeSlope, Double maximum, double threshold) implements Functions {}

  /** Several functions one after another, by name. */
  record Composite(String name) implements Functions {}

  /**
   * An {@code activation} of a layer's configuration: a name, or an object that Keras serialised.
   *
   * @throws NotSupported where Tacet does not have it
   */
  static Functions of(Object activation, int kerasVersion, Config layer) throws NotSupported {
    return switch (activation) {
      case null -> new Linear();
      case String s -> named(s, kerasVersion);
      case Map<?, ?> m when "function".equals(m.get("class_name")) ->
          of(m.get("config"), kerasVersion, layer);
      case Map<?, ?> m
          when m.get("class_name") instanceof String s
              && m.get("config") instanceof Map<?, ?> c -> {
        Functions f =
            ofLayer(s, new Config(layer.file(), layer.place(), Config.cast(c)), kerasVersion);
        if (f == null) {
          throw new NotSupported("no activation " + s);
        }
        yield f;
      }
      case Object o -> throw layer.bad("expected an activation, got " + o);
    };
  }

  private static Functions simple(Kind kind) {
    return new Simple(Activation.of(kind));
  }

  private static Functions simple(Kind kind, double alpha, double beta) {
    return new Simple(new Activation(kind, (float) alpha, (float) beta));
  }

  private static Functions named(String name, int kerasVersion) throws NotSupported {
    return switch (name) {
      case "linear" -> new Linear();
      case "relu" -> new Simple(Activation.RELU);
      case "relu6" -> new Simple(Activation.RELU6);
      case "leaky_relu" -> simple(Kind.LEAKY_RELU, 0.2, 0);
      case "elu" -> simple(Kind.ELU, 1, 0);
      case "celu" -> simple(Kind.CELU, 1, 0);
      case "selu" -> simple(Kind.SELU, 1.6732632423543772, 1.0507009873554805);
      case "sigmoid" -> simple(Kind.SIGMOID);
      case "hard_sigmoid" ->
          kerasVersion < 3
              ? simple(Kind.HARD_SIGMOID, 0.2, 0.5)
              : simple(Kind.HARD_SIGMOID, 1.0 / 6, 0.5);
      case "sparse_sigmoid" -> simple(Kind.HARD_SIGMOID, 0.5, 0.5);
      case "hard_silu", "hard_swish" -> simple(Kind.HARD_SWISH);
      case "silu", "swish" -> simple(Kind.SWISH);
      case "tanh" -> simple(Kind.TANH);
      case "hard_tanh" -> simple(Kind.CLIP, -1, 1);
      case "softplus" -> simple(Kind.SOFTPLUS);
      case "softsign" -> simple(Kind.SOFTSIGN);
      case "gelu" -> simple(Kind.GELU);
      case "mish" -> simple(Kind.MISH);
      case "exponential" -> simple(Kind.EXP);
      case "softmax" -> new Softmax(-1, false);
      case "log_softmax" -> new Softmax(-1, true);
      case "log_sigmoid", "tanh_shrink", "soft_shrink", "squareplus" -> new Composite(name);
      default -> throw new NotSupported("no activation " + name);
    };
  }

  /**
   * The function of an activation layer.
   *
   * @return null where the class is no activation layer
   */
  static Functions ofLayer(String className, Config c, int kerasVersion) throws NotSupported {
    return switch (className) {
      case "Activation" -> of(c.raw("activation"), kerasVersion, c);
      case "ReLU" ->
          relu(
              c.real("negative_slope", 0),
              c.has("max_value") ? c.real("max_value", 0) : null,
              c.real("threshold", 0));
      case "LeakyReLU" ->
          simple(
              Kind.LEAKY_RELU,
              c.real(c.has("negative_slope") ? "negative_slope" : "alpha", 0.3),
              0);
      case "ELU" -> simple(Kind.ELU, c.real("alpha", 1), 0);
      case "ThresholdedReLU" -> simple(Kind.THRESHOLDED_RELU, c.real("theta", 1), 0);
      case "Softmax" -> {
        List<Integer> axes = c.integers("axis");
        if (axes != null && axes.size() != 1) {
          throw new NotSupported("softmax over several axes");
        }
        yield new Softmax(axes == null ? -1 : axes.getFirst(), false);
      }
      // As operations: keras.ops.relu and so on.
      case "Relu" -> new Simple(Activation.RELU);
      case "Relu6" -> new Simple(Activation.RELU6);
      case "Sigmoid" -> simple(Kind.SIGMOID);
      case "Silu" -> simple(Kind.SWISH);
      case "Tanh" -> simple(Kind.TANH);
      case "HardSigmoid" -> simple(Kind.HARD_SIGMOID, 1.0 / 6, 0.5);
      case "HardSilu" -> simple(Kind.HARD_SWISH);
      case "Gelu" -> simple(c.flag("approximate", true) ? Kind.GELU_TANH : Kind.GELU);
      default -> null;
    };
  }

  private static Functions relu(double negativeSlope, Double maximum, double threshold) {
    if (negativeSlope == 0 && threshold == 0) {
      return maximum == null ? new Simple(Activation.RELU) : simple(Kind.CLIP, 0, maximum);
    }
    if (maximum == null && threshold == 0) {
      return simple(Kind.LEAKY_RELU, negativeSlope, 0);
    }
    if (maximum == null && negativeSlope == 0) {
      return simple(Kind.THRESHOLDED_RELU, threshold, 0);
    }
    return new GeneralRelu(negativeSlope, maximum, threshold);
  }

  /**
   * Applies this function to a value of the graph.
   *
   * @param node name of the node that makes the result
   * @param value name of the result
   * @param in what it is applied to
   * @param type operator shown for the result; null for the function's own
   */
  default Value apply(GraphBuilder g, String node, String value, Value in, String type) {
    switch (this) {
      case Linear() -> layer(g, node, new Op.Identity(), type, value, in.name());
      case Simple(Activation a) -> layer(g, node, new Op.Unary(a), type, value, in.name());
      case Softmax(int axis, boolean logarithm) -> {
        int positive = axis < 0 ? axis + in.rank() : axis;
        layer(
            g,
            node,
            new Op.Softmax(in.graphAxis(positive), logarithm, false),
            type,
            value,
            in.name());
      }
      case GeneralRelu r -> generalRelu(g, node, r, type, value, in.name());
      case Composite(String name) -> composite(g, node, name, type, value, in.name());
    }
    return g.made(value, in.dims(), in.moved());
  }

  private static void layer(
      GraphBuilder g, String node, Op op, String type, String value, String... inputs) {
    g.add(
        node,
        op,
        List.of(inputs),
        value,
        new Layer(value, type == null ? op.type() : type, value, Role.RESULT));
  }

  /** Above the threshold x up to the maximum, below it slope · (x − threshold). */
  private static void generalRelu(
      GraphBuilder g, String node, GeneralRelu r, String type, String value, String x) {
    String above = value + "/above";
    if (r.threshold == 0) {
      g.unary(above, Kind.RELU, 0, 0, x);
    } else {
      g.unary(above, Kind.THRESHOLDED_RELU, r.threshold, 0, x);
    }
    if (r.maximum != null) {
      above = g.unary(value + "/bounded", Kind.CLIP, 0, r.maximum, above);
    }
    String shifted = g.unary(value + "/negated", Kind.NEG, 0, 0, x);
    if (r.threshold != 0) {
      String threshold = g.scalar(value + "/threshold", r.threshold);
      shifted = g.binary(value + "/shifted", ElementwiseKind.ADD, shifted, threshold);
    }
    String below = g.unary(value + "/below", Kind.RELU, 0, 0, shifted);
    String slope = g.scalar(value + "/slope", r.negativeSlope);
    String scaled = g.binary(value + "/scaled", ElementwiseKind.MUL, below, slope);
    layer(g, node, new Op.Elementwise(ElementwiseKind.SUB), type, value, above, scaled);
  }

  private static void composite(
      GraphBuilder g, String node, String name, String type, String value, String x) {
    Op sub = new Op.Elementwise(ElementwiseKind.SUB);
    switch (name) {
      case "log_sigmoid" -> {
        // log σ(x) = −softplus(−x)
        String negated = g.unary(value + "/negated", Kind.NEG, 0, 0, x);
        String softplus = g.unary(value + "/softplus", Kind.SOFTPLUS, 0, 0, negated);
        layer(g, node, new Op.Unary(Activation.of(Kind.NEG)), type, value, softplus);
      }
      case "tanh_shrink" ->
          layer(g, node, sub, type, value, x, g.unary(value + "/tanh", Kind.TANH, 0, 0, x));
      case "soft_shrink" ->
          layer(g, node, sub, type, value, x, g.unary(value + "/clipped", Kind.CLIP, -0.5, 0.5, x));
      case "squareplus" -> {
        // (x + √(x² + 4)) / 2
        String square = g.binary(value + "/square", ElementwiseKind.MUL, x, x);
        String four = g.scalar(value + "/four", 4);
        String sum = g.binary(value + "/sum", ElementwiseKind.ADD, square, four);
        String root = g.unary(value + "/root", Kind.SQRT, 0, 0, sum);
        String twice = g.binary(value + "/twice", ElementwiseKind.ADD, x, root);
        String half = g.scalar(value + "/half", 0.5);
        layer(g, node, new Op.Elementwise(ElementwiseKind.MUL), type, value, twice, half);
      }
      default -> throw new AssertionError(name);
    }
  }
}
