package tacet.keras;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import tacet.keras.Hdf5.Data;
import tacet.keras.Hdf5.Folder;

/** Where the weights of one model's layers are in an HDF5 file. */
sealed interface WeightStore {

  /**
   * A layer's variables.
   *
   * @param variables their names, in the order in which Keras makes them
   * @throws tacet.error.ModelFormatException where some are missing
   */
  List<Data> of(LayerSpec layer, List<String> variables);

  /** The store of a model that is a layer of this one. */
  WeightStore inner(LayerSpec layer);

  /**
   * Weights as Keras 3 stores them: a group per layer called after its class, {@code conv2d_1} for the second Conv2D, whose
   * group {@code vars} holds the variables by number and has the layer's name as an attribute.
   */
  final class Numbered implements WeightStore {

    private static final Pattern NO_WORD = Pattern.compile("\\W+");
    private static final Pattern BEFORE_WORD = Pattern.compile("(.)([A-Z][a-z]+)");
    private static final Pattern BEFORE_CAPITAL = Pattern.compile("([a-z])([A-Z])");

    private final Map<String, Folder> byLayer = new HashMap<>();

    Numbered(ModelSpec model, Folder folder) {
      Folder layers = folder == null ? null : folder.folder("layers");
      if (layers == null && folder != null) {
        // As written by TensorFlow 2.12.
        layers = folder.folder("_layer_checkpoint_dependencies");
      }
      if (layers == null) {
        return;
      }
      Map<String, Integer> counts = new HashMap<>();
      for (LayerSpec l : model.layers()) {
        if (l.operation()) {
          continue;
        }
        String base = snakeCase(l.className());
        int number = counts.merge(base, 1, Integer::sum) - 1;
        Folder f = layers.folder(number == 0 ? base : base + "_" + number);
        if (f != null) {
          byLayer.put(l.name(), f);
        }
      }
      byOwnName(model, layers);
    }

    /** What the groups themselves say they belong to goes before the count. */
    private void byOwnName(ModelSpec model, Folder layers) {
      Map<String, Folder> named = new HashMap<>();
      for (String group : layers.names()) {
        Folder f = layers.folder(group);
        Folder variables = f == null ? null : f.folder("vars");
        String owner = variables == null ? null : variables.text("name");
        if (owner != null) {
          named.put(owner, f);
        }
      }
      for (LayerSpec l : model.layers()) {
        if (named.containsKey(l.name())) {
          byLayer.put(l.name(), named.get(l.name()));
        }
      }
    }

    static String snakeCase(String className) {
      String s = NO_WORD.matcher(className).replaceAll("");
      s = BEFORE_WORD.matcher(s).replaceAll("$1_$2");
      return BEFORE_CAPITAL.matcher(s).replaceAll("$1_$2").toLowerCase(Locale.ROOT);
    }

    @Override
    public List<Data> of(LayerSpec layer, List<String> variables) {
      Folder f = byLayer.get(layer.name());
      Folder stored = f == null ? null : f.folder("vars");
      List<Data> all = new ArrayList<>();
      for (int i = 0; i < variables.size(); i++) {
        Data d = stored == null ? null : stored.data(Integer.toString(i));
        if (d == null) {
          throw layer.config().bad("its " + variables.get(i) + " is missing");
        }
        all.add(d);
      }
      return all;
    }

    @Override
    public WeightStore inner(LayerSpec layer) {
      return new Numbered(layer.model(), byLayer.get(layer.name()));
    }
  }

  /**
   * Weights as files of Keras 1 and 2 and legacy files of Keras 3 store them: a group per layer of the outermost model, whose
   * attribute {@code weight_names} lists the variables' paths.
   */
  final class Named implements WeightStore {

    private final Folder folder;

    Named(Folder folder) {
      this.folder = folder;
    }

    @Override
    public List<Data> of(LayerSpec layer, List<String> variables) {
      if (variables.isEmpty()) {
        return List.of();
      }
      List<Data> all = stored(layer);
      if (all.size() < variables.size()) {
        throw layer.config().bad("its " + variables.get(all.size()) + " is missing");
      }
      return all.subList(0, variables.size());
    }

    private List<Data> stored(LayerSpec layer) {
      Folder f = folder.folder(layer.name());
      List<String> names = f == null ? null : f.texts("weight_names");
      if (names == null) {
        throw layer.config().bad("has no weights in the file");
      }
      List<Data> all = new ArrayList<>();
      for (String n : names) {
        Data d = f.data(n);
        if (d == null) {
          throw layer.config().bad("its weight " + n + " is missing");
        }
        all.add(d);
      }
      return all;
    }

    @Override
    public WeightStore inner(LayerSpec layer) {
      Folder f = folder.folder(layer.name());
      List<String> names = f == null ? null : f.texts("weight_names");
      List<Data> all = names == null || names.isEmpty() ? List.of() : stored(layer);
      return new Flattened(layer.model(), names == null ? List.of() : names, all);
    }
  }

  /**
   * The weights of a nested model as legacy files store them: all in one list, what can be trained before what cannot. They are
   * found by name, {@code layer/variable}, and where names do not tell, by position.
   */
  final class Flattened implements WeightStore {

    private final Map<String, List<Data>> byLayer = new HashMap<>();
    private final Map<String, Data> byName = new HashMap<>();

    Flattened(ModelSpec model, List<String> names, List<Data> all) {
      for (int i = 0; i < names.size(); i++) {
        String[] parts = names.get(i).split("/");
        if (parts.length >= 2) {
          String key = parts[parts.length - 2] + "/" + parts[parts.length - 1].replace(":0", "");
          // A name that is there twice says nothing.
          byName.put(key, byName.containsKey(key) ? null : all.get(i));
        }
      }
      List<Slot> slots = new ArrayList<>();
      slots(model, "", true, slots);
      int next = 0;
      for (boolean trainable : new boolean[] {true, false}) {
        for (Slot s : slots) {
          if (s.trainable == trainable && next < all.size()) {
            byLayer.computeIfAbsent(s.layer, _ -> new ArrayList<>()).add(all.get(next++));
          }
        }
      }
    }

    private record Slot(String layer, boolean trainable) {}

    private static void slots(ModelSpec model, String prefix, boolean trainable, List<Slot> into) {
      for (LayerSpec l : model.layers()) {
        boolean free = trainable && l.config().flag("trainable", true);
        if (l.model() != null) {
          slots(l.model(), prefix + l.name() + "/", free, into);
          continue;
        }
        for (String v : Variables.of(l)) {
          into.add(new Slot(prefix + l.name(), free && Variables.isTrainable(v)));
        }
      }
    }

    private Flattened(Map<String, List<Data>> byLayer, Map<String, Data> byName) {
      this.byLayer.putAll(byLayer);
      this.byName.putAll(byName);
    }

    @Override
    public List<Data> of(LayerSpec layer, List<String> variables) {
      List<Data> named = new ArrayList<>();
      for (String v : variables) {
        Data d = byName.get(layer.name() + "/" + v);
        if (d != null) {
          named.add(d);
        }
      }
      if (named.size() == variables.size()) {
        return named;
      }
      List<Data> placed = byLayer.getOrDefault(layer.name(), List.of());
      if (placed.size() < variables.size()) {
        throw layer.config().bad("its " + variables.get(placed.size()) + " is missing");
      }
      return placed;
    }

    @Override
    public WeightStore inner(LayerSpec layer) {
      String prefix = layer.name() + "/";
      Map<String, List<Data>> inner = new HashMap<>();
      byLayer.forEach(
          (name, data) -> {
            if (name.startsWith(prefix)) {
              inner.put(name.substring(prefix.length()), data);
            }
          });
      return new Flattened(inner, byName);
    }
  }
}
