package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.KernelProvider.SparseWeights;
import tacet.kernels.ThreadBudget;
import tacet.kernels.Weights;

/** Kernels with lists of weights against sums in double precision: results, zero counts, and what was left out. */
class ListedKernelsTest {

  private static final long MEMORY = 4L << 20;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void convolutionsOfOddShapes(int threads) throws InterruptedException {
    Random random = new Random(200 + threads);
    try (ThreadBudget budget = new ThreadBudget(threads)) {
      for (int i = 0; i < 49; i++) {
        convolution(random, budget, i);
      }
    }
  }

  private static void convolution(Random random, ThreadBudget budget, int round)
      throws InterruptedException {
    int v = Lanes.COUNT;
    int[] ins = {1, v, v + 1, 2 * v, 3 * v + 2, 9 * v - 1, 66 * v + 1};
    int[] outs = {1, v, v + 1, 2 * v, 3 * v - 1, 5 * v + 2, 9 * v};
    int in = ins[random.nextInt(ins.length)];
    boolean deep = in > 9 * v;
    int out = deep ? v + 3 : outs[round % outs.length];
    int kh = deep ? 1 : 1 + random.nextInt(3);
    int kw = 1 + random.nextInt(3);
    ConvSpec s = ConvolutionCase.random(random, in, out, kh, kw, v / 2, 12);
    float[] weights = weights(random, out * in * kh * kw, round);
    float[] bias = weights(random, out, 2);
    try (Arena arena = Arena.ofShared()) {
      ConvolutionCase c = ConvolutionCase.of(s, random, weights, bias, arena);
      ImageLayout x = c.x().layout();
      assertTrue(ListedConvolution.takes(s, x), s::toString);
      Kernel kernel =
          ListedConvolution.prepare(s, x, c.y().layout(), c.added(), weights, bias, arena);
      long zeros = 0;
      for (float weight : weights) {
        zeros += weight == 0 ? 1 : 0;
      }
      assertEquals(zeros * s.outPixels(), c.check(kernel, budget).skipped(), s::toString);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void denseLayersOfOddSizes(int threads) throws InterruptedException {
    Random random = new Random(300 + threads);
    int[] ins = {1, 17, 64, 300, 1000};
    int[] outs = {1, 3, 16, 65, 200, 513};
    try (ThreadBudget budget = new ThreadBudget(threads)) {
      for (int i = 0; i < 40; i++) {
        int in = ins[i % ins.length];
        int out = outs[random.nextInt(outs.length)];
        int n = 1 + random.nextInt(3);
        ConvSpec s =
            new ConvSpec(n, in, 1, 1, out, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, false, Activation.RELU);
        try (Arena arena = Arena.ofShared()) {
          float[] weights = weights(random, out * in, i);
          float[] bias = weights(random, out, 2);
          ConvolutionCase layer = ConvolutionCase.of(s, random, weights, bias, arena);
          Images images = layer.images();
          Images.Image x = layer.x();
          assertTrue(ListedDense.takes(s));
          ImageLayout y = layer.y().layout();
          Kernel kernel =
              ListedDense.prepare(s, x.layout(), y, null, FlattenOrder.NONE, weights, bias, arena);
          long skipped = layer.check(kernel, budget).skipped();
          long left = 0;
          for (int b = 0; b < n; b++) {
            for (int c = 0; c < in; c++) {
              for (int m = 0; m < out; m++) {
                left += images.get(x, b, c, 0, 0) == 0 || weights[m * in + c] == 0 ? 1 : 0;
              }
            }
          }
          assertEquals(left, skipped, s::toString);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"NCHW", "NHWC"})
  void flattenedImages(FlattenOrder order) throws InterruptedException {
    Random random = new Random(7);
    int c = Lanes.COUNT + 3;
    int in = c * 3 * 5;
    int out = 70;
    ConvSpec s =
        new ConvSpec(2, in, 1, 1, out, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, false, Activation.IDENTITY);
    try (Arena arena = Arena.ofShared();
        ThreadBudget budget = new ThreadBudget(1);
        ThreadBudget.Team team = budget.acquire()) {
      Images images = new Images(arena, MEMORY);
      Images.Image x = images.random(random, 2, c, 3, 5, Lanes.COUNT, new Halo(1, 0, 0, 2));
      Images.Image y = images.add(2, out, 1, 1, Lanes.COUNT, Halo.NONE);
      float[] weights = weights(random, out * in, 2);
      ListedDense.prepare(s, x.layout(), y.layout(), null, order, weights, null, arena)
          .run(images.memory, new long[] {x.first()}, y.first(), images.scratch(), team, null);
      for (int n = 0; n < 2; n++) {
        for (int m = 0; m < out; m++) {
          double sum = 0;
          for (int i = 0; i < in; i++) {
            float v =
                order == FlattenOrder.NCHW
                    ? images.get(x, n, i / 15, i / 5 % 3, i % 5)
                    : images.get(x, n, i % c, i / c / 5, i / c % 5);
            sum += v * (double) weights[m * in + i];
          }
          assertEquals(sum, images.get(y, n, m, 0, 0), 1e-4);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void zeroWeightsOfWhatIsNoNumber(float value) throws InterruptedException {
    Random random = new Random(5);
    int in = 2 * Lanes.COUNT + 1;
    int out = 37;
    try (Arena arena = Arena.ofShared();
        ThreadBudget budget = new ThreadBudget(1);
        ThreadBudget.Team team = budget.acquire()) {
      for (int width : new int[] {1, 3 * Lanes.COUNT}) {
        ConvSpec s =
            new ConvSpec(
                1,
                in,
                1,
                width,
                out,
                1,
                width,
                1,
                1,
                1,
                1,
                1,
                0,
                0,
                1,
                1,
                false,
                Activation.IDENTITY);
        Images images = new Images(arena, MEMORY);
        Images.Image x = images.random(random, 1, in, 1, width, Lanes.COUNT, Halo.NONE);
        int at = width / 2;
        images.memory.set(
            ValueLayout.JAVA_FLOAT, x.first() + x.layout().offset(0, in - 1, 0, at), value);
        Images.Image y = images.add(1, out, 1, width, Lanes.COUNT, Halo.NONE);
        float[] weights = weights(random, out * in, 2);
        Kernel kernel =
            width == 1
                ? ListedDense.prepare(
                    s, x.layout(), y.layout(), null, FlattenOrder.NONE, weights, null, arena)
                : ListedConvolution.prepare(s, x.layout(), y.layout(), null, weights, null, arena);
        kernel.run(images.memory, new long[] {x.first()}, y.first(), images.scratch(), team, null);
        for (int m = 0; m < out; m++) {
          for (int i = 0; i < width; i++) {
            assertEquals(
                (float) images.convolution(s, x, weights, null, null, 0, m, 0, i),
                images.get(y, 0, m, 0, i),
                1e-5f);
          }
        }
      }
    }
  }

  @Test
  void offeredWhereMostWeightsAreZeroAndAllAreFinite() {
    int v = Lanes.COUNT;
    ConvSpec s =
        new ConvSpec(1, v, 8, 8, v, 8, 8, 1, 1, 1, 1, 1, 0, 0, 1, 1, false, Activation.IDENTITY);
    ImageLayout l = ImageLayout.of(1, v, 8, 8, v, Halo.NONE);
    float[] weights = new float[v * v];
    assertEquals(1, offered(s, l, weights).zeroShare());
    weights[5] = Float.POSITIVE_INFINITY;
    assertNull(offered(s, l, weights));
    Arrays.fill(weights, 0, v * v / 2 + 1, 1f);
    assertNull(offered(s, l, weights));
  }

  private static SparseWeights offered(ConvSpec s, ImageLayout l, float[] weights) {
    return new VectorProvider()
        .sparseWeights(s, l, l, null, FlattenOrder.NONE, Weights.of(weights), null);
  }

  /** Code without SIMD forms the same sums in the same order. */
  @Test
  void plainCodeIsTheSameToTheBit() {
    Random random = new Random(9);
    int count = 41;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment m = arena.allocate(1 << 20, 64);
      for (long o = 0; o < m.byteSize(); o += 4) {
        m.set(ValueLayout.JAVA_FLOAT, o, (float) random.nextGaussian());
      }
      MemorySegment w = arena.allocate(count * 8L + 12, 64);
      for (int i = 0; i < count; i++) {
        w.set(ValueLayout.JAVA_INT, i * 8L, random.nextInt(100) * PixelTurn.ROW);
        w.set(ValueLayout.JAVA_FLOAT, i * 8L + 4, (float) random.nextGaussian());
      }
      w.set(ValueLayout.JAVA_INT, count * 8L, 0);
      w.set(ValueLayout.JAVA_INT, count * 8L + 4, 17);
      w.set(ValueLayout.JAVA_INT, count * 8L + 8, count);
      long start = 300L << 10;
      long simd = 400L << 10;
      long plain = 500L << 10;
      for (int width = 2; width <= 8; width += 2) {
        F32ListTile.products(
            width, w, count * 8L, 2, m, 0, start, PixelTurn.ROW, simd, PixelTurn.ROW);
        for (int c = 0; c < 2; c++) {
          F32ListTile.plainTile(
              width,
              w,
              c * 17 * 8L,
              (c == 0 ? 17 : count) * 8L,
              m,
              0,
              start + (long) c * PixelTurn.ROW,
              plain + (long) c * PixelTurn.ROW);
          long bytes = (long) width * Lanes.BYTES;
          long from = (long) c * PixelTurn.ROW;
          assertEquals(-1, m.asSlice(simd + from, bytes).mismatch(m.asSlice(plain + from, bytes)));
        }
      }
    }
  }

  @Test
  void squaresAreTurnedOver() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment m = arena.allocate(1 << 18, 64);
      for (int i = 0; i < 1 << 14; i++) {
        m.setAtIndex(ValueLayout.JAVA_FLOAT, i, i);
      }
      int squares = 4;
      long places = 100L << 10;
      for (int i = 0; i < squares * Lanes.COUNT; i++) {
        m.set(ValueLayout.JAVA_LONG, places + i * 8L, (i * 7 % 50) * (Lanes.BYTES + 4L));
      }
      long simd = 128L << 10;
      long plain = 160L << 10;
      PixelTurn.turn(m, places, 4, squares, 200L << 10, simd);
      PixelTurn.turnPlainly(m, places, 4, squares, plain);
      assertTrue(PixelTurn.isFinite(m, simd, Lanes.COUNT, squares));
      for (int i = 0; i < squares * Lanes.COUNT; i++) {
        for (int lane = 0; lane < Lanes.COUNT; lane++) {
          long o = (long) lane * PixelTurn.ROW + i * 4L;
          assertEquals(
              (i * 7 % 50) * (Lanes.COUNT + 1f) + 1 + lane,
              m.get(ValueLayout.JAVA_FLOAT, simd + o));
          assertEquals(
              m.get(ValueLayout.JAVA_FLOAT, plain + o), m.get(ValueLayout.JAVA_FLOAT, simd + o));
        }
      }
      for (int i = 0; i < squares * Lanes.COUNT; i++) {
        long at = simd + (long) (i % Lanes.COUNT) * PixelTurn.ROW + i * 4L;
        float x = m.get(ValueLayout.JAVA_FLOAT, at);
        m.set(ValueLayout.JAVA_FLOAT, at, i % 2 == 0 ? Float.NEGATIVE_INFINITY : Float.NaN);
        assertFalse(PixelTurn.isFinite(m, simd, Lanes.COUNT, squares));
        m.set(ValueLayout.JAVA_FLOAT, at, x);
      }
    }
  }

  /** Few weights, or most of them, that are not zero. */
  private static float[] weights(Random random, int n, int round) {
    double zeros = new double[] {0.9, 0.6, 0.3, 1}[round % 4];
    float[] f = new float[n];
    for (int i = 0; i < n; i++) {
      f[i] = random.nextDouble() < zeros ? 0f : (float) random.nextGaussian() / 4;
    }
    return f;
  }
}
