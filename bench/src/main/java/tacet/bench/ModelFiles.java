package tacet.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Finds model files. */
final class ModelFiles {

  private static final String NAMES = "model\\.(onnx|keras|h5)";

  private ModelFiles() {}

  /**
   * The given files, and in place of each folder the models in it at any depth, sorted.
   *
   * @throws IllegalArgumentException where a folder holds none
   */
  static List<Path> below(List<Path> places) throws IOException {
    List<Path> files = new ArrayList<>();
    for (Path place : places) {
      if (!Files.isDirectory(place)) {
        files.add(place);
        continue;
      }
      try (Stream<Path> all = Files.walk(place)) {
        List<Path> models =
            all.filter(p -> p.getFileName().toString().matches(NAMES)).sorted().toList();
        if (models.isEmpty()) {
          throw new IllegalArgumentException(
              place + " holds no model.onnx, model.keras or model.h5");
        }
        files.addAll(models);
      }
    }
    return files;
  }
}
