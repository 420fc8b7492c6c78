package tacet.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tacet.Model;
import tacet.Result;
import tacet.profile.LayerProfile;
import tacet.profile.LayerProfile.Counts;
import tacet.profile.SparsityProfile;
import tacet.tensor.Tensor;

/** Runs of a network that are looked at. */
final class Profiling {

  /** Runs without a clearly faster one after which code counts as compiled. */
  private static final int PATIENCE = 5;

  private static final double FASTER = 0.97;

  /** No run begins later than this after the first. */
  private static final long MOST_NANOS = 300_000_000;

  private Profiling() {}

  /**
   * A run on one input.
   *
   * @param profile with every layer counted
   */
  record Run(Result result, SparsityProfile profile) {}

  /**
   * Runs at least twice – the first run also loads and compiles –, and again while runs get faster and time is left; the
   * times are those of the fastest run.
   */
  static Run run(Model model, Tensor input) throws InterruptedException {
    String name = model.inputs().getFirst().name();
    model.run(Map.of(name, input));
    long start = System.nanoTime();
    Result best = model.run(Map.of(name, input));
    long time = System.nanoTime() - start;
    for (int since = 0; since < PATIENCE && System.nanoTime() - start < MOST_NANOS; since++) {
      long from = System.nanoTime();
      Result next = model.run(Map.of(name, input));
      long took = System.nanoTime() - from;
      if (took < time) {
        since = took < FASTER * time ? -1 : since;
        time = took;
        best = next;
      }
    }
    return new Run(best, complete(model, name, input, best.profile()));
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
      Counts counts =
          l.counts() != null
              ? l.counts()
              : unfused.layer(l.value()).map(LayerProfile::counts).orElse(null);
      rows.add(
          new LayerProfile(
              l.name(),
              l.op(),
              l.value(),
              l.outputShape(),
              l.kernel(),
              l.backend(),
              l.reason(),
              l.nanoseconds(),
              l.multiplyAdds(),
              counts,
              l.skipping()));
    }
    return new SparsityProfile(rows, 1);
  }
}
