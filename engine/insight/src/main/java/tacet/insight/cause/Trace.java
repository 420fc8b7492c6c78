package tacet.insight.cause;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tacet.Model;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.insight.cause.Network.Cut;
import tacet.insight.cause.Values.Value;
import tacet.kernels.CountLevel;
import tacet.tensor.Tensor;

/**
 * What one layer made of one input, first image of a batch.
 *
 * @param layer the layer's name
 * @param value name of its value
 * @param before name of the value before its cut at zero, or null where it cuts nothing
 * @param channels number of maps, or of units
 * @param height rows of a map
 * @param width columns of a map
 * @param data [C, H, W]
 * @param input [C, H, W] of the value before the cut, or null
 * @param bound where it cuts
 */
public record Trace(
    String layer,
    String value,
    String before,
    int channels,
    int height,
    int width,
    float[] data,
    float[] input,
    float bound) {

  /** All layers whose values are float32, in the order of the network; values before a cut are part of the cut's. */
  public static List<Trace> of(Graph graph, ModelOptions options, Tensor input)
      throws InterruptedException {
    Network network = Network.of(graph);
    Values v;
    try (Model model =
        Model.of(
            network.graph(),
            options.withFuse(false).withCounts(CountLevel.OFF).withMeasure(false))) {
      v =
          Values.of(
              model.run(Map.of(graph.inputs().getFirst().name(), input), network.taps()).outputs(),
              network.graph());
    }
    List<Trace> traces = new ArrayList<>();
    network
        .layersByValue()
        .forEach(
            (value, layer) -> {
              Value y = v.floats().get(value);
              boolean isBefore = network.cuts().stream().anyMatch(c -> c.input().equals(value));
              if (y != null && y.data().length > 0 && !isBefore) {
                traces.add(trace(layer, value, network.cut(value), y, v));
              }
            });
    return traces;
  }

  private static Trace trace(String layer, String value, Cut cut, Value y, Values v) {
    Value x = cut == null ? null : v.floats().get(cut.input());
    return new Trace(
        layer,
        value,
        cut == null ? null : cut.input(),
        y.channels(),
        y.height(),
        y.width(),
        first(y),
        x == null ? null : first(x),
        cut == null ? 0 : cut.bound());
  }

  private static float[] first(Value v) {
    return java.util.Arrays.copyOf(v.data(), v.data().length / v.images());
  }
}
