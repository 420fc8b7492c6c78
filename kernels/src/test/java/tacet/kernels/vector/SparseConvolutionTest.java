package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tacet.kernels.Activation;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.Parallel;
import tacet.kernels.ThreadBudget;
import tacet.kernels.Weights;
import tacet.kernels.ZeroCounts;

/** Convolution that skips zeros against sums in double precision: results, zero counts, and what was left out. */
class SparseConvolutionTest {

  private static final long MEMORY = 16L << 20;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void oddShapes(int threads) throws InterruptedException {
    Random random = new Random(100 + threads);
    try (ThreadBudget budget = new ThreadBudget(threads)) {
      for (int i = 0; i < 120; i++) {
        check(random, budget, i);
      }
    }
  }

  /** More channels than one panel of weights has. */
  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void manyChannels(int kernel) throws InterruptedException {
    Random random = new Random(kernel);
    int v = Lanes.COUNT;
    try (ThreadBudget budget = new ThreadBudget(2)) {
      for (int out : new int[] {2 * v, 8 * v + 1}) {
        check(random, budget, 70 * v + 1, out, kernel, kernel);
      }
    }
  }

  private static void check(Random random, ThreadBudget budget, int round)
      throws InterruptedException {
    int v = Lanes.COUNT;
    int[] ins = {v, v + 1, 2 * v, 3 * v + 2, 5 * v, 9 * v - 1};
    int[] outs = {v, v + 1, 2 * v, 3 * v - 1, 4 * v, 5 * v + 2, 6 * v, 8 * v, 10 * v - 3};
    int in = ins[random.nextInt(ins.length)];
    int out = outs[round % outs.length];
    check(random, budget, in, out, 1 + random.nextInt(3), 1 + random.nextInt(3));
  }

  private static void check(Random random, ThreadBudget budget, int in, int out, int kh, int kw)
      throws InterruptedException {
    ConvSpec s = ConvolutionCase.random(random, in, out, kh, kw, 1, 1);
    float[] weights = floats(random, out * in * kh * kw);
    float[] bias = floats(random, out);
    try (Arena arena = Arena.ofShared()) {
      ConvolutionCase c = ConvolutionCase.of(s, random, weights, bias, arena);
      sparsen(random, c.images(), c.x());
      ImageLayout x = c.x().layout();
      assertTrue(SparseConvolution.takes(s, x));
      SparseConvolution kernel =
          SparseConvolution.prepare(
              s, x, c.y().layout(), c.added(), weights, bias, arena, Parallel.serial());
      ZeroCounts counts = c.check(kernel, budget);
      assertEquals(
          s.multiplyAdds() - (long) out * met(s, c.images(), c.x()), counts.skipped(), s::toString);
    }
  }

  /** Makes an image's values zero: at random, whole vectors of channels, or all. */
  private static void sparsen(Random random, Images images, Images.Image x) {
    double zeros = new double[] {0, 0.3, 0.9, 1}[random.nextInt(4)];
    boolean vectors = random.nextInt(3) == 0;
    for (int i = 0; i < x.layout().batch(); i++) {
      for (int y = 0; y < x.layout().height(); y++) {
        for (int k = 0; k < x.layout().width(); k++) {
          boolean zero = false;
          for (int c = 0; c < x.layout().channels(); c++) {
            if (!vectors || c % Lanes.COUNT == 0) {
              zero = random.nextDouble() < zeros;
            }
            if (zero) {
              images.memory.set(
                  ValueLayout.JAVA_FLOAT,
                  x.first() + x.layout().offset(i, c, y, k),
                  random.nextBoolean() ? 0f : -0f);
            }
          }
        }
      }
    }
  }

  /** Inputs that are not zero, each once for every output and tap that meets it. */
  private static long met(ConvSpec s, Images images, Images.Image x) {
    long met = 0;
    for (int n = 0; n < s.batch(); n++) {
      for (int p = 0; p < s.outHeight() * s.outWidth(); p++) {
        for (int tap = 0; tap < s.kernelHeight() * s.kernelWidth(); tap++) {
          int y =
              p / s.outWidth() * s.strideY() - s.padTop() + tap / s.kernelWidth() * s.dilationY();
          int k =
              p % s.outWidth() * s.strideX() - s.padLeft() + tap % s.kernelWidth() * s.dilationX();
          boolean inside = y >= 0 && k >= 0 && y < s.inHeight() && k < s.inWidth();
          for (int c = 0; inside && c < s.inChannels(); c++) {
            met += images.get(x, n, c, y, k) == 0f ? 0 : 1;
          }
        }
      }
    }
    return met;
  }

  @Test
  void infiniteWeightsAreNotSkipped() {
    int v = Lanes.COUNT;
    ConvSpec s =
        new ConvSpec(1, v, 2, 2, v, 2, 2, 1, 1, 1, 1, 1, 0, 0, 1, 1, false, Activation.IDENTITY);
    float[] weights = new float[v * v];
    weights[5] = Float.NEGATIVE_INFINITY;
    try (Arena arena = Arena.ofShared()) {
      Images images = new Images(arena, 1 << 16);
      Images.Image x = images.add(1, v, 2, 2, v, Halo.NONE);
      assertEquals(
          List.of(),
          new VectorProvider()
              .convolution(
                  s,
                  x.layout(),
                  x.layout(),
                  null,
                  FlattenOrder.NONE,
                  Weights.of(weights),
                  null,
                  arena)
              .skipping());
    }
  }

  @Test
  void nanInputsAreNotSkipped() throws InterruptedException {
    int v = Lanes.COUNT;
    ConvSpec s =
        new ConvSpec(1, v, 1, 2, v, 1, 2, 1, 1, 1, 1, 1, 0, 0, 1, 1, false, Activation.IDENTITY);
    float[] weights = new float[v * v];
    try (Arena arena = Arena.ofShared();
        ThreadBudget budget = new ThreadBudget(1);
        ThreadBudget.Team team = budget.acquire()) {
      Images images = new Images(arena, MEMORY);
      Images.Image x = images.random(new Random(1), 1, v, 1, 2, v, Halo.NONE);
      images.memory.set(ValueLayout.JAVA_FLOAT, x.first(), Float.NaN);
      Images.Image y = images.add(1, v, 1, 2, v, Halo.NONE);
      SparseConvolution.prepare(
              s, x.layout(), y.layout(), null, weights, null, arena, Parallel.serial())
          .run(images.memory, new long[] {x.first()}, y.first(), images.scratch(), team, null);
      assertTrue(Float.isNaN(images.get(y, 0, 3, 0, 0)));
      assertEquals(0f, images.get(y, 0, 3, 0, 1));
    }
  }

  private static float[] floats(Random random, int n) {
    float[] f = new float[n];
    for (int i = 0; i < n; i++) {
      f[i] = (float) random.nextGaussian() / 4;
    }
    return f;
  }
}
