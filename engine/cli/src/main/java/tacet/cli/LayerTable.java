package tacet.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tacet.insight.Weights;
import tacet.insight.cause.ResolutionSweep;
import tacet.profile.LayerProfile;
import tacet.profile.LayerProfile.Counts;
import tacet.profile.LayerProfile.Skipping;
import tacet.profile.SparsityProfile;

/** Prints profiles as tables. */
final class LayerTable {

  private LayerTable() {}

  static void print(
      PrintStream out, SparsityProfile profile, List<Weights.Summary> weights, float tau) {
    Map<String, Weights.Summary> byLayer = new HashMap<>();
    weights.forEach(w -> byLayer.put(w.layer(), w));
    List<String[]> rows = new ArrayList<>();
    rows.add(
        new String[] {
          "layer",
          "op",
          "output",
          "kernel",
          "ms",
          "zero %",
          "< " + tau + " %",
          "dead",
          "skipped %",
          "speed-up",
          "weights 0 %",
          "< 0.001 %"
        });
    for (LayerProfile l : profile.layers()) {
      Counts c = l.counts();
      Skipping s = l.skipping();
      Weights.Summary w = byLayer.get(l.name().replaceFirst("/preactivation$", ""));
      boolean first = l.nanoseconds() > 0;
      rows.add(
          new String[] {
            l.name(),
            l.op(),
            l.outputShape().toString(),
            l.kernel(),
            first ? String.format(Locale.ROOT, "%.3f", l.nanoseconds() / 1e6 / profile.runs()) : "",
            c == null ? "-" : percent(c.zeroFraction()),
            c == null ? "-" : percent(c.nearZeroFraction()),
            c == null ? "-" : c.deadChannels() + "/" + c.channels(),
            s == null ? "" : percent((double) s.multiplyAdds() / l.multiplyAdds()),
            s == null ? "" : String.format(Locale.ROOT, "%.2f", s.predictedSpeedup()),
            w == null || l.multiplyAdds() == 0 ? "" : percent((double) w.zeros() / w.elements()),
            w == null || l.multiplyAdds() == 0 ? "" : percent((double) w.below001() / w.elements())
          });
    }
    print(out, rows, 4);
    double total = profile.layers().stream().mapToLong(LayerProfile::nanoseconds).sum() / 1e6;
    out.printf(Locale.ROOT, "%.3f ms in all layers%n", total / profile.runs());
    for (Weights.Summary w : weights) {
      if (!w.regulariser().isEmpty()) {
        out.printf(
            Locale.ROOT,
            "%s: trained with %s; its weights have Σ|w| = %.4g%n",
            w.layer(),
            w.regulariser(),
            w.l1());
      }
    }
  }

  static void printSweep(PrintStream out, ResolutionSweep sweep) {
    List<String[]> rows = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("layer", "op"));
    sweep.points().forEach(p -> head.add(p.side() + " zero %"));
    head.add("sees % at " + sweep.points().getFirst().side());
    head.add("sees % at " + sweep.points().getLast().side());
    rows.add(head.toArray(String[]::new));
    List<LayerProfile> first = sweep.points().getFirst().profile().layers();
    int without = 0;
    for (int i = 0; i < first.size(); i++) {
      int layer = i;
      if (first.get(i).counts() == null) {
        continue;
      }
      if (sweep.points().stream()
          .allMatch(p -> p.profile().layers().get(layer).counts().zeros() == 0)) {
        without++;
        continue;
      }
      String name = first.get(i).name();
      List<String> row = new ArrayList<>(List.of(name, first.get(i).op()));
      for (ResolutionSweep.Point p : sweep.points()) {
        row.add(percent(p.profile().layers().get(i).counts().zeroFraction()));
      }
      row.add(percent(sweep.points().getFirst().fieldShares().get(name)));
      row.add(percent(sweep.points().getLast().fieldShares().get(name)));
      rows.add(row.toArray(String[]::new));
    }
    List<String> total = new ArrayList<>(List.of("all that cut at zero", ""));
    sweep.points().forEach(p -> total.add(percent(p.cutZeroFraction())));
    total.add("");
    total.add("");
    rows.add(total.toArray(String[]::new));
    print(out, rows, 2);
    if (without > 0) {
      out.println(
          without + (without == 1 ? " layer has" : " layers have") + " no zeros at any size.");
    }
  }

  static String percent(double share) {
    return String.format(Locale.ROOT, "%.2f", 100 * share);
  }

  /** The first columns are texts and lean left, the others numbers and lean right. */
  static void print(PrintStream out, List<String[]> rows, int texts) {
    int columns = rows.getFirst().length;
    int[] widths = new int[columns];
    for (String[] row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row[i].length());
      }
    }
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        line.append(i == 0 ? "" : "  ");
        String gap = " ".repeat(widths[i] - row[i].length());
        line.append(i < texts ? row[i] + gap : gap + row[i]);
      }
      out.println(line.toString().stripTrailing());
    }
  }
}
