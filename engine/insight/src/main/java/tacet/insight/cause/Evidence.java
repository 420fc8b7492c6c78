package tacet.insight.cause;

import java.util.LinkedHashMap;
import java.util.Map;

/** Figures by name, in the order in which they are given. */
final class Evidence {
  private final Map<String, Object> figures = new LinkedHashMap<>();

  Evidence put(String name, Object figure) {
    figures.put(name, figure);
    return this;
  }

  Map<String, Object> map() {
    return figures;
  }
}
