package tacet.plan;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import tacet.kernels.ConvSpec;
import tacet.kernels.CountLevel;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider;
import tacet.kernels.KernelProvider.Choice;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.Parallel;
import tacet.kernels.SparseMode;
import tacet.kernels.ZeroCounts;

/**
 * Decides between SIMD and another provider, convolution by convolution, by running both on one thread on random numbers
 * in the layouts that each likes best, with counting where the plan counts. What was measured is remembered on disk; all
 * measurements of a plan together take bounded time, and what is left after that goes to SIMD until another time.
 */
final class Race {

  /** The other provider must be faster by this much: a change of providers may cost a copy. */
  private static final double ADVANTAGE = 0.95;

  /** A compiled SIMD kernel is nowhere this many times slower than another. */
  private static final double IMPLAUSIBLE = 3;

  /** Smaller convolutions cost less than finding out: multiply-adds. */
  private static final long LEAST_WORK = 500_000;

  /** With more weights than this and few pixels both wait for memory: elements. */
  private static final long MOST_WEIGHTS = 8L << 20;

  /** Longest for one convolution: the first ones are compiled meanwhile. */
  private static final long MOST_NANOS = 700_000_000;

  /** Rounds without a new best time after which kernels count as compiled and their times as found. */
  private static final int PATIENCE = 5;

  private final KernelProvider simd;
  private final KernelProvider other;
  private final PlanOptions options;
  private final Verdicts verdicts;
  private final Map<ConvSpec, Verdicts.Verdict> known = new HashMap<>();
  private long left;

  Race(KernelProvider simd, KernelProvider other, PlanOptions options) {
    this.simd = simd;
    this.other = other;
    this.options = options;
    this.left = options.measureNanos();
    this.verdicts =
        Verdicts.of(
            List.of(simd, other), "threads " + options.threads() + ", counting " + isCounting());
  }

  private boolean isCounting() {
    return options.counts() != CountLevel.OFF;
  }

  /** Who is asked first. */
  List<KernelProvider> order(ConvSpec spec) {
    return verdict(spec).other() ? List.of(other, simd) : List.of(simd, other);
  }

  /** Why, for people. */
  String reason(ConvSpec spec) {
    Verdicts.Verdict v = verdict(spec);
    return v.simdNanos() == 0
        ? v.reason()
        : String.format(
            Locale.ROOT,
            "measured: %s %.3f ms, %s %.3f ms",
            simd.name(),
            v.simdNanos() / 1e6,
            other.name(),
            v.otherNanos() / 1e6);
  }

  /** Keeps on disk what was measured. */
  void remember() {
    verdicts.save();
  }

  private Verdicts.Verdict verdict(ConvSpec spec) {
    return known.computeIfAbsent(spec, this::decide);
  }

  private Verdicts.Verdict decide(ConvSpec spec) {
    if (options.sparse() == SparseMode.ALWAYS) {
      return Verdicts.Verdict.simd("only SIMD kernels skip zeros");
    }
    if (spec.multiplyAdds() < LEAST_WORK) {
      return Verdicts.Verdict.simd("too small to measure");
    }
    if (weights(spec) > MOST_WEIGHTS) {
      return Verdicts.Verdict.simd("bound by reading weights");
    }
    Verdicts.Verdict before = verdicts.get(spec);
    if (before != null) {
      return before;
    }
    if (left <= 0) {
      return Verdicts.Verdict.simd("not measured yet");
    }
    long start = System.nanoTime();
    try {
      return measure(spec, start);
    } finally {
      left -= System.nanoTime() - start;
    }
  }

  private static long weights(ConvSpec spec) {
    return (long) spec.outChannels()
        * (spec.inChannels() / spec.groups())
        * spec.kernelHeight()
        * spec.kernelWidth();
  }

  /** A kernel with memory of its own to run on. */
  private record Entrant(
      Kernel kernel, MemorySegment memory, long[] inputs, long output, long scratch) {
    long time(ZeroCounts counts) {
      long start = System.nanoTime();
      kernel.run(memory, inputs, output, scratch, Parallel.serial(), counts);
      return System.nanoTime() - start;
    }
  }

  private Verdicts.Verdict measure(ConvSpec spec, long start) {
    try (Arena arena = Arena.ofShared()) {
      SplittableRandom random = new SplittableRandom(1);
      float[] weights = numbers(random, (int) weights(spec));
      float[] bias = numbers(random, spec.outChannels());
      Entrant theirs = entrant(other, spec, weights, bias, arena);
      if (theirs == null) {
        return verdicts.put(spec, Verdicts.Verdict.simd(other.name() + " declines"));
      }
      Entrant ours = entrant(simd, spec, weights, bias, arena);
      if (ours == null) {
        return Verdicts.Verdict.simd(simd.name() + " declines");
      }
      ZeroCounts counts =
          isCounting()
              ? new ZeroCounts(spec.outChannels(), options.threads(), options.threshold())
              : null;
      long ourBest = Long.MAX_VALUE;
      long theirBest = Long.MAX_VALUE;
      int since = 0;
      while (since < PATIENCE) {
        if (System.nanoTime() - start > Math.min(left, MOST_NANOS)) {
          // Perhaps not compiled yet: no verdict to keep.
          return Verdicts.Verdict.simd("not measured yet");
        }
        long our = ours.time(counts);
        long their = theirs.time(counts);
        boolean better = our < 0.97 * ourBest || their < 0.97 * theirBest;
        since = better || !ours.kernel.isSettled() ? 0 : since + 1;
        ourBest = Math.min(ourBest, our);
        theirBest = Math.min(theirBest, their);
      }
      Verdicts.Verdict verdict =
          new Verdicts.Verdict(theirBest < ADVANTAGE * ourBest, ourBest, theirBest, "measured");
      // So far behind is only what waits for its compiler: good enough for now, not to be kept.
      return ourBest > IMPLAUSIBLE * theirBest ? verdict : verdicts.put(spec, verdict);
    }
  }

  private static Entrant entrant(
      KernelProvider provider, ConvSpec spec, float[] weights, float[] bias, Arena arena) {
    Halo halo = provider.needs(spec).halo();
    int lanes = provider.lanes();
    // As the planner does it: few channels would be mostly padding in blocks.
    int inLanes = spec.inChannels() > lanes / 2 ? lanes : 1;
    ImageLayout in =
        ImageLayout.of(
            spec.batch(), spec.inChannels(), spec.inHeight(), spec.inWidth(), inLanes, halo);
    ImageLayout out =
        ImageLayout.of(
            spec.batch(), spec.outChannels(), spec.outHeight(), spec.outWidth(), lanes, Halo.NONE);
    ImageLayout residual = spec.residual() ? out : null;
    Choice choice =
        provider.convolution(spec, in, out, residual, FlattenOrder.NONE, weights, bias, arena);
    if (choice.kernel() == null) {
      return null;
    }
    long output = align(in.bytes());
    long added = output + align(out.bytes());
    long scratch = added + (spec.residual() ? align(out.bytes()) : 0);
    MemorySegment memory = arena.allocate(scratch + choice.kernel().scratchBytes(1) + 64, 64);
    fill(memory, in, in.origin(halo));
    if (spec.residual()) {
      fill(memory, out, added);
    }
    long[] inputs =
        spec.residual() ? new long[] {in.origin(halo), added} : new long[] {in.origin(halo)};
    return new Entrant(choice.kernel(), memory, inputs, output, scratch);
  }

  private static long align(long bytes) {
    return (bytes + 63) / 64 * 64;
  }

  private static float[] numbers(SplittableRandom random, int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    return values;
  }

  private static void fill(MemorySegment m, ImageLayout l, long first) {
    SplittableRandom random = new SplittableRandom(2);
    for (int n = 0; n < l.batch(); n++) {
      for (int c = 0; c < l.channels(); c++) {
        for (int y = 0; y < l.height(); y++) {
          for (int x = 0; x < l.width(); x++) {
            m.set(ValueLayout.JAVA_FLOAT, first + l.offset(n, c, y, x), random.nextFloat() - 0.5f);
          }
        }
      }
    }
  }
}
