package tacet.tensor;

import java.util.Arrays;
import java.util.stream.Collectors;

/** The dimensions of a tensor, outermost first. Immutable; every dimension is at least 0. */
public final class Shape {
  private static final Shape SCALAR = new Shape(new long[0]);

  private final long[] dimensions;
  private final long elements;

  private Shape(long[] dimensions) {
    // Also of the dimensions besides a zero, so that no part of a shape overflows.
    long product = 1;
    boolean empty = false;
    for (long d : dimensions) {
      if (d < 0) {
        throw new IllegalArgumentException("negative dimension in " + Arrays.toString(dimensions));
      }
      empty |= d == 0;
      try {
        product = Math.multiplyExact(product, Math.max(d, 1));
      } catch (ArithmeticException e) {
        throw new IllegalArgumentException(
            "more than 2^63 elements in " + Arrays.toString(dimensions), e);
      }
    }
    this.dimensions = dimensions;
    this.elements = empty ? 0 : product;
  }

  /**
   * @throws IllegalArgumentException where a dimension is negative or the number of elements does not fit in a
   *     {@code long}
   */
  public static Shape of(long... dimensions) {
    return dimensions.length == 0 ? SCALAR : new Shape(dimensions.clone());
  }

  /** The shape of a scalar: rank 0, one element. */
  public static Shape scalar() {
    return SCALAR;
  }

  public int rank() {
    return dimensions.length;
  }

  /**
   * @param axis 0 … rank − 1, or −rank … −1 counted from the last
   */
  public long dim(int axis) {
    return dimensions[axis < 0 ? axis + dimensions.length : axis];
  }

  /** A dimension that must fit an {@code int}. */
  public int intDim(int axis) {
    return Math.toIntExact(dim(axis));
  }

  /** The product of all dimensions; 1 for a scalar. */
  public long elements() {
    return elements;
  }

  /** A copy of the dimensions. */
  public long[] dims() {
    return dimensions.clone();
  }

  /** Product of the dimensions {@code from} (inclusive) to {@code to} (exclusive). */
  public long elements(int from, int to) {
    long product = 1;
    for (int i = from; i < to; i++) {
      product = Math.multiplyExact(product, dimensions[i]);
    }
    return product;
  }

  /** This shape with one dimension replaced. */
  public Shape with(int axis, long dimension) {
    long[] d = dimensions.clone();
    d[axis < 0 ? axis + d.length : axis] = dimension;
    return new Shape(d);
  }

  /** The shape with its second axis as the last: [N, C, H, W] as [N, H, W, C]; rank 2 and below as they are. */
  public Shape withSecondAxisLast() {
    if (dimensions.length < 3) {
      return this;
    }
    long[] d = dimensions.clone();
    System.arraycopy(dimensions, 2, d, 1, d.length - 2);
    d[d.length - 1] = dimensions[1];
    return new Shape(d);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape s && Arrays.equals(dimensions, s.dimensions);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dimensions);
  }

  /** For example {@code 1x3x224x224}; {@code scalar} for rank 0. */
  @Override
  public String toString() {
    return dimensions.length == 0
        ? "scalar"
        : Arrays.stream(dimensions).mapToObj(Long::toString).collect(Collectors.joining("x"));
  }
}
