package tacet.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider.Skipping;
import tacet.kernels.Parallel;
import tacet.kernels.ZeroCounts;

/** How kernels are timed, on kernels made up. */
class CalibrationTest {

  private static final ImageLayout LAYOUT = ImageLayout.of(1, 64, 8, 8, 8, Halo.NONE);

  private static final long DENSE_NANOS = 400_000;

  private static Placement.Image image() {
    return new Placement.Image(new Buffer(LAYOUT.bytes(), 0), LAYOUT, 0, Halo.NONE, false);
  }

  /** Takes a time in proportion to what it does not skip, and is settled once it has counted. */
  private static final class MadeUp implements Kernel {
    private final boolean skips;
    private boolean hasCounted;

    MadeUp(boolean skips) {
      this.skips = skips;
    }

    @Override
    public String name() {
      return skips ? "made up, skipping" : "made up";
    }

    @Override
    public long scratchBytes(int threads) {
      return 0;
    }

    @Override
    public long multiplyAdds() {
      return 1_000_000;
    }

    @Override
    public boolean isSettled() {
      return hasCounted;
    }

    @Override
    public void run(
        MemorySegment memory,
        long[] inputs,
        long output,
        long scratch,
        Parallel parallel,
        ZeroCounts counts) {
      long start = System.nanoTime();
      hasCounted |= counts != null;
      long elements = LAYOUT.bytes() / Float.BYTES;
      long zeros = 0;
      for (long i = 0; i < elements; i++) {
        zeros += memory.get(ValueLayout.JAVA_FLOAT, inputs[0] + i * Float.BYTES) == 0f ? 1 : 0;
      }
      double share = skips ? 1 - (double) zeros / elements : 1;
      while (System.nanoTime() - start < share * DENSE_NANOS) {
        Thread.onSpinWait();
      }
    }
  }

  private static CostCurve curve(long nanos) {
    Skipping skipping = Skipping.values("made up", _ -> new MadeUp(true), 0.5, 2);
    return new Calibration(nanos).of(new MadeUp(false), skipping, List.of(image()), image());
  }

  /** Another network's run may have left the kernel unsettled that counts; a plan for this one must not wait for it in vain. */
  @Test
  void kernelsThatCountingAloneSettlesAreMeasured() {
    CostCurve curve = curve(1_000_000_000);
    assertTrue(curve.measured());
    assertTrue(curve.dense() >= DENSE_NANOS);
    assertTrue(curve.crossover() < 0.5, curve.toString());
  }

  @Test
  void withoutTimeForItTheyAreEstimated() {
    CostCurve curve = curve(0);
    assertFalse(curve.measured());
    assertEquals(1, curve.crossover());
  }
}
