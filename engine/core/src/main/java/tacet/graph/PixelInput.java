package tacet.graph;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import tacet.kernels.DataType;

/**
 * Networks that take pictures as they come from a decoder or a camera: bytes [N, H, W, S], unsigned, S of them per pixel.
 * They are normalised as {@link Op.Pixels} says while they are written, in one pass, into the layout that the first kernel
 * reads.
 */
public final class PixelInput {

  private PixelInput() {}

  /**
   * The same network with an image input of its replaced by pictures.
   *
   * @param input [N, C, H, W] or [N, H, W, C] of float32; the new input has its name with {@code /pixels} behind
   * @param bytesPerPixel S
   * @throws IllegalArgumentException where the graph has no such input, or not with as many channels
   */
  public static Graph of(Graph graph, String input, Op.Pixels pixels, int bytesPerPixel) {
    List<ValueInfo> inputs = new ArrayList<>(graph.inputs());
    int at = 0;
    while (at < inputs.size() && !inputs.get(at).name().equals(input)) {
      at++;
    }
    if (at == inputs.size()) {
      throw new IllegalArgumentException("the model has no input '" + input + "'");
    }
    ValueInfo image = inputs.get(at);
    int channels = pixels.order().size();
    boolean first = takes(image, 1, channels);
    if (!first && !takes(image, 3, channels)) {
      throw new IllegalArgumentException(
          "input '" + input + "' is " + image.describe() + ", no image of " + channels);
    }
    long[] d = image.dims();
    long[] bytes =
        first
            ? new long[] {d[0], d[2], d[3], bytesPerPixel}
            : new long[] {d[0], d[1], d[2], bytesPerPixel};
    String name = input + "/pixels";
    inputs.set(at, new ValueInfo(name, DataType.UINT8, bytes));
    List<Node> nodes = new ArrayList<>();
    String made = first ? input : input + "/planes";
    nodes.add(new Node(name, pixels, List.of(name), List.of(made)));
    if (!first) {
      Op turned = new Op.Transpose(List.of(0, 2, 3, 1));
      nodes.add(new Node(made, turned, List.of(made), List.of(input), List.of()));
    }
    nodes.addAll(graph.nodes());
    return Graph.checked(
        graph.source(),
        inputs,
        graph.outputs(),
        new LinkedHashMap<>(graph.constants()),
        nodes,
        graph.notes(),
        graph.channelsLast());
  }

  private static boolean takes(ValueInfo image, int axis, int channels) {
    long[] d = image.dims();
    return image.type() == DataType.FLOAT32
        && d.length == 4
        && (d[axis] == channels || d[axis] == ValueInfo.UNKNOWN && axis == 1 && d[3] != channels);
  }
}
