package tacet.keras;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import tacet.graph.Op;
import tacet.graph.Op.ElementwiseKind;
import tacet.tensor.Shape;

/** Layers that shift and scale by statistics. */
final class Normalizations {

  /** Keras' {@code epsilon()}. */
  private static final double EPSILON = 1e-7;

  private Normalizations() {}

  static Value emit(Call c) throws NotSupported {
    return switch (c.layer().className()) {
      case "BatchNormalization" -> batch(c);
      case "LayerNormalization" -> layer(c);
      case "GroupNormalization" -> group(c);
      case "Normalization" -> normalization(c);
      case "Rescaling" -> rescaling(c);
      default -> throw new AssertionError(c.layer().className());
    };
  }

  private static String orConstant(Call c, boolean has, String variable, long length, float value) {
    if (has) {
      return c.vector(variable, length);
    }
    float[] values = new float[Math.toIntExact(length)];
    Arrays.fill(values, value);
    return c.constant(variable, () -> c.tensor(Shape.of(length), values));
  }

  private static Value batch(Call c) throws NotSupported {
    Config config = c.config();
    List<Integer> axes = config.integers("axis");
    if (axes != null && axes.size() != 1) {
      throw new NotSupported("normalisation over several axes");
    }
    if (config.flag("renorm", false)) {
      throw new NotSupported("renorm");
    }
    int axis = c.axis(axes == null ? -1 : axes.getFirst());
    long n = c.known(axis);
    // Before the statistics, whose shapes tell nothing of it: a file's weights must be as long as
    // it says.
    String gamma = orConstant(c, config.flag("scale", true), "gamma", n, 1);
    String beta = orConstant(c, config.flag("center", true), "beta", n, 0);
    Op op = new Op.BatchNormalization((float) config.real("epsilon", 1e-3));
    Form form = second(c, axis);
    c.addNamed(
        c.value(),
        op,
        form.output(c),
        form.input,
        gamma,
        beta,
        c.vector("moving_mean", n),
        c.vector("moving_variance", n));
    return form.made(c);
  }

  private static Value group(Call c) {
    Config config = c.config();
    int axis = c.axis(config.integer("axis", -1));
    long n = c.known(axis);
    int groups = config.integer("groups", 32);
    groups = groups == -1 ? Math.toIntExact(n) : groups;
    if (groups < 1 || n % groups != 0) {
      throw c.bad(groups + " groups of " + n + " channels");
    }
    String gamma = orConstant(c, config.flag("scale", true), "gamma", n, 1);
    String beta = orConstant(c, config.flag("center", true), "beta", n, 0);
    Form form = second(c, axis);
    c.addNamed(
        c.value(),
        new Op.GroupNormalization(groups, (float) config.real("epsilon", 1e-3)),
        form.output(c),
        form.input,
        gamma,
        beta);
    return form.made(c);
  }

  /**
   * The layer's input with a given axis as the second.
   *
   * @param input its name in the graph
   * @param isOwn whether the value itself lies so; otherwise axes {@code 1} and {@code axis} were swapped for the layer alone
   */
  private record Form(String input, boolean isOwn, boolean moved, int axis) {

    /** The name of what the node makes. */
    String output(Call c) {
      return isOwn ? c.value() : c.value() + "/swapped";
    }

    Value made(Call c) {
      if (isOwn) {
        return c.graph().made(c.value(), c.input().dims(), moved);
      }
      String settled = c.graph().unsettled(c.value(), c.input().rank());
      c.graph()
          .add(
              settled,
              new Op.Transpose(swapped(c.input().rank(), axis)),
              List.of(output(c)),
              settled);
      return c.graph().settle(c.value(), c.input().dims());
    }
  }

  private static Form second(Call c, int axis) {
    Value in = c.input();
    if (axis == in.rank() - 1 && in.rank() > 2) {
      return new Form(c.graph().moved(in), true, true, axis);
    }
    if (axis == 1) {
      return new Form(c.graph().asDeclared(in), true, false, axis);
    }
    String to = c.value() + "/swapped-input";
    c.graph()
        .add(to, new Op.Transpose(swapped(in.rank(), axis)), List.of(c.graph().asDeclared(in)), to);
    return new Form(to, false, false, axis);
  }

  private static List<Integer> swapped(int rank, int axis) {
    List<Integer> p = new ArrayList<>();
    for (int i = 0; i < rank; i++) {
      p.add(i == 1 ? axis : i == axis ? 1 : i);
    }
    return p;
  }

  /** Over trailing axes, in Keras' order of axes. */
  private static Value layer(Call c) throws NotSupported {
    Config config = c.config();
    if (config.flag("rms_scaling", false)) {
      throw new NotSupported("rms_scaling");
    }
    List<Integer> given = config.integers("axis");
    TreeSet<Integer> axes = new TreeSet<>();
    for (int a : given == null ? List.of(-1) : given) {
      axes.add(c.axis(a));
    }
    int rank = c.input().rank();
    if (axes.isEmpty() || axes.first() == 0 || axes.first() + axes.size() != rank) {
      throw new NotSupported("normalisation over axes " + given + ", which are not the last ones");
    }
    if (given != null && given.stream().map(c::axis).sorted().toList().size() != axes.size()) {
      throw c.bad("axes " + given);
    }
    if (given != null && !given.stream().map(c::axis).toList().equals(List.copyOf(axes))) {
      throw new NotSupported("axes in the order " + given);
    }
    long[] dims = new long[axes.size()];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = c.known(axes.first() + i);
    }
    Shape shape;
    try {
      shape = Shape.of(dims);
    } catch (IllegalArgumentException e) {
      throw c.bad(e.getMessage());
    }
    List<String> inputs = new ArrayList<>();
    inputs.add(c.graph().asDeclared(c.input()));
    if (config.flag("scale", true)) {
      inputs.add(c.constant("gamma", () -> c.tensor(shape, c.weights("gamma", dims))));
    } else {
      // Broadcast: one number does for all.
      inputs.add(c.graph().scalar(c.name() + "/one", 1));
    }
    if (config.flag("center", true)) {
      inputs.add(c.constant("beta", () -> c.tensor(shape, c.weights("beta", dims))));
    }
    c.addNamed(
        c.value(),
        new Op.LayerNormalization(axes.first(), (float) config.real("epsilon", 1e-3)),
        c.graph().unsettled(c.value(), rank),
        inputs.toArray(String[]::new));
    return c.graph().settle(c.value(), c.input().dims());
  }

  /** (x − mean) / max(√variance, ε), or its inverse. */
  private static Value normalization(Call c) throws NotSupported {
    Config config = c.config();
    Value in = c.input();
    List<Integer> given = config.map().containsKey("axis") ? config.integers("axis") : List.of(-1);
    TreeSet<Integer> kept = new TreeSet<>();
    for (int a : given == null ? List.<Integer>of() : given) {
      kept.add(c.axis(a));
    }
    long[] dims = new long[kept.size()];
    long[] broadcast = new long[in.rank()];
    Arrays.fill(broadcast, 1);
    int next = 0;
    for (int a : kept) {
      dims[next] = c.known(a);
      broadcast[a] = dims[next++];
    }
    if (kept.size() > 1 && in.moved()) {
      // The constants would have to be reordered as the value is.
      in = new Value(c.graph().asDeclared(in), in.dims(), false);
    }
    float[] mean = statistics(c, "mean", dims);
    float[] deviation = statistics(c, "variance", dims);
    for (int i = 0; i < deviation.length; i++) {
      deviation[i] = (float) Math.max(Math.sqrt(deviation[i]), EPSILON);
    }
    Shape shape = Shape.of(in.inGraphOrder(broadcast));
    String m = c.constant("mean", () -> c.tensor(shape, mean));
    String d = c.constant("deviation", () -> c.tensor(shape, deviation));
    boolean invert = config.flag("invert", false);
    String middle =
        c.graph()
            .binary(
                c.value() + (invert ? "/scaled" : "/centred"),
                invert ? ElementwiseKind.MUL : ElementwiseKind.SUB,
                in.name(),
                invert ? d : m);
    c.add(
        new Op.Elementwise(invert ? ElementwiseKind.ADD : ElementwiseKind.DIV),
        middle,
        invert ? m : d);
    return c.graph().made(c.value(), in.dims(), in.moved());
  }

  /** Mean or variance from the weights or from the configuration, one number per kept position. */
  private static float[] statistics(Call c, String what, long[] dims) {
    long count;
    try {
      count = Shape.of(dims).elements();
    } catch (IllegalArgumentException e) {
      throw c.bad(e.getMessage());
    }
    if (!c.config().has("mean")) {
      return c.weights(what, dims);
    }
    List<Float> given = new ArrayList<>();
    flatten(c, c.config().raw(what), given);
    if (given.size() != 1 && given.size() != count) {
      throw c.bad("expected " + count + " numbers for " + what + ", got " + given.size());
    }
    float[] out = new float[given.size() == 1 ? Math.toIntExact(count) : given.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = given.get(given.size() == 1 ? 0 : i);
    }
    return out;
  }

  private static void flatten(Call c, Object o, List<Float> into) {
    switch (o) {
      case Number n -> into.add(n.floatValue());
      case List<?> l -> l.forEach(e -> flatten(c, e, into));
      // NumPy arrays and tensors are written as objects.
      case java.util.Map<?, ?> m when m.get("config") instanceof java.util.Map<?, ?> inner ->
          flatten(c, inner.get("value"), into);
      case null, default -> throw c.bad("expected numbers, got " + o);
    }
  }

  /** x · scale + offset, each one number or one per channel of the last axis. */
  private static Value rescaling(Call c) {
    Value in = c.input();
    String scale = factors(c, "scale", in);
    String offset = c.config().has("offset") ? factors(c, "offset", in) : null;
    if (offset == null) {
      c.add(new Op.Elementwise(ElementwiseKind.MUL), in.name(), scale);
    } else {
      String scaled =
          c.graph().binary(c.value() + "/scaled", ElementwiseKind.MUL, in.name(), scale);
      c.add(new Op.Elementwise(ElementwiseKind.ADD), scaled, offset);
    }
    return c.graph().made(c.value(), in.dims(), in.moved());
  }

  private static String factors(Call c, String key, Value in) {
    List<Float> given = new ArrayList<>();
    flatten(c, c.config().raw(key), given);
    float[] values = new float[given.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = given.get(i);
    }
    if (values.length == 1) {
      return c.constant(key, () -> c.tensor(Shape.of(1), values));
    }
    if (values.length != c.known(in.rank() - 1)) {
      throw c.bad("expected one " + key + " or one per channel, got " + values.length);
    }
    long[] dims = new long[in.rank()];
    Arrays.fill(dims, 1);
    dims[in.rank() - 1] = values.length;
    return c.constant(key, () -> c.tensor(Shape.of(in.inGraphOrder(dims)), values));
  }
}
