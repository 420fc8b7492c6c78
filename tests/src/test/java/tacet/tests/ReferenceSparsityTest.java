package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import tacet.Model;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.insight.Finding;
import tacet.insight.ModelComparison;
import tacet.insight.Weights;
import tacet.profile.SparsityProfile;
import tacet.tensor.Tensor;

/** What a comparison says of the networks that were trained with and without an L1 penalty, against Keras' figures. */
class ReferenceSparsityTest {

  private static final String WITH = "seed2_mlp_16_l1_0.001";
  private static final String WITHOUT = "seed2_mlp_16_no_l1";

  @Test
  void weightsAndActivationsOfThePair() throws IOException, InterruptedException {
    JsonNode summary = new ObjectMapper().readTree(Data.of("seed/summary.json").toFile());
    Graph with = Model.read(Data.of("seed/" + WITH + "/keras/model.keras"));
    Graph without = Model.read(Data.of("seed/" + WITHOUT + "/keras/model.keras"));
    Tensor input = Golden.read(Data.of("seed/" + WITH + "/keras/input.npy"));
    ModelComparison c =
        ModelComparison.of(
            WITH,
            profile(with, input),
            Weights.of(with),
            WITHOUT,
            profile(without, input),
            Weights.of(without));
    for (int i = 1; i <= 3; i++) {
      ModelComparison.Row row = row(c, "dense" + i);
      assertWeights(summary, WITH, i, row.weights());
      assertWeights(summary, WITHOUT, i, row.otherWeights());
      assertEquals(zeros(WITH, i), row.zeros(), 1e-3, "zeros of dense" + i + " with L1");
      assertEquals(zeros(WITHOUT, i), row.otherZeros(), 1e-3, "zeros of dense" + i + " without");
    }
    List<Finding> findings = c.findings();
    assertTrue(findings.get(0).holds(), findings.get(0).statement());
    assertTrue(findings.get(0).statement().contains("sparser"), findings.get(0).statement());
    assertFalse(findings.get(1).holds(), findings.get(1).statement());
    assertTrue(findings.get(1).statement().contains("and yet denser"), findings.get(1).statement());
    // As over the 128 crops of the summary: the first layer sparser, the second denser.
    assertTrue(activation(summary, WITH, 1) > activation(summary, WITHOUT, 1));
    assertTrue(activation(summary, WITH, 2) < activation(summary, WITHOUT, 2));
  }

  private static void assertWeights(JsonNode summary, String model, int i, Weights.Summary w) {
    JsonNode expected = summary.at("/" + model + "/weights/seed2_mlp~1dense" + i + "~1kernel");
    double n = w.elements();
    assertEquals(expected.get("zero_fraction").asDouble(), w.zeros() / n, 1e-12);
    assertEquals(expected.get("abs_lt_0.001_fraction").asDouble(), w.below001() / n, 1e-12);
    assertEquals(expected.get("abs_lt_0.01_fraction").asDouble(), w.below01() / n, 1e-12);
  }

  /** Zero share of a layer's outputs as Keras gave them for the same inputs. */
  private static double zeros(String model, int layer) throws IOException {
    float[] values =
        Golden.read(Data.of("seed/" + model + "/layers/0" + layer + "_dense" + layer + ".npy"))
            .toFloats();
    int zeros = 0;
    for (float v : values) {
      zeros += v == 0 ? 1 : 0;
    }
    return (double) zeros / values.length;
  }

  private static double activation(JsonNode summary, String model, int layer) {
    return summary.at("/" + model + "/activations/dense" + layer + "/zero_fraction").asDouble();
  }

  private static SparsityProfile profile(Graph graph, Tensor input) throws InterruptedException {
    try (Model model = Model.of(graph, ModelOptions.defaults().withThreads(2))) {
      return model.run(input).profile();
    }
  }

  private static ModelComparison.Row row(ModelComparison c, String layer) {
    return c.rows().stream().filter(r -> r.layer().equals(layer)).findFirst().orElseThrow();
  }
}
