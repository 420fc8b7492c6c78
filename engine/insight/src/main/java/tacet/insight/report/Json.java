package tacet.insight.report;

import java.util.List;
import java.util.Map;

/** Maps, lists, texts and numbers as JSON that may stand inside an HTML script element. */
final class Json {

  private final StringBuilder out = new StringBuilder();

  private Json() {}

  static String of(Object value) {
    Json j = new Json();
    j.value(value);
    return j.out.toString();
  }

  private void value(Object v) {
    switch (v) {
      case null -> out.append("null");
      case Map<?, ?> map -> {
        char separator = '{';
        for (Map.Entry<?, ?> e : map.entrySet()) {
          out.append(separator);
          text(e.getKey().toString());
          out.append(':');
          value(e.getValue());
          separator = ',';
        }
        out.append(separator == '{' ? "{}" : "}");
      }
      case List<?> list -> {
        out.append('[');
        for (int i = 0; i < list.size(); i++) {
          out.append(i > 0 ? "," : "");
          value(list.get(i));
        }
        out.append(']');
      }
      case Double d -> number(d);
      case Float f -> number(f);
      case Number n -> out.append(n);
      case Boolean b -> out.append(b);
      default -> text(v.toString());
    }
  }

  private void number(double d) {
    if (!Double.isFinite(d)) {
      out.append("null");
    } else if (d == Math.rint(d) && Math.abs(d) < 1e9) {
      out.append((long) d);
    } else {
      // Five significant digits are more than a screen shows.
      out.append(
          (double) Float.parseFloat(String.format(java.util.Locale.ROOT, "%.5g", d)) == 0
              ? "0"
              : String.format(java.util.Locale.ROOT, "%.5g", d));
    }
  }

  private void text(String s) {
    out.append('"');
    for (int i = 0; i < s.length(); i++) {
      char c = s.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        // So that no text can end the script element.
        case '<' -> out.append("\\u003c");
        default -> {
          if (c < 0x20 || c == 0x2028 || c == 0x2029) {
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
