package tacet.plan;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider.Choice;
import tacet.kernels.Parallel;

/**
 * Finds the {@link CostCurve} of a layer by running both of its kernels on random inputs, on one thread. Layers of the same
 * shape are measured once, and all of them together in bounded time; what is left is estimated.
 */
final class Calibration {

  /** Longest that one layer is measured; the first ones are compiled meanwhile. */
  private static final long MOST_NANOS = 500_000_000;

  /** Rounds without a new best time after which kernels count as compiled and their times as found. */
  private static final int PATIENCE = 5;

  private static final double FEW_ZEROS = 0.4;
  private static final double MANY_ZEROS = 0.9;

  private record Key(
      String dense,
      String skipping,
      long multiplyAdds,
      List<ImageLayout> inputs,
      ImageLayout output) {}

  private final Map<Key, CostCurve> known = new HashMap<>();
  private final Parallel parallel = Parallel.serial();
  private long left;

  /**
   * @param nanos time for all layers; 0 to estimate
   */
  Calibration(long nanos) {
    this.left = nanos;
  }

  CostCurve of(Choice choice, List<Placement.Image> inputs, Placement.Image output) {
    List<ImageLayout> layouts = inputs.stream().map(Placement.Image::layout).toList();
    Key key =
        new Key(
            choice.kernel().name(),
            choice.skipping().name(),
            choice.kernel().multiplyAdds(),
            layouts,
            output.layout());
    CostCurve curve = known.get(key);
    if (curve == null) {
      curve = left > 0 ? measure(choice, inputs, output) : estimate(choice);
      known.put(key, curve);
    }
    return curve;
  }

  /**
   * What the shares were where this was written, with the dense kernel's time as unit: a dense layer reads its rows either
   * way, a convolution's skipping kernel needs time of its own to list the values. Its figures are those against the fastest
   * dense algorithm, so that an estimate rather leaves a gain than makes a loss.
   */
  private static CostCurve estimate(Choice choice) {
    double time = choice.kernel().multiplyAdds();
    return choice.kernel().getClass() == choice.skipping().getClass()
        ? new CostCurve(time, 0.01 * time, 0.99 * time, false)
        : new CostCurve(time, 0.5 * time, 3 * time, false);
  }

  private CostCurve measure(Choice choice, List<Placement.Image> inputs, Placement.Image output) {
    long start = System.nanoTime();
    try (Arena arena = Arena.ofConfined()) {
      // The first input twice, with few zeros and with many; the others once.
      List<Placement.Image> images = new ArrayList<>(inputs);
      images.add(inputs.getFirst());
      images.add(output);
      long bytes = 0;
      long[] first = new long[images.size()];
      for (int i = 0; i < first.length; i++) {
        ImageLayout l = images.get(i).layout();
        long around = align(l.origin(images.get(i).halo()));
        first[i] = bytes + around;
        bytes = align(first[i] + l.bytes() + around);
      }
      long scratch = Math.max(choice.kernel().scratchBytes(1), choice.skipping().scratchBytes(1));
      MemorySegment memory = arena.allocate(bytes + scratch, 64);
      long[] few = Arrays.copyOf(first, inputs.size());
      long[] many = few.clone();
      many[0] = first[inputs.size()];
      fill(memory, inputs.getFirst().layout(), few[0], FEW_ZEROS);
      fill(memory, inputs.getFirst().layout(), many[0], MANY_ZEROS);
      long out = first[inputs.size() + 1];
      double dense = Double.MAX_VALUE;
      double fewTime = Double.MAX_VALUE;
      double manyTime = Double.MAX_VALUE;
      for (int since = 0; since < PATIENCE && System.nanoTime() - start < MOST_NANOS; since++) {
        double before = dense + fewTime + manyTime;
        dense = Math.min(dense, time(choice.kernel(), memory, few, out, bytes));
        fewTime = Math.min(fewTime, time(choice.skipping(), memory, few, out, bytes));
        manyTime = Math.min(manyTime, time(choice.skipping(), memory, many, out, bytes));
        if (dense + fewTime + manyTime < 0.97 * before || !choice.kernel().isSettled()) {
          since = -1;
        }
      }
      return CostCurve.through(dense, FEW_ZEROS, fewTime, MANY_ZEROS, manyTime);
    } finally {
      left -= System.nanoTime() - start;
    }
  }

  private long time(Kernel kernel, MemorySegment m, long[] in, long out, long scratch) {
    long start = System.nanoTime();
    kernel.run(m, in, out, scratch, parallel, null);
    return System.nanoTime() - start;
  }

  private static void fill(MemorySegment m, ImageLayout l, long first, double zeros) {
    SplittableRandom random = new SplittableRandom(1);
    for (int n = 0; n < l.batch(); n++) {
      for (int c = 0; c < l.channels(); c++) {
        for (int y = 0; y < l.height(); y++) {
          for (int x = 0; x < l.width(); x++) {
            m.set(
                ValueLayout.JAVA_FLOAT_UNALIGNED,
                first + l.offset(n, c, y, x),
                random.nextDouble() < zeros ? 0f : 1f);
          }
        }
      }
    }
  }

  private static long align(long bytes) {
    return (bytes + 63) / 64 * 64;
  }
}
