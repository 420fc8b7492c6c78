package tacet.plan;

import java.util.List;
import java.util.StringJoiner;
import tacet.graph.Node;
import tacet.kernels.KernelProvider;
import tacet.kernels.KernelProvider.Choice;

/**
 * Who is asked for a kernel, and in which order.
 *
 * @param providers best first
 * @param simd does what other providers leave to it, and copies
 * @param assignment nodes for which the order is the other way round; null where it is the same for all
 */
record ProviderOrder(List<KernelProvider> providers, KernelProvider simd, Assignment assignment) {

  /**
   * @param providers at least one
   */
  static ProviderOrder of(List<KernelProvider> providers, Assignment assignment) {
    return new ProviderOrder(providers, Providers.simd(providers), assignment);
  }

  /** Providers in the order in which they are asked for a node. */
  List<KernelProvider> candidates(Node n) {
    return assignment != null && assignment.other(n) ? providers.reversed() : providers;
  }

  /** Whether SIMD's kernels that skip zeros may stand in for those of this provider. */
  boolean mayLend(KernelProvider provider) {
    return assignment != null && provider != simd;
  }

  /** Why a kernel was chosen: what the others said, how the measurement ended, what its provider says. */
  String why(Node n, Choice choice, StringJoiner declined) {
    StringJoiner all = new StringJoiner("; ");
    if (declined.length() > 0) {
      all.add(declined.toString());
    } else if (assignment != null) {
      all.add(assignment.reason(n));
    }
    return all.add(choice.reason()).toString();
  }
}
