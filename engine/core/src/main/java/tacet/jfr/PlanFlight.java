package tacet.jfr;

import java.util.List;
import java.util.StringJoiner;
import java.util.concurrent.atomic.AtomicLong;

/** The events of one plan: its layers run by run, and their totals. */
public final class PlanFlight implements AutoCloseable {

  private static final int MOST_NAMED_CHANNELS = 16;
  private static final AtomicLong NUMBERS = new AtomicLong();
  private static final LayerEvent LAYER = new LayerEvent();
  private static final LayerSummaryEvent SUMMARY = new LayerSummaryEvent();
  private static final DeadChannelsEvent DEAD = new DeadChannelsEvent();

  /**
   * What is the same in every run of a layer; texts are made once, not per event.
   *
   * @param elements of its value
   */
  public record Facts(
      String name,
      String op,
      String inputShape,
      String outputShape,
      String backend,
      long multiplyAdds,
      long elements) {}

  /** Sums over runs. */
  private static final class Total {
    String lastKernel;
    long runs;
    long nanoseconds;
    long skipped;
    long countedRuns;
    long zeros;
    long nearZeros;
    long[] zerosPerChannel;
  }

  private final String model;
  private final List<Facts> layers;
  private final Total[] totals;
  private final long number = NUMBERS.incrementAndGet();

  /** From now on periodic events tell of this plan, until it is closed. */
  public PlanFlight(String model, List<Facts> layers) {
    this.model = model;
    this.layers = List.copyOf(layers);
    this.totals = new Total[layers.size()];
    Recorded.PLANS.add(this);
  }

  /** Whether the layers of a run are wanted, one by one or for the totals. */
  public static boolean wantsLayers() {
    return LAYER.isEnabled() || SUMMARY.isEnabled() || DEAD.isEnabled();
  }

  /** Tells which kernel computes a layer. */
  public static void choice(
      String model,
      String layer,
      String op,
      String outputShape,
      String kernel,
      String backend,
      String reason) {
    KernelChoiceEvent e = new KernelChoiceEvent();
    if (e.isEnabled()) {
      e.layer = layer;
      e.op = op;
      e.outputShape = outputShape;
      e.kernel = kernel;
      e.backend = backend;
      e.reason = reason;
      e.model = model;
      e.commit();
    }
  }

  /** A run begins. */
  public Run run() {
    return new Run();
  }

  /** The layers of one run, on the thread that runs it. */
  public final class Run {
    private LayerEvent open;

    /** A layer begins. */
    public void begin() {
      if (LAYER.isEnabled()) {
        open = new LayerEvent();
        open.begin();
      }
    }

    /**
     * Layer number {@code i} is done, the one that began or one that was computed along with it.
     *
     * @param skipped multiply-adds left out
     * @param zerosPerChannel read at once and not kept; null where nothing was counted
     */
    public void end(
        int i,
        String kernel,
        long nanoseconds,
        long skipped,
        long[] zerosPerChannel,
        long nearZeros) {
      LayerEvent e = open;
      open = null;
      boolean wanted = LAYER.isEnabled();
      if (wanted) {
        e = e == null ? new LayerEvent() : e;
        e.end();
      }
      long zeros = add(i, kernel, nanoseconds, skipped, zerosPerChannel, nearZeros);
      if (!wanted) {
        return;
      }
      Facts f = layers.get(i);
      e.layer = f.name;
      e.op = f.op;
      e.inputShape = f.inputShape;
      e.outputShape = f.outputShape;
      e.kernel = kernel;
      e.backend = f.backend;
      e.multiplyAdds = f.multiplyAdds;
      e.skipped = skipped;
      e.gflops = nanoseconds == 0 ? 0 : 2f * f.multiplyAdds / nanoseconds;
      e.bytes = f.elements * Float.BYTES;
      if (zerosPerChannel != null) {
        e.elements = f.elements;
        e.zeros = zeros;
        e.zeroFraction = f.elements == 0 ? 0 : (float) zeros / f.elements;
        e.nearZeros = nearZeros;
      }
      e.model = model;
      e.commit();
    }
  }

  /** Adds a run to the totals; returns its zeros. */
  private long add(
      int i, String kernel, long nanoseconds, long skipped, long[] perChannel, long nearZeros) {
    synchronized (totals) {
      if (totals[i] == null) {
        totals[i] = new Total();
      }
      Total t = totals[i];
      t.lastKernel = kernel;
      t.runs++;
      t.nanoseconds += nanoseconds;
      t.skipped += skipped;
      if (perChannel == null) {
        return 0;
      }
      if (t.zerosPerChannel == null) {
        t.zerosPerChannel = new long[perChannel.length];
      }
      long zeros = 0;
      for (int k = 0; k < perChannel.length; k++) {
        zeros += perChannel[k];
        t.zerosPerChannel[k] += perChannel[k];
      }
      t.countedRuns++;
      t.zeros += zeros;
      t.nearZeros += nearZeros;
      return zeros;
    }
  }

  void summarise() {
    synchronized (totals) {
      for (int i = 0; i < totals.length; i++) {
        if (totals[i] != null) {
          summarise(layers.get(i), totals[i]);
        }
      }
    }
  }

  private void summarise(Facts f, Total t) {
    long elements = t.countedRuns * f.elements;
    LayerSummaryEvent e = new LayerSummaryEvent();
    e.layer = f.name;
    e.op = f.op;
    e.outputShape = f.outputShape;
    e.kernel = t.lastKernel;
    e.backend = f.backend;
    e.runs = t.runs;
    e.totalTime = t.nanoseconds;
    e.multiplyAdds = t.runs * f.multiplyAdds;
    e.skipped = t.skipped;
    e.elements = elements;
    e.zeros = t.zeros;
    e.zeroFraction = elements == 0 ? 0 : (float) t.zeros / elements;
    e.nearZeros = t.nearZeros;
    e.model = model;
    e.plan = number;
    e.commit();
  }

  void reportDeadChannels() {
    synchronized (totals) {
      for (int i = 0; i < totals.length; i++) {
        if (totals[i] != null && totals[i].zerosPerChannel != null) {
          reportDeadChannels(layers.get(i), totals[i]);
        }
      }
    }
  }

  private void reportDeadChannels(Facts f, Total t) {
    long perChannel = t.countedRuns * f.elements / Math.max(1, t.zerosPerChannel.length);
    int dead = 0;
    StringJoiner first = new StringJoiner(", ");
    for (int k = 0; k < t.zerosPerChannel.length; k++) {
      if (perChannel > 0 && t.zerosPerChannel[k] == perChannel) {
        dead++;
        if (dead <= MOST_NAMED_CHANNELS) {
          first.add(Integer.toString(k));
        }
      }
    }
    if (dead == 0) {
      return;
    }
    DeadChannelsEvent e = new DeadChannelsEvent();
    e.layer = f.name;
    e.op = f.op;
    e.dead = dead;
    e.channels = t.zerosPerChannel.length;
    e.runs = t.runs;
    e.first = first.toString();
    e.model = model;
    e.commit();
  }

  /** Tells the totals once more; periodic events leave the plan out from now on. */
  @Override
  public void close() {
    Recorded.PLANS.remove(this);
    if (SUMMARY.isEnabled()) {
      summarise();
    }
    if (DEAD.isEnabled()) {
      reportDeadChannels();
    }
  }
}
