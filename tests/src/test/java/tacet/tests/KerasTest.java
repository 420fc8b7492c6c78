package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.Result;
import tacet.insight.Weights;
import tacet.profile.LayerProfile.Counts;
import tacet.tensor.Tensor;

/** Keras' files, and the same networks as ONNX. */
class KerasTest {

  private static List<ModelOptions> options() {
    ModelOptions one = ModelOptions.defaults().withThreads(1);
    return List.of(
        one.withThreads(2),
        one.withBackend(Backend.VECTOR).withFuse(false),
        one.withBackend(Backend.SCALAR));
  }

  private static Stream<Arguments> networks() {
    // The exporter named the nodes after their operators.
    Map<String, String> seed1 =
        Map.of(
            "conv1",
            "/Relu",
            "pool1",
            "/MaxPool",
            "conv2",
            "/Relu_1",
            "pool2",
            "/MaxPool_1",
            "dense",
            "/Relu_2");
    Map<String, String> seed2 = Map.of("dense1", "/Relu", "dense2", "/Relu_1", "dense3", "/Add_2");
    return options().stream()
        .flatMap(
            o ->
                Stream.of(
                    Arguments.of("seed/seed1_cnn_48", seed1, o),
                    Arguments.of("seed/seed2_mlp_16_l1_0.001", seed2, o),
                    Arguments.of("seed/seed2_mlp_16_no_l1", seed2, o),
                    Arguments.of("models/mini_xception_fer", Map.of(), o)));
  }

  /**
   * A network as {@code .keras}, {@code .h5} and {@code .onnx}: the same outputs, and the same zeros in every layer that has a
   * name in all of them.
   */
  @ParameterizedTest
  @MethodSource("networks")
  void threeFormatsOfOneNetwork(String folder, Map<String, String> names, ModelOptions options)
      throws IOException, InterruptedException {
    Path root = Data.of(folder);
    List<Result> results = new ArrayList<>();
    List<Model> models = new ArrayList<>();
    for (String format : List.of("keras", "h5", "onnx")) {
      Model model = Model.load(root.resolve(format + "/model." + format), options);
      models.add(model);
      Tensor x = Golden.read(root.resolve(format + "/input.npy"));
      results.add(model.run(x));
    }
    Result keras = results.getFirst();
    Tensor expected = Golden.read(root.resolve("keras/output.npy"));
    for (int i = 0; i < models.size(); i++) {
      Tensor y = results.get(i).output(models.get(i).outputs().getFirst().name());
      Golden.assertClose(expected, y, Golden.CLOSE, folder);
      assertArrayEquals(
          keras.output(models.getFirst().outputs().getFirst().name()).toFloats(),
          y.toFloats(),
          2e-6f * scale(expected),
          folder);
    }
    int compared = 0;
    for (var layer : keras.profile().layers()) {
      Counts counts = layer.counts();
      Counts h5 = results.get(1).profile().layer(layer.name()).orElseThrow().counts();
      assertSame(counts, h5, layer.name());
      assertEquals(
          layer.outputShape(),
          results.get(1).profile().layer(layer.name()).orElseThrow().outputShape());
      String name = names.getOrDefault(layer.name(), layer.name());
      var onnx = results.get(2).profile().layer(name);
      if (onnx.isPresent() && onnx.get().counts() != null && counts != null) {
        // The image lies in another order, and with it the sums: one in 10⁵ may round to the other
        // side of zero.
        long rounding = Math.ceilDiv(counts.elements(), 100_000L);
        assertEquals(counts.zeros(), onnx.get().counts().zeros(), rounding, layer.name());
        assertEquals(counts.elements(), onnx.get().counts().elements(), layer.name());
        if (counts.channels() == onnx.get().counts().channels()) {
          for (int c = 0; c < counts.channels(); c++) {
            long difference =
                counts.zerosPerChannel()[c] - onnx.get().counts().zerosPerChannel()[c];
            assertTrue(Math.abs(difference) <= rounding, layer.name() + " channel " + c);
          }
        }
        compared++;
      }
    }
    models.forEach(Model::close);
    assertTrue(compared >= 3, compared + " layers compared");
  }

  private static float scale(Tensor t) {
    float scale = 0;
    for (float v : t.toFloats()) {
      scale = Math.max(scale, Math.abs(v));
    }
    return scale;
  }

  private static void assertSame(Counts a, Counts b, String layer) {
    assertEquals(a == null, b == null, layer);
    if (a != null) {
      assertEquals(a.zeros(), b.zeros(), layer);
      assertArrayEquals(a.zerosPerChannel(), b.zerosPerChannel(), layer);
    }
  }

  /** Every layer's values, in Keras' own layout. */
  @ParameterizedTest
  @ValueSource(strings = {"seed1_cnn_48", "seed2_mlp_16_l1_0.001", "seed2_mlp_16_no_l1"})
  void layersAreThoseOfKeras(String network) throws IOException, InterruptedException {
    Path folder = Data.of("seed/" + network);
    List<String> layers =
        network.startsWith("seed1")
            ? List.of("conv1", "pool1", "conv2", "pool2", "flatten", "dense")
            : List.of("flatten", "dense1", "dense2", "dense3");
    for (String file : List.of("keras/model.keras", "h5/model.h5")) {
      try (Model model = Model.load(folder.resolve(file))) {
        Tensor x = Golden.read(folder.resolve("keras/input.npy"));
        Result r = model.run(Map.of(model.inputs().getFirst().name(), x), Set.copyOf(layers));
        for (int i = 0; i < layers.size(); i++) {
          Tensor expected =
              Golden.read(folder.resolve("layers/0" + i + "_" + layers.get(i) + ".npy"));
          Golden.assertClose(expected, r.output(layers.get(i)), Golden.CLOSE, layers.get(i));
          Counts counts = r.profile().layer(layers.get(i)).orElseThrow().counts();
          float[] want = expected.toFloats();
          float[] got = r.output(layers.get(i)).toFloats();
          float rounding = 1e-5f * scale(expected);
          long zeros = 0;
          for (int k = 0; k < got.length; k++) {
            zeros += got[k] == 0 ? 1 : 0;
            // Where only one of the two is zero, it is by rounding: the order of summation is no
            // part of the contract.
            assertTrue(
                (want[k] == 0) == (got[k] == 0) || Math.abs(want[k] - got[k]) <= rounding,
                layers.get(i));
          }
          assertEquals(zeros, counts.zeros(), layers.get(i));
        }
      }
    }
  }

  /** The weights' sparsity, figure by figure as on record. */
  @ParameterizedTest
  @ValueSource(strings = {"seed1_cnn_48", "seed2_mlp_16_l1_0.001", "seed2_mlp_16_no_l1"})
  void weightSparsityIsThatOnRecord(String network) throws IOException {
    JsonNode summary = new ObjectMapper().readTree(Data.of("seed/summary.json").toFile());
    JsonNode weights = summary.get(network).get("weights");
    for (String file : List.of("keras/model.keras", "h5/model.h5")) {
      List<Weights.Summary> all = Weights.of(Model.read(Data.of("seed/" + network).resolve(file)));
      assertEquals(weights.size(), all.size());
      for (Weights.Summary w : all) {
        JsonNode on = null;
        for (var e : weights.properties()) {
          on = e.getKey().endsWith("/" + w.layer() + "/kernel") ? e.getValue() : on;
        }
        assertEquals(
            on.get("zero_fraction").doubleValue(), (double) w.zeros() / w.elements(), w.layer());
        assertEquals(
            on.get("abs_lt_0.001_fraction").doubleValue(),
            (double) w.below001() / w.elements(),
            w.layer());
        assertEquals(
            on.get("abs_lt_0.01_fraction").doubleValue(),
            (double) w.below01() / w.elements(),
            w.layer());
        boolean penalised = network.contains("_l1_") && !w.layer().equals("dense3");
        assertEquals(penalised ? "kernel L1 0.001" : "", w.regulariser(), w.layer());
      }
    }
  }
}
