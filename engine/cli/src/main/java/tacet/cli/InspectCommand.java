package tacet.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tacet.Model;
import tacet.Result;
import tacet.graph.Graph;
import tacet.graph.ValueInfo;
import tacet.insight.Causes;
import tacet.insight.Finding;
import tacet.insight.Presets;
import tacet.insight.RandomWeights;
import tacet.insight.Weights;
import tacet.insight.image.FeatureMapGrid;
import tacet.insight.image.FeatureMaps;
import tacet.kernels.DataType;
import tacet.profile.LayerProfile;
import tacet.profile.LayerProfile.Counts;
import tacet.profile.LayerProfile.Skipping;
import tacet.profile.SparsityProfile;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Runs a network and shows the zeros of every layer. */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    description =
        "Runs a network on images (or noise) and prints, layer by layer, its zeros and where they"
            + " come from.")
final class InspectCommand implements Callable<Integer> {

  enum Preset {
    conv,
    dense_l1;

    @Override
    public String toString() {
      return name().replace('_', '-');
    }
  }

  @Parameters(index = "0", arity = "0..1", paramLabel = "MODEL", description = "Model file.")
  private Path modelFile;

  @Parameters(index = "1..*", arity = "0..*", paramLabel = "IMAGE", description = "Images.")
  private List<Path> images = List.of();

  @Option(
      names = "--preset",
      paramLabel = "conv|dense-l1",
      description = "Built-in encoder, where no model is given (default: conv).")
  private String preset = "conv";

  @Option(
      names = "--l1",
      paramLabel = "F",
      description = "L1 factor of --preset dense-l1 (default: ${DEFAULT-VALUE}).")
  private double l1 = 0.001;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of noise and preset weights (default: ${DEFAULT-VALUE}).")
  private long seed = 1;

  @Option(
      names = "--sizes",
      paramLabel = "N,N,…",
      description = "Input sides to sweep, for networks that take any.")
  private String sizes;

  @Option(names = "--maps", paramLabel = "DIR", description = "Write feature maps as PNG grids.")
  private Path maps;

  @Option(
      names = "--labels",
      paramLabel = "FILE",
      description = "Class names, one per line: print the five most likely.")
  private Path labels;

  @Option(
      names = "--random-weights",
      paramLabel = "SEED",
      description = "Seeded He-normal weights in place of the model's own.")
  private Long randomWeights;

  @Option(names = "--json", paramLabel = "FILE", description = "Write everything as JSON.")
  private Path json;

  @Mixin private ModelOptionsMixin modelOptions;
  @Mixin private ImageOptions imageOptions;

  private final PrintStream out = System.out;

  @Override
  public Integer call() throws IOException, InterruptedException {
    List<Integer> sides = sides();
    List<String> names = labels == null ? List.of() : Files.readAllLines(labels);
    if (maps != null) {
      Files.createDirectories(maps);
    }
    Graph graph = graph();
    try (Model model = Model.of(graph, modelOptions.options().withMeasure(true))) {
      if (sides.isEmpty()) {
        inspect(model, names);
      } else {
        sweep(model, sides);
      }
    }
    return 0;
  }

  private Graph graph() throws IOException {
    Graph graph = modelFile != null ? Model.read(modelFile) : preset();
    return randomWeights == null ? graph : RandomWeights.of(graph, randomWeights);
  }

  private Graph preset() throws IOException {
    return switch (preset) {
      case "conv" -> Presets.conv(seed);
      case "dense-l1" -> {
        long bytes = Presets.denseL1Bytes();
        // Once as made, once as packed for the kernels.
        long needed = 2 * bytes;
        long free = Memory.available();
        out.printf(
            Locale.ROOT,
            "Preset dense-l1 at full size: %.2f GB of weights, %.2f GB of memory while it runs.%n",
            bytes / 1e9,
            needed / 1e9);
        if (free < needed) {
          throw new IllegalArgumentException(
              String.format(
                  Locale.ROOT,
                  "--preset dense-l1 needs %.2f GB of memory, %.2f GB are free",
                  needed / 1e9,
                  free / 1e9));
        }
        yield Presets.denseL1(seed, l1);
      }
      default ->
          throw new IllegalArgumentException(
              "--preset " + preset + ": there are conv and dense-l1");
    };
  }

  private List<Integer> sides() {
    List<Integer> list = new ArrayList<>();
    if (sizes != null) {
      for (String s : sizes.split(",", -1)) {
        try {
          int side = Integer.parseInt(s.strip());
          if (side < 1) {
            throw new NumberFormatException();
          }
          list.add(side);
        } catch (NumberFormatException e) {
          throw new IllegalArgumentException(
              "--sizes " + sizes + ": expected positive numbers, as 64,128,256");
        }
      }
    }
    return list;
  }

  /** An input and where it came from. */
  private record Input(String name, Tensor tensor) {}

  private List<Input> inputs(Model model, int side) throws IOException {
    ValueInfo info = imageInput(model);
    List<Input> inputs = new ArrayList<>();
    for (Path image : images) {
      ImageOptions.Prepared p = imageOptions.read(image, info, side);
      inputs.add(new Input(image.toString(), p.tensor()));
      if (side == 0) {
        out.println("input " + image + ": " + p.how());
      }
    }
    if (inputs.isEmpty()) {
      Shape shape = noiseShape(info, side);
      inputs.add(new Input("noise", Presets.noise(shape, seed)));
      if (side == 0) {
        out.println("input: normal noise " + shape + ", seed " + seed);
      }
    }
    return inputs;
  }

  private static ValueInfo imageInput(Model model) {
    if (model.inputs().size() != 1) {
      throw new IllegalArgumentException(
          model.graph().source()
              + ": has "
              + model.inputs().size()
              + " inputs; inspect takes networks of one");
    }
    ValueInfo info = model.inputs().getFirst();
    if (info.type() != DataType.FLOAT32) {
      throw new IllegalArgumentException(
          model.graph().source() + ": its input is of type " + info.type() + ", not float32");
    }
    return info;
  }

  private static Shape noiseShape(ValueInfo info, int side) {
    long[] dims = info.dims();
    if (dims == null) {
      throw new IllegalArgumentException(
          "input '" + info.name() + "' may have any shape; give an image");
    }
    for (int i = 0; i < dims.length; i++) {
      if (dims[i] == ValueInfo.UNKNOWN) {
        dims[i] = i == 0 ? 1 : side > 0 ? side : 224;
      }
    }
    return Shape.of(dims);
  }

  private void inspect(Model model, List<String> names) throws IOException, InterruptedException {
    List<Input> inputs = inputs(model, 0);
    String inputName = model.inputs().getFirst().name();
    SparsityProfile profile = null;
    Result last = null;
    for (Input input : inputs) {
      // The first run also loads and compiles; the times shown are those of the second.
      model.run(Map.of(inputName, input.tensor()));
      last = model.run(Map.of(inputName, input.tensor()));
      SparsityProfile complete = complete(model, inputName, input.tensor(), last.profile());
      profile = profile == null ? complete : profile.merge(complete);
      if (!names.isEmpty()) {
        topFive(input.name(), last, model, names);
      }
      if (maps != null) {
        writeMaps(model, inputName, input, inputs.size() > 1);
      }
    }
    List<Weights.Summary> weights = Weights.of(model.graph());
    List<Finding> findings = Causes.of(model.graph(), profile);
    out.println();
    LayerTable.print(out, profile, weights, modelOptions.options().nearZero());
    if (!findings.isEmpty()) {
      out.println();
      findings.forEach(f -> out.println("- " + f.statement()));
    }
    if (json != null) {
      Map<String, Object> content = describe(model, profile, findings, weights);
      content.put("inputs", inputs.stream().map(Input::name).toList());
      JsonFile.write(json, content);
    }
    out.println();
    out.printf(Locale.ROOT, "Sparsity: %.2f%%%n", 100 * outputSparsity(model, last, profile));
  }

  /** Share of the network's outputs that are near zero. */
  private double outputSparsity(Model model, Result result, SparsityProfile profile) {
    String name = model.outputs().getFirst().name();
    return profile
        .layer(name)
        .map(LayerProfile::counts)
        .map(Counts::nearZeroFraction)
        .orElseGet(
            () -> {
              Tensor t = result.output(name);
              float tau = modelOptions.options().nearZero();
              int near = 0;
              float[] values = t.toFloats();
              for (float v : values) {
                near += Math.abs(v) < tau ? 1 : 0;
              }
              return values.length == 0 ? 0.0 : (double) near / values.length;
            });
  }

  /**
   * Fills in the layers whose values fusion never forms, from a run that forms every layer as the model's file has it.
   */
  private SparsityProfile complete(
      Model model, String inputName, Tensor input, SparsityProfile profile)
      throws InterruptedException {
    if (profile.layers().stream().noneMatch(l -> l.counts() == null)) {
      return profile;
    }
    SparsityProfile unfused;
    try (Model plain =
        Model.of(model.graph(), model.options().withFuse(false).withMeasure(false))) {
      unfused = plain.run(Map.of(inputName, input)).profile();
    }
    List<LayerProfile> rows = new ArrayList<>();
    for (LayerProfile l : profile.layers()) {
      Counts counts =
          l.counts() != null
              ? l.counts()
              : unfused.layer(l.value()).map(LayerProfile::counts).orElse(null);
      rows.add(
          new LayerProfile(
              l.name(),
              l.op(),
              l.value(),
              l.outputShape(),
              l.kernel(),
              l.backend(),
              l.reason(),
              l.nanoseconds(),
              l.multiplyAdds(),
              counts,
              l.skipping()));
    }
    return new SparsityProfile(rows, 1);
  }

  private void topFive(String image, Result result, Model model, List<String> names) {
    float[] scores = result.output(model.outputs().getFirst().name()).toFloats();
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < scores.length; i++) {
      order.add(i);
    }
    order.sort((a, b) -> Float.compare(scores[b], scores[a]));
    out.println();
    out.println("top 5 of " + image);
    for (int i : order.subList(0, Math.min(5, order.size()))) {
      out.printf(
          Locale.ROOT, "  %8.5f  %4d  %s%n", scores[i], i, i < names.size() ? names.get(i) : "?");
    }
  }

  private void writeMaps(Model model, String inputName, Input input, boolean several)
      throws IOException, InterruptedException {
    Set<String> taps = model.graph().layerValues();
    Result result = model.run(Map.of(inputName, input.tensor()), taps);
    String prefix = several ? stem(input.name()) + "_" : "";
    int written = 0;
    for (String tap : taps) {
      Tensor t = result.outputs().get(tap);
      if (t == null || t.type() != DataType.FLOAT32 || t.shape().elements() == 0) {
        continue;
      }
      FeatureMaps features = features(tap, t, model.graph().channelsLast().contains(tap));
      if (features != null) {
        FeatureMapGrid.render(features)
            .writePng(maps.resolve(prefix + RunCommand.fileName(tap) + ".png"));
        written++;
      }
    }
    out.println(written + " feature maps of " + input.name() + " in " + maps);
  }

  private static FeatureMaps features(String name, Tensor t, boolean channelsLast) {
    Shape s = t.shape();
    float[] values = t.toFloats();
    if (s.rank() == 4) {
      int perImage = Math.toIntExact(s.elements(1, 4));
      float[] first = java.util.Arrays.copyOf(values, perImage);
      return channelsLast
          ? FeatureMaps.ofNhwc(name, s.intDim(3), s.intDim(1), s.intDim(2), first)
          : FeatureMaps.ofNchw(name, s.intDim(1), s.intDim(2), s.intDim(3), first);
    }
    if (s.rank() == 2) {
      return FeatureMaps.ofVector(name, java.util.Arrays.copyOf(values, s.intDim(1)));
    }
    return null;
  }

  private static String stem(String name) {
    String file = Path.of(name).getFileName().toString();
    int dot = file.lastIndexOf('.');
    return dot > 0 ? file.substring(0, dot) : file;
  }

  private void sweep(Model model, List<Integer> sides) throws IOException, InterruptedException {
    String inputName = model.inputs().getFirst().name();
    Map<Integer, SparsityProfile> bySide = new LinkedHashMap<>();
    for (int side : sides) {
      SparsityProfile sum = null;
      for (Input input : inputs(model, side)) {
        SparsityProfile p = model.run(Map.of(inputName, input.tensor())).profile();
        sum = sum == null ? p : sum.merge(p);
      }
      bySide.put(side, sum);
    }
    LayerTable.printSweep(out, bySide);
    if (json != null) {
      Map<String, Object> content = new LinkedHashMap<>();
      content.put("model", model.graph().source());
      content.put("threads", model.options().threads());
      List<Object> points = new ArrayList<>();
      for (Map.Entry<Integer, SparsityProfile> e : bySide.entrySet()) {
        Map<String, Object> point = new LinkedHashMap<>();
        point.put("size", e.getKey());
        point.put("layers", layers(e.getValue()));
        points.add(point);
      }
      content.put("sizes", points);
      JsonFile.write(json, content);
    }
  }

  private static Map<String, Object> describe(
      Model model, SparsityProfile profile, List<Finding> findings, List<Weights.Summary> weights) {
    Map<String, Object> content = new LinkedHashMap<>();
    content.put("model", model.graph().source());
    content.put("threads", model.options().threads());
    content.put("layers", layers(profile));
    List<Object> found = new ArrayList<>();
    for (Finding f : findings) {
      Map<String, Object> o = new LinkedHashMap<>();
      o.put("cause", f.cause());
      o.put("layer", f.layer());
      o.put("share", f.share());
      o.put("statement", f.statement());
      o.put("holds", f.holds());
      o.put("evidence", f.evidence());
      found.add(o);
    }
    content.put("findings", found);
    List<Object> summaries = new ArrayList<>();
    for (Weights.Summary w : weights) {
      Map<String, Object> o = new LinkedHashMap<>();
      o.put("layer", w.layer());
      o.put("elements", w.elements());
      o.put("zeros", w.zeros());
      o.put("below0.001", w.below001());
      o.put("below0.01", w.below01());
      o.put("l1", w.l1());
      o.put("regulariser", w.regulariser());
      summaries.add(o);
    }
    content.put("weights", summaries);
    return content;
  }

  private static List<Object> layers(SparsityProfile profile) {
    List<Object> layers = new ArrayList<>();
    for (LayerProfile l : profile.layers()) {
      Map<String, Object> o = new LinkedHashMap<>();
      o.put("name", l.name());
      o.put("op", l.op());
      o.put("value", l.value());
      o.put("outputShape", l.outputShape().dims());
      o.put("kernel", l.kernel());
      o.put("backend", l.backend());
      o.put("reason", l.reason());
      o.put("milliseconds", l.nanoseconds() / 1e6 / profile.runs());
      o.put("multiplyAdds", l.multiplyAdds());
      Skipping s = l.skipping();
      o.put("skippedMultiplyAdds", s == null ? 0 : s.multiplyAdds());
      o.put("predictedSpeedup", s == null ? 1 : s.predictedSpeedup());
      Counts c = l.counts();
      o.put("elements", c == null ? null : c.elements());
      o.put("zeros", c == null ? null : c.zeros());
      o.put("nearZeros", c == null ? null : c.nearZeros());
      o.put("negatives", c == null ? null : c.negatives());
      o.put("zeroFraction", c == null ? null : c.zeroFraction());
      o.put("nearZeroFraction", c == null ? null : c.nearZeroFraction());
      o.put("channels", c == null ? null : c.channels());
      o.put("zerosPerChannel", c == null ? null : c.zerosPerChannel());
      o.put("deadChannels", c == null ? null : c.deadChannels());
      layers.add(o);
    }
    return layers;
  }
}
