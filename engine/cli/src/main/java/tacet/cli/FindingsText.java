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

  /** Of one cause that holds in many layers, as many are said in full. */
  private static final int MOST_ALIKE = 2;

  /** Layers that resolution changes are named up to so many, each way. */
  private static final int MOST_CHANGES = 5;

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
      Map<String, List<Finding>> more = new LinkedHashMap<>();
      List<Finding> single = single(said, more);
      int shown = Math.min(MOST, single.size());
      // As they are ordered: where nothing else is at work, ReLU comes first.
      List<Finding> lines = new ArrayList<>(single.subList(0, shown));
      lines.addAll(first);
      lines.sort(Comparator.comparingInt(hold::indexOf));
      for (Finding f : lines) {
        out.println("- " + f.statement());
        List<Finding> like = more.get(f.cause());
        if (like != null && isLast(f, lines)) {
          out.println("  " + moreOf(f.cause(), like));
        }
      }
      if (!rest.isEmpty()) {
        out.println("- " + others(rest));
      }
      if (single.size() > shown) {
        out.println("  and " + (single.size() - shown) + " more; --json FILE writes all");
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
              out.println("  and so in " + moreLayers(list.size() - 1));
            }
          });
    }
  }

  /** What resolution does: the network as a whole, then the layers that change most, either way. */
  static void printSweep(PrintStream out, List<Finding> findings) {
    if (findings.isEmpty()) {
      return;
    }
    out.println();
    out.println("What resolution does:");
    out.println("- " + findings.getFirst().statement());
    List<Finding> layers =
        findings.stream()
            .skip(1)
            .sorted(Comparator.comparingDouble((Finding f) -> -Math.abs(change(f))))
            .toList();
    printChanges(out, "Sparser", layers.stream().filter(f -> change(f) > 0).toList());
    printChanges(out, "Denser", layers.stream().filter(f -> change(f) < 0).toList());
  }

  private static void printChanges(PrintStream out, String what, List<Finding> layers) {
    if (layers.isEmpty()) {
      return;
    }
    List<String> said =
        layers.stream()
            .limit(MOST_CHANGES)
            .map(f -> String.format(Locale.ROOT, "%s %+.1f", f.layer(), 100 * change(f)))
            .toList();
    int more = layers.size() - said.size();
    out.printf(
        "- %s at higher resolution, in points: %s%s.%n",
        what, String.join(", ", said), more == 0 ? "" : ", and " + moreLayers(more));
  }

  private static double change(Finding f) {
    return (Double) f.evidence().get("change");
  }

  /**
   * The findings that are said one by one: of each cause the first few, where there are many more
   * of its kind.
   *
   * @param more takes the others, by cause
   */
  private static List<Finding> single(List<Finding> said, Map<String, List<Finding>> more) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    said.forEach(f -> counts.merge(f.cause(), 1, Integer::sum));
    Map<String, Integer> shown = new LinkedHashMap<>();
    List<Finding> single = new ArrayList<>();
    for (Finding f : said) {
      int before = shown.merge(f.cause(), 1, Integer::sum) - 1;
      if (before < MOST_ALIKE || counts.get(f.cause()) <= MOST_ALIKE + 1) {
        single.add(f);
      } else {
        more.computeIfAbsent(f.cause(), _ -> new ArrayList<>()).add(f);
      }
    }
    return single;
  }

  private static boolean isLast(Finding f, List<Finding> lines) {
    return lines.reversed().stream().filter(g -> g.cause().equals(f.cause())).findFirst().get()
        == f;
  }

  private static String moreOf(String cause, List<Finding> like) {
    double[] shares =
        like.stream().filter(f -> f.share() != null).mapToDouble(Finding::share).sorted().toArray();
    String layers = moreLayers(like.size());
    return shares.length == 0
        ? String.format(Locale.ROOT, "and %s in %s", cause, layers)
        : String.format(
            Locale.ROOT,
            "and %s in %s: %.1f %% to %.1f %% of their zeros",
            cause,
            layers,
            100 * shares[0],
            100 * shares[shares.length - 1]);
  }

  private static String moreLayers(int n) {
    return n + (n == 1 ? " more layer" : " more layers");
  }

  /** That ReLU makes zeros is true of every such layer, and need not be said of each. */
  private static String others(List<Finding> relu) {
    double[] negative =
        relu.stream()
            .mapToDouble(f -> (Double) f.evidence().get("negativeShare"))
            .sorted()
            .toArray();
    double least = 100 * negative[0];
    double most = 100 * negative[negative.length - 1];
    return relu.size() == 1
        ? String.format(
            Locale.ROOT, "ReLU does so in 1 more layer: %.1f %% of its inputs are negative.", most)
        : String.format(
            Locale.ROOT,
            "ReLU does so in %d more layers: %.1f %% to %.1f %% of their inputs are negative.",
            relu.size(),
            least,
            most);
  }

  private static boolean inherited(Finding f) {
    return Boolean.TRUE.equals(f.evidence().get("inherited"));
  }
}
