package tacet.keras;

import java.util.List;
import tacet.error.UnsupportedOpException.Unsupported;
import tacet.graph.Op;
import tacet.tensor.Shape;

/** Every kind of layer, and who brings it into the graph. */
final class Layers {

  private enum Kind {
    CONVOLUTION,
    POOLING,
    NORMALIZATION,
    SHAPE,
    MERGE,
    FUNCTION,
    PRELU,
    /** Changes nothing when a network is used. */
    TRAINING_ONLY,
    UNKNOWN
  }

  private Layers() {}

  private static Kind kind(LayerSpec layer) {
    if (layer.operation()) {
      return operation(layer.className());
    }
    return switch (layer.className()) {
      case "Dense",
          "Conv1D",
          "Conv2D",
          "Conv3D",
          "SeparableConv1D",
          "SeparableConv2D",
          "DepthwiseConv1D",
          "DepthwiseConv2D",
          "Conv1DTranspose",
          "Conv2DTranspose",
          "Conv3DTranspose" ->
          Kind.CONVOLUTION;
      case "MaxPooling1D",
          "MaxPooling2D",
          "MaxPooling3D",
          "AveragePooling1D",
          "AveragePooling2D",
          "AveragePooling3D",
          "GlobalMaxPooling1D",
          "GlobalMaxPooling2D",
          "GlobalMaxPooling3D",
          "GlobalAveragePooling1D",
          "GlobalAveragePooling2D",
          "GlobalAveragePooling3D" ->
          Kind.POOLING;
      case "BatchNormalization",
          "LayerNormalization",
          "GroupNormalization",
          "Normalization",
          "Rescaling" ->
          Kind.NORMALIZATION;
      case "Flatten",
          "Reshape",
          "Permute",
          "RepeatVector",
          "ZeroPadding1D",
          "ZeroPadding2D",
          "ZeroPadding3D",
          "Cropping1D",
          "Cropping2D",
          "Cropping3D",
          "UpSampling1D",
          "UpSampling2D",
          "UpSampling3D" ->
          Kind.SHAPE;
      case "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate" ->
          Kind.MERGE;
      case "Activation", "ReLU", "LeakyReLU", "ELU", "ThresholdedReLU", "Softmax" -> Kind.FUNCTION;
      case "PReLU" -> Kind.PRELU;
      case "Identity",
          "Dropout",
          "SpatialDropout1D",
          "SpatialDropout2D",
          "SpatialDropout3D",
          "GaussianDropout",
          "GaussianNoise",
          "AlphaDropout",
          "ActivityRegularization",
          "RandomBrightness",
          "RandomColorDegeneration",
          "RandomColorJitter",
          "RandomContrast",
          "RandomErasing",
          "RandomFlip",
          "RandomGaussianBlur",
          "RandomGrayscale",
          "RandomHue",
          "RandomPerspective",
          "RandomPosterization",
          "RandomRotation",
          "RandomSaturation",
          "RandomSharpness",
          "RandomShear",
          "RandomTranslation",
          "RandomZoom" ->
          Kind.TRAINING_ONLY;
      default -> Kind.UNKNOWN;
    };
  }

  private static Kind operation(String className) {
    return switch (className) {
      case "Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Maximum", "Minimum" ->
          Kind.MERGE;
      case "Concatenate" -> Kind.MERGE;
      case "Relu", "Relu6", "Sigmoid", "Silu", "Tanh", "HardSigmoid", "HardSilu", "Gelu" ->
          Kind.FUNCTION;
      default -> Kind.UNKNOWN;
    };
  }

  /** Adds everything in a model that Tacet does not have, as far as it can be told without shapes. */
  static void check(ModelSpec model, String prefix, int kerasVersion, List<Unsupported> into) {
    for (LayerSpec l : model.layers()) {
      String name = prefix + l.name();
      if (l.model() != null) {
        check(l.model(), name + "/", kerasVersion, into);
      } else if (!l.isInput()) {
        try {
          check(l, kerasVersion);
        } catch (NotSupported e) {
          into.add(new Unsupported(name, l.className(), e.getMessage()));
        }
      }
    }
  }

  private static void check(LayerSpec l, int kerasVersion) throws NotSupported {
    Kind kind = kind(l);
    if (kind == Kind.UNKNOWN) {
      throw new NotSupported("no such " + (l.operation() ? "operation" : "layer") + " in Tacet");
    }
    if (l.config().has("quantization_mode") || l.config().has("quantization_config")) {
      throw new NotSupported("quantised weights");
    }
    if (l.config().has("dim_ordering")) {
      throw new NotSupported("dim_ordering " + l.config().raw("dim_ordering"));
    }
    if (l.className().equals("BatchNormalization") && l.config().integer("mode", 0) != 0) {
      throw new NotSupported("mode " + l.config().raw("mode"));
    }
    if (kind == Kind.CONVOLUTION) {
      Functions.of(l.config().raw("activation"), kerasVersion, l.config());
    } else if (kind == Kind.FUNCTION) {
      Functions.ofLayer(l.className(), l.config(), kerasVersion);
    }
  }

  /**
   * Adds a layer's nodes.
   *
   * @return what it makes
   * @throws NotSupported where it is of a form that Tacet does not have
   */
  static Value emit(Call c) throws NotSupported {
    Kind kind = kind(c.layer());
    if (c.inputs().isEmpty() || kind != Kind.MERGE && c.arguments().size() != 1) {
      throw c.bad("is called on " + c.arguments().size() + " arguments");
    }
    Value v =
        switch (kind) {
          case CONVOLUTION -> Convolutions.emit(c);
          case POOLING -> Poolings.emit(c);
          case NORMALIZATION -> Normalizations.emit(c);
          case SHAPE -> Shapes.emit(c);
          case MERGE -> Merges.emit(c);
          case FUNCTION -> function(c);
          case PRELU -> prelu(c);
          case TRAINING_ONLY -> {
            c.add(new Op.Identity(), c.input().name());
            yield c.graph().made(c.value(), c.input().dims(), c.input().moved());
          }
          case UNKNOWN -> throw new NotSupported("no such layer in Tacet");
        };
    for (long d : v.dims()) {
      if (d > Integer.MAX_VALUE) {
        throw c.bad("its output has the shape " + v.describe());
      }
    }
    return v;
  }

  private static Value function(Call c) throws NotSupported {
    Functions f = Functions.ofLayer(c.layer().className(), c.config(), c.kerasVersion());
    if (f instanceof Functions.Softmax s) {
      c.axis(s.axis());
    }
    String type = f instanceof Functions.Linear ? c.layer().className() : null;
    return f.apply(c.graph(), c.value(), c.value(), c.input(), type);
  }

  /** Slopes of the shape of one input, or of extent 1 along shared axes. */
  private static Value prelu(Call c) {
    Value in = c.input();
    int rank = in.rank();
    List<Integer> shared = c.config().integers("shared_axes");
    long[] dims = new long[rank];
    dims[0] = 1;
    for (int i = 1; i < rank; i++) {
      dims[i] = shared != null && shared.contains(i) ? 1 : c.known(i);
    }
    long[] stored = java.util.Arrays.copyOfRange(dims, 1, rank);
    String alpha =
        c.constant(
            "alpha",
            () -> {
              float[] values = c.weights("alpha", stored);
              if (in.moved()) {
                int[] order = new int[rank - 1];
                for (int i = 1; i < rank - 1; i++) {
                  order[i] = i - 1;
                }
                order[0] = rank - 2;
                values = Permutation.apply(values, stored, order);
              }
              return c.tensor(Shape.of(in.inGraphOrder(dims)), values);
            });
    c.add(new Op.PRelu(), in.name(), alpha);
    return c.graph().made(c.value(), in.dims(), in.moved());
  }
}
