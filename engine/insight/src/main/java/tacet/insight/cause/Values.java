package tacet.insight.cause;

import java.util.HashMap;
import java.util.Map;
import tacet.graph.Graph;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * The values of one run, channels first.
 *
 * @param floats float32 values by name
 * @param others values of other types
 */
record Values(Map<String, Value> floats, Map<String, Tensor> others) {

  /**
   * One value.
   *
   * @param shape [N, C, spatial…]
   * @param data row-major
   */
  record Value(Shape shape, float[] data) {

    int images() {
      return shape.rank() == 0 ? 1 : shape.rank() == 1 ? 1 : shape.intDim(0);
    }

    /** Units: the second axis; the only one where there is one. */
    int channels() {
      return shape.rank() == 0 ? 1 : Math.max(1, shape.intDim(shape.rank() == 1 ? 0 : 1));
    }

    /** Positions per image and channel. */
    int positions() {
      return images() == 0 ? 0 : data.length / images() / channels();
    }

    int height() {
      return shape.rank() == 4 ? shape.intDim(2) : 1;
    }

    int width() {
      return shape.rank() == 4 ? shape.intDim(3) : positions();
    }

    /** Without an eighth of each side, where padding shows beside the image. */
    Value inner() {
      int top = height() / 8;
      int left = width() / 8;
      if (shape.rank() != 4 || top == 0 || left == 0) {
        return this;
      }
      int rows = height() - 2 * top;
      int columns = width() - 2 * left;
      float[] out = new float[images() * channels() * rows * columns];
      for (int plane = 0; plane < images() * channels(); plane++) {
        for (int y = 0; y < rows; y++) {
          int from = (plane * height() + top + y) * width() + left;
          System.arraycopy(data, from, out, (plane * rows + y) * columns, columns);
        }
      }
      return new Value(Shape.of(images(), channels(), rows, columns), out);
    }
  }

  /** Brings the results of a run into the order the graph's operators speak of. */
  static Values of(Map<String, Tensor> results, Graph graph) {
    Map<String, Value> floats = new HashMap<>();
    Map<String, Tensor> others = new HashMap<>();
    results.forEach(
        (name, t) -> {
          if (t.type() == DataType.FLOAT32) {
            floats.put(name, value(t, graph.channelsLast().contains(name)));
          } else {
            others.put(name, t);
          }
        });
    return new Values(floats, others);
  }

  /** A tensor as a model sees it, channels first. */
  static Value value(Tensor t, boolean channelsLast) {
    float[] data = t.toFloats();
    Shape s = t.shape();
    if (!channelsLast || s.rank() < 3) {
      return new Value(s, data);
    }
    long[] dims = s.dims();
    int channels = Math.toIntExact(dims[dims.length - 1]);
    System.arraycopy(dims, 1, dims, 2, dims.length - 2);
    dims[1] = channels;
    int images = s.intDim(0);
    int positions = images == 0 || channels == 0 ? 0 : data.length / images / channels;
    float[] out = new float[data.length];
    for (int n = 0; n < images; n++) {
      int base = n * channels * positions;
      for (int p = 0; p < positions; p++) {
        for (int c = 0; c < channels; c++) {
          out[base + c * positions + p] = data[base + p * channels + c];
        }
      }
    }
    return new Value(Shape.of(dims), out);
  }
}
