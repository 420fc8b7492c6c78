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
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.Parallel;
import tacet.kernels.ThreadBudget;
import tacet.kernels.ZeroCounts;
import tacet.kernels.ZeroCounts.Kind;

/** Convolution that leaves out whole vectors of zeros against sums in double precision, and what was left out. */
class LiveConvolutionTest {

  private static final double EPSILON = 0x1p-24;
  private static final float TAU = 0.05f;
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
    int dy = 1 + random.nextInt(2);
    int dx = 1 + random.nextInt(2);
    int sy = 1 + random.nextInt(2);
    int sx = 1 + random.nextInt(3);
    int top = random.nextInt(2);
    int left = random.nextInt(2);
    int n = 1 + random.nextInt(2);
    int h = 1 + random.nextInt(9) + (kh - 1) * dy;
    int w = 1 + random.nextInt(9) + (kw - 1) * dx;
    int oh = (h + top + random.nextInt(2) - (kh - 1) * dy - 1) / sy + 1;
    int ow = (w + left + random.nextInt(2) - (kw - 1) * dx - 1) / sx + 1;
    boolean withResidual = random.nextInt(3) == 0;
    Activation f = random.nextBoolean() ? Activation.RELU : Activation.of(Activation.Kind.TANH);
    ConvSpec s =
        new ConvSpec(
            n, in, h, w, out, oh, ow, 1, kh, kw, sy, sx, top, left, dy, dx, withResidual, f);
    try (Arena arena = Arena.ofShared()) {
      Images images = new Images(arena, MEMORY);
      Images.Image x = images.random(random, n, in, h, w, v, s.halo());
      int alive = images.killVectors(random, x, random.nextDouble());
      Images.Image residual =
          withResidual ? images.random(random, n, out, oh, ow, v, new Halo(0, 1, 0, 0)) : null;
      Images.Image y = images.add(n, out, oh, ow, v, new Halo(0, 0, 1, 0));
      float[] weights = floats(random, out * in * kh * kw);
      float[] bias = floats(random, out);
      assertTrue(LiveConvolution.takes(s, x.layout()));
      LiveConvolution kernel =
          LiveConvolution.prepare(
              s,
              x.layout(),
              y.layout(),
              residual == null ? null : residual.layout(),
              PackedWeights.pack(
                  s, x.layout(), FlattenOrder.NONE, weights, arena, Parallel.serial()),
              bias,
              arena);
      assertTrue(images.scratch() + kernel.scratchBytes(budget.threads()) <= MEMORY);
      ZeroCounts counts = new ZeroCounts(out, budget.threads(), TAU);
      long[] inputs =
          residual == null ? new long[] {x.first()} : new long[] {x.first(), residual.first()};
      try (ThreadBudget.Team team = budget.acquire()) {
        kernel.run(images.memory, inputs, y.first(), images.scratch(), team, counts);
      }
      counts.merge();
      double tolerance = 8 * EPSILON * (in * kh * kw + 2) * 4;
      long zeros = 0;
      for (int i = 0; i < n; i++) {
        for (int m = 0; m < out; m++) {
          for (int oy = 0; oy < oh; oy++) {
            for (int ox = 0; ox < ow; ox++) {
              float got = images.get(y, i, m, oy, ox);
              zeros += got == 0f ? 1 : 0;
              assertEquals(
                  Images.activate(
                      f, images.convolution(s, x, weights, bias, residual, i, m, oy, ox)),
                  got,
                  tolerance,
                  s.toString());
            }
          }
        }
      }
      assertEquals(zeros, counts.total(Kind.ZERO));
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
