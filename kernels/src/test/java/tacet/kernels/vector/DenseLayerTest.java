package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tacet.kernels.Activation;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider.Choice;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.ThreadBudget;
import tacet.kernels.Weights;
import tacet.kernels.ZeroCounts;
import tacet.kernels.ZeroCounts.Kind;

/** Dense layers with and without skipping against sums in double precision. */
class DenseLayerTest {

  private static final double EPSILON = 0x1p-24;
  private static final float TAU = 0.05f;

  private final VectorProvider provider = new VectorProvider();

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void bothFormsOfOddShapes(int threads) throws InterruptedException {
    Random random = new Random(3 + threads);
    int v = Lanes.COUNT;
    int[] outputs = {4 * v, 4 * v + 1, 8 * v, 9 * v - 3, 16 * v, 1100, 5000};
    try (ThreadBudget budget = new ThreadBudget(threads)) {
      for (int i = 0; i < 60; i++) {
        int m = outputs[i % outputs.length];
        int c = 1 + random.nextInt(3 * v);
        int side = 1 + random.nextInt(m > 1000 ? 2 : 6);
        FlattenOrder order =
            side == 1
                ? FlattenOrder.NONE
                : random.nextBoolean() ? FlattenOrder.NCHW : FlattenOrder.NHWC;
        double zeros = new double[] {0, 0.3, 0.9, 1}[random.nextInt(4)];
        int lanes = random.nextBoolean() ? v : 1;
        check(random, budget, 1 + random.nextInt(3), c, side, order, m, lanes, zeros);
      }
    }
  }

  @Test
  void weightsOfManyPartsAndImagesOfManyPixels() throws InterruptedException {
    Random random = new Random(17);
    int v = Lanes.COUNT;
    try (ThreadBudget budget = new ThreadBudget(2)) {
      check(random, budget, 2, 1750, 1, FlattenOrder.NONE, 5000, v, 0.3);
      check(random, budget, 1, 20, 14, FlattenOrder.NCHW, 4 * v, v, 0.3);
      // A block of channels spans more weights than are picked from side by side.
      int side = (int) Math.sqrt(4096.0 / v) + 1;
      check(random, budget, 1, 20, side, FlattenOrder.NCHW, 4 * v + 3, v, 0.3);
    }
  }

  /** The same weights, lying as callers may have them. */
  private static Weights lying(Random random, float[] weights, int outputs, Arena arena) {
    boolean inputMajor = random.nextBoolean();
    int inputs = weights.length / outputs;
    MemorySegment memory = arena.allocate(weights.length * 4L + 3).asSlice(3);
    for (int i = 0; i < weights.length; i++) {
      long at = inputMajor ? (long) i % inputs * outputs + i / inputs : i;
      memory.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at * 4, weights[i]);
    }
    return inputMajor
        ? Weights.inputMajor(memory, outputs)
        : random.nextBoolean() ? Weights.of(memory) : Weights.of(weights);
  }

  private void check(
      Random random,
      ThreadBudget budget,
      int batch,
      int c,
      int side,
      FlattenOrder order,
      int m,
      int lanes,
      double zeros)
      throws InterruptedException {
    int k = c * side * side;
    Activation f = random.nextBoolean() ? Activation.RELU : Activation.of(Activation.Kind.TANH);
    boolean withResidual = random.nextInt(3) == 0;
    ConvSpec spec =
        new ConvSpec(batch, k, 1, 1, m, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, withResidual, f);
    String what = spec + " " + order + " lanes " + lanes + " zeros " + zeros;
    try (Arena arena = Arena.ofShared()) {
      Images images = new Images(arena, 4L << 20);
      Images.Image x = images.random(random, batch, c, side, side, lanes, new Halo(1, 0, 0, 1));
      int zeroInputs = 0;
      for (int n = 0; n < batch; n++) {
        for (int i = 0; i < k; i++) {
          long at = x.first() + x.layout().offset(n, i / (side * side), i / side % side, i % side);
          if (random.nextDouble() < zeros) {
            images.memory.set(ValueLayout.JAVA_FLOAT, at, random.nextBoolean() ? 0f : -0f);
          }
          zeroInputs += images.memory.get(ValueLayout.JAVA_FLOAT, at) == 0f ? 1 : 0;
        }
      }
      Images.Image residual =
          withResidual
              ? images.random(random, batch, m, 1, 1, Lanes.COUNT, new Halo(0, 1, 0, 0))
              : null;
      Images.Image y = images.add(batch, m, 1, 1, Lanes.COUNT, new Halo(0, 0, 1, 0));
      float[] weights = new float[m * k];
      float[] bias = new float[m];
      for (int i = 0; i < weights.length; i++) {
        weights[i] = (float) random.nextGaussian() / 4;
      }
      for (int i = 0; i < m; i++) {
        bias[i] = (float) random.nextGaussian();
      }
      Choice choice =
          provider.convolution(
              spec,
              x.layout(),
              y.layout(),
              residual == null ? null : residual.layout(),
              order,
              lying(random, weights, m, arena),
              bias,
              arena);
      assertInstanceOf(DenseLayer.class, choice.kernel(), what);
      Kernel skipping = choice.skipping().getFirst().prepare(arena);
      for (Kernel kernel : new Kernel[] {choice.kernel(), skipping}) {
        ZeroCounts counts = new ZeroCounts(m, budget.threads(), TAU);
        assertTrue(images.scratch() + kernel.scratchBytes(budget.threads()) <= 4L << 20);
        long[] inputs =
            residual == null ? new long[] {x.first()} : new long[] {x.first(), residual.first()};
        try (ThreadBudget.Team team = budget.acquire()) {
          kernel.run(images.memory, inputs, y.first(), images.scratch(), team, counts);
        }
        counts.merge();
        for (int n = 0; n < batch; n++) {
          for (int o = 0; o < m; o++) {
            double sum = bias[o] + (residual == null ? 0 : images.get(residual, n, o, 0, 0));
            for (int i = 0; i < k; i++) {
              int channel = order == FlattenOrder.NHWC ? i % c : i / (side * side);
              int pixel = order == FlattenOrder.NHWC ? i / c : i % (side * side);
              sum +=
                  (double) weights[o * k + i]
                      * images.get(x, n, channel, pixel / side, pixel % side);
            }
            assertEquals(
                Images.activate(f, sum),
                images.get(y, n, o, 0, 0),
                8 * EPSILON * (k + 2) * 4,
                what);
          }
        }
        long[][] recount = images.recount(y, TAU);
        assertArrayEquals(
            new long[][] {recount[0], recount[1]},
            Images.counted(counts, Kind.ZERO, Kind.NEAR_ZERO),
            what);
        boolean skips = kernel == skipping;
        assertEquals(skips ? (long) zeroInputs * m : 0, counts.skipped(), what);
      }
    }
  }

  @Test
  void infiniteWeightsAreNotSkipped() {
    int m = 4 * Lanes.COUNT;
    ConvSpec spec =
        new ConvSpec(1, 3, 1, 1, m, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, false, Activation.IDENTITY);
    for (float odd : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      float[] weights = new float[3 * m];
      weights[m + 7] = odd;
      try (Arena arena = Arena.ofShared()) {
        Images images = new Images(arena, 1 << 16);
        Images.Image x = images.add(1, 3, 1, 1, 1, Halo.NONE);
        Images.Image y = images.add(1, m, 1, 1, Lanes.COUNT, Halo.NONE);
        assertEquals(
            List.of(),
            provider
                .convolution(
                    spec,
                    x.layout(),
                    y.layout(),
                    null,
                    FlattenOrder.NONE,
                    Weights.of(weights),
                    null,
                    arena)
                .skipping());
      }
    }
  }
}
