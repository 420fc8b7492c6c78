package tacet.keras;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tacet.Model;
import tacet.graph.Graph;
import tacet.graph.ValueInfo;
import tacet.keras.KerasFile.Variable;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Functional graphs: shared layers, several inputs and outputs, models within models, in every version's notation. */
class GraphsTest {

  private static final String INPUT = "\"batch_shape\": [null, 2], \"dtype\": \"float32\"";

  @TempDir Path folder;

  /** A reference as Keras 3 writes it. */
  private static String tensor(String layer, int call, int output) {
    return ("{\"class_name\": \"__keras_tensor__\", \"config\": {\"shape\": [null, 2], \"dtype\":"
            + " \"float32\", \"keras_history\": [\"%s\", %d, %d]}}")
        .formatted(layer, call, output);
  }

  private static String call(String arguments) {
    return "{\"args\": [" + arguments + "], \"kwargs\": {}}";
  }

  private static Variable kernel(float... values) {
    return new Variable("kernel", values, 2, 2);
  }

  private static String dense(String activation) {
    return "\"units\": 2, \"use_bias\": false, \"activation\": \"" + activation + "\"";
  }

  private static Tensor row(float... values) {
    return Tensor.of(Shape.of(1, values.length), values);
  }

  /** A layer called twice, the second time on what came of the first. */
  @Test
  void sharedLayer() throws IOException, InterruptedException {
    String ends = "\"input_layers\": [[\"x\", 0, 0]], \"output_layers\": [[\"sum\", 0, 0]]";
    KerasFile keras3 =
        KerasFile.functional("3.15.0", ends)
            .called("InputLayer", "x", INPUT, "[]")
            .called(
                "Dense",
                "twice",
                dense("relu"),
                "[" + call(tensor("x", 0, 0)) + ", " + call(tensor("between", 0, 0)) + "]",
                kernel(1, 2, 3, -4))
            .called(
                "Rescaling", "between", "\"scale\": 2.0", "[" + call(tensor("twice", 0, 0)) + "]")
            .called(
                "Add",
                "sum",
                "",
                "[" + call("[" + tensor("twice", 0, 0) + ", " + tensor("twice", 1, 0) + "]") + "]");
    KerasFile keras2 =
        KerasFile.functional("2.15.0", ends)
            .called("InputLayer", "x", "\"batch_input_shape\": [null, 2]", "[]")
            .called(
                "Dense",
                "twice",
                dense("relu"),
                "[[[\"x\", 0, 0, {}]], [[\"between\", 0, 0, {}]]]",
                kernel(1, 2, 3, -4))
            .called("Rescaling", "between", "\"scale\": 2.0", "[[[\"twice\", 0, 0, {}]]]")
            .called("Add", "sum", "", "[[[\"twice\", 0, 0, {}], [\"twice\", 1, 0, {}]]]");
    // x·W = (1 + 3, 2 − 4) → (4, 0); doubled (8, 0)·W = (8, 16); together (12, 16).
    for (KerasFile f : List.of(keras3, keras2)) {
      Checks.gives(f, folder, row(1, 1), new long[] {1, 2}, new double[] {12, 16}, "shared");
    }
    Graph g = Model.read(keras3.keras(folder));
    assertEquals(1, g.constants().keySet().stream().filter(c -> c.endsWith("kernel")).count());
    assertTrue(
        g.layerValues().containsAll(List.of("twice", "twice:1", "sum")), "" + g.layerValues());
  }

  @Test
  void severalInputsAndOutputs() throws IOException, InterruptedException {
    KerasFile f =
        KerasFile.functional(
                "3.15.0",
                "\"input_layers\": [[\"a\", 0, 0], [\"b\", 0, 0]], \"output_layers\": {\"second\":"
                    + " [\"product\", 0, 0], \"first\": [\"difference\", 0, 0]}")
            .called("InputLayer", "a", INPUT, "[]")
            .called("InputLayer", "b", INPUT, "[]")
            .called(
                "Subtract",
                "difference",
                "",
                "[" + call("[" + tensor("a", 0, 0) + ", " + tensor("b", 0, 0) + "]") + "]")
            .called(
                "Multiply",
                "product",
                "",
                "["
                    + call("[" + tensor("a", 0, 0) + ", " + tensor("difference", 0, 0) + "]")
                    + "]");
    for (Path p : List.of(f.keras(folder), f.h5(folder))) {
      Graph g = Model.read(p);
      assertEquals(List.of("a", "b"), g.inputs().stream().map(ValueInfo::name).toList());
      // In the order of the dictionary's keys.
      assertEquals(
          List.of("difference", "product"), g.outputs().stream().map(ValueInfo::name).toList());
      Map<String, Tensor> out = Checks.run(p, Map.of("a", row(5, 3), "b", row(2, 4)));
      Checks.assertClose(
          new long[] {1, 2}, new double[] {3, -1}, out.get("difference"), "difference");
      Checks.assertClose(new long[] {1, 2}, new double[] {15, -3}, out.get("product"), "product");
    }
  }

  private static final String MERGE =
      "{\"class_name\": \"%s\", \"name\": \"%s\", \"config\": {\"name\": \"%s\"},"
          + " \"inbound_nodes\": [%s]}";

  @Test
  void merges() throws IOException, InterruptedException {
    Map<String, double[]> expected =
        Map.of(
            "Add", new double[] {9, 9},
            "Average", new double[] {3, 3},
            "Multiply", new double[] {24, -24},
            "Maximum", new double[] {4, 6},
            "Minimum", new double[] {2, -1},
            "Concatenate", new double[] {2, 4, 3, -1, 4, 6});
    float[][] in = {{2, 4}, {3, -1}, {4, 6}};
    for (String kind : List.of("Add", "Average", "Multiply", "Maximum", "Minimum", "Concatenate")) {
      KerasFile f =
          KerasFile.functional(
              "3.15.0",
              "\"input_layers\": [[\"a\", 0, 0], [\"b\", 0, 0], [\"c\", 0, 0]],"
                  + " \"output_layers\": [[\"y\", 0, 0]]");
      for (String name : List.of("a", "b", "c")) {
        f.called("InputLayer", name, INPUT, "[]");
      }
      f.raw(
          MERGE.formatted(
              kind,
              "y",
              "y",
              call(
                  "["
                      + tensor("a", 0, 0)
                      + ", "
                      + tensor("b", 0, 0)
                      + ", "
                      + tensor("c", 0, 0)
                      + "]")),
          kind,
          "y");
      double[] e = expected.get(kind);
      Tensor y =
          Checks.run(f.keras(folder), Map.of("a", row(in[0]), "b", row(in[1]), "c", row(in[2])))
              .get("y");
      Checks.assertClose(new long[] {1, e.length}, e, y, kind);
    }
  }

  /** An image times one number per channel, given as [N, 1, 1, C] or as [N, C]. */
  @Test
  void broadcastOverImages() throws IOException, InterruptedException {
    Nhwc x = Nhwc.random(new java.util.Random(1), 2, 3, 4, 5);
    float[] factors = Nhwc.floats(new java.util.Random(2), 10);
    Nhwc expected = new Nhwc(2, 3, 4, 5);
    for (int i = 0; i < expected.data().length; i++) {
      expected.data()[i] = x.data()[i] * factors[i / 60 * 5 + i % 5];
    }
    for (String shape : List.of("[null, 1, 1, 5]", "[null, 5]")) {
      KerasFile f =
          KerasFile.functional(
                  "3.15.0",
                  "\"input_layers\": [[\"x\", 0, 0], [\"s\", 0, 0]],"
                      + " \"output_layers\": [[\"y\", 0, 0]]")
              .called("InputLayer", "x", "\"batch_shape\": [null, 3, 4, 5]", "[]")
              .called("InputLayer", "s", "\"batch_shape\": " + shape, "[]")
              .called("Multiply", "y", "", "[[[\"x\", 0, 0, {}], [\"s\", 0, 0, {}]]]");
      long[] dims = shape.contains("1") ? new long[] {2, 1, 1, 5} : new long[] {2, 5};
      Tensor y =
          Checks.run(
                  f.keras(folder),
                  Map.of("x", Checks.tensor(x), "s", Tensor.of(Shape.of(dims), factors)))
              .get("y");
      Checks.assertClose(new long[] {2, 3, 4, 5}, expected.data(), y, shape);
    }
  }

  /** Concatenation along each axis of images. */
  @Test
  void concatenation() throws IOException, InterruptedException {
    Nhwc x = Nhwc.random(new java.util.Random(1), 1, 2, 3, 4);
    for (int axis = 1; axis <= 3; axis++) {
      KerasFile f =
          KerasFile.functional(
                  "3.15.0", "\"input_layers\": [[\"x\", 0, 0]], \"output_layers\": [[\"y\", 0, 0]]")
              .called("InputLayer", "x", "\"batch_shape\": [null, 2, 3, 4]", "[]")
              .called("Rescaling", "r", "\"scale\": 2.0", "[[[\"x\", 0, 0, {}]]]")
              .called(
                  "Concatenate",
                  "y",
                  "\"axis\": " + (axis == 3 ? -1 : axis),
                  "[[[\"x\", 0, 0, {}], [\"r\", 0, 0, {}]]]");
      int[] extents = {2, 3, 4};
      extents[axis - 1] *= 2;
      Nhwc out = new Nhwc(1, extents[0], extents[1], extents[2]);
      for (int h = 0; h < out.h(); h++) {
        for (int w = 0; w < out.w(); w++) {
          for (int c = 0; c < out.c(); c++) {
            boolean second = h >= 2 || w >= 3 || c >= 4;
            out.data()[out.at(0, h, w, c)] = x.get(0, h % 2, w % 3, c % 4) * (second ? 2 : 1);
          }
        }
      }
      Checks.gives(f, folder, x, out, "axis " + axis);
    }
  }

  /** A Functional model with two outputs within another, called twice, and a Sequential one after it. */
  @Test
  void nestedModels() throws IOException, InterruptedException {
    for (int base : new int[] {0, 1}) {
      String inner =
          """
          {"class_name": "Functional", "name": "inner", "config": {"name": "inner", "layers": [
            {"class_name": "InputLayer", "name": "i", "config": {"name": "i", "batch_shape": [null, 2]},
             "inbound_nodes": []},
            {"class_name": "Dense", "name": "d", "config": {"name": "d", "units": 2, "use_bias": false},
             "inbound_nodes": [[["i", 0, 0, {}]]]},
            {"class_name": "BatchNormalization", "name": "n", "config": {"name": "n", "epsilon": 0.0},
             "inbound_nodes": [[["d", 0, 0, {}]]]}],
            "input_layers": [["i", 0, 0]], "output_layers": [["n", 0, 0], ["d", 0, 0]]},
           "inbound_nodes": [[["x", 0, 0, {}]], [["inner", %d, 0, {}]]]}
          """
              .formatted(base);
      String sequential =
          """
          {"class_name": "Sequential", "name": "last", "config": {"name": "last", "layers": [
            {"class_name": "Dense", "config": {"name": "d", "units": 1, "use_bias": false}}]},
           "inbound_nodes": [[["sum", 0, 0, {}]]]}
          """;
      KerasFile f =
          KerasFile.functional(
                  "2.15.0",
                  "\"input_layers\": [[\"x\", 0, 0]], \"output_layers\": [[\"last\", 1, 0]]")
              .called("InputLayer", "x", INPUT, "[]")
              .nested(
                  inner,
                  "Functional",
                  "inner",
                  Map.of(
                      "dense",
                      List.of(new Variable("d/kernel", new float[] {0, 1, 1, 0}, 2, 2)),
                      "batch_normalization",
                      List.of(
                          new Variable("n/gamma", new float[] {2, 2}, 2),
                          new Variable("n/beta", new float[] {1, 1}, 2),
                          new Variable("n/moving_mean", new float[] {0, 0}, 2),
                          new Variable("n/moving_variance", new float[] {1, 1}, 2))))
              .called(
                  "Add",
                  "sum",
                  "",
                  "[[[\"inner\", %d, 0, {}], [\"inner\", %d, 1, {}]]]".formatted(base + 1, base))
              .nested(
                  sequential,
                  "Sequential",
                  "last",
                  Map.of("dense", List.of(new Variable("d/kernel", new float[] {1, 10}, 2, 1))));
      // First call on (1, 2): d = (2, 1), n = (5, 3). Second on (5, 3): d = (3, 5), n = (7, 11).
      // (7, 11) + (2, 1) = (9, 12).
      Checks.gives(f, folder, row(1, 2), new long[] {1, 1}, new double[] {129}, "base " + base);
      Graph g = Model.read(f.h5(folder));
      assertTrue(
          g.layerValues().containsAll(List.of("inner/n", "inner:1/n", "last/d")),
          "" + g.layerValues());
      assertEquals("last", g.outputs().getFirst().name());
    }
  }

  /** Arithmetic with numbers, as MobileNetV3 writes its hard sigmoid. */
  @Test
  void operations() throws IOException, InterruptedException {
    String op =
        "{\"module\": \"keras.src.ops.numpy\", \"class_name\": \"%s\", \"name\": \"%s\","
            + " \"config\": {\"name\": \"%s\"}, \"inbound_nodes\": [%s]}";
    KerasFile f =
        KerasFile.functional(
                "3.15.0", "\"input_layers\": [\"x\", 0, 0], \"output_layers\": [\"y\", 0, 0]")
            .called("InputLayer", "x", INPUT, "[]")
            .raw(
                op.formatted("Add", "plus", "plus", call(tensor("x", 0, 0) + ", 3.0")),
                "Operation",
                "plus")
            .called("ReLU", "relu", "\"max_value\": 6.0", "[" + call(tensor("plus", 0, 0)) + "]")
            .raw(
                op.formatted("Multiply", "times", "times", call(tensor("relu", 0, 0) + ", 0.5")),
                "Operation",
                "times")
            .raw(
                op.formatted("Subtract", "y", "y", call("10, " + tensor("times", 0, 0))),
                "Operation",
                "y");
    Checks.gives(f, folder, row(-5, 1), new long[] {1, 2}, new double[] {10, 8}, "operations");
  }

  @Test
  void sequentialModelsOfAllVersions() throws IOException, InterruptedException {
    String config =
        "{\"class_name\": \"Dense\", \"config\": {\"name\": \"d\", \"units\": 2, \"use_bias\":"
            + " false, \"batch_input_shape\": [null, 2]}}";
    for (String whole :
        List.of(
            // Keras 2.0: a bare list, the shape in the first layer.
            "{\"class_name\": \"Sequential\", \"config\": [" + config + "]}",
            "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"s\", \"layers\": ["
                + config
                + "]}}",
            "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"s\", \"build_input_shape\":"
                + " [null, 2], \"layers\": ["
                + config.replace(", \"batch_input_shape\": [null, 2]", "")
                + "]}}")) {
      KerasFile f = KerasFile.of("2.1.0", whole).weights("Dense", "d", kernel(1, 2, 3, 4));
      Checks.gives(f, folder, row(1, 1), new long[] {1, 2}, new double[] {4, 6}, whole);
      assertEquals("d_input", Model.read(f.h5(folder)).inputs().getFirst().name());
    }
  }

  /** Other words for the same, as in files of Keras 1.2. */
  @Test
  void keras1() throws IOException, InterruptedException {
    String whole =
        """
        {"class_name": "Model", "config": {"name": "m", "layers": [
          {"class_name": "InputLayer", "name": "x", "inbound_nodes": [],
           "config": {"name": "x", "batch_input_shape": [null, 5, 6, 2], "input_dtype": "float32"}},
          {"class_name": "Convolution2D", "name": "c", "inbound_nodes": [[["x", 0, 0]]],
           "config": {"name": "c", "nb_filter": 3, "nb_row": 3, "nb_col": 2, "subsample": [2, 1],
             "border_mode": "same", "dim_ordering": "tf", "bias": true, "activation": "relu",
             "W_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.0005}}},
          {"class_name": "Merge", "name": "y", "inbound_nodes": [[["c", 0, 0], ["c", 0, 0]]],
           "config": {"name": "y", "mode": "concat", "concat_axis": -1, "mode_type": "raw"}}],
          "input_layers": [["x", 0, 0]], "output_layers": [["y", 0, 0]]}}
        """;
    java.util.Random random = new java.util.Random(3);
    float[] kernel = Nhwc.floats(random, 3 * 2 * 2 * 3);
    float[] bias = Nhwc.floats(random, 3);
    KerasFile f =
        KerasFile.of("1.2.2", whole)
            .weights(
                "Conv2D",
                "c",
                new Variable("c_W", kernel, 3, 2, 2, 3),
                new Variable("c_b", bias, 3));
    Nhwc x = Nhwc.random(random, 1, 5, 6, 2);
    Nhwc conv =
        x.conv(kernel, bias, 3, 1, new Nhwc.Window(3, 2, 2, 1, 1, 1, true))
            .map(v -> Math.max(v, 0));
    Nhwc twice = new Nhwc(1, conv.h(), conv.w(), 6);
    for (int i = 0; i < twice.data().length; i++) {
      twice.data()[i] = conv.data()[i / 6 * 3 + i % 3];
    }
    Checks.gives(f, folder, x, twice, "Keras 1");
    assertEquals(Map.of("c", "kernel L2 0.0005"), Model.read(f.h5(folder)).notes());
  }

  @Test
  void regularisersAreReported() throws IOException {
    KerasFile f =
        KerasFile.sequential("3.15.0", null, 2)
            .layer(
                "Dense",
                "l1",
                dense("relu")
                    + ", \"kernel_regularizer\": {\"class_name\": \"L1\", \"config\": {\"l1\":"
                    + " 0.0010000000474974513}}",
                kernel(1, 2, 3, 4))
            .layer(
                "Dense",
                "both",
                dense("relu")
                    + ", \"kernel_regularizer\": {\"class_name\": \"L1L2\", \"config\": {\"l1\":"
                    + " 0.00001, \"l2\": 0.5}}, \"activity_regularizer\": {\"class_name\": \"L1\","
                    + " \"config\": {\"l1\": 0.25}}",
                kernel(1, 2, 3, 4))
            .layer(
                "Dense",
                "named",
                dense("relu") + ", \"kernel_regularizer\": \"l2\"",
                kernel(1, 2, 3, 4))
            .layer(
                "Dense",
                "none",
                dense("relu")
                    + ", \"kernel_regularizer\": {\"class_name\": \"L1L2\", \"config\": {\"l1\":"
                    + " 0.0, \"l2\": 0.0}}",
                kernel(1, 2, 3, 4));
    assertEquals(
        Map.of(
            "l1", "kernel L1 0.001",
            "both", "kernel L1 0.00001 + L2 0.5; activity L1 0.25",
            "named", "kernel L2 0.01"),
        Model.read(f.keras(folder)).notes());
  }
}
