package tacet.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import tacet.insight.npy.NpyArray;
import tacet.insight.npy.NpyFile;

/**
 * What the launcher runs once per build, so that the JVM keeps the classes that commands need, loaded and linked (JEP 514): the
 * built-in encoder, and a small network from a file.
 */
public final class Training {

  private Training() {}

  public static void main(String[] args) throws IOException {
    System.setProperty("java.awt.headless", "true");
    Path folder = Files.createTempDirectory("tacet-training");
    try (InputStream network = Training.class.getResourceAsStream("training.onnx")) {
      Path model = folder.resolve("training.onnx");
      Files.copy(network, model);
      Path input = folder.resolve("input.npy");
      NpyFile.write(input, NpyArray.ofFloats(new float[3 * 64 * 64], 1, 3, 64, 64));
      Main.run("inspect", "--backend", "vector", "--sizes", "256");
      Main.run(
          "run",
          model.toString(),
          "--backend",
          "vector",
          "--input",
          "image=" + input,
          "--output",
          folder.toString());
    } finally {
      remove(folder);
    }
  }

  private static void remove(Path folder) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(folder)) {
      files = all.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path file : files) {
      Files.delete(file);
    }
  }
}
