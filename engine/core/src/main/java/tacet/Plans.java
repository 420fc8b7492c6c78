package tacet;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import tacet.error.MemoryLimitException;
import tacet.error.ShapeMismatchException;
import tacet.graph.Graph;
import tacet.graph.ValueInfo;
import tacet.kernels.KernelProvider;
import tacet.kernels.Parallel;
import tacet.plan.Plan;
import tacet.plan.PlanOptions;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** A model's plans, one for each set of input shapes and wanted values; made when first asked for. */
final class Plans {

  /** Plans kept for different input shapes; the least recently used goes first. */
  private static final int MOST_PLANS = 8;

  /** Longest that kernels are run to measure them for the inputs of one shape, once they are compiled. */
  private static final long MOST_MEASURE_NANOS = 2_000_000_000;

  /**
   * What a plan is made for.
   *
   * @param contents of the inputs that decide shapes, in the graph's order
   */
  private record Key(List<Shape> shapes, List<ByteBuffer> contents, Set<String> wanted) {}

  private final Graph graph;
  private final ModelOptions options;
  private final List<KernelProvider> providers;
  private final MemoryAccount memory;
  private final FileMemory file;
  private final Set<String> deciding;
  private final LinkedHashMap<Key, Prepared> plans = new LinkedHashMap<>(16, 0.75f, true);
  private boolean closed;

  /**
   * @param file where the graph's constants live
   */
  Plans(
      Graph graph,
      ModelOptions options,
      List<KernelProvider> providers,
      MemoryAccount memory,
      FileMemory file) {
    this.graph = graph;
    this.options = options;
    this.providers = providers;
    this.memory = memory;
    this.file = file;
    this.deciding = Plan.shapeDecidingInputs(graph);
  }

  /** The inputs whose contents, not only their shapes, decide the shapes of other values. */
  Set<String> deciding() {
    return deciding;
  }

  /**
   * A plan for these inputs, made if need be. The caller must {@link Prepared#leave} it.
   *
   * @param parallel threads on which plans are tried
   */
  Prepared get(Map<String, Tensor> inputs, Set<String> wanted, Parallel parallel) {
    Key key = key(inputs, wanted);
    while (true) {
      Prepared p;
      List<Prepared> evicted = new ArrayList<>();
      synchronized (plans) {
        if (closed) {
          throw new IllegalStateException("the model is closed");
        }
        p = plans.computeIfAbsent(key, _ -> new Prepared(memory, file));
        while (plans.size() > MOST_PLANS) {
          evicted.add(plans.pollFirstEntry().getValue());
        }
      }
      evicted.forEach(Prepared::retire);
      boolean failed = true;
      try {
        // Outside the lock: making a plan takes long, and runs of other shapes need not wait for
        // it.
        boolean entered =
            withRoom(p, () -> p.enter(weights -> plan(inputs, wanted, weights, parallel)));
        failed = false;
        if (entered) {
          return p;
        }
      } finally {
        if (failed) {
          synchronized (plans) {
            plans.remove(key, p);
          }
        }
      }
    }
  }

  /** Allocates for {@code user}; where the limit is in the way, tries again without the plans that nobody is using. */
  <T> T withRoom(Prepared user, Supplier<T> allocation) {
    try {
      return allocation.get();
    } catch (MemoryLimitException e) {
      List<Prepared> dropped;
      synchronized (plans) {
        dropped = plans.values().stream().filter(p -> p != user).toList();
        plans.values().retainAll(Set.of(user));
      }
      dropped.forEach(Prepared::retire);
      return allocation.get();
    }
  }

  private Plan plan(
      Map<String, Tensor> inputs, Set<String> wanted, Arena weights, Parallel parallel) {
    PlanOptions o =
        new PlanOptions(
            options.counts(),
            options.nearZero(),
            options.threads(),
            options.fuse(),
            options.strict(),
            options.sparse(),
            options.measure() ? MOST_MEASURE_NANOS : 0);
    return Plan.of(graph, inputs, wanted, providers, o, weights, memory::open, parallel);
  }

  private Key key(Map<String, Tensor> inputs, Set<String> wanted) {
    List<Shape> shapes = new ArrayList<>(graph.inputs().size());
    List<ByteBuffer> contents = new ArrayList<>(deciding.size());
    for (ValueInfo i : graph.inputs()) {
      Tensor t = inputs.get(i.name());
      if (t.type() != i.type()) {
        throw new ShapeMismatchException(
            "input " + i.name(), i.type().toString(), t.type().toString());
      }
      shapes.add(t.shape());
      if (deciding.contains(i.name())) {
        contents.add(ByteBuffer.wrap(t.data().toArray(ValueLayout.JAVA_BYTE)));
      }
    }
    return new Key(shapes, contents, wanted);
  }

  /** Lets all plans go, those in use when their users are done; {@link #get} throws from now on. */
  void close() {
    List<Prepared> retired;
    synchronized (plans) {
      closed = true;
      retired = List.copyOf(plans.values());
      plans.clear();
    }
    retired.forEach(Prepared::retire);
  }
}
