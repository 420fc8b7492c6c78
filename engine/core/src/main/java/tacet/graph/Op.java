package tacet.graph;

import java.util.List;
import tacet.kernels.Activation;
import tacet.kernels.DataType;
import tacet.kernels.PixelSpec;

/**
 * What a node does: one record per operator, holding its attributes; tensors are the node's inputs, by position. The
 * semantics are those of the newest ONNX operator of that name; readers bring older and other forms into it. Images are
 * NCHW (channels second) and have one to three spatial dimensions.
 *
 * <p>An optional input that is absent has the empty name. Integer inputs that decide a shape (for example the second of
 * {@link Reshape}) must be known when a plan is made: constants, or computed from shapes, or inputs of the model.
 */
public sealed interface Op {

  /** Name of the operator for people. */
  default String type() {
    return getClass().getSimpleName();
  }

  /** How padding is decided where it is not given in numbers. */
  enum AutoPad {
    EXPLICIT,
    VALID,
    /** Output extent = ceil(input / stride); an odd total puts the larger half at the end. */
    SAME_UPPER,
    /** The same, the larger half at the beginning. */
    SAME_LOWER
  }

  /**
   * A sliding window over the spatial axes.
   *
   * @param kernel extent per spatial axis; empty where it follows from the weights
   * @param strides step per axis; empty = 1
   * @param padsBegin padding before the first element per axis; empty = 0
   * @param padsEnd padding after the last element per axis; empty = 0
   * @param dilations distance between window elements per axis; empty = 1
   * @param autoPad where not {@code EXPLICIT}, the pads are derived from the input's extent
   */
  record Window(
      List<Integer> kernel,
      List<Integer> strides,
      List<Integer> padsBegin,
      List<Integer> padsEnd,
      List<Integer> dilations,
      AutoPad autoPad) {
    public Window {
      kernel = List.copyOf(kernel);
      strides = List.copyOf(strides);
      padsBegin = List.copyOf(padsBegin);
      padsEnd = List.copyOf(padsEnd);
      dilations = List.copyOf(dilations);
    }
  }

  /**
   * Cross-correlation. Inputs: x [N, C, spatial…], weights [M, C/groups, kernel…], optional bias [M], and, where
   * {@code residual}, a tensor of the output's shape that is added before the activation. Output [N, M, spatial…].
   *
   * @param activation applied last; set by rewrites only
   */
  record Conv(Window window, int groups, boolean residual, Activation activation) implements Op {
    public Conv(Window window, int groups) {
      this(window, groups, false, Activation.IDENTITY);
    }
  }

  /**
   * Transposed convolution. Inputs: x [N, C, spatial…], weights [C, M/groups, kernel…], optional bias [M].
   *
   * @param outputPadding extra extent at the end of each axis; empty = 0
   * @param outputShape wanted spatial extent, from which pads follow; empty = from the pads
   */
  record ConvTranspose(
      Window window, int groups, List<Integer> outputPadding, List<Integer> outputShape)
      implements Op {
    public ConvTranspose {
      outputPadding = List.copyOf(outputPadding);
      outputShape = List.copyOf(outputShape);
    }
  }

  /** The ways to reduce a pooling window. */
  enum PoolKind {
    MAX,
    AVERAGE,
    /** (Σ|x|^p)^(1/p). */
    LP
  }

  /**
   * Pooling. Input x [N, C, spatial…]. Outputs: y, and for MAX optionally the flat int64 indices of the maxima in x.
   *
   * @param ceilMode round output extents up (a last window that would start in the end padding is dropped)
   * @param countIncludePad whether padding counts in an average
   * @param p exponent of LP
   * @param columnMajorIndices whether the spatial part of MAX indices is column-major
   */
  record Pool(
      PoolKind kind,
      Window window,
      boolean ceilMode,
      boolean countIncludePad,
      int p,
      boolean columnMajorIndices)
      implements Op {
    @Override
    public String type() {
      return switch (kind) {
        case MAX -> "MaxPool";
        case AVERAGE -> "AveragePool";
        case LP -> "LpPool";
      };
    }
  }

  /** Pooling over the whole spatial extent, which becomes 1. Input x [N, C, spatial…]. */
  record GlobalPool(PoolKind kind, int p) implements Op {
    @Override
    public String type() {
      return switch (kind) {
        case MAX -> "GlobalMaxPool";
        case AVERAGE -> "GlobalAveragePool";
        case LP -> "GlobalLpPool";
      };
    }
  }

  /** Inputs: x [N, C, …], scale [C], bias [C], mean [C], variance [C]. */
  record BatchNormalization(float epsilon, Activation activation) implements Op {
    public BatchNormalization(float epsilon) {
      this(epsilon, Activation.IDENTITY);
    }
  }

  /** Channel i · groups + j of y is channel j · C / groups + i of x. Input: x [N, C, H, W]. */
  record ChannelShuffle(int groups) implements Op {}

  /**
   * Bytes of pictures as an image: y [N, C, H, W] float32 from x [N, H, W, S] uint8, see {@link PixelInput}.
   *
   * @param order which byte of a pixel each channel is
   * @param mean one value per channel, in scaled units
   * @param std one value per channel
   */
  record Pixels(List<Integer> order, float scale, List<Float> mean, List<Float> std) implements Op {
    public Pixels {
      order = List.copyOf(order);
      mean = List.copyOf(mean);
      std = List.copyOf(std);
    }

    /**
     * On pictures of one shape.
     *
     * @param bytes [N, H, W, S]
     * @throws IllegalArgumentException where a channel is none of the S bytes, or there are more or fewer means or
     *     deviations than channels
     */
    public PixelSpec spec(tacet.tensor.Shape bytes) {
      return new PixelSpec(
          bytes.intDim(0),
          bytes.intDim(1),
          bytes.intDim(2),
          bytes.intDim(3),
          order,
          scale,
          mean,
          std);
    }
  }

  /** Inputs: x [N, C, spatial…], scale [C], bias [C]. Normalises each image and channel on its own. */
  record InstanceNormalization(float epsilon) implements Op {}

  /** Inputs: x, scale, optional bias (both broadcast to x from the right). Outputs: y, optional mean, inverse std. */
  record LayerNormalization(int axis, float epsilon) implements Op {}

  /** Inputs: x [N, C, …], scale and bias, either [C] or [groups]. */
  record GroupNormalization(int groups, float epsilon) implements Op {}

  /** Local response normalisation across {@code size} channels. */
  record Lrn(int size, float alpha, float beta, float bias) implements Op {
    @Override
    public String type() {
      return "LRN";
    }
  }

  /** x / ‖x‖_p along an axis. */
  record LpNormalization(int axis, int p) implements Op {}

  /** An element-wise function of one float tensor. */
  record Unary(Activation function) implements Op {
    @Override
    public String type() {
      return switch (function.kind()) {
        case RELU -> "Relu";
        case LEAKY_RELU -> "LeakyRelu";
        case CLIP -> "Clip";
        case ELU -> "Elu";
        case SELU -> "Selu";
        case CELU -> "Celu";
        case HARD_SIGMOID -> "HardSigmoid";
        case HARD_SWISH -> "HardSwish";
        case GELU, GELU_TANH -> "Gelu";
        case THRESHOLDED_RELU -> "ThresholdedRelu";
        default -> {
          String n = function.kind().name();
          yield n.charAt(0) + n.substring(1).toLowerCase(java.util.Locale.ROOT);
        }
      };
    }
  }

  /** Inputs: x, optional scalar minimum, optional scalar maximum, all of one type. */
  record Clip() implements Op {}

  /** x &lt; 0 ? slope · x : x. Inputs: x, slope (broadcast to x). */
  record PRelu() implements Op {}

  /** Element-wise functions of several tensors. */
  enum ElementwiseKind {
    ADD,
    SUB,
    MUL,
    DIV,
    POW,
    /** Remainder with the sign of the divisor; of integers. */
    MOD,
    /** Remainder with the sign of the dividend, as C's fmod. */
    FMOD,
    MAX,
    MIN,
    MEAN,
    EQUAL,
    GREATER,
    GREATER_OR_EQUAL,
    LESS,
    LESS_OR_EQUAL,
    AND,
    OR,
    XOR
  }

  /**
   * Element-wise with NumPy broadcasting. ADD, MAX, MIN and MEAN take one input or more, the others two.
   *
   * @param activation applied last; set by rewrites only
   */
  record Elementwise(ElementwiseKind kind, Activation activation) implements Op {
    public Elementwise(ElementwiseKind kind) {
      this(kind, Activation.IDENTITY);
    }

    @Override
    public String type() {
      return switch (kind) {
        case FMOD -> "Mod";
        case GREATER_OR_EQUAL -> "GreaterOrEqual";
        case LESS_OR_EQUAL -> "LessOrEqual";
        default ->
            kind.name().charAt(0) + kind.name().substring(1).toLowerCase(java.util.Locale.ROOT);
      };
    }
  }

  /** Logical negation of a BOOL tensor. */
  record Not() implements Op {}

  /** Inputs: condition (BOOL), x, y, all broadcast together. */
  record Where() implements Op {}

  /**
   * Softmax or its logarithm.
   *
   * @param toEnd true: over all axes from {@code axis} on as one (ONNX before opset 13); false: over {@code axis} alone
   */
  record Softmax(int axis, boolean logarithm, boolean toEnd) implements Op {
    @Override
    public String type() {
      return logarithm ? "LogSoftmax" : "Softmax";
    }
  }

  /**
   * α·A'·B' + β·C. Inputs: A [M, K] ([K, M] where transA), B [K, N] ([N, K] where transB), optional C broadcast to
   * [M, N].
   *
   * @param activation applied last; set by rewrites only
   */
  record Gemm(float alpha, float beta, boolean transA, boolean transB, Activation activation)
      implements Op {
    public Gemm(float alpha, float beta, boolean transA, boolean transB) {
      this(alpha, beta, transA, transB, Activation.IDENTITY);
    }
  }

  /** NumPy's matmul, batched and with rank-1 forms. */
  record MatMul() implements Op {}

  /** Inputs: one or more tensors alike but for {@code axis}. */
  record Concat(int axis) implements Op {}

  /** Two-dimensional: product of the axes before {@code axis}, product of the rest. */
  record Flatten(int axis) implements Op {}

  /** Inputs: x, shape (int64; −1 = the rest, 0 = as in x unless {@code allowZero}). */
  record Reshape(boolean allowZero) implements Op {}

  /** Empty permutation = reversed axes. */
  record Transpose(List<Integer> permutation) implements Op {
    public Transpose {
      permutation = List.copyOf(permutation);
    }
  }

  /** Inputs: x, optional axes (int64). */
  record Squeeze() implements Op {}

  /** Inputs: x, axes (int64). */
  record Unsqueeze() implements Op {}

  /** Inputs: x, shape (int64), broadcast both ways. */
  record Expand() implements Op {}

  /** Inputs: x, repeats (int64). */
  record Tile() implements Op {}

  /** Passes its input on; Dropout at inference is this. */
  record Identity() implements Op {}

  /** Input: shape (int64). Fills with one value (a tensor of one element). */
  record ConstantOfShape(tacet.tensor.Tensor value) implements Op {}

  /** Inputs: start, limit, delta (scalars). */
  record Range() implements Op {}

  enum PadMode {
    CONSTANT,
    REFLECT,
    EDGE,
    WRAP
  }

  /** Inputs: x, pads (int64, begins then ends; negative = crop), optional value, optional axes (int64). */
  record Pad(PadMode mode) implements Op {}

  enum ReduceKind {
    MEAN,
    SUM,
    MAX,
    MIN,
    PROD,
    L1,
    L2,
    LOG_SUM,
    LOG_SUM_EXP,
    SUM_SQUARE
  }

  /** Inputs: x, optional axes (int64). Without axes: all of them, or none where {@code noopWithEmptyAxes}. */
  record Reduce(ReduceKind kind, boolean keepDims, boolean noopWithEmptyAxes) implements Op {
    @Override
    public String type() {
      return switch (kind) {
        case MEAN -> "ReduceMean";
        case SUM -> "ReduceSum";
        case MAX -> "ReduceMax";
        case MIN -> "ReduceMin";
        case PROD -> "ReduceProd";
        case L1 -> "ReduceL1";
        case L2 -> "ReduceL2";
        case LOG_SUM -> "ReduceLogSum";
        case LOG_SUM_EXP -> "ReduceLogSumExp";
        case SUM_SQUARE -> "ReduceSumSquare";
      };
    }
  }

  enum ResizeMode {
    NEAREST,
    LINEAR,
    CUBIC
  }

  enum CoordinateMode {
    HALF_PIXEL,
    HALF_PIXEL_SYMMETRIC,
    PYTORCH_HALF_PIXEL,
    ALIGN_CORNERS,
    ASYMMETRIC,
    TF_HALF_PIXEL_FOR_NN,
    TF_CROP_AND_RESIZE
  }

  enum NearestMode {
    ROUND_PREFER_FLOOR,
    ROUND_PREFER_CEIL,
    FLOOR,
    CEIL,
    /** Down along axes that grow, up along those that shrink: ONNX before opset 11. */
    FLOOR_OR_CEIL
  }

  enum AspectRatioPolicy {
    STRETCH,
    NOT_LARGER,
    NOT_SMALLER
  }

  /**
   * Inputs: x, optional roi (float32), optional scales (float32), optional sizes (int64).
   *
   * @param axes the axes that roi, scales and sizes speak of; empty = all
   */
  record Resize(
      ResizeMode mode,
      CoordinateMode coordinates,
      NearestMode nearest,
      float cubicCoefficient,
      boolean excludeOutside,
      float extrapolationValue,
      boolean antialias,
      AspectRatioPolicy aspectRatio,
      List<Integer> axes)
      implements Op {
    public Resize {
      axes = List.copyOf(axes);
    }
  }

  /** Inputs: x, optional sizes (int64); without sizes as many equal parts as outputs, the last one smaller. */
  record Split(int axis) implements Op {}

  /** Inputs: x, starts, ends, optional axes, optional steps (int64 or int32). */
  record Slice() implements Op {}

  /**
   * The input's dimensions as int64.
   *
   * @param end null = to the last
   */
  record Shape(int start, Integer end) implements Op {}

  /** Number of elements, an int64 scalar. */
  record Size() implements Op {}

  /** Inputs: x, indices (int32 or int64, negative = from the end). */
  record Gather(int axis) implements Op {}

  /**
   * Converts the element type; to integers by truncation, to BOOL by {@code != 0}. To FLOAT16 or BFLOAT16 it rounds to
   * that precision; the result is FLOAT32, in which half-precision networks are computed.
   */
  record Cast(DataType to) implements Op {}

  /** Inputs: x, other. Converts x to the element type of the other. */
  record CastLike() implements Op {}

  /**
   * Inputs: x, other. Adds axes of extent 1 to x so that its first axis stands below axis {@code axis} of the other, and
   * both have one rank: the broadcasting of operators before ONNX opset 7.
   */
  record AlignAxes(int axis) implements Op {}

  /**
   * @param columnRowDepth ONNX mode CRD; otherwise DCR
   */
  record DepthToSpace(int block, boolean columnRowDepth) implements Op {}

  /**
   * @param columnRowDepth the inverse of {@link DepthToSpace} in mode CRD; otherwise DCR
   */
  record SpaceToDepth(int block, boolean columnRowDepth) implements Op {}

  /** Index of the largest (or smallest) element along an axis, int64. */
  record ArgMax(int axis, boolean keepDims, boolean selectLast, boolean minimum) implements Op {
    @Override
    public String type() {
      return minimum ? "ArgMin" : "ArgMax";
    }
  }
}
