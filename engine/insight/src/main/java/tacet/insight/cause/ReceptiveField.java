package tacet.insight.cause;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.DataType;
import tacet.reference.Windows;
import tacet.reference.Windows.ResolvedWindow;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * The part of the image that a position of a layer sees: pixels {@code start + i·step} to {@code start + i·step + size − 1}
 * per axis, y then x (Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks", 2019).
 *
 * @param size extent in pixels
 * @param step pixels between neighbouring positions
 * @param start first pixel of position 0; negative inside padding
 */
record ReceptiveField(int[] size, int[] step, int[] start) {

  private static final ReceptiveField PIXEL =
      new ReceptiveField(new int[] {1, 1}, new int[] {1, 1}, new int[] {0, 0});

  /**
   * The field of every value that has one; what is not in the map sees all of the image.
   *
   * @param shapes shapes of the graph's values
   */
  static Map<String, ReceptiveField> of(Graph graph, Map<String, Shape> shapes) {
    Map<String, ReceptiveField> fields = new HashMap<>();
    graph.inputs().forEach(i -> fields.put(i.name(), PIXEL));
    for (Node n : graph.nodes()) {
      ReceptiveField f = of(n, graph, fields, shapes);
      for (String out : n.outputs()) {
        Shape s = shapes.get(out);
        if (f != null && s != null && s.rank() == 4) {
          fields.put(out, f);
        }
      }
    }
    return fields;
  }

  private static ReceptiveField of(
      Node n, Graph graph, Map<String, ReceptiveField> fields, Map<String, Shape> shapes) {
    ReceptiveField in = fields.get(n.input(0));
    Shape x = shapes.get(n.input(0));
    return switch (n.op()) {
      case Op.Conv c when in != null && x != null -> {
        Shape w = shapes.get(n.input(1));
        yield w == null || w.rank() != 4
            ? null
            : in.through(
                Windows.convolution(
                    n, spatial(x), new int[] {w.intDim(2), w.intDim(3)}, c.window()));
      }
      case Op.Pool p when in != null && x != null -> in.through(Windows.pool(n, spatial(x), p));
      case Op.BatchNormalization _,
          Op.Unary _,
          Op.Clip _,
          Op.PRelu _,
          Op.Identity _,
          Op.Elementwise _,
          Op.Lrn _,
          Op.Softmax _,
          Op.ChannelShuffle _ ->
          joined(n.inputs(), fields);
      case Op.Concat c when c.axis() == 1 -> joined(n.inputs(), fields);
      case Op.Transpose t
          when t.permutation().equals(List.of(0, 3, 1, 2))
              || t.permutation().equals(List.of(0, 2, 3, 1)) ->
          in;
      case Op.Pad _ when in != null -> in.padded(graph.constants().get(n.input(1)));
      default -> null;
    };
  }

  private static int[] spatial(Shape s) {
    return new int[] {s.intDim(2), s.intDim(3)};
  }

  private ReceptiveField through(ResolvedWindow w) {
    int[] newSize = new int[2];
    int[] newStep = new int[2];
    int[] newStart = new int[2];
    for (int i = 0; i < 2; i++) {
      newSize[i] = size[i] + (w.kernel()[i] - 1) * w.dilations()[i] * step[i];
      newStart[i] = start[i] - w.padsBegin()[i] * step[i];
      newStep[i] = step[i] * w.strides()[i];
    }
    return new ReceptiveField(newSize, newStep, newStart);
  }

  /** Behind padding by constants in the order of ONNX: begins of all axes, then ends. */
  private ReceptiveField padded(Tensor pads) {
    if (pads == null || pads.type() != DataType.INT64 || pads.shape().elements() != 8) {
      return null;
    }
    long[] p = pads.toLongs();
    return new ReceptiveField(
        size, step, new int[] {start[0] - (int) p[2] * step[0], start[1] - (int) p[3] * step[1]});
  }

  /** The union of what the inputs see; null where one that is no constant has no field. */
  private static ReceptiveField joined(List<String> inputs, Map<String, ReceptiveField> fields) {
    ReceptiveField union = null;
    for (String in : inputs) {
      ReceptiveField f = fields.get(in);
      if (f == null) {
        continue;
      }
      union = union == null ? f : union.with(f);
    }
    return union;
  }

  private ReceptiveField with(ReceptiveField o) {
    int[] newSize = new int[2];
    int[] newStart = new int[2];
    for (int i = 0; i < 2; i++) {
      newStart[i] = Math.min(start[i], o.start[i]);
      int end = Math.max(start[i] + size[i], o.start[i] + o.size[i]);
      newSize[i] = end - newStart[i];
    }
    return new ReceptiveField(newSize, step, newStart);
  }

  /** Part of an image of this extent that one position sees, at most 1. */
  double share(int height, int width) {
    return Math.min(1.0, (double) size[0] / height) * Math.min(1.0, (double) size[1] / width);
  }

  /** Positions of an image of this extent that see nothing in common; at least 1. */
  long apart(int height, int width) {
    return Math.max(1L, (long) (height / size[0]) * (width / size[1]));
  }
}
