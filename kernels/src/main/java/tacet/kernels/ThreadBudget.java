package tacet.kernels;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * The threads that a model may use at once, callers included. Helper threads start when first needed and sleep between
 * loops; a budget of one starts none.
 */
public final class ThreadBudget implements AutoCloseable {

  /** How long a helper looks for the next loop before it sleeps: longer than the gaps within one inference. */
  private static final long SPIN_NANOS = 50_000;

  private final int threads;
  private final Semaphore permits;
  private final Deque<Worker> idle = new ArrayDeque<>();
  private final List<Worker> started = new ArrayList<>();
  private volatile boolean closed;

  /**
   * @throws IllegalArgumentException where {@code threads} is below 1
   */
  public ThreadBudget(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, got " + threads);
    }
    this.threads = threads;
    this.permits = new Semaphore(threads);
  }

  public int threads() {
    return threads;
  }

  /** Helper threads started so far. */
  public int startedThreads() {
    synchronized (idle) {
      return started.size();
    }
  }

  /**
   * Waits for a share of the budget: the caller's own thread and as many helpers as are free.
   *
   * @throws InterruptedException where the caller is interrupted while it waits
   */
  public Team acquire() throws InterruptedException {
    permits.acquire();
    int helpers = 0;
    while (helpers < threads - 1 && permits.tryAcquire()) {
      helpers++;
    }
    Worker[] workers = new Worker[helpers];
    synchronized (idle) {
      for (int i = 0; i < helpers; i++) {
        Worker w = idle.poll();
        if (w == null) {
          w = new Worker();
          started.add(w);
          w.thread.start();
        }
        workers[i] = w;
      }
    }
    return new Team(workers);
  }

  @Override
  public void close() {
    closed = true;
    synchronized (idle) {
      for (Worker w : started) {
        LockSupport.unpark(w.thread);
      }
    }
  }

  /** Threads that work on one inference. */
  public final class Team implements Parallel, AutoCloseable {
    private final Worker[] workers;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger busy = new AtomicInteger();
    private volatile Throwable failure;
    private Body body;
    private int items;

    private Team(Worker[] workers) {
      this.workers = workers;
    }

    @Override
    public int threads() {
      return workers.length + 1;
    }

    @Override
    public void forEach(int count, Body work) {
      if (workers.length == 0 || count <= 1) {
        for (int i = 0; i < count; i++) {
          work.run(i, 0);
        }
        return;
      }
      body = work;
      items = count;
      next.set(0);
      failure = null;
      busy.set(workers.length);
      for (int i = 0; i < workers.length; i++) {
        workers[i].give(this, i + 1);
      }
      drain(0);
      while (busy.get() > 0) {
        Thread.onSpinWait();
      }
      body = null;
      if (failure != null) {
        throw new IllegalStateException("a parallel loop failed", failure);
      }
    }

    private void drain(int thread) {
      try {
        for (int i = next.getAndIncrement(); i < items; i = next.getAndIncrement()) {
          body.run(i, thread);
        }
      } catch (RuntimeException | Error e) {
        // The caller rethrows when every thread is out of the loop; until then nobody may leave.
        failure = e;
        next.set(items);
      }
    }

    /** Gives the share back. */
    @Override
    public void close() {
      synchronized (idle) {
        for (Worker w : workers) {
          idle.add(w);
        }
      }
      permits.release(workers.length + 1);
    }
  }

  private final class Worker implements Runnable {
    private final Thread thread;
    private volatile Team team;
    private int number;
    private volatile boolean asleep;

    Worker() {
      thread = Thread.ofPlatform().daemon().name("tacet-worker").unstarted(this);
    }

    void give(Team to, int threadNumber) {
      number = threadNumber;
      team = to;
      if (asleep) {
        LockSupport.unpark(thread);
      }
    }

    @Override
    public void run() {
      while (!closed) {
        Team t = awaitTeam();
        if (t != null) {
          team = null;
          t.drain(number);
          t.busy.decrementAndGet();
        }
      }
    }

    private Team awaitTeam() {
      long start = System.nanoTime();
      while (System.nanoTime() - start < SPIN_NANOS) {
        Team t = team;
        if (t != null) {
          return t;
        }
        Thread.onSpinWait();
      }
      asleep = true;
      try {
        while (team == null && !closed) {
          LockSupport.park(this);
        }
        return team;
      } finally {
        asleep = false;
      }
    }
  }
}
