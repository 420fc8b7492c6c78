package tacet.onnx;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import tacet.error.ModelFormatException;
import tacet.error.UnsupportedOpException;
import tacet.error.UnsupportedOpException.Unsupported;
import tacet.format.ModelReader;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.ValueInfo;
import tacet.kernels.DataType;
import tacet.onnx.Proto.TensorData;
import tacet.onnx.Proto.Value;
import tacet.tensor.Tensor;

/** Reads ONNX files. */
public final class OnnxReader implements ModelReader {

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
  public Graph read(Path file) throws IOException {
    Proto.Model model = Wire.model(file);
    long opset = 1;
    for (Proto.OperatorSet o : model.opsets) {
      if (o.domain().isEmpty() || o.domain().equals("ai.onnx")) {
        opset = o.version();
      }
    }
    if (model.graph.sparseInitializers) {
      throw new UnsupportedOpException(
          file.toString(), List.of(new Unsupported("graph", "initializer", "sparse initializers")));
    }
    Map<String, Tensor> constants = new LinkedHashMap<>();
    for (TensorData t : model.graph.initializers) {
      if (constants.put(t.name, OnnxTensors.widened(OnnxTensors.tensor(t, file))) != null) {
        throw new ModelFormatException(
            file.toString(), "tensor '" + t.name + "' at byte " + t.at, "the name is given twice");
      }
    }
    List<ValueInfo> inputs = new ArrayList<>();
    for (Value v : model.graph.inputs) {
      if (!constants.containsKey(v.name)) {
        inputs.add(info(file, "input", v));
      }
    }
    List<ValueInfo> outputs = new ArrayList<>();
    for (Value v : model.graph.outputs) {
      outputs.add(info(file, "output", v));
    }
    List<Node> nodes = new ArrayList<>();
    List<Unsupported> unsupported = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (Proto.Node n : model.graph.nodes) {
      String name = unique(names, n);
      OpReader reader = new OpReader(file, name, n, opset, constants, nodes);
      try {
        reader.read();
      } catch (OpReader.NotSupported e) {
        unsupported.add(new Unsupported(name, n.type + "-" + opset, e.getMessage()));
      }
    }
    if (!unsupported.isEmpty()) {
      throw new UnsupportedOpException(file.toString(), unsupported);
    }
    return Graph.checked(
        file.toString(), inputs, outputs, constants, nodes, Map.of(), Collections.emptySet());
  }

  private static String unique(Set<String> names, Proto.Node n) {
    String base = n.name;
    if (base.isEmpty()) {
      base = n.outputs.stream().filter(o -> !o.isEmpty()).findFirst().orElse(n.type);
    }
    String name = base;
    for (int i = 2; !names.add(name); i++) {
      name = base + "_" + i;
    }
    return name;
  }

  private static ValueInfo info(Path file, String kind, Value v) {
    DataType type = OnnxTensors.type(v.elementType);
    if (!v.tensor || type == null) {
      // Outputs may come without a declared type; what the graph computes decides.
      if (kind.equals("output")) {
        return new ValueInfo(v.name, DataType.FLOAT32, null);
      }
      throw new ModelFormatException(
          file.toString(), kind + " '" + v.name + "'", "is no tensor of a supported type");
    }
    if (v.dims != null) {
      for (int i = 0; i < v.dims.length; i++) {
        if (v.dims[i] < -1) {
          throw new ModelFormatException(
              file.toString(), kind + " '" + v.name + "'", "has the dimension " + v.dims[i]);
        }
        // Some exporters write 0 for a free batch.
        v.dims[i] = v.dims[i] == 0 && i == 0 && kind.equals("output") ? -1 : v.dims[i];
      }
    }
    boolean half = type == DataType.FLOAT16 || type == DataType.BFLOAT16;
    return new ValueInfo(v.name, half ? DataType.FLOAT32 : type, v.dims);
  }
}
