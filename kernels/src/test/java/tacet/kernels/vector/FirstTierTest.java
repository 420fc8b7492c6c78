package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tacet.kernels.Activation;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider.Choice;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.KernelProvider.Skipping;
import tacet.kernels.ThreadBudget;
import tacet.kernels.Weights;
import tacet.kernels.ZeroCounts;

/**
 * The SIMD methods of convolutions and dense layers, and of those that skip zeros, are small enough for C1. Where it cannot compile
 * one ("out of virtual registers"), whether C2 ever does depends on what had been counted by then: a process may compute at thirty
 * times the time for good.
 */
class FirstTierTest {

  private static final String PACKAGE = "tacet.kernels.vector.";

  @Test
  void compilesEveryMethod(@TempDir Path folder) throws IOException, InterruptedException {
    assumeFalse(Rehearsal.WANTED, "once per width of vectors is enough");
    Path log = folder.resolve("compilation.txt");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-XX:TieredStopAtLevel=3",
            "-XX:+PrintCompilation",
            "-XX:CompileCommand=CompileThresholdScaling," + PACKAGE + "*::*,0.01",
            "-Dtacet.rehearse=false",
            "--add-modules=jdk.incubator.vector",
            "-cp",
            classPath()));
    if (System.getProperty("os.arch").equals("amd64")) {
      command.add(1, "-XX:UseAVX=" + (Lanes.BYTES == 64 ? 3 : Lanes.BYTES == 32 ? 2 : 1));
    }
    command.add(Work.class.getName());
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    int exit = process.waitFor();
    List<String> lines = Files.readAllLines(log).stream().filter(l -> l.contains(PACKAGE)).toList();
    assertEquals(0, exit, () -> String.join("\n", lines));
    assertTrue(lines.size() > 50, "methods were compiled");
    assertEquals(List.of(), lines.stream().filter(l -> l.contains("COMPILE SKIPPED")).toList());
  }

  /** Tests run within the module; what it is made of lies side by side. */
  private static String classPath() {
    Path tests = Path.of("target", "test-classes");
    Path classes = Path.of("target", "classes");
    return String.join(
        File.pathSeparator,
        classes.toString(),
        tests.toString(),
        System.getProperty("java.class.path"),
        System.getProperty("jdk.module.path", ""));
  }

  /** Runs kernels of all kinds until C1 has got round to them. */
  static final class Work {

    private static final long MEMORY = 16L << 20;
    private static final int RUNS = 3;

    private final Random random = new Random(1);

    public static void main(String[] args) throws InterruptedException {
      int v = Lanes.COUNT;
      Work work = new Work();
      // In channels, out channels, height and width, groups, kernel, stride: matrix products, rows
      // of few channels, gathered taps, groups, Winograd's tiles of both sizes, depthwise.
      work.run(4 * v, 4 * v, 5, 1, 1, 1);
      work.run(4 * v, 3 * v, 5, 1, 1, 1);
      work.run(4 * v, 7 * v, 5, 1, 3, 2);
      work.run(3, v, 25, 1, 3, 2);
      work.run(3, 2 * v, 25, 1, 3, 1);
      work.run(6 * v, 6 * v - 6, 6, 2, 1, 1);
      work.run(4 * v, 4 * v, 16, 1, 3, 1);
      work.run(4 * v, 4 * v, 6, 1, 3, 1);
      work.run(2 * v, 2 * v, 14, 2 * v, 3, 1);
      work.run(2 * v, 2 * v, 25, 2 * v, 3, 2);
      work.run(2 * v, 2 * v, 14, 2 * v, 5, 2);
      for (Activation f : List.of(Activation.RELU6, Activation.IDENTITY)) {
        work.run(4 * v, 3 * v, 5, 1, 1, 1, f);
        work.run(2 * v, 2 * v, 14, 2 * v, 3, 1, f);
      }
      // Dense layers of one strip and of two, and of rows longer than that.
      work.run(40 * v, 8 * v, 1, 1, 1, 1);
      work.run(40 * v, 16 * v, 1, 1, 1, 1);
      work.run(40 * v, 17 * v, 1, 1, 1, 1);
    }

    private void run(int in, int out, int side, int groups, int kernel, int stride)
        throws InterruptedException {
      run(in, out, side, groups, kernel, stride, Activation.RELU);
    }

    private void run(
        int in, int out, int side, int groups, int kernel, int stride, Activation activation)
        throws InterruptedException {
      int pad = kernel / 2;
      int outSide = (side + 2 * pad - kernel) / stride + 1;
      run(
          new ConvSpec(
              1,
              in,
              side,
              side,
              out,
              outSide,
              outSide,
              groups,
              kernel,
              kernel,
              stride,
              stride,
              pad,
              pad,
              1,
              1,
              false,
              activation));
    }

    private void run(ConvSpec s) throws InterruptedException {
      int lanes = s.inChannels() < Lanes.COUNT ? 1 : Lanes.COUNT;
      float[] weights =
          new float
              [s.outChannels() * s.inChannels() / s.groups() * s.kernelHeight() * s.kernelWidth()];
      for (int i = 0; i < weights.length; i++) {
        weights[i] = (float) random.nextGaussian();
      }
      try (Arena arena = Arena.ofShared();
          ThreadBudget budget = new ThreadBudget(1)) {
        Images images = new Images(arena, MEMORY);
        Images.Image x =
            images.random(random, 1, s.inChannels(), s.inHeight(), s.inWidth(), lanes, s.halo());
        images.rectify(x);
        Images.Image y =
            images.add(1, s.outChannels(), s.outHeight(), s.outWidth(), Lanes.COUNT, Halo.NONE);
        Choice choice =
            new VectorProvider()
                .convolution(
                    s,
                    x.layout(),
                    y.layout(),
                    null,
                    FlattenOrder.NONE,
                    Weights.of(weights),
                    null,
                    arena);
        List<Kernel> kernels = new ArrayList<>(List.of(choice.kernel()));
        for (Skipping skipping : choice.skipping()) {
          kernels.add(skipping.prepare(arena));
        }
        for (Kernel kernel : kernels) {
          ZeroCounts counts = new ZeroCounts(s.outChannels(), 1, 0.05f);
          for (int i = 0; i < RUNS; i++) {
            images.run(kernel, new long[] {x.first()}, y, budget, counts);
          }
        }
      }
    }
  }
}
