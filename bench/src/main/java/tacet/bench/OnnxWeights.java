package tacet.bench;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tacet.Model;
import tacet.graph.Graph;
import tacet.insight.RandomWeights;
import tacet.kernels.DataType;
import tacet.tensor.Tensor;

/**
 * Writes a copy of an ONNX file with other weights: initializers, and values that a node of the file makes, become the
 * given initializers. Everything else is copied byte by byte. Field numbers are those of onnx.proto.
 */
final class OnnxWeights {

  private static final int MODEL_GRAPH = 7;
  private static final int GRAPH_NODE = 1;
  private static final int GRAPH_INITIALIZER = 5;
  private static final int NODE_OUTPUT = 2;
  private static final int TENSOR_DIMS = 1;
  private static final int TENSOR_TYPE = 2;
  private static final int TENSOR_NAME = 8;
  private static final int TENSOR_RAW_DATA = 9;
  private static final int FLOAT = 1;
  private static final int BYTES = 2;

  /** Part of the source file that is copied. */
  private record Span(int from, int to) {
    int length() {
      return to - from;
    }
  }

  private final byte[] source;
  private final Map<String, Tensor> weights;
  private final List<Span> ofModel = new ArrayList<>();
  private final List<Span> ofGraph = new ArrayList<>();

  private OnnxWeights(byte[] source, Map<String, Tensor> weights) throws IOException {
    this.source = source;
    this.weights = weights;
    CodedInputStream in = CodedInputStream.newInstance(source);
    int from = 0;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (tag == (MODEL_GRAPH << 3 | BYTES)) {
        int limit = in.pushLimit(in.readRawVarint32());
        graph(in);
        in.popLimit(limit);
      } else {
        in.skipField(tag);
        ofModel.add(new Span(from, in.getTotalBytesRead()));
      }
      from = in.getTotalBytesRead();
    }
  }

  /**
   * @param weights float32, by name
   */
  static void replace(Path source, Map<String, Tensor> weights, Path target) throws IOException {
    for (Map.Entry<String, Tensor> e : weights.entrySet()) {
      if (e.getValue().type() != DataType.FLOAT32) {
        throw new IllegalArgumentException(e.getKey() + " is not float32");
      }
    }
    OnnxWeights copy = new OnnxWeights(Files.readAllBytes(source), weights);
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(target), 1 << 16)) {
      copy.write(CodedOutputStream.newInstance(out));
    }
  }

  /** A copy with seeded random weights, as {@link RandomWeights} draws them. */
  static void random(Path source, long seed, Path target) throws IOException {
    Graph own = Model.read(source);
    Map<String, Tensor> changed = new LinkedHashMap<>();
    RandomWeights.of(own, seed)
        .constants()
        .forEach(
            (name, t) -> {
              if (own.constants().get(name) != t) {
                changed.put(name, t);
              }
            });
    replace(source, changed, target);
  }

  private void graph(CodedInputStream in) throws IOException {
    int from = in.getTotalBytesRead();
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      boolean keep =
          switch (tag) {
            case GRAPH_NODE << 3 | BYTES -> !names(in, NODE_OUTPUT);
            case GRAPH_INITIALIZER << 3 | BYTES -> !names(in, TENSOR_NAME);
            default -> in.skipField(tag);
          };
      if (keep) {
        ofGraph.add(new Span(from, in.getTotalBytesRead()));
      }
      from = in.getTotalBytesRead();
    }
  }

  /** Reads a message; whether one of its texts number {@code field} is the name of a weight. */
  private boolean names(CodedInputStream in, int field) throws IOException {
    boolean found = false;
    int limit = in.pushLimit(in.readRawVarint32());
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (tag == (field << 3 | BYTES)) {
        found |= weights.containsKey(in.readString());
      } else {
        in.skipField(tag);
      }
    }
    in.popLimit(limit);
    return found;
  }

  private void write(CodedOutputStream out) throws IOException {
    for (Span s : ofModel) {
      out.writeRawBytes(source, s.from, s.length());
    }
    long bytes = 0;
    for (Span s : ofGraph) {
      bytes += s.length();
    }
    for (Map.Entry<String, Tensor> e : weights.entrySet()) {
      int size = size(e.getKey(), e.getValue());
      bytes += CodedOutputStream.computeTagSize(GRAPH_INITIALIZER);
      bytes += CodedOutputStream.computeUInt32SizeNoTag(size) + size;
    }
    out.writeTag(MODEL_GRAPH, BYTES);
    out.writeUInt32NoTag(Math.toIntExact(bytes));
    for (Span s : ofGraph) {
      out.writeRawBytes(source, s.from, s.length());
    }
    for (Map.Entry<String, Tensor> e : weights.entrySet()) {
      out.writeTag(GRAPH_INITIALIZER, BYTES);
      out.writeUInt32NoTag(size(e.getKey(), e.getValue()));
      tensor(out, e.getKey(), e.getValue());
    }
    out.flush();
  }

  private static int size(String name, Tensor t) {
    int raw = Math.toIntExact(t.data().byteSize());
    int size =
        CodedOutputStream.computeInt32Size(TENSOR_TYPE, FLOAT)
            + CodedOutputStream.computeStringSize(TENSOR_NAME, name)
            + CodedOutputStream.computeTagSize(TENSOR_RAW_DATA)
            + CodedOutputStream.computeUInt32SizeNoTag(raw)
            + raw;
    for (long d : t.shape().dims()) {
      size += CodedOutputStream.computeInt64Size(TENSOR_DIMS, d);
    }
    return size;
  }

  private static void tensor(CodedOutputStream out, String name, Tensor t) throws IOException {
    for (long d : t.shape().dims()) {
      out.writeInt64(TENSOR_DIMS, d);
    }
    out.writeInt32(TENSOR_TYPE, FLOAT);
    out.writeString(TENSOR_NAME, name);
    out.writeTag(TENSOR_RAW_DATA, BYTES);
    out.writeUInt32NoTag(Math.toIntExact(t.data().byteSize()));
    out.writeRawBytes(t.data().asByteBuffer());
  }
}
