package tacet.plan;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tacet.jfr.PlanFlight;
import tacet.kernels.Parallel;
import tacet.kernels.ZeroCounts;
import tacet.profile.Detail;
import tacet.tensor.Tensor;

/** The memory and counters of one run at a time of one plan. */
public final class Workspace implements AutoCloseable {
  final Arena arena;
  final MemorySegment memory;
  final Map<String, Tensor> inputs = new LinkedHashMap<>();

  /** Byte offset of the kernels' scratch memory. */
  final long scratch;

  private final List<ZeroCounts.Slabs> slabs;

  /** By number; empty where the plan counts nothing. */
  final ZeroCounts[] counts;

  /** By number; of the last run. */
  final Detail[] details;

  /** Nanoseconds per step of the last run. */
  final long[] nanoseconds;

  /** Per step that may skip products with zeros, number of the alternative that did so in the last run; −1 for none. */
  final int[] alternative;

  /** Per step that may skip, the time that the kernel of the last run was expected to take. */
  final double[] expectedNanos;

  /** The same of the dense kernel. */
  final double[] denseNanos;

  Parallel parallel;

  /** Tells a flight recording of runs; null while there was none. */
  PlanFlight.Run recorded;

  /** Nanoseconds of the step under way that belong to a later one. */
  private long given;

  Workspace(
      Arena arena,
      long bytes,
      long scratch,
      List<ZeroCounts.Slabs> slabs,
      ZeroCounts[] counts,
      int details,
      int steps) {
    this.arena = arena;
    this.memory = arena.allocate(Math.max(bytes, Tensor.ALIGNMENT), Tensor.ALIGNMENT);
    this.scratch = scratch;
    this.slabs = slabs;
    this.counts = counts;
    this.details = new Detail[details];
    this.nanoseconds = new long[steps];
    this.alternative = new int[steps];
    this.expectedNanos = new double[steps];
    this.denseNanos = new double[steps];
  }

  /** A run starts: what was counted is forgotten. */
  void start(Parallel parallel) {
    this.parallel = parallel;
    slabs.forEach(ZeroCounts.Slabs::clear);
    Arrays.fill(nanoseconds, 0);
    given = 0;
    for (ZeroCounts c : counts) {
      c.clear();
    }
  }

  /** Of the time that the step under way takes, so much is for a later one, whose work it does. */
  void giveNanos(int later, long nanos) {
    nanoseconds[later] += nanos;
    given = nanos;
  }

  /** A step has taken so long. */
  void took(int step, long nanos) {
    nanoseconds[step] += nanos - given;
    given = 0;
  }

  /** Where the next run reads this input; a run leaves it as it is. Null where the plan needs no such input. */
  public Tensor input(String name) {
    return inputs.get(name);
  }

  @Override
  public void close() {
    arena.close();
  }
}
