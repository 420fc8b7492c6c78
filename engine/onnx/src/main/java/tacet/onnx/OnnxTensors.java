package tacet.onnx;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
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
    Arena arena = Arena.ofAuto();
    return tensor(Wire.tensor(file, arena), file, arena);
  }

  /** Names of TensorProto.DataType, by number. */
  private static final List<String> TYPE_NAMES =
      List.of(
          "UNDEFINED",
          "FLOAT",
          "UINT8",
          "INT8",
          "UINT16",
          "INT16",
          "INT32",
          "INT64",
          "STRING",
          "BOOL",
          "FLOAT16",
          "DOUBLE",
          "UINT32",
          "UINT64",
          "COMPLEX64",
          "COMPLEX128",
          "BFLOAT16",
          "FLOAT8E4M3FN",
          "FLOAT8E4M3FNUZ",
          "FLOAT8E5M2",
          "FLOAT8E5M2FNUZ",
          "UINT4",
          "INT4",
          "FLOAT4E2M1");

  /** ONNX's name for an element type, or its number where that is unknown. */
  static String typeName(long number) {
    return number >= 0 && number < TYPE_NAMES.size()
        ? TYPE_NAMES.get((int) number)
        : Long.toString(number);
  }

  /** ONNX's number for an element type, −1 where there is none of the name. */
  static long typeNumber(String name) {
    return TYPE_NAMES.indexOf(name);
  }

  /** The element type of ONNX's number, or null where Tacet has none of the kind. */
  static DataType type(long number) {
    return switch (typeName(number)) {
      case "FLOAT" -> DataType.FLOAT32;
      case "UINT8" -> DataType.UINT8;
      case "INT8" -> DataType.INT8;
      case "UINT16" -> DataType.UINT16;
      case "INT16" -> DataType.INT16;
      case "INT32" -> DataType.INT32;
      case "INT64" -> DataType.INT64;
      case "BOOL" -> DataType.BOOL;
      case "FLOAT16" -> DataType.FLOAT16;
      case "DOUBLE" -> DataType.FLOAT64;
      case "UINT32" -> DataType.UINT32;
      case "UINT64" -> DataType.UINT64;
      case "BFLOAT16" -> DataType.BFLOAT16;
      default -> null;
    };
  }

  /** The tensor itself; raw data stays mapped. */
  static Tensor tensor(TensorData t, Path file, Arena arena) throws IOException {
    DataType type = type(t.type);
    String place = "tensor '" + t.name + "' at byte " + t.at;
    if (type == null) {
      throw new ModelFormatException(
          file.toString(), place, "element type " + typeName(t.type) + " is not supported");
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
      return new Tensor(type, shape, external(t, file, place, bytes, arena));
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
    if (t.raw != null) {
      throw new ModelFormatException(file.toString(), place, "has both raw and typed data");
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
    Tensor out = Tensor.allocate(type, shape, arena);
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
  private static MemorySegment external(
      TensorData t, Path file, String place, long bytes, Arena arena) throws IOException {
    Path folder = file.toAbsolutePath().normalize().getParent();
    Path relative;
    try {
      relative = Path.of(t.location);
    } catch (InvalidPathException e) {
      throw new ModelFormatException(
          file.toString(), place, "external data in a file of no possible name", e);
    }
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
          ? arena.allocate(1).asSlice(0, 0)
          : channel.map(FileChannel.MapMode.READ_ONLY, t.offset, bytes, arena);
    }
  }

  /** The type in which values of a type are computed: float32 for half precision, else the type itself. */
  static DataType widened(DataType type) {
    return type == DataType.FLOAT16 || type == DataType.BFLOAT16 ? DataType.FLOAT32 : type;
  }

  /** A tensor of a half-precision type in float32, in which networks are computed; any other as it is. */
  static Tensor widened(Tensor t, Arena arena) {
    if (widened(t.type()) == t.type()) {
      return t;
    }
    Tensor out = Tensor.allocate(DataType.FLOAT32, t.shape(), arena);
    Elements from = new Elements(t.data(), t.type());
    Elements to = new Elements(out.data(), DataType.FLOAT32);
    for (long i = 0; i < t.shape().elements(); i++) {
      to.set(i, from.get(i));
    }
    return out;
  }
}
