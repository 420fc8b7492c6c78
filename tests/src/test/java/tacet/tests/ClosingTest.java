package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** What a closed model gives back at once, whatever the garbage collector does. */
class ClosingTest {

  /** Native memory that a run returns to its caller, and what is forgotten in a plan's smallest corners: bytes. */
  private static final long RESULTS = 100_000;

  private static final int CYCLES = 5;

  private static long used(String pool) {
    return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
        .filter(p -> p.getName().equals(pool))
        .mapToLong(BufferPoolMXBean::getMemoryUsed)
        .sum();
  }

  private static void cycle(Path file, Backend backend, Tensor x)
      throws IOException, InterruptedException {
    ModelOptions options = ModelOptions.defaults().withThreads(1).withBackend(backend);
    try (Model model = Model.load(file, options)) {
      assertTrue(model.run(x).output().toFloats().length > 0);
    } catch (IllegalStateException e) {
      assumeTrue(false, e.getMessage());
    }
  }

  /** Its file is mapped, and parts of the graph are computed when it is planned. */
  @ParameterizedTest
  @EnumSource(names = {"AUTO", "VECTOR", "ONEDNN"})
  void givesBackNativeMemory(Backend backend) throws IOException, InterruptedException {
    // Weights made by the graph, which are as large as any; and weights in the file.
    Path made = Data.of("light/squeezenet/model.onnx");
    Path stored = Data.of("models/mnist_cntk/onnx/model.onnx");
    Tensor photo = Tensor.allocate(DataType.FLOAT32, Shape.of(1, 3, 224, 224));
    Tensor digit = Tensor.allocate(DataType.FLOAT32, Shape.of(1, 1, 28, 28));
    cycle(made, backend, photo);
    cycle(stored, backend, digit);
    long before = used("direct");
    long mapped = used("mapped");
    for (int i = 0; i < CYCLES; i++) {
      cycle(made, backend, photo);
      cycle(stored, backend, digit);
    }
    long grown = used("direct") - before;
    assertTrue(grown < CYCLES * RESULTS, grown + " bytes are still there");
    assertTrue(used("mapped") <= mapped, "a file is still mapped");
  }

  @Test
  void theGraphOfALoadedModelGoesWithIt() throws IOException {
    Path file = Data.of("models/mnist_cntk/onnx/model.onnx");
    Model model = Model.load(file);
    Tensor any =
        model.graph().constants().values().stream()
            .filter(t -> t.type() == DataType.FLOAT32)
            .findFirst()
            .orElseThrow();
    assertTrue(any.toFloats().length > 0);
    model.close();
    assertThrows(IllegalStateException.class, any::toFloats);
    // Read on its own it stays.
    assertEquals(
        any.shape().elements(),
        Model.read(file).constants().values().stream()
            .filter(t -> t.type() == DataType.FLOAT32)
            .findFirst()
            .orElseThrow()
            .toFloats()
            .length);
  }
}
