package tacet.insight;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.profile.LayerProfile;
import tacet.profile.LayerProfile.Counts;
import tacet.profile.SparsityProfile;

/** Causes of zeros that follow exactly from the counts of neighbouring layers. */
public final class Causes {

  private Causes() {}

  /** All findings, those that explain the most zeros first. */
  public static List<Finding> of(Graph graph, SparsityProfile profile) {
    Map<String, LayerProfile> byValue = new HashMap<>();
    profile.layers().forEach(l -> byValue.put(l.value(), l));
    List<Finding> findings = new ArrayList<>();
    for (Node n : graph.nodes()) {
      for (int i = 0; i < n.layers().size(); i++) {
        LayerProfile layer = byValue.get(n.layers().get(i).value());
        if (layer == null || layer.counts() == null || layer.counts().elements() == 0) {
          continue;
        }
        String inputValue = i > 0 ? n.layers().get(i - 1).value() : n.input(0);
        LayerProfile input = byValue.get(inputValue);
        if (isRelu(layer.op(), n) && input != null && input.counts() != null) {
          findings.add(relu(layer, input));
        } else if (n.op() instanceof Op.Pool p
            && p.kind() == Op.PoolKind.MAX
            && input != null
            && input.counts() != null) {
          findings.add(pooling(layer, input));
        }
        if (layer.counts().deadChannels() > 0) {
          findings.add(deadChannels(layer));
        }
      }
    }
    findings.sort(Comparator.comparingDouble((Finding f) -> -explained(f, byValue)));
    return findings;
  }

  private static double explained(Finding f, Map<String, LayerProfile> byValue) {
    Object zeros = f.evidence().get("zeros");
    return f.holds() && f.share() != null && zeros instanceof Long z ? f.share() * z : 0;
  }

  private static boolean isRelu(String op, Node n) {
    if (op.equals("Relu")) {
      return true;
    }
    return n.op() instanceof Op.Unary u
        && u.function().kind() == tacet.kernels.Activation.Kind.CLIP
        && u.function().alpha() == 0;
  }

  private static Finding relu(LayerProfile layer, LayerProfile input) {
    Counts out = layer.counts();
    Counts in = input.counts();
    long made = out.zeros() - in.zeros();
    Map<String, Object> evidence = new LinkedHashMap<>();
    evidence.put("zeros", out.zeros());
    evidence.put("negativeInputs", in.negatives());
    evidence.put("negativeShare", share(in.negatives(), in.elements()));
    evidence.put("zerosBefore", in.zeros());
    boolean holds = made > 0;
    return new Finding(
        "relu",
        layer.name(),
        out.zeros() == 0 ? null : share(made, out.zeros()),
        holds
            ? String.format(
                Locale.ROOT,
                "ReLU makes %s of the zeros of %s: %s of its inputs are negative, %s were zero"
                    + " before.",
                percent(made, out.zeros()),
                layer.name(),
                percent(in.negatives(), in.elements()),
                percent(in.zeros(), in.elements()))
            : String.format(
                Locale.ROOT,
                "ReLU makes no zeros in %s: none of its inputs is negative.",
                layer.name()),
        holds,
        evidence);
  }

  private static Finding pooling(LayerProfile layer, LayerProfile input) {
    Counts out = layer.counts();
    Counts in = input.counts();
    double before = in.zeroFraction();
    double after = out.zeroFraction();
    Map<String, Object> evidence = new LinkedHashMap<>();
    evidence.put("zeroFractionBefore", before);
    evidence.put("zeroFractionAfter", after);
    evidence.put("zeros", out.zeros());
    boolean holds = after > before;
    String way = after < before ? "lowers" : holds ? "raises" : "does not change";
    return new Finding(
        "pooling",
        layer.name(),
        null,
        String.format(
            Locale.ROOT,
            "Max pooling %s the share of zeros: %.1f %% before %s, %.1f %% after it%s.",
            way,
            100 * before,
            layer.name(),
            100 * after,
            after < before ? " – a window is zero only where all of it is" : ""),
        holds,
        evidence);
  }

  private static Finding deadChannels(LayerProfile layer) {
    Counts c = layer.counts();
    int dead = c.deadChannels();
    long perChannel = c.elements() / c.channels();
    Map<String, Object> evidence = new LinkedHashMap<>();
    evidence.put("deadChannels", dead);
    evidence.put("channels", c.channels());
    evidence.put("zeros", c.zeros());
    return new Finding(
        "dead-units",
        layer.name(),
        c.zeros() == 0 ? null : share(dead * perChannel, c.zeros()),
        String.format(
            Locale.ROOT,
            "%d of %d channels of %s are zero everywhere on this input; they hold %s of its zeros.",
            dead,
            c.channels(),
            layer.name(),
            percent(dead * perChannel, c.zeros())),
        true,
        evidence);
  }

  private static double share(long part, long whole) {
    return whole == 0 ? 0 : (double) part / whole;
  }

  private static String percent(long part, long whole) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * share(part, whole));
  }
}
