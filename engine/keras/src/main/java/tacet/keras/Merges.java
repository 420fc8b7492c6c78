package tacet.keras;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import tacet.graph.Op;
import tacet.graph.Op.ElementwiseKind;
import tacet.graph.ValueInfo;

/** Layers of several inputs, and the arithmetic of {@code keras.ops}. */
final class Merges {

  private Merges() {}

  static Value emit(Call c) {
    if (c.layer().className().equals("Concatenate")) {
      return concatenate(c);
    }
    ElementwiseKind kind =
        switch (c.layer().className()) {
          case "Add", "Average" -> ElementwiseKind.ADD;
          case "Subtract" -> ElementwiseKind.SUB;
          case "Multiply" -> ElementwiseKind.MUL;
          case "Divide", "TrueDivide" -> ElementwiseKind.DIV;
          case "Maximum" -> ElementwiseKind.MAX;
          case "Minimum" -> ElementwiseKind.MIN;
          default -> throw new AssertionError(c.layer().className());
        };
    boolean two = kind == ElementwiseKind.SUB || kind == ElementwiseKind.DIV;
    int operands = c.arguments().size();
    if (operands < 2 && !(operands == 1 && !two) || two && operands != 2) {
      throw c.bad("expected " + (two ? "two" : "some") + " inputs, got " + operands);
    }
    if (!c.layer().operation() && c.inputs().size() != operands) {
      throw c.bad("expected tensors as inputs");
    }
    return elementwise(c, kind);
  }

  /** All inputs lie alike afterwards. */
  private record Alike(List<String> names, boolean moved) {}

  private static Alike alike(Call c, int rank) {
    boolean anyMoved = c.inputs().stream().anyMatch(Value::moved);
    boolean sameRank = c.inputs().stream().allMatch(v -> v.rank() == rank || v.rank() == 2);
    boolean moved = anyMoved && sameRank;
    List<String> names = new ArrayList<>();
    for (int i = 0; i < c.inputs().size(); i++) {
      Value v = c.inputs().get(i);
      String name = moved ? c.graph().moved(v) : c.graph().asDeclared(v);
      if (v.rank() < rank && v.rank() > 0) {
        name = expanded(c, v, name, rank, moved, i);
      }
      names.add(name);
    }
    return new Alike(names, moved);
  }

  /** Keras gives inputs of lower rank new axes after the batch. */
  private static String expanded(
      Call c, Value v, String name, int rank, boolean moved, int position) {
    long[] axes = new long[rank - v.rank()];
    for (int i = 0; i < axes.length; i++) {
      // [N, C] becomes [N, 1, 1, C] for the author, which is [N, C, 1, 1] in the graph.
      axes[i] = i + (moved ? 2 : 1);
    }
    String to = c.value() + "/expanded-" + position;
    String axesName = c.graph().longs(c.value() + "/axes-" + position, axes);
    c.graph().add(to, new Op.Unsqueeze(), List.of(name, axesName), to);
    return to;
  }

  private static Value elementwise(Call c, ElementwiseKind kind) {
    int rank = c.inputs().stream().mapToInt(Value::rank).max().orElseThrow();
    Alike alike = alike(c, rank);
    long[] dims = broadcast(c, rank);
    List<String> operands = new ArrayList<>();
    int next = 0;
    for (int i = 0; i < c.arguments().size(); i++) {
      Double number = c.arguments().get(i);
      operands.add(
          number == null
              ? alike.names.get(next++)
              : c.graph().scalar(c.value() + "/number-" + i, number));
    }
    boolean average = c.layer().className().equals("Average");
    String sum = operands.getFirst();
    for (int i = 1; i < operands.size(); i++) {
      boolean isLast = i == operands.size() - 1 && !average;
      if (isLast) {
        c.add(new Op.Elementwise(kind), sum, operands.get(i));
      } else {
        sum = c.graph().binary(c.value() + "/first-" + (i + 1), kind, sum, operands.get(i));
      }
    }
    if (average) {
      String count = c.graph().scalar(c.name() + "/count", operands.size());
      c.add(new Op.Elementwise(ElementwiseKind.DIV), sum, count);
    } else if (operands.size() == 1) {
      c.add(new Op.Identity(), sum);
    }
    return c.graph().made(c.value(), dims, alike.moved);
  }

  private static long[] broadcast(Call c, int rank) {
    long[] dims = new long[rank];
    Arrays.fill(dims, 1);
    for (Value v : c.inputs()) {
      int added = rank - v.rank();
      for (int i = 0; i < rank; i++) {
        // The batch stays first, new axes come after it.
        long d = i == 0 ? v.dims()[0] : i <= added ? 1 : v.dims()[i - added];
        if (dims[i] == 1 || dims[i] == ValueInfo.UNKNOWN && d > 1) {
          dims[i] = d;
        } else if (d != dims[i] && d != 1 && d != ValueInfo.UNKNOWN) {
          throw c.bad(
              "its inputs "
                  + c.inputs().stream().map(Value::describe).toList()
                  + " do not fit together");
        }
      }
    }
    return dims;
  }

  private static Value concatenate(Call c) {
    Value first = c.input();
    int rank = first.rank();
    int axis = c.axis(c.config().integer("axis", -1));
    long[] dims = first.dims().clone();
    for (int k = 1; k < c.inputs().size(); k++) {
      long[] other = c.inputs().get(k).dims();
      for (int i = 0; i < Math.max(rank, other.length); i++) {
        boolean fits = rank == other.length;
        if (fits && i != axis) {
          fits = dims[i] == other[i] || dims[i] < 0 || other[i] < 0;
          dims[i] = Math.max(dims[i], other[i]);
        } else if (fits) {
          dims[i] = dims[i] < 0 || other[i] < 0 ? ValueInfo.UNKNOWN : dims[i] + other[i];
        }
        if (!fits) {
          throw c.bad(
              "its inputs "
                  + c.inputs().stream().map(Value::describe).toList()
                  + " do not fit together along axis "
                  + axis);
        }
      }
    }
    boolean moved = rank > 2 && c.inputs().stream().anyMatch(Value::moved);
    Value out = c.graph().made(c.value(), dims, moved);
    List<String> names = new ArrayList<>();
    for (Value v : c.inputs()) {
      names.add(moved ? c.graph().moved(v) : c.graph().asDeclared(v));
    }
    c.add(new Op.Concat(out.graphAxis(axis)), names.toArray(String[]::new));
    return out;
  }
}
