package tacet.insight.npy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * An array as {@code .npy} files hold it.
 *
 * @param type element type
 * @param shape dimensions, outermost first; empty for a scalar
 * @param data the elements in C order (last dimension innermost), little-endian, nothing between or
 *     after them
 */
public record NpyArray(NpyType type, long[] shape, MemorySegment data) {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /**
   * @throws IllegalArgumentException if a dimension is negative or {@code data} has another size
   *     than type and shape ask for
   */
  public NpyArray {
    shape = shape.clone();
    long bytes;
    try {
      bytes = Math.multiplyExact(elements(shape), type.bytes());
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException("too many elements: " + Arrays.toString(shape), e);
    }
    if (data.byteSize() != bytes) {
      throw new IllegalArgumentException(
          Arrays.toString(shape)
              + " of "
              + type
              + " has "
              + bytes
              + " bytes, not "
              + data.byteSize());
    }
  }

  /** A float32 array over a copy of {@code values}. */
  public static NpyArray ofFloats(float[] values, long... shape) {
    MemorySegment data = MemorySegment.ofArray(new byte[Math.multiplyExact(values.length, 4)]);
    MemorySegment.copy(values, 0, data, FLOAT, 0, values.length);
    return new NpyArray(NpyType.FLOAT32, shape, data);
  }

  @Override
  public long[] shape() {
    return shape.clone();
  }

  /** Number of elements. */
  public long elements() {
    return elements(shape);
  }

  /**
   * The elements in C order as float32: integers and doubles are rounded to the nearest float,
   * booleans become 0 and 1.
   *
   * @throws IllegalArgumentException if there are more than a Java array holds
   */
  public float[] toFloats() {
    long count = elements();
    if (count > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(count + " elements do not fit a Java array");
    }
    float[] out = new float[(int) count];
    switch (type) {
      case FLOAT32 -> MemorySegment.copy(data, FLOAT, 0, out, 0, out.length);
      case FLOAT16 -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = Float.float16ToFloat(data.get(SHORT, 2L * i));
        }
      }
      case FLOAT64 -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = (float) data.get(DOUBLE, 8L * i);
        }
      }
      case BOOL -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = data.get(ValueLayout.JAVA_BYTE, i) == 0 ? 0f : 1f;
        }
      }
      case INT8 -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = data.get(ValueLayout.JAVA_BYTE, i);
        }
      }
      case UINT8 -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = data.get(ValueLayout.JAVA_BYTE, i) & 0xFF;
        }
      }
      case INT16 -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = data.get(SHORT, 2L * i);
        }
      }
      case UINT16 -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = data.get(SHORT, 2L * i) & 0xFFFF;
        }
      }
      case INT32 -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = data.get(INT, 4L * i);
        }
      }
      case UINT32 -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = data.get(INT, 4L * i) & 0xFFFF_FFFFL;
        }
      }
      case INT64 -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = data.get(LONG, 8L * i);
        }
      }
      case UINT64 -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = unsignedToFloat(data.get(LONG, 8L * i));
        }
      }
    }
    return out;
  }

  /**
   * Halves the value so that it fits a signed long; the lost bit is kept sticky, as it may break a
   * rounding tie.
   */
  private static float unsignedToFloat(long v) {
    return v >= 0 ? (float) v : (float) ((v >>> 1) | (v & 1)) * 2f;
  }

  static long elements(long[] shape) {
    for (long d : shape) {
      if (d < 0) {
        throw new IllegalArgumentException("negative dimension: " + Arrays.toString(shape));
      }
      if (d == 0) {
        return 0;
      }
    }
    long count = 1;
    for (long d : shape) {
      count = Math.multiplyExact(count, d);
    }
    return count;
  }
}
