package tacet.insight;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Node.Layer;
import tacet.graph.Node.Role;
import tacet.graph.Op;
import tacet.graph.Op.AutoPad;
import tacet.graph.Op.Window;
import tacet.graph.ValueInfo;
import tacet.kernels.Activation;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * Encoders to look at without a model file: weights Glorot-uniform (Glorot and Bengio 2010, eq. 16), biases zero, input
 * normal noise, all from one seed.
 */
public final class Presets {

  /** Extent of the presets' input image. */
  public static final int SIZE = 256;

  private static final int CHANNELS = 3;

  private final SplittableRandom random;
  private final Map<String, Tensor> constants = new LinkedHashMap<>();
  private final List<Node> nodes = new ArrayList<>();

  private Presets(long seed) {
    random = new SplittableRandom(seed);
  }

  /** Convolution 32 3×3, max-pool 2, convolution 64 3×3, max-pool 2, dense 128, each with ReLU; input 256×256×3. */
  public static Graph conv(long seed) {
    Presets p = new Presets(seed);
    p.convolution("conv1", "input", CHANNELS, 32);
    p.pool("pool1", "conv1");
    p.convolution("conv2", "pool1", 32, 64);
    p.pool("pool2", "conv2");
    p.nodes.add(new Node("flatten", new Op.Flatten(1), List.of("pool2"), List.of("flatten")));
    int side = ((SIZE - 2) / 2 - 2) / 2;
    p.dense("dense", "flatten", side * side * 64, 128, true);
    return p.graph("preset conv", "dense", 128, Map.of());
  }

  /** Bytes of the weights of {@link #denseL1}. */
  public static long denseL1Bytes() {
    return Float.BYTES * ((long) SIZE * SIZE * CHANNELS * 1024 + 1024L * 512 + 512L * 128);
  }

  /**
   * Flatten, dense 1024 with ReLU, dense 512 with ReLU, dense 128; input 256×256×3.
   *
   * @param l1 factor of the L1 penalty that the weights would be trained with
   */
  public static Graph denseL1(long seed, double l1) {
    Presets p = new Presets(seed);
    p.nodes.add(new Node("flatten", new Op.Flatten(1), List.of("input"), List.of("flatten")));
    p.dense("dense1", "flatten", SIZE * SIZE * CHANNELS, 1024, true);
    p.dense("dense2", "dense1", 1024, 512, true);
    p.dense("dense3", "dense2", 512, 128, false);
    String note = "kernel L1 " + l1;
    return p.graph(
        "preset dense-l1", "dense3", 128, Map.of("dense1", note, "dense2", note, "dense3", note));
  }

  /** Standard normal noise in the presets' input shape [1, 3, 256, 256]. */
  public static Tensor noise(Shape shape, long seed) {
    SplittableRandom random = new SplittableRandom(seed ^ 0x9E3779B97F4A7C15L);
    float[] values = new float[Math.toIntExact(shape.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.of(shape, values);
  }

  private void convolution(String name, String input, int in, int out) {
    constants.put(name + "/kernel", glorot(in * 9, out * 9, out, in, 3, 3));
    constants.put(name + "/bias", Tensor.of(Shape.of(out), new float[out]));
    Window window =
        new Window(
            List.of(3, 3),
            List.of(1, 1),
            List.of(0, 0),
            List.of(0, 0),
            List.of(1, 1),
            AutoPad.EXPLICIT);
    withRelu(
        name,
        new Op.Conv(window, 1, false, Activation.RELU),
        "Conv",
        List.of(input, name + "/kernel", name + "/bias"));
  }

  private void dense(String name, String input, int in, int out, boolean relu) {
    constants.put(name + "/kernel", glorot(in, out, out, in));
    constants.put(name + "/bias", Tensor.of(Shape.of(out), new float[out]));
    List<String> inputs = List.of(input, name + "/kernel", name + "/bias");
    if (relu) {
      withRelu(name, new Op.Gemm(1f, 1f, false, true, Activation.RELU), "Gemm", inputs);
    } else {
      nodes.add(new Node(name, new Op.Gemm(1f, 1f, false, true), inputs, List.of(name)));
    }
  }

  /** The layer is called what its author calls it; what it computes before its activation is a row of its own. */
  private void withRelu(String name, Op op, String type, List<String> inputs) {
    String before = name + "/preactivation";
    nodes.add(
        new Node(
            name,
            op,
            inputs,
            List.of(name),
            List.of(
                new Layer(before, type, before, Role.BEFORE_ACTIVATION),
                new Layer(name, "Relu", name, Role.RESULT))));
  }

  private void pool(String name, String input) {
    Window window =
        new Window(
            List.of(2, 2),
            List.of(2, 2),
            List.of(0, 0),
            List.of(0, 0),
            List.of(1, 1),
            AutoPad.EXPLICIT);
    nodes.add(
        new Node(
            name,
            new Op.Pool(Op.PoolKind.MAX, window, false, false, 2, false),
            List.of(input),
            List.of(name)));
  }

  private Tensor glorot(int fanIn, int fanOut, long... shape) {
    double bound = Math.sqrt(6.0 / ((double) fanIn + fanOut));
    Tensor t = Tensor.allocate(DataType.FLOAT32, Shape.of(shape));
    long n = t.shape().elements();
    for (long i = 0; i < n; i++) {
      t.data()
          .setAtIndex(
              java.lang.foreign.ValueLayout.JAVA_FLOAT,
              i,
              (float) ((random.nextDouble() * 2 - 1) * bound));
    }
    return t;
  }

  private Graph graph(String source, String output, int outputs, Map<String, String> notes) {
    return Graph.checked(
        source,
        List.of(new ValueInfo("input", DataType.FLOAT32, new long[] {1, CHANNELS, SIZE, SIZE})),
        List.of(new ValueInfo(output, DataType.FLOAT32, new long[] {1, outputs})),
        constants,
        nodes,
        notes,
        Set.of());
  }
}
