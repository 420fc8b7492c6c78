package tacet.graph;

import java.util.Arrays;
import tacet.kernels.DataType;
import tacet.tensor.Shape;

/**
 * An input or output of a graph as the model declares it.
 *
 * @param name the value's name
 * @param type element type
 * @param dims dimensions, {@link #UNKNOWN} where the model leaves them free; null where even the rank is free
 */
public record ValueInfo(String name, DataType type, long[] dims) {

  /** A dimension that is decided by the caller. */
  public static final long UNKNOWN = -1;

  public ValueInfo {
    dims = dims == null ? null : dims.clone();
  }

  @Override
  public long[] dims() {
    return dims == null ? null : dims.clone();
  }

  /** Whether every dimension is given. */
  public boolean isStatic() {
    return dims != null && Arrays.stream(dims).noneMatch(d -> d == UNKNOWN);
  }

  /** Whether a tensor of {@code shape} can be this value. */
  public boolean accepts(Shape shape) {
    if (dims == null) {
      return true;
    }
    if (dims.length != shape.rank()) {
      return false;
    }
    for (int i = 0; i < dims.length; i++) {
      if (dims[i] != UNKNOWN && dims[i] != shape.dim(i)) {
        return false;
      }
    }
    return true;
  }

  /** For example {@code Nx3x?x?}: {@code ?} where a dimension is free. */
  public String describe() {
    if (dims == null) {
      return "any shape";
    }
    if (dims.length == 0) {
      return "scalar";
    }
    StringBuilder s = new StringBuilder();
    for (long d : dims) {
      s.append(s.isEmpty() ? "" : "x").append(d == UNKNOWN ? "?" : Long.toString(d));
    }
    return s.toString();
  }
}
