package tacet.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ThreadBudgetTest {

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5})
  void everyItemRunsOnceWhateverTheLoopsSize(int threads) throws InterruptedException {
    try (ThreadBudget budget = new ThreadBudget(threads)) {
      for (int round = 0; round < 300; round++) {
        try (ThreadBudget.Team team = budget.acquire()) {
          for (int items : new int[] {0, 1, 2, 7, 100}) {
            AtomicIntegerArray seen = new AtomicIntegerArray(items);
            team.forEach(
                items,
                (i, thread) -> {
                  assertTrue(thread >= 0 && thread < team.threads());
                  seen.incrementAndGet(i);
                });
            for (int i = 0; i < items; i++) {
              assertEquals(1, seen.get(i));
            }
          }
        }
      }
      assertTrue(budget.startedThreads() < threads);
    }
  }

  @Test
  void aThreadBeginsWithItsOwnPartAndThenTakesFromTheOthers() throws InterruptedException {
    int items = 12;
    try (ThreadBudget budget = new ThreadBudget(2);
        ThreadBudget.Team team = budget.acquire()) {
      for (int round = 0; round < 100; round++) {
        CountDownLatch bothIn = new CountDownLatch(2);
        List<List<Integer>> taken = List.of(new ArrayList<>(), new ArrayList<>());
        CountDownLatch restTaken = new CountDownLatch(items - 1);
        team.forEach(
            items,
            (i, thread) -> {
              taken.get(thread).add(i);
              bothIn.countDown();
              await(bothIn);
              // The helper is held up by its first item until everything else is done.
              if (thread == 1) {
                await(restTaken);
              } else {
                restTaken.countDown();
              }
            });
        assertEquals(List.of(items / 2), taken.get(1));
        assertEquals(List.of(0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11), taken.get(0));
      }
    }
  }

  @Test
  void loopsHaveNoMoreThreadsThanATeamIsToUse() throws InterruptedException {
    try (ThreadBudget budget = new ThreadBudget(3)) {
      for (int most = 1; most <= 4; most++) {
        try (ThreadBudget.Team team = budget.acquire()) {
          team.useAtMost(most);
          int threads = Math.min(most, 3);
          for (int round = 0; round < 100; round++) {
            AtomicIntegerArray seen = new AtomicIntegerArray(3);
            CountDownLatch allIn = new CountDownLatch(threads);
            team.forEach(
                300,
                (i, thread) -> {
                  seen.incrementAndGet(thread);
                  allIn.countDown();
                  await(allIn);
                });
            int sum = 0;
            for (int thread = 0; thread < 3; thread++) {
              assertEquals(thread < threads, seen.get(thread) > 0);
              sum += seen.get(thread);
            }
            assertEquals(300, sum);
          }
        }
      }
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void manyCallersNeverHoldMoreThanTheBudget() throws Exception {
    AtomicInteger within = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    LongAdder done = new LongAdder();
    try (ThreadBudget budget = new ThreadBudget(2);
        ExecutorService platform = Executors.newFixedThreadPool(16);
        ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor()) {
      Callable<Void> caller =
          () -> {
            for (int round = 0; round < 200; round++) {
              try (ThreadBudget.Team team = budget.acquire()) {
                team.forEach(
                    20,
                    (i, thread) -> {
                      most.accumulateAndGet(within.incrementAndGet(), Math::max);
                      Thread.onSpinWait();
                      within.decrementAndGet();
                      done.increment();
                    });
              }
            }
            return null;
          };
      List<Future<Void>> callers = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        callers.add(platform.submit(caller));
        callers.add(virtual.submit(caller));
      }
      for (Future<Void> f : callers) {
        f.get();
      }
      assertEquals(1, budget.startedThreads());
    }
    assertEquals(32L * 200 * 20, done.sum());
    assertTrue(most.get() <= 2, "threads at once: " + most);
  }

  @Test
  void aFailureOnAnyThreadReachesTheCallerAndTheTeamGoesOn() throws InterruptedException {
    try (ThreadBudget budget = new ThreadBudget(3);
        ThreadBudget.Team team = budget.acquire()) {
      for (int at = 0; at < 50; at++) {
        OutOfMemoryError thrown = new OutOfMemoryError("test");
        int bad = at;
        OutOfMemoryError caught =
            assertThrows(
                OutOfMemoryError.class,
                () ->
                    team.forEach(
                        50,
                        (i, _) -> {
                          if (i == bad) {
                            throw thrown;
                          }
                        }));
        assertSame(thrown, caught);
        AtomicInteger ran = new AtomicInteger();
        team.forEach(50, (_, _) -> ran.incrementAndGet());
        assertEquals(50, ran.get());
      }
    }
  }

  @Test
  void helpersRunOnTheCallersExecutorAndEndWithTheInference() throws Exception {
    AtomicInteger tasks = new AtomicInteger();
    try (ExecutorService pool = Executors.newFixedThreadPool(2);
        ThreadBudget budget =
            new ThreadBudget(
                3,
                task ->
                    pool.execute(
                        () -> {
                          tasks.incrementAndGet();
                          task.run();
                        }))) {
      AtomicInteger onPool = new AtomicInteger();
      Thread caller = Thread.currentThread();
      int rounds = 0;
      for (; rounds < 200 || onPool.get() == 0; rounds++) {
        try (ThreadBudget.Team team = budget.acquire()) {
          AtomicInteger ran = new AtomicInteger();
          for (int loop = 0; loop < 5; loop++) {
            team.forEach(
                30,
                (_, _) -> {
                  ran.incrementAndGet();
                  if (Thread.currentThread() != caller) {
                    onPool.incrementAndGet();
                  }
                });
          }
          assertEquals(150, ran.get());
        }
      }
      assertEquals(0, budget.startedThreads());
      pool.submit(() -> {}).get();
      pool.shutdown();
      assertTrue(pool.awaitTermination(10, java.util.concurrent.TimeUnit.SECONDS));
      assertEquals(2 * rounds, tasks.get());
    }
  }

  @Test
  void anExecutorThatIsBusyOrRefusesCostsNoTime() throws InterruptedException {
    CountDownLatch never = new CountDownLatch(1);
    try (ExecutorService busy = Executors.newFixedThreadPool(1)) {
      busy.execute(
          () -> {
            try {
              never.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          });
      try (ThreadBudget waits = new ThreadBudget(2, busy);
          ThreadBudget refuses =
              new ThreadBudget(
                  2,
                  _ -> {
                    throw new RejectedExecutionException("test");
                  })) {
        for (ThreadBudget budget : List.of(waits, refuses)) {
          try (ThreadBudget.Team team = budget.acquire()) {
            AtomicInteger ran = new AtomicInteger();
            team.forEach(10, (_, _) -> ran.incrementAndGet());
            assertEquals(10, ran.get());
          }
        }
      }
      never.countDown();
    }
  }

  @Test
  void waitingForAShareEndsWithTheTime() throws InterruptedException {
    try (ThreadBudget budget = new ThreadBudget(1)) {
      try (ThreadBudget.Team _ = budget.acquire()) {
        assertNull(budget.tryAcquire(1_000_000));
      }
      try (ThreadBudget.Team team = budget.tryAcquire(1_000_000)) {
        assertEquals(1, team.threads());
      }
    }
  }

  @Test
  void aClosedBudgetEndsItsThreads() throws InterruptedException {
    ThreadBudget budget = new ThreadBudget(3);
    List<Thread> helpers = new ArrayList<>();
    try (ThreadBudget.Team team = budget.acquire()) {
      while (helpers.size() < 2) {
        team.forEach(
            64,
            (_, thread) -> {
              if (thread > 0) {
                synchronized (helpers) {
                  if (!helpers.contains(Thread.currentThread())) {
                    helpers.add(Thread.currentThread());
                  }
                }
              }
              Thread.yield();
            });
      }
      budget.close();
      AtomicInteger ran = new AtomicInteger();
      team.forEach(10, (_, _) -> ran.incrementAndGet());
      assertEquals(10, ran.get());
    }
    for (Thread t : helpers) {
      t.join(10_000);
      assertTrue(!t.isAlive());
    }
  }
}
