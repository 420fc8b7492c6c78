package tacet.cli;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tacet.Model;
import tacet.Result;
import tacet.graph.ValueInfo;
import tacet.insight.npy.NpyFile;
import tacet.tensor.Tensor;

/** Runs a network and writes what it gives as arrays. */
@Command(
    name = "run",
    mixinStandardHelpOptions = true,
    description = "Runs a network and writes its outputs, and any layer's, as .npy files.")
final class RunCommand implements Callable<Integer> {

  @Parameters(index = "0", paramLabel = "MODEL", description = "Model file.")
  private Path modelFile;

  @Option(
      names = "--input",
      required = true,
      paramLabel = "NAME=FILE",
      description = "An input: a .npy file or an image. NAME= may be left out where there is one.")
  private List<String> inputs;

  @Option(names = "--output", required = true, paramLabel = "DIR", description = "Where to write.")
  private Path output;

  @Option(
      names = "--taps",
      split = ",",
      paramLabel = "all|NAME",
      description = "Layers or values to write besides the outputs.")
  private List<String> taps = List.of();

  @Mixin private ModelOptionsMixin modelOptions;
  @Mixin private ImageOptions imageOptions;

  @Override
  public Integer call() throws IOException, InterruptedException {
    Destination.requireFolder(output);
    try (Model model = Model.load(modelFile, modelOptions.options());
        Arena arena = Arena.ofShared()) {
      Map<String, Tensor> given = new LinkedHashMap<>();
      for (String text : inputs) {
        ValueInfo info = input(model, text);
        Path file =
            Path.of(
                text.startsWith(info.name() + "=")
                    ? text.substring(info.name().length() + 1)
                    : text);
        given.put(info.name(), read(file, info, arena));
      }
      Result result = model.run(given, wanted(model));
      for (Map.Entry<String, Tensor> e : result.outputs().entrySet()) {
        NpyFile.write(
            output.resolve(fileName(e.getKey()) + ".npy"), NpyTensors.toNpy(e.getValue()));
      }
      System.out.println(result.outputs().size() + " arrays in " + output);
    }
    return 0;
  }

  private static ValueInfo input(Model model, String text) {
    for (ValueInfo i : model.inputs()) {
      if (text.startsWith(i.name() + "=")) {
        return i;
      }
    }
    if (model.inputs().size() == 1 && !text.contains("=")) {
      return model.inputs().getFirst();
    }
    throw new IllegalArgumentException(
        "--input "
            + text
            + ": the model's inputs are "
            + model.inputs().stream().map(ValueInfo::name).toList());
  }

  private Tensor read(Path file, ValueInfo info, Arena arena) throws IOException {
    if (file.getFileName().toString().endsWith(".npy")) {
      return NpyTensors.toTensor(NpyFile.read(file, arena));
    }
    return imageOptions.read(file, info, 0).tensor();
  }

  private Set<String> wanted(Model model) {
    if (!taps.contains("all")) {
      return new LinkedHashSet<>(taps);
    }
    return model.graph().layerValues();
  }

  /** A value's name as a file's. */
  static String fileName(String value) {
    return value.replace('/', '_').replace(':', '_');
  }
}
