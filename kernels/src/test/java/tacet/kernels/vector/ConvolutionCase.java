package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.util.Random;
import tacet.kernels.Activation;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.Kernel;
import tacet.kernels.ThreadBudget;
import tacet.kernels.ZeroCounts;

/**
 * A convolution of images in memory, and what comes out of it according to sums in double precision.
 *
 * @param residual or null
 */
record ConvolutionCase(
    ConvSpec spec,
    Images images,
    Images.Image x,
    Images.Image residual,
    Images.Image y,
    float[] weights,
    float[] bias) {

  private static final double EPSILON = 0x1p-24;
  private static final float TAU = 0.05f;
  private static final long MEMORY = 16L << 20;

  /**
   * A convolution of one group whose strides, dilations, padding and extents are random.
   *
   * @param leastHeight least rows of the input beside those that its kernel's dilation takes
   * @param leastWidth likewise
   */
  static ConvSpec random(
      Random random, int in, int out, int kh, int kw, int leastHeight, int leastWidth) {
    int dy = 1 + random.nextInt(2);
    int dx = 1 + random.nextInt(2);
    int sy = 1 + random.nextInt(2);
    int sx = 1 + random.nextInt(3);
    int top = random.nextInt(3);
    int left = random.nextInt(3);
    int n = 1 + random.nextInt(2);
    int h = leastHeight + random.nextInt(9) + (kh - 1) * dy;
    int w = leastWidth + random.nextInt(9) + (kw - 1) * dx;
    int oh = (h + top + random.nextInt(2) - (kh - 1) * dy - 1) / sy + 1;
    int ow = (w + left + random.nextInt(2) - (kw - 1) * dx - 1) / sx + 1;
    boolean residual = random.nextInt(3) == 0;
    Activation f = random.nextBoolean() ? Activation.RELU : Activation.of(Activation.Kind.TANH);
    return new ConvSpec(
        n, in, h, w, out, oh, ow, 1, kh, kw, sy, sx, top, left, dy, dx, residual, f);
  }

  /** With random inputs, a residual if the convolution has one, and room around the outputs. */
  static ConvolutionCase of(ConvSpec s, Random random, float[] weights, float[] bias, Arena arena) {
    int v = Lanes.COUNT;
    Images images = new Images(arena, MEMORY);
    Images.Image x =
        images.random(random, s.batch(), s.inChannels(), s.inHeight(), s.inWidth(), v, s.halo());
    Images.Image residual =
        s.residual()
            ? images.random(
                random,
                s.batch(),
                s.outChannels(),
                s.outHeight(),
                s.outWidth(),
                v,
                new Halo(0, 1, 0, 0))
            : null;
    Images.Image y =
        images.add(
            s.batch(), s.outChannels(), s.outHeight(), s.outWidth(), v, new Halo(0, 0, 1, 0));
    return new ConvolutionCase(s, images, x, residual, y, weights, bias);
  }

  /** Layout of the residual, or null. */
  ImageLayout added() {
    return residual == null ? null : residual.layout();
  }

  /** Runs a kernel and checks every output and the counts of its zeros; returns what was counted. */
  ZeroCounts check(Kernel kernel, ThreadBudget budget) throws InterruptedException {
    ZeroCounts counts = new ZeroCounts(spec.outChannels(), budget.threads(), TAU);
    long[] inputs =
        residual == null ? new long[] {x.first()} : new long[] {x.first(), residual.first()};
    images.run(kernel, inputs, y, budget, counts);
    double tolerance = 8 * EPSILON * (weights.length / spec.outChannels() + 2) * 4;
    for (int n = 0; n < spec.batch(); n++) {
      for (int m = 0; m < spec.outChannels(); m++) {
        for (int oy = 0; oy < spec.outHeight(); oy++) {
          for (int ox = 0; ox < spec.outWidth(); ox++) {
            assertEquals(
                Images.activate(
                    spec.activation(),
                    images.convolution(spec, x, weights, bias, residual, n, m, oy, ox)),
                images.get(y, n, m, oy, ox),
                tolerance,
                () -> spec + " by " + kernel.name());
          }
        }
      }
    }
    images.assertCounts(y, counts, TAU, spec.toString());
    return counts;
  }
}
