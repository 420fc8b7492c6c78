package tacet;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import tacet.graph.Op;
import tacet.graph.Op.PadMode;
import tacet.kernels.DataType;
import tacet.profile.LayerProfile;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Values that are others seen in another way are not computed, and their zeros are counted all the same. */
class ViewsTest {

  private static final ModelOptions OPTIONS = ModelOptions.defaults().withBackend(Backend.VECTOR);

  private static String pad(NetworkBuilder b, String name, String x, Tensor value, long... pads) {
    b.constant(name + "/pads", Tensor.ofLongs(Shape.of(8), pads));
    String v = value == null ? "" : b.constant(name + "/value", value);
    return b.node(name, new Op.Pad(PadMode.CONSTANT), x, name + "/pads", v);
  }

  private static LayerProfile row(Result r, String layer) {
    return r.profile().layers().stream()
        .filter(l -> l.name().equals(layer))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void roomAroundAnImageIsItsPadding() throws InterruptedException {
    NetworkBuilder b = new NetworkBuilder("padded", 3);
    String x = pad(b, "pad1", b.input("image", 2, 3, 9, 11), null, 0, 0, 1, 2, 0, 0, 3, 0);
    x = b.relu("relu1", b.convolution("conv1", x, 20, 3, 1, 1));
    x = pad(b, "pad2", x, null, 0, 0, 0, 0, 0, 0, 1, 1);
    x = pad(b, "pad3", x, null, 0, 0, 2, 1, 0, 0, 0, 0);
    x = b.relu("relu2", b.convolution("conv2", x, 8, 3, 2, 1));
    var graph = b.build(x);
    Map<String, Tensor> image = Map.of("image", Networks.noise(1, 2, 3, 9, 11));
    Set<String> taps = Set.of("pad1", "pad2", "pad3", "relu2");
    try (Model vector = Model.of(graph, OPTIONS);
        Model scalar = Model.of(graph, OPTIONS.withBackend(Backend.SCALAR))) {
      // The second run finds the memory as the first has left it.
      vector.run(image);
      Result result = vector.run(image, taps);
      Result expected = scalar.run(image, taps);
      for (String value : taps) {
        assertEquals(expected.output(value).shape(), result.output(value).shape(), value);
        assertArrayEquals(
            expected.output(value).toFloats(), result.output(value).toFloats(), 1e-5f, value);
      }
      for (String layer : new String[] {"pad1", "pad2", "pad3"}) {
        assertEquals("view", row(result, layer).kernel());
        float[] values = result.output(layer).toFloats();
        long zeros = 0;
        long near = 0;
        for (float v : values) {
          zeros += v == 0 ? 1 : 0;
          near += Math.abs(v) < ModelOptions.DEFAULT_NEAR_ZERO ? 1 : 0;
        }
        LayerProfile.Counts counts = row(result, layer).counts();
        assertEquals(values.length, counts.elements());
        assertEquals(zeros, counts.zeros());
        assertEquals(near, counts.nearZeros());
        assertArrayEquals(
            row(expected, layer).counts().zerosPerChannel(), counts.zerosPerChannel());
      }
    }
  }

  @Test
  void otherPaddingIsComputed() throws InterruptedException {
    NetworkBuilder b = new NetworkBuilder("padded", 3);
    String x = b.input("image", 1, 2, 4, 4);
    Tensor one = Tensor.of(Shape.of(), 1f);
    pad(b, "ones", x, one, 0, 0, 1, 1, 0, 0, 1, 1);
    pad(b, "cropped", x, null, 0, 0, -1, 1, 0, 0, 1, 1);
    pad(b, "channels", x, null, 0, 1, 0, 0, 0, 0, 0, 0);
    Tensor image = Tensor.allocate(DataType.FLOAT32, Shape.of(1, 2, 4, 4));
    image.fill(() -> 2);
    try (Model model = Model.of(b.build("ones", "cropped", "channels"), OPTIONS)) {
      Result result = model.run(Map.of("image", image));
      for (String layer : new String[] {"ones", "cropped", "channels"}) {
        assertEquals("reference", row(result, layer).kernel());
      }
      assertEquals(0, row(result, "ones").counts().zeros());
      assertEquals(2 * (4 * 6 - 3 * 4), row(result, "cropped").counts().zeros());
      assertEquals(16, row(result, "channels").counts().zeros());
    }
  }

  @Test
  void otherDimensionsAreTheSameMemory() throws InterruptedException {
    NetworkBuilder b = new NetworkBuilder("reshaped", 3);
    String x = b.input("image", 2, 3, 4, 5);
    String flat = b.flatten("flat", b.relu("relu", b.flatten("rows", x)));
    b.constant("shape", Tensor.ofLongs(Shape.of(3), 4, -1, 6));
    b.node("reshaped", new Op.Reshape(false), flat, "shape");
    b.constant("axes", Tensor.ofLongs(Shape.of(1), 1));
    b.node("unsqueezed", new Op.Unsqueeze(), flat, "axes");
    Tensor image = Networks.noise(2, 2, 3, 4, 5);
    float[] values = image.toFloats();
    long zeros = 0;
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.max(0f, values[i]);
      zeros += values[i] == 0 ? 1 : 0;
    }
    try (Model model = Model.of(b.build("reshaped", "unsqueezed"), OPTIONS)) {
      Result result = model.run(Map.of("image", image), Set.of("rows"));
      assertEquals("view", row(result, "rows").kernel());
      assertArrayEquals(image.toFloats(), result.output("rows").toFloats());
      assertEquals(Shape.of(4, 5, 6), result.output("reshaped").shape());
      assertEquals(Shape.of(2, 1, 60), result.output("unsqueezed").shape());
      for (String layer : new String[] {"reshaped", "unsqueezed"}) {
        assertArrayEquals(values, result.output(layer).toFloats(), layer);
        assertEquals(zeros, row(result, layer).counts().zeros(), layer);
      }
    }
  }
}
