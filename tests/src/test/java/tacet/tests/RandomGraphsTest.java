package tacet.tests;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.Result;
import tacet.tensor.Tensor;

/** Random networks against what ONNX Runtime gave: outputs, and the zeros of every layer. */
class RandomGraphsTest {

  private static Stream<Arguments> randomGraphs() {
    ModelOptions two = ModelOptions.defaults().withThreads(2);
    return Stream.of(two, two.withFuse(false), two.withBackend(Backend.SCALAR), two.withThreads(1))
        .flatMap(o -> IntStream.of(1, 2, 4, 5, 6).mapToObj(i -> Arguments.of("cnn_00" + i, o)));
  }

  @ParameterizedTest
  @MethodSource("randomGraphs")
  void randomGraph(String graph, ModelOptions options) throws IOException, InterruptedException {
    Path folder = Data.of("random-graphs/" + graph);
    try (Model model = Model.load(folder.resolve("model.onnx"), options)) {
      String input = model.inputs().getFirst().name();
      Tensor x = Golden.read(folder.resolve("input__" + input + ".npy"));
      Result result = model.run(x);
      for (var output : model.outputs()) {
        Golden.assertClose(
            Golden.read(folder.resolve("output__" + output.name() + ".npy")),
            result.output(output.name()),
            Golden.CLOSE,
            output.name());
      }
      Golden.assertZeros(
          folder.resolve("sparsity.json"),
          result,
          !options.fuse(),
          name -> model.run(Map.of(input, x), Set.of(name)).output(name));
    }
  }
}
