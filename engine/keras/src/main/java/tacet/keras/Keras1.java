package tacet.keras;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Brings what Keras 1 called otherwise into the words of Keras 2; layers of later versions stay as they are. */
final class Keras1 {

  private static final Map<String, String> CLASSES =
      Map.of(
          "Convolution2D", "Conv2D",
          "AtrousConvolution2D", "Conv2D",
          "SeparableConvolution2D", "SeparableConv2D");

  private static final Map<String, String> MERGES =
      Map.of(
          "sum", "Add",
          "mul", "Multiply",
          "ave", "Average",
          "max", "Maximum",
          "concat", "Concatenate");

  private static final Map<String, String> KEYS =
      Map.of(
          "nb_filter", "filters",
          "subsample", "strides",
          "border_mode", "padding",
          "atrous_rate", "dilation_rate",
          "bias", "use_bias",
          "W_regularizer", "kernel_regularizer",
          "b_regularizer", "bias_regularizer",
          "concat_axis", "axis");

  private Keras1() {}

  /** The class that a layer has in Keras 2. */
  static String className(String className, Map<String, Object> config) {
    if (className.equals("Merge") && config.get("mode") instanceof String mode) {
      return MERGES.getOrDefault(mode, className);
    }
    return CLASSES.getOrDefault(className, className);
  }

  /**
   * The configuration that a layer has in Keras 2. {@code dim_ordering} stays where it is Theano's, for which
   * {@link Layers} has no layer.
   *
   * @param className the layer's class in Keras 1
   */
  static Map<String, Object> config(String className, Map<String, Object> config) {
    boolean old =
        CLASSES.containsKey(className)
            || className.equals("Merge")
            || config.containsKey("border_mode")
            || config.containsKey("dim_ordering")
            || className.equals("Dense") && config.containsKey("output_dim");
    if (!old) {
      return config;
    }
    Map<String, Object> out = new LinkedHashMap<>();
    config.forEach((key, value) -> out.put(KEYS.getOrDefault(key, key), value));
    if (config.containsKey("nb_row")) {
      List<Object> kernel = new ArrayList<>();
      kernel.add(config.get("nb_row"));
      kernel.add(config.get("nb_col"));
      out.put("kernel_size", kernel);
    }
    if (className.equals("Dense")) {
      out.put("units", config.get("output_dim"));
    }
    if ("tf".equals(config.get("dim_ordering"))) {
      out.put("data_format", "channels_last");
      out.remove("dim_ordering");
    }
    if (className.equals("ZeroPadding2D")
        && config.get("padding") instanceof List<?> p
        && p.size() == 4) {
      // Top, bottom, left, right.
      out.put("padding", List.of(p.subList(0, 2), p.subList(2, 4)));
    }
    return out;
  }
}
