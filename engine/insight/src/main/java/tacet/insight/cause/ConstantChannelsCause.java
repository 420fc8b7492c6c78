package tacet.insight.cause;

import java.util.ArrayList;
import java.util.List;
import tacet.insight.Finding;
import tacet.insight.cause.Network.Answer;

/** Units that are not silent and yet say the same everywhere: they carry nothing. */
final class ConstantChannelsCause implements Cause {

  private static final double NOTHING = 1e-5;

  private final Analysis analysis;

  ConstantChannelsCause(Analysis analysis) {
    this.analysis = analysis;
  }

  @Override
  public List<Finding> findings(Partition partition) {
    List<Finding> found = new ArrayList<>();
    long looked = 0;
    for (Answer a : analysis.network().answers()) {
      ChannelStatistics s = analysis.original().channels().get(a.output());
      // One observation says nothing about variation.
      if (s == null || s.perChannel() < 2) {
        continue;
      }
      looked += s.channels();
      List<Object> channels = new ArrayList<>();
      for (int c = 0; c < s.channels(); c++) {
        boolean silent = s.zeros(c) == s.perChannel();
        if (!silent && isConstant(s, c) && !readsConstants(a.units(), c)) {
          channels.add((long) c);
        }
      }
      if (!channels.isEmpty()) {
        found.add(
            new Finding(
                "constant-channels",
                a.layer(),
                null,
                Text.format(
                    "%d of %d channels of %s %s one value everywhere, other than zero.",
                    channels.size(),
                    s.channels(),
                    a.layer(),
                    channels.size() == 1 ? "has" : "have"),
                true,
                new Evidence()
                    .put("zeros", partition.zeros(a.output()))
                    .put("constantChannels", channels)
                    .put("channels", s.channels())
                    .map()));
      }
    }
    if (found.isEmpty() && looked > 0) {
      found.add(
          new Finding(
              "constant-channels",
              analysis.outputLayer(),
              null,
              Text.format("None of %d channels has one value everywhere.", looked),
              false,
              new Evidence().put("channels", looked).map()));
    }
    return found;
  }

  private static boolean isConstant(ChannelStatistics s, int channel) {
    return s.deviation(channel) <= NOTHING * Math.abs(s.mean(channel));
  }

  /** Whether nothing varies in what a unit reads: then it is not for itself to blame. */
  private boolean readsConstants(Units u, int unit) {
    ChannelStatistics in = analysis.original().channels().get(u.input());
    int first = u.firstInputChannel(unit);
    boolean constant = in != null && in.channels() >= first + u.inputChannels();
    for (int i = first; constant && i < first + u.inputChannels(); i++) {
      constant = isConstant(in, i);
    }
    return constant;
  }
}
