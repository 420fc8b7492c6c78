package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.ServiceLoader;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tacet.Model;
import tacet.ModelOptions;
import tacet.NetworkBuilder;
import tacet.Session;
import tacet.kernels.Activation;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.KernelProvider.Skipping;
import tacet.kernels.ThreadBudget;
import tacet.kernels.Weights;
import tacet.kernels.ZeroCounts;

/** What the calling thread allocates in a run of a session, and of kernels that a session runs only where it has zeros. */
class AllocationTest {

  /** The same of kernels that skip: theirs have the most fields. */
  private static final int BYTES_OF_A_BODY = 256;

  private static final int STEPS = 5;
  private static final ConvSpec DENSE = conv(512, 1, 256, 1, 1);
  private static final long MEMORY = 8L << 20;

  /** A kernel makes one object per run, the body of its loop; nothing goes by layers' sizes. */
  private static final int BYTES_PER_STEP = 160;

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void runsOfASession(int threads) throws InterruptedException {
    NetworkBuilder b = new NetworkBuilder("allocation", 7);
    // So large that the first convolution and its pool take turns.
    String x = b.input("image", 1, 3, 96, 96);
    x = b.relu("relu1", b.convolution("conv1", x, 32, 3, 1, 1));
    x = b.maxPool("pool", x, 2, 2);
    x = b.relu("relu2", b.convolution("conv2", x, 32, 3, 1, 1));
    x = b.dense("dense", b.flatten("flat", x), 10);
    ModelOptions options = ModelOptions.defaults().withThreads(threads);
    try (Model model = Model.of(b.build(x), options);
        Session session = model.session()) {
      assertAllocatesNothing(STEPS * BYTES_PER_STEP, session::run);
    }
  }

  /** Every kernel that skips zeros, of vectors or single ones, beside a matrix product, Winograd's algorithm and rows of a dense layer. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void kernelsThatSkipZeros(int threads) throws InterruptedException {
    KernelProvider simd =
        ServiceLoader.load(KernelProvider.class).stream()
            .map(ServiceLoader.Provider::get)
            .filter(p -> p.name().equals("vector"))
            .findFirst()
            .orElseThrow();
    SplittableRandom random = new SplittableRandom(3);
    int kernels = 0;
    try (ThreadBudget budget = new ThreadBudget(threads);
        ThreadBudget.Team team = budget.acquire();
        Arena arena = Arena.ofShared()) {
      for (ConvSpec spec :
          List.of(conv(64, 14, 128, 1, 1), conv(64, 14, 64, 3, 1), conv(64, 14, 64, 3, 2), DENSE)) {
        ImageLayout in = layout(simd, spec.inChannels(), spec.inHeight(), spec.halo());
        ImageLayout out = layout(simd, spec.outChannels(), spec.outHeight(), Halo.NONE);
        MemorySegment memory = arena.allocate(MEMORY, 64);
        fill(memory, in, in.origin(spec.halo()), random);
        Weights weights =
            Weights.of(
                floats(
                    spec.inChannels()
                        * spec.outChannels()
                        * spec.kernelHeight()
                        * spec.kernelWidth(),
                    random));
        for (Skipping s : simd.skipping(spec, in, out, null, FlattenOrder.NONE, weights, null)) {
          Kernel kernel = s.prepare(arena);
          long y = MEMORY / 4;
          long scratch = MEMORY / 2;
          assertTrue(kernel.scratchBytes(threads) < MEMORY / 2);
          ZeroCounts counts = new ZeroCounts(spec.outChannels(), threads, 0.01f);
          long[] inputs = {in.origin(spec.halo())};
          assertAllocatesNothing(
              BYTES_OF_A_BODY,
              () -> {
                kernel.run(memory, inputs, y, scratch, team, counts);
                counts.merge();
              });
          assertTrue(counts.skipped() > 0, kernel.name());
          kernels++;
        }
      }
    }
    assertEquals(7, kernels);
  }

  private static ConvSpec conv(int in, int side, int out, int kernel, int stride) {
    int pad = kernel / 2;
    int to = (side + 2 * pad - kernel) / stride + 1;
    return new ConvSpec(
        1,
        in,
        side,
        side,
        out,
        to,
        to,
        1,
        kernel,
        kernel,
        stride,
        stride,
        pad,
        pad,
        1,
        1,
        false,
        Activation.RELU);
  }

  private static ImageLayout layout(KernelProvider simd, int channels, int side, Halo halo) {
    return ImageLayout.of(1, channels, side, side, simd.lanes(), halo);
  }

  private static float[] floats(int n, SplittableRandom random) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  /** Four of five values are zero, and so are all of every other block of channels. */
  private static void fill(MemorySegment m, ImageLayout l, long first, SplittableRandom random) {
    for (int c = 0; c < l.channels(); c++) {
      for (int y = 0; y < l.height(); y++) {
        for (int x = 0; x < l.width(); x++) {
          boolean zero = c / l.lanes() % 2 == 0 || random.nextInt(5) > 0;
          m.set(
              ValueLayout.JAVA_FLOAT,
              first + l.offset(0, c, y, x),
              zero ? 0 : (float) random.nextGaussian());
        }
      }
    }
  }

  private interface Run {
    void run() throws InterruptedException;
  }

  private static void assertAllocatesNothing(int bytes, Run run) throws InterruptedException {
    ThreadMXBean allocation = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long least = Long.MAX_VALUE;
    // Until it is compiled, every SIMD instruction makes an object; how long that takes is the
    // machine's affair.
    long end = System.nanoTime() + 60_000_000_000L;
    while (least > bytes && System.nanoTime() < end) {
      long before = allocation.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 50; i++) {
        run.run();
      }
      least = Math.min(least, (allocation.getCurrentThreadAllocatedBytes() - before) / 50);
    }
    assertTrue(least <= bytes, "bytes per run: " + least);
  }
}
