package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.NetworkBuilder;
import tacet.Session;
import tacet.graph.Graph;
import tacet.graph.Op;
import tacet.graph.PixelInput;
import tacet.insight.image.Geometry;
import tacet.insight.image.Normalization;
import tacet.insight.image.Picture;
import tacet.insight.image.Preparation;
import tacet.insight.image.ResizeMethod;
import tacet.kernels.DataType;
import tacet.profile.LayerProfile;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Networks that take pictures as bytes. */
class PixelInputTest {

  private static final ModelOptions SIMD =
      ModelOptions.defaults().withBackend(Backend.VECTOR).withThreads(2);

  private static Tensor bytes(Random random, long... dims) {
    Tensor t = Tensor.allocate(DataType.UINT8, Shape.of(dims));
    byte[] b = new byte[Math.toIntExact(t.shape().elements())];
    random.nextBytes(b);
    t.data().copyFrom(MemorySegment.ofArray(b));
    return t;
  }

  private static Op.Pixels pixels(Random random, int channels, int bytesPerPixel) {
    Integer[] order = new Integer[channels];
    Float[] mean = new Float[channels];
    Float[] std = new Float[channels];
    for (int c = 0; c < channels; c++) {
      order[c] = random.nextInt(bytesPerPixel);
      mean[c] = random.nextFloat() * 100;
      std[c] = 0.1f + random.nextFloat() * 3;
    }
    return new Op.Pixels(List.of(order), 0.1f + random.nextFloat(), List.of(mean), List.of(std));
  }

  /** To the bit what single-precision arithmetic gives, for all widths and pixels, before a convolution that pads and alone. */
  @Test
  void everyByteExactly() throws InterruptedException {
    Random random = new Random(11);
    for (int i = 0; i < 60; i++) {
      int channels = List.of(3, 3, 1, 2, 4).get(random.nextInt(5));
      int perPixel = 1 + random.nextInt(4);
      int n = 1 + random.nextInt(3);
      int h = 1 + random.nextInt(9);
      int w = 1 + random.nextInt(90);
      NetworkBuilder b = new NetworkBuilder("pictures", i);
      String x = b.input("image", n, channels, h, w);
      String y = b.convolution("conv", x, 5, 3, 1, random.nextInt(2) * 2 + 1);
      Op.Pixels op = pixels(random, channels, perPixel);
      Graph graph = PixelInput.of(b.build(y), "image", op, perPixel);
      Tensor in = bytes(random, n, h, w, perPixel);
      float[] expected = expected(op, in, n, channels, h, w, perPixel);
      String name = "image/pixels";
      try (Model simd = Model.of(graph, SIMD);
          Model plain = Model.of(graph, SIMD.withBackend(Backend.SCALAR))) {
        for (int run = 0; run < 3; run++) {
          var result = simd.run(Map.of(name, in), Set.of("image"));
          assertArrayEquals(expected, result.output("image").toFloats());
          assertArrayEquals(expected(plain, in), result.output("conv").toFloats(), 2e-3f);
          assertArrayEquals(result.output("conv").toFloats(), simd.run(in).output().toFloats());
        }
        LayerProfile layer = simd.run(in).profile().layers().getFirst();
        String backend = channels == 3 || channels == 1 ? "vector" : "reference";
        assertEquals(backend.equals("vector"), layer.backend().equals("vector"), layer.toString());
        assertArrayEquals(
            expected, plain.run(Map.of(name, in), Set.of("image")).output("image").toFloats());
      }
    }
  }

  private static float[] expected(Model plain, Tensor in) throws InterruptedException {
    return plain.run(in).output().toFloats();
  }

  private static float[] expected(
      Op.Pixels op, Tensor in, int n, int channels, int h, int w, int perPixel) {
    byte[] b = in.data().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    float[] y = new float[n * channels * h * w];
    for (int i = 0; i < y.length; i++) {
      int pixel = i % (h * w);
      int c = i / (h * w) % channels;
      int image = i / (h * w * channels);
      int v = b[(image * h * w + pixel) * perPixel + op.order().get(c)] & 0xFF;
      y[i] = (v * op.scale() - op.mean().get(c)) / op.std().get(c);
    }
    return y;
  }

  /** The stored input of the reference network from its photo, and the stored output from there. */
  @ParameterizedTest
  @ValueSource(strings = {"chelsea", "coffee"})
  void referencePhoto(String photo) throws IOException, InterruptedException {
    Path folder = Data.of("models/squeezenet_v1.0_deepcompressed/onnx");
    Normalization caffe =
        new Normalization(
            Normalization.Channels.BGR, 1f, new float[] {104, 117, 123}, new float[] {1});
    Preparation p =
        new Preparation(new Geometry.Crop(227, 227, 256), ResizeMethod.PILLOW_BILINEAR, caffe);
    Graph original = Model.read(folder.resolve("model.onnx"));
    String input = original.inputs().getFirst().name();
    Picture picture = Picture.read(Data.of("images/" + photo + ".png"));
    Shape shape = Shape.of(1, 227, 227, 3);
    try (Model model = Model.of(p.into(original), ModelOptions.defaults());
        Session session = model.session(Map.of(input + "/pixels", shape), Set.of(input))) {
      p.apply(picture, session.input());
      session.run();
      assertArrayEquals(
          Golden.read(folder.resolve("input_" + photo + ".npy")).toFloats(),
          session.output(input).toFloats());
      Golden.assertClose(
          Golden.read(folder.resolve("output_" + photo + ".npy")),
          session.output(),
          Golden.CLOSE,
          photo);
    }
  }

  @Test
  void channelsLastModels() throws InterruptedException {
    Random random = new Random(5);
    NetworkBuilder b = new NetworkBuilder("last", 1);
    String x = b.input("image", 1, 7, 40, 3);
    String planes = b.node("planes", new Op.Transpose(List.of(0, 3, 1, 2)), x);
    Graph graph = b.build(b.convolution("conv", planes, 4, 3, 1, 1));
    Op.Pixels op = pixels(random, 3, 3);
    Tensor in = bytes(random, 1, 7, 40, 3);
    try (Model bytes = Model.of(PixelInput.of(graph, "image", op, 3), SIMD);
        Model floats = Model.of(graph, SIMD)) {
      float[] nchw = expected(op, in, 1, 3, 7, 40, 3);
      float[] nhwc = new float[nchw.length];
      for (int i = 0; i < nhwc.length; i++) {
        nhwc[i] = nchw[i % 3 * 280 + i / 3];
      }
      var result = bytes.run(Map.of("image/pixels", in), Set.of("image"));
      assertArrayEquals(nhwc, result.output("image").toFloats());
      // In another layout of its input the convolution may run in another kernel, and add in
      // another
      // order.
      Golden.assertClose(
          floats.run(nhwc).output(), result.output("conv"), Golden.CLOSE, "channels last");
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    NetworkBuilder b = new NetworkBuilder("other", 1);
    String x = b.input("image", 1, 3, 8, 8);
    Graph graph = b.build(b.relu("relu", x));
    Random random = new Random(1);
    assertThrows(
        IllegalArgumentException.class,
        () -> PixelInput.of(graph, "nothing", pixels(random, 3, 3), 3));
    assertThrows(
        IllegalArgumentException.class,
        () -> PixelInput.of(graph, "image", pixels(random, 1, 3), 3));
  }
}
