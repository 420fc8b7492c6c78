package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.junit.jupiter.api.Test;
import tacet.Model;
import tacet.ModelOptions;
import tacet.Result;
import tacet.RunOptions;
import tacet.Session;
import tacet.error.DeadlineExceededException;
import tacet.tensor.Tensor;

/**
 * Many threads, platform ones and virtual ones, run models of several kinds while others close and replace them, give up by
 * deadline or are interrupted. {@code -Dtacet.endurance=N} sets for how many seconds.
 */
class EnduranceTest {

  private static final int SECONDS = Integer.getInteger("tacet.endurance", 4);
  private static final int CALLERS = 32;
  private static final int KINDS = 5;

  /** What memory beside the heap may grow by once everything has been in use: compiled code, what malloc keeps. */
  private static final long GROWTH_KILOBYTES = 100_000;

  /** Shorter runs end before the heap has been used to its full size; their memory says nothing. */
  private static final int LONG_ENOUGH_SECONDS = 60;

  private final AtomicReferenceArray<Model> models = new AtomicReferenceArray<>(KINDS);
  private final float[][] expected = new float[KINDS][];
  private final Tensor[] inputs = new Tensor[KINDS];
  private final AtomicLong runs = new AtomicLong();
  private final AtomicLong closes = new AtomicLong();

  private static Model model(int kind, int threads) {
    return Model.of(
        Networks.small(kind, 15 + 4 * kind, 21 - kind),
        ModelOptions.defaults().withThreads(threads));
  }

  @Test
  void noWrongResultAndNoGrowth() throws Exception {
    for (int k = 0; k < KINDS; k++) {
      inputs[k] = Networks.random(new Random(k), 1f, 1, 3, 15 + 4 * k, 21 - k);
      models.set(k, model(k, 1));
      expected[k] = models.get(k).run(inputs[k]).output("y").toFloats();
    }
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
    for (int k = 0; k < KINDS; k++) {
      models.get(k).close();
    }
    System.out.println(
        runs
            + " runs, "
            + closes
            + " models closed, memory beside the heap grew by "
            + grown
            + " kB");
    assertTrue(
        SECONDS < LONG_ENOUGH_SECONDS || grown < GROWTH_KILOBYTES, "it grew by " + grown + " kB");
    for (int wait = 0; wait < 100 && helpers() > 0; wait++) {
      Thread.sleep(20);
    }
    assertEquals(0, helpers());
  }

  private Void call(Random random, long end) throws Exception {
    while (System.nanoTime() - end < 0) {
      int kind = random.nextInt(KINDS);
      try {
        step(random, kind);
      } catch (IllegalStateException e) {
        assertTrue(e.getMessage().contains("closed"), e.getMessage());
      } catch (DeadlineExceededException | InterruptedException e) {
        // Asked for.
      }
    }
    return null;
  }

  private void step(Random random, int kind) throws InterruptedException {
    Model model = models.get(kind);
    switch (random.nextInt(20)) {
      case 0 -> {
        models.getAndSet(kind, model(kind, 1 + random.nextInt(3))).close();
        closes.incrementAndGet();
      }
      case 1 -> {
        Thread.currentThread().interrupt();
        try {
          check(kind, model.run(inputs[kind]));
        } finally {
          Thread.interrupted();
        }
      }
      case 2 ->
          check(
              kind,
              model.run(
                  Map.of("x", inputs[kind]),
                  RunOptions.defaults().withTimeout(Duration.ofNanos(random.nextInt(2_000_000)))));
      case 3, 4, 5 -> {
        try (Session session = model.session()) {
          session.input().copyFrom(inputs[kind].toFloats());
          session.run();
          assertArrayEquals(expected[kind], session.output().toFloats());
        }
      }
      default -> check(kind, model.run(inputs[kind]));
    }
  }

  private void check(int kind, Result result) {
    assertArrayEquals(expected[kind], result.output("y").toFloats());
    runs.incrementAndGet();
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
