package tacet.insight.cause;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.insight.cause.Values.Value;
import tacet.kernels.DataType;
import tacet.reference.Evaluator;
import tacet.tensor.Tensor;

/**
 * Where the causes of zeros go when an operator only moves values: the same operator is computed on the causes' {@linkplain
 * Kind#code() codes}, with a maximum wherever several values come together.
 */
record Moves(Analysis analysis) {

  /** Codes after an operator that moves values, picks among them or adds them; null where it computes new ones. */
  byte[] codes(Node n, String out, Values v, Map<String, byte[]> codes) {
    Op op =
        switch (n.op()) {
          case Op.Flatten _,
              Op.Reshape _,
              Op.Squeeze _,
              Op.Unsqueeze _,
              Op.Transpose _,
              Op.Concat _,
              Op.Slice _,
              Op.Gather _,
              Op.Split _,
              Op.Expand _,
              Op.Tile _,
              Op.Identity _,
              Op.DepthToSpace _,
              Op.SpaceToDepth _ ->
              n.op();
          case Op.Pool p -> new Op.Pool(Op.PoolKind.MAX, p.window(), p.ceilMode(), false, 2, false);
          case Op.GlobalPool _ -> new Op.GlobalPool(Op.PoolKind.MAX, 2);
          case Op.Pad p -> new Op.Pad(p.mode());
          case Op.Resize r when r.mode() == Op.ResizeMode.NEAREST -> r;
          case Op.Elementwise e
              when e.kind() == Op.ElementwiseKind.ADD
                  || e.kind() == Op.ElementwiseKind.MUL
                  || e.kind() == Op.ElementwiseKind.MAX
                  || e.kind() == Op.ElementwiseKind.MIN ->
              new Op.Elementwise(Op.ElementwiseKind.MAX);
          case Op.Unary u when keepsZero(u) -> new Op.Identity();
          case Op.PRelu _ -> new Op.Identity();
          case Op.Reduce r when r.kind() == Op.ReduceKind.MEAN || r.kind() == Op.ReduceKind.SUM ->
              new Op.Reduce(Op.ReduceKind.MAX, r.keepDims(), r.noopWithEmptyAxes());
          default -> null;
        };
    if (op == null) {
      return null;
    }
    List<String> names = op instanceof Op.Identity ? List.of(n.input(0)) : n.inputs();
    List<Tensor> inputs = new ArrayList<>();
    Map<String, Tensor> constants = analysis.network().graph().constants();
    for (int i = 0; i < names.size(); i++) {
      boolean asItIs = i > 0 && saysHow(op);
      if (asItIs
          && !names.get(i).isEmpty()
          && !constants.containsKey(names.get(i))
          && !v.others().containsKey(names.get(i))) {
        // Computed by the model and not kept: where to is not known here.
        return null;
      }
      inputs.add(code(names.get(i), asItIs, v, codes));
    }
    List<String> outputs = op instanceof Op.Split ? n.outputs() : List.of(out);
    Node node = new Node(n.name(), op, names, outputs);
    List<Tensor> moved =
        Evaluator.evaluate(node, inputs, (_, type, shape) -> Tensor.allocate(type, shape));
    float[] values = moved.get(outputs.indexOf(out)).toFloats();
    byte[] result = new byte[values.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = (byte) values[i];
    }
    return result;
  }

  /** Whether the inputs behind the first say how its elements move, rather than being moved themselves. */
  private static boolean saysHow(Op op) {
    return switch (op) {
      case Op.Reshape _,
          Op.Squeeze _,
          Op.Unsqueeze _,
          Op.Slice _,
          Op.Gather _,
          Op.Split _,
          Op.Expand _,
          Op.Tile _,
          Op.Pad _,
          Op.Resize _ ->
          true;
      default -> false;
    };
  }

  private static boolean keepsZero(Op.Unary u) {
    return switch (u.function().kind()) {
      case LEAKY_RELU, ABS, NEG, ELU, SELU, CELU, TANH, SOFTSIGN, ERF, SQRT, GELU, GELU_TANH ->
          true;
      default -> false;
    };
  }

  /** An input as codes where it is a float32 value, as it is where it says how to move. */
  private Tensor code(String name, boolean asItIs, Values v, Map<String, byte[]> codes) {
    if (name.isEmpty()) {
      return null;
    }
    Tensor constant = analysis.network().graph().constants().get(name);
    Value x = v.floats().get(name);
    byte[] known = codes.get(name);
    if (known != null && x != null) {
      float[] f = new float[known.length];
      for (int i = 0; i < f.length; i++) {
        f[i] = known[i];
      }
      return Tensor.of(x.shape(), f);
    }
    if (constant != null && (asItIs || constant.type() != DataType.FLOAT32)) {
      return constant;
    }
    if (constant != null) {
      return Tensor.allocate(DataType.FLOAT32, constant.shape());
    }
    if (v.others().containsKey(name)) {
      return v.others().get(name);
    }
    return Tensor.allocate(DataType.FLOAT32, analysis.inputShape(name));
  }
}
