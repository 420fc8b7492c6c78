package tacet.keras;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tacet.error.ModelFormatException;
import tacet.keras.LayerSpec.Argument;

/**
 * A Sequential or Functional model as its configuration describes it; a Sequential one as the chain it is.
 *
 * @param name the model's name
 * @param layers its layers, in the file's order
 * @param inputs the input layers' outputs, in the order of the model's arguments
 * @param outputs what the model returns
 */
record ModelSpec(
    String name,
    List<LayerSpec> layers,
    List<Argument.Tensor> inputs,
    List<Argument.Tensor> outputs) {

  ModelSpec {
    layers = List.copyOf(layers);
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /** Whether an object of a configuration describes a model rather than a layer. */
  private static boolean isModel(String className, Object config) {
    return className.equals("Sequential")
        || config instanceof Map<?, ?> m
            && m.containsKey("layers")
            && m.containsKey("input_layers")
            && m.containsKey("output_layers");
  }

  /**
   * Reads a model's configuration.
   *
   * @param whole object with {@code class_name} and {@code config}
   * @throws ModelFormatException where it is neither of a Sequential nor of a Functional model, or is inconsistent
   */
  static ModelSpec of(Config whole) {
    String className = whole.text("class_name", "");
    if (!isModel(className, whole.raw("config"))) {
      throw whole.bad(
          "expected a Sequential or Functional model, got "
              + (className.isEmpty() ? "no class_name" : className)
              + " (a model defined in Python code is not described by its file)");
    }
    return model(whole, className);
  }

  private static ModelSpec model(Config whole, String className) {
    if (className.equals("Sequential")) {
      return sequential(whole);
    }
    return functional(whole.object("config"));
  }

  // ---------------------------------------------------------------- sequential

  private static ModelSpec sequential(Config whole) {
    List<?> list;
    String name = "sequential";
    long[] inputShape = null;
    if (whole.raw("config") instanceof List<?> bare) {
      // Before Keras 2.2.3.
      list = bare;
    } else {
      Config config = whole.object("config");
      if (config == null) {
        throw whole.bad("expected a config");
      }
      list = config.list("layers");
      name = config.text("name", name);
      inputShape = config.shape("build_input_shape");
    }
    List<LayerSpec> layers = new ArrayList<>();
    for (Object o : list) {
      layers.add(layer(item(whole, o), null));
    }
    if (layers.isEmpty()) {
      throw whole.bad("the model has no layers");
    }
    if (!layers.getFirst().isInput()) {
      layers.addFirst(inputOf(layers.getFirst(), inputShape));
    }
    List<LayerSpec> chain = new ArrayList<>();
    Argument.Tensor last = null;
    Map<String, Integer> names = new HashMap<>();
    for (LayerSpec l : layers) {
      if (names.put(l.name(), 0) != null) {
        throw l.config().bad("the name is given twice");
      }
      List<List<Argument>> calls = last == null ? List.of(List.of()) : List.of(List.of(last));
      chain.add(
          new LayerSpec(l.className(), l.name(), l.operation(), l.config(), calls, l.model()));
      last = new Argument.Tensor(l.name(), 0, 0);
    }
    return new ModelSpec(
        name, chain, List.of(new Argument.Tensor(chain.getFirst().name(), 0, 0)), List.of(last));
  }

  /** The input that a Sequential model leaves unsaid: its shape is its first layer's. */
  private static LayerSpec inputOf(LayerSpec first, long[] buildShape) {
    Config config = first.config();
    Map<String, Object> map = new LinkedHashMap<>();
    Object shape = config.raw("batch_input_shape");
    if (shape == null) {
      shape = config.raw("batch_shape");
    }
    if (shape == null && first.model() != null) {
      ModelSpec inner = first.model();
      shape =
          inner.layers().stream()
              .filter(l -> l.name().equals(inner.inputs().getFirst().layer()))
              .findFirst()
              .map(
                  l ->
                      l.config()
                          .raw(l.config().has("batch_shape") ? "batch_shape" : "batch_input_shape"))
              .orElse(null);
    }
    if (shape == null && buildShape != null) {
      List<Object> dims = new ArrayList<>();
      for (long d : buildShape) {
        dims.add(d < 0 ? null : d);
      }
      shape = dims;
    }
    map.put("batch_shape", shape);
    map.put("dtype", config.raw("dtype") instanceof String s ? s : null);
    String name = first.name() + "_input";
    return new LayerSpec(
        "InputLayer",
        name,
        false,
        new Config(config.file(), "layer " + name + " (InputLayer)", map),
        List.of(),
        null);
  }

  // ---------------------------------------------------------------- functional

  private static ModelSpec functional(Config config) {
    List<LayerSpec> layers = new ArrayList<>();
    Map<String, LayerSpec> byName = new HashMap<>();
    for (Object o : config.list("layers")) {
      Config item = item(config, o);
      LayerSpec l = layer(item, item.text("name", null));
      if (byName.put(l.name(), l) != null) {
        throw l.config().bad("the name is given twice");
      }
      layers.add(l);
    }
    Map<String, Integer> firstCalls = firstCalls(layers);
    List<LayerSpec> resolved = new ArrayList<>();
    for (LayerSpec l : layers) {
      List<List<Argument>> calls = new ArrayList<>();
      for (List<Argument> call : l.calls()) {
        List<Argument> arguments = new ArrayList<>();
        for (Argument a : call) {
          arguments.add(
              a instanceof Argument.Tensor t
                  ? checked(l.config(), byName, t, firstCalls.getOrDefault(t.layer(), 0))
                  : a);
        }
        calls.add(arguments);
      }
      resolved.add(
          new LayerSpec(l.className(), l.name(), l.operation(), l.config(), calls, l.model()));
    }
    return new ModelSpec(
        config.text("name", "model"),
        resolved,
        ends(config, "input_layers", byName),
        ends(config, "output_layers", byName));
  }

  /**
   * Where a nested model's calls are numbered from: it may have been called once already when it was made, and files of
   * different versions count that call or not. The references to it tell.
   */
  private static Map<String, Integer> firstCalls(List<LayerSpec> layers) {
    Map<String, int[]> used = new HashMap<>();
    for (LayerSpec l : layers) {
      for (List<Argument> call : l.calls()) {
        for (Argument a : call) {
          if (a instanceof Argument.Tensor t) {
            int[] range = used.computeIfAbsent(t.layer(), _ -> new int[] {t.call(), t.call()});
            range[0] = Math.min(range[0], t.call());
            range[1] = Math.max(range[1], t.call());
          }
        }
      }
    }
    Map<String, Integer> first = new HashMap<>();
    for (LayerSpec l : layers) {
      int[] range = used.get(l.name());
      if (l.model() != null && range != null && range[0] > 0 && range[1] >= l.calls().size()) {
        first.put(l.name(), 1);
      }
    }
    return first;
  }

  private static Argument.Tensor checked(
      Config where, Map<String, LayerSpec> byName, Argument.Tensor t, int firstCall) {
    LayerSpec maker = byName.get(t.layer());
    int call = t.call() - firstCall;
    int outputs = maker == null || maker.model() == null ? 1 : maker.model().outputs().size();
    // Input layers are called by nobody.
    int calls = maker == null ? 0 : maker.isInput() ? 1 : maker.calls().size();
    if (call < 0 || call >= calls || t.tensor() < 0 || t.tensor() >= outputs) {
      throw where.bad(
          "reads output "
              + t.tensor()
              + " of call "
              + t.call()
              + " of '"
              + t.layer()
              + "', which there is not");
    }
    return new Argument.Tensor(t.layer(), call, t.tensor());
  }

  private static List<Argument.Tensor> ends(
      Config config, String key, Map<String, LayerSpec> byName) {
    List<Argument.Tensor> ends = new ArrayList<>();
    references(config, key, config.raw(key), ends);
    if (ends.isEmpty()) {
      throw config.bad("the model has no " + key);
    }
    List<Argument.Tensor> checked = new ArrayList<>();
    for (Argument.Tensor t : ends) {
      LayerSpec l = byName.get(t.layer());
      // A nested Functional model's calls are numbered from 1 here, in all versions.
      boolean fromOne = l != null && l.model() != null && t.call() > 0;
      checked.add(checked(config.at(key), byName, t, fromOne ? 1 : 0));
    }
    return checked;
  }

  /** One reference {@code [layer, call, tensor]}, or a list or an object of such. */
  private static void references(Config config, String key, Object o, List<Argument.Tensor> into) {
    switch (o) {
      case List<?> l when l.size() >= 3 && l.getFirst() instanceof String ->
          into.add(reference(config, l));
      case List<?> l -> l.forEach(e -> references(config, key, e, into));
      case Map<?, ?> m -> {
        // In the order of the keys, as Keras flattens dictionaries.
        new TreeMap<>(Config.cast(m)).values().forEach(e -> references(config, key, e, into));
      }
      case null, default -> throw config.bad("expected references to layers for " + key);
    }
  }

  private static Argument.Tensor reference(Config config, List<?> l) {
    if (l.size() >= 3
        && l.get(0) instanceof String name
        && l.get(1) instanceof Long call
        && l.get(2) instanceof Long tensor
        && call <= Integer.MAX_VALUE
        && tensor <= Integer.MAX_VALUE) {
      return new Argument.Tensor(name, (int) (long) call, (int) (long) tensor);
    }
    throw config.bad("expected a reference [layer, call, output], got " + brief(l));
  }

  private static String brief(Object o) {
    String text = String.valueOf(o);
    return text.length() > 80 ? text.substring(0, 80) + "…" : text;
  }

  // ---------------------------------------------------------------- layers

  private static Config item(Config parent, Object o) {
    if (o instanceof Map<?, ?> m) {
      return new Config(parent.file(), parent.place(), Config.cast(m));
    }
    throw parent.bad("expected a layer, got " + brief(o));
  }

  /**
   * @param outerName the name beside the class; null where only the layer's own configuration has it
   */
  private static LayerSpec layer(Config item, String outerName) {
    String writtenClass = item.text("class_name", "");
    String module = item.text("module", "");
    Object inner = item.raw("config");
    Map<String, Object> written = inner instanceof Map<?, ?> m ? Config.cast(m) : Map.of();
    String className = Keras1.className(writtenClass, written);
    String name = outerName;
    if (name == null && inner instanceof Map<?, ?> m && m.get("name") instanceof String s) {
      name = s;
    }
    if (name == null) {
      name = className.toLowerCase(java.util.Locale.ROOT);
    }
    if (name.isEmpty() || className.isEmpty()) {
      throw item.bad("a layer without a name or class");
    }
    String place = "layer " + name + " (" + className + ")";
    boolean nested = isModel(className, inner);
    Map<String, Object> map = nested ? written : Keras1.config(writtenClass, written);
    List<List<Argument>> calls = new ArrayList<>();
    for (Object o : item.list("inbound_nodes")) {
      calls.add(call(item.at(place), o));
    }
    return new LayerSpec(
        className,
        name,
        module.startsWith("keras.src.ops") || module.startsWith("keras.ops"),
        new Config(item.file(), place, map),
        calls,
        nested ? model(item.at(place), className) : null);
  }

  /** One application of a layer, in the form of Keras 3 ({@code args}, {@code kwargs}) or of those before. */
  private static List<Argument> call(Config layer, Object o) {
    List<Argument> arguments = new ArrayList<>();
    switch (o) {
      case Map<?, ?> m -> {
        collect(layer, m.get("args"), arguments);
        if (m.get("kwargs") instanceof Map<?, ?> k) {
          keywords(layer, k, arguments);
        }
      }
      case List<?> l when !l.isEmpty() && l.getFirst() instanceof String ->
          legacy(layer, l, arguments);
      case List<?> l -> {
        for (Object e : l) {
          if (!(e instanceof List<?> reference)) {
            throw layer.bad("expected a reference [layer, call, output], got " + brief(e));
          }
          legacy(layer, reference, arguments);
        }
      }
      case null, default -> throw layer.bad("expected a call, got " + brief(o));
    }
    return arguments;
  }

  private static void legacy(Config layer, List<?> reference, List<Argument> into) {
    into.add(reference(layer, reference));
    if (reference.size() > 3 && reference.get(3) instanceof Map<?, ?> k) {
      keywords(layer, k, into);
    }
  }

  /** Keyword arguments: tensors are inputs; {@code training} and masks change nothing here. */
  private static void keywords(Config layer, Map<?, ?> keywords, List<Argument> into) {
    keywords.forEach(
        (key, value) -> {
          boolean ignored = key.equals("training") || key.equals("mask");
          if (!ignored && value != null) {
            collect(layer, value, into);
          }
        });
  }

  private static void collect(Config layer, Object o, List<Argument> into) {
    switch (o) {
      case Map<?, ?> m when "__keras_tensor__".equals(m.get("class_name")) -> {
        if (m.get("config") instanceof Map<?, ?> c && c.get("keras_history") instanceof List<?> h) {
          into.add(reference(layer, h));
        } else {
          throw layer.bad("expected a keras_history, got " + brief(m));
        }
      }
      case Map<?, ?> m ->
          new TreeMap<>(Config.cast(m)).values().forEach(v -> collect(layer, v, into));
      case List<?> l -> l.forEach(e -> collect(layer, e, into));
      case Number n -> into.add(new Argument.Scalar(n.doubleValue()));
      case null, default -> {}
    }
  }
}
