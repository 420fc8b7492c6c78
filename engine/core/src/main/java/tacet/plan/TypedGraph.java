package tacet.plan;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.ConvSpec;
import tacet.kernels.DataType;
import tacet.kernels.ImageLayout.Halo;
import tacet.reference.PadGeometry;
import tacet.reference.TensorType;
import tacet.reference.Windows;
import tacet.reference.Windows.ResolvedWindow;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * A graph with the type and shape of every value.
 *
 * @param passing scope of the constants that were computed for a plan and are freed when it stands
 */
record TypedGraph(Graph graph, Map<String, TensorType> types, MemorySegment.Scope passing) {

  boolean isKnown(String value) {
    return types.containsKey(value);
  }

  TensorType type(String value) {
    return types.get(value);
  }

  Shape shape(String value) {
    return types.get(value).shape();
  }

  boolean isConstant(String value) {
    return graph.constants().containsKey(value);
  }

  /** Null where a value is not constant. */
  Tensor constant(String value) {
    return graph.constants().get(value);
  }

  /** A constant in memory that lives as long as this arena: where it would not, a copy. */
  Tensor constant(String value, Arena arena) {
    Tensor t = constant(value);
    if (t == null || !t.data().scope().equals(passing)) {
      return t;
    }
    Tensor copy = Tensor.allocate(t.type(), t.shape(), arena);
    copy.data().copyFrom(t.data());
    return copy;
  }

  boolean isFloat(String value) {
    TensorType t = type(value);
    return t != null && t.type() == DataType.FLOAT32;
  }

  boolean isImage(String value) {
    TensorType t = type(value);
    return t.type() == DataType.FLOAT32 && t.shape().rank() == 4 && t.shape().elements() > 0;
  }

  boolean flattensImages(Node n) {
    if (!(n.op() instanceof Op.Flatten || n.op() instanceof Op.Reshape)) {
      return false;
    }
    Shape in = shape(n.input(0));
    Shape out = shape(n.output(0));
    return in.rank() == 4 && out.rank() == 2 && in.dim(0) == out.dim(0) && isFloat(n.input(0));
  }

  /** Whether a node makes its layer's value channels-last, and only a view of it is channels-first. */
  boolean liesChannelsLast(Node n) {
    return !graph.channelsLast().contains(n.output(0))
        && n.layers().stream().anyMatch(l -> graph.channelsLast().contains(l.value()));
  }

  /** Zeros that a Pad node puts around the planes of an image; null where it does something else. */
  Halo padding(Node n) {
    boolean zeros =
        ((Op.Pad) n.op()).mode() == Op.PadMode.CONSTANT
            && (!n.hasInput(2) || isConstant(n.input(2)) && isZero(constant(n.input(2))));
    if (!zeros || !isImage(n.input(0)) || !isImage(n.output(0))) {
      return null;
    }
    List<Tensor> known = n.inputs().stream().map(this::constant).toList();
    long[] pads = PadGeometry.pads(n, 4, known);
    boolean spatial = pads[0] == 0 && pads[1] == 0 && pads[4] == 0 && pads[5] == 0;
    if (!spatial || Arrays.stream(pads).anyMatch(p -> p < 0)) {
      return null;
    }
    return new Halo((int) pads[2], (int) pads[3], (int) pads[6], (int) pads[7]);
  }

  private static boolean isZero(Tensor t) {
    return t.type() == DataType.FLOAT32 && Float.floatToRawIntBits(t.toFloats()[0]) == 0;
  }

  /** What a convolution computes; null where no kernel is for it. */
  ConvSpec convolution(Node n) {
    Op.Conv op = (Op.Conv) n.op();
    Tensor w = constant(n.input(1));
    if (w == null
        || w.type() != DataType.FLOAT32
        || w.shape().rank() != 4
        || !isImage(n.input(0))
        || shape(n.output(0)).elements() == 0
        || (n.hasInput(2) && !isConstant(n.input(2)))) {
      return null;
    }
    Shape in = shape(n.input(0));
    Shape out = shape(n.output(0));
    ResolvedWindow window =
        Windows.convolution(
            n,
            new int[] {in.intDim(2), in.intDim(3)},
            new int[] {w.shape().intDim(2), w.shape().intDim(3)},
            op.window());
    if (window.padsBegin()[0] < 0
        || window.padsBegin()[1] < 0
        || window.padsEnd()[0] < 0
        || window.padsEnd()[1] < 0) {
      return null;
    }
    return new ConvSpec(
        in.intDim(0),
        in.intDim(1),
        in.intDim(2),
        in.intDim(3),
        out.intDim(1),
        out.intDim(2),
        out.intDim(3),
        op.groups(),
        w.shape().intDim(2),
        w.shape().intDim(3),
        window.strides()[0],
        window.strides()[1],
        window.padsBegin()[0],
        window.padsBegin()[1],
        window.dilations()[0],
        window.dilations()[1],
        op.residual(),
        op.activation());
  }
}
