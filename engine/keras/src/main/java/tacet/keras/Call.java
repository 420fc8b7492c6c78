package tacet.keras;

import java.util.List;
import java.util.function.Supplier;
import tacet.error.ModelFormatException;
import tacet.graph.Node.Layer;
import tacet.graph.Node.Role;
import tacet.graph.Op;
import tacet.graph.ValueInfo;
import tacet.keras.Hdf5.Data;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * One application of a layer.
 *
 * @param layer what is applied
 * @param name the layer's name in the graph, where models are nested with theirs before it; the same for all calls, as are the
 *     weights called after it
 * @param value the name of what this call makes
 * @param inputs what it is applied to
 * @param arguments numbers beside or among the inputs; null at the position of an input
 * @param graph where its nodes go
 * @param store where its weights are
 * @param kerasVersion major version that wrote the file
 */
record Call(
    LayerSpec layer,
    String name,
    String value,
    List<Value> inputs,
    List<Double> arguments,
    GraphBuilder graph,
    WeightStore store,
    int kerasVersion) {

  Config config() {
    return layer.config();
  }

  Value input() {
    return inputs.getFirst();
  }

  ModelFormatException bad(String expected) {
    return config().bad(expected);
  }

  /** The data format that an image layer works in. */
  boolean channelsLast() {
    return switch (config().text("data_format", graph.defaultFormat())) {
      case "channels_last" -> true;
      case "channels_first" -> false;
      case String s -> throw bad("data_format " + s);
    };
  }

  /** Adds the node that computes this layer. */
  void add(Op op, String... inputNames) {
    addNamed(value, op, value, inputNames);
  }

  /** The same where the layer's value comes from the node's by another view. */
  void addNamed(String node, Op op, String output, String... inputNames) {
    graph.add(
        node,
        op,
        List.of(inputNames),
        output,
        new Layer(value, layer.className(), value, Role.RESULT));
  }

  /** The extent of an axis that must be known. */
  long known(int axis) {
    long d = input().dims()[axis];
    if (d == ValueInfo.UNKNOWN || d < 1) {
      throw bad("axis " + axis + " of its input " + input().describe() + " must be known");
    }
    return d;
  }

  /** An axis as Keras counts it, from 0. */
  int axis(int axis) {
    int rank = input().rank();
    if (axis < -rank || axis >= rank) {
      throw bad("axis " + axis + " of an input of rank " + rank);
    }
    return axis < 0 ? axis + rank : axis;
  }

  void requireRank(int rank) {
    if (input().rank() != rank) {
      throw bad("expected an input of rank " + rank + ", got " + input().describe());
    }
  }

  /**
   * A variable's values.
   *
   * @throws ModelFormatException where its shape is not this one
   */
  float[] weights(String variable, long... dims) {
    List<String> all = Variables.of(layer);
    Data d = store.of(layer, all).get(all.indexOf(variable));
    long[] found = d.dims();
    if (!java.util.Arrays.equals(found, dims)) {
      throw bad(
          "expected its "
              + variable
              + " to have the shape "
              + Value.describe(dims)
              + ", got "
              + Value.describe(found));
    }
    return d.floats();
  }

  /** A constant of the model's. */
  Tensor tensor(Shape shape, float... values) {
    return graph.tensor(shape, values);
  }

  /** The name of a constant made from a variable, made at the first call alone. */
  String constant(String variable, Supplier<Tensor> make) {
    String full = name + "/" + variable;
    if (!graph.hasConstant(full)) {
      graph.constant(full, make.get());
    }
    return full;
  }

  /** The name of a variable of one dimension as it is. */
  String vector(String variable, long length) {
    return constant(variable, () -> tensor(Shape.of(length), weights(variable, length)));
  }
}
