package tacet.bench;

import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.NetworkBuilder;
import tacet.graph.Graph;
import tacet.graph.Op;
import tacet.graph.Op.AutoPad;
import tacet.graph.Op.Window;
import tacet.kernels.SparseMode;
import tacet.onnx.GraphFile;
import tacet.profile.LayerProfile;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * What skipping zeros gains, layer by layer and share by share: one layer behind a ReLU, planned without skipping by the
 * faster of SIMD and oneDNN, with skipping always, and with the choice left to each run; beside them oneDNN on layouts of
 * its own choice, and for dense layers ONNX Runtime. All in turn in one process, on the same input.
 */
final class SkippingComparison {

  /**
   * Zeros of an input.
   *
   * @param share 0 … 1
   * @param channels whether whole channels are zero, sixteen neighbours at a time, or values at random
   */
  record Zeros(double share, boolean channels) {

    /**
     * @param text percent, with a {@code c} behind for whole channels
     * @throws IllegalArgumentException where it is none
     */
    static Zeros parse(String text) {
      boolean channels = text.endsWith("c");
      try {
        double percent = Double.parseDouble(channels ? text.substring(0, text.length() - 1) : text);
        if (percent >= 0 && percent <= 100) {
          return new Zeros(percent / 100, channels);
        }
      } catch (NumberFormatException _) {
        // As below.
      }
      throw new IllegalArgumentException(
          "--zeros " + text + ": expected percent, as in 80, or 80c for whole channels");
    }

    @Override
    public String toString() {
      return String.format(Locale.ROOT, "%.4g%s", 100 * share, channels ? "c" : "");
    }
  }

  private static final int OFF = 0;
  private static final int ALWAYS = 1;
  private static final int AUTO = 2;
  private static final int ONEDNN = 3;
  private static final int ORT = 4;

  private static final int CHANNELS_TOGETHER = 16;

  /** Until the compiler has been here, and for a new input. */
  private static final double FIRST_SECONDS = 8;

  private static final double LATER_SECONDS = 0.15;

  private final int threads;
  private final int rounds;
  private final List<Zeros> zeros;
  private final PrintStream out;

  SkippingComparison(int threads, int rounds, List<Zeros> zeros, PrintStream out) {
    this.threads = threads;
    this.rounds = rounds;
    this.zeros = zeros;
    this.out = out;
  }

  /** Measures and prints; returns what goes into the JSON file. */
  Map<String, Object> run(List<ConvShape> shapes) throws Exception {
    out.printf(
        "%d thread(s), medians of %d rounds; skip: best dense time / time with skipping, to be held"
            + " against 1/(1-z);%nchosen: best of both / time of the choice%n%n",
        threads, rounds);
    out.printf(
        "%-24s %6s %9s %9s %9s %9s %6s %7s %6s  %s%n",
        "shape", "zeros", "off ms", "skip ms", "oneDNN", "ORT", "skip", "1/(1-z)", "chosen", "off");
    List<Object> rows = new ArrayList<>();
    for (ConvShape shape : shapes) {
      compare(shape, rows);
    }
    return Map.of("threads", threads, "rounds", rounds, "skipping", rows);
  }

  private void compare(ConvShape shape, List<Object> rows) throws Exception {
    SplittableRandom random = new SplittableRandom(1);
    double deviation = Math.sqrt(2.0 * shape.outChannels() / shape.weights());
    float[] weights = Numbers.normal(random, shape.weights(), deviation);
    float[] bias = Numbers.normal(random, shape.outChannels(), 0.1);
    boolean dense = shape.height() * shape.width() == 1 && shape.groups() == 1;
    Graph graph = graph(shape, weights, bias, dense);
    ModelOptions options =
        ModelOptions.defaults().withThreads(threads).withBackend(Backend.AUTO).withMeasure(true);
    Path file = dense ? Files.createTempFile("tacet-compare", ".onnx") : null;
    // Outermost: what others get from oneDNN on this thread is released with it.
    try (OneDnnConvolution oneDnn =
            new OneDnnConvolution(
                shape, input(shape, zeros.getFirst()), weights, bias, threads, 0);
        Model off = Model.of(graph, options.withSparse(SparseMode.OFF));
        Model always = Model.of(graph, options.withSparse(SparseMode.ALWAYS));
        Model auto = Model.of(graph, options.withSparse(SparseMode.AUTO))) {
      if (dense) {
        GraphFile.write(file, graph);
      }
      List<Model> models = List.of(off, always, auto);
      boolean first = true;
      for (Zeros z : zeros) {
        rows.add(compare(shape, z, models, oneDnn, file, first));
        first = false;
      }
      out.printf("%-24s %s%n", "", crossovers(layer(auto, given(shape, zeros.getFirst(), dense))));
    } finally {
      if (file != null) {
        Files.delete(file);
      }
    }
  }

  private Map<String, Object> compare(
      ConvShape shape,
      Zeros z,
      List<Model> models,
      OneDnnConvolution oneDnn,
      Path file,
      boolean first)
      throws Exception {
    Map<String, Tensor> given = given(shape, z, file != null);
    Tensor x = given.get("x");
    float[] rectified = x.toFloats();
    for (int i = 0; i < rectified.length; i++) {
      rectified[i] = Math.max(rectified[i], 0);
    }
    try (OnnxRuntimePeer peer =
        file == null
            ? null
            : new OnnxRuntimePeer(file, threads, Map.of("x", Tensor.of(x.shape(), rectified)))) {
      int contestants = peer == null ? ORT : ORT + 1;
      double[][] nanos = new double[contestants][rounds];
      long start = System.nanoTime();
      double seconds = first ? FIRST_SECONDS : LATER_SECONDS;
      while (System.nanoTime() - start < seconds * 1e9) {
        for (int i = 0; i < contestants; i++) {
          time(i, models, given, oneDnn, peer);
        }
      }
      for (int round = 0; round < rounds; round++) {
        for (int k = 0; k < contestants; k++) {
          int i = (k + round) % contestants;
          nanos[i][round] = time(i, models, given, oneDnn, peer);
        }
      }
      return row(shape, z, nanos, layer(models.get(OFF), given).kernel());
    }
  }

  private Map<String, Object> row(ConvShape shape, Zeros z, double[][] nanos, String kernel) {
    double[] skip = new double[rounds];
    double[] chosen = new double[rounds];
    double[] ort = new double[rounds];
    for (int r = 0; r < rounds; r++) {
      double best = Math.min(nanos[OFF][r], nanos[ONEDNN][r]);
      skip[r] = best / nanos[ALWAYS][r];
      chosen[r] = Math.min(nanos[OFF][r], nanos[ALWAYS][r]) / nanos[AUTO][r];
      ort[r] = nanos.length > ORT ? nanos[ORT][r] / nanos[AUTO][r] : Double.NaN;
    }
    boolean dense = nanos.length > ORT;
    out.printf(
        Locale.ROOT,
        "%-24s %6s %9.3f %9.3f %9.3f %9s %6.2f %7.2f %6.2f  %s%n",
        shape,
        z,
        Contest.median(nanos[OFF]) / 1e6,
        Contest.median(nanos[ALWAYS]) / 1e6,
        Contest.median(nanos[ONEDNN]) / 1e6,
        dense ? String.format(Locale.ROOT, "%.3f", Contest.median(nanos[ORT]) / 1e6) : "",
        Contest.median(skip),
        1 / (1 - z.share),
        Contest.median(chosen),
        kernel);
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("shape", shape.toString());
    row.put("zeroShare", z.share);
    row.put("wholeChannels", z.channels);
    row.put("kernel", kernel);
    row.put("millisecondsOff", Contest.median(nanos[OFF]) / 1e6);
    row.put("millisecondsSkipping", Contest.median(nanos[ALWAYS]) / 1e6);
    row.put("millisecondsAuto", Contest.median(nanos[AUTO]) / 1e6);
    row.put("millisecondsOnednn", Contest.median(nanos[ONEDNN]) / 1e6);
    row.put("measuredSpeedup", Contest.median(skip));
    row.put("choice", Contest.median(chosen));
    if (dense) {
      row.put("millisecondsOnnxruntime", Contest.median(nanos[ORT]) / 1e6);
      row.put("ratioOnnxruntime", Contest.median(ort));
    }
    return row;
  }

  /** Nanoseconds of the layer alone. */
  private static double time(
      int contestant,
      List<Model> models,
      Map<String, Tensor> given,
      OneDnnConvolution oneDnn,
      OnnxRuntimePeer peer)
      throws Exception {
    if (contestant < ONEDNN) {
      return layer(models.get(contestant), given).nanoseconds();
    }
    long start = System.nanoTime();
    if (contestant == ONEDNN) {
      oneDnn.run();
    } else {
      peer.run();
    }
    return System.nanoTime() - start;
  }

  private static LayerProfile layer(Model model, Map<String, Tensor> given)
      throws InterruptedException {
    return model.run(given).profile().layers().stream()
        .filter(l -> l.name().equals("layer"))
        .findFirst()
        .orElseThrow();
  }

  /** From which share of zeros on each kernel that skips runs, as the plan has it. */
  private static String crossovers(LayerProfile layer) {
    return Arrays.stream(layer.reason().split("; "))
        .filter(part -> part.startsWith("skip"))
        .collect(Collectors.joining("; "));
  }

  private static Map<String, Tensor> given(ConvShape s, Zeros z, boolean dense) {
    Shape in =
        dense ? Shape.of(1, s.inChannels()) : Shape.of(1, s.inChannels(), s.height(), s.width());
    return Map.of("x", Tensor.of(in, input(s, z)));
  }

  private static float[] input(ConvShape s, Zeros z) {
    SplittableRandom random = new SplittableRandom(3);
    int pixels = s.height() * s.width();
    float[] values = new float[s.inChannels() * pixels];
    int blocks = Math.ceilDiv(s.inChannels(), CHANNELS_TOGETHER);
    // Exactly so many, here and there.
    boolean[] dead = new boolean[blocks];
    for (int left = (int) Math.round(z.share * blocks); z.channels && left > 0; ) {
      int b = random.nextInt(blocks);
      left -= dead[b] ? 0 : 1;
      dead[b] = true;
    }
    for (int i = 0; i < values.length; i++) {
      boolean zero =
          z.channels ? dead[i / pixels / CHANNELS_TOGETHER] : random.nextDouble() < z.share;
      float v = (float) Math.abs(random.nextGaussian()) + 1e-3f;
      values[i] = zero ? -v : v;
    }
    return values;
  }

  private static Graph graph(ConvShape s, float[] weights, float[] bias, boolean dense) {
    NetworkBuilder b = new NetworkBuilder("layer", 1);
    Tensor t = Tensor.of(Shape.of(s.outChannels()), bias);
    if (dense) {
      String x = b.relu("before", b.input("x", 1, s.inChannels()));
      b.dense("layer", x, Tensor.of(Shape.of(s.outChannels(), s.inChannels()), weights), t);
    } else {
      String x = b.relu("before", b.input("x", 1, s.inChannels(), s.height(), s.width()));
      Window window =
          new Window(
              List.of(s.kernelHeight(), s.kernelWidth()),
              List.of(s.strideY(), s.strideX()),
              List.of(s.padTop(), s.padLeft()),
              List.of(s.padBottom(), s.padRight()),
              List.of(s.dilationY(), s.dilationX()),
              AutoPad.EXPLICIT);
      Shape w =
          Shape.of(s.outChannels(), s.inChannels() / s.groups(), s.kernelHeight(), s.kernelWidth());
      b.node(
          "layer",
          new Op.Conv(window, s.groups()),
          x,
          b.constant("weights", Tensor.of(w, weights)),
          b.constant("bias", t));
    }
    return b.build(b.relu("after", "layer"));
  }
}
