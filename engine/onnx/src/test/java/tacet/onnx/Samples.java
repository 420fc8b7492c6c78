package tacet.onnx;

import static tacet.onnx.OnnxWriter.integer;
import static tacet.onnx.OnnxWriter.integers;
import static tacet.onnx.OnnxWriter.real;
import static tacet.onnx.OnnxWriter.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import tacet.kernels.DataType;
import tacet.onnx.OnnxWriter.Message;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Small valid models that together use every operator and every kind of field. */
final class Samples {

  private Samples() {}

  static List<byte[]> all() {
    List<byte[]> all = new ArrayList<>();
    for (String op :
        List.of(
            "Relu",
            "LeakyRelu",
            "Elu",
            "Selu",
            "Sigmoid",
            "HardSigmoid",
            "Tanh",
            "Softplus",
            "Softsign",
            "Exp",
            "Log",
            "Sqrt",
            "Abs",
            "Neg",
            "Reciprocal",
            "Floor",
            "Ceil",
            "Erf",
            "Softmax",
            "LogSoftmax",
            "Flatten",
            "Transpose",
            "Identity",
            "Dropout",
            "LRN",
            "GlobalAveragePool",
            "GlobalMaxPool",
            "LpNormalization",
            "Shape",
            "Size",
            "ArgMax",
            "ReduceMean",
            "ReduceSum",
            "ReduceMax",
            "ReduceL2",
            "Clip",
            "Celu",
            "Squeeze")) {
      Message[] attributes =
          switch (op) {
            case "LRN" -> new Message[] {integer("size", 3)};
            case "LeakyRelu", "Elu" -> new Message[] {real("alpha", 0.3f)};
            case "Softmax", "LogSoftmax", "Flatten", "ArgMax" -> new Message[] {integer("axis", 1)};
            case "Transpose" -> new Message[] {integers("perm", 0, 2, 3, 1)};
            default -> new Message[0];
          };
      DataType type =
          switch (op) {
            case "Shape", "Size", "ArgMax" -> DataType.INT64;
            default -> DataType.FLOAT32;
          };
      all.add(image(13).node(op, List.of("x"), List.of("y"), attributes).output("y", type).bytes());
    }
    for (String op : List.of("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Mean", "PRelu")) {
      all.add(
          image(13)
              .initializer("b", floats(3, 1, 1))
              .node(op, List.of("x", "b"), List.of("y"))
              .output("y", DataType.FLOAT32)
              .bytes());
    }
    all.add(
        image(6)
            .initializer("b", floats(3))
            .node(
                "Add", List.of("x", "b"), List.of("y"), integer("broadcast", 1), integer("axis", 1))
            .output("y", DataType.FLOAT32)
            .bytes());
    window(all);
    moving(all);
    all.add(network());
    all.add(function());
    return all;
  }

  private static void window(List<byte[]> all) {
    all.add(
        image(13)
            .initializer("w", floats(4, 3, 3, 3))
            .initializer("b", floats(4))
            .node(
                "Conv",
                List.of("x", "w", "b"),
                List.of("y"),
                integers("kernel_shape", 3, 3),
                integers("strides", 2, 1),
                integers("pads", 1, 1, 0, 1),
                integers("dilations", 1, 2),
                integer("group", 1))
            .output("y", DataType.FLOAT32)
            .bytes());
    all.add(
        image(13)
            .initializer("w", floats(3, 2, 3, 3))
            .node(
                "ConvTranspose",
                List.of("x", "w"),
                List.of("y"),
                integers("strides", 2, 2),
                integers("output_padding", 1, 0),
                text("auto_pad", "NOTSET"))
            .output("y", DataType.FLOAT32)
            .bytes());
    for (String op : List.of("MaxPool", "AveragePool", "LpPool")) {
      all.add(
          image(22)
              .node(
                  op,
                  List.of("x"),
                  List.of("y"),
                  integers("kernel_shape", 2, 3),
                  integers("strides", 2, 2),
                  integers("pads", 0, 1, 1, 1),
                  integer("ceil_mode", 1))
              .output("y", DataType.FLOAT32)
              .bytes());
    }
    all.add(
        image(13)
            .initializer("s", floats(3))
            .initializer("b", floats(3))
            .initializer("m", floats(3))
            .initializer("v", floats(3))
            .node(
                "BatchNormalization",
                List.of("x", "s", "b", "m", "v"),
                List.of("y"),
                real("epsilon", 0.1f))
            .output("y", DataType.FLOAT32)
            .bytes());
    all.add(
        image(21)
            .initializer("s", floats(3))
            .initializer("b", floats(3))
            .node(
                "GroupNormalization",
                List.of("x", "s", "b"),
                List.of("y"),
                integer("num_groups", 3))
            .node("InstanceNormalization", List.of("y", "s", "b"), List.of("z"))
            .initializer("t", floats(5))
            .node("LayerNormalization", List.of("z", "t"), List.of("u"), integer("axis", -1))
            .output("u", DataType.FLOAT32)
            .bytes());
    all.add(
        new OnnxWriter(13)
            .input("x", DataType.FLOAT32, 2, 4)
            .initializer("w", floats(4, 3))
            .initializer("b", floats(3))
            .node("Gemm", List.of("x", "w", "b"), List.of("h"), real("alpha", 0.5f))
            .initializer("v", floats(3, 2))
            .node("MatMul", List.of("h", "v"), List.of("y"))
            .output("y", DataType.FLOAT32)
            .bytes());
  }

  private static void moving(List<byte[]> all) {
    all.add(moved("Reshape", Tensor.ofLongs(Shape.of(3), 0, -1, 5)));
    all.add(moved("Expand", Tensor.ofLongs(Shape.of(5), 2, 1, 3, 4, 5)));
    all.add(moved("Tile", Tensor.ofLongs(Shape.of(4), 1, 2, 1, 2)));
    all.add(moved("Unsqueeze", Tensor.ofLongs(Shape.of(2), 0, 3)));
    all.add(moved("Gather", Tensor.ofLongs(Shape.of(2), 0, 0)));
    for (String mode : List.of("constant", "reflect", "edge", "wrap")) {
      all.add(
          moved("Pad", Tensor.ofLongs(Shape.of(8), 0, 0, 1, 2, 0, 1, -1, 2), text("mode", mode)));
    }
    all.add(
        image(13)
            .initializer("starts", Tensor.ofLongs(Shape.of(2), 1, -1))
            .initializer("ends", Tensor.ofLongs(Shape.of(2), 3, -9))
            .initializer("axes", Tensor.ofLongs(Shape.of(2), 1, 3))
            .initializer("steps", Tensor.ofLongs(Shape.of(2), 1, -2))
            .node("Slice", List.of("x", "starts", "ends", "axes", "steps"), List.of("y"))
            .output("y", DataType.FLOAT32)
            .bytes());
    all.add(
        image(18)
            .node(
                "Split",
                List.of("x"),
                List.of("a", "b"),
                integer("axis", 2),
                integer("num_outputs", 2))
            .node("Concat", List.of("b", "a"), List.of("y"), integer("axis", 2))
            .output("y", DataType.FLOAT32)
            .bytes());
    for (String mode : List.of("nearest", "linear", "cubic")) {
      all.add(
          image(18)
              .initializer("s", Tensor.of(Shape.of(4), 1f, 1f, 1.5f, 0.6f))
              .node(
                  "Resize",
                  List.of("x", "", "s"),
                  List.of("y"),
                  text("mode", mode),
                  text("coordinate_transformation_mode", "half_pixel"),
                  integer("antialias", mode.equals("nearest") ? 0 : 1))
              .output("y", DataType.FLOAT32)
              .bytes());
    }
    all.add(
        new OnnxWriter(13)
            .input("x", DataType.FLOAT32, 1, 4, 4, 4)
            .node(
                "DepthToSpace",
                List.of("x"),
                List.of("a"),
                integer("blocksize", 2),
                text("mode", "CRD"))
            .node("SpaceToDepth", List.of("a"), List.of("y"), integer("blocksize", 4))
            .output("y", DataType.FLOAT32)
            .bytes());
  }

  private static byte[] moved(String op, Tensor second, Message... attributes) {
    return image(19)
        .initializer("s", second)
        .node(op, List.of("x", "s"), List.of("y"), attributes)
        .output("y", DataType.FLOAT32)
        .bytes();
  }

  /** Free dimensions, shape arithmetic, comparisons, constants as nodes. */
  private static byte[] network() {
    return new OnnxWriter(13)
        .input("x", DataType.FLOAT32, -1, 3, -1, -1)
        .initializer("w", floats(8, 3, 3, 3))
        .node("conv", "Conv", "", List.of("x", "w"), List.of("c"), integers("pads", 1, 1, 1, 1))
        .node("relu", "Relu", "", List.of("c"), List.of("r"))
        .node("Shape", List.of("r"), List.of("shape"))
        .node(
            "Constant",
            List.of(),
            List.of("axis"),
            OnnxWriter.tensor("value", "", Tensor.ofLongs(Shape.of(1), 0)))
        .node("Gather", List.of("shape", "axis"), List.of("n"))
        .node("Constant", List.of(), List.of("rest"), integers("value_ints", -1))
        .node("Concat", List.of("n", "rest"), List.of("flat"), integer("axis", 0))
        .node("Reshape", List.of("r", "flat"), List.of("f"))
        .node("Cast", List.of("n"), List.of("nf"), integer("to", 1))
        .node("Greater", List.of("f", "nf"), List.of("g"))
        .node("Where", List.of("g", "f", "nf"), List.of("y"))
        .node("ConstantOfShape", List.of("shape"), List.of("zeros"))
        .node("Add", List.of("zeros", "r"), List.of("z"))
        .output("y", DataType.FLOAT32)
        .output("z", DataType.FLOAT32)
        .bytes();
  }

  /** A function of the model's own, called twice. */
  static byte[] function() {
    Message body =
        new Message()
            .text(1, "Twice")
            .text(10, "own")
            .text(4, "a")
            .text(5, "b")
            .text(6, "alpha")
            .message(7, OnnxWriter.nodeMessage("", "Add", "", List.of("a", "a"), List.of("s")))
            .message(
                7,
                OnnxWriter.nodeMessage(
                    "leaky",
                    "LeakyRelu",
                    "",
                    List.of("s"),
                    List.of("b"),
                    new Message().text(1, "alpha").text(21, "alpha").number(20, 1)))
            .message(9, new Message().text(1, "").number(2, 13));
    return image(13)
        .opset("own", 1)
        .modelField(25, body)
        .node("one", "Twice", "own", List.of("x"), List.of("h"), real("alpha", 0.5f))
        .node("two", "Twice", "own", List.of("h"), List.of("y"))
        .output("y", DataType.FLOAT32)
        .bytes();
  }

  static OnnxWriter image(long opset) {
    return new OnnxWriter(opset).input("x", DataType.FLOAT32, 1, 3, 4, 5);
  }

  static Tensor floats(long... dims) {
    Tensor t = Tensor.allocate(DataType.FLOAT32, Shape.of(dims));
    Random random = new Random(dims.length);
    float[] values = new float[(int) t.shape().elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = 0.1f + random.nextFloat();
    }
    return Tensor.of(t.shape(), values);
  }
}
