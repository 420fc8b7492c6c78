package tacet.reference;

import java.lang.foreign.MemorySegment;
import tacet.graph.Op;
import tacet.graph.Op.ElementwiseKind;
import tacet.kernels.Activation;
import tacet.kernels.DataType;
import tacet.kernels.PixelSpec;
import tacet.kernels.scalar.Elements;
import tacet.kernels.scalar.ScalarActivation;
import tacet.tensor.Shape;

/** What is computed element by element. Integers are computed as such, and wrap around as their type does. */
final class Arithmetic {

  private Arithmetic() {}

  static void unary(Operands o, Activation f) {
    Elements x = o.from(0);
    Elements y = o.to(0);
    long n = o.y(0).elements();
    if (x.type().isFloating()) {
      for (long i = 0; i < n; i++) {
        y.set(i, ScalarActivation.apply(f, x.get(i)));
      }
      return;
    }
    for (long i = 0; i < n; i++) {
      y.setLong(i, integer(f.kind(), x.type(), x.getLong(i)));
    }
  }

  private static long integer(Activation.Kind f, DataType type, long v) {
    boolean unsigned = type == DataType.UINT64;
    return switch (f) {
      case IDENTITY -> v;
      case ABS -> unsigned ? v : Math.abs(v);
      case NEG -> -v;
      case SIGN -> unsigned && v != 0 ? 1 : Long.signum(v);
      case RELU -> unsigned ? v : Math.max(v, 0);
      default -> throw new AssertionError(f);
    };
  }

  /** The functions that integers have too. */
  static boolean takesIntegers(Activation.Kind f) {
    return switch (f) {
      case IDENTITY, ABS, NEG, SIGN, RELU -> true;
      default -> false;
    };
  }

  static void pixels(Operands o, Op.Pixels op) {
    PixelSpec spec = op.spec(o.shape(0));
    Elements x = o.from(0);
    Elements y = o.to(0);
    long plane = (long) spec.height() * spec.width();
    for (int c = 0; c < spec.channels(); c++) {
      float[] table = spec.table(c);
      for (long n = 0; n < spec.batch(); n++) {
        for (long i = 0; i < plane; i++) {
          long from = (n * plane + i) * spec.bytesPerPixel() + spec.order().get(c);
          y.set((n * spec.channels() + c) * plane + i, table[(int) x.getLong(from)]);
        }
      }
    }
  }

  /** The upper bound wins where it is below the lower one. */
  static void clip(Operands o) {
    Elements x = o.from(0);
    Elements y = o.to(0);
    long n = o.y(0).elements();
    if (x.type().isFloating()) {
      double low = o.has(1) ? o.from(1).get(0) : Double.NEGATIVE_INFINITY;
      double high = o.has(2) ? o.from(2).get(0) : Double.POSITIVE_INFINITY;
      for (long i = 0; i < n; i++) {
        y.set(i, ScalarActivation.clip(x.get(i), low, high));
      }
      return;
    }
    for (long i = 0; i < n; i++) {
      long v = x.getLong(i);
      if (o.has(1)) {
        v = max(x.type(), v, o.from(1).getLong(0));
      }
      if (o.has(2)) {
        v = min(x.type(), v, o.from(2).getLong(0));
      }
      y.setLong(i, v);
    }
  }

  static void not(Operands o) {
    Elements x = o.from(0);
    Elements y = o.to(0);
    for (long i = 0; i < o.y(0).elements(); i++) {
      y.setLong(i, x.getLong(i) == 0 ? 1 : 0);
    }
  }

  static void cast(Operands o, DataType to) {
    Elements x = o.from(0);
    Elements y = o.to(0);
    long n = o.y(0).elements();
    if (to == DataType.FLOAT16 || to == DataType.BFLOAT16) {
      MemorySegment one = MemorySegment.ofArray(new short[1]);
      Elements rounded = new Elements(one, to);
      for (long i = 0; i < n; i++) {
        rounded.set(0, x.get(i));
        y.set(i, rounded.get(0));
      }
      return;
    }
    boolean integers = !x.type().isFloating() && !to.isFloating() && to != DataType.BOOL;
    for (long i = 0; i < n; i++) {
      if (integers) {
        y.setLong(i, x.getLong(i));
      } else {
        y.set(i, x.get(i));
      }
    }
  }

  static void range(Operands o) {
    Elements y = o.to(0);
    long n = o.y(0).elements();
    for (long i = 0; i < n; i++) {
      if (y.type().isFloating()) {
        y.set(i, o.from(0).get(0) + i * o.from(2).get(0));
      } else {
        y.setLong(i, o.from(0).getLong(0) + i * o.from(2).getLong(0));
      }
    }
  }

  static void where(Operands o) {
    Shape s = o.y(0);
    int[] c = Operands.broadcastIndices(o.shape(0), s);
    int[] a = Operands.broadcastIndices(o.shape(1), s);
    int[] b = Operands.broadcastIndices(o.shape(2), s);
    int size = o.x(1).type().bytes();
    Elements condition = o.from(0);
    for (int i = 0; i < c.length; i++) {
      boolean first = condition.getLong(c[i]) != 0;
      MemorySegment.copy(
          o.x(first ? 1 : 2).data(),
          (long) (first ? a[i] : b[i]) * size,
          o.out().get(0).data(),
          (long) i * size,
          size);
    }
  }

  static void prelu(Operands o) {
    Elements x = o.from(0);
    Elements slope = o.from(1);
    Elements y = o.to(0);
    int[] at = Operands.broadcastIndices(o.shape(1), o.y(0));
    for (int i = 0; i < at.length; i++) {
      if (x.type().isFloating()) {
        double v = x.get(i);
        y.set(i, v < 0 ? v * slope.get(at[i]) : v);
      } else {
        long v = x.getLong(i);
        y.setLong(i, v < 0 && x.type() != DataType.UINT64 ? v * slope.getLong(at[i]) : v);
      }
    }
  }

  static void elementwise(Operands o, ElementwiseKind kind, Activation f) {
    Shape s = o.y(0);
    int n = Math.toIntExact(s.elements());
    int count = o.in().size();
    int[][] at = new int[count][];
    Elements[] x = new Elements[count];
    for (int k = 0; k < count; k++) {
      at[k] = Operands.broadcastIndices(o.shape(k), s);
      x[k] = o.from(k);
    }
    DataType type = x[0].type();
    Elements y = o.to(0);
    if (type.isFloating() || kind == ElementwiseKind.POW && x[1].type().isFloating()) {
      boolean single = type == DataType.FLOAT32;
      for (int i = 0; i < n; i++) {
        double r = x[0].get(at[0][i]);
        for (int k = 1; k < count; k++) {
          r = combine(kind, r, x[k].get(at[k][i]), single);
        }
        y.set(i, ScalarActivation.apply(f, kind == ElementwiseKind.MEAN ? r / count : r));
      }
      return;
    }
    for (int i = 0; i < n; i++) {
      long r = x[0].getLong(at[0][i]);
      for (int k = 1; k < count; k++) {
        r = combine(o, kind, type, r, x[k].getLong(at[k][i]));
      }
      y.setLong(i, integer(f.kind(), type, kind == ElementwiseKind.MEAN ? r / count : r));
    }
  }

  /** Sums of float32 are rounded at each step, as every implementation does. */
  private static double combine(ElementwiseKind kind, double a, double b, boolean single) {
    double r =
        switch (kind) {
          case ADD, MEAN -> a + b;
          case SUB -> a - b;
          case MUL -> a * b;
          case DIV -> a / b;
          case POW -> Math.pow(a, b);
          case FMOD -> a % b;
          case MOD -> a - Math.floor(a / b) * b;
          case MAX -> Math.max(a, b);
          case MIN -> Math.min(a, b);
          case EQUAL -> a == b ? 1 : 0;
          case GREATER -> a > b ? 1 : 0;
          case GREATER_OR_EQUAL -> a >= b ? 1 : 0;
          case LESS -> a < b ? 1 : 0;
          case LESS_OR_EQUAL -> a <= b ? 1 : 0;
          case AND -> a != 0 && b != 0 ? 1 : 0;
          case OR -> a != 0 || b != 0 ? 1 : 0;
          case XOR -> a != 0 ^ b != 0 ? 1 : 0;
        };
    return single ? (float) r : r;
  }

  private static long combine(Operands o, ElementwiseKind kind, DataType type, long a, long b) {
    boolean unsigned = type == DataType.UINT64;
    int order = unsigned ? Long.compareUnsigned(a, b) : Long.compare(a, b);
    return switch (kind) {
      case ADD, MEAN -> a + b;
      case SUB -> a - b;
      case MUL -> a * b;
      case POW -> power(a, b);
      case DIV, MOD, FMOD -> {
        if (b == 0) {
          throw Windows.bad(o.node(), "a divisor other than 0", "0");
        }
        if (kind == ElementwiseKind.DIV) {
          yield unsigned ? Long.divideUnsigned(a, b) : a / b;
        }
        yield unsigned
            ? Long.remainderUnsigned(a, b)
            : kind == ElementwiseKind.FMOD ? a % b : Math.floorMod(a, b);
      }
      case MAX -> max(type, a, b);
      case MIN -> min(type, a, b);
      case EQUAL -> a == b ? 1 : 0;
      case GREATER -> order > 0 ? 1 : 0;
      case GREATER_OR_EQUAL -> order >= 0 ? 1 : 0;
      case LESS -> order < 0 ? 1 : 0;
      case LESS_OR_EQUAL -> order <= 0 ? 1 : 0;
      case AND -> a != 0 && b != 0 ? 1 : 0;
      case OR -> a != 0 || b != 0 ? 1 : 0;
      case XOR -> a != 0 ^ b != 0 ? 1 : 0;
    };
  }

  private static long max(DataType type, long a, long b) {
    if (type == DataType.UINT64) {
      return Long.compareUnsigned(a, b) < 0 ? b : a;
    }
    return Math.max(a, b);
  }

  private static long min(DataType type, long a, long b) {
    if (type == DataType.UINT64) {
      return Long.compareUnsigned(a, b) < 0 ? a : b;
    }
    return Math.min(a, b);
  }

  /** By squaring; a negative exponent leaves the integer part of the fraction. */
  private static long power(long base, long exponent) {
    if (exponent < 0) {
      return (long) Math.pow(base, exponent);
    }
    long result = 1;
    long square = base;
    for (long e = exponent; e != 0; e >>= 1) {
      if ((e & 1) != 0) {
        result *= square;
      }
      square *= square;
    }
    return result;
  }
}
