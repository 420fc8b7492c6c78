package tacet;

import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import java.util.Deque;
import tacet.plan.Plan;
import tacet.plan.Workspace;

/** A plan for one shape of inputs, its packed weights, and idle workspaces. Freed when nobody uses it any more. */
final class Prepared {

  /** Makes the plan; its packed weights are allocated in the arena. */
  @FunctionalInterface
  interface Maker {
    Plan make(Arena weights);
  }

  private final MemoryAccount memory;
  private final FileMemory file;
  private final Deque<Workspace> idle = new ArrayDeque<>();
  private Arena weights;
  private Plan plan;
  private long weightBytes;
  private int users;
  private boolean retired;

  /**
   * @param file where constants live that the plan reads
   */
  Prepared(MemoryAccount memory, FileMemory file) {
    this.memory = memory;
    this.file = file;
  }

  /**
   * One more user, who must {@link #leave}; with the first the plan is made.
   *
   * @return false where this has been retired, and nobody can enter any more
   */
  boolean enter(Maker maker) {
    synchronized (this) {
      if (retired) {
        return false;
      }
      if (plan == null) {
        make(maker);
      }
      users++;
      return true;
    }
  }

  private void make(Maker maker) {
    file.hold();
    MemoryAccount.Scope scope = memory.open();
    try {
      plan = maker.make(scope);
      weights = scope;
      weightBytes = scope.bytes();
    } finally {
      if (plan == null) {
        scope.close();
        file.release();
      }
    }
  }

  /** The plan; for users only. */
  synchronized Plan plan() {
    return plan;
  }

  synchronized long weightBytes() {
    return weightBytes;
  }

  /** An idle workspace, or a new one. */
  Workspace workspace() {
    Workspace w;
    synchronized (this) {
      w = idle.poll();
    }
    return w == null ? newWorkspace() : w;
  }

  Workspace newWorkspace() {
    MemoryAccount.Scope scope = memory.open();
    Workspace w = null;
    try {
      w = plan().workspace(scope);
      return w;
    } finally {
      if (w == null) {
        scope.close();
      }
    }
  }

  /** Keeps a workspace for later, or frees it if there is no later. */
  void giveBack(Workspace w) {
    synchronized (this) {
      if (!retired) {
        idle.push(w);
        return;
      }
    }
    w.close();
  }

  synchronized void leave() {
    users--;
    freeIfUnused();
  }

  /** No new users come; memory goes with the last. */
  synchronized void retire() {
    retired = true;
    dropIdle();
    freeIfUnused();
  }

  /** Frees idle workspaces. */
  synchronized void dropIdle() {
    idle.forEach(Workspace::close);
    idle.clear();
  }

  private void freeIfUnused() {
    if (retired && users == 0 && weights != null) {
      weights.close();
      weights = null;
      plan.close();
      plan = null;
      file.release();
    }
  }
}
