package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.NetworkBuilder;
import tacet.Result;
import tacet.graph.Graph;
import tacet.graph.Op;
import tacet.graph.Op.AutoPad;
import tacet.graph.Op.PoolKind;
import tacet.graph.Op.Window;
import tacet.profile.LayerProfile;
import tacet.profile.LayerProfile.Counts;
import tacet.tensor.Tensor;

/** A convolution and the pool behind it in bands of rows give what they give one after the other. */
class BandsTest {

  /** Input channels and extents, then filters, kernel and stride of the convolution; kernel, stride, padding, dilation of the pool. */
  @ParameterizedTest
  @CsvSource({
    "3, 131, 127, 24, 3, 1, 3, 2, 1, 1",
    "3, 263, 131, 64, 3, 2, 2, 2, 0, 1",
    "3, 263, 131, 64, 3, 2, 3, 2, 0, 1",
    "32, 67, 61, 128, 1, 1, 3, 1, 1, 1",
    "32, 67, 61, 128, 1, 1, 2, 5, 0, 1",
    "5, 129, 113, 40, 5, 1, 3, 3, 1, 2"
  })
  void outputsAndCountsAreTheSame(
      int channels,
      int height,
      int width,
      int filters,
      int kernel,
      int stride,
      int pool,
      int poolStride,
      int padding,
      int dilation)
      throws InterruptedException {
    assumeTrue(
        ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent(),
        "bands are for SIMD kernels");
    Window window =
        new Window(
            List.of(pool, pool),
            List.of(poolStride, poolStride),
            List.of(padding, padding),
            List.of(padding, padding),
            List.of(dilation, dilation),
            AutoPad.EXPLICIT);
    for (PoolKind kind : List.of(PoolKind.MAX, PoolKind.AVERAGE)) {
      NetworkBuilder b = new NetworkBuilder("bands", 3);
      String x = b.input("x", 2, channels, height, width);
      x = b.relu("relu", b.convolution("conv", x, filters, kernel, stride, kernel / 2));
      Graph graph = b.build(b.node("pool", new Op.Pool(kind, window, true, false, 2, false), x));
      Tensor in = Networks.random(new Random(5), 1f, 2, channels, height, width);
      for (int threads = 1; threads <= 3; threads++) {
        ModelOptions options =
            ModelOptions.defaults().withBackend(Backend.VECTOR).withThreads(threads);
        try (Model model = Model.of(graph, options)) {
          // A value that is asked for is formed.
          Result whole = model.run(Map.of("x", in), Set.of("pool", "relu"));
          Result bands = model.run(in);
          // Narrow vectors hold three channels well enough for Winograd's algorithm, which has no
          // bands.
          boolean can =
              !bands.profile().layer("conv").orElseThrow().kernel().startsWith("winograd");
          assertFalse(isInBands(whole));
          assertEquals(can, isInBands(bands));
          assertArrayEquals(whole.output("pool").toFloats(), bands.output("pool").toFloats());
          for (LayerProfile layer : bands.profile().layers()) {
            assertSame(whole.profile().layer(layer.name()).orElseThrow().counts(), layer.counts());
          }
        }
      }
    }
  }

  /** The pool reads the convolution's output by another name, and somebody else by its own. */
  @Test
  void anImageThatOthersReadIsFormed() throws InterruptedException {
    assumeTrue(
        ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent(),
        "bands are for SIMD kernels");
    NetworkBuilder b = new NetworkBuilder("names", 3);
    String x = b.convolution("conv", b.input("x", 1, 3, 128, 130), 24, 3, 1, 1);
    String pool = b.maxPool("pool", b.node("name", new Op.Identity(), x), 2, 2);
    Graph graph = b.build(pool, b.globalAveragePool("mean", x));
    Tensor in = Networks.random(new Random(5), 1f, 1, 3, 128, 130);
    ModelOptions options = ModelOptions.defaults().withThreads(2).withFuse(false);
    try (Model model = Model.of(graph, options.withBackend(Backend.VECTOR));
        Model scalar = Model.of(graph, options.withBackend(Backend.SCALAR))) {
      Result expected = scalar.run(in);
      Result actual = model.run(in);
      for (String output : List.of("pool", "mean")) {
        assertArrayEquals(
            expected.output(output).toFloats(), actual.output(output).toFloats(), 1e-5f);
      }
    }
  }

  private static boolean isInBands(Result result) {
    return result.profile().layer("pool").orElseThrow().reason().contains("along with");
  }

  private static void assertSame(Counts expected, Counts actual) {
    assertEquals(expected.elements(), actual.elements());
    assertEquals(expected.zeros(), actual.zeros());
    assertEquals(expected.nearZeros(), actual.nearZeros());
    assertEquals(expected.negatives(), actual.negatives());
    assertArrayEquals(expected.zerosPerChannel(), actual.zerosPerChannel());
  }
}
