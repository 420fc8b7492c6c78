package tacet.plan;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.Activation;
import tacet.kernels.ConvSpec;
import tacet.kernels.DataType;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.KernelProvider;
import tacet.kernels.KernelProvider.Choice;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.KernelProvider.Needs;
import tacet.kernels.KernelProvider.SparseWeights;
import tacet.kernels.Weights;
import tacet.plan.Attempt.Declined;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Convolutions, and what is one in disguise: dense layers and normalisations. */
final class ConvolutionSteps {

  /** Stands for any thread but the present one. */
  private static final Thread ANOTHER = Thread.ofPlatform().unstarted(() -> {});

  private final TypedGraph net;
  private final Places places;
  private final KernelSteps kernels;
  private final ProviderOrder order;
  private final Draft draft;
  private final Arena weights;

  /**
   * @param weights where packed weights live
   */
  ConvolutionSteps(
      TypedGraph net,
      Places places,
      KernelSteps kernels,
      ProviderOrder order,
      Draft draft,
      Arena weights) {
    this.net = net;
    this.places = places;
    this.kernels = kernels;
    this.order = order;
    this.draft = draft;
    this.weights = weights;
  }

  Attempt convolution(Node n) {
    ConvSpec spec = net.convolution(n);
    if (spec == null) {
      return new Declined("not a two-dimensional float32 convolution with constant weights");
    }
    if (places.image(n.input(0), Halo.NONE, false) == null) {
      return new Declined("its input is not an image");
    }
    Weights w = Weights.of(shared(net.constant(n.input(1))));
    float[] b = n.hasInput(2) ? net.constant(n.input(2)).toFloats() : null;
    if (spec.residual() && places.image(n.input(3), Halo.NONE, true) == null) {
      return new Declined("its residual is not an image");
    }
    StringJoiner declined = new StringJoiner("; ");
    for (KernelProvider provider : order.candidates(n)) {
      Needs needs = provider.needs(spec);
      Placement.Image in = places.image(n.input(0), needs.halo(), false);
      Placement.Image residual = spec.residual() ? places.image(n.input(3), Halo.NONE, true) : null;
      if (needs.dense()) {
        in = places.compact(n.input(0), in, spec.halo());
        residual = residual == null ? null : places.compact(n.input(3), residual, Halo.NONE);
      }
      Placement.Image out =
          places.output(
              n.output(0),
              spec.batch(),
              spec.outChannels(),
              spec.outHeight(),
              spec.outWidth(),
              needs.dense(),
              in.channelsLast());
      List<Placement.Image> inputs = residual == null ? List.of(in) : List.of(in, residual);
      Layer layer = new Layer(spec, inputs, out, FlattenOrder.NONE, w, b);
      Attempt sparse = sparseWeights(n, provider, layer, declined);
      if (sparse != null) {
        return sparse;
      }
      Choice choice = layer.kernel(provider, weights);
      if (choice.kernel() != null) {
        if (lends(provider) && in.hasHalo(spec.halo())) {
          ImageLayout added = residual == null ? null : residual.layout();
          choice =
              choice.with(
                  order
                      .simd()
                      .skipping(spec, in.layout(), out.layout(), added, FlattenOrder.NONE, w, b));
        }
        return kernels.kernel(n, provider, choice, order.why(n, choice, declined), inputs, out);
      }
      declined.add(provider.name() + " declined: " + choice.reason());
    }
    return new Declined(declined.toString());
  }

  /**
   * Whether SIMD's kernels that skip zeros may stand in for those of this provider: where they are timed. Estimates are multiples
   * of SIMD's own dense kernels.
   */
  private boolean lends(KernelProvider provider) {
    return order.mayLend(provider) && kernels.measures();
  }

  /** Dense layers are convolutions of one pixel; a flattened image is read where it lies. */
  Attempt dense(Node n) {
    Tensor w = net.constant(n.input(1));
    Shape a = net.shape(n.input(0));
    if (w == null
        || w.type() != DataType.FLOAT32
        || w.shape().rank() != 2
        || a.rank() != 2
        || a.elements() == 0
        || !net.isFloat(n.input(0))) {
      return new Declined("not a float32 matrix times a constant one");
    }
    boolean transposed = false;
    float alpha = 1f;
    float[] bias = null;
    Activation activation = Activation.IDENTITY;
    int m = net.shape(n.output(0)).intDim(1);
    if (n.op() instanceof Op.Gemm g) {
      if (g.transA()) {
        return new Declined("its left operand is transposed");
      }
      transposed = g.transB();
      alpha = g.alpha();
      activation = g.activation();
      if (n.hasInput(2)) {
        Tensor c = net.constant(n.input(2));
        if (c == null || c.type() != DataType.FLOAT32 || !isRow(c.shape(), m)) {
          return new Declined("its third operand is not a constant row");
        }
        bias = spread(c.toFloats(), m);
        for (int i = 0; i < m; i++) {
          bias[i] *= g.beta();
        }
      }
    }
    Placement.Image lies;
    FlattenOrder flattened = FlattenOrder.NONE;
    if (places.get(n.input(0)) instanceof Placement.Flattened flat) {
      lies = flat.image();
      flattened = flat.order();
      lies.buffer().usedAt(draft.step());
    } else {
      lies = places.image(n.input(0), Halo.NONE, false);
      if (lies == null) {
        return new Declined("its input is not a matrix");
      }
    }
    int batch = a.intDim(0);
    int k = a.intDim(1);
    Weights rows = weights(w, transposed, alpha, m);
    ConvSpec spec =
        new ConvSpec(batch, k, 1, 1, m, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, false, activation);
    StringJoiner declined = new StringJoiner("; ");
    for (KernelProvider provider : order.candidates(n)) {
      boolean compact = provider.needs(spec).dense();
      Placement.Image in = compact ? places.compact(n.input(0), lies, Halo.NONE) : lies;
      Placement.Image out = places.output(n.output(0), batch, m, 1, 1, compact, false);
      Layer layer = new Layer(spec, List.of(in), out, flattened, rows, bias);
      Attempt sparse = sparseWeights(n, provider, layer, declined);
      if (sparse != null) {
        return sparse;
      }
      Choice choice = layer.kernel(provider, weights);
      if (choice.kernel() != null) {
        if (lends(provider)) {
          choice =
              choice.with(
                  order
                      .simd()
                      .skipping(spec, in.layout(), out.layout(), null, flattened, rows, bias));
        }
        return kernels.kernel(
            n, provider, choice, order.why(n, choice, declined), List.of(in), out);
      }
      declined.add(provider.name() + " declined: " + choice.reason());
    }
    return new Declined(declined.toString());
  }

  /** What a provider is asked for. */
  private record Layer(
      ConvSpec spec,
      List<Placement.Image> inputs,
      Placement.Image output,
      FlattenOrder flattened,
      Weights weights,
      float[] bias) {

    private ImageLayout residual() {
      return inputs.size() == 1 ? null : inputs.getLast().layout();
    }

    Choice kernel(KernelProvider provider, Arena arena) {
      return provider.convolution(
          spec,
          inputs.getFirst().layout(),
          output.layout(),
          residual(),
          flattened,
          weights,
          bias,
          arena);
    }

    SparseWeights sparseWeights(KernelProvider provider) {
      return provider.sparseWeights(
          spec, inputs.getFirst().layout(), output.layout(), residual(), flattened, weights, bias);
    }
  }

  /** Places the kernel without zero weights, or returns null: where there is none, or the dense one is faster. */
  private Attempt sparseWeights(
      Node n, KernelProvider provider, Layer layer, StringJoiner declined) {
    SparseWeights sparse = kernels.skips() ? layer.sparseWeights(provider) : null;
    if (sparse == null) {
      return null;
    }
    CostCurve curve =
        kernels.curve(
            sparse,
            layer.spec.multiplyAdds(),
            a -> layer.kernel(provider, a),
            layer.inputs,
            layer.output);
    String found =
        String.format(
            Locale.ROOT,
            "%.1f %% of the weights are zero, and without them it takes %.2f of the time (%s)",
            100 * sparse.zeroShare(),
            curve.few() / curve.dense(),
            curve.measured() ? "measured" : "estimated");
    if (!kernels.isWorth(curve)) {
      declined.add(found);
      return null;
    }
    Choice choice = Choice.of(sparse.prepare(weights), found);
    return kernels.sparseWeights(
        n, provider, choice, order.why(n, choice, declined), curve, layer.inputs, layer.output);
  }

  private static boolean isRow(Shape s, int columns) {
    return s.elements() == 1 || (s.elements() == columns && s.dim(-1) == columns);
  }

  /** A constant of one number for all, or of one for each. */
  static float[] spread(float[] values, int count) {
    if (values.length == count) {
      return values;
    }
    float[] out = new float[count];
    Arrays.fill(out, values[0]);
    return out;
  }

  /**
   * @param outputMajor whether a row of the matrix is an output
   */
  private static Weights weights(Tensor matrix, boolean outputMajor, float factor, int outputs) {
    MemorySegment data = shared(matrix);
    if (factor != 1f) {
      float[] values = matrix.toFloats();
      for (int i = 0; i < values.length; i++) {
        values[i] *= factor;
      }
      data = MemorySegment.ofArray(values);
    }
    return outputMajor ? Weights.of(data) : Weights.inputMajor(data, outputs);
  }

  /** A constant's memory, or a copy of what one thread alone may read: many pack weights. */
  private static MemorySegment shared(Tensor constant) {
    return constant.data().isAccessibleBy(ANOTHER)
        ? constant.data()
        : MemorySegment.ofArray(constant.toFloats());
  }

  /** A normalisation that could not be folded is a depthwise convolution of one tap. */
  Attempt batchNormalization(Node n, Op.BatchNormalization op) {
    for (int i = 1; i < 5; i++) {
      Tensor t = net.constant(n.input(i));
      if (t == null || t.type() != DataType.FLOAT32) {
        return new Declined("its parameters are not constant");
      }
    }
    Placement.Image in = places.image(n.input(0), Halo.NONE, true);
    if (in == null || in.channelsLast()) {
      return new Declined("its input is not an image");
    }
    float[] scale = net.constant(n.input(1)).toFloats();
    float[] shift = net.constant(n.input(2)).toFloats();
    float[] mean = net.constant(n.input(3)).toFloats();
    float[] variance = net.constant(n.input(4)).toFloats();
    for (int c = 0; c < scale.length; c++) {
      double s = scale[c] / Math.sqrt((double) variance[c] + op.epsilon());
      shift[c] = (float) (shift[c] - mean[c] * s);
      scale[c] = (float) s;
    }
    ImageLayout l = in.layout();
    ConvSpec spec =
        new ConvSpec(
            l.batch(),
            l.channels(),
            l.height(),
            l.width(),
            l.channels(),
            l.height(),
            l.width(),
            l.channels(),
            1,
            1,
            1,
            1,
            0,
            0,
            1,
            1,
            false,
            op.activation());
    Placement.Image out =
        places.output(n.output(0), l.batch(), l.channels(), l.height(), l.width(), false, false);
    Choice choice =
        order
            .simd()
            .convolution(
                spec, l, out.layout(), null, FlattenOrder.NONE, Weights.of(scale), shift, weights);
    if (choice.kernel() != null) {
      return kernels.kernel(n, order.simd(), choice, choice.reason(), List.of(in), out);
    }
    return new Declined(choice.reason());
  }
}
