package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import tacet.kernels.Activation;
import tacet.kernels.Activation.Kind;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.Kernel;
import tacet.kernels.LrnSpec;
import tacet.kernels.Parallel;
import tacet.kernels.PointwiseSpec;
import tacet.kernels.PoolSpec;
import tacet.kernels.SelectSpec;
import tacet.kernels.SoftmaxSpec;
import tacet.kernels.ThreadBudget;
import tacet.kernels.ZeroCounts;

/** SIMD kernels other than convolutions against the same operation spelt out in double precision, over odd shapes. */
class VectorKernelsTest {

  private static final float TAU = 0.05f;
  private static final long MEMORY = 8L << 20;

  /** Rounding of one float32 operation. */
  private static final double EPSILON = 0x1p-24;

  private final VectorProvider provider = new VectorProvider();

  @Test
  void poolingOfOddShapes() throws InterruptedException {
    Random random = new Random(11);
    int v = Lanes.COUNT;
    try (ThreadBudget budget = new ThreadBudget(2)) {
      for (int i = 0; i < 200; i++) {
        int c = 1 + random.nextInt(3 * v);
        int kh = 1 + random.nextInt(4);
        int kw = 1 + random.nextInt(4);
        int dy = 1 + random.nextInt(2);
        int dx = 1 + random.nextInt(2);
        int sy = 1 + random.nextInt(3);
        int sx = 1 + random.nextInt(3);
        int h = (kh - 1) * dy + 1 + random.nextInt(12);
        int w = (kw - 1) * dx + 1 + random.nextInt(12);
        // Padding below the window's own extent, so that every window sees something.
        int top = random.nextInt(kh);
        int left = random.nextInt(kw);
        int bottom = random.nextInt(kh);
        int right = random.nextInt(kw);
        PoolSpec spec =
            new PoolSpec(
                2,
                c,
                h,
                w,
                (h + top + bottom - (kh - 1) * dy - 1) / sy + 1,
                (w + left + right - (kw - 1) * dx - 1) / sx + 1,
                kh,
                kw,
                sy,
                sx,
                top,
                left,
                bottom,
                right,
                dy,
                dx,
                random.nextBoolean(),
                random.nextBoolean());
        try (Arena arena = Arena.ofShared()) {
          Images images = new Images(arena, MEMORY);
          Images.Image x = images.random(random, 2, c, h, w, v, Halo.NONE);
          Images.Image y =
              images.add(2, c, spec.outHeight(), spec.outWidth(), v, new Halo(1, 1, 1, 1));
          Kernel kernel = provider.pooling(spec, x.layout(), y.layout(), arena).kernel();
          ZeroCounts counts = new ZeroCounts(c, 2, TAU);
          images.run(kernel, new long[] {x.first()}, y, budget, counts);
          for (int n = 0; n < 2; n++) {
            for (int k = 0; k < c; k++) {
              for (int oy = 0; oy < spec.outHeight(); oy++) {
                for (int ox = 0; ox < spec.outWidth(); ox++) {
                  assertEquals(
                      images.pool(spec, x, n, k, oy, ox),
                      images.get(y, n, k, oy, ox),
                      64 * EPSILON,
                      spec::toString);
                }
              }
            }
          }
          images.assertCounts(y, counts, TAU, spec.toString());
        }
      }
    }
  }

  @Test
  void maximumPoolingPassesWhatIsNotFinite() throws InterruptedException {
    Random random = new Random(12);
    float[] strange = {
      Float.NaN,
      Float.intBitsToFloat(0xffc00000),
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      Float.MAX_VALUE,
      -Float.MAX_VALUE
    };
    try (ThreadBudget budget = new ThreadBudget(1)) {
      for (int i = 0; i < 60; i++) {
        int k = 1 + random.nextInt(4);
        int c = Lanes.COUNT + 1;
        PoolSpec spec =
            new PoolSpec(1, c, 9, 8, 10 - k, 9 - k, k, k, 1, 1, 0, 0, 0, 0, 1, 1, true, false);
        try (Arena arena = Arena.ofShared()) {
          Images images = new Images(arena, MEMORY);
          Images.Image x = images.random(random, 1, c, 9, 8, Lanes.COUNT, Halo.NONE);
          Images.Image y =
              images.add(1, c, spec.outHeight(), spec.outWidth(), Lanes.COUNT, Halo.NONE);
          for (int n = 0; n < 4; n++) {
            images.memory.set(
                ValueLayout.JAVA_FLOAT,
                x.first()
                    + x.layout().offset(0, random.nextInt(c), random.nextInt(9), random.nextInt(8)),
                strange[random.nextInt(strange.length)]);
          }
          Kernel kernel = provider.pooling(spec, x.layout(), y.layout(), arena).kernel();
          images.run(kernel, new long[] {x.first()}, y, budget, new ZeroCounts(c, 1, TAU));
          for (int m = 0; m < c; m++) {
            for (int oy = 0; oy < spec.outHeight(); oy++) {
              for (int ox = 0; ox < spec.outWidth(); ox++) {
                assertEquals(images.pool(spec, x, 0, m, oy, ox), images.get(y, 0, m, oy, ox));
              }
            }
          }
        }
      }
    }
  }

  @Test
  void channelShufflesOfOddShapes() throws InterruptedException {
    Random random = new Random(13);
    try (ThreadBudget budget = new ThreadBudget(2)) {
      for (int i = 0; i < 40; i++) {
        int groups = 1 + random.nextInt(5);
        int c = groups * (1 + random.nextInt(2 * Lanes.COUNT));
        int h = 1 + random.nextInt(4);
        int w = 1 + random.nextInt(5);
        SelectSpec spec = SelectSpec.shuffle(2, c, h, w, groups);
        try (Arena arena = Arena.ofShared()) {
          Images images = new Images(arena, MEMORY);
          Images.Image x = images.random(random, 2, c, h, w, Lanes.COUNT, new Halo(0, 1, 0, 0));
          Images.Image y = images.add(2, c, h, w, Lanes.COUNT, new Halo(1, 0, 0, 1));
          ZeroCounts counts = new ZeroCounts(c, 2, TAU);
          Kernel kernel = provider.select(spec, List.of(x.layout()), y.layout()).kernel();
          images.run(kernel, new long[] {x.first()}, y, budget, counts);
          for (int n = 0; n < 2; n++) {
            for (int k = 0; k < c; k++) {
              for (int j = 0; j < h * w; j++) {
                float expected =
                    images.get(x, n, k % groups * (c / groups) + k / groups, j / w, j % w);
                assertEquals(expected, images.get(y, n, k, j / w, j % w), spec::toString);
              }
            }
          }
          images.assertCounts(y, counts, TAU, spec.toString());
        }
      }
    }
  }

  @Test
  void concatenationsOfOddShapes() throws InterruptedException {
    Random random = new Random(14);
    try (ThreadBudget budget = new ThreadBudget(2)) {
      for (int i = 0; i < 40; i++) {
        int[] channels = new int[1 + random.nextInt(6)];
        int all = 0;
        for (int j = 0; j < channels.length; j++) {
          channels[j] = 1 + random.nextInt(2 * Lanes.COUNT);
          all += channels[j];
        }
        int h = 1 + random.nextInt(4);
        int w = 1 + random.nextInt(5);
        Halo halo = i % 2 == 0 ? Halo.NONE : new Halo(1, 0, 0, 1);
        SelectSpec spec = SelectSpec.join(2, h, w, channels);
        try (Arena arena = Arena.ofShared()) {
          Images images = new Images(arena, MEMORY);
          List<Images.Image> parts = new ArrayList<>();
          for (int c : channels) {
            parts.add(images.random(random, 2, c, h, w, Lanes.COUNT, halo));
          }
          Images.Image y = images.add(2, all, h, w, Lanes.COUNT, halo);
          ZeroCounts counts = new ZeroCounts(all, 2, TAU);
          Kernel kernel =
              provider
                  .select(spec, parts.stream().map(Images.Image::layout).toList(), y.layout())
                  .kernel();
          long[] first = parts.stream().mapToLong(Images.Image::first).toArray();
          images.run(kernel, first, y, budget, counts);
          for (int n = 0; n < 2; n++) {
            for (int k = 0; k < all; k++) {
              Images.Image from = parts.get(spec.image()[k]);
              for (int j = 0; j < h * w; j++) {
                float expected = images.get(from, n, spec.channel()[k], j / w, j % w);
                assertEquals(expected, images.get(y, n, k, j / w, j % w), spec::toString);
              }
            }
          }
          images.assertCounts(y, counts, TAU, spec.toString());
        }
      }
    }
  }

  @Test
  void activationsAreAccurate() throws InterruptedException {
    List<Activation> all =
        List.of(
            Activation.of(Kind.EXP),
            Activation.of(Kind.SIGMOID),
            Activation.of(Kind.SWISH),
            Activation.of(Kind.TANH),
            new Activation(Kind.ELU, 1.5f, 0f),
            new Activation(Kind.SELU, 1.6732632f, 1.050701f),
            new Activation(Kind.CELU, 2f, 0f),
            new Activation(Kind.HARD_SIGMOID, 0.2f, 0.5f),
            Activation.of(Kind.HARD_SWISH),
            Activation.of(Kind.SOFTSIGN),
            Activation.of(Kind.ABS),
            Activation.of(Kind.NEG),
            Activation.of(Kind.RECIPROCAL),
            new Activation(Kind.THRESHOLDED_RELU, 0.7f, 0f),
            new Activation(Kind.LEAKY_RELU, -0.2f, 0f));
    float[] values = {
      0f,
      -0f,
      1e-30f,
      -1e-30f,
      1e-4f,
      -1e-4f,
      0.01f,
      -0.3f,
      0.34f,
      0.36f,
      1f,
      -1f,
      2.5f,
      -7f,
      9f,
      -9.2f,
      30f,
      -30f,
      80f,
      -87f,
      -100f,
      88.5f,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      Float.NaN
    };
    int v = Lanes.COUNT;
    for (Activation f : all) {
      try (Arena arena = Arena.ofShared();
          ThreadBudget budget = new ThreadBudget(1)) {
        Images images = new Images(arena, 1 << 20);
        Images.Image x = images.add(1, 1, 1, values.length, v, Halo.NONE);
        Images.Image y = images.add(1, 1, 1, values.length, v, Halo.NONE);
        for (int i = 0; i < values.length; i++) {
          images.memory.set(
              ValueLayout.JAVA_FLOAT, x.first() + x.layout().offset(0, 0, 0, i), values[i]);
        }
        PointwiseSpec spec =
            new PointwiseSpec(
                1, 1, 1, values.length, PointwiseSpec.Op.COPY, PointwiseSpec.Second.NONE, f);
        Kernel kernel = provider.pointwise(spec, x.layout(), null, y.layout()).kernel();
        try (ThreadBudget.Team team = budget.acquire()) {
          kernel.run(
              images.memory, new long[] {x.first()}, y.first(), images.scratch(), team, null);
        }
        for (int i = 0; i < values.length; i++) {
          float expected = (float) Images.activate(f, values[i]);
          float got = images.get(y, 0, 0, 0, i);
          double tolerance = Math.max(Math.abs(expected) * 6e-7, Float.MIN_NORMAL);
          boolean same =
              Float.isNaN(expected)
                  ? Float.isNaN(got)
                  : Float.isInfinite(expected)
                      ? got == expected
                      : Math.abs(got - expected) <= tolerance;
          // Swish of −∞ is −∞ · 0; a limit, not a value.
          assertTrue(
              same || values[i] == Float.NEGATIVE_INFINITY && f.kind() == Kind.SWISH,
              f + " of " + values[i] + ": expected " + expected + ", got " + got);
        }
      }
    }
  }

  @Test
  void localResponseNormalisationOfOddShapes() throws InterruptedException {
    Random random = new Random(17);
    int v = Lanes.COUNT;
    try (ThreadBudget budget = new ThreadBudget(2)) {
      for (int c : new int[] {1, 3, v - 1, v, v + 1, 3 * v + 2}) {
        for (int size : new int[] {1, 2, 3, 5}) {
          float beta = random.nextBoolean() ? 0.75f : 0.4f;
          LrnSpec spec = new LrnSpec(2, c, 3, 5, size, 0.3f, beta, 1.5f);
          try (Arena arena = Arena.ofShared()) {
            Images images = new Images(arena, MEMORY);
            Images.Image x = images.random(random, 2, c, 3, 5, v, new Halo(1, 0, 0, 1));
            Images.Image y = images.add(2, c, 3, 5, v, Halo.NONE);
            Kernel kernel = provider.localResponse(spec, x.layout(), y.layout()).kernel();
            ZeroCounts counts = new ZeroCounts(c, 2, TAU);
            images.run(kernel, new long[] {x.first()}, y, budget, counts);
            for (int n = 0; n < 2; n++) {
              for (int k = 0; k < c; k++) {
                for (int p = 0; p < 15; p++) {
                  double sum = 0;
                  int end = Math.min(c, k - (size - 1) / 2 + size);
                  for (int j = Math.max(0, k - (size - 1) / 2); j < end; j++) {
                    double a = images.get(x, n, j, p / 5, p % 5);
                    sum += a * a;
                  }
                  double expected =
                      images.get(x, n, k, p / 5, p % 5) / Math.pow(1.5 + 0.3 / size * sum, beta);
                  assertEquals(
                      expected,
                      images.get(y, n, k, p / 5, p % 5),
                      16 * EPSILON * (1 + Math.abs(expected)),
                      spec::toString);
                }
              }
            }
            images.assertCounts(y, counts, TAU, spec.toString());
          }
        }
      }
    }
  }

  @Test
  void softmaxOverChannelsOfOddShapes() throws InterruptedException {
    Random random = new Random(19);
    int v = Lanes.COUNT;
    try (ThreadBudget budget = new ThreadBudget(2)) {
      for (int c : new int[] {1, 3, v - 1, v, v + 1, 10 * v + 2}) {
        for (boolean logarithm : new boolean[] {false, true}) {
          SoftmaxSpec spec = new SoftmaxSpec(2, c, 2, 3, logarithm);
          try (Arena arena = Arena.ofShared()) {
            Images images = new Images(arena, MEMORY);
            Images.Image x = images.random(random, 2, c, 2, 3, v, new Halo(1, 0, 0, 1));
            Images.Image y = images.add(2, c, 2, 3, v, Halo.NONE);
            Kernel kernel = provider.softmax(spec, x.layout(), y.layout()).kernel();
            ZeroCounts counts = new ZeroCounts(c, 2, TAU);
            images.run(kernel, new long[] {x.first()}, y, budget, counts);
            for (int n = 0; n < 2; n++) {
              for (int p = 0; p < 6; p++) {
                double sum = 0;
                for (int k = 0; k < c; k++) {
                  sum += Math.exp(images.get(x, n, k, p / 3, p % 3));
                }
                for (int k = 0; k < c; k++) {
                  double d = images.get(x, n, k, p / 3, p % 3);
                  assertEquals(
                      logarithm ? d - Math.log(sum) : Math.exp(d) / sum,
                      images.get(y, n, k, p / 3, p % 3),
                      32 * EPSILON * (1 + (logarithm ? Math.abs(d) + Math.log(sum) : 0)),
                      spec::toString);
                }
              }
            }
            images.assertCounts(y, counts, TAU, spec.toString());
          }
        }
      }
    }
  }

  /** Interpreted, then compiled: the order of a sum must not depend on it. */
  @Test
  void sameBitsWhenCompiled() {
    int c = 62 * Lanes.COUNT + 2;
    int pixels = 8;
    try (Arena arena = Arena.ofShared()) {
      Images images = new Images(arena, MEMORY);
      Images.Image x = images.random(new Random(23), 1, c, 1, pixels, Lanes.COUNT, Halo.NONE);
      Images.Image y = images.add(1, c, 1, pixels, Lanes.COUNT, Halo.NONE);
      SoftmaxSpec softmax = new SoftmaxSpec(1, c, 1, pixels, false);
      LrnSpec normalisation = new LrnSpec(1, c, 1, pixels, 5, 0.1f, 0.6f, 1f);
      for (Kernel kernel :
          List.of(
              provider.softmax(softmax, x.layout(), y.layout()).kernel(),
              provider.localResponse(normalisation, x.layout(), y.layout()).kernel())) {
        int[] first = null;
        for (int i = 0; i < 2_000; i++) {
          kernel.run(
              images.memory,
              new long[] {x.first()},
              y.first(),
              images.scratch(),
              Parallel.serial(),
              null);
          int[] bits = new int[c * pixels];
          for (int k = 0; k < bits.length; k++) {
            bits[k] = Float.floatToRawIntBits(images.get(y, 0, k / pixels, 0, k % pixels));
          }
          first = first == null ? bits : first;
          assertArrayEquals(first, bits, kernel.name() + ", run " + i);
        }
      }
    }
  }
}
