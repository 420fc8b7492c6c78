package tacet.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import tacet.insight.file.WholeFile;

/** Writes maps, lists, texts and numbers as a JSON file, whole or not at all. */
public final class JsonFile {

  private JsonFile() {}

  /** Writes {@code content}; keys and the values of unknown types as texts. */
  public static void write(Path file, Map<String, ?> content) throws IOException {
    WholeFile.write(
        file,
        channel -> {
          OutputStream out = Channels.newOutputStream(channel);
          try (JsonGenerator json = new JsonFactory().createGenerator(out)) {
            json.useDefaultPrettyPrinter();
            value(json, content);
          }
        });
  }

  private static void value(JsonGenerator json, Object v) throws IOException {
    switch (v) {
      case null -> json.writeNull();
      case Map<?, ?> map -> {
        json.writeStartObject();
        for (Map.Entry<?, ?> e : map.entrySet()) {
          json.writeFieldName(e.getKey().toString());
          value(json, e.getValue());
        }
        json.writeEndObject();
      }
      case List<?> list -> {
        json.writeStartArray();
        for (Object o : list) {
          value(json, o);
        }
        json.writeEndArray();
      }
      case long[] a -> json.writeArray(a, 0, a.length);
      case Long n -> json.writeNumber(n);
      case Integer n -> json.writeNumber(n);
      case Double d -> {
        if (Double.isFinite(d)) {
          json.writeNumber(d);
        } else {
          json.writeNull();
        }
      }
      case Boolean b -> json.writeBoolean(b);
      default -> json.writeString(v.toString());
    }
  }
}
