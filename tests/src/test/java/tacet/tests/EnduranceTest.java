package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.NetworkBuilder;
import tacet.Result;
import tacet.RunOptions;
import tacet.Session;
import tacet.error.DeadlineExceededException;
import tacet.error.MemoryLimitException;
import tacet.graph.Graph;
import tacet.graph.ValueInfo;
import tacet.kernels.CountLevel;
import tacet.kernels.SparseMode;
import tacet.tensor.Tensor;

/**
 * Many threads, platform ones and virtual ones, run models of several kinds while others close and replace them, give up by
 * deadline, are interrupted, or are refused memory. {@code -Dtacet.endurance=N} sets for how many seconds; more than some
 * hundred need {@code -Dsurefire.timeout=M} besides.
 */
class EnduranceTest {

  private static final int SECONDS = Integer.getInteger("tacet.endurance", 4);
  private static final int CALLERS = 32;

  /** Of the largest magnitude of an output: kernels are chosen per run, and add in orders of their own. */
  private static final float CLOSE = 1e-4f;

  /** What memory beside the heap may grow by once everything has been in use: compiled code, what malloc keeps. */
  private static final long GROWTH_KILOBYTES = 100_000;

  /** Shorter runs end before the heap has been used to its full size; their memory says nothing. */
  private static final int LONG_ENOUGH_SECONDS = 60;

  /** A network, how it is to be run, and inputs with what comes of them. */
  private static final class Kind {
    final Graph graph;
    final ModelOptions options;
    final AtomicReference<Model> model = new AtomicReference<>();
    final List<Map<String, Tensor>> inputs = new ArrayList<>();
    final List<Map<String, float[]>> expected = new ArrayList<>();

    Kind(Graph graph, ModelOptions options, Tensor... inputs) throws InterruptedException {
      this.graph = graph;
      this.options = options;
      model.set(Model.of(graph, options));
      for (Tensor x : inputs) {
        this.inputs.add(Map.of(graph.inputs().getFirst().name(), x));
        Map<String, float[]> values = new HashMap<>();
        Result result = model.get().run(this.inputs.getLast());
        result.outputs().forEach((name, y) -> values.put(name, y.toFloats()));
        expected.add(values);
      }
    }

    void replace(int threads) {
      model.getAndSet(Model.of(graph, options.withThreads(threads))).close();
    }

    void check(int input, Map<String, Tensor> outputs) {
      expected
          .get(input)
          .forEach(
              (name, values) -> {
                float largest = 1;
                for (float v : values) {
                  largest = Math.max(largest, Math.abs(v));
                }
                assertArrayEquals(values, outputs.get(name).toFloats(), CLOSE * largest, name);
              });
    }
  }

  private final List<Kind> kinds = new ArrayList<>();
  private final AtomicLong runs = new AtomicLong();
  private final AtomicLong closes = new AtomicLong();
  private final AtomicLong stopped = new AtomicLong();
  private final AtomicLong refused = new AtomicLong();

  private void makeKinds() throws InterruptedException {
    ModelOptions options = ModelOptions.defaults().withThreads(1);
    Random random = new Random(3);
    List<ModelOptions> ways =
        List.of(
            options,
            options.withSparse(SparseMode.ALWAYS),
            options.withCounts(CountLevel.DETAIL),
            options.withBackend(Backend.VECTOR).withFuse(false),
            options.withMemoryLimit(400_000));
    for (int k = 0; k < ways.size(); k++) {
      Graph graph = Networks.small(k, 15 + 4 * k, 21 - k);
      Tensor x = Networks.random(random, 1f, 1, 3, 15 + 4 * k, 21 - k);
      Tensor y = Networks.random(random, 1f, 1, 3, 15 + 4 * k, 21 - k);
      kinds.add(new Kind(graph, ways.get(k), x, y));
    }
    for (long seed : new long[] {1, 2, 5, 8, 13, 21}) {
      Graph graph = RandomGraphs.graph(seed);
      Tensor x = Networks.random(random, 1f, graph.inputs().getFirst().dims());
      kinds.add(new Kind(graph, options, x));
    }
    // Of more shapes than plans are kept.
    NetworkBuilder b = new NetworkBuilder("any size", 4);
    String x = b.input("image", 1, 3, ValueInfo.UNKNOWN, ValueInfo.UNKNOWN);
    x = b.relu("relu1", b.convolution("conv1", x, 24, 3, 1, 1));
    x = b.relu("relu2", b.convolution("conv2", b.maxPool("pool", x, 2, 2), 40, 3, 2, 1));
    Graph free = b.build(b.globalAveragePool("mean", x));
    Tensor[] sizes = new Tensor[12];
    for (int i = 0; i < sizes.length; i++) {
      sizes[i] = Networks.random(random, 1f, 1, 3, 9 + 5 * i, 40 - 2 * i);
    }
    kinds.add(new Kind(free, options, sizes));
  }

  @Test
  void noWrongResultAndNoGrowth() throws Exception {
    makeKinds();
    long start = System.nanoTime();
    long end = start + Duration.ofSeconds(SECONDS).toNanos();
    long third = start + (end - start) / 3;
    long settled = 0;
    try (ExecutorService platform = Executors.newFixedThreadPool(CALLERS / 2);
        ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> callers = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        Random random = new Random(i);
        callers.add((i % 2 == 0 ? platform : virtual).submit(() -> call(random, end)));
      }
      Thread.sleep(Duration.ofNanos(third - System.nanoTime()));
      settled = residentKilobytes();
      for (Future<?> c : callers) {
        c.get();
      }
    }
    long grown = residentKilobytes() - settled;
    kinds.forEach(k -> k.model.get().close());
    System.out.printf(
        "%d runs of %d networks, %d closed under way, %d runs stopped, %d refused;"
            + " memory beside the heap grew from %d by %d kB%n",
        runs.get(), kinds.size(), closes.get(), stopped.get(), refused.get(), settled, grown);
    assertTrue(
        SECONDS < LONG_ENOUGH_SECONDS || grown < GROWTH_KILOBYTES, "it grew by " + grown + " kB");
    for (int wait = 0; wait < 100 && helpers() > 0; wait++) {
      Thread.sleep(20);
    }
    assertEquals(0, helpers());
  }

  private Void call(Random random, long end) throws Exception {
    while (System.nanoTime() - end < 0) {
      Kind kind = kinds.get(random.nextInt(kinds.size()));
      try {
        step(random, kind, random.nextInt(kind.inputs.size()));
        runs.incrementAndGet();
      } catch (IllegalStateException e) {
        assertTrue(e.getMessage().contains("closed"), e.getMessage());
      } catch (DeadlineExceededException | InterruptedException e) {
        stopped.incrementAndGet();
      } catch (MemoryLimitException e) {
        assertTrue(kind.options.memoryLimit() < Long.MAX_VALUE, e.getMessage());
        refused.incrementAndGet();
      }
    }
    return null;
  }

  private void step(Random random, Kind kind, int number) throws InterruptedException {
    Model model = kind.model.get();
    Map<String, Tensor> input = kind.inputs.get(number);
    switch (random.nextInt(20)) {
      case 0 -> {
        kind.replace(1 + random.nextInt(3));
        closes.incrementAndGet();
      }
      case 1 -> {
        Thread.currentThread().interrupt();
        try {
          kind.check(number, model.run(input).outputs());
        } finally {
          Thread.interrupted();
        }
      }
      case 2 -> {
        Duration timeout = Duration.ofNanos(random.nextInt(2_000_000));
        RunOptions run = RunOptions.defaults().withTimeout(timeout);
        kind.check(number, model.run(input, run).outputs());
      }
      case 3, 4, 5 -> {
        Tensor x = input.values().iterator().next();
        try (Session session = model.session(x.shape())) {
          session.input().copyFrom(x.toFloats());
          session.run();
          kind.check(number, session.outputs());
        }
      }
      default -> kind.check(number, model.run(input).outputs());
    }
  }

  private static long helpers() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(t -> t.getName().startsWith("tacet"))
        .count();
  }

  /** Resident memory without the heap; without all of it where the system does not say. */
  private static long residentKilobytes() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (Files.exists(status)) {
      for (String line : Files.readAllLines(status)) {
        if (line.startsWith("VmRSS:")) {
          return Long.parseLong(line.replaceAll("\\D", ""))
              - Runtime.getRuntime().totalMemory() / 1000;
        }
      }
    }
    return 0;
  }
}
