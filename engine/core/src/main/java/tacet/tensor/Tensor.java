package tacet.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.function.DoubleSupplier;
import tacet.kernels.DataType;

/**
 * A dense array in row-major order, native byte order. The memory belongs to whoever made the segment; a tensor made
 * by {@link #allocate} on the automatic arena lives as long as it is reachable.
 *
 * @param type element type
 * @param shape dimensions, outermost first
 * @param data exactly {@code shape.elements() * type.bytes()} bytes
 */
public record Tensor(DataType type, Shape shape, MemorySegment data) {

  /** Alignment of every buffer Tacet allocates: a cache line, and the widest vector. */
  public static final long ALIGNMENT = 64;

  public Tensor {
    Objects.requireNonNull(type, "type");
    long expected = byteSize(type, shape);
    if (data.byteSize() != expected) {
      throw new IllegalArgumentException(
          "a "
              + type
              + " tensor of shape "
              + shape
              + " takes "
              + expected
              + " bytes, the segment has "
              + data.byteSize());
    }
  }

  /**
   * Bytes taken by a dense tensor.
   *
   * @throws IllegalArgumentException where the size does not fit in a {@code long}
   */
  public static long byteSize(DataType type, Shape shape) {
    try {
      return Math.multiplyExact(shape.elements(), (long) type.bytes());
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException("tensor of shape " + shape + " is too large", e);
    }
  }

  /** A zeroed tensor whose memory is freed when it is no longer reachable. */
  public static Tensor allocate(DataType type, Shape shape) {
    return allocate(type, shape, Arena.ofAuto());
  }

  /** A zeroed tensor in {@code arena}. */
  public static Tensor allocate(DataType type, Shape shape, Arena arena) {
    long bytes = byteSize(type, shape);
    return new Tensor(type, shape, arena.allocate(Math.max(bytes, 1), ALIGNMENT).asSlice(0, bytes));
  }

  /** A float32 tensor holding a copy of {@code values}. */
  public static Tensor of(Shape shape, float... values) {
    Tensor t = allocate(DataType.FLOAT32, shape);
    MemorySegment.copy(values, 0, t.data, ValueLayout.JAVA_FLOAT, 0, checked(shape, values.length));
    return t;
  }

  /**
   * A float32 tensor holding a copy of a buffer's remaining bytes, read in the buffer's byte order. The buffer's position
   * stays as it is.
   *
   * @throws IllegalArgumentException where their number is not what the shape takes
   */
  public static Tensor of(Shape shape, ByteBuffer values) {
    Tensor t = allocate(DataType.FLOAT32, shape);
    t.copyFrom(values);
    return t;
  }

  /** An int64 tensor holding a copy of {@code values}. */
  public static Tensor ofLongs(Shape shape, long... values) {
    Tensor t = allocate(DataType.INT64, shape);
    MemorySegment.copy(values, 0, t.data, ValueLayout.JAVA_LONG, 0, checked(shape, values.length));
    return t;
  }

  private static int checked(Shape shape, int length) {
    if (shape.elements() != length) {
      throw new IllegalArgumentException(
          "shape " + shape + " has " + shape.elements() + " elements, got " + length);
    }
    return length;
  }

  /**
   * Overwrites a float32 tensor.
   *
   * @throws IllegalStateException for any other element type
   * @throws IllegalArgumentException where the number of elements differs
   */
  public void copyFrom(float[] values) {
    require(DataType.FLOAT32);
    MemorySegment.copy(
        values, 0, data, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, checked(shape, values.length));
  }

  /**
   * Overwrites the tensor with a buffer's remaining bytes, read in the buffer's byte order. The buffer's position stays as it
   * is.
   *
   * @throws IllegalArgumentException where their number differs
   */
  public void copyFrom(ByteBuffer values) {
    if (values.remaining() != data.byteSize()) {
      throw new IllegalArgumentException(
          "a "
              + type
              + " tensor of shape "
              + shape
              + " takes "
              + data.byteSize()
              + " bytes, the buffer has "
              + values.remaining());
    }
    // Shorts, ints and longs stand for all types of their size: copying swaps bytes and computes
    // nothing.
    MemorySegment source = MemorySegment.ofBuffer(values);
    switch (type.bytes()) {
      case 1 -> data.copyFrom(source);
      case 2 -> copyInOrder(source, ValueLayout.JAVA_SHORT_UNALIGNED, values.order());
      case 4 -> copyInOrder(source, ValueLayout.JAVA_INT_UNALIGNED, values.order());
      default -> copyInOrder(source, ValueLayout.JAVA_LONG_UNALIGNED, values.order());
    }
  }

  private void copyInOrder(MemorySegment source, ValueLayout element, ByteOrder order) {
    MemorySegment.copy(
        source,
        element.withOrder(order),
        0,
        data,
        element,
        0,
        data.byteSize() / element.byteSize());
  }

  /** Overwrites a float32 tensor with {@code values}, called for each element in turn. */
  public void fill(DoubleSupplier values) {
    require(DataType.FLOAT32);
    for (long i = 0; i < shape.elements(); i++) {
      data.set(ValueLayout.JAVA_FLOAT_UNALIGNED, i * Float.BYTES, (float) values.getAsDouble());
    }
  }

  /** A read-only view of the memory as a buffer in native byte order; valid as long as the memory is. */
  public ByteBuffer asByteBuffer() {
    return data.asReadOnly().asByteBuffer().order(ByteOrder.nativeOrder());
  }

  /**
   * A copy of a float32 tensor's elements.
   *
   * @throws IllegalStateException for any other element type
   */
  public float[] toFloats() {
    require(DataType.FLOAT32);
    float[] out = new float[Math.toIntExact(shape.elements())];
    MemorySegment.copy(data, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, out, 0, out.length);
    return out;
  }

  /**
   * A copy of an int64 tensor's elements.
   *
   * @throws IllegalStateException for any other element type
   */
  public long[] toLongs() {
    require(DataType.INT64);
    long[] out = new long[Math.toIntExact(shape.elements())];
    MemorySegment.copy(data, ValueLayout.JAVA_LONG_UNALIGNED, 0, out, 0, out.length);
    return out;
  }

  /** The same memory seen with another shape of as many elements. */
  public Tensor reshaped(Shape other) {
    return new Tensor(type, other, data);
  }

  private void require(DataType wanted) {
    if (type != wanted) {
      throw new IllegalStateException("tensor holds " + type + ", not " + wanted);
    }
  }
}
