package tacet.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import tacet.NetworkBuilder;
import tacet.graph.Graph;
import tacet.insight.npy.NpyArray;
import tacet.insight.npy.NpyFile;
import tacet.onnx.GraphFile;

/**
 * What the launcher runs once per build, so that the JVM keeps the classes that commands need, loaded and linked (JEP 514): the
 * built-in encoder, and a small network from a file.
 */
public final class Training {

  private static final int SIZE = 64;

  private Training() {}

  public static void main(String[] args) throws IOException {
    System.setProperty("java.awt.headless", "true");
    run("inspect", "--backend", "vector", "--sizes", "256");
    Path folder = Files.createTempDirectory("tacet-training");
    try {
      Path model = folder.resolve("network.onnx");
      GraphFile.write(model, network());
      Path input = folder.resolve("input.npy");
      NpyFile.write(input, NpyArray.ofFloats(new float[3 * SIZE * SIZE], 1, 3, SIZE, SIZE));
      run("run", "" + model, "--input", "" + input, "--output", "" + folder, "--backend", "vector");
    } finally {
      remove(folder);
    }
  }

  private static void run(String... command) {
    int code = Main.run(command);
    if (code != 0) {
      throw new IllegalStateException(command[0] + " ended with " + code);
    }
  }

  /** Convolutions that kernels of their own are for. */
  private static Graph network() {
    NetworkBuilder b = new NetworkBuilder("training", 1);
    String x = b.input("image", 1, 3, SIZE, SIZE);
    x = b.relu("relu1", b.convolution("conv1", x, 32, 3, 2, 1));
    x = b.maxPool("pool1", x, 3, 2);
    x = b.relu("relu2", b.convolution("conv2", x, 32, 1, 1, 0));
    x = b.relu("relu3", b.convolution("conv3", x, 64, 3, 1, 1));
    return b.build(b.dense("dense", b.flatten("flat", x), 10));
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
