package tacet.cli;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** ONNX files made by hand. */
final class TinyOnnx {

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /**
   * One convolution 3×3 with 4 filters, then Relu.
   *
   * @param side of the input [1, 3, side, side]; 0 leaves height and width free
   */
  static byte[] model(int side) {
    return model(
        new TinyOnnx()
            .message(1, node("Conv", "pre", "x", "w"))
            .message(1, node("Relu", "y", "pre"))
            .text(2, "tiny")
            .message(5, weights("w", 4, 3, 3, 3))
            .message(11, value("x", 1, 3, side, side))
            .message(12, value("y", 1, 4, 0, 0)));
  }

  /**
   * Two convolutions 3×3 without biases, of 32 and 16 filters, each with Relu: what is black stays zero.
   *
   * @param side of the input [1, 3, side, side]
   */
  static byte[] withoutBias(int side) {
    return model(
        new TinyOnnx()
            .message(1, node("Conv", "pre1", "x", "w1"))
            .message(1, node("Relu", "y1", "pre1"))
            .message(1, node("Conv", "pre", "y1", "w2"))
            .message(1, node("Relu", "y", "pre"))
            .text(2, "biasless")
            .message(5, weights("w1", 32, 3, 3, 3))
            .message(5, weights("w2", 16, 32, 3, 3))
            .message(11, value("x", 1, 3, side, side))
            .message(12, value("y", 1, 16, side - 4, side - 4)));
  }

  private static byte[] model(TinyOnnx graph) {
    TinyOnnx opset = new TinyOnnx().text(1, "").number(2, 13);
    return new TinyOnnx().number(1, 8).message(7, graph).message(8, opset).out.toByteArray();
  }

  private static TinyOnnx node(String type, String output, String... inputs) {
    TinyOnnx n = new TinyOnnx();
    for (String in : inputs) {
      n.text(1, in);
    }
    return n.text(2, output).text(3, output).text(4, type);
  }

  private static TinyOnnx weights(String name, int... dims) {
    TinyOnnx tensor = new TinyOnnx();
    int count = 1;
    for (int d : dims) {
      tensor.number(1, d);
      count *= d;
    }
    ByteBuffer data = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      data.putFloat((i * 37 % 19 - 9) / 20f);
    }
    return tensor.number(2, 1).text(8, name).bytes(9, data.array());
  }

  private static TinyOnnx value(String name, int... dims) {
    TinyOnnx shape = new TinyOnnx();
    for (int d : dims) {
      shape.message(1, d == 0 ? new TinyOnnx().text(2, "n") : new TinyOnnx().number(1, d));
    }
    TinyOnnx tensor = new TinyOnnx().number(1, 1).message(2, shape);
    return new TinyOnnx().text(1, name).message(2, new TinyOnnx().message(1, tensor));
  }

  private TinyOnnx number(int field, long value) {
    varint((long) field << 3);
    varint(value);
    return this;
  }

  private TinyOnnx text(int field, String value) {
    return bytes(field, value.getBytes(StandardCharsets.UTF_8));
  }

  private TinyOnnx message(int field, TinyOnnx value) {
    return bytes(field, value.out.toByteArray());
  }

  private TinyOnnx bytes(int field, byte[] value) {
    varint((long) field << 3 | 2);
    varint(value.length);
    out.writeBytes(value);
    return this;
  }

  private void varint(long v) {
    long rest = v;
    while (rest >= 0x80) {
      out.write((int) (rest & 0x7f | 0x80));
      rest >>>= 7;
    }
    out.write((int) rest);
  }
}
