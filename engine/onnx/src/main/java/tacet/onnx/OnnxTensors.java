package tacet.onnx;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import tacet.error.ModelFormatException;
import tacet.kernels.DataType;
import tacet.kernels.scalar.Elements;
import tacet.onnx.Proto.TensorData;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Tensors as ONNX files hold them. */
public final class OnnxTensors {

  private OnnxTensors() {}

  /**
   * Reads a file that holds one tensor, as the ONNX project's test cases do.
   *
   * @throws ModelFormatException where the file is damaged
   */
  public static Tensor read(Path file) throws IOException {
    return tensor(Wire.tensor(file), file);
  }

  /** ONNX's number for an element type, or null where Tacet has none of the kind. */
  static DataType type(long number) {
    return switch ((int) number) {
      case 1 -> DataType.FLOAT32;
      case 2 -> DataType.UINT8;
      case 3 -> DataType.INT8;
      case 4 -> DataType.UINT16;
      case 5 -> DataType.INT16;
      case 6 -> DataType.INT32;
      case 7 -> DataType.INT64;
      case 9 -> DataType.BOOL;
      case 10 -> DataType.FLOAT16;
      case 11 -> DataType.FLOAT64;
      case 12 -> DataType.UINT32;
      case 13 -> DataType.UINT64;
      case 16 -> DataType.BFLOAT16;
      default -> null;
    };
  }

  /** The tensor itself; raw data stays mapped. */
  static Tensor tensor(TensorData t, Path file) throws IOException {
    DataType type = type(t.type);
    String place = "tensor '" + t.name + "' at byte " + t.at;
    if (type == null) {
      throw new ModelFormatException(
          file.toString(), place, "element type " + t.type + " is not supported");
    }
    Shape shape;
    long bytes;
    try {
      shape = Shape.of(t.dims.stream().mapToLong(Long::longValue).toArray());
      bytes = Tensor.byteSize(type, shape);
    } catch (IllegalArgumentException e) {
      throw new ModelFormatException(file.toString(), place, e.getMessage(), e);
    }
    if (t.external) {
      return new Tensor(type, shape, external(t, file, place, bytes));
    }
    if (t.raw != null && t.numbers.count() == 0) {
      if (t.raw.byteSize() != bytes) {
        throw new ModelFormatException(
            file.toString(),
            place,
            "shape "
                + shape
                + " of "
                + type
                + " takes "
                + bytes
                + " bytes, the file has "
                + t.raw.byteSize());
      }
      return new Tensor(type, shape, t.raw);
    }
    if (t.numbers.count() != shape.elements()) {
      throw new ModelFormatException(
          file.toString(),
          place,
          "shape "
              + shape
              + " has "
              + shape.elements()
              + " elements, the file has "
              + t.numbers.count());
    }
    Tensor out = Tensor.allocate(type, shape);
    if (type == DataType.FLOAT16 || type == DataType.BFLOAT16) {
      Elements bits = new Elements(out.data(), DataType.UINT16);
      for (int i = 0; i < t.numbers.count(); i++) {
        bits.setLong(i, t.numbers.integer(i));
      }
      return out;
    }
    Elements e = new Elements(out.data(), type);
    for (int i = 0; i < t.numbers.count(); i++) {
      if (t.numbers.integers()) {
        e.setLong(i, t.numbers.integer(i));
      } else {
        e.set(i, t.numbers.number(i));
      }
    }
    return out;
  }

  /** Maps external data, which must lie in the model's own folder. */
  private static MemorySegment external(TensorData t, Path file, String place, long bytes)
      throws IOException {
    Path folder = file.toAbsolutePath().normalize().getParent();
    Path relative = Path.of(t.location);
    Path data = folder.resolve(relative).normalize();
    if (t.location.isEmpty() || relative.isAbsolute() || !data.startsWith(folder)) {
      throw new ModelFormatException(
          file.toString(),
          place,
          "external data '" + t.location + "' is outside the model's folder");
    }
    if (!Files.isRegularFile(data) || !data.toRealPath().startsWith(folder.toRealPath())) {
      throw new ModelFormatException(
          file.toString(),
          place,
          "external data '" + t.location + "' is no file in the model's folder");
    }
    try (FileChannel channel = FileChannel.open(data, StandardOpenOption.READ)) {
      if (t.offset < 0
          || (t.length >= 0 && t.length != bytes)
          || t.offset > channel.size() - bytes) {
        throw new ModelFormatException(
            file.toString(),
            place,
            "external data of "
                + bytes
                + " bytes at "
                + t.offset
                + " of "
                + t.location
                + ", which has "
                + channel.size());
      }
      return bytes == 0
          ? Arena.ofAuto().allocate(1).asSlice(0, 0)
          : channel.map(FileChannel.MapMode.READ_ONLY, t.offset, bytes, Arena.ofAuto());
    }
  }

  /** A tensor of a half-precision type in float32, in which networks are computed; any other as it is. */
  static Tensor widened(Tensor t) {
    if (t.type() != DataType.FLOAT16 && t.type() != DataType.BFLOAT16) {
      return t;
    }
    Tensor out = Tensor.allocate(DataType.FLOAT32, t.shape());
    Elements from = new Elements(t.data(), t.type());
    Elements to = new Elements(out.data(), DataType.FLOAT32);
    for (long i = 0; i < t.shape().elements(); i++) {
      to.set(i, from.get(i));
    }
    return out;
  }
}
