package tacet.onnx;

import com.google.protobuf.CodedOutputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.graph.ValueInfo;
import tacet.kernels.Activation;
import tacet.tensor.Tensor;

/**
 * Writes a graph that was made in code as an ONNX file, so that others compute the same with the same weights: chains of
 * convolutions, dense layers, max pooling, flattening and ReLU. Field numbers are those of onnx.proto.
 */
public final class GraphFile {

  private static final int IR_VERSION = 8;
  private static final int OPSET = 13;
  private static final int FLOAT = 1;

  /** Kinds of attributes. */
  private static final int INT = 2;

  private static final int INTS = 7;

  /** Bytes that are written at a time. */
  private static final long CHUNK = 1 << 20;

  private GraphFile() {}

  /** A message that is put together. */
  private static final class Message {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final CodedOutputStream out = CodedOutputStream.newInstance(bytes);

    Message number(int field, long value) throws IOException {
      out.writeInt64(field, value);
      return this;
    }

    Message text(int field, String value) throws IOException {
      out.writeByteArray(field, value.getBytes(StandardCharsets.UTF_8));
      return this;
    }

    Message message(int field, Message value) throws IOException {
      out.writeByteArray(field, value.done());
      return this;
    }

    byte[] done() throws IOException {
      out.flush();
      return bytes.toByteArray();
    }
  }

  /**
   * Writes a graph.
   *
   * @throws IOException where the file cannot be written
   * @throws IllegalArgumentException where the graph has an operator that is not written; nothing has been written then
   */
  public static void write(Path file, Graph graph) throws IOException {
    Message nodes = new Message();
    for (Node n : graph.nodes()) {
      for (Message m : node(n)) {
        nodes.message(1, m);
      }
    }
    nodes.text(2, "graph");
    for (ValueInfo v : graph.inputs()) {
      nodes.message(11, value(v));
    }
    for (ValueInfo v : graph.outputs()) {
      nodes.message(12, value(v));
    }
    byte[] small = nodes.done();
    byte[] head =
        new Message().number(1, IR_VERSION).message(8, new Message().number(2, OPSET)).done();
    long bytes = small.length;
    for (Map.Entry<String, Tensor> e : graph.constants().entrySet()) {
      long tensor = tensorBytes(about(e.getKey(), e.getValue()), e.getValue());
      bytes += 1 + CodedOutputStream.computeUInt64SizeNoTag(tensor) + tensor;
    }
    try (OutputStream stream = new BufferedOutputStream(Files.newOutputStream(file));
        WritableByteChannel channel = Channels.newChannel(stream)) {
      CodedOutputStream out = CodedOutputStream.newInstance(stream);
      out.writeRawBytes(head);
      out.writeTag(7, 2);
      out.writeUInt64NoTag(bytes);
      out.writeRawBytes(small);
      for (Map.Entry<String, Tensor> e : graph.constants().entrySet()) {
        byte[] about = about(e.getKey(), e.getValue());
        out.writeTag(5, 2);
        out.writeUInt64NoTag(tensorBytes(about, e.getValue()));
        out.writeRawBytes(about);
        MemorySegment data = e.getValue().data();
        out.writeTag(9, 2);
        out.writeUInt64NoTag(data.byteSize());
        out.flush();
        for (long at = 0; at < data.byteSize(); at += CHUNK) {
          long length = Math.min(CHUNK, data.byteSize() - at);
          channel.write(data.asSlice(at, length).asByteBuffer());
        }
      }
      out.flush();
    }
  }

  /** A node, and where it has an activation fused, a second one for that. */
  private static List<Message> node(Node n) throws IOException {
    List<Message> attributes = new ArrayList<>();
    Activation activation = Activation.IDENTITY;
    switch (n.op()) {
      case Op.Conv c -> {
        window(c.window(), attributes);
        attributes.add(attribute("group", c.groups()));
        activation = c.activation();
      }
      case Op.Pool p when p.kind() == Op.PoolKind.MAX -> window(p.window(), attributes);
      case Op.Flatten f -> attributes.add(attribute("axis", f.axis()));
      case Op.Gemm g when g.alpha() == 1 && g.beta() == 1 && !g.transA() -> {
        attributes.add(attribute("transB", g.transB() ? 1 : 0));
        activation = g.activation();
      }
      case Op.Unary u when u.function().kind() == Activation.Kind.RELU -> {}
      default -> throw new IllegalArgumentException("node " + n.name() + " is not written");
    }
    boolean rectified = activation.kind() == Activation.Kind.RELU;
    if (!rectified && !activation.isIdentity()) {
      throw new IllegalArgumentException("node " + n.name() + " has " + activation.kind());
    }
    String result = rectified ? n.output(0) + "/before" : n.output(0);
    Message m = new Message();
    for (String input : n.inputs()) {
      m.text(1, input);
    }
    m.text(2, result).text(4, n.op().type());
    for (Message a : attributes) {
      m.message(5, a);
    }
    return rectified
        ? List.of(m, new Message().text(1, result).text(2, n.output(0)).text(4, "Relu"))
        : List.of(m);
  }

  private static void window(Op.Window w, List<Message> attributes) throws IOException {
    List<Integer> pads = new ArrayList<>(w.padsBegin());
    pads.addAll(w.padsEnd());
    attributes.add(attribute("kernel_shape", w.kernel()));
    attributes.add(attribute("strides", w.strides()));
    attributes.add(attribute("pads", pads));
    attributes.add(attribute("dilations", w.dilations()));
  }

  private static Message attribute(String name, long value) throws IOException {
    return new Message().text(1, name).number(3, value).number(20, INT);
  }

  private static Message attribute(String name, List<Integer> values) throws IOException {
    Message m = new Message().text(1, name);
    for (int v : values) {
      m.number(8, v);
    }
    return m.number(20, INTS);
  }

  private static Message value(ValueInfo v) throws IOException {
    Message shape = new Message();
    for (long d : v.dims()) {
      shape.message(1, new Message().number(1, d));
    }
    Message tensor = new Message().number(1, FLOAT).message(2, shape);
    return new Message().text(1, v.name()).message(2, new Message().message(1, tensor));
  }

  private static byte[] about(String name, Tensor t) throws IOException {
    Message m = new Message();
    for (long d : t.shape().dims()) {
      m.number(1, d);
    }
    return m.number(2, FLOAT).text(8, name).done();
  }

  /** Bytes of a tensor's message; its data are little-endian as this machine's must be. */
  private static long tensorBytes(byte[] about, Tensor t) {
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      throw new IllegalStateException("written on little-endian machines only");
    }
    long data = t.shape().elements() * ValueLayout.JAVA_FLOAT.byteSize();
    return about.length + 1 + CodedOutputStream.computeUInt64SizeNoTag(data) + data;
  }
}
