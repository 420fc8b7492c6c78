package tacet.keras;

import java.util.ArrayList;
import java.util.List;

/** Which variables a layer has, in the order in which Keras makes and stores them. */
final class Variables {

  private Variables() {}

  /** The names of a layer's variables; none for layers without any. */
  static List<String> of(LayerSpec layer) {
    Config c = layer.config();
    List<String> names = new ArrayList<>();
    switch (layer.className()) {
      case "Dense",
          "Conv1D",
          "Conv2D",
          "Conv3D",
          "Conv1DTranspose",
          "Conv2DTranspose",
          "Conv3DTranspose" ->
          names.add("kernel");
      case "DepthwiseConv1D", "DepthwiseConv2D" -> names.add("depthwise_kernel");
      case "SeparableConv1D", "SeparableConv2D" -> {
        names.add("depthwise_kernel");
        names.add("pointwise_kernel");
      }
      case "BatchNormalization" -> {
        addScaleAndCenter(c, names);
        names.add("moving_mean");
        names.add("moving_variance");
        return names;
      }
      case "LayerNormalization" -> {
        boolean rms = c.flag("rms_scaling", false);
        if (rms || c.flag("scale", true)) {
          names.add("gamma");
        }
        if (!rms && c.flag("center", true)) {
          names.add("beta");
        }
        return names;
      }
      case "GroupNormalization" -> {
        addScaleAndCenter(c, names);
        return names;
      }
      case "PReLU" -> {
        return List.of("alpha");
      }
      case "Normalization" -> {
        return c.has("mean") ? List.of() : List.of("mean", "variance");
      }
      default -> {
        return List.of();
      }
    }
    if (c.flag("use_bias", true)) {
      names.add("bias");
    }
    return names;
  }

  private static void addScaleAndCenter(Config c, List<String> names) {
    if (c.flag("scale", true)) {
      names.add("gamma");
    }
    if (c.flag("center", true)) {
      names.add("beta");
    }
  }

  /** Whether training changes a variable by its gradient. */
  static boolean isTrainable(String variable) {
    return switch (variable) {
      case "moving_mean", "moving_variance", "mean", "variance" -> false;
      default -> true;
    };
  }
}
