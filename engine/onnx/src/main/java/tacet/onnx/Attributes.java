package tacet.onnx;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import tacet.error.ModelFormatException;
import tacet.onnx.Proto.Attribute;
import tacet.onnx.Proto.TensorData;

/** The attributes of one node. Remembers which were asked for: one that nobody knows must not be passed over. */
final class Attributes {

  /** Numbers of AttributeProto.AttributeType. */
  private static final int FLOAT = 1;

  private static final int INT = 2;
  private static final int STRING = 3;
  private static final int TENSOR = 4;
  private static final int FLOATS = 6;
  private static final int INTS = 7;

  private final Map<String, Attribute> byName = new HashMap<>();
  private final Set<String> read = new HashSet<>();
  private final Function<String, ModelFormatException> error;

  /**
   * @param error makes the error that names the node, from what is wrong
   */
  Attributes(List<Attribute> all, Function<String, ModelFormatException> error) {
    this.error = error;
    for (Attribute a : all) {
      if (byName.put(a.name, a) != null) {
        throw error.apply("attribute " + a.name + " is given twice");
      }
    }
  }

  /** Marks attributes that make no difference to inference. */
  void ignore(String... names) {
    read.addAll(List.of(names));
  }

  /** Names of attributes that nobody asked for. */
  List<String> unread() {
    return byName.keySet().stream().filter(n -> !read.contains(n)).sorted().toList();
  }

  boolean has(String name) {
    return byName.containsKey(name);
  }

  long integer(String name, long otherwise) {
    Attribute a = get(name, INT, "an integer");
    return a == null ? otherwise : a.i;
  }

  boolean flag(String name) {
    return integer(name, 0) != 0;
  }

  /** An integer that must fit an {@code int}. */
  int int32(String name, int otherwise) {
    long v = integer(name, otherwise);
    if (v != (int) v) {
      throw error.apply("attribute " + name + " is " + v);
    }
    return (int) v;
  }

  /** An integer of which only the sign matters once it is larger than any axis. */
  int clamped(String name, int otherwise) {
    return Math.clamp(integer(name, otherwise), Integer.MIN_VALUE, Integer.MAX_VALUE);
  }

  float real(String name, float otherwise) {
    Attribute a = get(name, FLOAT, "a number");
    return a == null ? otherwise : a.f;
  }

  String text(String name, String otherwise) {
    Attribute a = get(name, STRING, "a text");
    return a == null ? otherwise : a.s;
  }

  /** Empty where it is absent. */
  List<Integer> ints(String name) {
    List<Integer> out = new ArrayList<>();
    for (long v : longs(name)) {
      if (v != (int) v) {
        throw error.apply("attribute " + name + " holds " + v);
      }
      out.add((int) v);
    }
    return out;
  }

  /** Empty where it is absent. */
  long[] longs(String name) {
    Attribute a = get(name, INTS, "integers");
    return a == null ? new long[0] : a.ints.stream().mapToLong(Long::longValue).toArray();
  }

  /** Empty where it is absent. */
  float[] floats(String name) {
    Attribute a = get(name, FLOATS, "numbers");
    float[] out = new float[a == null ? 0 : a.floats.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = a.floats.get(i);
    }
    return out;
  }

  /** Null where it is absent. */
  TensorData tensor(String name) {
    Attribute a = get(name, TENSOR, "a tensor");
    if (a != null && a.t == null) {
      throw error.apply("attribute " + name + " holds no tensor");
    }
    return a == null ? null : a.t;
  }

  /** Whether an attribute that some versions give as a text and others as a number is a text. */
  boolean isText(String name) {
    return has(name) && byName.get(name).type == STRING;
  }

  /** The same for a floating-point number. */
  boolean isReal(String name) {
    return has(name) && byName.get(name).type == FLOAT;
  }

  private Attribute get(String name, int type, String what) {
    read.add(name);
    Attribute a = byName.get(name);
    if (a != null && a.type != type) {
      throw error.apply("attribute " + name + " is not " + what);
    }
    return a;
  }
}
