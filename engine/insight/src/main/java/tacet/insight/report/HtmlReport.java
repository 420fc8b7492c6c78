package tacet.insight.report;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tacet.insight.Finding;
import tacet.insight.ModelComparison;
import tacet.insight.Weights;
import tacet.insight.cause.ResolutionSweep;
import tacet.insight.cause.Trace;
import tacet.insight.file.WholeFile;
import tacet.insight.image.Picture;
import tacet.profile.LayerProfile;
import tacet.profile.LayerProfile.Counts;
import tacet.profile.SparsityProfile;

/**
 * A page about a network's zeros: one file, no network, no library.
 *
 * @param model name of the network
 * @param threads threads it ran on
 * @param nearZero τ of near zeros
 * @param profile all inputs added up
 * @param findings most important first
 * @param inputs what it ran on
 * @param sweep zeros at several resolutions, or null
 * @param comparison with another model, or null
 */
public record HtmlReport(
    String model,
    int threads,
    double nearZero,
    SparsityProfile profile,
    List<Finding> findings,
    List<Input> inputs,
    ResolutionSweep sweep,
    ModelComparison comparison) {

  /** Inputs shown in full; the figures are of all. */
  private static final int MOST_INPUTS = 4;

  /**
   * An input and what the layers made of it.
   *
   * @param picture as the network sees it, or null where it is no image
   */
  public record Input(String name, Picture picture, List<Trace> traces) {}

  /** Writes the page. */
  public void write(Path file) throws IOException {
    String page =
        resource("report.html")
            .replace("/*STYLE*/", resource("report.css"))
            .replace("/*CHARTS*/", resource("charts.js"))
            .replace("/*SCRIPT*/", resource("report.js"))
            .replace("/*DATA*/", Json.of(data()));
    ByteBuffer bytes = ByteBuffer.wrap(page.getBytes(StandardCharsets.UTF_8));
    WholeFile.write(
        file,
        out -> {
          while (bytes.hasRemaining()) {
            out.write(bytes);
          }
        });
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = HtmlReport.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private Map<String, Object> data() throws IOException {
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("model", model);
    data.put("threads", threads);
    data.put("nearZero", nearZero);
    data.put("runs", inputs.size());
    List<Input> shown = inputs.subList(0, Math.min(MOST_INPUTS, inputs.size()));
    List<Object> photos = new ArrayList<>();
    for (Input in : shown) {
      Map<String, Object> o = new LinkedHashMap<>();
      o.put("name", fileName(in.name()));
      o.put("photo", in.picture() == null ? null : DataImages.photo(in.picture()));
      o.put("width", in.picture() == null ? 0 : in.picture().width());
      o.put("height", in.picture() == null ? 0 : in.picture().height());
      photos.add(o);
    }
    data.put("inputs", photos);
    data.put("layers", layers(shown));
    data.put("findings", findingRows());
    data.put("sweep", sweep == null ? null : sweepPlot());
    data.put("comparison", comparison == null ? null : comparisonPlot());
    return data;
  }

  private static String fileName(String name) {
    Path p = Path.of(name).getFileName();
    return p == null ? name : p.toString();
  }

  private List<Object> layers(List<Input> shown) throws IOException {
    Map<String, List<Trace>> traces = new LinkedHashMap<>();
    Set<String> before = new HashSet<>();
    for (Input in : shown) {
      for (Trace t : in.traces()) {
        traces.computeIfAbsent(t.value(), _ -> new ArrayList<>()).add(t);
        before.add(t.before());
      }
    }
    List<Object> layers = new ArrayList<>();
    double carried = 0;
    String kernel = null;
    for (LayerProfile l : profile.layers()) {
      if (before.contains(l.value())) {
        // Shown as part of the activation that reads it.
        carried += l.nanoseconds();
        kernel = kernel == null ? l.op() + " · " + l.kernel() : kernel;
        continue;
      }
      layers.add(layer(l, carried, kernel, traces.getOrDefault(l.value(), List.of())));
      carried = 0;
      kernel = null;
    }
    return layers;
  }

  private Map<String, Object> layer(
      LayerProfile l, double carried, String kernel, List<Trace> traces) throws IOException {
    Map<String, Object> o = new LinkedHashMap<>();
    o.put("name", l.name());
    o.put("op", l.op());
    o.put("shape", l.outputShape().toString());
    o.put("kernel", kernel != null ? kernel : l.kernel());
    o.put("milliseconds", (carried + l.nanoseconds()) / 1e6 / profile.runs());
    o.put("reason", l.reason());
    Counts c = l.counts();
    if (c != null) {
      o.put("elements", c.elements());
      o.put("zeros", c.zeros());
      o.put("zeroFraction", c.zeroFraction());
      o.put("nearZeroFraction", c.nearZeroFraction());
      o.put("dead", c.deadChannels());
      o.put("channels", c.channels());
      List<Object> perChannel = new ArrayList<>();
      double each = (double) c.elements() / Math.max(1, c.channels());
      for (long z : c.zerosPerChannel()) {
        perChannel.add(z / each);
      }
      o.put("zeroPerChannel", perChannel);
    }
    o.put("cuts", !traces.isEmpty() && traces.getFirst().before() != null);
    List<Object> pictures = new ArrayList<>();
    for (Trace t : traces) {
      pictures.add(LayerPictures.of(t));
    }
    o.put("pictures", pictures);
    return o;
  }

  private List<Object> findingRows() {
    List<Object> list = new ArrayList<>();
    for (Finding f : findings) {
      Map<String, Object> o = new LinkedHashMap<>();
      o.put("cause", f.cause());
      o.put("layer", f.layer());
      o.put("share", f.share());
      o.put("statement", f.statement());
      o.put("holds", f.holds());
      o.put("inherited", Boolean.TRUE.equals(f.evidence().get("inherited")));
      list.add(o);
    }
    return list;
  }

  private Map<String, Object> sweepPlot() {
    Map<String, Object> o = new LinkedHashMap<>();
    o.put("sides", sweep.points().stream().map(ResolutionSweep.Point::side).toList());
    o.put("total", sweep.points().stream().map(ResolutionSweep.Point::cutZeroFraction).toList());
    List<Object> rows = new ArrayList<>();
    for (LayerProfile l : sweep.points().getFirst().profile().layers()) {
      List<Object> zeros = new ArrayList<>();
      List<Object> fields = new ArrayList<>();
      for (ResolutionSweep.Point p : sweep.points()) {
        zeros.add(
            p.profile()
                .layer(l.value())
                .map(x -> x.counts() == null ? null : x.counts().zeroFraction())
                .orElse(null));
        fields.add(p.fieldShares().get(l.name()));
      }
      boolean some = zeros.stream().anyMatch(z -> z instanceof Double d && d > 0.001);
      if (some) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("layer", l.name());
        row.put("zeros", zeros);
        row.put("fields", fields);
        rows.add(row);
      }
    }
    o.put("rows", rows);
    return o;
  }

  private Map<String, Object> comparisonPlot() {
    Map<String, Object> o = new LinkedHashMap<>();
    o.put("first", comparison.first());
    o.put("second", comparison.second());
    o.put("statements", comparison.findings().stream().map(Finding::statement).toList());
    List<Object> rows = new ArrayList<>();
    for (ModelComparison.Row r : comparison.rows()) {
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("layer", r.layer());
      row.put("zeros", List.of(r.zeros(), r.otherZeros()));
      row.put("weights", small(r.weights(), r.otherWeights()));
      rows.add(row);
    }
    o.put("rows", rows);
    return o;
  }

  private static List<Object> small(Weights.Summary a, Weights.Summary b) {
    return a == null || b == null
        ? null
        : List.of((double) a.below001() / a.elements(), (double) b.below001() / b.elements());
  }
}
