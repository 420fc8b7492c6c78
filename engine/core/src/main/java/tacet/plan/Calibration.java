package tacet.plan;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider.Choice;
import tacet.kernels.KernelProvider.Skipping;
import tacet.kernels.KernelProvider.SparseWeights;
import tacet.kernels.Parallel;
import tacet.kernels.ZeroCounts;

/**
 * Finds the {@link CostCurve} of a layer by running both of its kernels on inputs with so many zeros, on one thread. Layers
 * of the same shape are measured once, and all of them together in bounded time. What is left is estimated, and so is what
 * had not settled: a dense kernel that still waits for the compiler makes skipping look several times better than it is.
 * By an estimate, only kernels run that are estimated to lose little even where there are no zeros, those that do what the
 * dense one does on less: others have code of their own, and until it is compiled they take a hundred times as long.
 */
final class Calibration {

  /** Longest that one layer is measured, if its kernels have been compiled already. */
  private static final long MOST_NANOS = 500_000_000;

  /** Rounds without a new best time after which times count as found. */
  private static final int PATIENCE = 5;

  /** Most of the dense kernel's time, without any zeros, of kernels that may run by an estimate. */
  private static final double MOST_WITHOUT_ZEROS = 1.3;

  /** How long times must not have fallen before kernels that are new to the process count as compiled. */
  private static final long COMPILING_NANOS = 300_000_000;

  /** Longest that plans wait for the compiler, beside their own time, in the life of the process. */
  private static final long MOST_WAITING_NANOS = 6_000_000_000L;

  private static final AtomicLong WAITING_LEFT = new AtomicLong(MOST_WAITING_NANOS);

  /** What is no more than this faster is no gain. */
  private static final double GAIN = 0.97;

  /** Kernels, dense and skipping, whose times have settled before in this process. */
  private static final Set<String> COMPILED = ConcurrentHashMap.newKeySet();

  private static final double[] SHARES = {CostCurve.FEW, CostCurve.MIDDLE, CostCurve.MANY};
  private static final double[] NO_ZEROS = {0};

  private record Key(
      String dense,
      boolean vectors,
      long multiplyAdds,
      List<ImageLayout> inputs,
      ImageLayout output) {}

  private final Map<Key, CostCurve> known = new HashMap<>();
  private final Parallel parallel = Parallel.serial();
  private long left;

  /**
   * @param nanos time for all layers, beside what kernels that are new to the process take until they are compiled; 0 to
   *     estimate
   */
  Calibration(long nanos) {
    this.left = nanos;
  }

  CostCurve of(
      Kernel dense, Skipping skipping, List<Placement.Image> inputs, Placement.Image output) {
    List<ImageLayout> layouts = inputs.stream().map(Placement.Image::layout).toList();
    Key key =
        new Key(dense.name(), skipping.vectors(), dense.multiplyAdds(), layouts, output.layout());
    CostCurve curve = known.get(key);
    if (curve == null) {
      curve =
          left > 0 ? measure(dense, skipping, SHARES, inputs, output) : estimate(dense, skipping);
      known.put(key, curve);
    }
    return curve;
  }

  /**
   * What a layer takes without its zero weights, whatever its input, and what it takes with them.
   *
   * @param dense makes the kernel for dense weights, in memory that is given back
   */
  CostCurve of(
      SparseWeights sparse,
      long multiplyAdds,
      Function<Arena, Choice> dense,
      List<Placement.Image> inputs,
      Placement.Image output) {
    if (left <= 0) {
      return CostCurve.estimated(multiplyAdds, sparse.share(), 0);
    }
    try (Arena arena = Arena.ofShared()) {
      Skipping same = Skipping.values("", sparse.maker(), sparse.share(), 0);
      return measure(dense.apply(arena).kernel(), same, NO_ZEROS, inputs, output);
    }
  }

  private static CostCurve estimate(Kernel dense, Skipping skipping) {
    return skipping.fixed() + skipping.perShare() > MOST_WITHOUT_ZEROS
        ? CostCurve.estimated(dense.multiplyAdds(), 1, 0)
        : CostCurve.estimated(dense.multiplyAdds(), skipping.fixed(), skipping.perShare());
  }

  /**
   * @param shares of zeros, at which the other kernel is timed
   */
  private CostCurve measure(
      Kernel kernel,
      Skipping other,
      double[] shares,
      List<Placement.Image> inputs,
      Placement.Image output) {
    long start = System.nanoTime();
    boolean fresh = false;
    try (Arena arena = Arena.ofShared()) {
      Kernel skipping = other.prepare(arena);
      // The first input once for each share of zeros; the others once.
      List<Placement.Image> images = new ArrayList<>(inputs);
      images.add(output);
      for (int i = 1; i < shares.length; i++) {
        images.add(inputs.getFirst());
      }
      long bytes = 0;
      long[] first = new long[images.size()];
      for (int i = 0; i < first.length; i++) {
        ImageLayout l = images.get(i).layout();
        long around = align(l.origin(images.get(i).halo()));
        first[i] = bytes + around;
        bytes = align(first[i] + l.bytes() + around);
      }
      long scratch = Math.max(kernel.scratchBytes(1), skipping.scratchBytes(1));
      MemorySegment memory = arena.allocate(bytes + scratch, 64);
      long out = first[inputs.size()];
      long[][] in = new long[shares.length][];
      for (int i = 0; i < shares.length; i++) {
        in[i] = Arrays.copyOf(first, inputs.size());
        if (i > 0) {
          in[i][0] = first[inputs.size() + i];
        }
        fill(memory, inputs.getFirst().layout(), in[i][0], shares[i], other.vectors());
      }
      // Counted, as in most plans. Besides, a kernel is not settled while counting waits for the
      // compiler because another network's runs began it; without counts nothing would go on with
      // it.
      ZeroCounts counts = new ZeroCounts(output.layout().channels(), 1, Float.MIN_NORMAL);
      String kernels = kernel.name() + ", " + skipping.name();
      boolean compiled = COMPILED.contains(kernels);
      fresh = !compiled;
      long most = compiled ? Math.min(MOST_NANOS, left) : left + Math.max(0, WAITING_LEFT.get());
      double dense = Double.MAX_VALUE;
      double[] times = new double[shares.length];
      Arrays.fill(times, Double.MAX_VALUE);
      long begin = System.nanoTime();
      long gained = begin;
      for (int since = 0; since < PATIENCE || !compiled; since++) {
        double denseBefore = dense;
        double before = dense + Arrays.stream(times).sum();
        dense = Math.min(dense, time(kernel, memory, in[0], out, bytes, counts));
        for (int i = 0; i < shares.length; i++) {
          times[i] = Math.min(times[i], time(skipping, memory, in[i], out, bytes, counts));
        }
        long now = System.nanoTime();
        boolean gains =
            dense < GAIN * denseBefore
                || dense + Arrays.stream(times).sum() < GAIN * before
                || !kernel.isSettled();
        if (gains) {
          gained = now;
          since = -1;
        }
        compiled |= now - gained > COMPILING_NANOS;
        if (now - begin > most) {
          break;
        }
      }
      if (!compiled) {
        return estimate(kernel, other);
      }
      COMPILED.add(kernels);
      int last = times.length - 1;
      return new CostCurve(dense, times[0], times[last / 2], times[last], true);
    } finally {
      long nanos = System.nanoTime() - start;
      left -= fresh ? nanos - waited(nanos) : nanos;
    }
  }

  /** How much of this time counts as waiting for the compiler. */
  private static long waited(long nanos) {
    return Math.clamp(WAITING_LEFT.getAndAdd(-nanos), 0, nanos);
  }

  private long time(
      Kernel kernel, MemorySegment m, long[] in, long out, long scratch, ZeroCounts counts) {
    long start = System.nanoTime();
    kernel.run(m, in, out, scratch, parallel, counts);
    counts.merge();
    return System.nanoTime() - start;
  }

  /** Ones and zeros: at random, or in vectors of channels as far apart from each other as can be. */
  private static void fill(
      MemorySegment m, ImageLayout l, long first, double zeros, boolean vectors) {
    SplittableRandom random = new SplittableRandom(1);
    for (int n = 0; n < l.batch(); n++) {
      for (int c = 0; c < l.channels(); c++) {
        int v = c / l.lanes();
        boolean dead = (int) ((v + 1) * zeros) > (int) (v * zeros);
        for (int y = 0; y < l.height(); y++) {
          for (int x = 0; x < l.width(); x++) {
            m.set(
                ValueLayout.JAVA_FLOAT_UNALIGNED,
                first + l.offset(n, c, y, x),
                (vectors ? dead : random.nextDouble() < zeros) ? 0f : 1f);
          }
        }
      }
    }
  }

  private static long align(long bytes) {
    return (bytes + 63) / 64 * 64;
  }
}
