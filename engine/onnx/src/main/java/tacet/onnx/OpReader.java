package tacet.onnx;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import tacet.error.ModelFormatException;
import tacet.error.UnsupportedOpException.Unsupported;
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
import tacet.kernels.scalar.Elements;
import tacet.onnx.Proto.TensorData;
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

    Unsupported named(OpReader reader) {
      return new Unsupported(reader.name, reader.proto.type + "-" + reader.opset, getMessage());
    }
  }

  private final Path file;
  private final String name;
  private final Proto.Node proto;
  private final long opset;
  private final GraphBuilder graph;
  private final Arena arena;
  private final Attributes attributes;
  private final List<String> inputs;
  private final List<String> outputs;

  /**
   * @param arena where large constants live
   */
  OpReader(Path file, String name, Proto.Node proto, long opset, GraphBuilder graph, Arena arena) {
    this.file = file;
    this.name = name;
    this.proto = proto;
    this.opset = opset;
    this.graph = graph;
    this.arena = arena;
    this.inputs = new ArrayList<>(proto.inputs);
    this.outputs = new ArrayList<>(proto.outputs);
    this.attributes = new Attributes(proto.attributes, this::bad);
  }

  boolean isConstant() {
    return proto.type.equals("Constant");
  }

  /** Adds the node's constant, or the node, to the graph. */
  void read() throws NotSupported, IOException {
    if (!proto.domain.isEmpty() && !proto.domain.equals("ai.onnx")) {
      throw new NotSupported("operators of domain " + proto.domain);
    }
    if (opset < 1 || opset > OnnxReader.NEWEST_OPSET) {
      throw new NotSupported(
          "opset " + opset + "; known are those up to " + OnnxReader.NEWEST_OPSET);
    }
    if (outputs.stream().allMatch(String::isEmpty)) {
      throw bad("has no output");
    }
    if (opset < 6) {
      attributes.ignore("consumed_inputs");
    }
    if (isConstant()) {
      Tensor value = constant();
      refuseUnread();
      if (!graph.define(outputs.getFirst(), value)) {
        throw bad("value '" + outputs.getFirst() + "' is made twice");
      }
      return;
    }
    Op op = op();
    refuseUnread();
    graph.add(
        new Node(
            name,
            op,
            inputs,
            outputs,
            List.of(new Node.Layer(name, proto.type, outputs.getFirst(), Node.Role.RESULT))));
  }

  private void refuseUnread() throws NotSupported {
    List<String> unread = attributes.unread();
    if (!unread.isEmpty()) {
      throw new NotSupported("attributes " + unread);
    }
  }

  private Op op() throws NotSupported, IOException {
    Activation function = Activations.read(proto.type, opset, attributes, this::bad);
    if (function != null) {
      return new Op.Unary(function);
    }
    return switch (proto.type) {
      case "Conv" -> new Op.Conv(window(), groups());
      case "ConvTranspose" ->
          new Op.ConvTranspose(
              window(),
              groups(),
              attributes.ints("output_padding"),
              attributes.ints("output_shape"));
      case "MaxPool" -> {
        boolean columnMajor = attributes.flag("storage_order");
        yield pool(PoolKind.MAX, false, 1, columnMajor);
      }
      case "AveragePool" -> pool(PoolKind.AVERAGE, attributes.flag("count_include_pad"), 1, false);
      case "LpPool" -> pool(PoolKind.LP, false, exponent(), false);
      case "GlobalMaxPool" -> new Op.GlobalPool(PoolKind.MAX, 1);
      case "GlobalAveragePool" -> new Op.GlobalPool(PoolKind.AVERAGE, 1);
      case "GlobalLpPool" -> new Op.GlobalPool(PoolKind.LP, exponent());
      case "BatchNormalization" -> batchNormalization();
      case "InstanceNormalization" -> new Op.InstanceNormalization(epsilon());
      case "LayerNormalization" -> {
        attributes.ignore("stash_type");
        yield new Op.LayerNormalization(attributes.int32("axis", -1), epsilon());
      }
      case "GroupNormalization" -> {
        attributes.ignore("stash_type");
        yield new Op.GroupNormalization(required("num_groups"), epsilon());
      }
      case "LRN" ->
          new Op.Lrn(
              required("size"),
              attributes.real("alpha", 1e-4f),
              attributes.real("beta", 0.75f),
              attributes.real("bias", 1f));
      case "LpNormalization" ->
          new Op.LpNormalization(attributes.int32("axis", -1), attributes.int32("p", 2));
      case "Clip" -> clip();
      case "PRelu" -> prelu();
      case "Softmax" -> softmax(false);
      case "LogSoftmax" -> softmax(true);
      case "Add" -> binary(ElementwiseKind.ADD);
      case "Sub" -> binary(ElementwiseKind.SUB);
      case "Mul" -> binary(ElementwiseKind.MUL);
      case "Div" -> binary(ElementwiseKind.DIV);
      case "Pow" -> binary(ElementwiseKind.POW);
      case "Mod" -> binary(attributes.flag("fmod") ? ElementwiseKind.FMOD : ElementwiseKind.MOD);
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
      case "Gemm" -> {
        if (opset < 7) {
          attributes.ignore("broadcast");
        }
        yield new Op.Gemm(
            attributes.real("alpha", 1f),
            attributes.real("beta", 1f),
            attributes.flag("transA"),
            attributes.flag("transB"));
      }
      case "MatMul" -> new Op.MatMul();
      case "Concat" -> new Op.Concat(opset < 4 ? attributes.int32("axis", 1) : required("axis"));
      case "Flatten" -> new Op.Flatten(attributes.int32("axis", 1));
      case "Reshape" -> {
        attributeInput("shape", 1);
        yield new Op.Reshape(attributes.flag("allowzero"));
      }
      case "Transpose" -> new Op.Transpose(attributes.ints("perm"));
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
      case "Dropout" -> dropout();
      case "ConstantOfShape" -> {
        TensorData value = attributes.tensor("value");
        Tensor t = value == null ? Tensor.of(Shape.of(1), 0f) : tensor(value);
        if (t.shape().elements() != 1) {
          throw bad("attribute value must have one element, has shape " + t.shape());
        }
        yield new Op.ConstantOfShape(t);
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
      case "Split" -> split();
      case "Slice" -> {
        attributeInput("starts", 1);
        attributeInput("ends", 2);
        attributeInput("axes", 3);
        yield new Op.Slice();
      }
      case "Shape" ->
          new Op.Shape(
              attributes.clamped("start", 0),
              attributes.has("end") ? attributes.clamped("end", 0) : null);
      case "Size" -> new Op.Size();
      case "Gather" -> new Op.Gather(attributes.int32("axis", 0));
      case "Cast" -> {
        attributes.ignore("saturate", "round_mode");
        yield new Op.Cast(castType());
      }
      case "CastLike" -> {
        attributes.ignore("saturate", "round_mode");
        yield new Op.CastLike();
      }
      case "DepthToSpace" -> new Op.DepthToSpace(required("blocksize"), columnRowDepth());
      case "SpaceToDepth" -> new Op.SpaceToDepth(required("blocksize"), columnRowDepth());
      case "ArgMax", "ArgMin" ->
          new Op.ArgMax(
              attributes.int32("axis", 0),
              attributes.integer("keepdims", 1) != 0,
              attributes.flag("select_last_index"),
              proto.type.equals("ArgMin"));
      default -> throw new NotSupported("no such operator in Tacet");
    };
  }

  // ---------------------------------------------------------------- attributes and inputs

  private ModelFormatException bad(String what) {
    return new ModelFormatException(
        file.toString(), "node " + name + " (" + proto.type + ")", what);
  }

  private int required(String key) {
    if (!attributes.has(key)) {
      throw bad("attribute " + key + " is missing");
    }
    return attributes.int32(key, 0);
  }

  private float epsilon() {
    return attributes.real("epsilon", 1e-5f);
  }

  /** Opset 1 has p as a floating-point number. */
  private int exponent() throws NotSupported {
    if (!attributes.isReal("p")) {
      return attributes.int32("p", 2);
    }
    float p = attributes.real("p", 2f);
    if (p != Math.rint(p) || p > 1 << 20) {
      throw new NotSupported("p = " + p);
    }
    return (int) p;
  }

  private boolean columnRowDepth() {
    return switch (attributes.text("mode", "DCR")) {
      case "DCR" -> false;
      case "CRD" -> true;
      default -> throw bad("unknown mode '" + attributes.text("mode", "") + "'");
    };
  }

  private int groups() {
    int g = attributes.int32("group", 1);
    if (g < 1) {
      throw bad("group must be at least 1, got " + g);
    }
    return g;
  }

  private Tensor tensor(TensorData t) throws NotSupported, IOException {
    if (OnnxTensors.type(t.type) == null) {
      throw new NotSupported("element type " + OnnxTensors.typeName(t.type));
    }
    return OnnxTensors.widened(OnnxTensors.tensor(t, file, arena), arena);
  }

  private boolean hasInput(int index) {
    return index < inputs.size() && !inputs.get(index).isEmpty();
  }

  private void input(int index, String value) {
    while (inputs.size() <= index) {
      inputs.add("");
    }
    inputs.set(index, value);
  }

  private void dropInputsFrom(int count) {
    while (inputs.size() > count) {
      inputs.removeLast();
    }
  }

  /** Older versions have as an attribute what is an input now. */
  private void attributeInput(String key, int index) {
    if (!attributes.has(key)) {
      return;
    }
    long[] values = attributes.longs(key);
    if (!hasInput(index)) {
      input(
          index, graph.constant(name + "/" + key, Tensor.ofLongs(Shape.of(values.length), values)));
    }
  }

  // ---------------------------------------------------------------- operators

  private Window window() {
    List<Integer> pads = attributes.ints("pads");
    if (pads.size() % 2 != 0) {
      throw bad("pads must come in pairs, got " + pads);
    }
    AutoPad auto =
        switch (attributes.text("auto_pad", "NOTSET")) {
          case "NOTSET", "" -> AutoPad.EXPLICIT;
          case "VALID" -> AutoPad.VALID;
          case "SAME_UPPER" -> AutoPad.SAME_UPPER;
          case "SAME_LOWER" -> AutoPad.SAME_LOWER;
          default -> throw bad("unknown auto_pad '" + attributes.text("auto_pad", "") + "'");
        };
    int half = pads.size() / 2;
    return new Window(
        attributes.ints("kernel_shape"),
        attributes.ints("strides"),
        pads.subList(0, half),
        pads.subList(half, pads.size()),
        attributes.ints("dilations"),
        auto);
  }

  private Op pool(PoolKind kind, boolean countIncludePad, int p, boolean columnMajor) {
    Window window = window();
    if (window.kernel().isEmpty()) {
      throw bad("attribute kernel_shape is missing");
    }
    return new Op.Pool(kind, window, attributes.flag("ceil_mode"), countIncludePad, p, columnMajor);
  }

  private Op batchNormalization() throws NotSupported {
    attributes.ignore("momentum", "is_test");
    if (attributes.flag("training_mode")) {
      throw new NotSupported("training_mode = 1");
    }
    if (outputs.stream().skip(1).anyMatch(o -> !o.isEmpty())) {
      throw new NotSupported("outputs of training");
    }
    if (attributes.integer("spatial", 1) == 0) {
      return perElementNormalization();
    }
    return new Op.BatchNormalization(epsilon());
  }

  /** Opsets 1 to 8 can have parameters of a whole image's shape [C, …] instead of one per channel: a product and a sum. */
  private Op perElementNormalization() throws NotSupported {
    float[][] p = new float[4][];
    Shape shape = null;
    for (int i = 0; i < 4; i++) {
      Tensor t = hasInput(i + 1) ? graph.known(inputs.get(i + 1)) : null;
      if (t == null || t.type() != DataType.FLOAT32) {
        throw new NotSupported("spatial = 0 with parameters that are not constant");
      }
      if (shape != null && !shape.equals(t.shape())) {
        throw bad("parameters of shape " + shape + " and " + t.shape());
      }
      shape = t.shape();
      p[i] = t.toFloats();
    }
    float[] scale = p[0];
    float[] shift = p[1];
    for (int i = 0; i < scale.length; i++) {
      double s = scale[i] / Math.sqrt((double) p[3][i] + epsilon());
      scale[i] = (float) s;
      shift[i] = (float) (shift[i] - p[2][i] * s);
    }
    String product =
        graph.between(
            name + "/product",
            new Op.Elementwise(ElementwiseKind.MUL),
            List.of(inputs.getFirst(), graph.constant(name + "/scale", Tensor.of(shape, scale))));
    inputs.clear();
    inputs.addAll(List.of(product, graph.constant(name + "/shift", Tensor.of(shape, shift))));
    return new Op.Elementwise(ElementwiseKind.ADD);
  }

  private Op softmax(boolean logarithm) {
    boolean old = opset < 13;
    return new Op.Softmax(attributes.int32("axis", old ? 1 : -1), logarithm, old);
  }

  private Op clip() {
    return opset < 11
        ? new Op.Unary(
            new Activation(
                Kind.CLIP,
                attributes.real("min", -Float.MAX_VALUE),
                attributes.real("max", Float.MAX_VALUE)))
        : new Op.Clip();
  }

  /** Before opset 7 a slope of one dimension belonged to the channels. */
  private Op prelu() {
    if (opset < 7 && hasInput(1)) {
      align(1);
    }
    return new Op.PRelu();
  }

  /** Before opset 7 the second operand was broadcast only on request, from a given axis on. */
  private Op binary(ElementwiseKind kind) {
    if (opset < 7) {
      boolean broadcast = attributes.flag("broadcast");
      boolean fromAxis = attributes.has("axis");
      int axis = attributes.int32("axis", 0);
      if (broadcast && fromAxis && hasInput(1)) {
        align(axis);
      }
    }
    return new Op.Elementwise(kind);
  }

  private void align(int axis) {
    input(
        1,
        graph.between(
            name + "/aligned", new Op.AlignAxes(axis), List.of(inputs.get(1), inputs.getFirst())));
  }

  /** At inference the input itself; a mask says that everything was kept. */
  private Op dropout() throws NotSupported {
    attributes.ignore("ratio", "is_test", "seed");
    if (hasInput(2)) {
      Tensor training = graph.known(inputs.get(2));
      if (training == null
          || training.shape().elements() != 1
          || new Elements(training.data(), training.type()).getLong(0) != 0) {
        throw new NotSupported("training_mode other than a constant false");
      }
    }
    dropInputsFrom(1);
    if (outputs.size() > 1 && !outputs.get(1).isEmpty() && hasInput(0)) {
      String shape =
          graph.between(name + "/shape", new Op.Shape(0, null), List.of(inputs.getFirst()));
      Tensor kept = Tensor.allocate(opset < 10 ? DataType.FLOAT32 : DataType.BOOL, Shape.of(1));
      new Elements(kept.data(), kept.type()).setLong(0, 1);
      graph.add(
          new Node(
              graph.fresh(name + "/mask"),
              new Op.ConstantOfShape(kept),
              List.of(shape),
              List.of(outputs.get(1)),
              List.of()));
    }
    while (outputs.size() > 1) {
      outputs.removeLast();
    }
    if (outputs.getFirst().isEmpty()) {
      outputs.set(0, graph.fresh(name + "/output"));
    }
    return new Op.Identity();
  }

  private Op pad() {
    String text = attributes.text("mode", "constant");
    Op.PadMode mode = named(Op.PadMode.values(), text);
    attributeInput(opset < 2 ? "paddings" : "pads", 1);
    if (opset < 11) {
      input(
          2,
          graph.constant(name + "/value", Tensor.of(Shape.scalar(), attributes.real("value", 0f))));
    }
    return new Op.Pad(mode);
  }

  private <E extends Enum<E>> E named(E[] values, String text) {
    String wanted = text.toUpperCase(Locale.ROOT);
    return Arrays.stream(values)
        .filter(v -> v.name().equals(wanted))
        .findFirst()
        .orElseThrow(() -> bad("unknown mode '" + text + "'"));
  }

  private Op reduce(ReduceKind kind) {
    attributeInput("axes", 1);
    return new Op.Reduce(
        kind, attributes.integer("keepdims", 1) != 0, attributes.flag("noop_with_empty_axes"));
  }

  private Op split() {
    attributeInput("split", 1);
    if (attributes.has("num_outputs") && attributes.int32("num_outputs", 0) != outputs.size()) {
      throw bad(
          "num_outputs is "
              + attributes.int32("num_outputs", 0)
              + ", but there are "
              + outputs.size()
              + " outputs");
    }
    return new Op.Split(attributes.int32("axis", 0));
  }

  private Op resize() {
    boolean old = proto.type.equals("Upsample") || opset < 11;
    if (old) {
      if (attributes.has("scales")) {
        scales(attributes.floats("scales"));
      } else if (attributes.has("height_scale") || attributes.has("width_scale")) {
        scales(1f, 1f, attributes.real("height_scale", 1f), attributes.real("width_scale", 1f));
      }
      // Where scales are the second input, there is no region.
      inputs.add(Math.min(1, inputs.size()), "");
    }
    Op.ResizeMode mode =
        switch (attributes.text("mode", "nearest")) {
          case "nearest" -> Op.ResizeMode.NEAREST;
          case "linear", "bilinear" -> Op.ResizeMode.LINEAR;
          case "cubic" -> Op.ResizeMode.CUBIC;
          default -> throw bad("unknown mode '" + attributes.text("mode", "") + "'");
        };
    if (old) {
      return new Op.Resize(
          mode,
          Op.CoordinateMode.ASYMMETRIC,
          Op.NearestMode.FLOOR_OR_CEIL,
          -0.75f,
          false,
          0f,
          false,
          Op.AspectRatioPolicy.STRETCH,
          List.of());
    }
    return new Op.Resize(
        mode,
        named(
            Op.CoordinateMode.values(),
            attributes.text("coordinate_transformation_mode", "half_pixel")),
        named(Op.NearestMode.values(), attributes.text("nearest_mode", "round_prefer_floor")),
        attributes.real("cubic_coeff_a", -0.75f),
        attributes.flag("exclude_outside"),
        attributes.real("extrapolation_value", 0f),
        attributes.flag("antialias"),
        named(
            Op.AspectRatioPolicy.values(), attributes.text("keep_aspect_ratio_policy", "stretch")),
        attributes.ints("axes"));
  }

  private void scales(float... values) {
    input(1, graph.constant(name + "/scales", Tensor.of(Shape.of(values.length), values)));
  }

  private DataType castType() throws NotSupported {
    if (!attributes.has("to")) {
      throw bad("attribute to is missing");
    }
    long number =
        attributes.isText("to")
            ? OnnxTensors.typeNumber(attributes.text("to", ""))
            : attributes.integer("to", 0);
    DataType type = OnnxTensors.type(number);
    if (type == null) {
      throw new NotSupported("a cast to element type " + OnnxTensors.typeName(number));
    }
    return type;
  }

  private Tensor constant() throws NotSupported, IOException {
    if (attributes.has("value")) {
      return tensor(attributes.tensor("value"));
    }
    if (attributes.has("value_float")) {
      return Tensor.of(Shape.scalar(), attributes.real("value_float", 0f));
    }
    if (attributes.has("value_int")) {
      return Tensor.ofLongs(Shape.scalar(), attributes.integer("value_int", 0));
    }
    if (attributes.has("value_floats")) {
      float[] v = attributes.floats("value_floats");
      return Tensor.of(Shape.of(v.length), v);
    }
    if (attributes.has("value_ints")) {
      long[] v = attributes.longs("value_ints");
      return Tensor.ofLongs(Shape.of(v.length), v);
    }
    throw new NotSupported("a constant that is neither a tensor nor numbers");
  }
}
