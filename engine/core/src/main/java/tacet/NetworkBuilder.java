package tacet;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.graph.Op.AutoPad;
import tacet.graph.Op.ElementwiseKind;
import tacet.graph.Op.PoolKind;
import tacet.graph.Op.Window;
import tacet.graph.ValueInfo;
import tacet.kernels.Activation;
import tacet.kernels.DataType;
import tacet.reference.Evaluator;
import tacet.reference.TensorType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * Makes networks in code. Every method adds one layer and returns the name of the value it makes, which is the layer's name;
 * layers read values by name. Images are [N, C, H, W], matrices [N, C].
 *
 * <p>Weights are given, or drawn: normal with variance 2 / (inputs per output), after He et al., "Delving Deep into
 * Rectifiers" (2015), section 2.2; biases are 0. What a layer draws depends on the seed and its name alone.
 */
public final class NetworkBuilder {

  /** Stands for a dimension the caller leaves free while the builder checks shapes. */
  private static final int SPECIMEN = 256;

  private final String name;
  private final long seed;
  private final List<ValueInfo> inputs = new ArrayList<>();
  private final Map<String, Tensor> constants = new LinkedHashMap<>();
  private final Map<String, TensorType> types = new LinkedHashMap<>();
  private final List<Node> nodes = new ArrayList<>();

  /**
   * @param name of the network, for messages
   * @param seed of the weights that are not given
   */
  public NetworkBuilder(String name, long seed) {
    this.name = name;
    this.seed = seed;
  }

  /**
   * A float32 input.
   *
   * @param dims {@link ValueInfo#UNKNOWN} where runs decide
   */
  public String input(String value, long... dims) {
    inputs.add(new ValueInfo(value, DataType.FLOAT32, dims));
    long[] specimen = Arrays.stream(dims).map(d -> d == ValueInfo.UNKNOWN ? SPECIMEN : d).toArray();
    types.put(value, new TensorType(DataType.FLOAT32, Shape.of(specimen)));
    return value;
  }

  /** A value known beforehand. */
  public String constant(String value, Tensor tensor) {
    constants.put(value, tensor);
    types.put(value, new TensorType(tensor.type(), tensor.shape()));
    return value;
  }

  /**
   * Any operator.
   *
   * @throws tacet.error.TacetException where the inputs do not fit it
   */
  public String node(String layer, Op op, String... from) {
    Node node = new Node(layer, op, List.of(from), List.of(layer));
    List<TensorType> given = new ArrayList<>();
    List<Tensor> known = new ArrayList<>();
    for (String value : from) {
      given.add(value.isEmpty() ? null : type(value));
      known.add(constants.get(value));
    }
    types.put(layer, Evaluator.infer(node, given, known).getFirst());
    nodes.add(node);
    return layer;
  }

  /** A square convolution with drawn weights, padded by {@code padding} on every side. */
  public String convolution(
      String layer, String x, int filters, int kernel, int stride, int padding) {
    long channels = type(x).shape().dim(1);
    Tensor weights = drawn(layer, channels * kernel * kernel, filters, channels, kernel, kernel);
    return convolution(layer, x, window(kernel, stride, padding), 1, weights, zeros(filters));
  }

  /** A convolution of every channel on its own with drawn weights. */
  public String depthwise(String layer, String x, int kernel, int stride, int padding) {
    int channels = type(x).shape().intDim(1);
    Tensor weights = drawn(layer, (long) kernel * kernel, channels, 1, kernel, kernel);
    return convolution(
        layer, x, window(kernel, stride, padding), channels, weights, zeros(channels));
  }

  /**
   * A convolution with given weights.
   *
   * @param weights [M, C/groups, kernel…]
   * @param bias [M], or null
   */
  public String convolution(
      String layer, String x, Window window, int groups, Tensor weights, Tensor bias) {
    return node(layer, new Op.Conv(window, groups), withBias(layer, x, weights, bias));
  }

  /** A fully connected layer with drawn weights; x is a matrix. */
  public String dense(String layer, String x, int units) {
    long in = type(x).shape().dim(1);
    return dense(layer, x, drawn(layer, in, units, in), zeros(units));
  }

  /**
   * A fully connected layer with given weights; x is a matrix.
   *
   * @param weights [units, inputs]
   * @param bias [units], or null
   */
  public String dense(String layer, String x, Tensor weights, Tensor bias) {
    return node(layer, new Op.Gemm(1f, 1f, false, true), withBias(layer, x, weights, bias));
  }

  /** Normalisation with statistics given per channel, each of shape [C]. */
  public String batchNormalization(
      String layer, String x, Tensor scale, Tensor bias, Tensor mean, Tensor variance) {
    return node(
        layer,
        new Op.BatchNormalization(1e-5f),
        x,
        constant(layer + "/scale", scale),
        constant(layer + "/bias", bias),
        constant(layer + "/mean", mean),
        constant(layer + "/variance", variance));
  }

  public String relu(String layer, String x) {
    return activation(layer, x, Activation.RELU);
  }

  public String activation(String layer, String x, Activation function) {
    return node(layer, new Op.Unary(function), x);
  }

  /** Maximum over square windows without padding. */
  public String maxPool(String layer, String x, int kernel, int stride) {
    Window w = window(kernel, stride, 0);
    return node(layer, new Op.Pool(PoolKind.MAX, w, false, false, 2, false), x);
  }

  /** Mean over square windows without padding. */
  public String averagePool(String layer, String x, int kernel, int stride) {
    Window w = window(kernel, stride, 0);
    return node(layer, new Op.Pool(PoolKind.AVERAGE, w, false, false, 2, false), x);
  }

  /** Mean over the whole image: [N, C, 1, 1]. */
  public String globalAveragePool(String layer, String x) {
    return node(layer, new Op.GlobalPool(PoolKind.AVERAGE, 2), x);
  }

  /** An image as a matrix [N, C·H·W]. */
  public String flatten(String layer, String x) {
    return node(layer, new Op.Flatten(1), x);
  }

  /** Softmax over the last axis. */
  public String softmax(String layer, String x) {
    return node(layer, new Op.Softmax(-1, false, false), x);
  }

  public String add(String layer, String a, String b) {
    return node(layer, new Op.Elementwise(ElementwiseKind.ADD), a, b);
  }

  /** Values one after the other along the channels. */
  public String concat(String layer, String... parts) {
    return node(layer, new Op.Concat(1), parts);
  }

  /**
   * The network.
   *
   * @throws tacet.error.ModelFormatException where names are used twice
   */
  public Graph build(String... outputs) {
    boolean free = inputs.stream().anyMatch(i -> !i.isStatic());
    List<ValueInfo> returned = new ArrayList<>();
    for (String o : outputs) {
      TensorType t = type(o);
      long[] dims = t.shape().dims();
      if (free) {
        Arrays.fill(dims, ValueInfo.UNKNOWN);
      }
      returned.add(new ValueInfo(o, t.type(), dims));
    }
    return Graph.checked(name, inputs, returned, constants, nodes, Map.of(), Set.of());
  }

  /** A square window. */
  private static Window window(int kernel, int stride, int padding) {
    return new Window(
        List.of(kernel, kernel),
        List.of(stride, stride),
        List.of(padding, padding),
        List.of(padding, padding),
        List.of(1, 1),
        AutoPad.EXPLICIT);
  }

  private String[] withBias(String layer, String x, Tensor weights, Tensor bias) {
    String w = constant(layer + "/weights", weights);
    return bias == null
        ? new String[] {x, w}
        : new String[] {x, w, constant(layer + "/bias", bias)};
  }

  private TensorType type(String value) {
    TensorType t = types.get(value);
    if (t == null) {
      throw new IllegalArgumentException("there is no value '" + value + "' yet");
    }
    return t;
  }

  private Tensor drawn(String layer, long inputsPerOutput, long... dims) {
    SplittableRandom random = new SplittableRandom(seed * 31 + layer.hashCode());
    double deviation = Math.sqrt(2.0 / inputsPerOutput);
    Tensor t = Tensor.allocate(DataType.FLOAT32, Shape.of(dims));
    t.fill(() -> random.nextGaussian() * deviation);
    return t;
  }

  private static Tensor zeros(int count) {
    return Tensor.allocate(DataType.FLOAT32, Shape.of(count));
  }
}
