package tacet.onnx;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tacet.Model;
import tacet.ModelOptions;
import tacet.error.TacetException;
import tacet.graph.Graph;
import tacet.graph.ValueInfo;
import tacet.kernels.scalar.Elements;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * Reads, plans and runs damaged models: nothing but Tacet's own errors may come out, and soon. The property
 * {@code tacet.fuzz} is the number of models, {@code tacet.fuzz.seed} the first seed.
 */
final class OnnxFuzzTest {

  /** Generous: the machine may be busy with other things. */
  private static final long MOST_SECONDS = 60;

  private static final long MOST_ELEMENTS = 4096;

  @TempDir private Path folder;

  @Test
  void validSamplesRun() throws Exception {
    List<byte[]> samples = Samples.all();
    for (byte[] sample : samples) {
      Path file = Files.write(folder.resolve("sample.onnx"), sample);
      assertTrue(run(file), () -> "a sample has inputs too large to run");
      Files.delete(file);
    }
  }

  @Test
  void damagedModelsGiveTypedErrors() throws Exception {
    int count = Integer.getInteger("tacet.fuzz", 3000);
    long seed = Long.getLong("tacet.fuzz.seed", 1);
    List<byte[]> samples = Samples.all();
    int ran = 0;
    int refused = 0;
    for (int i = 0; i < count; i++) {
      byte[] bytes = new Mutator(seed + i, samples).next();
      Path file = Files.write(folder.resolve(i + ".onnx"), bytes);
      long start = System.nanoTime();
      try {
        ran += run(file) ? 1 : 0;
      } catch (TacetException e) {
        refused++;
      } catch (Throwable e) {
        fail("seed " + (seed + i) + ": " + Base64.getEncoder().encodeToString(bytes), e);
      }
      long seconds = (System.nanoTime() - start) / 1_000_000_000;
      if (seconds >= MOST_SECONDS) {
        fail("seed " + (seed + i) + " took " + seconds + " s");
      }
      Files.delete(file);
    }
    System.out.println("fuzz: " + count + " models, " + ran + " ran, " + refused + " refused");
  }

  /** False where the model's inputs are too large for a quick run. */
  private static boolean run(Path file) throws IOException, InterruptedException {
    Graph graph = new OnnxReader().read(file);
    Random random = new Random(1);
    Map<String, Tensor> inputs = new HashMap<>();
    for (ValueInfo v : graph.inputs()) {
      long[] dims = v.dims() == null ? new long[] {1, 3, 4, 5} : v.dims();
      long elements = 1;
      for (int i = 0; i < dims.length; i++) {
        dims[i] = dims[i] == ValueInfo.UNKNOWN ? 3 : dims[i];
        elements = dims[i] > MOST_ELEMENTS ? Long.MAX_VALUE : elements * dims[i];
        if (elements > MOST_ELEMENTS) {
          return false;
        }
      }
      Tensor t = Tensor.allocate(v.type(), Shape.of(dims));
      Elements e = new Elements(t.data(), t.type());
      for (long i = 0; i < elements; i++) {
        e.set(i, v.type().isFloating() ? random.nextGaussian() : random.nextInt(3));
      }
      inputs.put(v.name(), t);
    }
    try (Model model = Model.of(graph, ModelOptions.defaults().withThreads(1))) {
      model.run(inputs);
    }
    return true;
  }
}
