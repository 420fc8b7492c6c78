package tacet;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.function.Function;
import tacet.error.DeadlineExceededException;
import tacet.error.ModelFormatException;
import tacet.format.ModelReader;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.ValueInfo;
import tacet.jfr.Flight;
import tacet.jfr.InferenceEvent;
import tacet.jfr.ModelFlight;
import tacet.jfr.ModelLoadEvent;
import tacet.kernels.DataType;
import tacet.kernels.KernelProvider;
import tacet.kernels.Parallel;
import tacet.kernels.ThreadBudget;
import tacet.plan.Plan;
import tacet.plan.Providers;
import tacet.plan.Workspace;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * A network ready to run. Immutable and shared by threads: each run takes memory of its own from a bounded pool, and all
 * runs together keep to one thread budget. {@link #close} gives all memory back; runs after it throw.
 *
 * <p>{@link #run} takes inputs of any shape the network allows, makes a plan when it first sees one, and returns outputs that
 * live as long as the caller holds them. A {@link #session} has its shape and memory fixed beforehand, and its runs
 * allocate nothing.
 */
public final class Model implements AutoCloseable {

  private final Graph graph;
  private final ModelOptions options;
  private final List<KernelProvider> providers;
  private final ThreadBudget budget;
  private final MemoryAccount memory;
  private final FileMemory file;
  private final Plans plans;
  private final Set<Session> sessions = new HashSet<>();
  private ModelFlight flight;
  private boolean closed;

  /**
   * @param memory counts what the model takes
   * @param file where the graph's constants live, if that is the model's to close
   */
  private Model(Graph graph, ModelOptions options, MemoryAccount memory, FileMemory file) {
    this.graph = graph;
    this.file = file;
    this.options = options;
    this.providers = Providers.of(options.backend().name(), options.threads());
    this.budget = new ThreadBudget(options.threads(), options.executor());
    this.memory = memory;
    this.plans = new Plans(graph, options, providers, memory, file);
  }

  /**
   * Reads a model file; its format is recognised by the readers on the module path or class path. The file stays mapped
   * until the model is closed; then the constants of its {@link #graph} are gone too.
   *
   * @throws IOException where the file cannot be read
   * @throws ModelFormatException where no reader knows the file, or it is damaged
   * @throws tacet.error.UnsupportedOpException where it asks for operators that Tacet does not have
   * @throws tacet.error.MemoryLimitException where constants that the file does not hold as they are needed would take more memory
   *     than the model may hold
   */
  public static Model load(Path file, ModelOptions options) throws IOException {
    MemoryAccount memory = new MemoryAccount(options.memoryLimit());
    MemoryAccount.Scope constants = memory.open();
    Model model = null;
    try {
      model = new Model(read(file, constants), options, memory, new FileMemory(constants));
      return model;
    } finally {
      if (model == null) {
        constants.close();
      }
    }
  }

  /** Reads a model file with the {@linkplain ModelOptions#defaults default options}. */
  public static Model load(Path file) throws IOException {
    return load(file, ModelOptions.defaults());
  }

  /** A model of a graph made in code. */
  public static Model of(Graph graph, ModelOptions options) {
    return new Model(graph, options, new MemoryAccount(options.memoryLimit()), FileMemory.NONE);
  }

  /**
   * Reads a model file as a graph, without making it ready to run. Its constants live as long as it is reachable.
   *
   * @see #load
   */
  public static Graph read(Path file) throws IOException {
    return read(file, Arena.ofAuto());
  }

  private static Graph read(Path file, Arena arena) throws IOException {
    if (Files.isDirectory(file)) {
      throw new ModelFormatException(file.toString(), "", "is a folder, not a model file");
    }
    byte[] head;
    try (InputStream in = Files.newInputStream(file)) {
      head = in.readNBytes(16);
    }
    Set<String> formats = new TreeSet<>();
    for (ModelReader reader : ServiceLoader.load(ModelReader.class)) {
      formats.add(reader.format());
      if (reader.recognises(file, head)) {
        return read(reader, file, arena);
      }
    }
    throw new ModelFormatException(
        file.toString(),
        "",
        formats.isEmpty()
            ? "no model reader is installed"
            : "is no model in a known format " + formats);
  }

  private static Graph read(ModelReader reader, Path file, Arena arena) throws IOException {
    if (!Flight.isRecording()) {
      return reader.read(file, arena);
    }
    ModelLoadEvent event = ModelLoadEvent.started();
    Graph graph = reader.read(file, arena);
    event.finished(graph.source(), reader.format(), graph.nodes().size(), constantBytes(graph));
    return graph;
  }

  private static long constantBytes(Graph graph) {
    return graph.constants().values().stream().mapToLong(t -> t.data().byteSize()).sum();
  }

  public Graph graph() {
    return graph;
  }

  public ModelOptions options() {
    return options;
  }

  /** What the caller gives. */
  public List<ValueInfo> inputs() {
    return graph.inputs();
  }

  /** What runs return. */
  public List<ValueInfo> outputs() {
    return graph.outputs();
  }

  ValueInfo onlyInput() {
    if (graph.inputs().size() != 1) {
      throw new IllegalArgumentException(
          "the model has " + graph.inputs().size() + " inputs; give them by name");
    }
    return graph.inputs().getFirst();
  }

  /** Runs a network of one input. */
  public Result run(Tensor input) throws InterruptedException {
    return run(Map.of(onlyInput().name(), input), RunOptions.defaults());
  }

  /**
   * Runs a network of one input whose shape the model fixes.
   *
   * @param input its elements, row-major; copied
   * @throws IllegalArgumentException where the model leaves the shape free, or the number of elements differs
   */
  public Result run(float... input) throws InterruptedException {
    return run(Tensor.of(fixedShape(onlyInput()), input));
  }

  /** Runs the network on inputs by name. */
  public Result run(Map<String, Tensor> inputs) throws InterruptedException {
    return run(inputs, RunOptions.defaults());
  }

  /** Runs the network and returns, besides its outputs, the values of the named layers or values. */
  public Result run(Map<String, Tensor> inputs, Set<String> taps) throws InterruptedException {
    return run(inputs, RunOptions.defaults().withTaps(taps));
  }

  /**
   * Runs the network.
   *
   * @param inputs by name; native or heap memory, copied before the run begins
   * @throws IllegalArgumentException where an input is missing or unknown, or nothing is called like a tap
   * @throws tacet.error.ShapeMismatchException where an input's shape or type is not the model's
   * @throws tacet.error.DeadlineExceededException where the time was up first
   * @throws tacet.error.MemoryLimitException where the run would take more memory than the model may hold
   * @throws IllegalStateException after {@link #close}
   * @throws InterruptedException where the calling thread is interrupted; between layers at the latest
   */
  public Result run(Map<String, Tensor> inputs, RunOptions run) throws InterruptedException {
    requireInputs(inputs.keySet());
    Set<String> wanted = wanted(run.taps());
    long deadline = run.timeout() == null ? 0 : System.nanoTime() + run.timeout().toNanos();
    InferenceEvent event = recorded();
    try (ThreadBudget.Team team = share(run.timeout(), event)) {
      Prepared prepared = plans.get(inputs, wanted, team);
      try {
        Plan plan = prepared.plan();
        Workspace workspace = plans.withRoom(prepared, prepared::workspace);
        try {
          for (ValueInfo i : graph.inputs()) {
            workspace.input(i.name()).data().copyFrom(inputs.get(i.name()).data());
          }
          plan.run(workspace, team, deadline, run.timeout());
          if (event != null) {
            event.done(plan.multiplyAdds());
          }
          return new Result(plan.copyOutputs(workspace), plan.profile(workspace));
        } finally {
          prepared.giveBack(workspace);
        }
      } finally {
        prepared.leave();
      }
    } finally {
      if (event != null) {
        event.over();
      }
    }
  }

  /** A run begins; null where no recording wants to know. */
  InferenceEvent recorded() {
    if (!Flight.isRecording()) {
      return null;
    }
    synchronized (sessions) {
      if (flight == null && !closed) {
        flight = new ModelFlight(graph.source(), memory);
      }
    }
    return InferenceEvent.started(graph.source());
  }

  /**
   * A session for a model that fixes the shapes of its inputs.
   *
   * @throws IllegalArgumentException where the model leaves a shape free
   */
  public Session session() {
    return session(fixedShapes(), Set.of());
  }

  /** A session for a model of one input. */
  public Session session(Shape input) {
    return session(Map.of(onlyInput().name(), input), Set.of());
  }

  /**
   * A session for inputs of these shapes.
   *
   * @param taps layers or values that are returned besides the outputs
   * @throws IllegalArgumentException where an input is missing or unknown, or what an input holds (not only its shape) decides
   *     the shape of another value; then there are no sessions
   * @throws tacet.error.MemoryLimitException where the session would take more memory than the model may hold
   */
  public Session session(Map<String, Shape> shapes, Set<String> taps) {
    return withSpecimens(shapes, specimens -> session(prepared(specimens, wanted(taps))));
  }

  private Session session(Prepared prepared) {
    Session session = null;
    boolean open = false;
    try {
      session = new Session(this, prepared, plans.withRoom(prepared, prepared::newWorkspace));
      synchronized (sessions) {
        requireOpen();
        sessions.add(session);
      }
      open = true;
      return session;
    } finally {
      if (session == null) {
        prepared.leave();
      } else if (!open) {
        session.close();
      }
    }
  }

  /** What a plan needs to know of inputs that are not there yet: type and shape. */
  private <T> T withSpecimens(Map<String, Shape> shapes, Function<Map<String, Tensor>, T> use) {
    requireInputs(shapes.keySet());
    if (!plans.deciding().isEmpty()) {
      throw new IllegalArgumentException(
          "the contents of inputs " + plans.deciding() + " decide shapes: give them to run");
    }
    Map<String, Tensor> specimens = new LinkedHashMap<>();
    try (Arena arena = Arena.ofConfined()) {
      for (ValueInfo i : graph.inputs()) {
        specimens.put(i.name(), Tensor.allocate(i.type(), shapes.get(i.name()), arena));
      }
      return use.apply(specimens);
    }
  }

  /** Called by a session that is closed. */
  void forget(Session session) {
    synchronized (sessions) {
      sessions.remove(session);
    }
  }

  /** Waits for a share of the thread budget. */
  ThreadBudget.Team share(Duration timeout, InferenceEvent event) throws InterruptedException {
    long start = event == null ? 0 : System.nanoTime();
    return working(
        timeout == null ? budget.acquire() : budget.tryAcquire(timeout.toNanos()),
        timeout,
        event,
        start);
  }

  /** Waits for one thread of the budget, the caller's. */
  ThreadBudget.Team shareAlone(InferenceEvent event) throws InterruptedException {
    long start = event == null ? 0 : System.nanoTime();
    return working(budget.acquire(1), null, event, start);
  }

  private static ThreadBudget.Team working(
      ThreadBudget.Team team, Duration timeout, InferenceEvent event, long start) {
    if (team == null) {
      throw new DeadlineExceededException(timeout, "no thread of the budget came free");
    }
    if (event != null) {
      event.working(team.threads(), System.nanoTime() - start);
    }
    return team;
  }

  /**
   * Memory of a model that fixes the shapes of its inputs. Makes its plan if there is none yet.
   *
   * @throws IllegalArgumentException where the model leaves a shape free
   */
  public MemoryUse memory() {
    return memory(fixedShapes());
  }

  /** Memory for inputs of these shapes. Makes a plan for them if there is none yet. */
  public MemoryUse memory(Map<String, Shape> shapes) {
    return withSpecimens(
        shapes,
        specimens -> {
          Prepared prepared = prepared(specimens, wanted(Set.of()));
          try {
            Plan plan = prepared.plan();
            return new MemoryUse(
                constantBytes(graph),
                file.copiedBytes(),
                prepared.weightBytes(),
                plan.workspaceBytes(),
                plan.scratchBytes(),
                plan.counterBytes(),
                memory.used(),
                memory.limit());
          } finally {
            prepared.leave();
          }
        });
  }

  /**
   * Runs a model that fixes the shapes of its inputs until it has reached its speed, for five seconds at most.
   *
   * @throws IllegalArgumentException where the model leaves a shape free
   */
  public WarmUp warmUp() throws InterruptedException {
    return warmUp(fixedShapes(), Duration.ofSeconds(5));
  }

  /**
   * Runs noise of these shapes until the times have stopped falling. The JIT compiler works beside the runs, so that a
   * plateau counts only when it has lasted: three windows of a tenth of a second, none three percent faster than any before.
   *
   * @param most stops then in any case, the run under way excepted
   */
  public WarmUp warmUp(Map<String, Shape> shapes, Duration most) throws InterruptedException {
    long start = System.nanoTime();
    try (Session session = session(shapes, Set.of())) {
      SplittableRandom random = new SplittableRandom(1);
      for (ValueInfo i : graph.inputs()) {
        if (i.type() == DataType.FLOAT32) {
          session.input(i.name()).fill(random::nextGaussian);
        }
      }
      return SteadyState.await(session, start, most);
    }
  }

  /**
   * What this machine's multiply-adds reach at best on the model's threads, measured now: 10⁹ floating-point operations per
   * second. Takes about half a second.
   *
   * @return NaN where no kernels of the model can measure it
   */
  public double peakGflops() throws InterruptedException {
    try (ThreadBudget.Team team = share(null, null)) {
      return providers.stream()
          .mapToDouble(p -> p.peakGflops(team))
          .filter(g -> !Double.isNaN(g))
          .findFirst()
          .orElse(Double.NaN);
    }
  }

  private void requireInputs(Set<String> names) {
    for (String name : names) {
      if (graph.inputs().stream().noneMatch(i -> i.name().equals(name))) {
        throw new IllegalArgumentException(
            "the model has no input '"
                + name
                + "'; it has "
                + graph.inputs().stream().map(ValueInfo::name).toList());
      }
    }
    for (ValueInfo i : graph.inputs()) {
      if (!names.contains(i.name())) {
        throw new IllegalArgumentException("input '" + i.name() + "' is missing");
      }
    }
  }

  private Map<String, Shape> fixedShapes() {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    graph.inputs().forEach(i -> shapes.put(i.name(), fixedShape(i)));
    return shapes;
  }

  private static Shape fixedShape(ValueInfo input) {
    if (!input.isStatic()) {
      throw new IllegalArgumentException(
          "the model leaves the shape of input '"
              + input.name()
              + "' free ("
              + input.describe()
              + "); give a shape");
    }
    return Shape.of(input.dims());
  }

  private Set<String> wanted(Set<String> taps) {
    Set<String> wanted = new LinkedHashSet<>();
    graph.outputs().forEach(o -> wanted.add(o.name()));
    if (!taps.isEmpty()) {
      wanted.addAll(values(taps));
    }
    return wanted;
  }

  /** The values that layers or values of these names make. */
  private Set<String> values(Set<String> taps) {
    Set<String> values = new LinkedHashSet<>();
    for (String tap : taps) {
      String found = null;
      for (Node n : graph.nodes()) {
        if (n.outputs().contains(tap)) {
          found = tap;
          break;
        }
        if (found == null && n.name().equals(tap)) {
          found = n.output(0);
        }
      }
      if (found == null) {
        throw new IllegalArgumentException("the model has no layer or value '" + tap + "'");
      }
      values.add(found);
    }
    return values;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the model is closed");
    }
  }

  /** A plan for these inputs, made outside a run if need be: on the threads of the budget where they are free. */
  private Prepared prepared(Map<String, Tensor> inputs, Set<String> wanted) {
    try (ThreadBudget.Team team = budget.tryAcquire(0)) {
      return plans.get(inputs, wanted, team == null ? Parallel.serial() : team);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return plans.get(inputs, wanted, Parallel.serial());
    }
  }

  /**
   * Gives all memory back: what nobody is using at once, that of runs under way when they end, as they would have. Open
   * sessions are closed.
   */
  @Override
  public void close() {
    List<Session> open;
    synchronized (sessions) {
      if (closed) {
        return;
      }
      closed = true;
      open = List.copyOf(sessions);
    }
    // First: what runs from now on finds no plan, and no new session.
    plans.close();
    open.forEach(Session::close);
    if (flight != null) {
      flight.close();
    }
    file.release();
    budget.close();
  }
}
