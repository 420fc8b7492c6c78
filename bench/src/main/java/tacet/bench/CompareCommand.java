package tacet.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tacet.cli.JsonFile;
import tacet.cli.Subcommand;
import tacet.insight.Presets;
import tacet.onnx.GraphFile;

/** Compares Tacet with its peers. */
@Command(
    name = "compare",
    mixinStandardHelpOptions = true,
    description =
        "Times Tacet and its peers in turn in one process: networks against ONNX Runtime, or"
            + " convolution shapes against oneDNN.")
public final class CompareCommand implements Subcommand {

  @Parameters(
      arity = "0..*",
      paramLabel = "MODEL",
      description =
          "ONNX files; with --agreement also Keras files, and folders that hold models called"
              + " model.onnx, model.keras or model.h5 at any depth.")
  private List<Path> models = List.of();

  @Option(
      names = "--preset",
      paramLabel = "conv",
      description = "The built-in encoder of inspect --preset conv, written as an ONNX file.")
  private String preset;

  @Option(
      names = "--random-weights",
      paramLabel = "SEED",
      description = "Seeded He-normal weights in place of the models' own, the same for all.")
  private Long randomWeights;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of the input noise (default: ${DEFAULT-VALUE}).")
  private long seed = 1;

  @Option(
      names = "--shapes",
      paramLabel = "LIST",
      description =
          "Convolution shapes: resnet50, vgg19, squeezenet, mobilenet_v1, mobilenet_v2,"
              + " inception_v1, densenet121, encoders, all of them, a text file, or a model's.")
  private String shapes;

  @Option(
      names = "--only",
      paramLabel = "REGEX",
      description = "Only shapes in whose line the expression is found.")
  private String only = "";

  @Option(
      names = "--zeros",
      split = ",",
      paramLabel = "PERCENT[c]",
      description =
          "With --shapes (for example skipping): what skipping so many zero inputs gains, at random"
              + " or, with a c behind, in whole channels; for example 0,50,80,90,50c,80c.")
  private List<String> zeros = List.of();

  @Option(names = "--list", description = "Print the shapes and measure nothing.")
  private boolean list;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of every contestant (default: ${DEFAULT-VALUE}).")
  private int threads = 1;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "Rounds over which medians are taken (default: ${DEFAULT-VALUE}).")
  private int rounds = 15;

  @Option(
      names = "--strict",
      description = "Tacet forms each sum of products as it is defined: no Winograd.")
  private boolean strict;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the results as JSON.")
  private Path json;

  @Option(
      names = "--plot",
      paramLabel = "FILE.svg",
      description = "With --shapes: draw the rates of both sides.")
  private Path plot;

  @Option(
      names = "--agreement",
      description =
          "Time nothing: compare the outputs and zero counts of SIMD kernels with oneDNN's.")
  private boolean agreement;

  @Option(
      names = "--skipping",
      description = "Networks without skipping zeros, and with it where it pays, layer by layer.")
  private boolean skipping;

  @Option(
      names = "--load",
      description = "How long models take to load and to be ready, against reading their files.")
  private boolean load;

  @Option(
      names = "--flight",
      description = "What a flight recording of every layer adds to the time of a run.")
  private boolean flight;

  @Option(
      names = "--start",
      description = "How long the command takes from its start to a first result.")
  private boolean start;

  private final PrintStream out = System.out;

  @Override
  public Integer call() throws Exception {
    if (threads < 1 || rounds < 1) {
      throw new IllegalArgumentException("--threads and --rounds must be at least 1");
    }
    if ((shapes == null ? 0 : 1) + (preset == null ? 0 : 1) + (models.isEmpty() ? 0 : 1) != 1) {
      throw new IllegalArgumentException("give MODEL…, --preset conv or --shapes LIST");
    }
    Conditions on = new Conditions(threads, rounds, seed, randomWeights, out);
    if (preset != null) {
      comparePreset(on);
    } else if (shapes != null) {
      compareShapes();
    } else if (agreement) {
      Map<String, Object> result = new Agreement(on).run(ModelFiles.below(models));
      write(result);
      return result.get("agree").equals(true) ? 0 : 1;
    } else if (load) {
      write(new LoadComparison(on).run(models));
    } else if (start) {
      Path launcher = Path.of(System.getProperty("tacet.launcher", "tacet"));
      write(new StartComparison(on, launcher).run(models));
    } else if (flight) {
      write(new FlightComparison(on).run(models));
    } else if (skipping) {
      write(new NetworkSkipping(on).run(models));
    } else {
      write(new ModelComparison(on, strict).run(models));
    }
    return 0;
  }

  private void comparePreset(Conditions on) throws Exception {
    if (!preset.equals("conv")) {
      throw new IllegalArgumentException("--preset " + preset + ": there is conv");
    }
    Path folder = Files.createTempDirectory("tacet-preset");
    Path file = folder.resolve("conv.onnx");
    try {
      GraphFile.write(file, Presets.conv(seed));
      write(new ModelComparison(on, strict).run(List.of(file)));
    } finally {
      Files.deleteIfExists(file);
      Files.delete(folder);
    }
  }

  private void compareShapes() throws Exception {
    Pattern pattern;
    try {
      pattern = Pattern.compile(only);
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException("--only " + only + ": " + e.getDescription(), e);
    }
    List<ConvShape> chosen =
        ShapeLists.load(shapes).stream().filter(s -> pattern.matcher(s.toString()).find()).toList();
    if (chosen.isEmpty()) {
      throw new IllegalArgumentException("no shape of " + shapes + " matches " + only);
    }
    if (list) {
      chosen.forEach(out::println);
      return;
    }
    if (zeros.isEmpty()) {
      write(new ShapeComparison(threads, rounds, strict, plot, out).run(chosen));
    } else {
      List<SkippingComparison.Zeros> shares =
          zeros.stream().map(SkippingComparison.Zeros::parse).toList();
      write(new SkippingComparison(threads, rounds, shares, out).run(chosen));
    }
  }

  private void write(Map<String, Object> result) throws IOException {
    if (json != null) {
      JsonFile.write(json, result);
    }
  }
}
