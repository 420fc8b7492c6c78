package tacet.plan;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.SparseMode;
import tacet.kernels.ZeroCounts;

/**
 * Runs a layer's dense kernel, or one of those that skip products with zero inputs where the zeros of this run's input make
 * that faster. The zeros were counted when the input was made; where they were not, a sample tells.
 */
final class RunEither implements SkippingStep {

  /** Values looked at where nothing was counted: a share is known to within 3 %. */
  private static final int SAMPLES = 1024;

  private final int number;
  private final Kernel dense;
  private final String denseBackend;
  private final List<Alternative> alternatives;
  private final SparseMode mode;
  private final List<Placement.Image> inputs;
  private final Placement.Image output;
  private final CountSource inputCounts;
  private final int counts;

  /** Of the dense kernel, then of the alternatives: made once, since every run's recording has one. */
  private final String[] names;

  private long[] inputOffsets;
  private long outputOffset;

  /**
   * @param number of the step
   * @param alternatives at least one
   * @param inputCounts where the zeros of the first input were counted, or null
   * @param counts number of the counters, or −1
   */
  RunEither(
      int number,
      Kernel dense,
      String denseBackend,
      List<Alternative> alternatives,
      SparseMode mode,
      List<Placement.Image> inputs,
      Placement.Image output,
      CountSource inputCounts,
      int counts) {
    this.number = number;
    this.dense = dense;
    this.denseBackend = denseBackend;
    this.alternatives = List.copyOf(alternatives);
    this.mode = mode;
    this.inputs = inputs;
    this.output = output;
    this.inputCounts = inputCounts;
    this.counts = counts;
    this.names = new String[alternatives.size() + 1];
    names[0] = dense.name();
    for (int i = 0; i < alternatives.size(); i++) {
      names[i + 1] = alternatives.get(i).kernel().name();
    }
  }

  @Override
  public void place() {
    inputOffsets = Steps.firsts(inputs);
    outputOffset = Steps.first(output);
  }

  @Override
  public boolean isSettled() {
    return dense.isSettled();
  }

  @Override
  public void run(Workspace w) {
    ImageLayout in = inputs.getFirst().layout();
    double zeros =
        inputCounts == null
            ? sample(w.memory, in, inputOffsets[0])
            : (double) CountSource.zeros(w, inputCounts) / in.elements();
    double dead =
        inputCounts == null
            ? 0
            : (double)
                    CountSource.deadChannels(
                        w, inputCounts, in.lanes(), in.elements() / in.channels())
                / in.channels();
    int best = Alternative.best(alternatives, zeros, dead);
    Alternative a = alternatives.get(best);
    double expected = a.expected(zeros, dead);
    boolean skips = mode == SparseMode.ALWAYS || a.curve().isWorth(expected);
    Kernel kernel = skips ? a.kernel() : dense;
    w.alternative[number] = skips ? best : -1;
    w.expectedNanos[number] = skips ? expected : a.curve().dense();
    w.denseNanos[number] = a.curve().dense();
    ZeroCounts c = counts < 0 ? null : w.counts[counts];
    kernel.run(w.memory, inputOffsets, outputOffset, w.scratch, w.parallel, c);
    if (c != null) {
      c.merge();
    }
  }

  @Override
  public String lastBackend(Workspace w) {
    int ran = w.alternative[number];
    return ran < 0 ? denseBackend : alternatives.get(ran).backend();
  }

  @Override
  public String lastKernel(Workspace w) {
    return names[w.alternative[number] + 1];
  }

  @Override
  public long skipped(Workspace w) {
    return counts < 0 ? 0 : w.counts[counts].skipped();
  }

  @Override
  public double[] expected(Workspace w) {
    return new double[] {w.denseNanos[number], w.expectedNanos[number]};
  }

  private static double sample(MemorySegment m, ImageLayout l, long first) {
    long elements = l.elements();
    int samples = (int) Math.min(SAMPLES, elements);
    int zeros = 0;
    for (int i = 0; i < samples; i++) {
      long e = elements * i / samples;
      int c = (int) (e % l.channels());
      long pixel = e / l.channels();
      int x = (int) (pixel % l.width());
      int y = (int) (pixel / l.width() % l.height());
      int n = (int) (pixel / l.width() / l.height());
      long at = first + l.offset(n, c, y, x);
      zeros += m.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at) == 0f ? 1 : 0;
    }
    return (double) zeros / samples;
  }
}
