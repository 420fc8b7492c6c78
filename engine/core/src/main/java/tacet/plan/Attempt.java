package tacet.plan;

import tacet.graph.Node;

/** What came of looking for a way to compute a node. */
sealed interface Attempt {

  /**
   * Its steps stand.
   *
   * @param kernel name for people
   * @param backend provider
   * @param reason why
   * @param multiplyAdds by definition
   */
  record Placed(String kernel, String backend, String reason, long multiplyAdds)
      implements Attempt {}

  /** No kernel takes it. */
  record Declined(String reason) implements Attempt {}

  static Attempt noKernel(Node n) {
    return new Declined("no SIMD kernel for " + n.op().type());
  }
}
