package tacet.insight.cause;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import tacet.insight.cause.Network.Cut;
import tacet.insight.cause.Values.Value;
import tacet.kernels.ThreadBudget;
import tacet.tensor.Shape;

/** What a network's units and channels did in several runs: sums to which a run's values are added, by several threads. */
final class Observations {

  /** Elements that one thread looks at before it takes the next. */
  private static final int PART = 1 << 17;

  private final Network network;
  private final ThreadBudget budget;
  private final Predicate<String> kept;
  private final String inputName;
  private final Map<String, UnitStatistics> units = new HashMap<>();
  private final Map<String, ChannelStatistics> channels = new HashMap<>();

  /**
   * @param kept values whose channels are looked at
   */
  Observations(Network network, ThreadBudget budget, Predicate<String> kept) {
    this.network = network;
    this.budget = budget;
    this.kept = kept;
    inputName = network.graph().inputs().getFirst().name();
  }

  /** By output of the cut. */
  Map<String, UnitStatistics> units() {
    return units;
  }

  /** By value. */
  Map<String, ChannelStatistics> channels() {
    return channels;
  }

  /**
   * Adds a run.
   *
   * @param image that it was of
   * @param fields what positions of values see of it
   */
  void add(Values v, ImageView image, Map<String, ReceptiveField> fields)
      throws InterruptedException {
    List<Runnable> parts = new ArrayList<>();
    Shape shape = Shape.of(image.images(), image.channels(), image.height(), image.width());
    addChannels(inputName, new Value(shape, image.planes()), parts);
    v.floats().forEach((name, x) -> addChannels(name, x, parts));
    for (Cut cut : network.cuts()) {
      Value x = v.floats().get(cut.input());
      if (x != null) {
        ReceptiveField f = fields.get(cut.input());
        long apart =
            f == null ? 1 : Math.min(f.apart(image.height(), image.width()), x.positions());
        UnitStatistics s =
            units.computeIfAbsent(cut.output(), _ -> new UnitStatistics(cut, x.channels()));
        s.begin(x, apart);
        split(x, (first, end) -> s.add(x, first, end), parts);
      }
    }
    try (ThreadBudget.Team team = budget.acquire()) {
      team.forEach(parts.size(), (i, _) -> parts.get(i).run());
    }
  }

  private void addChannels(String name, Value x, List<Runnable> parts) {
    if (!kept.test(name)) {
      return;
    }
    ChannelStatistics s = channels.computeIfAbsent(name, _ -> new ChannelStatistics(x.channels()));
    if (s.channels() == x.channels()) {
      s.begin(x);
      split(x, (first, end) -> s.add(x, first, end), parts);
    }
  }

  private interface Channels {
    void take(int first, int end);
  }

  /** Cuts work on a value's channels into parts for threads. */
  private static void split(Value x, Channels work, List<Runnable> parts) {
    int step = Math.max(1, PART / Math.max(1, x.positions()));
    for (int c = 0; c < x.channels(); c += step) {
      int first = c;
      int end = Math.min(x.channels(), c + step);
      parts.add(() -> work.take(first, end));
    }
  }
}
