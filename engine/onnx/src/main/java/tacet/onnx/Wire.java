package tacet.onnx;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import tacet.error.ModelFormatException;
import tacet.onnx.Proto.Attribute;
import tacet.onnx.Proto.Function;
import tacet.onnx.Proto.Graph;
import tacet.onnx.Proto.Model;
import tacet.onnx.Proto.Node;
import tacet.onnx.Proto.OperatorSet;
import tacet.onnx.Proto.TensorData;
import tacet.onnx.Proto.Value;

/**
 * Walks the wire format of an ONNX file. The file is mapped; raw tensor data is left where it is, and no length in the
 * file makes anything larger than the file.
 */
final class Wire {

  /** Longest name or text that is read into memory. */
  private static final int MOST_TEXT = 1 << 20;

  private final String file;
  private final MemorySegment bytes;
  private final CodedInputStream in;

  /** How the field that was last begun is encoded. */
  private int encoding;

  private Wire(String file, MemorySegment bytes) {
    this.file = file;
    this.bytes = bytes;
    this.in = CodedInputStream.newInstance(new SegmentStream(bytes));
    in.setSizeLimit(Integer.MAX_VALUE);
  }

  static Model model(Path file, Arena arena) throws IOException {
    Wire w = open(file, arena);
    return w.checked(w::model);
  }

  static TensorData tensor(Path file, Arena arena) throws IOException {
    Wire w = open(file, arena);
    return w.checked(() -> w.tensor(w.in.getTotalBytesRead()));
  }

  private static Wire open(Path file, Arena arena) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size == 0) {
        throw new ModelFormatException(file.toString(), "byte 0", "the file is empty");
      }
      if (size > Integer.MAX_VALUE) {
        throw new ModelFormatException(
            file.toString(), "byte 0", "a protobuf file of more than 2 GiB cannot be valid");
      }
      return new Wire(file.toString(), channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena));
    }
  }

  private interface Body<T> {
    T read() throws IOException;
  }

  private <T> T checked(Body<T> body) {
    try {
      return body.read();
    } catch (IOException e) {
      throw new ModelFormatException(
          file,
          "byte " + in.getTotalBytesRead(),
          "expected an ONNX protobuf message: " + e.getMessage(),
          e);
    }
  }

  /** The mapped file as a stream whose skipping costs nothing. */
  private static final class SegmentStream extends InputStream {
    private final MemorySegment bytes;
    private long at;

    SegmentStream(MemorySegment bytes) {
      this.bytes = bytes;
    }

    @Override
    public int read() {
      return at < bytes.byteSize() ? bytes.get(ValueLayout.JAVA_BYTE, at++) & 0xFF : -1;
    }

    @Override
    public int read(byte[] to, int offset, int length) {
      long n = Math.min(length, bytes.byteSize() - at);
      if (n <= 0) {
        return length == 0 ? 0 : -1;
      }
      MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, to, offset, (int) n);
      at += n;
      return (int) n;
    }

    @Override
    public long skip(long n) {
      long step = Math.clamp(n, 0, bytes.byteSize() - at);
      at += step;
      return step;
    }

    @Override
    public int available() {
      return (int) Math.min(Integer.MAX_VALUE, bytes.byteSize() - at);
    }
  }

  private interface Field {
    /** Reads one field, or returns false to have it skipped. */
    boolean read(int number) throws IOException;
  }

  private void fields(Field field) throws IOException {
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      encoding = WireFormat.getTagWireType(tag);
      if (!field.read(WireFormat.getTagFieldNumber(tag)) && !in.skipField(tag)) {
        throw new IOException("a group ends that never began");
      }
    }
  }

  private void expect(int wanted) throws IOException {
    if (encoding != wanted) {
      throw new IOException("a field is encoded as wire type " + encoding + ", not " + wanted);
    }
  }

  private long int64() throws IOException {
    expect(WireFormat.WIRETYPE_VARINT);
    return in.readInt64();
  }

  private float float32() throws IOException {
    expect(WireFormat.WIRETYPE_FIXED32);
    return in.readFloat();
  }

  private void message(Field field) throws IOException {
    int length = length();
    int limit = in.pushLimit(length);
    fields(field);
    in.checkLastTagWas(0);
    in.popLimit(limit);
  }

  private int length() throws IOException {
    expect(WireFormat.WIRETYPE_LENGTH_DELIMITED);
    int length = in.readRawVarint32();
    long left = bytes.byteSize() - in.getTotalBytesRead();
    if (length < 0 || length > left) {
      throw new IOException(
          "a length of " + Integer.toUnsignedString(length) + " with " + left + " bytes left");
    }
    return length;
  }

  private String text() throws IOException {
    int length = length();
    if (length > MOST_TEXT) {
      throw new IOException("a name of " + length + " bytes");
    }
    return new String(in.readRawBytes(length), StandardCharsets.UTF_8);
  }

  private MemorySegment slice() throws IOException {
    int length = length();
    MemorySegment s = bytes.asSlice(in.getTotalBytesRead(), length);
    in.skipRawBytes(length);
    return s;
  }

  private Model model() throws IOException {
    Model m = new Model();
    fields(
        number -> {
          switch (number) {
            case 7 -> {
              if (m.graph != null) {
                throw new IOException("a second graph");
              }
              m.graph = graph();
            }
            case 8 -> m.opsets.add(operatorSet());
            case 25 -> m.functions.add(function());
            default -> {
              return false;
            }
          }
          return true;
        });
    if (m.graph == null) {
      throw new IOException("the file holds no graph");
    }
    return m;
  }

  private OperatorSet operatorSet() throws IOException {
    String[] domain = {""};
    long[] version = {0};
    message(
        number -> {
          switch (number) {
            case 1 -> domain[0] = text();
            case 2 -> version[0] = int64();
            default -> {
              return false;
            }
          }
          return true;
        });
    return new OperatorSet(domain[0], version[0]);
  }

  private Graph graph() throws IOException {
    Graph g = new Graph();
    message(
        number -> {
          switch (number) {
            case 1 -> g.nodes.add(node());
            case 5 -> g.initializers.add(nestedTensor());
            case 11 -> g.inputs.add(value());
            case 12 -> g.outputs.add(value());
            case 15 -> {
              g.sparseInitializers++;
              return false;
            }
            default -> {
              return false;
            }
          }
          return true;
        });
    return g;
  }

  private Function function() throws IOException {
    Function f = new Function();
    message(
        number -> {
          switch (number) {
            case 1 -> f.name = text();
            case 4 -> f.inputs.add(text());
            case 5 -> f.outputs.add(text());
            case 7 -> f.nodes.add(node());
            case 9 -> f.opsets.add(operatorSet());
            case 10 -> f.domain = text();
            case 11 -> f.defaults.add(attribute());
            case 13 -> f.overload = text();
            default -> {
              return false;
            }
          }
          return true;
        });
    return f;
  }

  private Node node() throws IOException {
    Node n = new Node();
    message(
        number -> {
          switch (number) {
            case 1 -> n.inputs.add(text());
            case 2 -> n.outputs.add(text());
            case 3 -> n.name = text();
            case 4 -> n.type = text();
            case 5 -> n.attributes.add(attribute());
            case 7 -> n.domain = text();
            case 8 -> n.overload = text();
            default -> {
              return false;
            }
          }
          return true;
        });
    return n;
  }

  private Attribute attribute() throws IOException {
    Attribute a = new Attribute();
    int[] payload = {0};
    message(
        number -> {
          switch (number) {
            case 1 -> a.name = text();
            case 2 -> a.f = float32();
            case 3 -> a.i = int64();
            case 4 -> a.s = text();
            case 5 -> a.t = nestedTensor();
            case 7 -> repeated(WireFormat.WIRETYPE_FIXED32, () -> a.floats.add(in.readFloat()));
            case 8 -> repeated(WireFormat.WIRETYPE_VARINT, () -> a.ints.add(in.readInt64()));
            case 20 -> a.type = (int) int64();
            case 21 -> a.reference = text();
            default -> {
              return false;
            }
          }
          payload[0] = number > 1 && number < 9 ? number - 1 : payload[0];
          return true;
        });
    // Files of the first versions do not say the type.
    a.type = a.type == 0 ? payload[0] : a.type;
    return a;
  }

  private interface Item {
    void read() throws IOException;
  }

  /**
   * Packed or not.
   *
   * @param single how an item is encoded where they are not packed
   */
  private void repeated(int single, Item item) throws IOException {
    if (encoding == single) {
      item.read();
      return;
    }
    int limit = in.pushLimit(length());
    while (in.getBytesUntilLimit() > 0) {
      item.read();
    }
    in.popLimit(limit);
  }

  private TensorData nestedTensor() throws IOException {
    long at = in.getTotalBytesRead();
    int limit = in.pushLimit(length());
    TensorData t = tensor(at);
    in.checkLastTagWas(0);
    in.popLimit(limit);
    return t;
  }

  private TensorData tensor(long at) throws IOException {
    TensorData t = new TensorData();
    t.at = at;
    fields(
        number -> {
          switch (number) {
            case 1 -> repeated(WireFormat.WIRETYPE_VARINT, () -> t.dims.add(in.readInt64()));
            case 2 -> t.type = int64();
            case 4 ->
                repeated(WireFormat.WIRETYPE_FIXED32, () -> t.numbers.add((double) in.readFloat()));
            case 5, 7 -> repeated(WireFormat.WIRETYPE_VARINT, () -> t.numbers.add(in.readInt64()));
            case 8 -> t.name = text();
            case 9 -> t.raw = slice();
            case 10 -> repeated(WireFormat.WIRETYPE_FIXED64, () -> t.numbers.add(in.readDouble()));
            case 11 -> repeated(WireFormat.WIRETYPE_VARINT, () -> t.numbers.add(in.readUInt64()));
            case 13 -> external(t);
            case 14 -> t.external = int64() == 1;
            default -> {
              return false;
            }
          }
          return true;
        });
    return t;
  }

  private void external(TensorData t) throws IOException {
    String[] pair = {"", ""};
    message(
        n -> {
          if (n != 1 && n != 2) {
            return false;
          }
          pair[n - 1] = text();
          return true;
        });
    try {
      switch (pair[0]) {
        case "location" -> t.location = pair[1];
        case "offset" -> t.offset = Long.parseLong(pair[1]);
        case "length" -> t.length = Long.parseLong(pair[1]);
        default -> {}
      }
    } catch (NumberFormatException e) {
      throw new IOException("external data " + pair[0] + " '" + pair[1] + "' is no number", e);
    }
  }

  private Value value() throws IOException {
    Value v = new Value();
    message(
        number -> {
          switch (number) {
            case 1 -> v.name = text();
            case 2 -> message(kind -> type(v, kind));
            default -> {
              return false;
            }
          }
          return true;
        });
    return v;
  }

  private boolean type(Value v, int kind) throws IOException {
    if (kind != 1) {
      // Field 6 is a denotation; all others are types that are no tensors.
      v.other |= kind != 6;
      return false;
    }
    message(
        number -> {
          switch (number) {
            case 1 -> v.elementType = int64();
            case 2 -> v.dims = dims();
            default -> {
              return false;
            }
          }
          return true;
        });
    return true;
  }

  /** Unknown and symbolic dimensions are −1. */
  private long[] dims() throws IOException {
    List<Long> dims = new ArrayList<>();
    message(
        number -> {
          if (number != 1) {
            return false;
          }
          long[] d = {-1};
          message(
              kind -> {
                if (kind != 1) {
                  return false;
                }
                d[0] = int64();
                return true;
              });
          dims.add(d[0]);
          return true;
        });
    return dims.stream().mapToLong(Long::longValue).toArray();
  }
}
