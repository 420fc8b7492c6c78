package tacet.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import tacet.Model;
import tacet.graph.Graph;
import tacet.insight.RandomWeights;

/**
 * What all comparisons of networks have in common.
 *
 * @param seed of the input noise
 * @param randomWeights seed of weights in place of the models' own, or null
 * @param out where tables go
 */
record Conditions(int threads, int rounds, long seed, Long randomWeights, PrintStream out) {

  /** A network with the weights that it is compared with. */
  Graph graph(Path model) throws IOException {
    Graph own = Model.read(model);
    return randomWeights == null ? own : RandomWeights.of(own, randomWeights);
  }
}
