package tacet.insight;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * The same network with seeded weights in place of its own, for networks that come without trained ones: weights of
 * convolutions and dense layers normal with variance 2 / fan-in (He et al. 2015, arXiv 1502.01852), their biases zero,
 * normalisations neutral. Depends on seed and names alone, not on the order of the nodes.
 */
public final class RandomWeights {

  private final Graph graph;
  private final Map<String, Node> producers;
  private final Map<String, Tensor> constants;
  private final Set<String> replaced = new HashSet<>();
  private final long seed;

  private RandomWeights(Graph graph, long seed) {
    this.graph = graph;
    this.seed = seed;
    this.producers = graph.producers();
    this.constants = new LinkedHashMap<>(graph.constants());
  }

  /** The graph with other weights; what is no weight, bias or normalisation keeps its value. */
  public static Graph of(Graph graph, long seed) {
    return new RandomWeights(graph, seed).replace();
  }

  private Graph replace() {
    for (Node n : graph.nodes()) {
      switch (n.op()) {
        case Op.Conv _ -> weighted(n, false);
        case Op.Gemm g -> weighted(n, !g.transB());
        case Op.MatMul _ -> weighted(n, true);
        case Op.BatchNormalization _ -> {
          fill(n.input(1), 1f);
          fill(n.input(2), 0f);
          fill(n.input(3), 0f);
          fill(n.input(4), 1f);
        }
        case Op.Elementwise e -> {
          for (String in : n.inputs()) {
            neutral(in, e.kind() == Op.ElementwiseKind.MUL ? 1f : 0f);
          }
        }
        default -> {}
      }
    }
    List<Node> rest = new ArrayList<>();
    for (Node n : graph.nodes()) {
      if (n.outputs().stream().noneMatch(replaced::contains)) {
        rest.add(n);
      }
    }
    return graph.with(rest, constants);
  }

  /**
   * @param inputMajor whether the first axis, and not all others, is what a result sums over
   */
  private void weighted(Node n, boolean inputMajor) {
    Shape s = constantShape(n.input(1));
    if (s == null || s.rank() < 2 || s.elements() == 0) {
      return;
    }
    long fanIn = inputMajor ? s.dim(s.rank() - 2) : s.elements(1, s.rank());
    if (replaced.add(n.input(1))) {
      SplittableRandom random =
          new SplittableRandom(seed * 0x9E3779B97F4A7C15L + n.input(1).hashCode());
      double deviation = Math.sqrt(2.0 / fanIn);
      Tensor t = Tensor.allocate(DataType.FLOAT32, s);
      for (long i = 0; i < s.elements(); i++) {
        t.data().setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (random.nextGaussian() * deviation));
      }
      constants.put(n.input(1), t);
    }
    if (n.hasInput(2)) {
      fill(n.input(2), 0f);
    }
  }

  private void fill(String name, float value) {
    Shape s = constantShape(name);
    if (s != null && replaced.add(name)) {
      Tensor t = Tensor.allocate(DataType.FLOAT32, s);
      for (long i = 0; i < s.elements(); i++) {
        t.data().setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
      }
      constants.put(name, t);
    }
  }

  /** A scale or shift of a normalisation that was written as a product and a sum with filled constants. */
  private void neutral(String name, float value) {
    Node maker = producers.get(name);
    while (maker != null && maker.op() instanceof Op.Unsqueeze) {
      name = maker.input(0);
      maker = producers.get(name);
    }
    if (maker != null && maker.op() instanceof Op.ConstantOfShape) {
      fill(name, value);
    }
  }

  /** Shape of a float32 constant, also of one that the graph fills itself; null where it is none. */
  private Shape constantShape(String name) {
    Tensor t = graph.constants().get(name);
    if (t != null) {
      return t.type() == DataType.FLOAT32 ? t.shape() : null;
    }
    Node maker = producers.get(name);
    if (maker != null
        && maker.op() instanceof Op.ConstantOfShape fill
        && fill.value().type() == DataType.FLOAT32
        && graph.constants().containsKey(maker.input(0))) {
      Tensor dims = graph.constants().get(maker.input(0));
      long[] d = new long[Math.toIntExact(dims.shape().elements())];
      for (int i = 0; i < d.length; i++) {
        d[i] = dims.data().getAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, i);
      }
      return Shape.of(d);
    }
    return null;
  }
}
