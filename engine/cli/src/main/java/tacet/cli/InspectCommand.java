package tacet.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tacet.Model;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.graph.ValueInfo;
import tacet.insight.Finding;
import tacet.insight.ModelComparison;
import tacet.insight.Weights;
import tacet.insight.cause.Explanation;
import tacet.insight.cause.Fields;
import tacet.insight.cause.ResolutionSweep;
import tacet.insight.cause.Sample;
import tacet.insight.cause.Trace;
import tacet.insight.image.Normalization.Layout;
import tacet.insight.report.HtmlReport;
import tacet.profile.LayerProfile;
import tacet.profile.LayerProfile.Counts;
import tacet.profile.SparsityProfile;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Runs a network on images or noise and says where its zeros are and what makes them. */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    description =
        "Runs a network and prints its layers: kernel, time, zeros, and where they" + " come from.")
final class InspectCommand implements Callable<Integer> {

  /** Longest that a network runs before its layers are timed. */
  private static final Duration MOST_WARM_UP = Duration.ofSeconds(3);

  @Parameters(index = "0", arity = "0..1", paramLabel = "MODEL", description = "Model file.")
  private Path modelFile;

  @Parameters(
      index = "1..*",
      arity = "0..*",
      paramLabel = "IMAGE",
      description = "Images, or .npy files with inputs as they are.")
  private List<Path> images = List.of();

  @Option(
      names = "--sizes",
      paramLabel = "N,N,…",
      description =
          "Input sides to sweep, for networks that take any: the square in the middle of each"
              + " image, resized (unless --resize says otherwise).")
  private String sizes;

  @Option(
      names = "--against",
      paramLabel = "MODEL2",
      description = "Another model of the same layers: weights and zeros of both side by side.")
  private Path against;

  @Option(names = "--maps", paramLabel = "DIR", description = "Write feature maps as PNG grids.")
  private Path maps;

  @Option(
      names = "--labels",
      paramLabel = "FILE",
      description = "Class names, one per line: print the five most likely.")
  private Path labels;

  @Option(
      names = "--report",
      paramLabel = "FILE.html",
      description = "Write everything as one page, with pictures.")
  private Path report;

  @Option(
      names = "--detail",
      description =
          "Look closely at every layer: sizes of its values, and whether its zeros fill vectors.")
  private boolean detail;

  @Option(names = "--json", paramLabel = "FILE", description = "Write everything as JSON.")
  private Path json;

  @Mixin private GraphOptions graphOptions;
  @Mixin private SkippingOptions skippingOptions;
  @Mixin private ModelOptionsMixin modelOptions;
  @Mixin private ImageOptions imageOptions;

  private final PrintStream out = System.out;

  @Override
  public Integer call() throws IOException, InterruptedException {
    List<Integer> sides = sides();
    List<String> names = labels == null ? List.of() : Files.readAllLines(labels);
    Destination.requireFolder(maps);
    Destination.requireFile(report);
    Destination.requireFile(json);
    Graph original = graphOptions.graph(modelFile, out);
    Graph graph = skippingOptions.changed(original, out);
    Graph other = against == null ? null : Model.read(against);
    sides.forEach(side -> requireTaken(side, InspectInput.onlyInput(graph)));
    Map<String, Object> content = new LinkedHashMap<>();
    content.put("model", graph.source());
    content.put("threads", modelOptions.options().threads());
    ResolutionSweep sweep = sides.isEmpty() ? null : sweep(graph, sides, content);
    if (sweep == null || report != null || against != null || skippingOptions.asked()) {
      inspect(original, graph, other, names, sweep, content);
    }
    if (json != null) {
      JsonFile.write(json, content);
    }
    return 0;
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

  /** Requires that the sides of the network's input, rank 4, are free or just these. */
  private static void requireTaken(int side, ValueInfo input) {
    Layout layout = ImageOptions.layout(input);
    int yAxis = layout == Layout.NHWC ? 1 : 2;
    for (int axis = yAxis; axis < yAxis + 2; axis++) {
      long taken = input.dims()[axis];
      if (taken != ValueInfo.UNKNOWN && taken != side) {
        throw new IllegalArgumentException(
            "--sizes " + side + ": the network takes " + input.describe() + " only");
      }
    }
  }

  private List<InspectInput> inputs(Graph graph, int side, PrintStream log) throws IOException {
    return InspectInput.read(graph, images, side, imageOptions, graphOptions.seed(), log);
  }

  private void inspect(
      Graph original,
      Graph graph,
      Graph other,
      List<String> names,
      ResolutionSweep sweep,
      Map<String, Object> content)
      throws IOException, InterruptedException {
    ModelOptions options = modelOptions.options();
    List<InspectInput> inputs = inputs(graph, 0, out);
    // First: kernels are measured and timed below, on a machine that has compiled them by then.
    Explanation explanation;
    try (Progress progress = new Progress("causes")) {
      List<Sample> samples = inputs.stream().map(InspectInput::sample).toList();
      explanation = Explanation.of(graph, options, samples, progress::at);
    }
    List<Finding> findings = new ArrayList<>(explanation.findings());
    Inspected inspected = run(graph, options, inputs, explanation, names);
    if (inspected == null) {
      out.println();
      out.println(
          "Computed in strict arithmetic, as with --strict: faster kernels would leave other values"
              + " where all products are zero, or values overflow, and count other zeros.");
      options = options.withStrict(true);
      inspected = run(graph, options, inputs, explanation, names);
    }
    SparsityProfile profile = inspected.profile();
    if (detail) {
      profile = DetailReport.closer(graph, options, inputs, profile);
    }
    List<Weights.Summary> weights = Weights.of(graph);
    out.println();
    LayerTable.print(out, profile, weights, options.nearZero());
    printOtherCounts(explanation, profile);
    if (detail) {
      out.println();
      DetailReport.print(out, profile);
    }
    List<Object> layers = InspectJson.layers(profile);
    InspectJson.addStrictZeros(layers, explanation.zeros());
    if (skippingOptions.asked()) {
      Tensor input = inputs.getFirst().tensor();
      content.put("ab", skippingOptions.alternate(original, graph, options, input, out));
      InspectJson.addMeasuredSpeedups(layers, skippingOptions.speedups());
    }
    ModelComparison comparison =
        other == null ? null : compare(graph, other, options, profile, weights, inputs);
    if (comparison != null) {
      List<Finding> compared = comparison.findings();
      findings.addAll(compared);
      ComparisonTable.print(out, comparison);
      compared.forEach(f -> out.println("- " + f.statement()));
      content.put("against", InspectJson.comparison(comparison));
    }
    FindingsText.print(out, findings);
    if (sweep != null) {
      findings.addAll(sweep.findings());
    }
    if (report != null) {
      new HtmlReport(
              graph.source(),
              options.threads(),
              options.nearZero(),
              profile,
              findings,
              traced(graph, options, inputs),
              sweep,
              comparison)
          .write(report);
      out.println();
      out.println("report in " + report);
    }
    content.put("strict", options.strict());
    content.put("layers", layers);
    content.put("findings", InspectJson.findings(findings));
    content.put("weights", InspectJson.weights(weights));
    content.put("inputs", inputs.stream().map(InspectInput::name).toList());
    out.println();
    out.printf(Locale.ROOT, "Sparsity: %.2f%%%n", 100 * inspected.sparsity());
  }

  /**
   * What running a network gave.
   *
   * @param sparsity share of near zeros in the output for the last input
   */
  private record Inspected(SparsityProfile profile, double sparsity) {}

  /**
   * Runs the network on all inputs, prints what it says they are, and writes feature maps.
   *
   * @return null where strict arithmetic was not asked for and has clearly other zeros
   */
  private Inspected run(
      Graph graph,
      ModelOptions options,
      List<InspectInput> inputs,
      Explanation explanation,
      List<String> names)
      throws IOException, InterruptedException {
    SparsityProfile profile = null;
    double sparsity = 0;
    // To measure and warm up kernels for the built-in encoders would take longer than everything
    // else.
    try (Model model = Model.of(graph, options.withMeasure(modelFile != null))) {
      if (modelFile != null) {
        Shape shape = inputs.getFirst().tensor().shape();
        model.warmUp(Map.of(model.inputs().getFirst().name(), shape), MOST_WARM_UP);
      }
      List<float[]> outputs = new ArrayList<>();
      for (InspectInput input : inputs) {
        Profiling.Run run = Profiling.run(model, input.tensor());
        profile = profile == null ? run.profile() : profile.merge(run.profile());
        Tensor output = run.result().output(model.outputs().getFirst().name());
        sparsity = outputSparsity(model, output, profile);
        outputs.add(names.isEmpty() ? null : output.toFloats());
      }
      if (!options.strict() && !explanation.countedOtherwise(profile).isEmpty()) {
        return null;
      }
      for (int i = 0; i < inputs.size(); i++) {
        if (!names.isEmpty()) {
          topFive(out, inputs.get(i).name(), outputs.get(i), names);
        }
        if (maps != null) {
          FeatureMapFiles.write(model, inputs.get(i), inputs.size() > 1, maps, out);
        }
      }
    }
    return new Inspected(profile, sparsity);
  }

  /** What is still counted otherwise: batch normalisation folded into weights, say, or sums that overflow in another order. */
  private void printOtherCounts(Explanation explanation, SparsityProfile profile) {
    List<String> layers = new ArrayList<>();
    for (LayerProfile l : explanation.countedOtherwise(profile)) {
      Counts c = l.counts();
      double own = (double) explanation.zeros().get(l.value()) / c.elements();
      layers.add(
          l.name()
              + " "
              + LayerTable.percent(own)
              + " instead of "
              + LayerTable.percent(c.zeroFraction())
              + " %");
    }
    if (!layers.isEmpty()) {
      out.println("The findings count one operator after another: " + String.join(", ", layers));
    }
  }

  private List<HtmlReport.Input> traced(
      Graph graph, ModelOptions options, List<InspectInput> inputs) throws InterruptedException {
    List<HtmlReport.Input> traced = new ArrayList<>();
    for (InspectInput in : inputs) {
      traced.add(
          new HtmlReport.Input(in.name(), in.picture(), Trace.of(graph, options, in.tensor())));
    }
    return traced;
  }

  private ModelComparison compare(
      Graph graph,
      Graph other,
      ModelOptions options,
      SparsityProfile profile,
      List<Weights.Summary> weights,
      List<InspectInput> inputs)
      throws InterruptedException {
    SparsityProfile otherProfile = null;
    try (Model model = Model.of(other, options)) {
      for (InspectInput input : inputs) {
        SparsityProfile p = Profiling.run(model, input.tensor()).profile();
        otherProfile = otherProfile == null ? p : otherProfile.merge(p);
      }
    }
    return ModelComparison.of(
        graph.source(), profile, weights, other.source(), otherProfile, Weights.of(other));
  }

  /** Share of the network's outputs that are near zero. */
  private static double outputSparsity(Model model, Tensor output, SparsityProfile profile) {
    return profile
        .layer(model.outputs().getFirst().name())
        .map(LayerProfile::counts)
        .map(Counts::nearZeroFraction)
        .orElseGet(
            () -> {
              int near = 0;
              float[] values = output.toFloats();
              for (float v : values) {
                near += Math.abs(v) < model.options().nearZero() ? 1 : 0;
              }
              return values.length == 0 ? 0.0 : (double) near / values.length;
            });
  }

  private static void topFive(PrintStream out, String image, float[] scores, List<String> names) {
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

  private ResolutionSweep sweep(Graph graph, List<Integer> sides, Map<String, Object> content)
      throws IOException, InterruptedException {
    List<ResolutionSweep.Point> points = new ArrayList<>();
    Fields fields = null;
    try (Model model = Model.of(graph, modelOptions.options())) {
      String inputName = model.inputs().getFirst().name();
      for (int side : sides) {
        SparsityProfile sum = null;
        for (InspectInput input : inputs(graph, side, null)) {
          fields =
              fields == null ? Fields.of(graph, modelOptions.options(), input.tensor()) : fields;
          SparsityProfile p = model.run(Map.of(inputName, input.tensor())).profile();
          sum = sum == null ? p : sum.merge(p);
        }
        points.add(ResolutionSweep.point(side, sum, fields));
      }
    }
    ResolutionSweep sweep = new ResolutionSweep(points);
    List<Finding> findings = sweep.findings();
    LayerTable.printSweep(out, sweep);
    FindingsText.printSweep(out, findings);
    content.put("sizes", InspectJson.sizes(sweep));
    content.put("findings", InspectJson.findings(findings));
    return sweep;
  }
}
