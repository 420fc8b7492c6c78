package tacet.insight;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.DataType;
import tacet.tensor.Tensor;

/** The weights of a network's layers as numbers. */
public final class Weights {

  private Weights() {}

  /**
   * A layer's weights (kernel, not bias).
   *
   * @param layer name of the layer
   * @param elements number of weights
   * @param zeros exact zeros
   * @param below001 |w| &lt; 0.001
   * @param below01 |w| &lt; 0.01
   * @param l1 Σ|w|
   * @param regulariser what the model's file says of the layer's training, or the empty string
   */
  public record Summary(
      String layer,
      long elements,
      long zeros,
      long below001,
      long below01,
      double l1,
      String regulariser) {}

  /** One summary per layer with weights, in the order of the network. */
  public static List<Summary> of(Graph graph) {
    List<Summary> all = new ArrayList<>();
    for (Node n : graph.nodes()) {
      boolean weighted =
          n.op() instanceof Op.Conv
              || n.op() instanceof Op.ConvTranspose
              || n.op() instanceof Op.Gemm
              || n.op() instanceof Op.MatMul;
      Tensor w = weighted ? graph.constants().get(n.input(1)) : null;
      if (w != null && w.type() == DataType.FLOAT32) {
        all.add(summary(n.name(), w, graph.notes().getOrDefault(n.name(), "")));
      }
    }
    return all;
  }

  private static Summary summary(String layer, Tensor w, String note) {
    long n = w.shape().elements();
    long zeros = 0;
    long below001 = 0;
    long below01 = 0;
    double l1 = 0;
    for (long i = 0; i < n; i++) {
      float v = Math.abs(w.data().getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i));
      zeros += v == 0 ? 1 : 0;
      below001 += v < 0.001f ? 1 : 0;
      below01 += v < 0.01f ? 1 : 0;
      l1 += v;
    }
    return new Summary(layer, n, zeros, below001, below01, l1, note);
  }
}
