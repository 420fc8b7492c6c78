package tacet.keras;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What a layer's training penalised, in words: {@code kernel L1 0.001}. */
final class Regularisers {

  private static final List<String> WHAT =
      List.of("kernel", "pointwise", "depthwise", "bias", "activity");

  private Regularisers() {}

  /** All of a layer's regularisers; empty where it has none. */
  static String describe(Config layer) {
    List<String> all = new ArrayList<>();
    boolean separable = layer.has("pointwise_initializer") || layer.has("pointwise_regularizer");
    for (String what : WHAT) {
      // The depthwise part of a separable convolution is a node of its own.
      if (!(separable && what.equals("depthwise"))) {
        add(layer, what, all);
      }
    }
    return String.join("; ", all);
  }

  /** The regulariser of one kind of weights; empty where there is none. */
  static String describe(Config layer, String what) {
    List<String> all = new ArrayList<>();
    add(layer, what, all);
    return String.join("; ", all);
  }

  private static void add(Config layer, String what, List<String> into) {
    Object o = layer.raw(what + "_regularizer");
    if (o instanceof String s) {
      // By name alone, with Keras' default factor.
      into.add(what + " " + s.toUpperCase(Locale.ROOT) + (s.length() == 2 ? " 0.01" : ""));
      return;
    }
    Config whole = layer.object(what + "_regularizer");
    if (whole == null) {
      return;
    }
    // Keras 1 wrote the factors beside the name.
    Config c = whole.object("config") == null ? whole : whole.object("config");
    List<String> parts = new ArrayList<>();
    for (String key : List.of("l1", "l2")) {
      double factor = c.real(key, 0);
      if (factor != 0) {
        parts.add(key.toUpperCase(Locale.ROOT) + " " + plain(factor));
      }
    }
    if (parts.isEmpty() && !c.has("l1") && !c.has("l2")) {
      parts.add(whole.text("class_name", "regulariser"));
    }
    if (!parts.isEmpty()) {
      into.add(what + " " + String.join(" + ", parts));
    }
  }

  /** Keras stores factors as float32: 0.0010000000474974513 was 0.001. */
  private static String plain(double factor) {
    float f = (float) factor;
    return Float.isFinite(f)
        ? new BigDecimal(Float.toString(f)).stripTrailingZeros().toPlainString()
        : Double.toString(factor);
  }
}
