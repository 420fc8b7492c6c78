package tacet.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tacet.insight.Finding;

/** Prints the findings that a reader needs first; all of them are in the JSON. */
final class FindingsText {

  /** More than this many hold for one network, and nobody reads on. */
  private static final int MOST = 9;

  private static final int MOST_RELU = 3;

  private FindingsText() {}

  static void print(PrintStream out, List<Finding> findings) {
    List<Finding> hold =
        findings.stream().filter(Finding::holds).filter(f -> !inherited(f)).toList();
    if (!hold.isEmpty()) {
      out.println();
      out.println("What makes the zeros, most important first:");
      List<Finding> relu = hold.stream().filter(f -> f.cause().equals("relu")).toList();
      List<Finding> rest = relu.subList(Math.min(MOST_RELU, relu.size()), relu.size());
      List<Finding> first = relu.subList(0, relu.size() - rest.size());
      List<Finding> said = new ArrayList<>(hold);
      said.removeAll(relu);
      int shown = Math.min(MOST, said.size());
      // As they are ordered: where nothing else is at work, ReLU comes first.
      List<Finding> lines = new ArrayList<>(said.subList(0, shown));
      lines.addAll(first);
      lines.sort(Comparator.comparingInt(hold::indexOf));
      lines.forEach(f -> out.println("- " + f.statement()));
      if (!rest.isEmpty()) {
        out.println("- " + others(rest));
      }
      if (said.size() > shown) {
        out.println("  and " + (said.size() - shown) + " more; --json FILE writes all");
      }
    }
    Map<String, List<Finding>> rejected = new LinkedHashMap<>();
    for (Finding f : findings) {
      if (!f.holds()) {
        rejected.computeIfAbsent(f.cause(), _ -> new ArrayList<>()).add(f);
      }
    }
    if (!rejected.isEmpty()) {
      out.println();
      out.println("Tested, and not at work or working the other way:");
      rejected.forEach(
          (cause, list) -> {
            // Pooling is said layer by layer: how much it takes away differs, and few expect it.
            list.stream()
                .limit(cause.equals("pooling") ? list.size() : 1)
                .forEach(f -> out.println("- " + cause + ": " + f.statement()));
            if (list.size() > 1 && !cause.equals("pooling")) {
              out.println("  and so in " + (list.size() - 1) + " more layers");
            }
          });
    }
  }

  /** That ReLU makes zeros is true of every such layer, and need not be said of each. */
  private static String others(List<Finding> relu) {
    double[] negative =
        relu.stream()
            .mapToDouble(f -> (Double) f.evidence().get("negativeShare"))
            .sorted()
            .toArray();
    return String.format(
        Locale.ROOT,
        "ReLU does so in %d more layers: %.1f %% to %.1f %% of their inputs are negative.",
        relu.size(),
        100 * negative[0],
        100 * negative[negative.length - 1]);
  }

  private static boolean inherited(Finding f) {
    return Boolean.TRUE.equals(f.evidence().get("inherited"));
  }
}
