package tacet.insight.cause;

import java.util.ArrayList;
import java.util.List;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.insight.Finding;

/** What pooling does to the share of zeros, against what it would do if zeros lay independently of each other. */
final class PoolingCause implements Cause {

  private final Analysis analysis;

  PoolingCause(Analysis analysis) {
    this.analysis = analysis;
  }

  @Override
  public List<Finding> findings(Partition partition) {
    List<Finding> found = new ArrayList<>();
    for (Node n : analysis.network().graph().nodes()) {
      int window = window(n);
      ChannelStatistics in = analysis.original().channels().get(n.input(0));
      ChannelStatistics out = analysis.original().channels().get(n.output(0));
      if (window > 1 && in != null && out != null && in.elements() > 0 && out.elements() > 0) {
        found.add(finding(n, window, in, out));
      }
    }
    return found;
  }

  /** Elements of a window; 0 where the node does not pool. */
  private int window(Node n) {
    return switch (n.op()) {
      case Op.Pool p -> p.window().kernel().stream().reduce(1, (a, b) -> a * b);
      case Op.GlobalPool _ -> {
        var s = analysis.shapes().get(n.input(0));
        yield s == null || s.rank() < 3 ? 0 : Math.toIntExact(s.elements(2, s.rank()));
      }
      default -> 0;
    };
  }

  private static Finding finding(Node n, int window, ChannelStatistics in, ChannelStatistics out) {
    double before = (double) in.zeros() / in.elements();
    double after = (double) out.zeros() / out.elements();
    double perChannel = 0;
    for (int c = 0; c < in.channels(); c++) {
      perChannel += Math.pow((double) in.zeros(c) / in.perChannel(), window) / in.channels();
    }
    double expected = Math.pow(before, window);
    boolean holds = after > before;
    String way = after < before ? "lowers" : holds ? "raises" : "does not change";
    String what = n.op().type().contains("Max") ? "Max pooling" : "Pooling";
    StringBuilder text =
        new StringBuilder(
            Text.format(
                "%s %s the share of zeros: %s before %s, %s after it",
                what, way, Text.percent(before), Network.layerName(n), Text.percent(after)));
    if (after < before && before > 0) {
      text.append(
          Text.format(
              " – a window is zero only where all %d of it are (were zeros independent, %s would"
                  + " be)",
              window, Text.percent(expected)));
    }
    return new Finding(
        "pooling",
        Network.layerName(n),
        null,
        text.append('.').toString(),
        holds,
        new Evidence()
            .put("zeroFractionBefore", before)
            .put("zeroFractionAfter", after)
            .put("zeros", out.zeros())
            .put("window", window)
            .put("expectedIfIndependent", expected)
            .put("expectedIfIndependentWithinChannels", perChannel)
            .put("clustering", expected > 0 ? after / expected : null)
            .map());
  }
}
