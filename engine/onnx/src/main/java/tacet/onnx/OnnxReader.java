package tacet.onnx;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import tacet.error.ModelFormatException;
import tacet.error.UnsupportedOpException;
import tacet.error.UnsupportedOpException.Unsupported;
import tacet.format.ModelReader;
import tacet.graph.Graph;
import tacet.graph.ValueInfo;
import tacet.kernels.DataType;
import tacet.onnx.Proto.TensorData;
import tacet.onnx.Proto.Value;

/**
 * Reads ONNX files. Half-precision networks are computed in float32: their inputs, outputs and weights are float32 here.
 */
public final class OnnxReader implements ModelReader {

  /** The newest version of the standard operators whose definitions this reader follows. */
  static final int NEWEST_OPSET = 28;

  /** For the service loader. */
  public OnnxReader() {}

  @Override
  public String format() {
    return "ONNX";
  }

  @Override
  public boolean recognises(Path file, byte[] head) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return name.endsWith(".onnx");
  }

  @Override
  public Graph read(Path file, Arena arena) throws IOException {
    Proto.Model model = Wire.model(file, arena);
    List<Unsupported> unsupported = new ArrayList<>();
    GraphBuilder graph = new GraphBuilder();
    graph.take(model.graph);
    constants(file, model.graph, graph, arena, unsupported);
    List<ValueInfo> inputs = new ArrayList<>();
    for (Value v : model.graph.inputs) {
      if (!graph.isConstant(v.name)) {
        inputs.add(info(file, "input", v, unsupported));
      }
    }
    List<ValueInfo> outputs = new ArrayList<>();
    for (Value v : model.graph.outputs) {
      outputs.add(info(file, "output", v, unsupported));
    }
    List<Proto.Node> nodes =
        Functions.expand(model, what -> new ModelFormatException(file.toString(), "", what));
    nodes.forEach(n -> graph.take(n));
    nodes(file, nodes, graph, arena, unsupported);
    if (!unsupported.isEmpty()) {
      throw new UnsupportedOpException(file.toString(), unsupported);
    }
    return ChannelsFirst.of(
        Graph.checked(
            file.toString(), inputs, outputs, graph.constants(), graph.nodes(), Map.of(), Set.of()),
        arena);
  }

  private static void constants(
      Path file, Proto.Graph from, GraphBuilder graph, Arena arena, List<Unsupported> unsupported)
      throws IOException {
    if (from.sparseInitializers > 0) {
      unsupported.add(
          new Unsupported("graph", "initializer", from.sparseInitializers + " sparse tensors"));
    }
    for (TensorData t : from.initializers) {
      if (OnnxTensors.type(t.type) == null) {
        unsupported.add(
            new Unsupported(t.name, "initializer", "element type " + OnnxTensors.typeName(t.type)));
      } else if (!graph.define(
          t.name, OnnxTensors.widened(OnnxTensors.tensor(t, file, arena), arena))) {
        throw new ModelFormatException(
            file.toString(), "tensor '" + t.name + "' at byte " + t.at, "the name is given twice");
      }
    }
  }

  private static void nodes(
      Path file,
      List<Proto.Node> nodes,
      GraphBuilder graph,
      Arena arena,
      List<Unsupported> unsupported)
      throws IOException {
    Set<String> names = new HashSet<>();
    Map<String, Integer> copies = new HashMap<>();
    List<OpReader> readers = new ArrayList<>();
    for (Proto.Node n : nodes) {
      String base = n.name;
      if (base.isEmpty()) {
        base = n.outputs.stream().filter(o -> !o.isEmpty()).findFirst().orElse(n.type);
      }
      readers.add(
          new OpReader(file, GraphBuilder.unique(base, names, copies), n, n.opset, graph, arena));
    }
    // Constants first, wherever they stand: what other nodes become may depend on them.
    for (boolean constants : new boolean[] {true, false}) {
      for (OpReader reader : readers) {
        if (reader.isConstant() == constants) {
          try {
            reader.read();
          } catch (OpReader.NotSupported e) {
            unsupported.add(e.named(reader));
          }
        }
      }
    }
  }

  private static ValueInfo info(Path file, String kind, Value v, List<Unsupported> unsupported) {
    DataType type = OnnxTensors.type(v.elementType);
    String place = kind + " '" + v.name + "'";
    boolean isInput = kind.equals("input");
    if (v.other || type == null && v.elementType != 0) {
      unsupported.add(
          new Unsupported(
              v.name,
              kind,
              v.other ? "no tensor" : "element type " + OnnxTensors.typeName(v.elementType)));
      return new ValueInfo(v.name, DataType.FLOAT32, null);
    }
    if (type == null) {
      // What the graph computes decides the type of an output.
      if (!isInput) {
        return new ValueInfo(v.name, DataType.FLOAT32, null);
      }
      throw new ModelFormatException(file.toString(), place, "has no element type");
    }
    if (v.dims != null) {
      for (int i = 0; i < v.dims.length; i++) {
        if (v.dims[i] < -1) {
          throw new ModelFormatException(file.toString(), place, "has the dimension " + v.dims[i]);
        }
        // Some exporters write 0 for a free batch.
        v.dims[i] = v.dims[i] == 0 && i == 0 && !isInput ? -1 : v.dims[i];
      }
    }
    return new ValueInfo(v.name, OnnxTensors.widened(type), v.dims);
  }
}
