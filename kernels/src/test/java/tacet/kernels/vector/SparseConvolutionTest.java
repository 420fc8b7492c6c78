package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
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
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.Parallel;
import tacet.kernels.ThreadBudget;
import tacet.kernels.ZeroCounts;
import tacet.kernels.ZeroCounts.Kind;

/** Convolution that skips zeros against sums in double precision: results, zero counts, and what was left out. */
class SparseConvolutionTest {

  private static final double EPSILON = 0x1p-24;
  private static final float TAU = 0.05f;
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

  private static void check(Random random, ThreadBudget budget, int round)
      throws InterruptedException {
    int v = Lanes.COUNT;
    int[] ins = {v, v + 1, 2 * v, 3 * v + 2, 5 * v, 9 * v - 1};
    int[] outs = {v, v + 1, 2 * v, 3 * v - 1, 4 * v, 5 * v + 2, 6 * v, 8 * v, 10 * v - 3};
    int in = ins[random.nextInt(ins.length)];
    int out = outs[round % outs.length];
    int kh = 1 + random.nextInt(3);
    int kw = 1 + random.nextInt(3);
    int dy = 1 + random.nextInt(2);
    int dx = 1 + random.nextInt(2);
    int sy = 1 + random.nextInt(2);
    int sx = 1 + random.nextInt(3);
    int top = random.nextInt(3);
    int left = random.nextInt(3);
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
      sparsen(random, images, x);
      Images.Image residual =
          withResidual ? images.random(random, n, out, oh, ow, v, new Halo(0, 1, 0, 0)) : null;
      Images.Image y = images.add(n, out, oh, ow, v, new Halo(0, 0, 1, 0));
      float[] weights = floats(random, out * in * kh * kw);
      float[] bias = floats(random, out);
      assertTrue(SparseConvolution.takes(s, x.layout()));
      SparseConvolution kernel =
          SparseConvolution.prepare(
              s,
              x.layout(),
              y.layout(),
              residual == null ? null : residual.layout(),
              weights,
              bias,
              arena,
              Parallel.serial());
      assertTrue(images.scratch() + kernel.scratchBytes(budget.threads()) <= MEMORY);
      ZeroCounts counts = new ZeroCounts(out, budget.threads(), TAU);
      long[] inputs =
          residual == null ? new long[] {x.first()} : new long[] {x.first(), residual.first()};
      try (ThreadBudget.Team team = budget.acquire()) {
        kernel.run(images.memory, inputs, y.first(), images.scratch(), team, counts);
      }
      counts.merge();
      double tolerance = 8 * EPSILON * (in * kh * kw + 2) * 4;
      for (int i = 0; i < n; i++) {
        for (int m = 0; m < out; m++) {
          for (int oy = 0; oy < oh; oy++) {
            for (int ox = 0; ox < ow; ox++) {
              assertEquals(
                  Images.activate(
                      f, images.convolution(s, x, weights, bias, residual, i, m, oy, ox)),
                  images.get(y, i, m, oy, ox),
                  tolerance,
                  () -> s + " by " + kernel.name());
            }
          }
        }
      }
      long[][] recount = images.recount(y, TAU);
      assertArrayEquals(
          new long[][] {recount[0], recount[1]},
          Images.counted(counts, Kind.ZERO, Kind.NEAR_ZERO),
          s::toString);
      assertEquals(
          s.multiplyAdds() - (long) out * met(s, images, x, budget.threads()),
          counts.skipped(),
          s::toString);
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

  /**
   * Channels that are not zero at one of the two inputs of a pair of neighbouring outputs, once for each output of the pair
   * and tap. Pairs begin at the first output of a row, or of a band where there is but one tap and no padding. The last of
   * an odd number shares the list of its input and the one behind, where the padded input goes on.
   */
  private static long met(ConvSpec s, Images images, Images.Image x, int threads) {
    boolean pointwise =
        s.kernelHeight() * s.kernelWidth() == 1 && s.padTop() == 0 && s.padLeft() == 0;
    assertTrue(!pointwise || s.outHeight() * s.outWidth() <= 200, "more than a band");
    int columns = (s.outWidth() - 1) * s.strideX() + (s.kernelWidth() - 1) * s.dilationX() + 1;
    int pixels = s.outHeight() * s.outWidth();
    int bands = Math.clamp(Math.ceilDiv(threads, s.batch()), 1, pixels);
    long met = 0;
    for (int n = 0; n < s.batch(); n++) {
      for (int p = 0; p < pixels; p++) {
        int band = ((p + 1) * bands - 1) / pixels;
        int from = pointwise ? pixels * band / bands : p / s.outWidth() * s.outWidth();
        int row = pointwise ? pixels * (band + 1) / bands - from : s.outWidth();
        int inRow = p - from;
        for (int tap = 0; tap < s.kernelHeight() * s.kernelWidth(); tap++) {
          int column = inRow * s.strideX() + tap % s.kernelWidth() * s.dilationX();
          boolean alone = inRow % 2 == 0 && inRow + 1 == row;
          boolean shared = !alone || !pointwise && column + s.strideX() < columns;
          int partner = !shared ? 0 : inRow % 2 == 1 ? -1 : 1;
          for (int c = 0; c < s.inChannels(); c++) {
            boolean zero =
                input(s, images, x, n, c, p, 0, tap, pointwise) == 0f
                    && input(s, images, x, n, c, p, partner, tap, pointwise) == 0f;
            met += zero ? 0 : 1;
          }
        }
      }
    }
    return met;
  }

  /** What the output {@code by} places behind output pixel {@code p} meets at a tap, or would meet if rows went on. */
  private static float input(
      ConvSpec s,
      Images images,
      Images.Image x,
      int n,
      int c,
      int p,
      int by,
      int tap,
      boolean pointwise) {
    int oy = pointwise ? (p + by) / s.outWidth() : p / s.outWidth();
    int ox = pointwise ? (p + by) % s.outWidth() : p % s.outWidth() + by;
    int iy = oy * s.strideY() - s.padTop() + tap / s.kernelWidth() * s.dilationY();
    int ix = ox * s.strideX() - s.padLeft() + tap % s.kernelWidth() * s.dilationX();
    return iy < 0 || ix < 0 || iy >= s.inHeight() || ix >= s.inWidth()
        ? 0f
        : images.get(x, n, c, iy, ix);
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
              .convolution(s, x.layout(), x.layout(), null, FlattenOrder.NONE, weights, null, arena)
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
