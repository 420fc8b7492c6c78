package tacet;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tacet.graph.Graph;
import tacet.graph.Op;
import tacet.graph.Op.AutoPad;
import tacet.graph.Op.Window;
import tacet.kernels.SparseMode;
import tacet.profile.LayerProfile;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** A layer that skips zeros gives what it gives without, also where numbers are none. */
@Timeout(120)
class SkippingTest {

  private static final int IN = 96;
  private static final int OUT = 64;

  enum Layer {
    DENSE(1, 1),
    POINTWISE(7, 1),
    WINOGRAD(7, 3),
    TAPS(6, 2);

    final int extent;
    final int kernel;

    Layer(int extent, int kernel) {
      this.extent = extent;
      this.kernel = kernel;
    }

    int inputs() {
      return IN * extent * extent;
    }

    Shape input() {
      return this == DENSE ? Shape.of(1, IN) : Shape.of(1, IN, extent, extent);
    }

    float[] weights() {
      Random random = new Random(1);
      float[] w = new float[OUT * IN * kernel * kernel];
      for (int i = 0; i < w.length; i++) {
        w[i] = (float) random.nextGaussian() / 8;
      }
      return w;
    }

    Graph graph(float[] weights) {
      NetworkBuilder b = new NetworkBuilder("skipping", 1);
      Tensor bias = Tensor.of(Shape.of(OUT), new float[OUT]);
      if (this == DENSE) {
        String x = b.relu("before", b.input("x", 1, IN));
        return b.build(b.dense("layer", x, Tensor.of(Shape.of(OUT, IN), weights), bias));
      }
      int before = kernel / 2;
      Window window =
          new Window(
              List.of(kernel, kernel),
              List.of(1, 1),
              List.of(before, before),
              List.of(before, before),
              List.of(1, 1),
              AutoPad.EXPLICIT);
      Shape shape = Shape.of(OUT, IN, kernel, kernel);
      return b.build(
          b.node(
              "layer",
              new Op.Conv(window, 1),
              b.relu("before", b.input("x", 1, IN, extent, extent)),
              b.constant("weights", Tensor.of(shape, weights)),
              b.constant("bias", bias)));
    }

    /** A third of the channels zero in a row, and half of the others' values. */
    float[] sample() {
      Random random = new Random(2);
      float[] x = new float[inputs()];
      for (int i = IN / 3 * extent * extent; i < x.length; i++) {
        x[i] = random.nextBoolean() ? 0f : random.nextFloat();
      }
      return x;
    }
  }

  /** Kernels that are only timed have their weights packed by all threads too. */
  @ParameterizedTest
  @EnumSource
  void measuredOnTwoThreads(Layer layer) throws InterruptedException {
    float[] weights = layer.weights();
    Map<String, Tensor> input = Map.of("x", Tensor.of(layer.input(), layer.sample()));
    ModelOptions one = ModelOptions.defaults().withThreads(1).withSparse(SparseMode.OFF);
    ModelOptions two = ModelOptions.defaults().withThreads(2).withMeasure(true);
    try (Model dense = Model.of(layer.graph(weights), one);
        Model measured = Model.of(layer.graph(weights), two)) {
      assertArrayEquals(output(dense.run(input)), output(measured.run(input)), 1e-4f);
    }
  }

  private static Result run(Layer layer, float[] weights, float[] values, SparseMode mode)
      throws InterruptedException {
    ModelOptions options = ModelOptions.defaults().withThreads(1).withSparse(mode);
    try (Model model = Model.of(layer.graph(weights), options)) {
      return model.run(Map.of("x", Tensor.of(layer.input(), values)));
    }
  }

  private static float[] output(Result r) {
    return r.outputs().values().iterator().next().toFloats();
  }

  private static LayerProfile.Skipping skipping(Result r) {
    return r.profile().layer("layer").orElseThrow().skipping();
  }

  @ParameterizedTest
  @EnumSource
  void resultsAreTheSame(Layer layer) throws InterruptedException {
    Result off = run(layer, layer.weights(), layer.sample(), SparseMode.OFF);
    Result always = run(layer, layer.weights(), layer.sample(), SparseMode.ALWAYS);
    assertArrayEquals(output(off), output(always), 1e-4f);
    assertNull(skipping(off));
    assertNotNull(skipping(always));
    assertTrue(skipping(always).multiplyAdds() > 0);
  }

  @ParameterizedTest
  @EnumSource
  void weightsThatAreNoNumbersForbidSkipping(Layer layer) throws InterruptedException {
    for (float odd : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      float[] weights = layer.weights();
      // Of a channel whose values are zero: their products are not.
      weights[0] = odd;
      Result off = run(layer, weights, layer.sample(), SparseMode.OFF);
      Result always = run(layer, weights, layer.sample(), SparseMode.ALWAYS);
      assertNull(skipping(always));
      assertArrayEquals(output(off), output(always));
      assertTrue(Float.isNaN(output(always)[0]) || layer.kernel > 1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void valuesThatAreNoNumbersAreMultiplied(Layer layer) throws InterruptedException {
    for (float odd : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      float[] values = layer.sample();
      values[1] = odd;
      float[] off = output(run(layer, layer.weights(), values, SparseMode.OFF));
      float[] always = output(run(layer, layer.weights(), values, SparseMode.ALWAYS));
      int found = 0;
      for (int i = 0; i < off.length; i++) {
        boolean finite = Math.abs(off[i]) <= Float.MAX_VALUE;
        assertEquals(finite, Math.abs(always[i]) <= Float.MAX_VALUE, layer + " " + i);
        found += finite ? 0 : 1;
      }
      assertTrue(found >= OUT, layer + ": " + found);
    }
  }
}
