package tacet;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeSet;
import tacet.error.ModelFormatException;
import tacet.error.TacetException;
import tacet.format.ModelReader;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.ValueInfo;
import tacet.kernels.KernelProvider;
import tacet.kernels.ThreadBudget;
import tacet.plan.Plan;
import tacet.plan.PlanOptions;
import tacet.plan.Providers;
import tacet.plan.Workspace;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * A network ready to run. Immutable and shared by threads: each run takes memory of its own from a bounded pool, and all
 * runs together keep to one thread budget. {@link #close} gives all memory back; runs after it throw.
 */
public final class Model implements AutoCloseable {

  /** Plans kept for different input shapes; the least recently used goes first. */
  private static final int MOST_PLANS = 8;

  /** Longest that kernels are measured for the inputs of one shape. */
  private static final long MOST_MEASURE_NANOS = 2_000_000_000;

  private record Key(Map<String, Shape> shapes, List<List<Byte>> contents, Set<String> wanted) {}

  /** A plan, its packed weights and idle workspaces. */
  private static final class Prepared {
    final Plan plan;
    final Arena weights;
    final Deque<Workspace> idle = new ArrayDeque<>();
    int running;
    boolean retired;

    Prepared(Plan plan, Arena weights) {
      this.plan = plan;
      this.weights = weights;
    }

    void free() {
      idle.forEach(Workspace::close);
      idle.clear();
      weights.close();
    }
  }

  private final Graph graph;
  private final ModelOptions options;
  private final List<KernelProvider> providers;
  private final ThreadBudget budget;
  private final Set<String> deciding;
  private final Map<Key, Prepared> plans = new LinkedHashMap<>(16, 0.75f, true);
  private boolean closed;

  private Model(Graph graph, ModelOptions options) {
    this.graph = graph;
    this.options = options;
    this.providers = Providers.of(options.backend().name());
    this.budget = new ThreadBudget(options.threads());
    this.deciding = Plan.shapeDecidingInputs(graph);
  }

  /**
   * Reads a model file; its format is recognised by the readers on the module path or class path.
   *
   * @throws IOException where the file cannot be read
   * @throws ModelFormatException where no reader knows the file, or it is damaged
   * @throws tacet.error.UnsupportedOpException where it asks for operators that Tacet does not have
   */
  public static Model load(Path file, ModelOptions options) throws IOException {
    return of(read(file), options);
  }

  /** Reads a model file with the {@linkplain ModelOptions#defaults default options}. */
  public static Model load(Path file) throws IOException {
    return load(file, ModelOptions.defaults());
  }

  /** A model of a graph made in code. */
  public static Model of(Graph graph, ModelOptions options) {
    return new Model(graph, options);
  }

  /**
   * Reads a model file as a graph, without making it ready to run.
   *
   * @see #load
   */
  public static Graph read(Path file) throws IOException {
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
        return reader.read(file);
      }
    }
    throw new ModelFormatException(
        file.toString(),
        "",
        formats.isEmpty()
            ? "no model reader is installed"
            : "is no model in a known format " + formats);
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

  /** Runs a network of one input. */
  public Result run(Tensor input) throws InterruptedException {
    if (graph.inputs().size() != 1) {
      throw new IllegalArgumentException(
          "the model has " + graph.inputs().size() + " inputs; give them by name");
    }
    return run(Map.of(graph.inputs().getFirst().name(), input), Set.of());
  }

  /** Runs the network on inputs by name. */
  public Result run(Map<String, Tensor> inputs) throws InterruptedException {
    return run(inputs, Set.of());
  }

  /**
   * Runs the network and returns, besides its outputs, the values of the named layers or values. What is tapped is not
   * fused away.
   *
   * @throws IllegalArgumentException where an input is missing or unknown, or nothing is called like a tap
   * @throws IllegalStateException after {@link #close}
   * @throws InterruptedException where the calling thread is interrupted; between layers at the latest
   */
  public Result run(Map<String, Tensor> inputs, Set<String> taps) throws InterruptedException {
    for (String name : inputs.keySet()) {
      if (graph.inputs().stream().noneMatch(i -> i.name().equals(name))) {
        throw new IllegalArgumentException(
            "the model has no input '"
                + name
                + "'; it has "
                + graph.inputs().stream().map(ValueInfo::name).toList());
      }
    }
    Set<String> wanted = new LinkedHashSet<>();
    graph.outputs().forEach(o -> wanted.add(o.name()));
    wanted.addAll(values(taps));
    try (ThreadBudget.Team team = budget.acquire()) {
      Prepared prepared = acquire(inputs, wanted);
      Workspace workspace = null;
      boolean done = false;
      try {
        synchronized (prepared) {
          workspace = prepared.idle.poll();
        }
        if (workspace == null) {
          workspace = prepared.plan.workspace();
        }
        prepared.plan.run(workspace, inputs, team);
        Map<String, Tensor> outputs = new LinkedHashMap<>();
        for (String name : wanted) {
          outputs.put(name, inModelLayout(name, prepared.plan.output(workspace, name)));
        }
        Result result = new Result(outputs, prepared.plan.profile(workspace));
        done = true;
        return result;
      } finally {
        release(prepared, workspace, done);
      }
    }
  }

  /** The values that layers or values of these names make. */
  private Set<String> values(Set<String> taps) {
    Set<String> values = new LinkedHashSet<>();
    for (String tap : taps) {
      String found = null;
      for (Node n : graph.nodes()) {
        if (n.outputs().contains(tap) || n.name().equals(tap)) {
          found = n.outputs().contains(tap) ? tap : n.output(0);
          break;
        }
      }
      if (found == null) {
        throw new IllegalArgumentException("the model has no layer or value '" + tap + "'");
      }
      values.add(found);
    }
    return values;
  }

  private Tensor inModelLayout(String name, Tensor t) {
    return graph.channelsLast().contains(name) ? Layouts.channelsLast(t) : t;
  }

  private Prepared acquire(Map<String, Tensor> inputs, Set<String> wanted) {
    Key key = key(inputs, wanted);
    synchronized (plans) {
      if (closed) {
        throw new IllegalStateException("the model is closed");
      }
      Prepared p = plans.get(key);
      if (p == null) {
        p = prepare(inputs, wanted);
        plans.put(key, p);
        evict();
      }
      synchronized (p) {
        p.running++;
      }
      return p;
    }
  }

  private Prepared prepare(Map<String, Tensor> inputs, Set<String> wanted) {
    Arena weights = Arena.ofShared();
    try {
      Plan plan =
          Plan.of(
              graph,
              inputs,
              wanted,
              providers,
              new PlanOptions(
                  options.counts(),
                  options.nearZero(),
                  options.threads(),
                  options.fuse(),
                  options.sparse(),
                  options.measure() ? MOST_MEASURE_NANOS : 0),
              weights);
      return new Prepared(plan, weights);
    } catch (TacetException | IllegalArgumentException | ArithmeticException | OutOfMemoryError e) {
      weights.close();
      throw e;
    }
  }

  private void evict() {
    while (plans.size() > MOST_PLANS) {
      var eldest = plans.entrySet().iterator();
      Prepared p = eldest.next().getValue();
      eldest.remove();
      retire(p);
    }
  }

  private static void retire(Prepared p) {
    synchronized (p) {
      p.retired = true;
      if (p.running == 0) {
        p.free();
      }
    }
  }

  private void release(Prepared p, Workspace workspace, boolean reusable) {
    synchronized (p) {
      p.running--;
      if (workspace != null) {
        if (reusable && !p.retired) {
          p.idle.push(workspace);
        } else {
          workspace.close();
        }
      }
      if (p.retired && p.running == 0) {
        p.free();
      }
    }
  }

  private Key key(Map<String, Tensor> inputs, Set<String> wanted) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    List<List<Byte>> contents = new ArrayList<>();
    for (ValueInfo i : graph.inputs()) {
      Tensor t = inputs.get(i.name());
      if (t == null) {
        throw new IllegalArgumentException("input '" + i.name() + "' is missing");
      }
      shapes.put(i.name(), t.shape());
      if (deciding.contains(i.name())) {
        List<Byte> bytes = new ArrayList<>();
        for (byte b : t.data().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE)) {
          bytes.add(b);
        }
        contents.add(bytes);
      }
    }
    return new Key(shapes, contents, Set.copyOf(wanted));
  }

  /** Waits for nothing: runs under way end as they would have, and their memory goes with them. */
  @Override
  public void close() {
    synchronized (plans) {
      if (closed) {
        return;
      }
      closed = true;
      plans.values().forEach(Model::retire);
      plans.clear();
    }
    budget.close();
  }
}
