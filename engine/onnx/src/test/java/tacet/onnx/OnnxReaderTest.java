package tacet.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static tacet.onnx.OnnxWriter.integer;
import static tacet.onnx.OnnxWriter.integers;
import static tacet.onnx.OnnxWriter.real;
import static tacet.onnx.OnnxWriter.text;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tacet.Model;
import tacet.ModelOptions;
import tacet.error.ModelFormatException;
import tacet.error.TacetException;
import tacet.error.UnsupportedOpException;
import tacet.error.UnsupportedOpException.Unsupported;
import tacet.graph.Graph;
import tacet.kernels.DataType;
import tacet.kernels.scalar.Elements;
import tacet.onnx.OnnxWriter.Message;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

final class OnnxReaderTest {

  private static final Tensor IMAGE = Samples.floats(1, 3, 4, 5);

  @TempDir private Path folder;

  private Graph read(OnnxWriter w) throws IOException {
    return new OnnxReader().read(w.write(folder.resolve("model.onnx")));
  }

  private Tensor run(OnnxWriter w, Tensor x) throws IOException, InterruptedException {
    try (Model model = Model.of(read(w), ModelOptions.defaults().withThreads(1))) {
      return model.run(Map.of("x", x)).output("y");
    }
  }

  private TacetException refused(OnnxWriter w) {
    return assertThrows(TacetException.class, () -> run(w, IMAGE));
  }

  private static OnnxWriter one(long opset, String op, Message... attributes) {
    return Samples.image(opset)
        .node("n", op, "", List.of("x"), List.of("y"), attributes)
        .output("y", DataType.FLOAT32);
  }

  /** Attributes given by name, so that a test reads in a line. */
  private static OnnxWriter two(long opset, String op, Tensor second, Message... attributes) {
    return Samples.image(opset)
        .initializer("b", second)
        .node("n", op, "", List.of("x", "b"), List.of("y"), attributes)
        .output("y", DataType.FLOAT32);
  }

  @Test
  void everythingUnsupportedIsListedAtOnce() {
    OnnxWriter w =
        Samples.image(13)
            .node("a", "Loop", "", List.of("x"), List.of("u"))
            .node("b", "FusedConv", "com.example", List.of("u"), List.of("v"))
            .node("c", "Relu", "", List.of("v"), List.of("w"), integer("surprise", 1))
            .node("d", "Cast", "", List.of("w"), List.of("y"), integer("to", 8))
            .output("y", DataType.FLOAT32)
            .graphField(15, new Message());
    UnsupportedOpException e = assertThrows(UnsupportedOpException.class, () -> read(w));
    assertEquals(
        List.of("graph", "a", "b", "c", "d"), e.all().stream().map(Unsupported::node).toList());
    assertTrue(e.getMessage().contains("surprise"), e.getMessage());
    assertTrue(e.getMessage().contains("STRING"), e.getMessage());
  }

  @Test
  void opsetsToComeAreRefused() {
    assertTrue(refused(one(99, "Relu")).getMessage().contains("opset 99"));
  }

  @Test
  void functionsTakeTheirCallersAttributes() throws Exception {
    Path file = Files.write(folder.resolve("model.onnx"), Samples.function());
    Graph graph = new OnnxReader().read(file);
    assertEquals(4, graph.nodes().size());
    assertEquals("one/leaky", graph.nodes().get(1).name());
    Tensor x = Tensor.allocate(DataType.FLOAT32, IMAGE.shape());
    new Elements(x.data(), x.type()).set(0, -1);
    try (Model model = Model.of(graph, ModelOptions.defaults().withThreads(1))) {
      // Twice doubled; the first slope is the caller's 0.5, the second LeakyRelu's own 0.01.
      assertEquals(-0.02f, model.run(Map.of("x", x)).output("y").toFloats()[0], 1e-7f);
    }
  }

  @Test
  void functionThatCallsItselfIsRefused() {
    Message body =
        new Message()
            .text(1, "F")
            .text(10, "own")
            .text(4, "a")
            .text(5, "b")
            .message(7, OnnxWriter.nodeMessage("", "F", "own", List.of("a"), List.of("b")));
    OnnxWriter w =
        Samples.image(13)
            .modelField(25, body)
            .node("n", "F", "own", List.of("x"), List.of("y"))
            .output("y", DataType.FLOAT32);
    assertTrue(refused(w).getMessage().contains("too deeply"));
  }

  @Test
  void olderBroadcastingStartsAtItsAxis() throws Exception {
    Tensor b = Tensor.of(Shape.of(3), 10f, 20f, 30f);
    Tensor y = run(two(6, "Add", b, integer("broadcast", 1), integer("axis", 1)), IMAGE);
    Elements x = new Elements(IMAGE.data(), DataType.FLOAT32);
    assertEquals((float) x.get(0) + 10f, y.toFloats()[0]);
    assertEquals((float) x.get(59) + 30f, y.toFloats()[59]);
  }

  @Test
  void halfPrecisionIsComputedInSingle() throws Exception {
    Tensor half = Tensor.allocate(DataType.FLOAT16, Shape.of(1));
    new Elements(half.data(), DataType.FLOAT16).set(0, 1.5);
    OnnxWriter w =
        new OnnxWriter(13)
            .input("x", DataType.FLOAT16, 1, 3, 4, 5)
            .initializer("b", half)
            .node("Mul", List.of("x", "b"), List.of("y"))
            .output("y", DataType.FLOAT16);
    assertEquals(DataType.FLOAT32, read(w).inputs().getFirst().type());
    assertEquals(1.5f * IMAGE.toFloats()[7], run(w, IMAGE).toFloats()[7]);
  }

  @Test
  void weightsStayInTheFile() throws Exception {
    Graph g = read(two(13, "Mul", Samples.floats(3, 1, 1)));
    assertTrue(g.constants().get("b").data().isMapped());
  }

  @Test
  void externalDataIsMappedFromTheModelsFolder() throws Exception {
    ByteBuffer bytes = ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putFloat(8, 2f).putFloat(12, 3f).putFloat(16, 4f);
    Files.write(folder.resolve("weights.bin"), bytes.array());
    Tensor y = run(external("weights.bin", "8"), IMAGE);
    assertEquals(4f * IMAGE.toFloats()[59], y.toFloats()[59]);
  }

  @ParameterizedTest
  @ValueSource(strings = {"../weights.bin", "/etc/passwd", "link.bin", "absent.bin", "", "a\0b"})
  void externalDataElsewhereIsRefused(String location) throws Exception {
    Path inside = Files.createDirectories(folder.resolve("inside"));
    Files.write(folder.resolve("weights.bin"), new byte[64]);
    Files.createSymbolicLink(inside.resolve("link.bin"), folder.resolve("weights.bin"));
    Path file = external(location, "0").write(inside.resolve("model.onnx"));
    assertThrows(ModelFormatException.class, () -> new OnnxReader().read(file));
  }

  @ParameterizedTest
  @ValueSource(strings = {"-1", "60", "9223372036854775807", "x"})
  void externalDataBeyondItsFileIsRefused(String offset) throws Exception {
    Files.write(folder.resolve("weights.bin"), new byte[64]);
    assertThrows(ModelFormatException.class, () -> read(external("weights.bin", offset)));
  }

  private static OnnxWriter external(String location, String offset) {
    Message t =
        new Message()
            .number(1, 3)
            .number(1, 1)
            .number(1, 1)
            .number(2, 1)
            .text(8, "b")
            .message(13, new Message().text(1, "location").text(2, location))
            .message(13, new Message().text(1, "offset").text(2, offset))
            .number(14, 1);
    return Samples.image(13)
        .graphField(5, t)
        .node("Mul", List.of("x", "b"), List.of("y"))
        .output("y", DataType.FLOAT32);
  }

  @Test
  void graphsThatAreNoneAreRefused() {
    OnnxWriter cycle =
        Samples.image(13)
            .node("a", "Add", "", List.of("x", "v"), List.of("u"))
            .node("b", "Relu", "", List.of("u"), List.of("v"))
            .node("c", "Relu", "", List.of("v"), List.of("y"))
            .output("y", DataType.FLOAT32);
    assertTrue(refused(cycle).getMessage().contains("cycle"));
    OnnxWriter dangling =
        Samples.image(13)
            .node("a", "Add", "", List.of("x", "nowhere"), List.of("y"))
            .output("y", DataType.FLOAT32);
    assertTrue(refused(dangling).getMessage().contains("node a (Add)"));
    OnnxWriter twice = one(13, "Relu").node("Abs", List.of("x"), List.of("y"));
    assertTrue(refused(twice).getMessage().contains("made twice"));
    assertTrue(refused(one(13, "Relu").output("z", DataType.FLOAT32)).getMessage().contains("z"));
  }

  @Test
  void tensorsThatDoNotHoldWhatTheySay() {
    for (long[] dims :
        new long[][] {{3}, {-1}, {1L << 62, 1L << 62}, {0, 1L << 62, 4}, {1L << 62}, {2, 2}}) {
      Message t = new Message().number(2, 1).text(8, "b").raw(9, new byte[8]);
      for (long d : dims) {
        t.number(1, d);
      }
      OnnxWriter w =
          Samples.image(13)
              .graphField(5, t)
              .node("Mul", List.of("x", "b"), List.of("y"))
              .output("y", DataType.FLOAT32);
      ModelFormatException e = assertThrows(ModelFormatException.class, () -> read(w));
      assertTrue(e.getMessage().contains("tensor 'b' at byte"), e.getMessage());
    }
  }

  /** Each names its node and comes at once, whatever it asks for. */
  @Test
  void absurdAttributesAreRefused() {
    long huge = 1L << 40;
    List<OnnxWriter> all = new ArrayList<>();
    for (String pool : List.of("MaxPool", "AveragePool", "LpPool")) {
      all.add(one(13, pool, integers("kernel_shape", 2, 2), integers("strides", 0, 1)));
      all.add(one(13, pool, integers("kernel_shape", 0, 2)));
      all.add(one(13, pool, integers("kernel_shape", huge, huge)));
      all.add(one(13, pool, integers("kernel_shape", 9, 9)));
      all.add(one(13, pool, integers("kernel_shape", 2, 2), integers("pads", 1, 1, huge, 1)));
      all.add(one(13, pool, integers("kernel_shape", 2, 2), integers("pads", 1, 1, 1)));
      all.add(one(13, pool, integers("kernel_shape", 2, 2), integers("strides", 1, 1, 1)));
      all.add(
          one(
              13,
              pool,
              integers("kernel_shape", 1, 1),
              integers("pads", 1 << 23, 1 << 23, 1 << 23, 1 << 23)));
    }
    Tensor w = Samples.floats(3, 3, 1, 1);
    all.add(two(13, "Conv", w, integer("group", 0)));
    all.add(two(13, "Conv", w, integer("group", -3)));
    all.add(two(13, "Conv", w, integer("group", 2)));
    all.add(two(13, "Conv", w, integers("pads", -3, 0, -3, 0)));
    all.add(two(13, "ConvTranspose", w, integers("strides", 1 << 24, 1 << 24)));
    all.add(two(13, "ConvTranspose", w, integers("output_shape", 1 << 20, 1 << 20)));
    all.add(two(13, "Reshape", Tensor.ofLongs(Shape.of(2), 1L << 62, 4)));
    all.add(two(13, "Reshape", Tensor.ofLongs(Shape.of(2), -1, -1)));
    all.add(two(13, "Expand", Tensor.ofLongs(Shape.of(5), 1L << 40, 1, 3, 4, 5)));
    all.add(two(13, "Tile", Tensor.ofLongs(Shape.of(4), 1 << 20, 1 << 20, 1, 1)));
    all.add(two(13, "Tile", Tensor.ofLongs(Shape.of(4), -1, 1, 1, 1)));
    all.add(two(13, "Pad", Tensor.ofLongs(Shape.of(8), 0, 0, 1L << 62, 0, 0, 0, 0, 0)));
    all.add(two(13, "Pad", Tensor.ofLongs(Shape.of(8), 0, 0, 1 << 30, 0, 0, 0, 0, 0)));
    all.add(two(13, "Pad", Tensor.ofLongs(Shape.of(8), 0, 0, -9, 0, 0, 0, 0, 0)));
    for (float scale : new float[] {Float.NaN, Float.POSITIVE_INFINITY, 0f, -1f, 1e30f, 1e5f}) {
      all.add(
          Samples.image(13)
              .initializer("s", Tensor.of(Shape.of(4), 1f, 1f, scale, scale))
              .node("n", "Resize", "", List.of("x", "", "s"), List.of("y"))
              .output("y", DataType.FLOAT32));
    }
    all.add(one(13, "Softmax", integer("axis", 1L << 32)));
    all.add(one(13, "Softmax", real("axis", 1f)));
    all.add(one(13, "Transpose", integers("perm", 0, 1, 2, 2)));
    all.add(one(13, "DepthToSpace", integer("blocksize", 0)));
    all.add(one(13, "DepthToSpace", integer("blocksize", Integer.MAX_VALUE)));
    all.add(one(13, "DepthToSpace", text("mode", "CRD")));
    all.add(one(13, "LRN", integer("size", 0)));
    all.add(one(18, "Split", integer("num_outputs", 3)));
    for (OnnxWriter model : all) {
      TacetException e = refused(model);
      assertTrue(e.getMessage().contains("node n ("), e.getMessage());
    }
  }

  /** A file of a few bytes does not make planning fill the memory or take long. */
  @Test
  void constantsThatGrowAreRefused() {
    OnnxWriter w =
        Samples.image(13)
            .initializer("s", Tensor.ofLongs(Shape.of(2), 1 << 20, 1 << 20))
            .node("n", "ConstantOfShape", "", List.of("s"), List.of("z"))
            .node("Size", List.of("z"), List.of("y"))
            .output("y", DataType.INT64);
    assertTrue(refused(w).getMessage().contains("node n (ConstantOfShape)"));
    OnnxWriter range =
        Samples.image(13)
            .initializer("a", Tensor.ofLongs(Shape.scalar(), 0))
            .initializer("b", Tensor.ofLongs(Shape.scalar(), Long.MAX_VALUE))
            .initializer("c", Tensor.ofLongs(Shape.scalar(), 1))
            .node("n", "Range", "", List.of("a", "b", "c"), List.of("y"))
            .output("y", DataType.INT64);
    assertTrue(refused(range).getMessage().contains("node n (Range)"));
  }

  @Test
  void nestingAndTruncationEndSoon() throws Exception {
    byte[] deep = new byte[0];
    for (int i = 0; i < 2000; i++) {
      // A graph within an attribute within a node within a graph …
      deep = new Message().raw(i % 3 == 0 ? 1 : i % 3 == 1 ? 5 : 6, deep).toBytes();
    }
    Path file = Files.write(folder.resolve("deep.onnx"), new Message().raw(7, deep).toBytes());
    assertThrows(TacetException.class, () -> new OnnxReader().read(file));
    byte[] whole = one(13, "Relu").bytes();
    for (int n = 0; n < whole.length; n++) {
      Path cut = Files.write(folder.resolve("cut.onnx"), java.util.Arrays.copyOf(whole, n));
      assertThrows(TacetException.class, () -> new OnnxReader().read(cut));
      Files.delete(cut);
    }
  }

  /** Names that collide are told apart in linear time. */
  @Test
  void equalNames() throws Exception {
    OnnxWriter w = Samples.image(13);
    int count = 20_000;
    for (int i = 0; i < count; i++) {
      w.node("same", "Relu", "", List.of(i == 0 ? "x" : "v" + i), List.of("v" + (i + 1)));
    }
    long start = System.nanoTime();
    Graph g = read(w.output("v" + count, DataType.FLOAT32));
    assertEquals(count, g.nodes().stream().map(n -> n.name()).distinct().count());
    assertTrue(System.nanoTime() - start < 10_000_000_000L);
  }

  @Test
  void typedDataOfEveryKind() throws Exception {
    for (DataType type : DataType.values()) {
      Message t = new Message().number(1, 2).number(2, OnnxWriter.number(type)).text(8, "b");
      switch (type) {
        case FLOAT32 -> t.real(4, 3f).real(4, 1f);
        case FLOAT64 -> {
          byte[] raw = new byte[16];
          MemorySegment m = MemorySegment.ofArray(raw);
          new Elements(m, type).set(0, 3);
          new Elements(m, type).set(1, 1);
          t.raw(10, raw);
        }
        case INT64 -> t.number(7, 3).number(7, 1);
        case UINT32, UINT64 -> t.number(11, 3).number(11, 1);
        case FLOAT16 ->
            t.number(5, Short.toUnsignedLong(Float.floatToFloat16(3f)))
                .number(5, Short.toUnsignedLong(Float.floatToFloat16(1f)));
        case BFLOAT16 ->
            t.number(5, Float.floatToIntBits(3f) >>> 16).number(5, Float.floatToIntBits(1f) >>> 16);
        case BOOL -> t.number(5, 1).number(5, 1);
        default -> t.number(5, 3).number(5, 1);
      }
      OnnxWriter w =
          new OnnxWriter(13)
              .input("x", DataType.FLOAT32, 1)
              .graphField(5, t)
              .node("Cast", List.of("b"), List.of("f"), integer("to", 1))
              .node("Mul", List.of("x", "f"), List.of("y"))
              .output("y", DataType.FLOAT32);
      float[] expected = type == DataType.BOOL ? new float[] {2, 2} : new float[] {6, 2};
      assertArrayEquals(expected, run(w, Tensor.of(Shape.of(1), 2f)).toFloats(), type.name());
    }
  }
}
