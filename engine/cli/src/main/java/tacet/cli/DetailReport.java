package tacet.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tacet.Model;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.kernels.CountLevel;
import tacet.profile.Detail;
import tacet.profile.Histogram;
import tacet.profile.LayerProfile;
import tacet.profile.SparsityProfile;

/** Shows the closer look at layers. */
final class DetailReport {

  private DetailReport() {}

  /**
   * The profile with the closer look at every layer whose value can be formed. The looking runs compute layers one by one,
   * so the times and kernels remain those of the profile.
   */
  static SparsityProfile closer(
      Graph graph, ModelOptions options, List<InspectInput> inputs, SparsityProfile profile)
      throws InterruptedException {
    ModelOptions looking = options.withCounts(CountLevel.DETAIL).withMeasure(false);
    SparsityProfile looked = null;
    try (Model model = Model.of(graph, looking)) {
      String input = model.inputs().getFirst().name();
      for (InspectInput i : inputs) {
        SparsityProfile p = model.run(Map.of(input, i.tensor())).profile();
        looked = looked == null ? p : looked.merge(p);
      }
    }
    List<LayerProfile> rows = new ArrayList<>();
    for (LayerProfile l : profile.layers()) {
      LayerProfile.Counts closer =
          looked == null ? null : looked.layer(l.value()).map(LayerProfile::counts).orElse(null);
      rows.add(closer == null ? l : l.withCounts(closer));
    }
    return new SparsityProfile(rows, profile.runs());
  }

  /** A row per layer: size of its values, and how much of its zeros a kernel could skip for free. */
  static void print(PrintStream out, SparsityProfile profile) {
    List<String[]> rows = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("layer", "mean |x|", "rms", "largest <", "zero %"));
    Detail.BLOCK_WIDTHS.forEach(w -> head.add("in " + w + "s %"));
    head.add("pixels %");
    rows.add(head.toArray(String[]::new));
    for (LayerProfile l : profile.layers()) {
      Detail d = l.counts() == null ? null : l.counts().detail();
      if (d == null) {
        continue;
      }
      double n = l.counts().elements();
      List<String> row =
          new ArrayList<>(
              List.of(
                  l.name(),
                  String.format(Locale.ROOT, "%.4g", d.l1() / n),
                  String.format(Locale.ROOT, "%.4g", d.l2() / Math.sqrt(n)),
                  String.format(Locale.ROOT, "%.4g", bound(d.histogram())),
                  LayerTable.percent(l.counts().zeroFraction())));
      d.blocks().forEach(b -> row.add(LayerTable.percent(b.zeroFraction())));
      row.add(LayerTable.percent((double) d.zeroPixels() / Math.max(1, d.pixels())));
      rows.add(row.toArray(String[]::new));
    }
    LayerTable.print(out, rows, 1);
    out.println(
        "in 4s, 8s, 16s: blocks of as many channels of a pixel that are zero throughout;"
            + " pixels: all channels zero");
  }

  /** Upper edge of the highest bin that holds something. */
  private static double bound(Histogram h) {
    for (int b = Histogram.BINS - 1; b >= 0; b--) {
      if (h.negative()[b] + h.positive()[b] > 0) {
        return b == Histogram.BINS - 1 ? Double.POSITIVE_INFINITY : Histogram.lowerEdge(b + 1);
      }
    }
    return 0;
  }

  static Map<String, Object> describe(Detail d) {
    Map<String, Object> o = new LinkedHashMap<>();
    o.put("l1", d.l1());
    o.put("l2", d.l2());
    Histogram h = d.histogram();
    Map<String, Object> histogram = new LinkedHashMap<>();
    List<Object> edges = new ArrayList<>();
    for (int b = 0; b < Histogram.BINS; b++) {
      edges.add(Histogram.lowerEdge(b));
    }
    histogram.put("lowerEdges", edges);
    histogram.put("negative", h.negative());
    histogram.put("positive", h.positive());
    histogram.put("zeros", h.zeros());
    histogram.put("nonFinite", h.nonFinite());
    o.put("histogram", histogram);
    List<Object> blocks = new ArrayList<>();
    for (Detail.Blocks b : d.blocks()) {
      Map<String, Object> block = new LinkedHashMap<>();
      block.put("channels", b.channels());
      block.put("blocks", b.total());
      block.put("zeroBlocks", b.zero());
      blocks.add(block);
    }
    o.put("blocks", blocks);
    o.put("pixels", d.pixels());
    o.put("zeroPixels", d.zeroPixels());
    o.put("height", d.height());
    o.put("width", d.width());
    o.put("zerosPerPosition", d.zerosPerPosition());
    return o;
  }
}
