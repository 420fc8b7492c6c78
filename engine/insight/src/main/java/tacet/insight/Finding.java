package tacet.insight;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Something that was found out about the zeros of a layer.
 *
 * @param cause {@code relu}, {@code pooling}, {@code dead-units}, …
 * @param layer the layer it is about
 * @param share part of that layer's zeros that it explains; null where that has no meaning
 * @param statement in plain words
 * @param holds whether the cause is at work; false where it was tested and is not, or works the other way
 * @param evidence figures by name
 */
public record Finding(
    String cause,
    String layer,
    Double share,
    String statement,
    boolean holds,
    Map<String, Object> evidence) {

  public Finding {
    evidence = new LinkedHashMap<>(evidence);
  }
}
