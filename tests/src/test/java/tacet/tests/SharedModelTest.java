package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tacet.Backend;
import tacet.MemoryUse;
import tacet.Model;
import tacet.ModelOptions;
import tacet.NetworkBuilder;
import tacet.Session;
import tacet.error.MemoryLimitException;
import tacet.graph.Graph;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Many threads, shared models, and what happens when things go wrong. {@code -Dtacet.stress=SECONDS}. */
@Timeout(3700)
class SharedModelTest {

  private static final int SECONDS = Integer.getInteger("tacet.stress", 5);
  private static final ModelOptions OPTIONS =
      ModelOptions.defaults().withThreads(2).withBackend(Backend.VECTOR);

  private static Graph network(int seed) {
    NetworkBuilder b = new NetworkBuilder("network " + seed, seed);
    String x = b.input("image", -1, 3, -1, -1);
    String y = b.relu("relu1", b.convolution("conv1", x, 16 + seed, 3, 1, 1));
    y = b.relu("relu2", b.depthwise("conv2", b.maxPool("pool", y, 2, 2), 3, 1, 1));
    return b.build(b.globalAveragePool("mean", b.convolution("conv3", y, 8, 1, 1, 0)));
  }

  private static Tensor image(int seed, int side) {
    Random random = new Random(seed);
    Tensor t = Tensor.allocate(tacet.kernels.DataType.FLOAT32, Shape.of(1, 3, side, side));
    t.fill(random::nextGaussian);
    return t;
  }

  /** 32 threads, half of them virtual, on models that are closed and replaced all the time: never a wrong number. */
  @Test
  void manyCallersMixedModelsRandomCloses() throws Exception {
    int models = 3;
    int sides = 4;
    float[][][] expected = new float[models][sides][];
    for (int m = 0; m < models; m++) {
      try (Model model = Model.of(network(m), OPTIONS)) {
        for (int s = 0; s < sides; s++) {
          expected[m][s] = model.run(image(s, 8 + 3 * s)).output().toFloats();
        }
      }
    }
    List<AtomicReference<Model>> current = new ArrayList<>();
    for (int m = 0; m < models; m++) {
      current.add(new AtomicReference<>(Model.of(network(m), OPTIONS)));
    }
    AtomicLong right = new AtomicLong();
    AtomicLong refused = new AtomicLong();
    long end = System.nanoTime() + SECONDS * 1_000_000_000L;
    List<Future<?>> callers = new ArrayList<>();
    try (ExecutorService platform = Executors.newFixedThreadPool(16);
        ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 32; i++) {
        int number = i;
        Callable<Void> caller =
            () -> {
              Random random = new Random(number);
              while (System.nanoTime() < end) {
                int m = random.nextInt(models);
                int s = random.nextInt(sides);
                Model model = current.get(m).get();
                if (random.nextInt(50) == 0) {
                  Model next = Model.of(network(m), OPTIONS);
                  current.get(m).getAndSet(next).close();
                  continue;
                }
                try {
                  assertArrayEquals(expected[m][s], once(model, random, s), 0f);
                  right.incrementAndGet();
                } catch (IllegalStateException e) {
                  // Closed by another caller.
                  refused.incrementAndGet();
                }
              }
              return null;
            };
        callers.add((i % 2 == 0 ? platform : virtual).submit(caller));
      }
      for (Future<?> f : callers) {
        f.get();
      }
    }
    current.forEach(m -> m.get().close());
    assertTrue(right.get() > 0, "right " + right + ", refused " + refused);
  }

  private static float[] once(Model model, Random random, int s) throws InterruptedException {
    Tensor image = image(s, 8 + 3 * s);
    if (random.nextInt(3) > 0) {
      return model.run(image).output().toFloats();
    }
    try (Session session = model.session(image.shape())) {
      session.input().data().copyFrom(image.data());
      session.run();
      return session.output().toFloats();
    }
  }

  @Test
  void aCapRefusesBeforeItIsOverrunAndTheModelStaysUsable() throws InterruptedException {
    Graph graph = network(1);
    MemoryUse small;
    try (Model model = Model.of(graph, OPTIONS)) {
      small = model.memory(Map.of("image", Shape.of(1, 3, 16, 16)));
    }
    long limit = small.forSessions(1) + small.packedWeights();
    try (Model model = Model.of(graph, OPTIONS.withMemoryLimit(limit))) {
      Tensor image = image(1, 16);
      float[] expected = model.run(image).output().toFloats();
      for (int i = 0; i < 3; i++) {
        assertThrows(MemoryLimitException.class, () -> model.run(image(1, 400)));
        assertTrue(model.memory(Map.of("image", image.shape())).inUse() <= limit);
        assertArrayEquals(expected, model.run(image).output().toFloats(), 0f);
      }
    }
  }

  /** What is said beforehand is what is held afterwards; and what is held is given back. */
  @Test
  void memoryIsAsForetold() throws InterruptedException {
    Graph graph = network(2);
    Map<String, Shape> shape = Map.of("image", Shape.of(1, 3, 64, 64));
    try (Model model = Model.of(graph, OPTIONS)) {
      MemoryUse before = model.memory(shape);
      assertEquals(before.packedWeights(), before.inUse());
      try (Session one = model.session(Shape.of(1, 3, 64, 64));
          Session two = model.session(Shape.of(1, 3, 64, 64))) {
        one.run();
        two.run();
        long held = model.memory(shape).inUse();
        assertEquals(before.forSessions(2), held, 0.05 * held);
      }
      assertEquals(before.inUse(), model.memory(shape).inUse());
    }
  }
}
