package tacet.bench;

import java.util.LinkedHashMap;
import java.util.Map;
import tacet.graph.Graph;
import tacet.graph.ValueInfo;
import tacet.insight.Presets;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Noise for whatever a network takes. */
final class ModelInputs {

  /** Free sides of an input image. */
  private static final int FREE_SIDE = 224;

  private ModelInputs() {}

  /**
   * Normal noise for every input, from one seed.
   *
   * @throws IllegalArgumentException where an input is no float32 tensor of known rank
   */
  static Map<String, Tensor> noise(Graph graph, long seed) {
    Map<String, Tensor> inputs = new LinkedHashMap<>();
    for (ValueInfo in : graph.inputs()) {
      long[] dims = in.dims();
      if (dims == null || in.type() != DataType.FLOAT32) {
        throw new IllegalArgumentException(
            graph.source() + ": input '" + in.name() + "' is no float32 tensor of known rank");
      }
      for (int i = 0; i < dims.length; i++) {
        dims[i] = dims[i] != ValueInfo.UNKNOWN ? dims[i] : i == 0 ? 1 : FREE_SIDE;
      }
      inputs.put(in.name(), Presets.noise(Shape.of(dims), seed));
    }
    return inputs;
  }
}
