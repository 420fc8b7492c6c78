package tacet.jfr;

import java.util.List;
import java.util.StringJoiner;
import java.util.concurrent.atomic.AtomicLong;
import tacet.profile.LayerProfile;
import tacet.profile.LayerProfile.Counts;

/** The events of one plan: its layers run by run, and their totals. */
public final class PlanFlight implements AutoCloseable {

  private static final int MOST_NAMED_CHANNELS = 16;
  private static final AtomicLong NUMBERS = new AtomicLong();
  private static final LayerEvent LAYER = new LayerEvent();
  private static final LayerSummaryEvent SUMMARY = new LayerSummaryEvent();
  private static final DeadChannelsEvent DEAD = new DeadChannelsEvent();

  /** Sums over runs. */
  private static final class Total {
    LayerProfile last;
    long runs;
    long nanoseconds;
    long multiplyAdds;
    long skipped;
    long elements;
    long zeros;
    long nearZeros;
    long[] zerosPerChannel;
  }

  private final String model;
  private final List<String> inputShapes;
  private final Total[] totals;
  private final long number = NUMBERS.incrementAndGet();

  /**
   * From now on periodic events tell of this plan, until it is closed.
   *
   * @param inputShapes of each layer
   */
  public PlanFlight(String model, List<String> inputShapes) {
    this.model = model;
    this.inputShapes = List.copyOf(inputShapes);
    this.totals = new Total[inputShapes.size()];
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

  private static long skipped(LayerProfile layer) {
    return layer.skipping() == null ? 0 : layer.skipping().multiplyAdds();
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

    /** Layer number {@code i} is done, the one that began or one that was computed along with it. */
    public void end(int i, LayerProfile layer) {
      add(i, layer);
      if (!LAYER.isEnabled()) {
        return;
      }
      LayerEvent e = open == null ? new LayerEvent() : open;
      open = null;
      e.end();
      e.layer = layer.name();
      e.op = layer.op();
      e.inputShape = inputShapes.get(i);
      e.outputShape = layer.outputShape().toString();
      e.kernel = layer.kernel();
      e.backend = layer.backend();
      e.multiplyAdds = layer.multiplyAdds();
      e.skipped = skipped(layer);
      e.gflops = layer.nanoseconds() == 0 ? 0 : 2f * layer.multiplyAdds() / layer.nanoseconds();
      e.bytes = layer.outputShape().elements() * Float.BYTES;
      Counts c = layer.counts();
      if (c != null) {
        e.elements = c.elements();
        e.zeros = c.zeros();
        e.zeroFraction = (float) c.zeroFraction();
        e.nearZeros = c.nearZeros();
      }
      e.model = model;
      e.commit();
    }
  }

  private void add(int i, LayerProfile layer) {
    Counts c = layer.counts();
    synchronized (totals) {
      if (totals[i] == null) {
        totals[i] = new Total();
      }
      Total t = totals[i];
      t.last = layer;
      t.runs++;
      t.nanoseconds += layer.nanoseconds();
      t.multiplyAdds += layer.multiplyAdds();
      t.skipped += skipped(layer);
      if (c == null) {
        return;
      }
      t.elements += c.elements();
      t.zeros += c.zeros();
      t.nearZeros += c.nearZeros();
      if (t.zerosPerChannel == null) {
        t.zerosPerChannel = new long[c.channels()];
      }
      for (int k = 0; k < t.zerosPerChannel.length; k++) {
        t.zerosPerChannel[k] += c.zerosPerChannel()[k];
      }
    }
  }

  void summarise() {
    synchronized (totals) {
      for (Total t : totals) {
        if (t != null) {
          summarise(t);
        }
      }
    }
  }

  private void summarise(Total t) {
    LayerSummaryEvent e = new LayerSummaryEvent();
    e.layer = t.last.name();
    e.op = t.last.op();
    e.outputShape = t.last.outputShape().toString();
    e.kernel = t.last.kernel();
    e.backend = t.last.backend();
    e.runs = t.runs;
    e.totalTime = t.nanoseconds;
    e.multiplyAdds = t.multiplyAdds;
    e.skipped = t.skipped;
    e.elements = t.elements;
    e.zeros = t.zeros;
    e.zeroFraction = t.elements == 0 ? 0 : (float) t.zeros / t.elements;
    e.nearZeros = t.nearZeros;
    e.model = model;
    e.plan = number;
    e.commit();
  }

  void reportDeadChannels() {
    synchronized (totals) {
      for (Total t : totals) {
        if (t != null && t.zerosPerChannel != null) {
          reportDeadChannels(t);
        }
      }
    }
  }

  private void reportDeadChannels(Total t) {
    long perChannel = t.elements / Math.max(1, t.zerosPerChannel.length);
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
    e.layer = t.last.name();
    e.op = t.last.op();
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
