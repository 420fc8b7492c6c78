package tacet.kernels;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;

/**
 * The threads that a model may use at once, callers included. Helpers are daemon threads that start when first needed
 * and sleep between inferences, or tasks of the caller's {@link Executor}; a budget of one has none.
 *
 * <p>Helpers join a loop that is under way; nobody waits for one that has not come. So a helper that is slow to wake, or
 * an executor without a free thread, costs help but never time. Only threads that hold a share of the budget ever spin.
 */
public final class ThreadBudget implements AutoCloseable {

  /**
   * How long a thread of a team looks for what it waits for before it sleeps: longer than the gaps within one inference,
   * about as long as falling asleep and waking take.
   */
  private static final long SPIN_NANOS =
      Runtime.getRuntime().availableProcessors() > 1 ? 50_000 : 0;

  private final int threads;
  private final Executor executor;
  private final Semaphore permits;
  private final Deque<Helper> idle = new ArrayDeque<>();
  private final Deque<Team> teams = new ArrayDeque<>();
  private final List<Helper> started = new ArrayList<>();
  private int generations;
  private volatile boolean closed;

  /**
   * @throws IllegalArgumentException where {@code threads} is below 1
   */
  public ThreadBudget(int threads) {
    this(threads, null);
  }

  /**
   * @param executor runs the helpers, one task each per inference; null for daemon threads of the budget's own
   * @throws IllegalArgumentException where {@code threads} is below 1
   */
  public ThreadBudget(int threads, Executor executor) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, got " + threads);
    }
    this.threads = threads;
    this.executor = executor;
    // Fair: a caller in a tight loop would otherwise take its share again before anyone waiting
    // wakes.
    this.permits = new Semaphore(threads, true);
  }

  public int threads() {
    return threads;
  }

  /** Helper threads started so far; none where an executor runs the helpers. */
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
    return acquire(threads);
  }

  /**
   * Waits for a share of the budget: the caller's own thread and as many helpers as are free, {@code most} threads in all.
   *
   * @throws InterruptedException where the caller is interrupted while it waits
   */
  public Team acquire(int most) throws InterruptedException {
    permits.acquire();
    return team(most);
  }

  /**
   * Waits for a share of the budget, but not longer than {@code nanos}.
   *
   * @return null where the time was up first
   * @throws InterruptedException where the caller is interrupted while it waits
   */
  public Team tryAcquire(long nanos) throws InterruptedException {
    return permits.tryAcquire(nanos, TimeUnit.NANOSECONDS) ? team(threads) : null;
  }

  private Team team(int most) {
    int helpers = 0;
    // Callers that wait go before helpers.
    while (helpers < most - 1 && !permits.hasQueuedThreads() && permits.tryAcquire()) {
      helpers++;
    }
    synchronized (idle) {
      Team team = teams.poll();
      if (team == null) {
        team = new Team(threads - 1);
      }
      // Zero is no generation: it marks a team that nobody has.
      generations = generations == -1 ? 1 : generations + 1;
      team.begin(helpers, generations);
      for (int i = 0; i < helpers; i++) {
        team.helpers[i] = executor == null ? thread() : new Helper();
        team.helpers[i].give(team, generations, i + 1);
      }
      if (executor != null) {
        submit(team);
      }
      return team;
    }
  }

  private Helper thread() {
    Helper h = idle.poll();
    if (h == null) {
      h = new Helper();
      h.thread = Thread.ofPlatform().daemon().name("tacet-worker").unstarted(h);
      started.add(h);
      h.thread.start();
    }
    return h;
  }

  private void submit(Team team) {
    try {
      for (int i = 0; i < team.size; i++) {
        executor.execute(team.helpers[i]);
      }
    } catch (RejectedExecutionException e) {
      // Those that were taken help; the caller can do without the others.
    }
  }

  /** Ends the helper threads. Loops under way are finished by their callers. */
  @Override
  public void close() {
    closed = true;
    synchronized (idle) {
      for (Helper h : started) {
        LockSupport.unpark(h.thread);
      }
    }
  }

  /**
   * Threads that work on one inference. Every thread begins a loop with a part of its own, neighbouring items, and the same
   * ones of loops of the same length; then it takes from the parts of others. So what a layer reads was for the most part
   * written by the same thread and is in the caches of its core.
   */
  public final class Team implements Parallel, AutoCloseable {

    // The state in one word, so that joining a loop is one compare-and-set: generation (upper 32
    // bits), number of the
    // loop (15), whether it may be joined (1), helpers within it (16).
    private static final long OPEN = 1L << 16;
    private static final long ACTIVE = OPEN - 1;
    private static final int LOOP_SHIFT = 17;
    private static final int LOOPS = (1 << 15) - 1;
    private static final int GENERATION_SHIFT = 32;

    /** Longs from one word to the next, and where the state is. */
    private static final int WORD = 16;

    private static final int STATE = WORD;

    private final Helper[] helpers;

    /** Heap scratch per thread, grown as kernels ask for more; teams are kept, and it with them. */
    private final float[][] floats;

    private final long[][] longs;

    private final int[][] ints;

    /**
     * The state, then for each thread the next item of its part: one word in every two cache lines, since fetching a line
     * often brings its neighbour.
     */
    private final AtomicLongArray words;

    private volatile Throwable failure;
    private int size;
    private int most;
    private int loop;
    private Body body;
    private int items;

    private Team(int mostHelpers) {
      helpers = new Helper[mostHelpers];
      floats = new float[mostHelpers + 1][0];
      longs = new long[mostHelpers + 1][0];
      ints = new int[mostHelpers + 1][0];
      words = new AtomicLongArray(STATE + (mostHelpers + 2) * WORD);
    }

    private void begin(int count, int generation) {
      size = count;
      most = count + 1;
      loop = 0;
      words.set(STATE, (long) generation << GENERATION_SHIFT);
    }

    @Override
    public int threads() {
      return size + 1;
    }

    /** Loops from now on, until the share is given back, have no more threads than this, the caller's included. */
    public void useAtMost(int threads) {
      most = Math.min(size + 1, threads);
    }

    @Override
    public void forEach(int count, Body work) {
      if (most <= 1 || count <= 1) {
        for (int i = 0; i < count; i++) {
          work.run(i, 0);
        }
        return;
      }
      body = work;
      items = count;
      failure = null;
      for (int part = 0; part <= size; part++) {
        words.setPlain(next(part), start(part));
      }
      loop = loop + 1 & LOOPS;
      long generation = words.get(STATE) >>> GENERATION_SHIFT << GENERATION_SHIFT;
      words.set(STATE, generation | (long) loop << LOOP_SHIFT | OPEN);
      for (int i = 0; i < most - 1; i++) {
        helpers[i].wakeIfAsleep();
      }
      drain(0);
      words.getAndAdd(STATE, -OPEN);
      awaitHelpers();
      body = null;
      switch (failure) {
        case null -> {}
        case Error e -> throw e;
        case RuntimeException e -> throw e;
        case Throwable t -> throw new AssertionError(t);
      }
    }

    @Override
    public float[] floats(int thread, int length) {
      if (floats[thread].length < length) {
        floats[thread] = new float[length];
      }
      return floats[thread];
    }

    @Override
    public long[] longs(int thread, int length) {
      if (longs[thread].length < length) {
        longs[thread] = new long[length];
      }
      return longs[thread];
    }

    @Override
    public int[] ints(int thread, int length) {
      if (ints[thread].length < length) {
        ints[thread] = new int[length];
      }
      return ints[thread];
    }

    private void awaitHelpers() {
      if ((words.get(STATE) & ACTIVE) == 0) {
        return;
      }
      long start = System.nanoTime();
      while ((words.get(STATE) & ACTIVE) != 0) {
        if (System.nanoTime() - start < SPIN_NANOS) {
          Thread.onSpinWait();
        } else {
          // The helper has lost its processor: leave it this one.
          LockSupport.parkNanos(this, SPIN_NANOS);
        }
      }
    }

    private void drain(int thread) {
      try {
        int part = thread;
        do {
          long end = start(part + 1);
          for (long i = take(part); i < end; i = take(part)) {
            body.run((int) i, thread);
          }
          part = part == size ? 0 : part + 1;
        } while (part != thread);
      } catch (RuntimeException | Error e) {
        // The caller rethrows when every thread is out of the loop; until then nobody may leave.
        failure = e;
        for (int part = 0; part <= size; part++) {
          words.set(next(part), items);
        }
      }
    }

    /** First item of a thread's part; the number of items for the part behind the last. */
    private long start(int part) {
      return (long) items * part / (size + 1);
    }

    private long take(int part) {
      return words.getAndIncrement(next(part));
    }

    private static int next(int part) {
      return STATE + (part + 1) * WORD;
    }

    /** Joins loops until the helper's assignment to {@code generation} is over. */
    private void help(Helper helper, int generation, int number) {
      int seen = 0;
      long waitingSince = System.nanoTime();
      while (helper.isWith(this, generation) && !closed) {
        long s = words.get(STATE);
        if (canJoin(s, generation, seen, number)) {
          if (words.compareAndSet(STATE, s, s + 1)) {
            seen = loopOf(s);
            drain(number);
            words.getAndDecrement(STATE);
            waitingSince = System.nanoTime();
          }
        } else if (System.nanoTime() - waitingSince < SPIN_NANOS) {
          Thread.onSpinWait();
        } else {
          helper.asleep = true;
          if (helper.isWith(this, generation)
              && !canJoin(words.get(STATE), generation, seen, number)
              && !closed) {
            LockSupport.park(helper);
          }
          helper.asleep = false;
        }
      }
    }

    private boolean canJoin(long s, int generation, int seen, int number) {
      return (int) (s >>> GENERATION_SHIFT) == generation
          && (s & OPEN) != 0
          && loopOf(s) != seen
          && number < most;
    }

    private static int loopOf(long s) {
      return (int) (s >>> LOOP_SHIFT) & LOOPS;
    }

    /** Gives the share back. */
    @Override
    public void close() {
      words.set(STATE, 0);
      int shares = size + 1;
      synchronized (idle) {
        for (int i = 0; i < size; i++) {
          helpers[i].release();
          if (executor == null) {
            idle.push(helpers[i]);
          }
          helpers[i] = null;
        }
        teams.push(this);
      }
      permits.release(shares);
    }
  }

  /** A thread, or a task of an executor, that is given to one team at a time. */
  private final class Helper implements Runnable {
    private volatile Thread thread;
    private volatile Team team;
    private volatile boolean asleep;
    private int generation;
    private int number;

    void give(Team to, int teamGeneration, int threadNumber) {
      generation = teamGeneration;
      number = threadNumber;
      team = to;
      // It is woken by the first loop.
    }

    boolean isWith(Team t, int teamGeneration) {
      return team == t && generation == teamGeneration;
    }

    void wakeIfAsleep() {
      if (asleep) {
        LockSupport.unpark(thread);
      }
    }

    void release() {
      team = null;
      if (executor != null) {
        wakeIfAsleep();
      }
    }

    @Override
    public void run() {
      if (executor != null) {
        thread = Thread.currentThread();
        help(team);
        return;
      }
      while (!closed) {
        Team t = team;
        if (t != null) {
          help(t);
        } else {
          asleep = true;
          if (team == null && !closed) {
            LockSupport.park(this);
          }
          asleep = false;
        }
      }
    }

    private void help(Team t) {
      if (t != null) {
        // Read in any order: a generation or number of another assignment can join no loop of this
        // team.
        t.help(this, generation, number);
      }
    }
  }
}
