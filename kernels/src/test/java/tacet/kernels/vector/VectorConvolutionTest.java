package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tacet.kernels.Activation;
import tacet.kernels.Activation.Kind;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.ThreadBudget;
import tacet.kernels.Weights;
import tacet.kernels.ZeroCounts;

/** Convolutions and dense layers, by whichever kernel takes them, against sums in double precision, over odd shapes. */
class VectorConvolutionTest {

  private static final float TAU = 0.05f;
  private static final long MEMORY = 8L << 20;

  /** Rounding of one float32 operation. */
  private static final double EPSILON = 0x1p-24;

  private static final List<Activation> ACTIVATIONS =
      List.of(
          Activation.IDENTITY,
          Activation.RELU,
          Activation.RELU6,
          new Activation(Kind.LEAKY_RELU, 0.1f, 0f),
          new Activation(Kind.CLIP, -0.5f, 0.5f),
          // As RELU6, with a bound that sums reach.
          new Activation(Kind.CLIP, 0f, 0.5f),
          Activation.of(Kind.SIGMOID),
          Activation.of(Kind.TANH),
          new Activation(Kind.ELU, 1f, 0f),
          Activation.of(Kind.HARD_SWISH),
          new Activation(Kind.THRESHOLDED_RELU, 0.2f, 0f),
          new Activation(Kind.THRESHOLDED_RELU, -0.1f, 0f));

  private final VectorProvider provider = new VectorProvider();

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void convolutionsOfOddShapes(int threads) throws InterruptedException {
    Random random = new Random(42 + threads);
    try (ThreadBudget budget = new ThreadBudget(threads)) {
      for (int i = 0; i < 220; i++) {
        convolution(random, budget, i % 5 == 4);
      }
    }
  }

  private void convolution(Random random, ThreadBudget budget, boolean depthwise)
      throws InterruptedException {
    int v = Lanes.COUNT;
    int[] sizes = {1, 2, 3, 7, v - 1, v, v + 1, 2 * v, 3 * v + 2, 5 * v};
    int groups = 1;
    int in = Math.max(1, sizes[random.nextInt(sizes.length)]);
    int out = Math.max(1, sizes[random.nextInt(sizes.length)]);
    if (depthwise) {
      groups = in;
      out = in;
    } else if (random.nextInt(3) == 0) {
      groups = 1 + random.nextInt(4);
      in = groups * (1 + random.nextInt(2 * v));
      // Now and then more than a tile is wide.
      out = groups * (1 + random.nextInt(random.nextInt(4) == 0 ? 6 * v : 2 * v));
    }
    int kh = 1 + random.nextInt(4);
    int kw = 1 + random.nextInt(4);
    int dy = 1 + random.nextInt(2);
    int dx = 1 + random.nextInt(2);
    int sy = 1 + random.nextInt(3);
    int sx = 1 + random.nextInt(3);
    int top = random.nextInt(3);
    int left = random.nextInt(3);
    int n = 1 + random.nextInt(2);
    int h = 1 + random.nextInt(13) + (kh - 1) * dy;
    int w = 1 + random.nextInt(13) + (kw - 1) * dx;
    int oh = (h + top + random.nextInt(2) - (kh - 1) * dy - 1) / sy + 1;
    int ow = (w + left + random.nextInt(2) - (kw - 1) * dx - 1) / sx + 1;
    boolean withResidual = random.nextInt(3) == 0;
    Activation f = ACTIVATIONS.get(random.nextInt(ACTIVATIONS.size()));
    ConvSpec spec =
        new ConvSpec(
            n, in, h, w, out, oh, ow, groups, kh, kw, sy, sx, top, left, dy, dx, withResidual, f);
    int[] layouts = {1, v, v, in};
    convolution(random, budget, spec, layouts[random.nextInt(layouts.length)]);
  }

  /** Rows long enough for the depthwise kernels that slide along them, finished in one or more parts. */
  @Test
  void depthwiseRows() throws InterruptedException {
    Random random = new Random(17);
    try (ThreadBudget budget = new ThreadBudget(2)) {
      for (int width : new int[] {5, 6, 7, 13, 31, 32, 64, 65, 130}) {
        for (int stride = 1; stride <= 2; stride++) {
          for (Activation f : ACTIVATIONS) {
            int c = 1 + random.nextInt(3 * Lanes.COUNT);
            int in = (width - 1) * stride + 1;
            int oh = 1 + random.nextInt(5);
            int down = 1 + random.nextInt(2);
            int apart = 1 + random.nextInt(2);
            int h = (oh - 1) * down + 2 * apart - 1;
            boolean residual = random.nextInt(4) == 0;
            ConvSpec spec =
                new ConvSpec(
                    2, c, h, in, c, oh, width, c, 3, 3, down, stride, 1, 1, apart, 1, residual, f);
            convolution(random, budget, spec, Lanes.COUNT);
          }
        }
      }
    }
  }

  /** Row-major images of few channels, with rows long enough to be copied. */
  @Test
  void rowsOfRowMajorImages() throws InterruptedException {
    Random random = new Random(18);
    int v = Lanes.COUNT;
    int[] outs = {1, v / 2, v / 2 + 1, v, v + 1, 2 * v, 2 * v + 3, 4 * v, 4 * v + 1};
    try (ThreadBudget budget = new ThreadBudget(2)) {
      for (int width : new int[] {12, 13, 16, 31, 32, 65, 130}) {
        for (int stride = 1; stride <= 3; stride++) {
          for (int out : outs) {
            int c = 1 + random.nextInt(3);
            int kernel = 1 + random.nextInt(5);
            int dilation = 1 + random.nextInt(2);
            int pad = random.nextInt(2);
            int in = (width - 1) * stride + (kernel - 1) * dilation + 1 - 2 * pad;
            int oh = 1 + random.nextInt(3);
            int h = (oh - 1) * stride + (kernel - 1) * dilation + 1 - 2 * pad;
            Activation f = ACTIVATIONS.get(random.nextInt(3));
            boolean residual = random.nextInt(3) == 0;
            if (h > 0) {
              ConvSpec spec =
                  new ConvSpec(
                      2, c, h, in, out, oh, width, 1, kernel, kernel, stride, stride, pad, pad,
                      dilation, dilation, residual, f);
              convolution(random, budget, spec, 1);
            }
          }
        }
      }
    }
  }

  private void convolution(Random random, ThreadBudget budget, ConvSpec spec, int lanes)
      throws InterruptedException {
    int v = Lanes.COUNT;
    int n = spec.batch();
    int in = spec.inChannels();
    int out = spec.outChannels();
    int groups = spec.groups();
    int kh = spec.kernelHeight();
    int kw = spec.kernelWidth();
    int oh = spec.outHeight();
    int ow = spec.outWidth();
    boolean withResidual = spec.residual();
    Activation f = spec.activation();
    try (Arena arena = Arena.ofShared()) {
      Images images = new Images(arena, MEMORY);
      Images.Image x =
          images.random(random, n, in, spec.inHeight(), spec.inWidth(), lanes, spec.halo());
      Images.Image residual =
          withResidual ? images.random(random, n, out, oh, ow, v, new Halo(0, 1, 0, 0)) : null;
      Images.Image y = images.add(n, out, oh, ow, v, new Halo(0, 0, 1, 0));
      float[] weights = floats(random, out * (in / groups) * kh * kw);
      float[] bias = random.nextBoolean() ? floats(random, out) : null;
      if (bias == null && random.nextBoolean()) {
        // One channel's sums are exactly zero.
        Arrays.fill(weights, 0, weights.length / out, 0f);
      }
      Kernel kernel =
          provider
              .convolution(
                  spec,
                  x.layout(),
                  y.layout(),
                  residual == null ? null : residual.layout(),
                  FlattenOrder.NONE,
                  Weights.of(weights),
                  bias,
                  arena)
              .kernel();
      assertNotNull(kernel);
      ZeroCounts counts = new ZeroCounts(out, budget.threads(), TAU);
      images.run(
          kernel,
          residual == null ? new long[] {x.first()} : new long[] {x.first(), residual.first()},
          y,
          budget,
          counts);
      double tolerance = 8 * EPSILON * (in / groups * kh * kw + 2) * 4;
      long[][] before = new long[3][out];
      for (int i = 0; i < n; i++) {
        for (int m = 0; m < out; m++) {
          for (int oy = 0; oy < oh; oy++) {
            for (int ox = 0; ox < ow; ox++) {
              double pre = images.convolution(spec, x, weights, bias, residual, i, m, oy, ox);
              double expected = Images.activate(f, pre);
              float got = images.get(y, i, m, oy, ox);
              if (f.kind() == Kind.THRESHOLDED_RELU && Math.abs(pre - f.alpha()) < tolerance) {
                // It may fall on either side.
                expected = Math.abs(got) <= tolerance ? 0 : pre;
              }
              assertEquals(
                  expected,
                  got,
                  tolerance,
                  () -> "convolution " + spec + " lanes " + lanes + " kernel " + kernel.name());
            }
          }
        }
      }
      images.assertCounts(y, counts, TAU, spec.toString());
      assertSameUncounted(kernel, images, x, residual, y, budget, spec.toString());
      if (!f.isIdentity()) {
        assertBefore(spec, x, residual, y, images, weights, bias, counts, before, arena, budget);
      }
    }
  }

  /** Outputs are the same to the bit where nothing is counted. */
  private static void assertSameUncounted(
      Kernel kernel,
      Images images,
      Images.Image x,
      Images.Image residual,
      Images.Image y,
      ThreadBudget budget,
      String what)
      throws InterruptedException {
    float[] counted = images.values(y);
    images.run(
        kernel,
        residual == null ? new long[] {x.first()} : new long[] {x.first(), residual.first()},
        y,
        budget,
        null);
    assertArrayEquals(counted, images.values(y), what);
  }

  /** The counts before the activation equal those of the same kernel without one. */
  private void assertBefore(
      ConvSpec s,
      Images.Image x,
      Images.Image residual,
      Images.Image y,
      Images images,
      float[] weights,
      float[] bias,
      ZeroCounts counts,
      long[][] before,
      Arena arena,
      ThreadBudget budget)
      throws InterruptedException {
    ConvSpec plain =
        new ConvSpec(
            s.batch(),
            s.inChannels(),
            s.inHeight(),
            s.inWidth(),
            s.outChannels(),
            s.outHeight(),
            s.outWidth(),
            s.groups(),
            s.kernelHeight(),
            s.kernelWidth(),
            s.strideY(),
            s.strideX(),
            s.padTop(),
            s.padLeft(),
            s.dilationY(),
            s.dilationX(),
            s.residual(),
            Activation.IDENTITY);
    Kernel kernel =
        provider
            .convolution(
                plain,
                x.layout(),
                y.layout(),
                residual == null ? null : residual.layout(),
                FlattenOrder.NONE,
                Weights.of(weights),
                bias,
                arena)
            .kernel();
    images.run(
        kernel,
        residual == null ? new long[] {x.first()} : new long[] {x.first(), residual.first()},
        y,
        budget,
        null);
    long[][] expected = images.recount(y, TAU);
    assertArrayEquals(
        expected,
        Images.counted(
            counts,
            ZeroCounts.Kind.ZERO_BEFORE,
            ZeroCounts.Kind.NEAR_ZERO_BEFORE,
            ZeroCounts.Kind.NEGATIVE_BEFORE),
        s::toString);
  }

  @Test
  void denseLayersOnFlattenedImages() throws InterruptedException {
    Random random = new Random(7);
    int v = Lanes.COUNT;
    try (ThreadBudget budget = new ThreadBudget(2)) {
      for (FlattenOrder order : List.of(FlattenOrder.NCHW, FlattenOrder.NHWC)) {
        for (int c : new int[] {1, v - 1, v, 2 * v + 3}) {
          for (int m : new int[] {1, v, 4 * v + 1, 130}) {
            int h = 1 + random.nextInt(5);
            int w = 1 + random.nextInt(5);
            int k = c * h * w;
            ConvSpec spec =
                new ConvSpec(
                    2, k, 1, 1, m, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, false, Activation.RELU);
            try (Arena arena = Arena.ofShared()) {
              Images images = new Images(arena, MEMORY);
              Images.Image x = images.random(random, 2, c, h, w, v, new Halo(1, 1, 1, 1));
              Images.Image y = images.add(2, m, 1, 1, v, Halo.NONE);
              float[] weights = floats(random, m * k);
              float[] bias = floats(random, m);
              Kernel kernel =
                  provider
                      .convolution(
                          spec,
                          x.layout(),
                          y.layout(),
                          null,
                          order,
                          Weights.of(weights),
                          bias,
                          arena)
                      .kernel();
              ZeroCounts counts = new ZeroCounts(m, 2, TAU);
              images.run(kernel, new long[] {x.first()}, y, budget, counts);
              for (int n = 0; n < 2; n++) {
                for (int o = 0; o < m; o++) {
                  double sum = bias[o];
                  for (int ch = 0; ch < c; ch++) {
                    for (int iy = 0; iy < h; iy++) {
                      for (int ix = 0; ix < w; ix++) {
                        int column =
                            order == FlattenOrder.NCHW
                                ? (ch * h + iy) * w + ix
                                : (iy * w + ix) * c + ch;
                        sum += (double) weights[o * k + column] * images.get(x, n, ch, iy, ix);
                      }
                    }
                  }
                  assertEquals(
                      Math.max(0, sum), images.get(y, n, o, 0, 0), 8 * EPSILON * (k + 2) * 4);
                }
              }
              images.assertCounts(y, counts, TAU, "dense " + order + " " + c + "->" + m);
            }
          }
        }
      }
    }
  }

  @Test
  void oneThreadStartsNone() throws InterruptedException {
    try (ThreadBudget budget = new ThreadBudget(1)) {
      convolution(new Random(1), budget, false);
      assertEquals(0, budget.startedThreads());
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
