package tacet.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tacet.Model;
import tacet.Result;
import tacet.profile.LayerProfile;
import tacet.profile.SparsityProfile;
import tacet.tensor.Tensor;

/** Runs of a network that are looked at. */
final class Profiling {

  /** Runs without a clearly faster one after which code counts as compiled; the times are the medians of these. */
  private static final int PATIENCE = 5;

  private static final double FASTER = 0.97;

  private static final int FEWEST = 2;

  /** No run but the fewest begins later than this after the first. */
  private static final long MOST_NANOS = 300_000_000;

  private Profiling() {}

  /**
   * A run on one input.
   *
   * @param profile with every layer counted
   */
  record Run(Result result, SparsityProfile profile) {}

  /**
   * Runs once to load and compile, then while runs get faster and time is left; the times are each layer's median of the
   * last runs.
   */
  static Run run(Model model, Tensor input) throws InterruptedException {
    String name = model.inputs().getFirst().name();
    Result result = model.run(Map.of(name, input));
    List<SparsityProfile> last = new ArrayList<>();
    long start = System.nanoTime();
    long best = Long.MAX_VALUE;
    for (int since = 0;
        last.size() < FEWEST || since < PATIENCE && System.nanoTime() - start < MOST_NANOS;
        since++) {
      long from = System.nanoTime();
      result = model.run(Map.of(name, input));
      long took = System.nanoTime() - from;
      since = took < FASTER * best ? -1 : since;
      best = Math.min(best, took);
      last.add(result.profile());
      if (last.size() > PATIENCE) {
        last.removeFirst();
      }
    }
    return new Run(result, complete(model, name, input, medians(last)));
  }

  /** The last profile with the median of each layer's times in all of them. */
  private static SparsityProfile medians(List<SparsityProfile> all) {
    List<LayerProfile> rows = new ArrayList<>();
    List<LayerProfile> layers = all.getLast().layers();
    for (int i = 0; i < layers.size(); i++) {
      int layer = i;
      long[] times =
          all.stream().mapToLong(p -> p.layers().get(layer).nanoseconds()).sorted().toArray();
      rows.add(layers.get(i).withNanoseconds(times[(times.length - 1) / 2]));
    }
    return new SparsityProfile(rows, 1);
  }

  /**
   * Fills in the layers whose values fusion never forms, from a run that forms every layer as the model's file has it.
   */
  private static SparsityProfile complete(
      Model model, String inputName, Tensor input, SparsityProfile profile)
      throws InterruptedException {
    if (profile.layers().stream().noneMatch(l -> l.counts() == null)) {
      return profile;
    }
    SparsityProfile unfused;
    try (Model plain =
        Model.of(model.graph(), model.options().withFuse(false).withMeasure(false))) {
      unfused = plain.run(Map.of(inputName, input)).profile();
    }
    List<LayerProfile> rows = new ArrayList<>();
    for (LayerProfile l : profile.layers()) {
      rows.add(
          l.counts() != null
              ? l
              : unfused.layer(l.value()).map(u -> l.withCounts(u.counts())).orElse(l));
    }
    return new SparsityProfile(rows, 1);
  }
}
