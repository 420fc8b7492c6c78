package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tacet.Model;
import tacet.ModelOptions;
import tacet.Result;
import tacet.profile.LayerProfile;
import tacet.tensor.Tensor;

/** One model shared by many threads. */
@Timeout(120)
class ConcurrencyTest {

  private static final int CALLERS = 6;
  private static final int ROUNDS = 25;

  /** What a run gave, as far as it must not depend on who else runs. */
  private record Seen(List<Float> output, List<List<Long>> zeros) {
    static Seen of(Result r) {
      List<Float> values = new ArrayList<>();
      for (float v : r.output("y").toFloats()) {
        values.add(v);
      }
      List<List<Long>> zeros = new ArrayList<>();
      for (LayerProfile l : r.profile().layers()) {
        List<Long> channels = new ArrayList<>();
        if (l.counts() != null) {
          for (long z : l.counts().zerosPerChannel()) {
            channels.add(z);
          }
        }
        zeros.add(channels);
      }
      return new Seen(values, zeros);
    }
  }

  private static List<Tensor> inputs() {
    Random random = new Random(5);
    List<Tensor> inputs = new ArrayList<>();
    for (int i = 0; i < CALLERS; i++) {
      inputs.add(Networks.random(random, 1f, 1, 3, 23, 19));
    }
    return inputs;
  }

  /** Every caller gets its own answer and its own counts, bit for bit those of a run on its own. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void sharedModel(int threads) throws Exception {
    List<Tensor> inputs = inputs();
    List<Seen> alone = new ArrayList<>();
    ModelOptions options = ModelOptions.defaults().withThreads(threads);
    try (Model model = Model.of(Networks.small(1, 23, 19), options.withThreads(1))) {
      for (Tensor x : inputs) {
        alone.add(Seen.of(model.run(x)));
      }
    }
    assertEquals(CALLERS, new HashSet<>(alone).size());
    try (Model model = Model.of(Networks.small(1, 23, 19), options);
        ExecutorService callers = Executors.newFixedThreadPool(CALLERS)) {
      List<Callable<Void>> work = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        int caller = i;
        work.add(
            () -> {
              for (int round = 0; round < ROUNDS; round++) {
                assertEquals(alone.get(caller), Seen.of(model.run(inputs.get(caller))));
              }
              return null;
            });
      }
      for (Future<Void> f : callers.invokeAll(work)) {
        f.get();
      }
    }
  }

  @Test
  void budgetOfOneStartsNoThread() throws InterruptedException {
    Set<Thread> before = Thread.getAllStackTraces().keySet();
    try (Model model =
        Model.of(Networks.small(1, 23, 19), ModelOptions.defaults().withThreads(1))) {
      model.run(inputs().getFirst());
      for (Thread t : Thread.getAllStackTraces().keySet()) {
        assertTrue(before.contains(t) || !t.getName().startsWith("tacet"), t.getName());
      }
    }
  }

  /** A run that close overtakes ends as it would have; later ones are refused. */
  @Test
  void closeWhileOthersRun() throws Exception {
    List<Tensor> inputs = inputs();
    Model model = Model.of(Networks.small(1, 23, 19), ModelOptions.defaults().withThreads(2));
    Result kept = model.run(inputs.getFirst());
    Seen expected = Seen.of(kept);
    CountDownLatch running = new CountDownLatch(3);
    try (ExecutorService callers = Executors.newFixedThreadPool(3)) {
      List<Future<Boolean>> ends = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        ends.add(
            callers.submit(
                () -> {
                  running.countDown();
                  while (true) {
                    try {
                      assertEquals(expected, Seen.of(model.run(inputs.getFirst())));
                    } catch (IllegalStateException e) {
                      return e.getMessage().contains("closed");
                    }
                  }
                }));
      }
      running.await();
      Thread.sleep(20);
      model.close();
      for (Future<Boolean> end : ends) {
        assertTrue(end.get());
      }
    }
    assertThrows(IllegalStateException.class, () -> model.run(inputs.getFirst()));
    // What a run gave belongs to the caller.
    assertArrayEquals(
        expected.output().stream().mapToDouble(Float::doubleValue).toArray(),
        Seen.of(kept).output().stream().mapToDouble(Float::doubleValue).toArray());
    model.close();
  }
}
