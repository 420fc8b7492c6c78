package tacet.keras;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import tacet.error.ModelFormatException;
import tacet.error.UnsupportedOpException;
import tacet.error.UnsupportedOpException.Unsupported;
import tacet.graph.Graph;
import tacet.graph.Op;
import tacet.graph.ValueInfo;
import tacet.keras.LayerSpec.Argument;
import tacet.kernels.DataType;

/** Applies the layers of a model, and of those within it, in an order in which each comes after what it reads. */
final class ModelBuilder {

  /** More calls than any network has, and fewer than nested models that call each other could ask for. */
  private static final int MOST_CALLS = 50_000;

  private final String file;
  private final int kerasVersion;
  private final GraphBuilder graph;
  private final List<ValueInfo> inputs = new ArrayList<>();
  private final List<Unsupported> unsupported = new ArrayList<>();
  private int calls;

  private ModelBuilder(String file, int kerasVersion, GraphBuilder graph) {
    this.file = file;
    this.kerasVersion = kerasVersion;
    this.graph = graph;
  }

  /**
   * The graph of a model.
   *
   * @param arena where constants live
   * @throws ModelFormatException where its description is inconsistent, or weights are missing or of another shape
   * @throws UnsupportedOpException listing everything in it that Tacet does not have
   */
  static Graph build(
      String file, ModelSpec model, WeightStore store, int kerasVersion, Arena arena) {
    List<Unsupported> unsupported = new ArrayList<>();
    Layers.check(model, "", kerasVersion, unsupported);
    if (!unsupported.isEmpty()) {
      throw new UnsupportedOpException(file, unsupported);
    }
    GraphBuilder graph = new GraphBuilder(file, isChannelsLast(model), arena);
    ModelBuilder builder = new ModelBuilder(file, kerasVersion, graph);
    List<Value> results = builder.apply(model, store, "", "", null);
    if (!builder.unsupported.isEmpty()) {
      throw new UnsupportedOpException(file, builder.unsupported);
    }
    List<ValueInfo> outputs = new ArrayList<>();
    Map<String, Integer> names = new HashMap<>();
    for (int i = 0; i < results.size(); i++) {
      String name = outputName(model.outputs().get(i));
      if (names.merge(name, 1, Integer::sum) > 1) {
        throw new ModelFormatException(file, "output " + name, "is given twice");
      }
      outputs.add(graph.output(results.get(i), name));
    }
    return graph.graph(builder.inputs, outputs);
  }

  private static String outputName(Argument.Tensor t) {
    String name = callName(t.layer(), t.call());
    return t.tensor() == 0 ? name : name + "/" + t.tensor();
  }

  /** The first call of a layer makes a value of its name, later ones count on. */
  private static String callName(String layer, int call) {
    return call == 0 ? layer : layer + ":" + call;
  }

  /** Whether layers that name no data format mean channels-last: where no other layer says otherwise. */
  private static boolean isChannelsLast(ModelSpec model) {
    for (LayerSpec l : model.layers()) {
      boolean last =
          l.model() != null
              ? isChannelsLast(l.model())
              : !"channels_first".equals(l.config().raw("data_format"));
      if (!last) {
        return false;
      }
    }
    return true;
  }

  private record Pending(int position, LayerSpec layer, int call) {}

  /**
   * Applies a model.
   *
   * @param prefix before the names of its layers
   * @param valuePrefix before the names of the values they make; differs from {@code prefix} in later calls of the model
   * @param given what it is applied to, in the order of its inputs; null for the outermost model, which has its own
   * @return its outputs; null where one depends on something that is not supported
   */
  private List<Value> apply(
      ModelSpec model, WeightStore store, String prefix, String valuePrefix, List<Value> given) {
    Map<String, List<List<Value>>> made = new HashMap<>();
    Map<String, List<Pending>> readers = new HashMap<>();
    Map<Pending, Integer> missing = new HashMap<>();
    PriorityQueue<Pending> ready = new PriorityQueue<>((a, b) -> a.position - b.position);
    int position = 0;
    for (LayerSpec l : model.layers()) {
      int times = l.isInput() ? 1 : l.calls().size();
      made.put(l.name(), new ArrayList<>(java.util.Collections.nCopies(times, null)));
      for (int call = 0; call < times; call++) {
        Pending p = new Pending(position++, l, call);
        int open = 0;
        if (!l.isInput()) {
          for (Argument a : l.calls().get(call)) {
            if (a instanceof Argument.Tensor t) {
              open++;
              readers.computeIfAbsent(callName(t), _ -> new ArrayList<>()).add(p);
            }
          }
        }
        missing.put(p, open);
        if (open == 0) {
          ready.add(p);
        }
      }
    }
    int done = 0;
    while (!ready.isEmpty()) {
      Pending p = ready.poll();
      done++;
      made.get(p.layer.name()).set(p.call, call(model, p, made, store, prefix, valuePrefix, given));
      String name = callName(p.layer.name(), p.call);
      for (Pending r : readers.getOrDefault(name, List.of())) {
        if (missing.merge(r, -1, Integer::sum) == 0) {
          ready.add(r);
        }
      }
    }
    if (done < position) {
      for (Map.Entry<Pending, Integer> e : missing.entrySet()) {
        if (e.getValue() > 0) {
          throw e.getKey().layer.config().bad("is part of a cycle");
        }
      }
    }
    List<Value> outputs = new ArrayList<>();
    for (Argument.Tensor t : model.outputs()) {
      outputs.add(made.get(t.layer()).get(t.call()).get(t.tensor()));
    }
    return outputs;
  }

  private static String callName(Argument.Tensor t) {
    return callName(t.layer(), t.call());
  }

  /** The outputs of one call; each null where it depends on something that is not supported. */
  private List<Value> call(
      ModelSpec model,
      Pending p,
      Map<String, List<List<Value>>> made,
      WeightStore store,
      String prefix,
      String valuePrefix,
      List<Value> given) {
    LayerSpec l = p.layer;
    if (++calls > MOST_CALLS) {
      throw new ModelFormatException(
          file, l.place(), "the model applies more than " + MOST_CALLS + " layers");
    }
    if (l.isInput()) {
      return java.util.Collections.singletonList(input(model, l, given));
    }
    List<Value> values = new ArrayList<>();
    List<Double> arguments = new ArrayList<>();
    boolean complete = true;
    for (Argument a : l.calls().get(p.call)) {
      switch (a) {
        case Argument.Tensor t -> {
          Value v = made.get(t.layer()).get(t.call()).get(t.tensor());
          complete &= v != null;
          values.add(v);
          arguments.add(null);
        }
        case Argument.Scalar s -> arguments.add(s.value());
      }
    }
    int outputs = l.model() == null ? 1 : l.model().outputs().size();
    if (!complete) {
      return java.util.Collections.nCopies(outputs, null);
    }
    String name = prefix + l.name();
    String value = valuePrefix + callName(l.name(), p.call);
    if (l.model() != null) {
      if (values.size() != l.model().inputs().size() || values.size() != arguments.size()) {
        throw l.config()
            .bad(
                "a model of "
                    + l.model().inputs().size()
                    + " inputs is called on "
                    + arguments.size());
      }
      return apply(l.model(), store.inner(l), name + "/", value + "/", values);
    }
    try {
      return List.of(
          Layers.emit(new Call(l, name, value, values, arguments, graph, store, kerasVersion)));
    } catch (NotSupported e) {
      unsupported.add(new Unsupported(name, l.className(), e.getMessage()));
      return java.util.Collections.singletonList(null);
    }
  }

  private Value input(ModelSpec model, LayerSpec l, List<Value> given) {
    Config c = l.config();
    long[] declared = c.shape(c.has("batch_shape") ? "batch_shape" : "batch_input_shape");
    if (given != null) {
      for (int i = 0; i < given.size(); i++) {
        if (model.inputs().get(i).layer().equals(l.name())) {
          return fitting(l, given.get(i), declared);
        }
      }
      throw c.bad("is no input of its model");
    }
    if (model.inputs().stream().noneMatch(t -> t.layer().equals(l.name()))) {
      throw c.bad("is no input of the model");
    }
    if (declared == null || declared.length == 0) {
      throw c.bad("its shape is missing");
    }
    if (c.flag("sparse", false) || c.flag("ragged", false)) {
      unsupported.add(new Unsupported(l.name(), l.className(), "a sparse or ragged tensor"));
      return null;
    }
    DataType type = type(c);
    if (type == null) {
      unsupported.add(new Unsupported(l.name(), l.className(), "dtype " + c.raw("dtype")));
      return null;
    }
    inputs.add(new ValueInfo(l.name(), type, declared));
    if (type == DataType.FLOAT32) {
      return graph.given(l.name(), declared);
    }
    String cast = l.name() + "/float32";
    graph.add(cast, new Op.Cast(DataType.FLOAT32), List.of(l.name()), cast);
    return graph.given(cast, declared);
  }

  /** What a nested model is given, if it can be this input. */
  private static Value fitting(LayerSpec input, Value v, long[] declared) {
    if (declared == null) {
      return v;
    }
    boolean fits = declared.length == v.rank();
    for (int i = 1; fits && i < declared.length; i++) {
      long d = v.dims()[i];
      fits = declared[i] == d || declared[i] == ValueInfo.UNKNOWN || d == ValueInfo.UNKNOWN;
    }
    if (!fits) {
      throw input.config().bad("expected " + Value.describe(declared) + ", got " + v.describe());
    }
    // The batch is the outer model's.
    long[] dims = v.dims().clone();
    for (int i = 1; i < dims.length; i++) {
      dims[i] = Math.max(dims[i], declared[i]);
    }
    return Arrays.equals(dims, v.dims()) ? v : new Value(v.name(), dims, v.moved());
  }

  /** Half and double precision are computed in float32. */
  private static DataType type(Config input) {
    return switch (input.raw("dtype")) {
      case null -> DataType.FLOAT32;
      case String s ->
          switch (s) {
            case "float32", "float16", "bfloat16", "float64" -> DataType.FLOAT32;
            case "uint8" -> DataType.UINT8;
            case "int8" -> DataType.INT8;
            case "int16" -> DataType.INT16;
            case "int32" -> DataType.INT32;
            case "int64" -> DataType.INT64;
            default -> null;
          };
      // A policy object.
      default -> DataType.FLOAT32;
    };
  }
}
