package tacet.plan;

import java.util.List;
import java.util.StringJoiner;
import tacet.kernels.ConvSpec;
import tacet.kernels.KernelProvider;
import tacet.kernels.KernelProvider.Choice;

/**
 * Who is asked for a kernel, and in which order.
 *
 * @param providers best first
 * @param simd does what other providers leave to it, and copies
 * @param race decides between providers per node; null where their order decides
 */
record ProviderOrder(List<KernelProvider> providers, KernelProvider simd, Race race) {

  /**
   * @param providers at least one
   */
  static ProviderOrder of(List<KernelProvider> providers, PlanOptions options) {
    KernelProvider simd = Providers.simd(providers);
    boolean undecided = providers.size() > 1 && providers.getFirst() == simd;
    return new ProviderOrder(
        providers, simd, undecided ? new Race(simd, providers.getLast(), options) : null);
  }

  /** Providers in the order in which they are asked for a convolution or dense layer. */
  List<KernelProvider> candidates(ConvSpec spec) {
    return race == null ? providers : race.order(spec);
  }

  /** Providers in the order in which they are asked for pooling. */
  List<KernelProvider> pooling() {
    return race == null ? providers : List.of(simd);
  }

  /** Why a kernel was chosen: what the others said, how the measurement ended, what its provider says. */
  String why(ConvSpec spec, Choice choice, StringJoiner declined) {
    StringJoiner all = new StringJoiner("; ");
    if (declined.length() > 0) {
      all.add(declined.toString());
    } else if (race != null) {
      all.add(race.reason(spec));
    }
    return all.add(choice.reason()).toString();
  }

  /** Keeps on disk what was measured. */
  void remember() {
    if (race != null) {
      race.remember();
    }
  }
}
