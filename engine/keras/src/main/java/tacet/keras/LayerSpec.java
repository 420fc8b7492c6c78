package tacet.keras;

import java.util.List;

/**
 * A layer as a model's file describes it.
 *
 * @param className Keras class, for example {@code Conv2D}
 * @param name the layer's name, unique in its model
 * @param operation whether it is an operation on tensors ({@code keras.ops}) rather than a layer
 * @param config what it is made of
 * @param calls where it is applied, in order
 * @param model the model it is, where models are nested; otherwise null
 */
record LayerSpec(
    String className,
    String name,
    boolean operation,
    Config config,
    List<List<Argument>> calls,
    ModelSpec model) {

  LayerSpec {
    calls = List.copyOf(calls);
  }

  /** What a call is given. */
  sealed interface Argument {

    /**
     * An output of another layer's call.
     *
     * @param layer the layer's name
     * @param call number of the call, from 0
     * @param tensor number of the output
     */
    record Tensor(String layer, int call, int tensor) implements Argument {}

    /** A number known beforehand. */
    record Scalar(double value) implements Argument {}
  }

  /** The layer's place in messages. */
  String place() {
    return "layer " + name + " (" + className + ")";
  }

  boolean isInput() {
    return className.equals("InputLayer");
  }
}
