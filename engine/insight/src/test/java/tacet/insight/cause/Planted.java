package tacet.insight.cause;

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
import tacet.graph.Op.Window;
import tacet.graph.ValueInfo;
import tacet.kernels.Activation;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Small networks and images made in code, into which a test plants a cause. */
final class Planted {

  static final int SIDE = 40;

  private final SplittableRandom random;
  private final Map<String, float[]> weights = new LinkedHashMap<>();
  private final Map<String, Shape> shapes = new LinkedHashMap<>();
  private final List<Node> nodes = new ArrayList<>();
  private String last = "input";
  private final long[] input;
  private int channels;
  private int height;
  private int width;

  Planted(long seed) {
    this(seed, 3, SIDE, SIDE);
  }

  /** For images of another size or number of channels. */
  Planted(long seed, int channels, int height, int width) {
    random = new SplittableRandom(seed);
    input = new long[] {1, channels, height, width};
    this.channels = channels;
    this.height = height;
    this.width = width;
  }

  /** 3×3 convolution with He-normal weights and small biases, then ReLU. */
  Planted conv(String name, int units) {
    return conv(name, units, 3);
  }

  Planted conv(String name, int units, int kernel) {
    return conv(name, units, kernel, Activation.RELU);
  }

  Planted conv(String name, int units, int kernel, Activation function) {
    int window = channels * kernel * kernel;
    shapes.put(name + "/w", Shape.of(units, channels, kernel, kernel));
    weights.put(name + "/w", normal(units * window, Math.sqrt(2.0 / window)));
    shapes.put(name + "/b", Shape.of(units));
    weights.put(name + "/b", normal(units, 0.02));
    Window w =
        new Window(
            List.of(kernel, kernel),
            List.of(1, 1),
            List.of(),
            List.of(),
            List.of(),
            AutoPad.EXPLICIT);
    nodes.add(
        new Node(
            name + "/conv",
            new Op.Conv(w, 1),
            List.of(last, name + "/w", name + "/b"),
            List.of(name + "/pre")));
    activate(name, function);
    channels = units;
    height -= kernel - 1;
    width -= kernel - 1;
    return this;
  }

  /** 3×3 convolution of every channel by itself, then ReLU. */
  Planted depthwise(String name) {
    shapes.put(name + "/w", Shape.of(channels, 1, 3, 3));
    weights.put(name + "/w", normal(channels * 9, Math.sqrt(2.0 / 9)));
    shapes.put(name + "/b", Shape.of(channels));
    weights.put(name + "/b", normal(channels, 0.02));
    nodes.add(
        new Node(
            name + "/conv",
            new Op.Conv(window(0), channels),
            List.of(last, name + "/w", name + "/b"),
            List.of(name + "/pre")));
    activate(name, Activation.RELU);
    height -= 2;
    width -= 2;
    return this;
  }

  /** Two 3×3 convolutions with a ReLU between them, added to what they read, then ReLU; {@code name/1} and {@code name/2}. */
  Planted residual(String name) {
    String from = last;
    String value = from;
    for (int i = 1; i <= 2; i++) {
      String conv = name + "/" + i;
      shapes.put(conv + "/w", Shape.of(channels, channels, 3, 3));
      weights.put(conv + "/w", normal(channels * channels * 9, Math.sqrt(1.0 / 9 / channels)));
      shapes.put(conv + "/b", Shape.of(channels));
      weights.put(conv + "/b", normal(channels, 0.02));
      nodes.add(
          new Node(
              conv + "/conv",
              new Op.Conv(window(1), 1),
              List.of(value, conv + "/w", conv + "/b"),
              List.of(conv + "/pre")));
      value = conv + "/pre";
      if (i == 1) {
        activate(conv, Activation.RELU);
        value = conv;
      }
    }
    nodes.add(
        new Node(
            name + "/add",
            new Op.Elementwise(Op.ElementwiseKind.ADD),
            List.of(value, from),
            List.of(name + "/pre")));
    activate(name, Activation.RELU);
    return this;
  }

  private static Window window(int padding) {
    List<Integer> pads = List.of(padding, padding);
    return new Window(List.of(3, 3), List.of(1, 1), pads, pads, List.of(), AutoPad.EXPLICIT);
  }

  /** Puts a batch normalisation, at first without effect, between the last convolution and its activation. */
  Planted norm(String name) {
    Node activation = nodes.removeLast();
    Node conv = nodes.removeLast();
    nodes.add(new Node(conv.name(), conv.op(), conv.inputs(), List.of(name + "/conv")));
    List<String> inputs = new ArrayList<>(List.of(name + "/conv"));
    for (String parameter : List.of("gain", "shift", "mean", "variance")) {
      float[] values = new float[channels];
      Arrays.fill(values, parameter.equals("gain") || parameter.equals("variance") ? 1 : 0);
      shapes.put(name + "/" + parameter, Shape.of(channels));
      weights.put(name + "/" + parameter, values);
      inputs.add(name + "/" + parameter);
    }
    nodes.add(
        new Node(name + "/norm", new Op.BatchNormalization(1e-5f), inputs, List.of(name + "/pre")));
    nodes.add(activation);
    return this;
  }

  Planted pool(String name) {
    Window w =
        new Window(List.of(2, 2), List.of(2, 2), List.of(), List.of(), List.of(), AutoPad.EXPLICIT);
    nodes.add(
        new Node(
            name,
            new Op.Pool(Op.PoolKind.MAX, w, false, false, 2, false),
            List.of(last),
            List.of(name)));
    last = name;
    height /= 2;
    width /= 2;
    return this;
  }

  Planted flatten() {
    nodes.add(new Node("flatten", new Op.Flatten(1), List.of(last), List.of("flatten")));
    last = "flatten";
    channels = channels * height * width;
    return this;
  }

  Planted dense(String name, int units) {
    return dense(name, units, Activation.RELU);
  }

  Planted dense(String name, int units, Activation function) {
    shapes.put(name + "/w", Shape.of(units, channels));
    weights.put(name + "/w", normal(units * channels, Math.sqrt(2.0 / channels)));
    shapes.put(name + "/b", Shape.of(units));
    weights.put(name + "/b", normal(units, 0.02));
    nodes.add(
        new Node(
            name + "/gemm",
            new Op.Gemm(1, 1, false, true),
            List.of(last, name + "/w", name + "/b"),
            List.of(name + "/pre")));
    activate(name, function);
    channels = units;
    return this;
  }

  Planted softmax(String name) {
    nodes.add(new Node(name, new Op.Softmax(1, false, false), List.of(last), List.of(name)));
    last = name;
    return this;
  }

  private void activate(String name, Activation function) {
    nodes.add(new Node(name, new Op.Unary(function), List.of(name + "/pre"), List.of(name)));
    last = name;
  }

  /** Weights to be changed, by name. */
  float[] weights(String name) {
    return weights.get(name);
  }

  Graph graph() {
    Map<String, Tensor> constants = new LinkedHashMap<>();
    weights.forEach((name, w) -> constants.put(name, Tensor.of(shapes.get(name), w)));
    return Graph.checked(
        "planted",
        List.of(new ValueInfo("input", DataType.FLOAT32, input)),
        List.of(new ValueInfo(last, DataType.FLOAT32, null)),
        constants,
        nodes,
        Map.of(),
        Set.of());
  }

  private float[] normal(int n, double std) {
    float[] out = new float[n];
    for (int i = 0; i < n; i++) {
      out[i] = (float) (std * random.nextGaussian());
    }
    return out;
  }

  /** A picture with structure everywhere: sums of waves and noise, between −1 and 1. */
  static Sample textured(long seed) {
    return textured(seed, 3, SIDE, SIDE);
  }

  /** The same of another size or number of channels. */
  static Sample textured(long seed, int channels, int height, int width) {
    SplittableRandom r = new SplittableRandom(seed);
    float[] x = new float[channels * height * width];
    for (int c = 0; c < channels; c++) {
      double fy = 0.1 + r.nextDouble();
      double fx = 0.1 + r.nextDouble();
      for (int i = 0; i < height * width; i++) {
        double wave = 0.45 * Math.sin(fy * (i / width) + fx * (i % width) + c);
        x[c * height * width + i] =
            (float) Math.max(-1, Math.min(1, wave + 0.25 * r.nextGaussian()));
      }
    }
    return new Sample("textured " + seed, Tensor.of(Shape.of(1, channels, height, width), x), null);
  }

  /** One colour. */
  static Sample flat(float red, float green, float blue) {
    float[] x = new float[3 * SIDE * SIDE];
    for (int i = 0; i < SIDE * SIDE; i++) {
      x[i] = red;
      x[SIDE * SIDE + i] = green;
      x[2 * SIDE * SIDE + i] = blue;
    }
    return new Sample("flat", Tensor.of(Shape.of(1, 3, SIDE, SIDE), x), null);
  }

  /** The sample with a constant added. */
  static Sample shifted(Sample s, float by) {
    float[] x = s.tensor().toFloats();
    for (int i = 0; i < x.length; i++) {
      x[i] += by;
    }
    return new Sample(s.name() + " shifted", Tensor.of(s.tensor().shape(), x), null);
  }
}
