package tacet.rewrite;

import java.util.List;
import tacet.graph.Graph;

/** The rewrites a plan applies, in order: each makes room for those after it. */
public final class Rewrites {

  private static final List<Rewrite> ALL =
      List.of(
          new JoinIdentities(),
          new FoldAffine(),
          new FuseResidual(),
          new FuseActivation(),
          new FuseShuffle());

  private Rewrites() {}

  /** Applies all rewrites. */
  public static Graph apply(Graph graph, Rewrite.Facts facts) {
    Graph g = graph;
    for (Rewrite r : ALL) {
      g = r.apply(g, facts);
    }
    return g;
  }
}
