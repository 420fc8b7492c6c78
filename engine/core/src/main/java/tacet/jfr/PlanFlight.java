package tacet.jfr;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

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
   * @param channels of its value; 0 where nothing is counted
   */
  public record Facts(
      String name,
      String op,
      String inputShape,
      String outputShape,
      long multiplyAdds,
      long elements,
      int channels) {}

  /** The zeros of a layer's channels in the run under way. */
  @FunctionalInterface
  public interface Channels {
    /**
     * Moves those that have so many zeros to the front.
     *
     * @param numbers of channels, in ascending order, and so in the end
     * @return how many are there
     */
    int keep(int[] numbers, int count, long zeros);
  }

  /** Sums over runs. */
  private static final class Total {
    String lastKernel;
    String lastBackend;
    long runs;
    long nanoseconds;
    long skipped;
    long countedRuns;
    long zeros;
    long nearZeros;

    /** The channels that were nothing but zero in every run: few after the first, so that looking at them costs little. */
    int[] silent;

    int silentCount;
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

  /** For the runs of one workspace, one at a time. */
  public Run runs() {
    return new Run();
  }

  /**
   * The layers of a run, on the thread that runs it: their times are taken at once, all else is told at its end. Kept from
   * run to run, as are the events that have a time of their own: what does not change is written once.
   */
  public final class Run {
    private final LayerEvent[] timed = new LayerEvent[layers.size()];
    private boolean each;

    private Run() {}

    /** A run begins. */
    public void start() {
      each = LAYER.isEnabled();
    }

    /** Layer number {@code i} begins; none where that is negative. */
    public void begin(int i) {
      if (each && i >= 0) {
        if (timed[i] == null) {
          timed[i] = event(i);
        }
        timed[i].begin();
      }
    }

    /** Layer number {@code i} is done; none where that is negative. */
    public void end(int i) {
      if (each && i >= 0) {
        timed[i].end();
      }
    }

    /**
     * Tells of a layer of whose value nothing is counted.
     *
     * @param i its number; it had a time of its own, or was computed along with another layer
     * @param skipped multiply-adds left out
     */
    public void report(int i, String kernel, String backend, long nanoseconds, long skipped) {
      synchronized (totals) {
        add(i, kernel, backend, nanoseconds, skipped);
      }
      if (each) {
        commit(timed[i] == null ? event(i) : timed[i], i, kernel, backend, nanoseconds, skipped);
      }
    }

    /** Tells of a layer whose zeros were counted. */
    public void report(
        int i,
        String kernel,
        String backend,
        long nanoseconds,
        long skipped,
        long zeros,
        long nearZeros,
        Channels channels) {
      Facts f = layers.get(i);
      synchronized (totals) {
        Total t = add(i, kernel, backend, nanoseconds, skipped);
        t.countedRuns++;
        t.zeros += zeros;
        t.nearZeros += nearZeros;
        listen(t, f, channels);
      }
      if (each) {
        LayerEvent e = timed[i] == null ? event(i) : timed[i];
        e.elements = f.elements;
        e.zeros = zeros;
        e.zeroFraction = f.elements == 0 ? 0 : (float) zeros / f.elements;
        e.nearZeros = nearZeros;
        commit(e, i, kernel, backend, nanoseconds, skipped);
      }
    }

    /** An event with what is the same in all runs. */
    private LayerEvent event(int i) {
      Facts f = layers.get(i);
      LayerEvent e = new LayerEvent();
      e.layer = f.name;
      e.op = f.op;
      e.inputShape = f.inputShape;
      e.outputShape = f.outputShape;
      e.multiplyAdds = f.multiplyAdds;
      e.bytes = f.elements * Float.BYTES;
      e.model = model;
      return e;
    }

    private void commit(
        LayerEvent e, int i, String kernel, String backend, long nanoseconds, long skipped) {
      e.kernel = kernel;
      e.backend = backend;
      e.skipped = skipped;
      e.gflops = nanoseconds == 0 ? 0 : 2f * layers.get(i).multiplyAdds / nanoseconds;
      e.commit();
    }
  }

  /** Channels that were not silent in a run are none of the silent ones any more. */
  private static void listen(Total t, Facts f, Channels channels) {
    if (t.silent == null) {
      t.silent = IntStream.range(0, f.channels).toArray();
      t.silentCount = f.channels;
    }
    if (t.silentCount > 0) {
      t.silentCount = channels.keep(t.silent, t.silentCount, f.elements / f.channels);
    }
  }

  /** Adds a run to the totals, which the caller has locked. */
  private Total add(int i, String kernel, String backend, long nanoseconds, long skipped) {
    if (totals[i] == null) {
      totals[i] = new Total();
    }
    Total t = totals[i];
    t.lastKernel = kernel;
    t.lastBackend = backend;
    t.runs++;
    t.nanoseconds += nanoseconds;
    t.skipped += skipped;
    return t;
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
    e.backend = t.lastBackend;
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
        if (totals[i] != null && totals[i].silentCount > 0 && layers.get(i).elements > 0) {
          reportDeadChannels(layers.get(i), totals[i]);
        }
      }
    }
  }

  private void reportDeadChannels(Facts f, Total t) {
    DeadChannelsEvent e = new DeadChannelsEvent();
    e.layer = f.name;
    e.op = f.op;
    e.dead = t.silentCount;
    e.channels = f.channels;
    e.runs = t.runs;
    e.first =
        Arrays.stream(t.silent, 0, Math.min(t.silentCount, MOST_NAMED_CHANNELS))
            .mapToObj(Integer::toString)
            .collect(Collectors.joining(", "));
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
