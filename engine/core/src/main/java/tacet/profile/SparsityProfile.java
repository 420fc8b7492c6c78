package tacet.profile;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a run, or several, showed layer by layer.
 *
 * @param layers in the order of the network
 * @param runs number of inferences that were added up
 */
public record SparsityProfile(List<LayerProfile> layers, int runs) {

  public SparsityProfile {
    layers = List.copyOf(layers);
  }

  /** The layer with this name, or that makes the value of this name. */
  public Optional<LayerProfile> layer(String name) {
    return layers.stream().filter(l -> l.name().equals(name) || l.value().equals(name)).findFirst();
  }

  /**
   * The sum of both: counts, times and runs.
   *
   * @throws IllegalArgumentException where they are not of the same network
   */
  public SparsityProfile merge(SparsityProfile o) {
    if (o.layers.size() != layers.size()) {
      throw new IllegalArgumentException("profiles of different networks");
    }
    List<LayerProfile> merged = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      LayerProfile a = layers.get(i);
      LayerProfile b = o.layers.get(i);
      if (!a.name().equals(b.name())) {
        throw new IllegalArgumentException("profiles of different networks");
      }
      merged.add(
          new LayerProfile(
              a.name(),
              a.op(),
              a.value(),
              a.outputShape(),
              a.kernel(),
              a.backend(),
              a.reason(),
              a.nanoseconds() + b.nanoseconds(),
              a.multiplyAdds() + b.multiplyAdds(),
              a.counts() == null || b.counts() == null ? null : a.counts().plus(b.counts()),
              a.skipping() == null || b.skipping() == null
                  ? null
                  : a.skipping().plus(b.skipping())));
    }
    return new SparsityProfile(merged, runs + o.runs);
  }
}
