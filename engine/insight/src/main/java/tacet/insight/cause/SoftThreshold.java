package tacet.insight.cause;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tacet.Model;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.ValueInfo;
import tacet.insight.cause.Network.Cut;
import tacet.kernels.DataType;
import tacet.kernels.Parallel;
import tacet.kernels.ThreadBudget;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * A network whose weights are all shrunk by the proximal step of an L1 penalty, sign(w)·max(|w| − λ·rms, 0) with the root
 * mean square of each layer's weights.
 *
 * <p>Large dense layers are computed straight from the weights of the original, see {@link ShrunkDense}; what lies between
 * them runs as models of its own.
 */
final class SoftThreshold {

  /** Weights up to this many are copied; beyond, memory is dearer than the answer. */
  private static final long MOST_COPIED = 64L << 20;

  private static final int CHUNK = 1 << 14;

  private final Graph graph;
  private final ModelOptions options;
  private final Map<String, Shape> shapes;
  private final Map<String, String> weightsOf = new LinkedHashMap<>();
  private final Map<String, ShrunkDense> dense = new LinkedHashMap<>();

  /**
   * @param shapes of all float32 values
   */
  SoftThreshold(Network network, ModelOptions options, Map<String, Shape> shapes) {
    this.graph = network.graph();
    this.options = options;
    this.shapes = shapes;
    for (Cut cut : network.cuts()) {
      if (cut.units() != null) {
        weightsOf.put(cut.output(), cut.units().weightsName());
        ShrunkDense d = ShrunkDense.of(cut.units().node(), graph);
        if (d != null) {
          dense.put(cut.units().node().output(0), d);
        }
      }
    }
  }

  /** Whether the copies it needs are small enough. */
  boolean isAffordable() {
    long copied = 0;
    for (String name : new LinkedHashSet<>(weightsOf.values())) {
      copied += isCopied(name) ? graph.constants().get(name).shape().elements() : 0;
    }
    return !weightsOf.isEmpty() && copied <= MOST_COPIED;
  }

  /**
   * Zero shares of the weights behind every cut, and of what it puts out: by the cut's output, one pair per λ.
   *
   * @param lambdas in units of the root mean square of a layer's weights
   */
  Map<String, double[][]> zeroShares(double[] lambdas, Tensor input) throws InterruptedException {
    try (ThreadBudget budget = new ThreadBudget(options.threads());
        ThreadBudget.Team team = budget.acquire()) {
      Map<String, float[]> thresholds = new LinkedHashMap<>();
      Map<String, double[]> zeroWeights = new LinkedHashMap<>();
      for (String name : new LinkedHashSet<>(weightsOf.values())) {
        Tensor w = graph.constants().get(name);
        double rms = rms(w, team);
        float[] t = new float[lambdas.length];
        for (int i = 0; i < t.length; i++) {
          t[i] = (float) (lambdas[i] * rms);
        }
        thresholds.put(name, t);
        zeroWeights.put(name, atMost(w, t, team));
      }
      Map<String, double[][]> shares = new LinkedHashMap<>();
      for (int i = 0; i < lambdas.length; i++) {
        int at = i;
        Map<String, Float> t = new LinkedHashMap<>();
        thresholds.forEach((name, all) -> t.put(name, all[at]));
        Map<String, Tensor> values = run(t, input, team);
        weightsOf.forEach(
            (output, name) ->
                shares.computeIfAbsent(output, _ -> new double[lambdas.length][])[at] =
                    new double[] {
                      zeroWeights.get(name)[at], atMost(values.get(output), new float[1], team)[0]
                    });
      }
      return shares;
    }
  }

  /** All values that are wanted, with weights thresholded at {@code thresholds}. */
  private Map<String, Tensor> run(Map<String, Float> thresholds, Tensor input, Parallel parallel)
      throws InterruptedException {
    Map<String, Tensor> constants = new LinkedHashMap<>(graph.constants());
    thresholds.forEach(
        (name, t) -> {
          if (isCopied(name)) {
            Tensor original = graph.constants().get(name);
            float[] w = original.toFloats();
            apply(w, w.length, t);
            constants.put(name, Tensor.of(original.shape(), w));
          }
        });
    Map<String, Tensor> values = new LinkedHashMap<>();
    values.put(graph.inputs().getFirst().name(), input);
    List<Node> between = new ArrayList<>();
    for (Node n : graph.nodes()) {
      ShrunkDense d = dense.get(n.output(0));
      if (d == null) {
        between.add(n);
        continue;
      }
      run(between, constants, values);
      between.clear();
      Tensor x = values.get(n.input(0));
      values.put(n.output(0), d.apply(x, thresholds.get(n.input(1)), parallel));
    }
    run(between, constants, values);
    return values;
  }

  private boolean isCopied(String weights) {
    return dense.values().stream().noneMatch(d -> d.node().input(1).equals(weights));
  }

  /** Runs nodes that follow each other, from the values they read to those that are read after them or asked for. */
  private void run(List<Node> nodes, Map<String, Tensor> constants, Map<String, Tensor> values)
      throws InterruptedException {
    Set<String> made = new LinkedHashSet<>();
    Set<String> read = new LinkedHashSet<>();
    for (Node n : nodes) {
      n.inputs().stream()
          .filter(i -> values.containsKey(i) && !made.contains(i))
          .forEach(read::add);
      n.outputs().stream().filter(o -> !o.isEmpty()).forEach(made::add);
    }
    Set<String> wanted = new LinkedHashSet<>();
    for (String value : made) {
      boolean later =
          graph.nodes().stream().anyMatch(n -> n.inputs().contains(value) && !nodes.contains(n));
      if (later || weightsOf.containsKey(value)) {
        wanted.add(value);
      }
    }
    if (wanted.isEmpty()) {
      return;
    }
    List<ValueInfo> inputs = new ArrayList<>();
    Map<String, Tensor> given = new LinkedHashMap<>();
    for (String name : read) {
      Tensor t = values.get(name);
      inputs.add(new ValueInfo(name, t.type(), t.shape().dims()));
      given.put(name, t);
    }
    List<ValueInfo> outputs = new ArrayList<>();
    for (String name : wanted) {
      Shape s = shapes.get(name);
      outputs.add(new ValueInfo(name, DataType.FLOAT32, s == null ? null : s.dims()));
    }
    Graph part =
        new Graph(
            graph.source(), inputs, outputs, constants, nodes, graph.notes(), graph.channelsLast());
    try (Model model = Model.of(part, options)) {
      values.putAll(model.run(given).outputs());
    }
  }

  private static double rms(Tensor w, Parallel parallel) {
    double[] sums = new double[parallel.threads()];
    chunks(
        w,
        parallel,
        (values, length, thread) -> {
          double sum = 0;
          for (int i = 0; i < length; i++) {
            sum += (double) values[i] * values[i];
          }
          sums[thread] += sum;
        });
    return Math.sqrt(Arrays.stream(sums).sum() / Math.max(1, w.shape().elements()));
  }

  /** Parts of a tensor's elements that are no larger than each of some bounds. */
  private static double[] atMost(Tensor t, float[] bounds, Parallel parallel) {
    double[] parts = new double[bounds.length];
    if (t.type() != DataType.FLOAT32 || t.shape().elements() == 0) {
      return parts;
    }
    long[][] counts = new long[parallel.threads()][bounds.length];
    chunks(
        t,
        parallel,
        (values, length, thread) -> {
          for (int k = 0; k < bounds.length; k++) {
            counts[thread][k] += atMost(values, length, bounds[k]);
          }
        });
    for (int k = 0; k < parts.length; k++) {
      for (long[] count : counts) {
        parts[k] += (double) count[k] / t.shape().elements();
      }
    }
    return parts;
  }

  /** The bits of magnitudes are in the order of magnitudes: differences of integers make a loop that is compiled to SIMD. */
  private static int atMost(float[] values, int length, float bound) {
    int next = Float.floatToRawIntBits(bound) + 1;
    int n = 0;
    for (int i = 0; i < length; i++) {
      n += (Float.floatToRawIntBits(values[i]) & Integer.MAX_VALUE) - next >>> 31;
    }
    return n;
  }

  private interface Chunk {
    void take(float[] values, int length, int thread);
  }

  private static void chunks(Tensor t, Parallel parallel, Chunk each) {
    long n = t.shape().elements();
    parallel.forEach(
        Math.toIntExact(Math.ceilDiv(n, CHUNK)),
        (chunk, thread) -> {
          long from = (long) chunk * CHUNK;
          int length = (int) Math.min(CHUNK, n - from);
          float[] values = parallel.floats(thread, CHUNK);
          MemorySegment.copy(
              t.data(), ValueLayout.JAVA_FLOAT_UNALIGNED, from * Float.BYTES, values, 0, length);
          each.take(values, length, thread);
        });
  }

  /** Shrinks values in place. */
  static void apply(float[] w, int length, float t) {
    for (int i = 0; i < length; i++) {
      w[i] -= Math.max(-t, Math.min(t, w[i]));
    }
  }
}
