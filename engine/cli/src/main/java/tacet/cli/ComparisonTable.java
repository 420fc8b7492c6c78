package tacet.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tacet.insight.ModelComparison;
import tacet.insight.ModelComparison.Row;
import tacet.insight.Weights;

/** Prints two models side by side. */
final class ComparisonTable {

  private ComparisonTable() {}

  static void print(PrintStream out, ModelComparison c) {
    out.println();
    out.println("this: " + c.first());
    out.println("that: " + c.second());
    List<String[]> rows = new ArrayList<>();
    rows.add(
        new String[] {
          "layer",
          "w < 0.001 % this",
          "that",
          "w < 0.01 % this",
          "that",
          "zero % this",
          "that",
          "near zero % this",
          "that",
          "dead this",
          "that"
        });
    for (Row r : c.rows()) {
      rows.add(
          new String[] {
            r.layer(),
            share(r.weights(), true),
            share(r.otherWeights(), true),
            share(r.weights(), false),
            share(r.otherWeights(), false),
            percent(r.zeros()),
            percent(r.otherZeros()),
            percent(r.nearZeros()),
            percent(r.otherNearZeros()),
            Integer.toString(r.dead()),
            Integer.toString(r.otherDead())
          });
    }
    LayerTable.print(out, rows, 1);
  }

  private static String share(Weights.Summary w, boolean thousandth) {
    return w == null
        ? ""
        : percent((double) (thousandth ? w.below001() : w.below01()) / w.elements());
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.2f", 100 * share);
  }
}
