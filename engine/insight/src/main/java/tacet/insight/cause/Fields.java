package tacet.insight.cause;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import tacet.Model;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.insight.cause.Network.Cut;
import tacet.kernels.CountLevel;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** How much of the image the positions of a network's layers see, and which layers cut at zero. */
public final class Fields {

  private final Map<String, ReceptiveField> byLayer = new LinkedHashMap<>();
  private final Set<String> cuts;

  private Fields(Map<String, ReceptiveField> byLayer, Set<String> cuts) {
    this.byLayer.putAll(byLayer);
    this.cuts = cuts;
  }

  /** From one run on one input. */
  public static Fields of(Graph graph, ModelOptions options, Tensor input)
      throws InterruptedException {
    Network network = Network.of(graph);
    Map<String, Shape> shapes = new HashMap<>();
    try (Model model =
        Model.of(
            network.graph(),
            options.withFuse(false).withCounts(CountLevel.OFF).withMeasure(false))) {
      String name = graph.inputs().getFirst().name();
      Values v =
          Values.of(model.run(Map.of(name, input), network.taps()).outputs(), network.graph());
      v.floats().forEach((n, x) -> shapes.put(n, x.shape()));
      network.graph().constants().forEach((n, t) -> shapes.putIfAbsent(n, t.shape()));
      shapes.put(name, Values.value(input, graph.channelsLast().contains(name)).shape());
    }
    Map<String, ReceptiveField> byLayer = new LinkedHashMap<>();
    if (input.shape().rank() == 4) {
      Map<String, ReceptiveField> fields = ReceptiveField.of(network.graph(), shapes);
      network
          .layersByValue()
          .forEach(
              (value, layer) -> {
                if (fields.containsKey(value)) {
                  byLayer.put(layer, fields.get(value));
                }
              });
    }
    return new Fields(byLayer, Set.copyOf(network.cuts().stream().map(Cut::layer).toList()));
  }

  /** Part of a square image of this side that one position of a layer sees, at most 1; 1 where it sees all. */
  public double share(String layer, int side) {
    ReceptiveField f = byLayer.get(layer);
    return f == null ? 1 : f.share(side, side);
  }

  /** Whether a layer makes zeros out of what is below a bound. */
  public boolean isCut(String layer) {
    return cuts.contains(layer);
  }
}
