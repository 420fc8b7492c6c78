package tacet.keras;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import tacet.error.ModelFormatException;
import tacet.graph.ValueInfo;

/**
 * A JSON object of a model's file, read by key with the type that is expected there.
 *
 * @param file the model's file
 * @param place where in it, for messages
 * @param map the object
 */
record Config(String file, String place, Map<String, Object> map) {

  /** Largest extent, stride or count that makes sense; keeps later arithmetic within a long. */
  private static final long MOST = Integer.MAX_VALUE;

  ModelFormatException bad(String expected) {
    return new ModelFormatException(file, place, expected);
  }

  private ModelFormatException bad(String key, String expected, Object found) {
    String text = String.valueOf(found);
    String shown = text.length() > 80 ? text.substring(0, 80) + "…" : text;
    return bad("expected " + expected + " for " + key + ", got " + shown);
  }

  /** Whether the key is there and not null. */
  boolean has(String key) {
    return map.get(key) != null;
  }

  Object raw(String key) {
    return map.get(key);
  }

  /** The same object, spoken of in another place. */
  Config at(String otherPlace) {
    return new Config(file, otherPlace, map);
  }

  String text(String key, String otherwise) {
    return switch (map.get(key)) {
      case null -> otherwise;
      case String s -> s;
      case Object o -> throw bad(key, "a text", o);
    };
  }

  boolean flag(String key, boolean otherwise) {
    return switch (map.get(key)) {
      case null -> otherwise;
      case Boolean b -> b;
      case Object o -> throw bad(key, "true or false", o);
    };
  }

  double real(String key, double otherwise) {
    return switch (map.get(key)) {
      case null -> otherwise;
      // Keras 3 writes scalars that were tensors as objects.
      case Map<?, ?> m when m.get("config") instanceof Map<?, ?> c && c.get("value") != null ->
          number(key, c.get("value"));
      case Object o -> number(key, o);
    };
  }

  private double number(String key, Object o) {
    if (o instanceof Number n) {
      return n.doubleValue();
    }
    throw bad(key, "a number", o);
  }

  int integer(String key, int otherwise) {
    Object o = map.get(key);
    return o == null ? otherwise : integer(key, o);
  }

  private int integer(String key, Object o) {
    double d = number(key, o);
    if (d != Math.rint(d) || Math.abs(d) > MOST) {
      throw bad(key, "an integer of 32 bits", o);
    }
    return (int) d;
  }

  /** A required integer of at least 1. */
  int positive(String key) {
    int i = integer(key, 0);
    if (i < 1) {
      throw bad(key, "an integer of at least 1", map.get(key));
    }
    return i;
  }

  /** As many integers as asked for; one number stands for all of them. */
  List<Integer> integers(String key, int count, int otherwise, int least) {
    Object o = map.get(key);
    Integer[] out = new Integer[count];
    Arrays.fill(out, otherwise);
    if (o instanceof List<?> list) {
      if (list.size() != count) {
        throw bad(key, count + " integers", o);
      }
      for (int i = 0; i < count; i++) {
        out[i] = integer(key, list.get(i));
      }
    } else if (o != null) {
      Arrays.fill(out, integer(key, o));
    }
    for (int i : out) {
      if (i < least) {
        throw bad(key, "integers of at least " + least, o);
      }
    }
    return List.of(out);
  }

  /** One integer or a list of them; null where the key is absent or null. */
  List<Integer> integers(String key) {
    return switch (map.get(key)) {
      case null -> null;
      case List<?> list -> list.stream().map(o -> integer(key, o)).toList();
      case Object o -> List.of(integer(key, o));
    };
  }

  /** A list, empty where the key is absent. */
  List<?> list(String key) {
    return switch (map.get(key)) {
      case null -> List.of();
      case List<?> list -> list;
      case Object o -> throw bad(key, "a list", o);
    };
  }

  /** An object within this one, or null. */
  Config object(String key) {
    return switch (map.get(key)) {
      case null -> null;
      case Map<?, ?> m -> new Config(file, place, cast(m));
      case Object o -> throw bad(key, "an object", o);
    };
  }

  /**
   * A shape with the batch first: {@link ValueInfo#UNKNOWN} for null.
   *
   * @return null where the key is absent or is no shape of one tensor
   */
  long[] shape(String key) {
    if (!(map.get(key) instanceof List<?> list)) {
      return null;
    }
    List<Long> dims = new ArrayList<>();
    for (Object o : list) {
      if (o == null) {
        dims.add(ValueInfo.UNKNOWN);
      } else if (o instanceof Number) {
        int d = integer(key, o);
        if (d < 0) {
          throw bad(key, "a shape", list);
        }
        dims.add((long) d);
      } else {
        return null;
      }
    }
    return dims.stream().mapToLong(Long::longValue).toArray();
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> cast(Map<?, ?> m) {
    // The parser makes no keys but strings.
    return (Map<String, Object>) m;
  }
}
