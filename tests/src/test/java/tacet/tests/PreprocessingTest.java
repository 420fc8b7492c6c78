package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tacet.Model;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.insight.Finding;
import tacet.insight.cause.Explanation;
import tacet.insight.cause.Sample;
import tacet.insight.image.Geometry;
import tacet.insight.image.Normalization;
import tacet.insight.image.Normalization.Channels;
import tacet.insight.image.Normalization.Layout;
import tacet.insight.image.Picture;
import tacet.insight.image.Preparation;
import tacet.insight.image.ResizeMethod;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Photos prepared as trained networks expect them, and in other ways: what is wrong is named, what is right is not. */
class PreprocessingTest {

  private static final Normalization SQUEEZENET =
      new Normalization(Channels.BGR, 1, new float[] {104, 117, 123}, new float[] {1});
  private static final Normalization MOBILENET =
      new Normalization(Channels.RGB, 1 / 127.5f, new float[] {1}, new float[] {1});

  private static Finding explain(
      String network, int side, Normalization normalization, String... photos)
      throws IOException, InterruptedException {
    Preparation preparation =
        new Preparation(
            new Geometry.Crop(side, side, 256), ResizeMethod.PILLOW_BILINEAR, normalization);
    return explain("models/" + network + "/onnx/model.onnx", preparation, Layout.NCHW, photos);
  }

  private static Finding explain(
      String network, Preparation preparation, Layout layout, String... photos)
      throws IOException, InterruptedException {
    Graph graph = Model.read(Data.of(network));
    List<Sample> samples = new ArrayList<>();
    for (String photo : photos) {
      Preparation.Input x = preparation.apply(Picture.read(Data.of("images/" + photo)), layout);
      Tensor input = Tensor.of(Shape.of(x.shape()), x.values());
      samples.add(new Sample(photo, input, preparation.normalization()));
    }
    List<Finding> found =
        Explanation.of(graph, ModelOptions.defaults().withThreads(2), samples).findings();
    Finding f =
        found.stream().filter(g -> g.cause().equals("preprocessing")).findFirst().orElseThrow();
    assertEquals(f.holds(), f == found.getFirst(), f.statement());
    return f;
  }

  @ParameterizedTest
  @ValueSource(strings = {"china.jpg", "rocket.jpg"})
  void squeezeNetAsItIsMeant(String photo) throws IOException, InterruptedException {
    Finding f = explain("squeezenet_v1.0_deepcompressed", 227, SQUEEZENET, photo);
    assertFalse(f.holds(), f.statement());
    // It is as sure of pictures whose colours are swapped: that must not be passed over.
    assertTrue(f.statement().contains("red and blue is not ruled out"), f.statement());
  }

  @Test
  void squeezeNetOfPixelsUpToOne() throws IOException, InterruptedException {
    Finding f =
        explain("squeezenet_v1.0_deepcompressed", 227, Normalization.unit(), "astronaut.png");
    assertTrue(f.holds(), f.statement());
    assertTrue(f.evidence().get("better").toString().contains("(x·1 −"), f.statement());
  }

  /** Of one photo it cannot be told; of several, what batch normalisation was trained with tells it. */
  @Test
  void mobileNetWithoutItsMean() throws IOException, InterruptedException {
    String[] photos = {
      "astronaut.png",
      "chelsea.png",
      "china.jpg",
      "coffee.png",
      "rocket.jpg",
      "hubble_deep_field.jpg"
    };
    Finding wrong = explain("mobilenet_v1_0.25_224", 224, Normalization.unit(), photos);
    assertTrue(wrong.holds(), wrong.statement());
    assertEquals(MOBILENET.describe(), wrong.evidence().get("better"));
    Finding right = explain("mobilenet_v1_0.25_224", 224, MOBILENET, photos);
    assertFalse(right.holds(), right.statement());
  }

  /** A dense layer has one observation per photo: that most units are silent on a few of them says nothing. */
  @ParameterizedTest
  @ValueSource(strings = {"seed2_mlp_16_no_l1", "seed2_mlp_16_l1_0.001"})
  void denseFirstLayerAsItIsMeant(String network) throws IOException, InterruptedException {
    Preparation preparation =
        new Preparation(
            new Geometry.Stretch(16, 16), ResizeMethod.PILLOW_BILINEAR, Normalization.unit());
    String[] photos = {"astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"};
    Finding f = explain("seed/" + network + "/keras/model.keras", preparation, Layout.NHWC, photos);
    assertFalse(f.holds(), f.statement());
  }
}
