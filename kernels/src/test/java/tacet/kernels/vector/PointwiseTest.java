package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tacet.kernels.Activation;
import tacet.kernels.Activation.Kind;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.Kernel;
import tacet.kernels.PointwiseSpec;
import tacet.kernels.PointwiseSpec.Op;
import tacet.kernels.PointwiseSpec.Second;
import tacet.kernels.ThreadBudget;
import tacet.kernels.ZeroCounts;

/** Element-wise kernels against the same arithmetic spelt out, and their counts against a recount. */
class PointwiseTest {

  private static final float TAU = 0.05f;

  private static final List<Activation> ACTIVATIONS =
      List.of(
          Activation.IDENTITY,
          Activation.RELU,
          new Activation(Kind.CLIP, -0.5f, 0.5f),
          new Activation(Kind.LEAKY_RELU, 0.1f, 0f),
          Activation.of(Kind.SIGMOID));

  @ParameterizedTest
  @EnumSource
  void oddShapes(Op op) throws InterruptedException {
    Random random = new Random(31 + op.ordinal());
    List<Second> seconds =
        op == Op.COPY
            ? List.of(Second.NONE)
            : List.of(Second.SAME, Second.PER_CHANNEL, Second.PER_CHANNEL_ALL_IMAGES);
    int v = Lanes.COUNT;
    for (Second second : seconds) {
      for (Activation f : ACTIVATIONS) {
        int[] channels = {1, v - 1, v, 2 * v + 3};
        int c = channels[random.nextInt(channels.length)];
        int h = 1 + random.nextInt(7);
        int w = 1 + random.nextInt(9);
        int threads = 1 + random.nextInt(3);
        check(new PointwiseSpec(2, c, h, w, op, second, f), threads, random);
      }
    }
  }

  private static void check(PointwiseSpec s, int threads, Random random)
      throws InterruptedException {
    int v = Lanes.COUNT;
    try (Arena arena = Arena.ofShared();
        ThreadBudget budget = new ThreadBudget(threads);
        ThreadBudget.Team team = budget.acquire()) {
      Images images = new Images(arena, 1 << 18);
      Images.Image a =
          images.random(random, 2, s.channels(), s.height(), s.width(), v, new Halo(0, 1, 1, 0));
      Images.Image b =
          switch (s.second()) {
            case NONE -> null;
            case SAME ->
                images.random(random, 2, s.channels(), s.height(), s.width(), v, Halo.NONE);
            case PER_CHANNEL -> images.random(random, 2, s.channels(), 1, 1, v, Halo.NONE);
            case PER_CHANNEL_ALL_IMAGES ->
                images.random(random, 1, s.channels(), 1, 1, v, Halo.NONE);
          };
      Images.Image y = images.add(2, s.channels(), s.height(), s.width(), v, new Halo(1, 0, 0, 1));
      Kernel kernel =
          new VectorProvider()
              .pointwise(s, a.layout(), b == null ? null : b.layout(), y.layout())
              .kernel();
      long[] inputs = b == null ? new long[] {a.first()} : new long[] {a.first(), b.first()};
      ZeroCounts counts = new ZeroCounts(s.channels(), threads, TAU);
      kernel.run(images.memory, inputs, y.first(), images.scratch(), team, null);
      float[] uncounted = values(images, y);
      kernel.run(images.memory, inputs, y.first(), images.scratch(), team, counts);
      counts.merge();
      assertArrayEquals(uncounted, values(images, y), s.toString());
      assertArrayEquals(
          images.recount(y, TAU),
          Images.counted(
              counts, ZeroCounts.Kind.ZERO, ZeroCounts.Kind.NEAR_ZERO, ZeroCounts.Kind.NEGATIVE),
          s.toString());
      for (int n = 0; n < 2; n++) {
        for (int c = 0; c < s.channels(); c++) {
          for (int i = 0; i < s.height() * s.width(); i++) {
            int row = i / s.width();
            int column = i % s.width();
            float x = images.get(a, n, c, row, column);
            float z = b == null ? 0 : second(s, images, b, n, c, row, column);
            float before = combine(s.op(), x, z);
            float expected = (float) Images.activate(s.activation(), before);
            float got = images.get(y, n, c, row, column);
            if (Float.isFinite(expected)) {
              assertEquals(expected, got, 1e-6 * Math.max(1, Math.abs(expected)), s::toString);
            } else {
              assertEquals(expected, got, s::toString);
            }
          }
        }
      }
    }
  }

  private static float second(
      PointwiseSpec s, Images images, Images.Image b, int n, int c, int y, int x) {
    return switch (s.second()) {
      case SAME -> images.get(b, n, c, y, x);
      case PER_CHANNEL -> images.get(b, n, c, 0, 0);
      default -> images.get(b, 0, c, 0, 0);
    };
  }

  private static float combine(Op op, float a, float b) {
    return switch (op) {
      case COPY -> a;
      case ADD -> a + b;
      case SUB -> a - b;
      case MUL -> a * b;
      case DIV -> a / b;
      case MAX -> Math.max(a, b);
      case MIN -> Math.min(a, b);
      case PRELU -> a < 0 ? a * b : a;
    };
  }

  private static float[] values(Images images, Images.Image y) {
    var l = y.layout();
    float[] values = new float[(int) l.elements()];
    int i = 0;
    for (int n = 0; n < l.batch(); n++) {
      for (int c = 0; c < l.channels(); c++) {
        for (int row = 0; row < l.height(); row++) {
          for (int x = 0; x < l.width(); x++) {
            values[i++] = images.get(y, n, c, row, x);
          }
        }
      }
    }
    return values;
  }
}
