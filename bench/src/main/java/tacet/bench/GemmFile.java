package tacet.bench;

import com.google.protobuf.CodedOutputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes an ONNX file with one dense layer: y = ReLU(x · Wᵀ + b), x of shape [1, inputs]. Field numbers as in onnx.proto. */
final class GemmFile {

  private static final int FLOAT = 1;
  private static final int OPSET = 13;

  private GemmFile() {}

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
   * @param weights [outputs, inputs], row-major
   */
  static void write(Path file, int inputs, int outputs, float[] weights, float[] bias)
      throws IOException {
    Message transposed = new Message().text(1, "transB").number(3, 1).number(20, 2);
    Message gemm =
        new Message()
            .text(1, "x")
            .text(1, "w")
            .text(1, "b")
            .text(2, "t")
            .text(4, "Gemm")
            .message(5, transposed);
    Message relu = new Message().text(1, "t").text(2, "y").text(4, "Relu");
    byte[] small =
        new Message()
            .message(1, gemm)
            .message(1, relu)
            .text(2, "layer")
            .message(11, value("x", inputs))
            .message(12, value("y", outputs))
            .done();
    byte[] ofWeights =
        new Message().number(1, outputs).number(1, inputs).number(2, FLOAT).text(8, "w").done();
    byte[] ofBias = new Message().number(1, outputs).number(2, FLOAT).text(8, "b").done();
    byte[] head = new Message().number(1, 8).message(8, new Message().number(2, OPSET)).done();
    long graph =
        small.length + tensorField(ofWeights, weights.length) + tensorField(ofBias, bias.length);
    try (OutputStream stream = new BufferedOutputStream(Files.newOutputStream(file))) {
      CodedOutputStream out = CodedOutputStream.newInstance(stream);
      out.writeRawBytes(head);
      out.writeTag(7, 2);
      out.writeUInt32NoTag(Math.toIntExact(graph));
      out.writeRawBytes(small);
      tensor(out, ofWeights, weights);
      tensor(out, ofBias, bias);
      out.flush();
    }
  }

  private static Message value(String name, int columns) throws IOException {
    Message row = new Message().number(1, 1);
    Message length = new Message().number(1, columns);
    Message shape = new Message().message(1, row).message(1, length);
    Message tensor = new Message().number(1, FLOAT).message(2, shape);
    return new Message().text(1, name).message(2, new Message().message(1, tensor));
  }

  private static int tensorBytes(byte[] about, int length) {
    int data = Math.multiplyExact(length, Float.BYTES);
    return about.length + 1 + CodedOutputStream.computeUInt32SizeNoTag(data) + data;
  }

  private static long tensorField(byte[] about, int length) {
    int bytes = tensorBytes(about, length);
    return 1L + CodedOutputStream.computeUInt32SizeNoTag(bytes) + bytes;
  }

  private static void tensor(CodedOutputStream out, byte[] about, float[] values)
      throws IOException {
    out.writeTag(5, 2);
    out.writeUInt32NoTag(tensorBytes(about, values.length));
    out.writeRawBytes(about);
    ByteBuffer data =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    data.asFloatBuffer().put(values);
    out.writeTag(9, 2);
    out.writeUInt32NoTag(data.capacity());
    out.writeRawBytes(data);
  }
}
