package tacet.onednn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tacet.kernels.Activation;
import tacet.kernels.Activation.Kind;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.Parallel;
import tacet.kernels.PoolSpec;
import tacet.kernels.ThreadBudget;
import tacet.kernels.Weights;
import tacet.kernels.ZeroCounts;
import tacet.kernels.pack.Reorder;

/** oneDNN's kernels against the same operation spelt out in double precision, over odd shapes. */
class OneDnnKernelsTest {

  private static final float TAU = 0.05f;

  /** Rounding of one float32 operation. */
  private static final double EPSILON = 0x1p-24;

  private static final List<Activation> ACTIVATIONS =
      List.of(
          Activation.IDENTITY,
          Activation.RELU,
          Activation.RELU6,
          new Activation(Kind.LEAKY_RELU, 0.1f, 0f),
          Activation.of(Kind.SIGMOID));

  private final OneDnnProvider provider = new OneDnnProvider();

  @BeforeEach
  void isThere() {
    String why = provider.unavailable();
    assumeTrue(why == null, why);
  }

  /** An image in a memory that holds NaN wherever nothing was written. */
  private record Image(ImageLayout layout, long first) {
    float get(MemorySegment m, int n, int c, int y, int x) {
      return y < 0 || x < 0 || y >= layout.height() || x >= layout.width()
          ? 0f
          : m.get(ValueLayout.JAVA_FLOAT, first + layout.offset(n, c, y, x));
    }
  }

  private final Arena arena = Arena.ofAuto();
  private final MemorySegment memory = arena.allocate(16L << 20, 64);
  private long next;

  private Image image(int n, int c, int h, int w, int lanes, Halo halo, Random random) {
    ImageLayout layout = ImageLayout.of(n, c, h, w, lanes, halo);
    long start = next;
    next = (next + layout.bytes() + 63) / 64 * 64;
    for (long o = start; o < next; o += Float.BYTES) {
      memory.set(ValueLayout.JAVA_FLOAT, o, Float.NaN);
    }
    Image image = new Image(layout, start + layout.origin(halo));
    if (!halo.isNone()) {
      Reorder.clearHalo(memory, layout, halo, image.first);
    }
    if (random != null) {
      for (int i = 0; i < n; i++) {
        for (int k = 0; k < c; k++) {
          for (int y = 0; y < h; y++) {
            for (int x = 0; x < w; x++) {
              float v = random.nextInt(4) == 0 ? 0f : (float) random.nextGaussian();
              memory.set(ValueLayout.JAVA_FLOAT, image.first + layout.offset(i, k, y, x), v);
            }
          }
        }
      }
    }
    return image;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void convolutionsOfOddShapes(int threads) throws InterruptedException {
    Random random = new Random(7 + threads);
    KernelProvider forThreads = provider.forThreads(threads);
    int taken = 0;
    try (ThreadBudget budget = new ThreadBudget(threads)) {
      for (int i = 0; i < 60; i++) {
        taken += convolution(forThreads, random, budget, i % 5 == 4) ? 1 : 0;
      }
    }
    assertTrue(taken > 30, "only " + taken + " of 60 were taken");
  }

  private boolean convolution(
      KernelProvider p, Random random, ThreadBudget budget, boolean depthwise)
      throws InterruptedException {
    int v = p.lanes();
    int[] sizes = {1, 3, v - 1, v, v + 1, 2 * v, 3 * v + 2, 5 * v};
    int groups = 1;
    int in = sizes[random.nextInt(sizes.length)];
    int out = sizes[random.nextInt(sizes.length)];
    if (depthwise) {
      groups = in;
      out = in;
    } else if (random.nextInt(4) == 0) {
      groups = 2 + random.nextInt(2);
      in = groups * v * (1 + random.nextInt(2));
      out = groups * v * (1 + random.nextInt(2));
    }
    int kh = 1 + random.nextInt(4);
    int kw = 1 + random.nextInt(4);
    int dy = 1 + random.nextInt(2);
    int dx = 1 + random.nextInt(2);
    int sy = 1 + random.nextInt(2);
    int sx = 1 + random.nextInt(2);
    int top = random.nextInt(Math.min(3, kh));
    int left = random.nextInt(Math.min(3, kw));
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
    next = 0;
    int lanes = in <= 3 && groups == 1 ? 1 : random.nextInt(8) == 0 ? in : v;
    Image x = image(n, in, h, w, lanes, random.nextBoolean() ? spec.halo() : Halo.NONE, random);
    Image residual = withResidual ? image(n, out, oh, ow, v, Halo.NONE, random) : null;
    Image y = image(n, out, oh, ow, v, Halo.NONE, null);
    float[] weights = floats(random, out * (in / groups) * kh * kw);
    float[] bias = random.nextBoolean() ? floats(random, out) : null;
    try (Arena packed = Arena.ofShared()) {
      KernelProvider.Choice choice =
          p.convolution(
              spec,
              x.layout,
              y.layout,
              residual == null ? null : residual.layout,
              FlattenOrder.NONE,
              Weights.of(weights),
              bias,
              packed);
      if (choice.kernel() == null) {
        return false;
      }
      long[] inputs =
          residual == null ? new long[] {x.first} : new long[] {x.first, residual.first};
      double[] before = new double[n * out * oh * ow];
      int e = 0;
      for (int i = 0; i < n; i++) {
        for (int m = 0; m < out; m++) {
          for (int oy = 0; oy < oh; oy++) {
            for (int ox = 0; ox < ow; ox++) {
              before[e] = direct(spec, x, weights, i, m, oy, ox) + (bias == null ? 0 : bias[m]);
              before[e++] += residual == null ? 0 : residual.get(memory, i, m, oy, ox);
            }
          }
        }
      }
      double tolerance = 32 * EPSILON * (in / groups * kh * kw + 2);
      try (ThreadBudget.Team team = budget.acquire()) {
        ZeroCounts counts = new ZeroCounts(out, team.threads(), TAU);
        choice.kernel().run(memory, inputs, y.first, scratch(), team, counts);
        counts.merge();
        compare(spec, before, y, tolerance);
        assertCounts(y, counts, spec.toString());
        for (int i = 0; i < 2; i++) {
          fill(y, Float.NaN);
          choice.kernel().run(memory, inputs, y.first, scratch(), team, null);
          compare(spec, before, y, tolerance);
        }
      }
    }
    return true;
  }

  private long scratch() {
    return next;
  }

  private void fill(Image image, float value) {
    ImageLayout l = image.layout;
    for (long o = 0; o < l.bytes(); o += Float.BYTES) {
      memory.set(ValueLayout.JAVA_FLOAT, image.first + o, value);
    }
  }

  private double direct(ConvSpec s, Image x, float[] w, int n, int m, int oy, int ox) {
    int perGroup = s.inChannels() / s.groups();
    int group = m / (s.outChannels() / s.groups());
    double sum = 0;
    for (int c = 0; c < perGroup; c++) {
      for (int ky = 0; ky < s.kernelHeight(); ky++) {
        for (int kx = 0; kx < s.kernelWidth(); kx++) {
          int weight = ((m * perGroup + c) * s.kernelHeight() + ky) * s.kernelWidth() + kx;
          sum +=
              w[weight]
                  * (double)
                      x.get(
                          memory,
                          n,
                          group * perGroup + c,
                          oy * s.strideY() - s.padTop() + ky * s.dilationY(),
                          ox * s.strideX() - s.padLeft() + kx * s.dilationX());
        }
      }
    }
    return sum;
  }

  private void compare(ConvSpec spec, double[] before, Image y, double tolerance) {
    int e = 0;
    ImageLayout l = y.layout;
    for (int i = 0; i < l.batch(); i++) {
      for (int m = 0; m < l.channels(); m++) {
        for (int oy = 0; oy < l.height(); oy++) {
          for (int ox = 0; ox < l.width(); ox++) {
            double expected = activate(spec.activation(), before[e++]);
            assertEquals(
                expected,
                y.get(memory, i, m, oy, ox),
                tolerance + 1e-5 * Math.abs(expected),
                spec + " at " + i + "," + m + "," + oy + "," + ox);
          }
        }
      }
    }
  }

  private static double activate(Activation f, double x) {
    return switch (f.kind()) {
      case IDENTITY -> x;
      case RELU -> Math.max(x, 0);
      case CLIP -> Math.clamp(x, f.alpha(), f.beta());
      case LEAKY_RELU -> x < 0 ? f.alpha() * x : x;
      case SIGMOID -> 1 / (1 + Math.exp(-x));
      default -> throw new AssertionError(f.kind());
    };
  }

  private void assertCounts(Image y, ZeroCounts counts, String what) {
    ImageLayout l = y.layout;
    long[] zeros = new long[l.channels()];
    long[] near = new long[l.channels()];
    for (int n = 0; n < l.batch(); n++) {
      for (int c = 0; c < l.channels(); c++) {
        for (int oy = 0; oy < l.height(); oy++) {
          for (int ox = 0; ox < l.width(); ox++) {
            float v = y.get(memory, n, c, oy, ox);
            zeros[c] += v == 0 ? 1 : 0;
            near[c] += Math.abs(v) < TAU ? 1 : 0;
          }
        }
      }
    }
    assertArrayEquals(
        zeros, Arrays.copyOf(counts.perChannel(ZeroCounts.Kind.ZERO), zeros.length), what);
    assertArrayEquals(
        near, Arrays.copyOf(counts.perChannel(ZeroCounts.Kind.NEAR_ZERO), near.length), what);
  }

  private static float[] floats(Random random, int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  @Test
  void denseLayersOnFlattenedImages() {
    Random random = new Random(3);
    int v = provider.lanes();
    for (FlattenOrder order : FlattenOrder.values()) {
      for (int rows : new int[] {1, 3}) {
        for (int lanes : new int[] {1, v}) {
          int c = 2 * v + 3;
          int side = order == FlattenOrder.NONE ? 1 : 3;
          int k = c * side * side;
          int m = 2 * v + 5;
          next = 0;
          Image x = image(rows, c, side, side, lanes, Halo.NONE, random);
          Image y = image(rows, m, 1, 1, v, Halo.NONE, null);
          float[] weights = floats(random, m * k);
          float[] bias = floats(random, m);
          ConvSpec spec =
              new ConvSpec(
                  rows, k, 1, 1, m, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, false, Activation.RELU);
          try (Arena packed = Arena.ofShared()) {
            Kernel kernel =
                provider
                    .convolution(
                        spec, x.layout, y.layout, null, order, Weights.of(weights), bias, packed)
                    .kernel();
            double[] before = new double[rows * m];
            for (int n = 0; n < rows; n++) {
              for (int o = 0; o < m; o++) {
                double sum = bias[o];
                for (int i = 0; i < k; i++) {
                  boolean last = order == FlattenOrder.NHWC;
                  int channel = last ? i % c : i / (side * side);
                  int pixel = last ? i / c : i % (side * side);
                  sum +=
                      weights[o * k + i]
                          * (double) x.get(memory, n, channel, pixel / side, pixel % side);
                }
                before[n * m + o] = sum;
              }
            }
            ZeroCounts counts = new ZeroCounts(m, 1, TAU);
            kernel.run(memory, new long[] {x.first}, y.first, scratch(), Parallel.serial(), counts);
            counts.merge();
            compare(spec, before, y, 32 * EPSILON * k);
            assertCounts(y, counts, spec.toString());
            kernel.run(memory, new long[] {x.first}, y.first, scratch(), Parallel.serial(), null);
            compare(spec, before, y, 32 * EPSILON * k);
          }
        }
      }
    }
  }

  @Test
  void averagePooling() {
    Random random = new Random(5);
    int v = provider.lanes();
    int taken = 0;
    for (int i = 0; i < 80; i++) {
      int c = 1 + random.nextInt(3 * v);
      int k = 1 + random.nextInt(3);
      int stride = 1 + random.nextInt(3);
      int pad = random.nextInt(k);
      int h = k + random.nextInt(12);
      int w = k + random.nextInt(12);
      boolean ceil = random.nextBoolean();
      int oh = (h + 2 * pad - k + (ceil ? stride - 1 : 0)) / stride + 1;
      int ow = (w + 2 * pad - k + (ceil ? stride - 1 : 0)) / stride + 1;
      // A window that begins behind the image and its padding before is none.
      oh -= (oh - 1) * stride >= h + pad ? 1 : 0;
      ow -= (ow - 1) * stride >= w + pad ? 1 : 0;
      PoolSpec s =
          new PoolSpec(
              2,
              c,
              h,
              w,
              oh,
              ow,
              k,
              k,
              stride,
              stride,
              pad,
              pad,
              pad,
              pad,
              1,
              1,
              false,
              random.nextBoolean());
      next = 0;
      Image x = image(2, c, h, w, v, Halo.NONE, random);
      Image y = image(2, c, oh, ow, v, Halo.NONE, null);
      Kernel kernel = provider.pooling(s, x.layout, y.layout, arena).kernel();
      if (kernel == null) {
        continue;
      }
      taken++;
      ZeroCounts counts = new ZeroCounts(c, 1, TAU);
      kernel.run(memory, new long[] {x.first}, y.first, scratch(), Parallel.serial(), counts);
      counts.merge();
      for (int n = 0; n < 2; n++) {
        for (int m = 0; m < c; m++) {
          for (int oy = 0; oy < oh; oy++) {
            for (int ox = 0; ox < ow; ox++) {
              assertEquals(average(s, x, n, m, oy, ox), y.get(memory, n, m, oy, ox), 1e-5, s + "");
            }
          }
        }
      }
      assertCounts(y, counts, s.toString());
    }
    assertTrue(taken > 40, "only " + taken + " of 80 were taken");
  }

  private double average(PoolSpec s, Image x, int n, int c, int oy, int ox) {
    double sum = 0;
    int seen = 0;
    for (int ky = 0; ky < s.kernelHeight(); ky++) {
      for (int kx = 0; kx < s.kernelWidth(); kx++) {
        int iy = oy * s.strideY() - s.padTop() + ky;
        int ix = ox * s.strideX() - s.padLeft() + kx;
        boolean inside = iy >= 0 && ix >= 0 && iy < s.inHeight() && ix < s.inWidth();
        if (inside) {
          sum += x.get(memory, n, c, iy, ix);
        }
        boolean stated = iy < s.inHeight() + s.padBottom() && ix < s.inWidth() + s.padRight();
        seen += inside || s.countIncludePad() && stated ? 1 : 0;
      }
    }
    return sum / seen;
  }

  @Test
  void oneKernelFromManyThreads() throws Exception {
    Random random = new Random(9);
    int v = provider.lanes();
    ConvSpec spec =
        new ConvSpec(
            1, 2 * v, 20, 20, 2 * v, 20, 20, 1, 3, 3, 1, 1, 1, 1, 1, 1, false, Activation.RELU);
    Image x = image(1, 2 * v, 20, 20, v, Halo.NONE, random);
    float[] weights = floats(random, spec.outChannels() * spec.inChannels() * 9);
    ImageLayout out = ImageLayout.of(1, 2 * v, 20, 20, v, Halo.NONE);
    try (Arena packed = Arena.ofShared()) {
      KernelProvider.Choice choice =
          provider.convolution(
              spec, x.layout, out, null, FlattenOrder.NONE, Weights.of(weights), null, packed);
      Callable<float[]> run =
          () -> {
            try (Arena own = Arena.ofConfined()) {
              MemorySegment m = own.allocate(next + out.bytes(), 64);
              MemorySegment.copy(memory, 0, m, 0, next);
              ZeroCounts counts = new ZeroCounts(2 * v, 1, TAU);
              choice.kernel().run(m, new long[] {x.first}, next, 0, Parallel.serial(), counts);
              return m.asSlice(next, out.bytes()).toArray(ValueLayout.JAVA_FLOAT);
            }
          };
      float[] expected = run.call();
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<float[]>> results = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
          results.add(threads.submit(run));
        }
        for (Future<float[]> r : results) {
          assertArrayEquals(expected, r.get());
        }
      }
    }
  }

  @Test
  void switchedOff() {
    System.setProperty("tacet.onednn", "off");
    try {
      assertEquals("switched off by tacet.onednn=off", new OneDnnProvider().unavailable());
    } finally {
      System.clearProperty("tacet.onednn");
    }
    assertNull(new OneDnnProvider().unavailable());
  }
}
