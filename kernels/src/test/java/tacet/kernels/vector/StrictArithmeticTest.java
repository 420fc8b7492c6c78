package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tacet.kernels.Activation;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.KernelProvider;
import tacet.kernels.KernelProvider.Choice;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.ThreadBudget;
import tacet.kernels.Weights;

/** What strict arithmetic promises of every output, and which kernels keep it. */
class StrictArithmeticTest {

  private static final long MEMORY = 16L << 20;
  private static final String WINOGRAD = "winograd";

  /** Channels, pixels along an axis, kernel extent, and whether Winograd's algorithm would be chosen otherwise. */
  @ParameterizedTest
  @CsvSource({"64, 28, 3, true", "128, 14, 3, true", "64, 14, 1, false", "32, 15, 5, false"})
  void everyOutputIsTheSumOfItsProducts(int channels, int side, int kernel, boolean otherwise)
      throws InterruptedException {
    Random random = new Random(channels);
    int outputs = 40;
    int pad = kernel / 2;
    ConvSpec spec =
        new ConvSpec(
            1,
            channels,
            side,
            side,
            outputs,
            side,
            side,
            1,
            kernel,
            kernel,
            1,
            1,
            pad,
            pad,
            1,
            1,
            false,
            Activation.IDENTITY);
    int products = channels * kernel * kernel;
    float[] weights = new float[outputs * products];
    float[] magnitudes = new float[weights.length];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (float) random.nextGaussian();
      magnitudes[i] = Math.abs(weights[i]);
    }
    KernelProvider provider = new VectorProvider();
    try (Arena arena = Arena.ofShared();
        ThreadBudget budget = new ThreadBudget(1);
        ThreadBudget.Team team = budget.acquire()) {
      Images images = new Images(arena, MEMORY);
      Images.Image x = images.random(random, 1, channels, side, side, Lanes.COUNT, spec.halo());
      images.rectify(x);
      Images.Image y = images.add(1, outputs, side, side, Lanes.COUNT, Halo.NONE);
      Choice any = choice(provider, spec, x, y, weights, arena);
      Choice strict = choice(provider.strict(), spec, x, y, weights, arena);
      assertEquals(otherwise, any.kernel().name().startsWith(WINOGRAD), any.kernel().name());
      assertEquals(otherwise, strict.reason().contains("strict"), strict.reason());
      assertTrue(!strict.kernel().name().startsWith(WINOGRAD), strict.kernel().name());
      strict
          .kernel()
          .run(images.memory, new long[] {x.first()}, y.first(), images.scratch(), team, null);
      // Each product and each addition is rounded once; inputs are not negative.
      double unit = Math.ulp(1f) / 2.0 * (Lanes.HAS_FMA ? 1 : 2);
      for (int m = 0; m < outputs; m++) {
        for (int p = 0; p < side * side; p++) {
          double exact = images.convolution(spec, x, weights, null, null, 0, m, p / side, p % side);
          double most =
              images.convolution(spec, x, magnitudes, null, null, 0, m, p / side, p % side);
          double error = Math.abs(exact - images.get(y, 0, m, p / side, p % side));
          assertTrue(error <= products * unit * most, () -> spec + ": " + error + " of " + most);
        }
      }
    }
  }

  private static Choice choice(
      KernelProvider provider,
      ConvSpec spec,
      Images.Image x,
      Images.Image y,
      float[] weights,
      Arena arena) {
    return provider.convolution(
        spec, x.layout(), y.layout(), null, FlattenOrder.NONE, Weights.of(weights), null, arena);
  }
}
