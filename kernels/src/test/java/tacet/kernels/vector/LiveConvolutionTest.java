package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
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
import tacet.kernels.ZeroCounts;

/** Convolution that leaves out whole vectors of zeros against sums in double precision, and what was left out. */
class LiveConvolutionTest {

  private static final long MEMORY = 16L << 20;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void oddShapes(int threads) throws InterruptedException {
    Random random = new Random(200 + threads);
    try (ThreadBudget budget = new ThreadBudget(threads)) {
      for (int i = 0; i < 100; i++) {
        check(random, budget, i);
      }
    }
  }

  private static void check(Random random, ThreadBudget budget, int round)
      throws InterruptedException {
    int v = Lanes.COUNT;
    int[] ins = {2 * v, 2 * v + 1, 3 * v + 2, 5 * v, 9 * v - 1, 40 * v};
    int[] outs = {1, v, v + 1, 2 * v, 3 * v - 1, 4 * v, 5 * v + 2, 6 * v, 8 * v};
    int in = ins[random.nextInt(ins.length)];
    int out = outs[round % outs.length];
    int kh = in > 10 * v ? 1 : 1 + random.nextInt(3);
    int kw = in > 10 * v ? 1 : 1 + random.nextInt(3);
    ConvSpec s = ConvolutionCase.random(random, in, out, kh, kw, 1, 1);
    float[] weights = floats(random, out * in * kh * kw);
    float[] bias = floats(random, out);
    try (Arena arena = Arena.ofShared()) {
      ConvolutionCase c = ConvolutionCase.of(s, random, weights, bias, arena);
      int alive = c.images().killVectors(random, c.x(), random.nextDouble());
      ImageLayout x = c.x().layout();
      assertTrue(LiveConvolution.takes(s, x));
      PackedWeights packed =
          PackedWeights.pack(s, x, FlattenOrder.NONE, weights, arena, Parallel.serial());
      LiveConvolution kernel =
          LiveConvolution.prepare(s, x, c.y().layout(), c.added(), packed, bias, arena);
      ZeroCounts counts = c.check(kernel, budget);
      long least = (long) (in - alive) * kh * kw * s.outPixels() * out;
      if (s.halo().isNone()) {
        assertEquals(least, counts.skipped(), s.toString());
      } else {
        // A tap may see nothing but padding.
        assertTrue(counts.skipped() >= least, s.toString());
      }
    }
  }

  @Test
  void nanInputsAreNotSkipped() throws InterruptedException {
    float[] y = withOneInput(1, Float.NaN, 0);
    assertEquals(0f, y[0]);
    assertTrue(Float.isNaN(y[1]));
  }

  @Test
  void oneValueInAnyLaneKeepsItsVector() throws InterruptedException {
    for (int lane = 0; lane < Lanes.COUNT; lane++) {
      assertArrayEquals(new float[] {0, 3}, withOneInput(lane, 1.5f, 2), "lane " + lane);
    }
  }

  /**
   * Both pixels of an output channel, where all inputs are zero but one of the second pixel.
   *
   * @param lane of the second vector of channels
   * @param weight all weights
   */
  private static float[] withOneInput(int lane, float value, float weight)
      throws InterruptedException {
    int v = Lanes.COUNT;
    ConvSpec s =
        new ConvSpec(
            1, 2 * v, 1, 2, v, 1, 2, 1, 1, 1, 1, 1, 0, 0, 1, 1, false, Activation.IDENTITY);
    try (Arena arena = Arena.ofShared();
        ThreadBudget budget = new ThreadBudget(1);
        ThreadBudget.Team team = budget.acquire()) {
      Images images = new Images(arena, MEMORY);
      Images.Image x = images.random(new Random(1), 1, 2 * v, 1, 2, v, Halo.NONE);
      images.killVectors(new Random(1), x, 1);
      images.memory.set(
          ValueLayout.JAVA_FLOAT, x.first() + x.layout().offset(0, v + lane, 0, 1), value);
      Images.Image y = images.add(1, v, 1, 2, v, Halo.NONE);
      float[] weights = new float[2 * v * v];
      Arrays.fill(weights, weight);
      LiveConvolution.prepare(
              s,
              x.layout(),
              y.layout(),
              null,
              PackedWeights.pack(
                  s, x.layout(), FlattenOrder.NONE, weights, arena, Parallel.serial()),
              null,
              arena)
          .run(images.memory, new long[] {x.first()}, y.first(), images.scratch(), team, null);
      return new float[] {images.get(y, 0, 3, 0, 0), images.get(y, 0, 3, 0, 1)};
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
