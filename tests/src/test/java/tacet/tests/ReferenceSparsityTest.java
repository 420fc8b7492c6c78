package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tacet.Model;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.insight.Finding;
import tacet.insight.ModelComparison;
import tacet.insight.Weights;
import tacet.insight.cause.Fields;
import tacet.insight.cause.ResolutionSweep;
import tacet.insight.image.Geometry;
import tacet.insight.image.Normalization;
import tacet.insight.image.Picture;
import tacet.insight.image.Preparation;
import tacet.insight.image.ResizeMethod;
import tacet.profile.SparsityProfile;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** What the causes say of trained networks, against figures that another engine gave. */
class ReferenceSparsityTest {

  private static final ModelOptions OPTIONS = ModelOptions.defaults().withThreads(2);

  /** Zero shares at 64 and 256 pixels, by photo and layer, from seed/resolution_sweep.json. */
  private static final Map<String, double[][]> EXPECTED =
      Map.of(
          "astronaut.png",
          new double[][] {
            {0.51239, 0.41575, 0.35367, 0.25327}, {0.51368, 0.46891, 0.37595, 0.32755}
          },
          "chelsea.png",
          new double[][] {
            {0.54975, 0.49028, 0.42682, 0.35356}, {0.55583, 0.52136, 0.45612, 0.41596}
          });

  private static final List<String> LAYERS = List.of("conv1_act", "pool1", "conv2_act", "pool2");

  @Test
  void sweepAgreesWithTheReference() throws IOException, InterruptedException {
    Graph graph = Model.read(Data.of("seed/seed1_cnn_48/trunk-onnx/model.onnx"));
    try (Model model = Model.of(graph, OPTIONS)) {
      for (Map.Entry<String, double[][]> photo : EXPECTED.entrySet()) {
        Picture picture = Picture.read(Data.of("images/" + photo.getKey()));
        List<ResolutionSweep.Point> points = new ArrayList<>();
        Fields fields = null;
        for (int i = 0; i < 2; i++) {
          int side = i == 0 ? 64 : 256;
          Preparation.Input in =
              new Preparation(
                      new Geometry.Crop(side, side),
                      ResizeMethod.PILLOW_BILINEAR,
                      Normalization.unit())
                  .apply(picture, Normalization.Layout.NHWC);
          Tensor t = Tensor.of(Shape.of(in.shape()), in.values());
          fields = fields == null ? Fields.of(graph, OPTIONS, t) : fields;
          SparsityProfile profile = model.run(t).profile();
          for (int l = 0; l < LAYERS.size(); l++) {
            assertEquals(
                photo.getValue()[i][l],
                profile.layer(LAYERS.get(l)).orElseThrow().counts().zeroFraction(),
                0.01,
                photo.getKey() + " " + side + " " + LAYERS.get(l));
          }
          points.add(ResolutionSweep.point(side, profile, fields));
        }
        // 10 pixels of 64: two 3×3 convolutions and two 2×2 poolings.
        assertEquals(100.0 / 64 / 64, points.getFirst().fieldShares().get("pool2"), 1e-9);
        Finding total = new ResolutionSweep(points).findings().getFirst();
        assertFalse(total.holds(), total.statement());
        assertTrue(total.statement().contains("hardly changes"), total.statement());
      }
    }
  }

  @Test
  void weightsOfThePairAreThoseOfTheReference() throws IOException, InterruptedException {
    Graph with = Model.read(Data.of("seed/seed2_mlp_16_l1_0.001/keras/model.keras"));
    Graph without = Model.read(Data.of("seed/seed2_mlp_16_no_l1/keras/model.keras"));
    Tensor input = Golden.read(Data.of("seed/seed2_mlp_16_l1_0.001/keras/input.npy"));
    ModelComparison c =
        ModelComparison.of(
            "with",
            profile(with, input),
            Weights.of(with),
            "without",
            profile(without, input),
            Weights.of(without));
    ModelComparison.Row first = row(c, "dense1");
    ModelComparison.Row second = row(c, "dense2");
    assertEquals(0.9826024373372396, below(first.weights()), 1e-12);
    assertEquals(0.016749064127604168, below(first.otherWeights()), 1e-12);
    assertEquals(0.9918003082275391, below(second.weights()), 1e-12);
    assertEquals(0.015451431274414062, below(second.otherWeights()), 1e-12);
    assertEquals(0, first.weights().zeros());
    List<Finding> findings = c.findings();
    assertTrue(findings.get(0).holds(), findings.get(0).statement());
    assertTrue(findings.get(1).statement().contains("and yet denser"), findings.get(1).statement());
  }

  private static SparsityProfile profile(Graph graph, Tensor input) throws InterruptedException {
    try (Model model = Model.of(graph, OPTIONS)) {
      return model.run(input).profile();
    }
  }

  private static ModelComparison.Row row(ModelComparison c, String layer) {
    return c.rows().stream().filter(r -> r.layer().equals(layer)).findFirst().orElseThrow();
  }

  private static double below(Weights.Summary w) {
    return (double) w.below001() / w.elements();
  }
}
