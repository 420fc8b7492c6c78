package tacet.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.NetworkBuilder;
import tacet.graph.Graph;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** What is written is read back as the same network. */
class GraphFileTest {

  private static final Shape IMAGE = Shape.of(1, 3, 20, 20);

  @TempDir private Path folder;

  @Test
  void sameOutputs() throws Exception {
    NetworkBuilder b = new NetworkBuilder("written", 3);
    String x = b.input("image", 1, 3, 20, 20);
    x = b.relu("relu1", b.convolution("conv1", x, 8, 3, 2, 1));
    x = b.maxPool("pool1", x, 3, 2);
    x = b.convolution("conv2", x, 5, 1, 1, 0);
    Graph graph = b.build(b.relu("relu2", b.dense("dense", b.flatten("flat", x), 7)));
    Path file = folder.resolve("network.onnx");
    GraphFile.write(file, graph);
    SplittableRandom random = new SplittableRandom(4);
    float[] pixels = new float[(int) IMAGE.elements()];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (float) random.nextGaussian();
    }
    assertArrayEquals(outputs(graph, pixels), outputs(Model.read(file), pixels));
  }

  private static float[] outputs(Graph graph, float[] pixels) throws InterruptedException {
    ModelOptions options = ModelOptions.defaults().withBackend(Backend.SCALAR);
    try (Model model = Model.of(graph, options)) {
      return model.run(Tensor.of(IMAGE, pixels)).output().toFloats();
    }
  }

  @Test
  void otherOperators() {
    NetworkBuilder b = new NetworkBuilder("not written", 3);
    String x = b.input("image", 1, 3, 20, 20);
    Graph graph = b.build(b.softmax("softmax", b.dense("dense", b.flatten("flat", x), 7)));
    Path file = folder.resolve("network.onnx");
    assertThrows(IllegalArgumentException.class, () -> GraphFile.write(file, graph));
    assertFalse(Files.exists(file));
  }
}
