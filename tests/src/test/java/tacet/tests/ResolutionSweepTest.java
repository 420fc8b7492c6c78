package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tacet.Model;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.insight.Finding;
import tacet.insight.cause.Fields;
import tacet.insight.cause.ResolutionSweep;
import tacet.insight.image.Geometry;
import tacet.insight.image.Normalization;
import tacet.insight.image.Normalization.Channels;
import tacet.insight.image.Normalization.Layout;
import tacet.insight.image.Picture;
import tacet.insight.image.Preparation;
import tacet.insight.image.ResizeMethod;
import tacet.profile.SparsityProfile;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * Zeros of five photos at 64 to 1024 pixels, layer by layer, against ONNX Runtime's: of photos cut at their own scale, where
 * both see the same pixels, and of photos that each side resized for itself.
 */
class ResolutionSweepTest {

  private static final double SAME_PIXELS = 0.01;
  private static final double OWN_RESIZING = 0.03;

  private static final ModelOptions OPTIONS = ModelOptions.defaults().withThreads(2);

  @Test
  void seedTrunk() throws IOException, InterruptedException {
    agrees(
        "seed1_trunk",
        "seed/seed1_cnn_48/trunk-onnx/model.onnx",
        Layout.NHWC,
        Normalization.unit(),
        "pool2");
  }

  @Test
  void partOfTheImageThatAPositionSees() throws IOException, InterruptedException {
    Graph graph = Model.read(Data.of("seed/seed1_cnn_48/trunk-onnx/model.onnx"));
    Fields fields = Fields.of(graph, OPTIONS, Tensor.of(Shape.of(1, 64, 64, 3), new float[12288]));
    // 10 pixels of 64: two 3×3 convolutions and two 2×2 poolings.
    assertEquals(100.0 / 64 / 64, fields.share("pool2", 64), 1e-9);
    assertEquals(100.0 / 1024 / 1024, fields.share("pool2", 1024), 1e-9);
  }

  @Test
  void squeezeNet() throws IOException, InterruptedException {
    agrees(
        "squeezenet_v1.0",
        "models/squeezenet_v1.0_deepcompressed/onnx/model.onnx",
        Layout.NCHW,
        new Normalization(Channels.BGR, 1, new float[] {104, 117, 123}, new float[] {1}),
        "relu_conv_final");
  }

  @Test
  void mobileNet() throws IOException, InterruptedException {
    agrees(
        "mobilenet_v1_0.25",
        "models/mobilenet_v1_0.25_224/onnx/model.onnx",
        Layout.NCHW,
        new Normalization(Channels.RGB, 1 / 127.5f, new float[] {1}, new float[] {1}),
        "conv_pw_13_relu");
  }

  /**
   * @param late a late layer, which rises with resolution
   */
  private static void agrees(
      String name, String file, Layout layout, Normalization normalization, String late)
      throws IOException, InterruptedException {
    JsonNode photos =
        new ObjectMapper()
            .readTree(Data.of("seed/resolution_sweep.json").toFile())
            .get("results")
            .get(name);
    Graph graph = Model.read(Data.of(file));
    List<SparsityProfile> sums = new ArrayList<>();
    List<Integer> sides = new ArrayList<>();
    Fields fields = null;
    try (Model model = Model.of(graph, OPTIONS)) {
      for (Map.Entry<String, JsonNode> photo : photos.properties()) {
        Picture picture = Picture.read(Data.of("images/" + photo.getKey()));
        for (Map.Entry<String, JsonNode> cut : photo.getValue().get("native_crop").properties()) {
          Picture pixels = middle(picture, Integer.parseInt(cut.getKey()));
          Tensor input = input(new Geometry.None(), pixels, layout, normalization);
          SparsityProfile profile = model.run(input).profile();
          assertAgrees(cut.getValue(), profile, SAME_PIXELS, photo.getKey() + " cut");
        }
        int i = 0;
        for (Map.Entry<String, JsonNode> size : photo.getValue().get("resized").properties()) {
          int side = Integer.parseInt(size.getKey());
          Tensor input = input(new Geometry.Crop(side, side), picture, layout, normalization);
          fields = fields == null ? Fields.of(graph, OPTIONS, input) : fields;
          SparsityProfile profile = model.run(input).profile();
          assertAgrees(size.getValue(), profile, OWN_RESIZING, photo.getKey() + " resized");
          if (i == sums.size()) {
            sides.add(side);
            sums.add(profile);
          } else {
            sums.set(i, sums.get(i).merge(profile));
          }
          i++;
        }
      }
    }
    List<ResolutionSweep.Point> points = new ArrayList<>();
    for (int i = 0; i < sums.size(); i++) {
      points.add(ResolutionSweep.point(sides.get(i), sums.get(i), fields));
    }
    Finding total = new ResolutionSweep(points).findings().getFirst();
    assertFalse(total.holds(), total.statement());
    assertTrue(
        total.statement().contains("resolution hardly changes the total"), total.statement());
    assertTrue(
        total.statement().contains("late layers rise")
            || total.statement().contains("the last layer rises"),
        total.statement());
    double rise = zeros(sums.getLast(), late) - zeros(sums.getFirst(), late);
    assertTrue(rise > 0.02, late + " rises by " + rise);
  }

  private static void assertAgrees(
      JsonNode expected, SparsityProfile profile, double tolerance, String what) {
    for (Iterator<JsonNode> rows = expected.get("layers").elements(); rows.hasNext(); ) {
      JsonNode row = rows.next();
      String layer = row.get("layer").asText();
      assertEquals(
          row.get("zero_fraction").asDouble(),
          zeros(profile, layer),
          tolerance,
          () -> what + " " + row.get("shape") + " " + layer);
    }
  }

  private static double zeros(SparsityProfile profile, String layer) {
    return profile.layer(layer).orElseThrow().counts().zeroFraction();
  }

  private static Tensor input(Geometry g, Picture picture, Layout layout, Normalization n) {
    Preparation.Input in =
        new Preparation(g, ResizeMethod.PILLOW_BILINEAR, n).apply(picture, layout);
    return Tensor.of(Shape.of(in.shape()), in.values());
  }

  /** The square in the middle, at the photo's own scale. */
  private static Picture middle(Picture p, int side) {
    byte[] out = new byte[3 * side * side];
    int left = (p.width() - side) / 2;
    int top = (p.height() - side) / 2;
    for (int y = 0; y < side; y++) {
      System.arraycopy(p.rgb(), 3 * ((top + y) * p.width() + left), out, 3 * y * side, 3 * side);
    }
    return new Picture(side, side, out);
  }
}
