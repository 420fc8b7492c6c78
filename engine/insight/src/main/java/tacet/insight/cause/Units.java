package tacet.insight.cause;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Map;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * The units of a linear layer: unit c computes w_c·x + bias_c. Batch normalisation and per-channel constants between the
 * linear operator and the activation are taken into both.
 */
final class Units {

  private static final int STRIP = 16;

  private final Node node;
  private final Tensor weights;
  private final float[] gain;
  private final float[] bias;
  private final float[] learned;

  /** The units read last: all callers go from one to the next, and a cache line holds a weight of each of {@link #STRIP}. */
  private float[][] strip;

  private int stripStart = -1;

  private Units(Node node, Tensor weights, float[] gain, float[] bias, float[] learned) {
    this.node = node;
    this.weights = weights;
    this.gain = gain;
    this.bias = bias;
    this.learned = learned;
  }

  /** The units whose result is {@code value}, or null where no linear layer with constant weights makes it. */
  static Units behind(String value, Graph graph, Map<String, Node> producers) {
    Scale after = new Scale();
    Node n = producers.get(value);
    while (n != null) {
      String next = null;
      switch (n.op()) {
        case Op.Conv c when !c.residual() -> {
          return linear(n, graph, after, 1, 0);
        }
        case Op.ConvTranspose _ -> {
          return linear(n, graph, after, 1, 1);
        }
        case Op.Gemm g when !g.transA() -> {
          return linear(n, graph, after, g.beta(), g.transB() ? 0 : 1);
        }
        case Op.MatMul _ -> {
          return linear(n, graph, after, 0, 1);
        }
        case Op.Cast t when t.to() == DataType.FLOAT32 -> next = n.input(0);
        case Op.Identity _ -> next = n.input(0);
        case Op.BatchNormalization b -> next = after.batchNormalization(n, graph, b.epsilon());
        case Op.Elementwise e -> next = after.constant(n, graph, e.kind());
        default -> {}
      }
      n = next == null ? null : producers.get(next);
    }
    return null;
  }

  private static Units linear(Node n, Graph graph, Scale after, float beta, int unitAxis) {
    Tensor w = graph.constants().get(n.input(1));
    if (w == null || w.type() != DataType.FLOAT32 || w.shape().rank() < 2) {
      return null;
    }
    if (n.op() instanceof Op.MatMul && w.shape().rank() != 2) {
      return null;
    }
    int groups = n.op() instanceof Op.ConvTranspose c ? c.groups() : 1;
    if (groups != 1) {
      return null;
    }
    int units = w.shape().intDim(unitAxis);
    float alpha = n.op() instanceof Op.Gemm g ? g.alpha() : 1;
    float[] bias = new float[units];
    if (n.hasInput(2)) {
      Tensor b = graph.constants().get(n.input(2));
      if (b == null || b.type() != DataType.FLOAT32) {
        return null;
      }
      float[] values = b.toFloats();
      if (values.length != units && values.length != 1) {
        return null;
      }
      for (int c = 0; c < units; c++) {
        bias[c] = beta(n, beta) * values[values.length == 1 ? 0 : c];
      }
    }
    float[] gain = new float[units];
    float[] learned = new float[units];
    for (int c = 0; c < units; c++) {
      gain[c] = alpha * after.factor(c);
      bias[c] = bias[c] * after.factor(c) + after.shift(c);
      learned[c] = after.normalises ? after.shift(c) - after.centre(c) : bias[c];
    }
    boolean dense = n.op() instanceof Op.Gemm || n.op() instanceof Op.MatMul;
    return after.fits(units) && (dense || !after.alongRows)
        ? new Units(n, w, gain, bias, learned)
        : null;
  }

  private static float beta(Node n, float beta) {
    return n.op() instanceof Op.Gemm ? beta : 1;
  }

  /** The linear operator. */
  Node node() {
    return node;
  }

  /** Value it reads. */
  String input() {
    return node.input(0);
  }

  int count() {
    return bias.length;
  }

  float bias(int unit) {
    return bias[unit];
  }

  /**
   * All units' biases as they were learned: without what batch normalisation subtracts, which is the mean of the weighted
   * inputs, the linear layer's own bias included.
   */
  float[] learnedBias() {
    return learned.clone();
  }

  /** Elements of all units' weights. */
  long elements() {
    return weights.shape().elements();
  }

  /** Name of the weights among the graph's constants. */
  String weightsName() {
    return node.input(1);
  }

  boolean isConvolution() {
    return node.op() instanceof Op.Conv || node.op() instanceof Op.ConvTranspose;
  }

  /** Channels (features of a dense layer) that one unit reads. */
  int inputChannels() {
    Shape s = weights.shape();
    return s.intDim(unitAxis() == 0 ? 1 : 0);
  }

  /** First channel of the input that a unit reads. */
  int firstInputChannel(int unit) {
    return node.op() instanceof Op.Conv c ? unit / (count() / c.groups()) * inputChannels() : 0;
  }

  private int unitAxis() {
    return switch (node.op()) {
      case Op.Conv _ -> 0;
      case Op.Gemm g -> g.transB() ? 0 : 1;
      default -> 1;
    };
  }

  /** A unit's weights, input channels outermost, with what follows the linear operator taken in. Not for several threads. */
  float[] weights(int unit) {
    int length = Math.toIntExact(weights.shape().elements() / count());
    if (unitAxis() == 0) {
      float[] out = new float[length];
      MemorySegment.copy(
          weights.data(),
          ValueLayout.JAVA_FLOAT_UNALIGNED,
          (long) unit * length * Float.BYTES,
          out,
          0,
          length);
      scale(out, unit);
      return out;
    }
    int first = unit / STRIP * STRIP;
    if (first != stripStart) {
      strip = strip(first, length);
      stripStart = first;
    }
    return strip[unit - first].clone();
  }

  /** The weights of neighbouring units where they lie side by side. */
  private float[][] strip(int first, int length) {
    int window = length / inputChannels();
    int units = Math.min(STRIP, count() - first);
    float[][] out = new float[units][length];
    float[] row = new float[units * window];
    for (int i = 0; i < length; i += window) {
      MemorySegment.copy(
          weights.data(),
          ValueLayout.JAVA_FLOAT_UNALIGNED,
          ((long) i / window * count() + first) * window * Float.BYTES,
          row,
          0,
          row.length);
      for (int u = 0; u < units; u++) {
        for (int k = 0; k < window; k++) {
          out[u][i + k] = row[u * window + k];
        }
      }
    }
    for (int u = 0; u < units; u++) {
      scale(out[u], first + u);
    }
    return out;
  }

  private void scale(float[] w, int unit) {
    for (int i = 0; i < w.length; i++) {
      w[i] *= gain[unit];
    }
  }

  /** What comes between a linear operator and an activation: y·factor + shift, per channel. */
  private static final class Scale {
    private float[] factor = {1};
    private float[] shift = {0};

    /** Part of the shift that takes means away. */
    private float[] centre = {0};

    private boolean normalises;

    /** Whether a constant was broadcast along the last axis, which is that of units in dense layers only. */
    private boolean alongRows;

    float factor(int c) {
      return factor[factor.length == 1 ? 0 : c];
    }

    float shift(int c) {
      return shift[shift.length == 1 ? 0 : c];
    }

    float centre(int c) {
      return centre[centre.length == 1 ? 0 : c];
    }

    boolean fits(int units) {
      return factor.length == 1 || factor.length == units;
    }

    /**
     * Puts x·f + s in front of what is there.
     *
     * @param means part of s that takes means away
     */
    private boolean before(float[] f, float[] s, float[] means) {
      int n = Math.max(factor.length, Math.max(f.length, s.length));
      for (int length : new int[] {factor.length, f.length, s.length}) {
        if (length != 1 && length != n) {
          return false;
        }
      }
      float[] newFactor = new float[n];
      float[] newShift = new float[n];
      float[] newCentre = new float[n];
      for (int c = 0; c < n; c++) {
        newFactor[c] = factor(c) * f[f.length == 1 ? 0 : c];
        newShift[c] = factor(c) * s[s.length == 1 ? 0 : c] + shift(c);
        newCentre[c] = factor(c) * means[means.length == 1 ? 0 : c] + centre(c);
      }
      factor = newFactor;
      shift = newShift;
      centre = newCentre;
      return true;
    }

    String batchNormalization(Node n, Graph graph, float epsilon) {
      float[][] p = new float[4][];
      for (int i = 0; i < 4; i++) {
        Tensor t = graph.constants().get(n.input(i + 1));
        if (t == null || t.type() != DataType.FLOAT32) {
          return null;
        }
        p[i] = t.toFloats();
      }
      float[] f = new float[p[0].length];
      float[] s = new float[f.length];
      float[] means = new float[f.length];
      for (int c = 0; c < f.length; c++) {
        f[c] = (float) (p[0][c] / Math.sqrt((double) p[3][c] + epsilon));
        means[c] = -p[2][c] * f[c];
        s[c] = p[1][c] + means[c];
      }
      normalises = true;
      return before(f, s, means) ? n.input(0) : null;
    }

    String constant(Node n, Graph graph, Op.ElementwiseKind kind) {
      if (n.inputs().size() != 2) {
        return null;
      }
      boolean second = graph.constants().containsKey(n.input(1));
      Tensor t = graph.constants().get(n.input(second ? 1 : 0));
      if (t == null || t.type() != DataType.FLOAT32 || !perChannel(t.shape())) {
        return null;
      }
      float[] k = t.toFloats();
      alongRows |= k.length > 1 && t.shape().rank() <= 2;
      float[] one = {1};
      float[] none = {0};
      boolean done =
          switch (kind) {
            case ADD -> before(one, k, none);
            case MUL -> before(k, none, none);
            case SUB -> second && before(one, map(k, -1, false), none);
            case DIV -> second && before(map(k, 1, true), none, none);
            default -> false;
          };
      return done ? n.input(second ? 0 : 1) : null;
    }

    /** One value, or one per channel of [N, C, spatial…] or [N, C]. */
    private static boolean perChannel(Shape s) {
      int rank = s.rank();
      long channels = rank == 0 ? 1 : rank <= 2 ? s.dim(-1) : s.dim(rank == 3 ? 0 : 1);
      return s.elements() == 1 || s.elements() == channels;
    }

    private static float[] map(float[] k, float sign, boolean inverse) {
      float[] out = Arrays.copyOf(k, k.length);
      for (int i = 0; i < out.length; i++) {
        out[i] = inverse ? sign / out[i] : sign * out[i];
      }
      return out;
    }
  }
}
