package tacet.plan;

/** A piece of work of a plan. Everything that changes from run to run is in the workspace. */
interface Step {

  /** Called once, when every buffer has its offset. */
  default void place() {}

  /** Whether it takes as long as it will from now on. */
  default boolean isSettled() {
    return true;
  }

  /** Does the work. */
  void run(Workspace workspace);
}
