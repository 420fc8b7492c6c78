package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tacet.Model;
import tacet.ModelOptions;
import tacet.NetworkBuilder;
import tacet.Session;

/** What the calling thread allocates in a run of a session. */
class AllocationTest {

  private static final int STEPS = 5;

  /** A kernel makes one object per run, the body of its loop; nothing goes by layers' sizes. */
  private static final int BYTES_PER_STEP = 160;

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void runsOfASession(int threads) throws InterruptedException {
    ThreadMXBean allocation = (ThreadMXBean) ManagementFactory.getThreadMXBean();
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
      long least = Long.MAX_VALUE;
      // Until it is compiled, every SIMD instruction makes an object; how long that takes is the
      // machine's affair.
      long end = System.nanoTime() + 60_000_000_000L;
      while (least > STEPS * BYTES_PER_STEP && System.nanoTime() < end) {
        long before = allocation.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 50; i++) {
          session.run();
        }
        least = Math.min(least, (allocation.getCurrentThreadAllocatedBytes() - before) / 50);
      }
      assertTrue(least <= STEPS * BYTES_PER_STEP, "bytes per run: " + least);
    }
  }
}
