package tacet.kernels.scalar;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import tacet.kernels.DataType;

/** The elements of a dense array of any type, read and written as doubles or longs. */
public record Elements(MemorySegment data, DataType type) {

  private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfDouble F64 = ValueLayout.JAVA_DOUBLE_UNALIGNED;
  private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final ValueLayout.OfByte I8 = ValueLayout.JAVA_BYTE;

  /** Element {@code i}; 64-bit integers are rounded where they exceed 2^53. */
  public double get(long i) {
    return switch (type) {
      case FLOAT32 -> data.getAtIndex(F32, i);
      case FLOAT64 -> data.getAtIndex(F64, i);
      case FLOAT16 -> Float.float16ToFloat(data.getAtIndex(I16, i));
      case BFLOAT16 -> Float.intBitsToFloat(data.getAtIndex(I16, i) << 16);
      case UINT64 -> {
        long v = data.getAtIndex(I64, i);
        yield v >= 0 ? v : (v >>> 1 | v & 1) * 2.0;
      }
      default -> getLong(i);
    };
  }

  /** Element {@code i} as an integer; floats are truncated. */
  public long getLong(long i) {
    return switch (type) {
      case INT64, UINT64 -> data.getAtIndex(I64, i);
      case INT32 -> data.getAtIndex(I32, i);
      case UINT32 -> Integer.toUnsignedLong(data.getAtIndex(I32, i));
      case INT16 -> data.getAtIndex(I16, i);
      case UINT16 -> Short.toUnsignedLong(data.getAtIndex(I16, i));
      case INT8 -> data.getAtIndex(I8, i);
      case UINT8, BOOL -> Byte.toUnsignedLong(data.getAtIndex(I8, i));
      default -> (long) get(i);
    };
  }

  /** Stores a number: rounded to a floating type, truncated to an integer type, compared with zero for BOOL. */
  public void set(long i, double v) {
    switch (type) {
      case FLOAT32 -> data.setAtIndex(F32, i, (float) v);
      case FLOAT64 -> data.setAtIndex(F64, i, v);
      case FLOAT16 -> data.setAtIndex(I16, i, Float.floatToFloat16((float) v));
      case BFLOAT16 -> data.setAtIndex(I16, i, toBfloat16((float) v));
      case BOOL -> data.setAtIndex(I8, i, (byte) (v != 0 ? 1 : 0));
      case UINT64 -> setLong(i, v >= 0x1p63 ? (long) (v - 0x1p63) ^ Long.MIN_VALUE : (long) v);
      default -> setLong(i, (long) v);
    }
  }

  /** Stores an integer; integer types keep its low bits. */
  public void setLong(long i, long v) {
    switch (type) {
      case INT64, UINT64 -> data.setAtIndex(I64, i, v);
      case INT32, UINT32 -> data.setAtIndex(I32, i, (int) v);
      case INT16, UINT16 -> data.setAtIndex(I16, i, (short) v);
      case INT8, UINT8 -> data.setAtIndex(I8, i, (byte) v);
      default -> set(i, v);
    }
  }

  /** Round to nearest, ties to even. */
  private static short toBfloat16(float f) {
    int bits = Float.floatToRawIntBits(f);
    if (Float.isNaN(f)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
  }
}
