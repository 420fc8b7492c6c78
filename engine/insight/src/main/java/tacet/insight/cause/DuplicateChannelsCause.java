package tacet.insight.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import tacet.insight.Finding;
import tacet.insight.cause.Network.Answer;

/** Units with the same weights and bias as another: whatever the image, they say the same. */
final class DuplicateChannelsCause implements Cause {

  private final Analysis analysis;

  DuplicateChannelsCause(Analysis analysis) {
    this.analysis = analysis;
  }

  @Override
  public List<Finding> findings(Partition partition) {
    List<Finding> found = new ArrayList<>();
    long looked = 0;
    for (Answer a : analysis.network().answers()) {
      Units u = a.units();
      ChannelStatistics s = analysis.original().channels().get(a.output());
      if (s == null) {
        continue;
      }
      looked += u.count();
      List<Object> pairs = pairs(u, s, analysis.altered().units().get(a.output()));
      if (!pairs.isEmpty()) {
        found.add(
            new Finding(
                "duplicate-channels",
                a.layer(),
                null,
                Text.format(
                    "%d of %d channels of %s %s another: same weights, same bias.",
                    pairs.size(), u.count(), a.layer(), pairs.size() == 1 ? "repeats" : "repeat"),
                true,
                new Evidence()
                    .put("zeros", partition.zeros(a.output()))
                    .put("pairs", pairs)
                    .put("channels", u.count())
                    .map()));
      }
    }
    if (found.isEmpty() && looked > 0) {
      found.add(
          new Finding(
              "duplicate-channels",
              analysis.outputLayer(),
              null,
              Text.format("None of %d channels repeats another.", looked),
              false,
              new Evidence().put("channels", looked).map()));
    }
    return found;
  }

  /**
   * Pairs [channel, the earlier one it repeats]; channels that no image wakes are another matter.
   *
   * @param altered on altered images, or null
   */
  private static List<Object> pairs(Units u, ChannelStatistics s, UnitStatistics altered) {
    List<Object> pairs = new ArrayList<>();
    var byHash = new java.util.HashMap<Integer, List<Integer>>();
    for (int c = 0; c < u.count(); c++) {
      boolean awake = altered != null && altered.units() == u.count() && !altered.isSilent(c);
      if (s.channels() != u.count() || s.zeros(c) == s.perChannel() && !awake) {
        continue;
      }
      float[] w = u.weights(c);
      int hash =
          31 * (31 * Arrays.hashCode(w) + Float.hashCode(u.bias(c))) + u.firstInputChannel(c);
      List<Integer> same = byHash.computeIfAbsent(hash, _ -> new ArrayList<>());
      for (int other : same) {
        if (u.bias(other) == u.bias(c)
            && u.firstInputChannel(other) == u.firstInputChannel(c)
            && Arrays.equals(u.weights(other), w)) {
          pairs.add(List.of((long) c, (long) other));
          break;
        }
      }
      same.add(c);
    }
    return pairs;
  }
}
