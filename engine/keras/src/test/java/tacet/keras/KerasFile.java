package tacet.keras;

import io.jhdf.HdfFile;
import io.jhdf.WritableHdfFile;
import io.jhdf.api.WritableGroup;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.Array;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Model files that tests make. A layer is an object of the configuration and its variables in Keras' order; both kinds of
 * file are written from the same description.
 */
final class KerasFile {

  /** A variable of a layer. */
  record Variable(String name, float[] values, int... dims) {}

  /**
   * @param json the layer's JSON object
   * @param name its name
   * @param groups its variables by group in model.weights.h5; several where it is a model
   */
  record Layer(String json, String name, Map<String, List<Variable>> groups) {

    List<Variable> variables() {
      return groups.values().stream().flatMap(List::stream).toList();
    }
  }

  private final String version;
  private final String before;
  private final String after;
  private final List<Layer> layers = new ArrayList<>();
  private final Map<String, Integer> counts = new HashMap<>();

  private KerasFile(String version, String before, String after) {
    this.version = version;
    this.before = before;
    this.after = after;
  }

  /** A Sequential model, beginning with its input. */
  static KerasFile sequential(String version, Integer... inputShape) {
    KerasFile f =
        new KerasFile(
            version,
            "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"model\", \"layers\": [",
            "]}}");
    return f.layer("InputLayer", "x", "\"batch_shape\": " + Arrays.toString(inputShape));
  }

  /**
   * A Functional model.
   *
   * @param ends {@code "input_layers": …, "output_layers": …}
   */
  static KerasFile functional(String version, String ends) {
    return new KerasFile(
        version,
        "{\"class_name\": \"Functional\", \"config\": {\"name\": \"model\", \"layers\": [",
        "], " + ends + "}}");
  }

  KerasFile layer(String className, String name, String config, Variable... variables) {
    return called(className, name, config, null, variables);
  }

  /**
   * @param inbound the layer's calls as JSON; null in Sequential models
   */
  KerasFile called(
      String className, String name, String config, String inbound, Variable... variables) {
    String json =
        "{\"class_name\": \""
            + className
            + "\", "
            + (inbound == null
                ? ""
                : "\"name\": \"" + name + "\", \"inbound_nodes\": " + inbound + ", ")
            + "\"config\": {\"name\": \""
            + name
            + "\""
            + (config.isEmpty() ? "" : ", " + config)
            + "}}";
    return raw(json, className, name, variables);
  }

  KerasFile raw(String json, String className, String name, Variable... variables) {
    layers.add(new Layer(json, name, Map.of(group(className), List.of(variables))));
    return this;
  }

  private String group(String className) {
    String snake = WeightStore.Numbered.snakeCase(className);
    int n = counts.merge(snake, 1, Integer::sum) - 1;
    return n == 0 ? snake : snake + "_" + n;
  }

  /**
   * A model as a layer.
   *
   * @param variables by the group of the inner layer; their names have that layer's before them, {@code dense/kernel}
   */
  KerasFile nested(
      String json, String className, String name, Map<String, List<Variable>> variables) {
    String group = group(className);
    Map<String, List<Variable>> groups = new LinkedHashMap<>();
    variables.forEach((inner, v) -> groups.put(group + "/layers/" + inner, v));
    layers.add(new Layer(json, name, groups));
    return this;
  }

  /** A model whose whole configuration is given. */
  static KerasFile of(String version, String config) {
    return new KerasFile(version, config, null);
  }

  /** The weights of a layer in such a configuration. */
  KerasFile weights(String className, String name, Variable... variables) {
    return raw("", className, name, variables);
  }

  String config() {
    if (after == null) {
      return before;
    }
    return before + String.join(", ", layers.stream().map(Layer::json).toList()) + after;
  }

  /** A {@code .keras} file. */
  Path keras(Path folder) throws IOException {
    Path h5 = folder.resolve("weights.h5");
    Files.deleteIfExists(h5);
    try (WritableHdfFile out = HdfFile.write(h5)) {
      WritableGroup all = out.putGroup("layers");
      for (Layer l : written()) {
        Map<String, WritableGroup> made = new HashMap<>();
        l.groups.forEach(
            (path, variables) -> {
              WritableGroup vars = group(all, made, path).putGroup("vars");
              for (int i = 0; i < variables.size(); i++) {
                vars.putDataset(Integer.toString(i), array(variables.get(i)));
              }
            });
      }
    }
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put(
        "metadata.json",
        ("{\"keras_version\": \"" + version + "\"}").getBytes(StandardCharsets.UTF_8));
    entries.put("config.json", config().getBytes(StandardCharsets.UTF_8));
    entries.put("model.weights.h5", Files.readAllBytes(h5));
    return zip(folder.resolve("model.keras"), entries);
  }

  private static WritableGroup group(
      WritableGroup root, Map<String, WritableGroup> made, String path) {
    WritableGroup known = made.get(path);
    if (known == null) {
      int slash = path.lastIndexOf('/');
      WritableGroup parent = slash < 0 ? root : group(root, made, path.substring(0, slash));
      known = parent.putGroup(path.substring(slash + 1));
      made.put(path, known);
    }
    return known;
  }

  /** jHDF 0.13 writes over a group that comes after the last dataset, so layers without variables have none. */
  private List<Layer> written() {
    return layers.stream().filter(l -> !l.variables().isEmpty()).toList();
  }

  static Path zip(Path file, Map<String, byte[]> entries) throws IOException {
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      for (Map.Entry<String, byte[]> e : entries.entrySet()) {
        zip.putNextEntry(new ZipEntry(e.getKey()));
        zip.write(e.getValue());
        zip.closeEntry();
      }
    }
    return file;
  }

  /** A legacy HDF5 file. */
  Path h5(Path folder) throws IOException {
    Path h5 = folder.resolve("model.h5");
    Files.deleteIfExists(h5);
    try (WritableHdfFile out = HdfFile.write(h5)) {
      out.putAttribute("keras_version", version);
      out.putAttribute("model_config", config());
      WritableGroup all = out.putGroup("model_weights");
      for (Layer l : written()) {
        WritableGroup group = all.putGroup(l.name);
        List<String> names = new ArrayList<>();
        Map<String, WritableGroup> inner = new HashMap<>();
        for (Variable v : l.variables()) {
          String owner = v.name.contains("/") ? v.name.substring(0, v.name.indexOf('/')) : l.name;
          String own = v.name.substring(v.name.indexOf('/') + 1);
          names.add(owner + "/" + own + ":0");
          inner.computeIfAbsent(owner, group::putGroup).putDataset(own + ":0", array(v));
        }
        group.putAttribute("weight_names", names.toArray(String[]::new));
      }
    }
    return h5;
  }

  /** Values as the nested array that jHDF takes a shape from. */
  private static Object array(Variable v) {
    int[] at = {0};
    return nested(v.values, v.dims, 0, at);
  }

  private static Object nested(float[] values, int[] dims, int axis, int[] at) {
    if (axis == dims.length - 1) {
      float[] row = Arrays.copyOfRange(values, at[0], at[0] + dims[axis]);
      at[0] += dims[axis];
      return row;
    }
    Object all = Array.newInstance(float.class, Arrays.copyOfRange(dims, axis, dims.length));
    for (int i = 0; i < dims[axis]; i++) {
      Array.set(all, i, nested(values, dims, axis + 1, at));
    }
    return all;
  }
}
