package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import tacet.kernels.Activation;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.PoolSpec;
import tacet.kernels.ThreadBudget;
import tacet.kernels.ZeroCounts;

/** Images in one memory for tests, and the operations on them spelt out in double precision. */
final class Images {

  /** An image's place in memory. */
  record Image(ImageLayout layout, ImageLayout.Halo halo, long first) {}

  /** Longs of each thread that kernels find filled with what leads nowhere. */
  private static final int STALE = 1 << 12;

  /** Bytes behind a kernel's scratch memory that are looked at. */
  private static final int BEHIND = 4096;

  final MemorySegment memory;
  private long next;

  Images(Arena arena, long bytes) {
    memory = arena.allocate(bytes, 64);
    // Whatever a kernel reads without right shows up as NaN.
    for (long o = 0; o < bytes; o += Float.BYTES) {
      memory.set(ValueLayout.JAVA_FLOAT, o, Float.NaN);
    }
  }

  Image add(int n, int c, int h, int w, int lanes, ImageLayout.Halo halo) {
    ImageLayout layout = ImageLayout.of(n, c, h, w, lanes, halo);
    Image image = new Image(layout, halo, next + layout.origin(halo));
    if (!halo.isNone()) {
      tacet.kernels.pack.Reorder.clearHalo(memory, layout, halo, image.first);
    }
    next = (next + layout.bytes() + 63) / 64 * 64;
    return image;
  }

  long scratch() {
    return next;
  }

  Image random(Random random, int n, int c, int h, int w, int lanes, ImageLayout.Halo halo) {
    Image image = add(n, c, h, w, lanes, halo);
    ImageLayout l = image.layout;
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < c; k++) {
        for (int y = 0; y < h; y++) {
          for (int x = 0; x < w; x++) {
            float v = random.nextInt(4) == 0 ? 0f : (float) random.nextGaussian();
            memory.set(ValueLayout.JAVA_FLOAT, image.first + l.offset(i, k, y, x), v);
          }
        }
      }
    }
    return image;
  }

  /** Sets what is negative to zero. */
  void rectify(Image image) {
    ImageLayout l = image.layout;
    for (int n = 0; n < l.batch(); n++) {
      for (int c = 0; c < l.channels(); c++) {
        for (int y = 0; y < l.height(); y++) {
          for (int x = 0; x < l.width(); x++) {
            long at = image.first + l.offset(n, c, y, x);
            float v = memory.get(ValueLayout.JAVA_FLOAT, at);
            memory.set(ValueLayout.JAVA_FLOAT, at, Math.max(v, 0f));
          }
        }
      }
    }
  }

  float get(Image image, int n, int c, int y, int x) {
    return memory.get(ValueLayout.JAVA_FLOAT, image.first + image.layout.offset(n, c, y, x));
  }

  private double padded(Image image, int n, int c, int y, int x) {
    ImageLayout l = image.layout;
    return y < 0 || x < 0 || y >= l.height() || x >= l.width() ? 0 : get(image, n, c, y, x);
  }

  double convolution(
      ConvSpec s, Image in, float[] w, float[] bias, Image residual, int n, int m, int y, int x) {
    int inPerGroup = s.inChannels() / s.groups();
    int group = m / (s.outChannels() / s.groups());
    double sum = bias == null ? 0 : bias[m];
    for (int c = 0; c < inPerGroup; c++) {
      for (int ky = 0; ky < s.kernelHeight(); ky++) {
        for (int kx = 0; kx < s.kernelWidth(); kx++) {
          sum +=
              w[((m * inPerGroup + c) * s.kernelHeight() + ky) * s.kernelWidth() + kx]
                  * padded(
                      in,
                      n,
                      group * inPerGroup + c,
                      y * s.strideY() - s.padTop() + ky * s.dilationY(),
                      x * s.strideX() - s.padLeft() + kx * s.dilationX());
        }
      }
    }
    return residual == null ? sum : sum + get(residual, n, m, y, x);
  }

  double pool(PoolSpec s, Image in, int n, int c, int y, int x) {
    double max = Double.NEGATIVE_INFINITY;
    double sum = 0;
    int seen = 0;
    for (int ky = 0; ky < s.kernelHeight(); ky++) {
      for (int kx = 0; kx < s.kernelWidth(); kx++) {
        int iy = y * s.strideY() - s.padTop() + ky * s.dilationY();
        int ix = x * s.strideX() - s.padLeft() + kx * s.dilationX();
        boolean inside = iy >= 0 && ix >= 0 && iy < s.inHeight() && ix < s.inWidth();
        if (inside) {
          max = Math.max(max, get(in, n, c, iy, ix));
          sum += get(in, n, c, iy, ix);
        }
        boolean stated = iy < s.inHeight() + s.padBottom() && ix < s.inWidth() + s.padRight();
        seen += inside || s.countIncludePad() && stated ? 1 : 0;
      }
    }
    return s.max() ? max : sum / seen;
  }

  static double activate(Activation f, double x) {
    return switch (f.kind()) {
      case IDENTITY -> x;
      case RELU -> Math.max(x, 0);
      case CLIP -> Math.min(Math.max(x, f.alpha()), f.beta());
      case LEAKY_RELU -> x < 0 ? f.alpha() * x : x;
      case THRESHOLDED_RELU -> x > f.alpha() ? x : 0;
      case ELU -> x < 0 ? f.alpha() * Math.expm1(x) : x;
      case SELU -> f.beta() * (x < 0 ? f.alpha() * Math.expm1(x) : x);
      case CELU -> x < 0 ? f.alpha() * Math.expm1(x / f.alpha()) : x;
      case SIGMOID -> 1 / (1 + Math.exp(-x));
      case SWISH -> x / (1 + Math.exp(-x));
      case TANH -> Math.tanh(x);
      case HARD_SIGMOID -> Math.clamp(f.alpha() * x + f.beta(), 0.0, 1.0);
      case HARD_SWISH -> x * Math.clamp(x / 6 + 0.5, 0.0, 1.0);
      case SOFTSIGN -> x / (1 + Math.abs(x));
      case EXP -> Math.exp(x);
      case SQRT -> Math.sqrt(x);
      case ABS -> Math.abs(x);
      case NEG -> -x;
      case RECIPROCAL -> 1 / x;
      default -> throw new AssertionError(f.kind());
    };
  }

  /** Zeros, near zeros and negatives per channel, counted one by one. */
  long[][] recount(Image image, float tau) {
    ImageLayout l = image.layout;
    long[][] counts = new long[3][l.channels()];
    for (int n = 0; n < l.batch(); n++) {
      for (int c = 0; c < l.channels(); c++) {
        for (int y = 0; y < l.height(); y++) {
          for (int x = 0; x < l.width(); x++) {
            float v = get(image, n, c, y, x);
            counts[0][c] += v == 0 ? 1 : 0;
            counts[1][c] += Math.abs(v) < tau ? 1 : 0;
            counts[2][c] += v < 0 ? 1 : 0;
          }
        }
      }
    }
    return counts;
  }

  static long[][] counted(ZeroCounts counts, ZeroCounts.Kind... kinds) {
    long[][] out = new long[kinds.length][];
    for (int i = 0; i < kinds.length; i++) {
      out[i] = counts.perChannel(kinds[i]);
    }
    return out;
  }

  /** Makes whole vectors of channels zero; returns how many channels are left. */
  int killVectors(Random random, Image x, double share) {
    ImageLayout l = x.layout();
    int alive = 0;
    for (int b = 0; b < l.blocks(); b++) {
      int to = Math.min(l.channels(), (b + 1) * l.lanes());
      if (random.nextDouble() >= share) {
        alive += to - b * l.lanes();
        continue;
      }
      for (int n = 0; n < l.batch(); n++) {
        for (int c = b * l.lanes(); c < to; c++) {
          for (int y = 0; y < l.height(); y++) {
            for (int i = 0; i < l.width(); i++) {
              memory.set(
                  ValueLayout.JAVA_FLOAT, x.first() + l.offset(n, c, y, i), i % 2 == 0 ? 0f : -0f);
            }
          }
        }
      }
    }
    return alive;
  }

  /**
   * Runs a kernel, with what is left of the memory for scratch, and merges the counts if there are any. It must leave alone
   * what lies behind the scratch that it asks for.
   */
  void run(Kernel kernel, long[] inputs, Image y, ThreadBudget budget, ZeroCounts counts)
      throws InterruptedException {
    assertTrue(next + kernel.scratchBytes(budget.threads()) <= memory.byteSize());
    try (ThreadBudget.Team team = budget.acquire()) {
      long end = next + kernel.scratchBytes(team.threads());
      MemorySegment behind = memory.asSlice(end, Math.min(BEHIND, memory.byteSize() - end));
      for (int thread = 0; thread < team.threads(); thread++) {
        Arrays.fill(team.longs(thread, STALE), Long.MAX_VALUE / 2);
      }
      byte[] before = behind.toArray(ValueLayout.JAVA_BYTE);
      kernel.run(memory, inputs, y.first(), next, team, counts);
      assertArrayEquals(
          before, behind.toArray(ValueLayout.JAVA_BYTE), () -> "behind scratch: " + kernel.name());
    }
    if (counts != null) {
      counts.merge();
    }
  }

  /** All elements, channels first. */
  float[] values(Image image) {
    ImageLayout l = image.layout;
    float[] values = new float[l.batch() * l.channels() * l.height() * l.width()];
    int i = 0;
    for (int n = 0; n < l.batch(); n++) {
      for (int c = 0; c < l.channels(); c++) {
        for (int y = 0; y < l.height(); y++) {
          for (int x = 0; x < l.width(); x++) {
            values[i++] = get(image, n, c, y, x);
          }
        }
      }
    }
    return values;
  }

  /** Counts equal those of the image's values. */
  void assertCounts(Image y, ZeroCounts counts, float tau, String what) {
    assertArrayEquals(
        recount(y, tau),
        counted(counts, ZeroCounts.Kind.ZERO, ZeroCounts.Kind.NEAR_ZERO, ZeroCounts.Kind.NEGATIVE),
        what);
  }
}
