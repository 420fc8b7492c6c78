package tacet.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.KernelProvider;
import tacet.reference.TensorType;
import tacet.tensor.Tensor;

/**
 * Looks for the best division of a network's nodes between two providers, when it is known how long each takes with either
 * and what it costs to change over: a value that one provider wants with room around it and the other without is copied.
 */
final class Mixture {

  /** What a copy costs beside its bytes: nanoseconds. */
  private static final double COPY_NANOS = 1_000;

  /** Reading and writing whole rows: 0.01 to 0.02 were measured, and what was in the caches has to give way. */
  private static final double COPY_NANOS_PER_BYTE = 0.03;

  private static final int MOST_PASSES = 10;

  /**
   * A value, or a concatenation and its parts, as the nodes around it see it.
   *
   * @param around nodes that make or read it
   * @param halos room that each wants around it with SIMD; none where it makes it
   * @param copyNanos cost of a copy
   */
  private record Value(List<Integer> around, List<Halo> halos, double copyNanos) {}

  private final double[][] nanos;
  private final List<Value> values = new ArrayList<>();

  /**
   * @param contested the nodes that are to be divided
   * @param provider SIMD
   * @param simd times of each with SIMD, NaN where it has no kernel
   * @param other times of each with the other provider, NaN where it has none
   */
  Mixture(
      TypedGraph net,
      List<Node> contested,
      KernelProvider provider,
      double[] simd,
      double[] other) {
    nanos = new double[][] {simd.clone(), other.clone()};
    for (int i = 0; i < simd.length; i++) {
      if (Double.isNaN(simd[i]) || Double.isNaN(other[i])) {
        nanos[0][i] = 0;
        nanos[1][i] = Double.NaN;
      }
    }
    ImageNeeds needs = ImageNeeds.of(net, new ProviderOrder(List.of(provider), provider, null));
    Map<String, Value> byRoot = new HashMap<>();
    for (int i = 0; i < contested.size(); i++) {
      Node n = contested.get(i);
      ConvSpec spec = n.op() instanceof Op.Conv ? net.convolution(n) : null;
      Halo halo = spec == null ? Halo.NONE : provider.needs(spec).halo();
      see(net, needs, byRoot, n.input(0), i, halo);
      if (spec != null && spec.residual()) {
        see(net, needs, byRoot, n.input(3), i, Halo.NONE);
      }
      see(net, needs, byRoot, n.output(0), i, Halo.NONE);
    }
    values.addAll(byRoot.values());
  }

  private static void see(
      TypedGraph net,
      ImageNeeds needs,
      Map<String, Value> byRoot,
      String value,
      int node,
      Halo halo) {
    String root = needs.root(needs.home(value));
    TensorType t = net.type(root);
    double bytes = Tensor.byteSize(t.type(), t.shape());
    Value v =
        byRoot.computeIfAbsent(
            root,
            _ ->
                new Value(
                    new ArrayList<>(),
                    new ArrayList<>(),
                    COPY_NANOS + COPY_NANOS_PER_BYTE * bytes));
    v.around.add(node);
    v.halos.add(halo);
  }

  /** Per node, whether it goes to the other provider; the best that was found. */
  boolean[] best() {
    int n = nanos[0].length;
    boolean[] none = new boolean[n];
    boolean[] all = new boolean[n];
    boolean[] each = new boolean[n];
    for (int i = 0; i < n; i++) {
      all[i] = !Double.isNaN(nanos[1][i]);
      each[i] = nanos[1][i] < nanos[0][i];
    }
    boolean[] best = none;
    for (boolean[] start : List.of(none, all, each)) {
      boolean[] found = descend(start.clone());
      best = cost(found) < cost(best) ? found : best;
    }
    return best;
  }

  /** Moves one node at a time to the other side while that helps. */
  private boolean[] descend(boolean[] division) {
    double cost = cost(division);
    boolean better = true;
    for (int pass = 0; better && pass < MOST_PASSES; pass++) {
      better = false;
      for (int i = 0; i < division.length; i++) {
        if (Double.isNaN(nanos[1][i])) {
          continue;
        }
        division[i] = !division[i];
        double changed = cost(division);
        if (changed < cost) {
          cost = changed;
          better = true;
        } else {
          division[i] = !division[i];
        }
      }
    }
    return division;
  }

  /** Nanoseconds of the contested nodes, with the copies between them. */
  double cost(boolean[] division) {
    double sum = 0;
    for (int i = 0; i < division.length; i++) {
      sum += nanos[division[i] ? 1 : 0][i];
    }
    for (Value v : values) {
      sum += isCopied(v, division) ? v.copyNanos : 0;
    }
    return sum;
  }

  /** SIMD wants room around it, and the other provider has to do with it and wants none, or another. */
  private static boolean isCopied(Value v, boolean[] division) {
    Halo wanted = Halo.NONE;
    for (int i = 0; i < v.around.size(); i++) {
      if (!division[v.around.get(i)]) {
        wanted = wanted.union(v.halos.get(i));
      }
    }
    if (wanted.isNone()) {
      return false;
    }
    for (int i = 0; i < v.around.size(); i++) {
      if (division[v.around.get(i)] && !v.halos.get(i).equals(wanted)) {
        return true;
      }
    }
    return false;
  }

  /** Whether all nodes that have a choice are on one side. */
  boolean isPure(boolean[] division) {
    boolean some = false;
    boolean every = true;
    for (int i = 0; i < division.length; i++) {
      some |= division[i];
      every &= division[i] || Double.isNaN(nanos[1][i]);
    }
    return !some || every;
  }
}
