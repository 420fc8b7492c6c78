package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tacet.kernels.Activation;
import tacet.kernels.Activation.Kind;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.Parallel;
import tacet.kernels.ThreadBudget;
import tacet.kernels.Weights;
import tacet.kernels.ZeroCounts;

/** Winograd's algorithms against the convolution spelt out in double precision, and their error against the direct one's. */
class WinogradConvolutionTest {

  private static final float TAU = 0.05f;
  private static final long MEMORY = 48L << 20;

  @ParameterizedTest
  @CsvSource({"2,1", "2,3", "4,1", "4,2", "4,3"})
  void oddShapes(int tile, int threads) throws InterruptedException {
    Random random = new Random(10L * tile + threads);
    try (ThreadBudget budget = new ThreadBudget(threads)) {
      for (int i = 0; i < 24; i++) {
        shape(random, budget, tile);
      }
    }
  }

  private static ConvSpec spec(
      int n,
      int in,
      int h,
      int w,
      int out,
      int top,
      int left,
      int bottom,
      int right,
      boolean sum,
      Activation f) {
    return new ConvSpec(
        n,
        in,
        h,
        w,
        out,
        h + top + bottom - 2,
        w + left + right - 2,
        1,
        3,
        3,
        1,
        1,
        top,
        left,
        1,
        1,
        sum,
        f);
  }

  private static void shape(Random random, ThreadBudget budget, int tile)
      throws InterruptedException {
    int v = Lanes.COUNT;
    int in = 1 + random.nextInt(4 * v);
    int out = 1 + random.nextInt(6 * v);
    int n = 1 + random.nextInt(2);
    int h = 1 + random.nextInt(14);
    int w = 1 + random.nextInt(14);
    // Also paddings beyond one: then some patches lie outside the image altogether.
    int top = Math.max(random.nextInt(3), 3 - h);
    int left = Math.max(random.nextInt(3), 3 - w);
    Activation f =
        List.of(
                Activation.IDENTITY,
                Activation.RELU,
                Activation.RELU6,
                new Activation(Kind.LEAKY_RELU, 0.1f, 0f))
            .get(random.nextInt(4));
    ConvSpec spec =
        spec(
            n,
            in,
            h,
            w,
            out,
            top,
            left,
            random.nextInt(3),
            random.nextInt(3),
            random.nextBoolean(),
            f);
    try (Arena arena = Arena.ofShared()) {
      Images images = new Images(arena, MEMORY);
      Images.Image x = images.random(random, n, in, h, w, v, spec.halo());
      Images.Image residual =
          spec.residual()
              ? images.random(
                  random, n, out, spec.outHeight(), spec.outWidth(), v, new Halo(0, 1, 0, 0))
              : null;
      Images.Image y =
          images.add(n, out, spec.outHeight(), spec.outWidth(), v, new Halo(0, 0, 1, 0));
      float[] weights = gaussians(random, out * in * 9, 1);
      float[] bias = random.nextBoolean() ? gaussians(random, out, 1) : null;
      assertTrue(WinogradConvolution.takes(spec, x.layout()));
      WinogradConvolution dense =
          WinogradConvolution.prepare(
              spec,
              tile,
              x.layout(),
              y.layout(),
              residual == null ? null : residual.layout(),
              Weights.of(weights),
              bias,
              arena,
              Parallel.serial());
      boolean skips = random.nextBoolean();
      int live = skips ? images.killVectors(random, x, random.nextDouble()) : in;
      Kernel kernel = skips ? dense.skipping() : dense;
      ZeroCounts counts = new ZeroCounts(out, budget.threads(), TAU);
      long[] inputs =
          residual == null ? new long[] {x.first()} : new long[] {x.first(), residual.first()};
      assertTrue(images.scratch() + kernel.scratchBytes(budget.threads()) <= MEMORY);
      try (ThreadBudget.Team team = budget.acquire()) {
        kernel.run(images.memory, inputs, y.first(), images.scratch(), team, counts);
      }
      counts.merge();
      double tolerance = 64 * 0x1p-24 * 9 * in;
      for (int i = 0; i < n; i++) {
        for (int m = 0; m < out; m++) {
          for (int oy = 0; oy < spec.outHeight(); oy++) {
            for (int ox = 0; ox < spec.outWidth(); ox++) {
              double sum = images.convolution(spec, x, weights, bias, residual, i, m, oy, ox);
              assertEquals(
                  Images.activate(f, sum),
                  images.get(y, i, m, oy, ox),
                  tolerance,
                  () -> kernel.name() + " " + spec);
            }
          }
        }
      }
      long dead = (in - live) * 9L * spec.outPixels() * out;
      if (skips) {
        assertTrue(counts.skipped() >= dead, spec::toString);
      } else {
        assertEquals(0, counts.skipped());
      }
      assertArrayEquals(
          images.recount(y, TAU),
          Images.counted(
              counts, ZeroCounts.Kind.ZERO, ZeroCounts.Kind.NEAR_ZERO, ZeroCounts.Kind.NEGATIVE),
          spec::toString);
    }
  }

  private static float[] gaussians(Random random, int count, double scale) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (random.nextGaussian() * scale);
    }
    return values;
  }

  /** Largest and root mean square difference from the convolution in double precision. */
  private record Errors(double largest, double rootMeanSquare) {}

  /** Channels, pixels along an axis, and whether inputs are those of a ReLU, all of one sign. */
  @ParameterizedTest
  @CsvSource({"16, 17, false", "64, 14, true", "128, 14, false", "256, 9, true", "512, 7, true"})
  void errorsStayWithinMultiplesOfTheDirectOnes(int channels, int side, boolean rectified)
      throws InterruptedException {
    Random random = new Random(channels);
    ConvSpec spec = spec(1, channels, side, side, 48, 1, 1, 1, 1, false, Activation.IDENTITY);
    float[] weights = gaussians(random, 48 * channels * 9, Math.sqrt(2.0 / (9 * channels)));
    try (Arena arena = Arena.ofShared();
        ThreadBudget budget = new ThreadBudget(1)) {
      Images images = new Images(arena, MEMORY);
      Images.Image x = images.random(random, 1, channels, side, side, Lanes.COUNT, spec.halo());
      if (rectified) {
        images.rectify(x);
      }
      Images.Image y = images.add(1, 48, side, side, Lanes.COUNT, Halo.NONE);
      PackedWeights packed =
          PackedWeights.pack(
              spec, x.layout(), FlattenOrder.NONE, weights, arena, Parallel.serial());
      Kernel plain =
          DirectConvolution.prepare(spec, x.layout(), y.layout(), null, packed, null, arena);
      Errors direct = errors(plain, spec, images, x, y, weights, budget);
      for (int tile : new int[] {2, 4}) {
        Kernel winograd =
            WinogradConvolution.prepare(
                spec,
                tile,
                x.layout(),
                y.layout(),
                null,
                Weights.of(weights),
                null,
                arena,
                Parallel.serial());
        Errors e = errors(winograd, spec, images, x, y, weights, budget);
        double most = tile == 2 ? 4 : 20;
        assertTrue(
            e.largest <= most * direct.largest && e.rootMeanSquare <= most * direct.rootMeanSquare,
            () -> "F(" + tile + ", 3) " + e + " against " + direct);
      }
    }
  }

  private static Errors errors(
      Kernel kernel,
      ConvSpec spec,
      Images images,
      Images.Image x,
      Images.Image y,
      float[] weights,
      ThreadBudget budget)
      throws InterruptedException {
    try (ThreadBudget.Team team = budget.acquire()) {
      kernel.run(images.memory, new long[] {x.first()}, y.first(), images.scratch(), team, null);
    }
    double largest = 0;
    double squares = 0;
    for (int m = 0; m < spec.outChannels(); m++) {
      for (int oy = 0; oy < spec.outHeight(); oy++) {
        for (int ox = 0; ox < spec.outWidth(); ox++) {
          double e =
              Math.abs(
                  images.convolution(spec, x, weights, null, null, 0, m, oy, ox)
                      - images.get(y, 0, m, oy, ox));
          largest = Math.max(largest, e);
          squares += e * e;
        }
      }
    }
    return new Errors(largest, Math.sqrt(squares / (spec.outChannels() * spec.outPixels())));
  }
}
