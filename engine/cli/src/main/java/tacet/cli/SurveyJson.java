package tacet.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tacet.insight.survey.LayerSurvey;
import tacet.insight.survey.Survey;

/** Surveys as JSON: what people read, and the exact sums from which surveys are merged. */
final class SurveyJson {

  private SurveyJson() {}

  static Map<String, Object> of(Survey s) {
    Map<String, Object> content = new LinkedHashMap<>();
    content.put("model", s.model());
    content.put("images", s.images());
    content.put("complete", s.complete());
    content.put("silentFiringRateUpperBound", s.silentRateBound());
    List<Object> broken = new ArrayList<>();
    for (Survey.Broken b : s.broken()) {
      Map<String, Object> o = new LinkedHashMap<>();
      o.put("file", b.file());
      o.put("reason", b.reason());
      broken.add(o);
    }
    content.put("broken", broken);
    List<Object> layers = new ArrayList<>();
    for (LayerSurvey l : s.layers()) {
      layers.add(layer(l, s.images()));
    }
    content.put("layers", layers);
    return content;
  }

  private static Map<String, Object> layer(LayerSurvey l, long images) {
    Map<String, Object> o = new LinkedHashMap<>();
    o.put("name", l.name());
    o.put("op", l.op());
    o.put("units", (long) l.units());
    o.put("positions", l.positions());
    o.put("zeros", l.zeros());
    o.put("nearZeros", l.nearZeros());
    o.put("zeroFraction", l.zeroFraction(images));
    o.put("silentUnits", (long) l.silentUnits());
    o.put("populationSparseness", l.populationSparseness(images));
    o.put("hoyerIndex", l.hoyerIndex(images));
    o.put("medianLifetimeSparseness", l.medianLifetimeSparseness(images));
    List<Object> rates = new ArrayList<>();
    List<Object> lifetimes = new ArrayList<>();
    for (int c = 0; c < l.units(); c++) {
      rates.add(l.firingRate(c, images));
      lifetimes.add(l.lifetimeSparseness(c, images));
    }
    o.put("firingRates", rates);
    o.put("lifetimeSparseness", lifetimes);
    Map<String, Object> sums = new LinkedHashMap<>();
    sums.put("fired", l.fired());
    sums.put("firedSquares", l.firedSquares());
    sums.put("firingImages", l.firingImages());
    sums.put("population", l.population());
    sums.put("hoyer", l.hoyer());
    o.put("sums", sums);
    return o;
  }

  /**
   * Reads a survey back.
   *
   * @throws IllegalArgumentException naming the file where it is none
   */
  static Survey read(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file);
        JsonParser json = new JsonFactory().createParser(in)) {
      json.nextToken();
      return survey((Map<?, ?>) value(json));
    } catch (JsonProcessingException | ClassCastException | NullPointerException e) {
      throw new IllegalArgumentException(file + ": is no survey written by tacet survey", e);
    }
  }

  private static Survey survey(Map<?, ?> m) {
    List<Survey.Broken> broken = new ArrayList<>();
    for (Object b : (List<?>) m.get("broken")) {
      Map<?, ?> o = (Map<?, ?>) b;
      broken.add(new Survey.Broken((String) o.get("file"), (String) o.get("reason")));
    }
    List<LayerSurvey> layers = new ArrayList<>();
    for (Object l : (List<?>) m.get("layers")) {
      Map<?, ?> o = (Map<?, ?>) l;
      Map<?, ?> sums = (Map<?, ?>) o.get("sums");
      layers.add(
          new LayerSurvey(
              (String) o.get("name"),
              (String) o.get("op"),
              (Long) o.get("positions"),
              (Long) o.get("zeros"),
              (Long) o.get("nearZeros"),
              longs(sums.get("fired")),
              longs(sums.get("firedSquares")),
              longs(sums.get("firingImages")),
              (Long) sums.get("population"),
              (Long) sums.get("hoyer")));
    }
    return new Survey(
        (String) m.get("model"),
        (Long) m.get("images"),
        broken,
        (Boolean) m.get("complete"),
        layers);
  }

  private static long[] longs(Object list) {
    return ((List<?>) list).stream().mapToLong(o -> (Long) o).toArray();
  }

  /** What the parser is at: maps, lists, numbers as Long or Double, booleans, texts. */
  static Object value(JsonParser json) throws IOException {
    return switch (json.currentToken()) {
      case START_OBJECT -> {
        Map<String, Object> map = new LinkedHashMap<>();
        while (json.nextToken() != JsonToken.END_OBJECT) {
          String name = json.currentName();
          json.nextToken();
          map.put(name, value(json));
        }
        yield map;
      }
      case START_ARRAY -> {
        List<Object> list = new ArrayList<>();
        while (json.nextToken() != JsonToken.END_ARRAY) {
          list.add(value(json));
        }
        yield list;
      }
      case VALUE_NUMBER_INT -> json.getLongValue();
      case VALUE_NUMBER_FLOAT -> json.getDoubleValue();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_STRING -> json.getText();
      case null, default -> null;
    };
  }
}
