package tacet.onnx;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tacet.error.ModelFormatException;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.graph.Op.AutoPad;
import tacet.graph.Op.ElementwiseKind;
import tacet.graph.Op.PoolKind;
import tacet.graph.Op.ReduceKind;
import tacet.graph.Op.Window;
import tacet.kernels.Activation;
import tacet.kernels.Activation.Kind;
import tacet.kernels.DataType;
import tacet.onnx.Proto.Attribute;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Brings one ONNX node of any version into the form of {@link Op}. */
final class OpReader {

  /** Something that this reader does not have; collected with all others of the model. */
  static final class NotSupported extends Exception {
    private static final long serialVersionUID = 1L;

    NotSupported(String reason) {
      super(reason);
    }
  }

  private final Path file;
  private final String name;
  private final Proto.Node proto;
  private final long opset;
  private final Map<String, Tensor> constants;
  private final List<Node> nodes;
  private final Map<String, Attribute> attributes = new HashMap<>();
  private final List<String> inputs;

  OpReader(
      Path file,
      String name,
      Proto.Node proto,
      long opset,
      Map<String, Tensor> constants,
      List<Node> nodes) {
    this.file = file;
    this.name = name;
    this.proto = proto;
    this.opset = opset;
    this.constants = constants;
    this.nodes = nodes;
    this.inputs = new ArrayList<>(proto.inputs);
    proto.attributes.forEach(a -> attributes.put(a.name, a));
  }

  void read() throws NotSupported, IOException {
    if (!proto.domain.isEmpty() && !proto.domain.equals("ai.onnx")) {
      throw new NotSupported("operators of domain " + proto.domain);
    }
    if (proto.type.equals("Constant")) {
      constants.put(proto.outputs.getFirst(), constant());
      return;
    }
    Op op = op();
    nodes.add(
        new Node(
            name,
            op,
            inputs,
            proto.outputs,
            List.of(new Node.Layer(name, proto.type, firstOutput(), Node.Role.RESULT))));
  }

  private String firstOutput() {
    return proto.outputs.isEmpty() ? "" : proto.outputs.getFirst();
  }

  private Op op() throws NotSupported, IOException {
    return switch (proto.type) {
      case "Conv" -> new Op.Conv(window(), groups());
      case "ConvTranspose" ->
          new Op.ConvTranspose(window(), groups(), ints("output_padding"), ints("output_shape"));
      case "MaxPool" -> pool(PoolKind.MAX);
      case "AveragePool" -> pool(PoolKind.AVERAGE);
      case "LpPool" -> pool(PoolKind.LP);
      case "GlobalMaxPool" -> new Op.GlobalPool(PoolKind.MAX, 1);
      case "GlobalAveragePool" -> new Op.GlobalPool(PoolKind.AVERAGE, 1);
      case "GlobalLpPool" -> new Op.GlobalPool(PoolKind.LP, (int) integer("p", 2));
      case "BatchNormalization" -> {
        if (integer("training_mode", 0) != 0 || integer("spatial", 1) == 0) {
          throw new NotSupported("training_mode = 1 or spatial = 0");
        }
        yield new Op.BatchNormalization(real("epsilon", 1e-5f));
      }
      case "InstanceNormalization" -> new Op.InstanceNormalization(real("epsilon", 1e-5f));
      case "LayerNormalization" ->
          new Op.LayerNormalization((int) integer("axis", -1), real("epsilon", 1e-5f));
      case "GroupNormalization" ->
          new Op.GroupNormalization((int) integer("num_groups", 1), real("epsilon", 1e-5f));
      case "LRN" ->
          new Op.Lrn(
              (int) integer("size", 1),
              real("alpha", 1e-4f),
              real("beta", 0.75f),
              real("bias", 1f));
      case "LpNormalization" ->
          new Op.LpNormalization((int) integer("axis", -1), (int) integer("p", 2));
      case "Relu" -> unary(Kind.RELU, 0, 0);
      case "LeakyRelu" -> unary(Kind.LEAKY_RELU, real("alpha", 0.01f), 0);
      case "Elu" -> unary(Kind.ELU, real("alpha", 1f), 0);
      case "Celu" -> unary(Kind.CELU, real("alpha", 1f), 0);
      case "Selu" ->
          unary(
              Kind.SELU,
              real("alpha", opset < 6 ? 1.6732f : 1.67326319217681884765625f),
              real("gamma", opset < 6 ? 1.0507f : 1.05070102214813232421875f));
      case "Sigmoid" -> unary(Kind.SIGMOID, 0, 0);
      case "HardSigmoid" -> unary(Kind.HARD_SIGMOID, real("alpha", 0.2f), real("beta", 0.5f));
      case "HardSwish" -> unary(Kind.HARD_SWISH, 0, 0);
      case "Tanh" -> unary(Kind.TANH, 0, 0);
      case "Softplus" -> unary(Kind.SOFTPLUS, 0, 0);
      case "Softsign" -> unary(Kind.SOFTSIGN, 0, 0);
      case "Gelu" ->
          unary(text("approximate", "none").equals("tanh") ? Kind.GELU_TANH : Kind.GELU, 0, 0);
      case "Mish" -> unary(Kind.MISH, 0, 0);
      case "Erf" -> unary(Kind.ERF, 0, 0);
      case "Exp" -> unary(Kind.EXP, 0, 0);
      case "Log" -> unary(Kind.LOG, 0, 0);
      case "Sqrt" -> unary(Kind.SQRT, 0, 0);
      case "Abs" -> unary(Kind.ABS, 0, 0);
      case "Neg" -> unary(Kind.NEG, 0, 0);
      case "Reciprocal" -> unary(Kind.RECIPROCAL, 0, 0);
      case "Floor" -> unary(Kind.FLOOR, 0, 0);
      case "Ceil" -> unary(Kind.CEIL, 0, 0);
      case "Round" -> unary(Kind.ROUND, 0, 0);
      case "Sign" -> unary(Kind.SIGN, 0, 0);
      case "Sin" -> unary(Kind.SIN, 0, 0);
      case "Cos" -> unary(Kind.COS, 0, 0);
      case "ThresholdedRelu" -> unary(Kind.THRESHOLDED_RELU, real("alpha", 1f), 0);
      case "Clip" -> clip();
      case "PRelu" -> prelu();
      case "Softmax" ->
          new Op.Softmax((int) integer("axis", opset < 13 ? 1 : -1), false, opset < 13);
      case "LogSoftmax" ->
          new Op.Softmax((int) integer("axis", opset < 13 ? 1 : -1), true, opset < 13);
      case "Add" -> binary(ElementwiseKind.ADD);
      case "Sub" -> binary(ElementwiseKind.SUB);
      case "Mul" -> binary(ElementwiseKind.MUL);
      case "Div" -> binary(ElementwiseKind.DIV);
      case "Pow" -> binary(ElementwiseKind.POW);
      case "Mod" -> binary(ElementwiseKind.MOD);
      case "Equal" -> binary(ElementwiseKind.EQUAL);
      case "Greater" -> binary(ElementwiseKind.GREATER);
      case "GreaterOrEqual" -> binary(ElementwiseKind.GREATER_OR_EQUAL);
      case "Less" -> binary(ElementwiseKind.LESS);
      case "LessOrEqual" -> binary(ElementwiseKind.LESS_OR_EQUAL);
      case "And" -> binary(ElementwiseKind.AND);
      case "Or" -> binary(ElementwiseKind.OR);
      case "Xor" -> binary(ElementwiseKind.XOR);
      case "Not" -> new Op.Not();
      case "Sum" -> new Op.Elementwise(ElementwiseKind.ADD);
      case "Max" -> new Op.Elementwise(ElementwiseKind.MAX);
      case "Min" -> new Op.Elementwise(ElementwiseKind.MIN);
      case "Mean" -> new Op.Elementwise(ElementwiseKind.MEAN);
      case "Where" -> new Op.Where();
      case "Gemm" ->
          new Op.Gemm(
              real("alpha", 1f),
              real("beta", 1f),
              integer("transA", 0) != 0,
              integer("transB", 0) != 0);
      case "MatMul" -> new Op.MatMul();
      case "Concat" -> new Op.Concat((int) integer("axis", 1));
      case "Flatten" -> new Op.Flatten((int) integer("axis", 1));
      case "Reshape" -> {
        attributeInput("shape", 1);
        yield new Op.Reshape(integer("allowzero", 0) != 0);
      }
      case "Transpose" -> new Op.Transpose(ints("perm"));
      case "Squeeze" -> {
        attributeInput("axes", 1);
        yield new Op.Squeeze();
      }
      case "Unsqueeze" -> {
        attributeInput("axes", 1);
        yield new Op.Unsqueeze();
      }
      case "Expand" -> new Op.Expand();
      case "Tile" -> {
        if (opset < 6) {
          throw new NotSupported("the form before opset 6");
        }
        yield new Op.Tile();
      }
      case "Identity" -> new Op.Identity();
      case "Dropout" -> {
        while (inputs.size() > 1) {
          inputs.removeLast();
        }
        yield new Op.Identity();
      }
      case "ConstantOfShape" -> {
        Attribute value = attributes.get("value");
        yield new Op.ConstantOfShape(
            value == null || value.t == null
                ? Tensor.of(Shape.of(1), 0f)
                : OnnxTensors.widened(OnnxTensors.tensor(value.t, file)));
      }
      case "Range" -> new Op.Range();
      case "Pad" -> pad();
      case "ReduceMean" -> reduce(ReduceKind.MEAN);
      case "ReduceSum" -> reduce(ReduceKind.SUM);
      case "ReduceMax" -> reduce(ReduceKind.MAX);
      case "ReduceMin" -> reduce(ReduceKind.MIN);
      case "ReduceProd" -> reduce(ReduceKind.PROD);
      case "ReduceL1" -> reduce(ReduceKind.L1);
      case "ReduceL2" -> reduce(ReduceKind.L2);
      case "ReduceLogSum" -> reduce(ReduceKind.LOG_SUM);
      case "ReduceLogSumExp" -> reduce(ReduceKind.LOG_SUM_EXP);
      case "ReduceSumSquare" -> reduce(ReduceKind.SUM_SQUARE);
      case "Upsample", "Resize" -> resize();
      case "Split" -> {
        attributeInput("split", 1);
        yield new Op.Split((int) integer("axis", 0));
      }
      case "Slice" -> {
        attributeInput("starts", 1);
        attributeInput("ends", 2);
        attributeInput("axes", 3);
        yield new Op.Slice();
      }
      case "Shape" -> {
        Attribute end = attributes.get("end");
        yield new Op.Shape((int) integer("start", 0), end == null ? null : (int) end.i);
      }
      case "Size" -> new Op.Size();
      case "Gather" -> new Op.Gather((int) integer("axis", 0));
      case "Cast" -> new Op.Cast(castType());
      case "DepthToSpace" ->
          new Op.DepthToSpace((int) integer("blocksize", 1), text("mode", "DCR").equals("CRD"));
      case "SpaceToDepth" ->
          new Op.SpaceToDepth((int) integer("blocksize", 1), text("mode", "DCR").equals("CRD"));
      case "ArgMax", "ArgMin" ->
          new Op.ArgMax(
              (int) integer("axis", 0),
              integer("keepdims", 1) != 0,
              integer("select_last_index", 0) != 0,
              proto.type.equals("ArgMin"));
      default -> throw new NotSupported("no such operator in Tacet");
    };
  }

  // ---------------------------------------------------------------- attributes

  private ModelFormatException bad(String expected) {
    return new ModelFormatException(
        file.toString(), "node " + name + " (" + proto.type + ")", expected);
  }

  private long integer(String key, long otherwise) {
    Attribute a = attributes.get(key);
    return a == null ? otherwise : a.i;
  }

  private float real(String key, float otherwise) {
    Attribute a = attributes.get(key);
    return a == null ? otherwise : a.f;
  }

  private String text(String key, String otherwise) {
    Attribute a = attributes.get(key);
    return a == null ? otherwise : a.s;
  }

  private List<Integer> ints(String key) {
    Attribute a = attributes.get(key);
    List<Integer> out = new ArrayList<>();
    if (a != null) {
      for (long v : a.ints) {
        if (v != (int) v) {
          throw bad(key + " holds " + v);
        }
        out.add((int) v);
      }
    }
    return out;
  }

  private int groups() {
    long g = integer("group", 1);
    if (g < 1 || g > Integer.MAX_VALUE) {
      throw bad("group must be at least 1, got " + g);
    }
    return (int) g;
  }

  private String constant(String suffix, Tensor value) {
    String key = name + "/" + suffix;
    while (constants.containsKey(key)) {
      key += "'";
    }
    constants.put(key, value);
    return key;
  }

  /** Older versions have as an attribute what is an input now. */
  private void attributeInput(String key, int index) {
    Attribute a = attributes.get(key);
    if (a == null || (inputs.size() > index && !inputs.get(index).isEmpty())) {
      return;
    }
    long[] values = a.ints.stream().mapToLong(Long::longValue).toArray();
    input(index, constant(key, Tensor.ofLongs(Shape.of(values.length), values)));
  }

  private void input(int index, String value) {
    while (inputs.size() <= index) {
      inputs.add("");
    }
    inputs.set(index, value);
  }

  private Window window() {
    List<Integer> pads = ints("pads");
    if (pads.size() % 2 != 0) {
      throw bad("pads must come in pairs, got " + pads);
    }
    AutoPad auto =
        switch (text("auto_pad", "NOTSET")) {
          case "NOTSET", "" -> AutoPad.EXPLICIT;
          case "VALID" -> AutoPad.VALID;
          case "SAME_UPPER" -> AutoPad.SAME_UPPER;
          case "SAME_LOWER" -> AutoPad.SAME_LOWER;
          default -> throw bad("unknown auto_pad '" + text("auto_pad", "") + "'");
        };
    int half = pads.size() / 2;
    return new Window(
        ints("kernel_shape"),
        ints("strides"),
        pads.subList(0, half),
        pads.subList(half, pads.size()),
        ints("dilations"),
        auto);
  }

  private Op pool(PoolKind kind) {
    if (ints("kernel_shape").isEmpty()) {
      throw bad("kernel_shape is missing");
    }
    return new Op.Pool(
        kind,
        window(),
        integer("ceil_mode", 0) != 0,
        integer("count_include_pad", 0) != 0,
        (int) integer("p", 2),
        integer("storage_order", 0) != 0);
  }

  private static Op unary(Kind kind, float alpha, float beta) {
    return new Op.Unary(new Activation(kind, alpha, beta));
  }

  private Op clip() {
    if (opset < 11) {
      return unary(
          Kind.CLIP, real("min", Float.NEGATIVE_INFINITY), real("max", Float.POSITIVE_INFINITY));
    }
    Float low = bound(1, Float.NEGATIVE_INFINITY);
    Float high = bound(2, Float.POSITIVE_INFINITY);
    if (low == null || high == null || (inputs.size() == 1)) {
      return new Op.Clip();
    }
    while (inputs.size() > 1) {
      inputs.removeLast();
    }
    return unary(Kind.CLIP, low, high);
  }

  /** A constant float bound; null where it is anything else. */
  private Float bound(int index, float otherwise) {
    if (inputs.size() <= index || inputs.get(index).isEmpty()) {
      return otherwise;
    }
    Tensor t = constants.get(inputs.get(index));
    return t == null || t.type() != DataType.FLOAT32 || t.shape().elements() != 1
        ? null
        : Float.valueOf(t.toFloats()[0]);
  }

  /** Before opset 7 a slope of one dimension belonged to the channels. */
  private Op prelu() {
    Tensor slope = inputs.size() > 1 ? constants.get(inputs.get(1)) : null;
    if (opset < 7 && slope != null && slope.shape().rank() == 1 && slope.shape().dim(0) > 1) {
      input(1, constant("slope", slope.reshaped(Shape.of(slope.shape().dim(0), 1, 1))));
    }
    return new Op.PRelu();
  }

  /** Before opset 7 the second operand was broadcast only on request, from a given axis on. */
  private Op binary(ElementwiseKind kind) throws NotSupported {
    Attribute axis = attributes.get("axis");
    if (opset < 7 && integer("broadcast", 0) != 0 && axis != null) {
      Tensor b = constants.get(inputs.get(1));
      if (b == null) {
        throw new NotSupported("broadcasting of a computed operand from axis " + axis.i);
      }
      // The operand's axes start at the given one: trailing ones make that NumPy's rule, for
      // images.
      long trailing = Math.max(0, 4 - axis.i - b.shape().rank());
      long[] dims = Arrays.copyOf(b.shape().dims(), b.shape().rank() + (int) trailing);
      Arrays.fill(dims, b.shape().rank(), dims.length, 1);
      input(1, constant("broadcast", b.reshaped(Shape.of(dims))));
    }
    return new Op.Elementwise(kind);
  }

  private Op pad() {
    Op.PadMode mode;
    try {
      mode = Op.PadMode.valueOf(text("mode", "constant").toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw bad("unknown mode '" + text("mode", "") + "'");
    }
    attributeInput("pads", 1);
    attributeInput("paddings", 1);
    if (attributes.containsKey("value") && inputs.size() < 3) {
      input(2, constant("value", Tensor.of(Shape.scalar(), real("value", 0f))));
    }
    return new Op.Pad(mode);
  }

  private Op reduce(ReduceKind kind) {
    attributeInput("axes", 1);
    return new Op.Reduce(
        kind, integer("keepdims", 1) != 0, integer("noop_with_empty_axes", 0) != 0);
  }

  private Op resize() {
    boolean old = proto.type.equals("Upsample") || opset < 11;
    if (old) {
      Attribute scales = attributes.get("scales");
      if (scales != null) {
        float[] values = new float[scales.floats.size()];
        for (int i = 0; i < values.length; i++) {
          values[i] = scales.floats.get(i);
        }
        input(1, constant("scales", Tensor.of(Shape.of(values.length), values)));
      } else if (attributes.containsKey("height_scale")) {
        input(
            1,
            constant(
                "scales",
                Tensor.of(Shape.of(4), 1f, 1f, real("height_scale", 1f), real("width_scale", 1f))));
      }
      // Where scales are the second input, there is no region.
      inputs.add(1, "");
    }
    for (int i = 1; i < inputs.size(); i++) {
      Tensor t = constants.get(inputs.get(i));
      if (t != null && t.shape().elements() == 0) {
        inputs.set(i, "");
      }
    }
    if (inputs.size() > 3 && !inputs.get(3).isEmpty()) {
      inputs.set(2, "");
    }
    try {
      return new Op.Resize(
          switch (text("mode", "nearest")) {
            case "nearest" -> Op.ResizeMode.NEAREST;
            case "linear", "bilinear" -> Op.ResizeMode.LINEAR;
            case "cubic" -> Op.ResizeMode.CUBIC;
            default -> throw bad("unknown mode '" + text("mode", "") + "'");
          },
          Op.CoordinateMode.valueOf(
              text("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel")
                  .toUpperCase(Locale.ROOT)),
          Op.NearestMode.valueOf(
              text("nearest_mode", old ? "floor" : "round_prefer_floor").toUpperCase(Locale.ROOT)),
          real("cubic_coeff_a", -0.75f),
          integer("exclude_outside", 0) != 0,
          real("extrapolation_value", 0f),
          integer("antialias", 0) != 0,
          Op.AspectRatioPolicy.valueOf(
              text("keep_aspect_ratio_policy", "stretch").toUpperCase(Locale.ROOT)),
          ints("axes"));
    } catch (IllegalArgumentException e) {
      throw bad("unknown mode: " + e.getMessage());
    }
  }

  private DataType castType() throws NotSupported {
    Attribute to = attributes.get("to");
    if (to == null) {
      throw bad("attribute to is missing");
    }
    long number = to.i;
    if (!to.s.isEmpty()) {
      number =
          switch (to.s) {
            case "FLOAT" -> 1;
            case "UINT8" -> 2;
            case "INT8" -> 3;
            case "UINT16" -> 4;
            case "INT16" -> 5;
            case "INT32" -> 6;
            case "INT64" -> 7;
            case "BOOL" -> 9;
            case "FLOAT16" -> 10;
            case "DOUBLE" -> 11;
            case "UINT32" -> 12;
            case "UINT64" -> 13;
            default -> 0;
          };
    }
    DataType type = OnnxTensors.type(number);
    if (type == null) {
      throw new NotSupported("a cast to element type " + number);
    }
    return type;
  }

  private Tensor constant() throws NotSupported, IOException {
    if (proto.outputs.isEmpty()) {
      throw bad("has no output");
    }
    for (Attribute a : proto.attributes) {
      switch (a.name) {
        case "value" -> {
          if (a.t == null) {
            throw bad("value holds no tensor");
          }
          return OnnxTensors.widened(OnnxTensors.tensor(a.t, file));
        }
        case "value_float" -> {
          return Tensor.of(Shape.scalar(), a.f);
        }
        case "value_int" -> {
          return Tensor.ofLongs(Shape.scalar(), a.i);
        }
        case "value_floats" -> {
          float[] v = new float[a.floats.size()];
          for (int i = 0; i < v.length; i++) {
            v[i] = a.floats.get(i);
          }
          return Tensor.of(Shape.of(v.length), v);
        }
        case "value_ints" -> {
          long[] v = a.ints.stream().mapToLong(Long::longValue).toArray();
          return Tensor.ofLongs(Shape.of(v.length), v);
        }
        default -> {}
      }
    }
    throw new NotSupported("a constant that is neither a tensor nor numbers");
  }
}
