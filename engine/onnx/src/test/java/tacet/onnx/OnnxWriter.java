package tacet.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tacet.kernels.DataType;
import tacet.tensor.Tensor;

/** Writes small ONNX models for tests. Field numbers are those of onnx.proto. */
final class OnnxWriter {

  /** An encoded message under construction. */
  static final class Message {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final CodedOutputStream out = CodedOutputStream.newInstance(bytes);

    private interface Write {
      void to(CodedOutputStream out) throws IOException;
    }

    private Message write(Write w) {
      try {
        w.to(out);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return this;
    }

    Message number(int field, long v) {
      return write(o -> o.writeInt64(field, v));
    }

    Message real(int field, float v) {
      return write(o -> o.writeFloat(field, v));
    }

    Message text(int field, String v) {
      return write(o -> o.writeString(field, v));
    }

    Message raw(int field, byte[] v) {
      return write(o -> o.writeBytes(field, ByteString.copyFrom(v)));
    }

    Message message(int field, Message v) {
      return raw(field, v.toBytes());
    }

    byte[] toBytes() {
      write(CodedOutputStream::flush);
      return bytes.toByteArray();
    }
  }

  private static final int FLOAT = 1;
  private static final int INT = 2;
  private static final int STRING = 3;
  private static final int TENSOR = 4;
  private static final int FLOATS = 6;
  private static final int INTS = 7;

  private final Message model = new Message().number(1, 8);
  private final Message graph = new Message().text(2, "g");

  OnnxWriter(long opset) {
    opset("", opset);
  }

  OnnxWriter opset(String domain, long version) {
    model.message(8, new Message().text(1, domain).number(2, version));
    return this;
  }

  /**
   * @param dims −1 where a dimension is free
   */
  OnnxWriter input(String name, DataType type, long... dims) {
    graph.message(11, value(name, type, dims));
    return this;
  }

  /** An output without a declared shape. */
  OnnxWriter output(String name, DataType type) {
    graph.message(12, value(name, type, null));
    return this;
  }

  OnnxWriter initializer(String name, Tensor t) {
    graph.message(5, tensor(name, t));
    return this;
  }

  OnnxWriter node(String type, List<String> inputs, List<String> outputs, Message... attributes) {
    return node("", type, "", inputs, outputs, attributes);
  }

  OnnxWriter node(
      String name,
      String type,
      String domain,
      List<String> inputs,
      List<String> outputs,
      Message... attributes) {
    graph.message(1, nodeMessage(name, type, domain, inputs, outputs, attributes));
    return this;
  }

  static Message nodeMessage(
      String name,
      String type,
      String domain,
      List<String> inputs,
      List<String> outputs,
      Message... attributes) {
    Message n = new Message();
    inputs.forEach(i -> n.text(1, i));
    outputs.forEach(o -> n.text(2, o));
    n.text(3, name).text(4, type).text(7, domain);
    for (Message a : attributes) {
      n.message(5, a);
    }
    return n;
  }

  OnnxWriter graphField(int field, Message m) {
    graph.message(field, m);
    return this;
  }

  OnnxWriter modelField(int field, Message m) {
    model.message(field, m);
    return this;
  }

  static Message integer(String name, long v) {
    return new Message().text(1, name).number(3, v).number(20, INT);
  }

  static Message real(String name, float v) {
    return new Message().text(1, name).real(2, v).number(20, FLOAT);
  }

  static Message text(String name, String v) {
    return new Message().text(1, name).text(4, v).number(20, STRING);
  }

  static Message integers(String name, long... v) {
    Message m = new Message().text(1, name).number(20, INTS);
    for (long x : v) {
      m.number(8, x);
    }
    return m;
  }

  static Message reals(String name, float... v) {
    Message m = new Message().text(1, name).number(20, FLOATS);
    for (float x : v) {
      m.real(7, x);
    }
    return m;
  }

  static Message tensor(String name, String tensorName, Tensor t) {
    return new Message().text(1, name).message(5, tensor(tensorName, t)).number(20, TENSOR);
  }

  static Message tensor(String name, Tensor t) {
    Message m = new Message();
    for (long d : t.shape().dims()) {
      m.number(1, d);
    }
    return m.number(2, number(t.type()))
        .text(8, name)
        .raw(9, t.data().toArray(ValueLayout.JAVA_BYTE));
  }

  private static Message value(String name, DataType type, long[] dims) {
    Message tensor = new Message().number(1, number(type));
    if (dims != null) {
      Message shape = new Message();
      for (long d : dims) {
        shape.message(1, d == -1 ? new Message().text(2, "n") : new Message().number(1, d));
      }
      tensor.message(2, shape);
    }
    return new Message().text(1, name).message(2, new Message().message(1, tensor));
  }

  static int number(DataType type) {
    return switch (type) {
      case FLOAT32 -> 1;
      case UINT8 -> 2;
      case INT8 -> 3;
      case UINT16 -> 4;
      case INT16 -> 5;
      case INT32 -> 6;
      case INT64 -> 7;
      case BOOL -> 9;
      case FLOAT16 -> 10;
      case FLOAT64 -> 11;
      case UINT32 -> 12;
      case UINT64 -> 13;
      case BFLOAT16 -> 16;
    };
  }

  byte[] bytes() {
    Message whole = new Message();
    byte[] head = model.toBytes();
    byte[] body = whole.message(7, graph).toBytes();
    byte[] all = new byte[head.length + body.length];
    System.arraycopy(head, 0, all, 0, head.length);
    System.arraycopy(body, 0, all, head.length, body.length);
    return all;
  }

  Path write(Path file) throws IOException {
    return Files.write(file, bytes());
  }
}
