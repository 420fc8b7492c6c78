package tacet.insight.cause;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.insight.cause.Network.Cut;
import tacet.kernels.Activation;
import tacet.tensor.Shape;

/**
 * Bounds of every value over all images that pixels can make, by interval arithmetic from the input through the network,
 * per channel (interval bound propagation, Gowal et al., 2018). Loose after many layers, but what it proves holds for any
 * image.
 */
final class ImageBounds {

  private record Interval(double[] low, double[] high) {}

  private static final Interval UNKNOWN = new Interval(new double[0], new double[0]);

  private final Analysis analysis;
  private final Map<String, Interval> known = new HashMap<>();

  ImageBounds(Analysis analysis) {
    this.analysis = analysis;
    ImageView image = ImageView.of(analysis.samples().getFirst(), analysis.network().graph());
    boolean bounded = Arrays.stream(image.low()).allMatch(Double::isFinite);
    if (bounded) {
      known.put(analysis.inputName(), new Interval(image.low(), image.high()));
    }
  }

  boolean neverFires(Cut cut, int unit) {
    if (cut.units() == null) {
      return false;
    }
    Interval in = of(cut.units().input());
    return in != UNKNOWN && bound(cut.units(), unit, in, true) <= cut.bound();
  }

  private Interval of(String value) {
    Interval i = known.get(value);
    if (i == null) {
      // Against cycles of names; a value that is asked for again while it is computed is not known.
      known.put(value, UNKNOWN);
      i = compute(value);
      known.put(value, i);
    }
    return i;
  }

  private Interval compute(String value) {
    Node n = analysis.network().producers().get(value);
    if (n == null) {
      return UNKNOWN;
    }
    Units u = Units.behind(value, analysis.network().graph(), analysis.network().producers());
    if (u != null) {
      return linear(u);
    }
    return switch (n.op()) {
      case Op.Unary a -> monotone(of(n.input(0)), a.function());
      case Op.Identity _ -> of(n.input(0));
      case Op.Pool p when p.kind() != Op.PoolKind.LP -> withZero(of(n.input(0)));
      case Op.GlobalPool p when p.kind() != Op.PoolKind.LP -> of(n.input(0));
      case Op.Flatten f when f.axis() == 1 -> flattened(n);
      case Op.Reshape _ -> flattened(n);
      case Op.Transpose t when t.permutation().equals(List.of(0, 3, 1, 2)) -> of(n.input(0));
      case Op.Concat c when c.axis() == 1 -> concat(n);
      case Op.Elementwise e when e.kind() == Op.ElementwiseKind.ADD && n.inputs().size() == 2 ->
          sum(n);
      default -> UNKNOWN;
    };
  }

  private Interval linear(Units u) {
    Interval in = of(u.input());
    if (in == UNKNOWN) {
      return UNKNOWN;
    }
    double[] low = new double[u.count()];
    double[] high = new double[u.count()];
    for (int c = 0; c < low.length; c++) {
      low[c] = bound(u, c, in, false);
      high[c] = bound(u, c, in, true);
    }
    return new Interval(low, high);
  }

  private static double bound(Units u, int unit, Interval in, boolean upper) {
    int first = u.firstInputChannel(unit);
    if (in.low.length < first + u.inputChannels()) {
      return upper ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY;
    }
    float[] w = u.weights(unit);
    int window = w.length / u.inputChannels();
    double bound = u.bias(unit);
    for (int i = 0; i < u.inputChannels(); i++) {
      double least = in.low[first + i];
      double most = in.high[first + i];
      if (u.isConvolution()) {
        least = Math.min(0, least);
        most = Math.max(0, most);
      }
      for (int k = 0; k < window; k++) {
        float f = w[i * window + k];
        bound += f > 0 == upper ? f * most : f * least;
      }
    }
    return bound;
  }

  private static Interval monotone(Interval in, Activation f) {
    if (in == UNKNOWN) {
      return UNKNOWN;
    }
    return switch (f.kind()) {
      case RELU -> map(in, 0, Double.POSITIVE_INFINITY);
      case CLIP -> map(in, f.alpha(), f.beta());
      case SIGMOID, HARD_SIGMOID -> {
        double[] one = new double[in.low.length];
        Arrays.fill(one, 1);
        yield new Interval(new double[in.low.length], one);
      }
      default -> UNKNOWN;
    };
  }

  private static Interval map(Interval in, double least, double most) {
    double[] low = in.low.clone();
    double[] high = in.high.clone();
    for (int c = 0; c < low.length; c++) {
      low[c] = Math.min(most, Math.max(least, low[c]));
      high[c] = Math.min(most, Math.max(least, high[c]));
    }
    return new Interval(low, high);
  }

  private static Interval withZero(Interval in) {
    if (in == UNKNOWN) {
      return UNKNOWN;
    }
    double[] low = in.low.clone();
    double[] high = in.high.clone();
    for (int c = 0; c < low.length; c++) {
      low[c] = Math.min(0, low[c]);
      high[c] = Math.max(0, high[c]);
    }
    return new Interval(low, high);
  }

  private Interval flattened(Node n) {
    Interval in = of(n.input(0));
    Shape from = analysis.shapes().get(n.input(0));
    Shape to = analysis.shapes().get(n.output(0));
    if (in == UNKNOWN
        || from == null
        || to == null
        || to.rank() != 2
        || from.rank() < 2
        || from.dim(0) != to.dim(0)
        || from.dim(1) != in.low.length) {
      return UNKNOWN;
    }
    int times = to.intDim(1) / in.low.length;
    double[] low = new double[to.intDim(1)];
    double[] high = new double[low.length];
    for (int i = 0; i < low.length; i++) {
      low[i] = in.low[i / times];
      high[i] = in.high[i / times];
    }
    return new Interval(low, high);
  }

  private Interval concat(Node n) {
    double[] low = {};
    double[] high = {};
    for (String name : n.inputs()) {
      Interval in = of(name);
      if (in == UNKNOWN) {
        return UNKNOWN;
      }
      int at = low.length;
      low = Arrays.copyOf(low, at + in.low.length);
      high = Arrays.copyOf(high, low.length);
      System.arraycopy(in.low, 0, low, at, in.low.length);
      System.arraycopy(in.high, 0, high, at, in.high.length);
    }
    return new Interval(low, high);
  }

  private Interval sum(Node n) {
    Interval a = of(n.input(0));
    Interval b = of(n.input(1));
    if (a == UNKNOWN || b == UNKNOWN || a.low.length != b.low.length) {
      return UNKNOWN;
    }
    double[] low = a.low.clone();
    double[] high = a.high.clone();
    for (int c = 0; c < low.length; c++) {
      low[c] += b.low[c];
      high[c] += b.high[c];
    }
    return new Interval(low, high);
  }
}
