package tacet.plan;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import tacet.error.DeadlineExceededException;
import tacet.graph.Graph;
import tacet.graph.Node.Layer;
import tacet.graph.Node.Role;
import tacet.jfr.Flight;
import tacet.jfr.PlanFlight;
import tacet.kernels.CountLevel;
import tacet.kernels.ImageLayout;
import tacet.kernels.KernelProvider;
import tacet.kernels.Parallel;
import tacet.kernels.ThreadBudget;
import tacet.kernels.ZeroCounts;
import tacet.profile.LayerProfile;
import tacet.profile.LayerProfile.Counts;
import tacet.profile.LayerProfile.Skipping;
import tacet.profile.SparsityProfile;
import tacet.reference.TensorType;
import tacet.rewrite.Rewrite;
import tacet.rewrite.Rewrites;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * How a network is computed for inputs of one shape: steps in order, kernels prepared, every buffer at its offset in one
 * workspace. Nothing is looked up or decided while it runs.
 */
public final class Plan implements AutoCloseable {

  /** Nanoseconds of runs after which kernels that are still not compiled are not waited for: there may be no compiler. */
  private static final long MOST_WARMING = 5_000_000_000L;

  /** Part of a run that such kernels take, below which threads rather than the compiler are short of processors. */
  private static final double LEAST_COLD = 0.25;

  private static final int PROCESSORS = Runtime.getRuntime().availableProcessors();

  /**
   * A layer of the model and where the plan computes it.
   *
   * @param firstStep first of the steps whose time is this layer's
   * @param endStep after the last of them
   * @param counted null where its value is never formed
   * @param detail number of the closer look at its value, or −1
   */
  record PlannedLayer(
      Layer layer,
      Shape inputShape,
      Shape shape,
      String kernel,
      String backend,
      String reason,
      int firstStep,
      int endStep,
      long multiplyAdds,
      CountSource counted,
      int detail) {}

  /**
   * The counters of a layer.
   *
   * @param beside whether the layer counts while another does, and so in slabs of its own
   */
  record Counter(int channels, boolean beside) {}

  /** Constants that kernels read from the workspace, written when it is made. */
  record Preset(Buffer buffer, ImageLayout layout, float[] values) {}

  private final Step[] steps;
  private final List<Counter> counters;
  private final int details;
  private final long bytes;
  private final Map<String, Placement.Plain> inputs;
  private final List<Door> outputs;
  private final String source;
  private final List<PlannedLayer> layers;
  private final List<Preset> presets;
  private final long scratch;
  private final PlanOptions options;
  private boolean warm;
  private long warmingNanos;

  Plan(
      List<Step> steps,
      List<Counter> counters,
      int details,
      long bytes,
      Map<String, Placement.Plain> inputs,
      List<Door> outputs,
      String source,
      List<PlannedLayer> layers,
      List<Preset> presets,
      long scratch,
      PlanOptions options) {
    this.steps = steps.toArray(Step[]::new);
    this.counters = List.copyOf(counters);
    this.details = details;
    this.bytes = bytes;
    this.inputs = inputs;
    this.outputs = List.copyOf(outputs);
    this.source = source;
    this.layers = List.copyOf(layers);
    this.presets = List.copyOf(presets);
    this.scratch = scratch;
    this.options = options;
    steps.forEach(Step::place);
  }

  /**
   * Plans a graph for given inputs.
   *
   * @param inputs the caller's inputs: their shapes count, and the contents of those that decide shapes
   * @param wanted values that runs return, besides which none need be formed
   * @param providers kernels, best first; none for the reference implementation alone
   * @param weights where packed weights live; must outlive the plan
   * @param room opens memory for plans that are only tried
   * @param parallel threads to try them on
   * @throws tacet.error.ShapeMismatchException where shapes do not fit
   * @throws tacet.error.UnsupportedOpException where a shape depends on data
   */
  public static Plan of(
      Graph graph,
      Map<String, Tensor> inputs,
      Set<String> wanted,
      List<KernelProvider> providers,
      PlanOptions options,
      Arena weights,
      Supplier<? extends Arena> room,
      Parallel parallel) {
    // What is computed on the way there is as large as the weights: it must not wait for the
    // garbage collector. Shared, since all threads pack weights.
    List<KernelProvider> kernels =
        providers.stream()
            .map(p -> options.strict() ? p.strict() : p)
            .map(p -> p.preparingOn(parallel))
            .toList();
    try (Arena passing = Arena.ofShared()) {
      return of(graph, inputs, wanted, kernels, options, weights, room, parallel, passing);
    }
  }

  private static Plan of(
      Graph graph,
      Map<String, Tensor> inputs,
      Set<String> wanted,
      List<KernelProvider> providers,
      PlanOptions options,
      Arena weights,
      Supplier<? extends Arena> room,
      Parallel parallel,
      Arena passing) {
    Specialised s = Specialised.of(graph, inputs, wanted, passing);
    Graph g = s.graph();
    // A closer look is at values in memory: every layer's must be there.
    boolean rewrite = options.rewrite() && options.counts() != CountLevel.DETAIL;
    if (rewrite && !providers.isEmpty()) {
      Map<String, Shape> shapes = new LinkedHashMap<>();
      s.types().forEach((name, t) -> shapes.put(name, t.shape()));
      g = Rewrites.apply(g, new Rewrite.Facts(shapes, new LinkedHashSet<>(wanted), passing));
      g.constants()
          .forEach((name, t) -> s.types().putIfAbsent(name, new TensorType(t.type(), t.shape())));
    }
    TypedGraph net = new TypedGraph(g, s.types(), passing.scope());
    boolean undecided = providers.size() > 1 && providers.getFirst() == Providers.simd(providers);
    Assignment assignment =
        undecided
            ? Trial.decide(Trunk.of(net, wanted), inputs, providers, options, room, parallel)
            : null;
    // What is not used need not even be loaded.
    List<KernelProvider> used =
        assignment == null || assignment.usesOther() ? providers : providers.subList(0, 1);
    Plan plan = new Planner(net, wanted, used, assignment, options, weights).plan();
    s.limits().checkWorkspace(graph.source(), plan.workspaceBytes());
    if (Flight.isRecording()) {
      plan.reportChoices();
    }
    return plan;
  }

  /** Inputs of the model whose contents, not only their shapes, decide the shape of some value. */
  public static Set<String> shapeDecidingInputs(Graph graph) {
    return Specialised.shapeDecidingInputs(graph);
  }

  /** Bytes of a workspace, scratch included. */
  public long workspaceBytes() {
    return Math.max(bytes, Tensor.ALIGNMENT)
        + outputs.stream().mapToLong(o -> o.isView() ? 0 : o.bytes()).sum();
  }

  /** Bytes of the kernels' scratch memory within a workspace. */
  public long scratchBytes() {
    return bytes - scratch;
  }

  /** Bytes of heap that the counters of a workspace take. */
  public long counterBytes() {
    return ZeroCounts.slabBytes(mostChannels(false), options.threads())
        + ZeroCounts.slabBytes(mostChannels(true), options.threads())
        + counters.stream().mapToLong(c -> ZeroCounts.heapBytes(c.channels())).sum();
  }

  private int mostChannels(boolean beside) {
    return counters.stream()
        .filter(c -> c.beside() == beside)
        .mapToInt(Counter::channels)
        .max()
        .orElse(0);
  }

  /**
   * Memory for one run at a time.
   *
   * @param arena holds it; closed with the workspace
   */
  public Workspace workspace(Arena arena) {
    ZeroCounts.Slabs slabs = new ZeroCounts.Slabs(mostChannels(false), options.threads());
    ZeroCounts.Slabs beside = new ZeroCounts.Slabs(mostChannels(true), options.threads());
    ZeroCounts[] counts = new ZeroCounts[counters.size()];
    for (int i = 0; i < counts.length; i++) {
      Counter c = counters.get(i);
      counts[i] = new ZeroCounts(c.channels(), c.beside() ? beside : slabs, options.threshold());
    }
    Workspace w =
        new Workspace(arena, bytes, scratch, List.of(slabs, beside), counts, details, steps.length);
    for (Preset p : presets) {
      for (int c = 0; c < p.values().length; c++) {
        w.memory.set(
            ValueLayout.JAVA_FLOAT,
            p.buffer().offset + p.layout().offset(0, c, 0, 0),
            p.values()[c]);
      }
    }
    inputs.forEach((name, place) -> w.inputs.put(name, Steps.tensor(w.memory, place)));
    return w;
  }

  /**
   * Computes what is in the workspace's inputs, and gives up between steps when the time is over.
   *
   * @param deadline of {@link System#nanoTime}
   * @param timeout what the caller calls that time; null for no bound
   */
  public void run(Workspace w, ThreadBudget.Team team, long deadline, Duration timeout)
      throws InterruptedException {
    team.useAtMost(mostThreads());
    w.start(team);
    Recorded recorded = Flight.isRecording() && PlanFlight.wantsLayers() ? recorded(w) : null;
    PlanFlight.Run events = recorded == null ? null : recorded.start(w);
    int done = 0;
    long begin = System.nanoTime();
    try {
      long start = begin;
      while (done < steps.length) {
        if (timeout != null && start - deadline >= 0) {
          throw new DeadlineExceededException(
              timeout, done + " of " + steps.length + " steps done");
        }
        if (events != null) {
          events.begin(recorded.starting()[done]);
        }
        steps[done].run(w);
        if (events != null) {
          events.end(recorded.ending()[done]);
        }
        long end = System.nanoTime();
        w.took(done, end - start);
        start = end;
        done++;
        if (Thread.interrupted()) {
          throw new InterruptedException("inference was interrupted");
        }
      }
    } finally {
      if (!warm) {
        long nanos = System.nanoTime() - begin;
        warmingNanos += nanos;
        warm = warmingNanos > MOST_WARMING || unsettledNanos(w) < LEAST_COLD * nanos;
      }
      if (events != null) {
        report(recorded, events, w, done);
      }
    }
  }

  /**
   * While kernels are being compiled, one less than there are processors: threads that compute on all of them, in plain code as
   * yet, take the compiler's time, and so their own. Runs side by side share what is known without synchronisation; what gets
   * lost is a measurement.
   */
  private int mostThreads() {
    warm = warm || isSettled();
    return warm ? Integer.MAX_VALUE : Math.max(1, PROCESSORS - 1);
  }

  /** Runs all steps for their times alone, of which no recording hears. */
  void rehearse(Workspace w, Parallel parallel) {
    w.start(parallel);
    long start = System.nanoTime();
    for (int i = 0; i < steps.length; i++) {
      steps[i].run(w);
      long end = System.nanoTime();
      w.took(i, end - start);
      start = end;
    }
  }

  /** Time that steps whose kernels are not compiled yet took in the last run. */
  long unsettledNanos(Workspace w) {
    long sum = 0;
    for (int i = 0; i < steps.length; i++) {
      sum += steps[i].isSettled() ? 0 : w.nanoseconds[i];
    }
    return sum;
  }

  List<PlannedLayer> layers() {
    return layers;
  }

  /** Tells of the layers that {@code done} steps have computed. After the run: what it left in the caches stays there. */
  private void report(Recorded recorded, PlanFlight.Run events, Workspace w, int done) {
    for (int number = 0; number < recorded.along().length; number++) {
      if (recorded.along()[number] >= done) {
        continue;
      }
      PlannedLayer l = layers.get(number);
      SkippingStep skipping = recorded.skipping()[number];
      String kernel = skipping == null ? recorded.kernels()[number] : skipping.lastKernel(w);
      String backend = skipping == null ? l.backend() : skipping.lastBackend(w);
      long skipped = skipping == null ? 0 : skipping.skipped(w);
      if (isCounted(l)) {
        events.report(
            number,
            kernel,
            backend,
            nanoseconds(w, l),
            skipped,
            CountSource.zeros(w, l.counted()),
            CountSource.nearZeros(w, l.counted(), options.threshold()),
            (channels, count, zeros) -> CountSource.keep(w, l.counted(), channels, count, zeros));
      } else {
        events.report(number, kernel, backend, nanoseconds(w, l), skipped);
      }
    }
  }

  private boolean isCounted(PlannedLayer l) {
    return options.counts() != CountLevel.OFF && l.counted() != null;
  }

  private static long nanoseconds(Workspace w, PlannedLayer l) {
    long nanos = 0;
    for (int i = l.firstStep(); i < l.endStep(); i++) {
      nanos += w.nanoseconds[i];
    }
    return nanos;
  }

  /** The step of a layer that may skip zeros, or null. */
  private SkippingStep skipping(PlannedLayer l) {
    SkippingStep skipping = null;
    for (int i = l.firstStep(); i < l.endStep(); i++) {
      skipping = steps[i] instanceof SkippingStep s ? s : skipping;
    }
    return skipping;
  }

  /**
   * What a flight recording needs to know of the steps.
   *
   * @param starting by step, the layer that starts with it, or −1
   * @param ending by step, the layer whose last one it is, or −1
   * @param along by layer, the step that computes it, alone or along with another layer
   * @param skipping by layer, its step that may skip zeros, or null
   * @param kernels by layer, where no step may skip
   */
  private record Recorded(
      PlanFlight flight,
      int[] starting,
      int[] ending,
      int[] along,
      SkippingStep[] skipping,
      String[] kernels) {
    PlanFlight.Run start(Workspace w) {
      if (w.recorded == null) {
        w.recorded = flight.runs();
      }
      w.recorded.start();
      return w.recorded;
    }
  }

  private Recorded recorded;

  private synchronized Recorded recorded(Workspace w) {
    if (recorded == null) {
      int[] starting = new int[steps.length];
      int[] ending = new int[steps.length];
      int[] along = new int[layers.size()];
      SkippingStep[] skipping = new SkippingStep[layers.size()];
      String[] kernels = new String[layers.size()];
      Arrays.fill(starting, -1);
      Arrays.fill(ending, -1);
      int last = 0;
      List<PlanFlight.Facts> facts = new ArrayList<>();
      for (int i = 0; i < layers.size(); i++) {
        PlannedLayer l = layers.get(i);
        if (l.endStep() > l.firstStep()) {
          last = l.endStep() - 1;
          starting[l.firstStep()] = i;
          ending[last] = i;
        }
        along[i] = last;
        skipping[i] = skipping(l);
        // Equal texts are one: all are read again in every run, when the caches are full of other
        // things.
        kernels[i] = l.kernel().intern();
        facts.add(
            new PlanFlight.Facts(
                l.layer().name(),
                l.layer().op().intern(),
                l.inputShape().toString().intern(),
                l.shape().toString().intern(),
                l.multiplyAdds(),
                l.shape().elements(),
                isCounted(l) ? CountSource.channels(w, l.counted()) : 0));
      }
      PlanFlight flight = new PlanFlight(source, facts);
      recorded = new Recorded(flight, starting, ending, along, skipping, kernels);
    }
    return recorded;
  }

  private void reportChoices() {
    for (PlannedLayer l : layers) {
      if (l.endStep() > l.firstStep()) {
        PlanFlight.choice(
            source,
            l.layer().name(),
            l.layer().op(),
            l.shape().toString(),
            l.kernel(),
            l.backend(),
            l.reason());
      }
    }
  }

  /** Whether a run takes as long as it will from now on; false while the compiler is still at the kernels. */
  public boolean isSettled() {
    for (Step s : steps) {
      if (!s.isSettled()) {
        return false;
      }
    }
    return true;
  }

  /** Multiply-adds of one run, by the operators' definitions. */
  public long multiplyAdds() {
    return layers.stream().mapToLong(PlannedLayer::multiplyAdds).sum();
  }

  /** Flight recordings forget the plan. */
  @Override
  public synchronized void close() {
    if (recorded != null) {
      recorded.flight().close();
    }
  }

  /**
   * The outputs' own memory: views of the workspace where a value lies in it as the caller sees it, otherwise tensors in the
   * workspace's arena that {@link #fetch} fills.
   */
  public Map<String, Tensor> outputViews(Workspace w) {
    Map<String, Tensor> views = new LinkedHashMap<>();
    for (Door d : outputs) {
      views.put(
          d.name(),
          d.isView()
              ? new Tensor(d.type(), d.shape(), w.memory.asSlice(d.place(), d.bytes()))
              : Tensor.allocate(d.type(), d.shape(), w.arena));
    }
    return views;
  }

  /** Brings the outputs of the last run into {@code views} as {@link #outputViews} made them. */
  public void fetch(Workspace w, Tensor[] views) {
    for (int i = 0; i < views.length; i++) {
      if (!outputs.get(i).isView()) {
        outputs.get(i).copy(w.memory, views[i].data());
      }
    }
  }

  /** Copies of the outputs of the last run, independent of the workspace. */
  public Map<String, Tensor> copyOutputs(Workspace w) {
    Map<String, Tensor> copies = new LinkedHashMap<>();
    Arena arena = Arena.ofAuto();
    for (Door d : outputs) {
      Tensor t = Tensor.allocate(d.type(), d.shape(), arena);
      d.copy(w.memory, t.data());
      copies.put(d.name(), t);
    }
    return copies;
  }

  /** What the last run on a workspace showed. */
  public SparsityProfile profile(Workspace w) {
    List<LayerProfile> rows = new ArrayList<>(layers.size());
    layers.forEach(l -> rows.add(row(w, l)));
    return new SparsityProfile(rows, 1);
  }

  private LayerProfile row(Workspace w, PlannedLayer l) {
    SkippingStep skipping = skipping(l);
    Counts counts =
        !isCounted(l)
            ? null
            : CountSource.counts(w, l.counted(), l.shape().elements(), options.threshold());
    if (counts != null && l.detail() >= 0) {
      counts = counts.with(w.details[l.detail()]);
    }
    return new LayerProfile(
        l.layer().name(),
        l.layer().op(),
        l.layer().value(),
        l.shape(),
        skipping == null ? l.kernel() : skipping.lastKernel(w),
        skipping == null ? l.backend() : skipping.lastBackend(w),
        l.reason(),
        nanoseconds(w, l),
        l.multiplyAdds(),
        counts,
        skipping == null
            ? null
            : new Skipping(skipping.skipped(w), skipping.expected(w)[0], skipping.expected(w)[1]));
  }

  /** Layers whose values this plan never forms. */
  public Set<String> foldedValues() {
    Set<String> folded = new LinkedHashSet<>();
    for (PlannedLayer l : layers) {
      if (l.layer().role() == Role.FOLDED) {
        folded.add(l.layer().value());
      }
    }
    return folded;
  }
}
