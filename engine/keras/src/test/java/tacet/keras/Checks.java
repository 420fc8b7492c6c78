package tacet.keras;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.Result;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Runs files of both kinds with every backend. */
final class Checks {

  private Checks() {}

  static List<ModelOptions> options() {
    ModelOptions one = ModelOptions.defaults().withThreads(1);
    return List.of(
        one.withBackend(Backend.VECTOR),
        one.withBackend(Backend.VECTOR).withFuse(false),
        one.withBackend(Backend.SCALAR));
  }

  /** Asserts that both files of a model of one input and one output give these values. */
  static void gives(
      KerasFile file, Path folder, Tensor input, long[] shape, double[] expected, String what)
      throws IOException, InterruptedException {
    for (Path path : List.of(file.keras(folder), file.h5(folder))) {
      for (ModelOptions o : options()) {
        try (Model model = Model.load(path, o)) {
          Result r = model.run(input);
          assertClose(
              shape, expected, r.output(model.outputs().getFirst().name()), what + ", " + o);
        }
      }
    }
  }

  static void gives(KerasFile file, Path folder, Nhwc input, Nhwc expected, String what)
      throws IOException, InterruptedException {
    gives(file, folder, tensor(input), shape(expected), expected.data(), what);
  }

  static Tensor tensor(Nhwc x) {
    return Tensor.of(Shape.of(x.n(), x.h(), x.w(), x.c()), x.floats());
  }

  static long[] shape(Nhwc x) {
    return new long[] {x.n(), x.h(), x.w(), x.c()};
  }

  static Map<String, Tensor> run(Path path, Map<String, Tensor> inputs)
      throws IOException, InterruptedException {
    try (Model model = Model.load(path, ModelOptions.defaults().withThreads(1))) {
      return model.run(inputs).outputs();
    }
  }

  /** Within 2e-5 of the largest magnitude: float32 sums of some hundred terms. */
  static void assertClose(long[] shape, double[] expected, Tensor got, String what) {
    assertEquals(Shape.of(shape), got.shape(), what);
    double scale = 1e-3;
    for (double e : expected) {
      scale = Math.max(scale, Math.abs(e));
    }
    float[] values = got.toFloats();
    for (int i = 0; i < values.length; i++) {
      int at = i;
      assertTrue(
          Math.abs(values[i] - expected[i]) <= 2e-5 * scale,
          () -> what + ": element " + at + ": expected " + expected[at] + ", got " + values[at]);
    }
  }

  static void assertShape(long[] expected, long[] got) {
    assertArrayEquals(expected, got);
  }
}
