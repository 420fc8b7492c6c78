package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import tacet.Model;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.insight.Finding;
import tacet.insight.cause.Explanation;
import tacet.insight.cause.Sample;
import tacet.profile.LayerProfile;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Of random networks: in every layer the causes' shares, with what is unexplained, are all of the zeros counted there. */
class CausesAddUpTest {

  private static final int GRAPHS = Integer.getInteger("tacet.causes.graphs", 60);

  @Test
  void sharesAreAllOfTheZeros() throws InterruptedException {
    for (long seed = 0; seed < GRAPHS; seed++) {
      check(seed);
    }
  }

  private static void check(long seed) throws InterruptedException {
    Graph graph = RandomGraphs.graph(seed);
    SplittableRandom random = new SplittableRandom(seed);
    Tensor input =
        Tensor.allocate(
            graph.inputs().getFirst().type(), Shape.of(graph.inputs().getFirst().dims()));
    input.fill(random::nextGaussian);
    ModelOptions options = ModelOptions.defaults().withThreads(2);
    Map<String, Double> shares = new HashMap<>();
    for (Finding f :
        Explanation.of(graph, options, List.of(new Sample("noise", input, null))).findings()) {
      if (f.holds() && f.share() != null) {
        shares.merge(f.layer(), f.share(), Double::sum);
      }
    }
    shares.forEach((layer, sum) -> assertEquals(1, sum, 1e-9, () -> "seed " + seed + ": " + layer));
    try (Model model = Model.of(graph, options.withFuse(false))) {
      for (LayerProfile l : model.run(input).profile().layers()) {
        if (l.counts() != null && l.counts().zeros() > 0) {
          assertNotNull(
              shares.get(l.name()),
              () -> "seed " + seed + ": nothing says where the zeros of " + l.name() + " are from");
        }
      }
    }
  }
}
