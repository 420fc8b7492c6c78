package tacet;

import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import java.util.NoSuchElementException;
import tacet.jfr.InferenceEvent;
import tacet.kernels.ThreadBudget;
import tacet.plan.Plan;
import tacet.plan.Workspace;
import tacet.profile.SparsityProfile;
import tacet.tensor.Tensor;

/**
 * A model with memory of its own for inputs of one shape. Runs allocate nothing: inputs are written into, and outputs read
 * from, the session's memory.
 *
 * <p>Lifetime: {@link #input} and {@link #output} are views of native memory. They stay the same for the session's life; a
 * run overwrites the outputs. After {@link #close}, or {@link Model#close}, every access to them throws
 * {@code IllegalStateException}. One thread may use a session at a time; sessions of one model run side by side and share its
 * packed weights and its thread budget.
 */
public final class Session implements AutoCloseable {

  private final Model model;
  private final Prepared prepared;
  private final Plan plan;
  private final Workspace workspace;
  private final Map<String, Tensor> outputs;
  private final Tensor[] fetched;
  private boolean running;
  private boolean ran;
  private boolean closed;
  private boolean freed;

  /**
   * @param prepared entered by the caller for this session
   * @param w freed by the session, or where this throws
   */
  Session(Model model, Prepared prepared, Workspace w) {
    this.model = model;
    this.prepared = prepared;
    this.plan = prepared.plan();
    boolean done = false;
    try {
      outputs = Collections.unmodifiableMap(plan.outputViews(w));
      fetched = outputs.values().toArray(Tensor[]::new);
      done = true;
    } finally {
      if (!done) {
        w.close();
      }
    }
    workspace = w;
  }

  /**
   * The memory that runs read this input from. A run leaves it as it is.
   *
   * @throws NoSuchElementException where the model has no such input
   * @throws IllegalStateException after {@link #close}
   */
  public Tensor input(String name) {
    requireOpen();
    Tensor t = workspace.input(name);
    if (t == null) {
      throw new NoSuchElementException("the model has no input '" + name + "'");
    }
    return t;
  }

  /** The only input's memory. */
  public Tensor input() {
    return input(model.onlyInput().name());
  }

  /**
   * The memory that the last run left this output or tapped value in, in the model's own layout.
   *
   * @throws NoSuchElementException where the session returns no such value
   * @throws IllegalStateException after {@link #close}, or before the first run
   */
  public Tensor output(String name) {
    Tensor t = outputs().get(name);
    if (t == null) {
      throw new NoSuchElementException("no output '" + name + "'; there are " + outputs.keySet());
    }
    return t;
  }

  /** The only output's memory, or the first one's. */
  public Tensor output() {
    requireRan();
    return fetched[0];
  }

  /** All outputs and tapped values by name. */
  public Map<String, Tensor> outputs() {
    requireRan();
    return outputs;
  }

  /** Zeros and times of the last run, layer by layer; put together when asked for. */
  public SparsityProfile profile() {
    requireRan();
    return plan.profile(workspace);
  }

  /**
   * Computes the outputs of what is in the inputs' memory.
   *
   * @throws IllegalStateException after {@link #close}, or where another thread is using the session
   * @throws InterruptedException where the calling thread is interrupted; between layers at the latest
   */
  public void run() throws InterruptedException {
    run(null);
  }

  /**
   * Computes, unless it takes too long.
   *
   * @param timeout longest time, waiting for a share of the thread budget included; null for no bound
   * @throws tacet.error.DeadlineExceededException where the time was up first
   */
  public void run(Duration timeout) throws InterruptedException {
    run(timeout, false);
  }

  /**
   * Computes on the calling thread alone, once one thread of the budget is free. Where there are as many sessions to run as
   * threads, one thread each is done with all of them sooner than all threads for one after the other.
   *
   * @throws IllegalStateException after {@link #close}, or where another thread is using the session
   * @throws InterruptedException where the calling thread is interrupted; between layers at the latest
   */
  public void runAlone() throws InterruptedException {
    run(null, true);
  }

  private void run(Duration timeout, boolean alone) throws InterruptedException {
    long deadline = timeout == null ? 0 : System.nanoTime() + timeout.toNanos();
    enter();
    InferenceEvent event = model.recorded();
    try (ThreadBudget.Team team = alone ? model.shareAlone(event) : model.share(timeout, event)) {
      plan.run(workspace, team, deadline, timeout);
      plan.fetch(workspace, fetched);
      ran = true;
      if (event != null) {
        event.done(plan.multiplyAdds());
      }
    } finally {
      if (event != null) {
        event.over();
      }
      leave();
    }
  }

  /** Whether runs take as long as they will from now on. */
  boolean isSettled() {
    return plan.isSettled();
  }

  private synchronized void enter() {
    requireOpen();
    if (running) {
      throw new IllegalStateException("the session is in use by another thread");
    }
    running = true;
    ran = false;
  }

  private synchronized void leave() {
    running = false;
    if (closed) {
      free();
    }
  }

  private synchronized void requireRan() {
    requireOpen();
    if (!ran) {
      throw new IllegalStateException("the session has no outputs: no run was completed");
    }
  }

  private synchronized void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the session is closed");
    }
  }

  /** Gives the session's memory back: at once, or where another thread is in a run, at that run's end. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      model.forget(this);
    }
    if (!running) {
      free();
    }
  }

  private void free() {
    if (!freed) {
      freed = true;
      workspace.close();
      prepared.leave();
    }
  }
}
