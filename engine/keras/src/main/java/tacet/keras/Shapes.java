package tacet.keras;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import tacet.graph.Op;
import tacet.graph.Op.AspectRatioPolicy;
import tacet.graph.Op.CoordinateMode;
import tacet.graph.Op.NearestMode;
import tacet.graph.Op.PadMode;
import tacet.graph.Op.ResizeMode;
import tacet.graph.ValueInfo;
import tacet.tensor.Shape;

/** Layers that move, add or drop elements. */
final class Shapes {

  private Shapes() {}

  static Value emit(Call c) throws NotSupported {
    return switch (c.layer().className()) {
      case "Flatten" -> flatten(c);
      case "Reshape" -> reshape(c);
      case "Permute" -> permute(c);
      case "RepeatVector" -> repeat(c);
      case "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D" -> pad(c);
      case "Cropping1D", "Cropping2D", "Cropping3D" -> crop(c);
      case "UpSampling1D", "UpSampling2D", "UpSampling3D" -> upSample(c);
      default -> throw new AssertionError(c.layer().className());
    };
  }

  /** The product of dimensions, {@link ValueInfo#UNKNOWN} where one is free. */
  private static long product(Call c, long[] dims, int from) {
    long product = 1;
    for (int i = from; i < dims.length; i++) {
      if (dims[i] == ValueInfo.UNKNOWN) {
        return ValueInfo.UNKNOWN;
      }
      try {
        product = Math.multiplyExact(product, dims[i]);
      } catch (ArithmeticException e) {
        throw c.bad("more than 2^63 elements in " + Value.describe(dims));
      }
    }
    return product;
  }

  private static Value flatten(Call c) {
    Value in = c.input();
    if (in.rank() < 2) {
      throw c.bad("expected an input of rank 2 or more, got " + in.describe());
    }
    long[] dims = {in.dims()[0], product(c, in.dims(), 1)};
    String from = c.graph().asDeclared(in);
    // Before Keras 2.2 it had no data format, and took the elements as they came.
    if (c.config().has("data_format") && !c.channelsLast() && in.rank() > 2) {
      // The order of elements is that of a channels-last image in either format.
      List<Integer> p = new ArrayList<>(List.of(0));
      for (int i = 2; i < in.rank(); i++) {
        p.add(i);
      }
      p.add(1);
      String moved = c.value() + "/channels-last";
      c.graph().add(moved, new Op.Transpose(p), List.of(from), moved);
      from = moved;
    }
    c.add(new Op.Flatten(1), from);
    return c.graph().made(c.value(), dims, false);
  }

  private static Value reshape(Call c) {
    List<Integer> target = c.config().integers("target_shape");
    if (target == null) {
      throw c.bad("target_shape is missing");
    }
    long[] in = c.input().dims();
    long all = product(c, in, 1);
    long[] dims = new long[target.size() + 1];
    dims[0] = in[0];
    int open = -1;
    for (int i = 0; i < target.size(); i++) {
      int d = target.get(i);
      if (d == -1 && open < 0) {
        open = i + 1;
      } else if (d < 1) {
        throw c.bad("target_shape " + target);
      }
      dims[i + 1] = d == -1 ? 1 : d;
    }
    long known = product(c, dims, 1);
    boolean fits = all == ValueInfo.UNKNOWN || (open < 0 ? known == all : all % known == 0);
    if (!fits) {
      throw c.bad("target_shape " + target + " of an input " + c.input().describe());
    }
    if (open >= 0) {
      dims[open] = all == ValueInfo.UNKNOWN ? ValueInfo.UNKNOWN : all / known;
    }
    long[] shape = dims.clone();
    // The batch stays as it is.
    shape[0] = 0;
    String to = c.graph().unsettled(c.value(), dims.length);
    c.addNamed(
        c.value(),
        new Op.Reshape(false),
        to,
        c.graph().asDeclared(c.input()),
        c.graph().longs(c.name() + "/shape", shape));
    return c.graph().settle(c.value(), dims);
  }

  /** One transposition from how the input lies to how the output is to lie. */
  private static Value permute(Call c) {
    Value in = c.input();
    List<Integer> order = c.config().integers("dims");
    List<Integer> sorted = new ArrayList<>();
    for (int i = 1; i < in.rank(); i++) {
      sorted.add(i);
    }
    if (order == null || !order.stream().sorted().toList().equals(sorted)) {
      throw c.bad("dims " + order + " of an input of rank " + in.rank());
    }
    long[] dims = new long[in.rank()];
    dims[0] = in.dims()[0];
    for (int i = 1; i < dims.length; i++) {
      dims[i] = in.dims()[order.get(i - 1)];
    }
    Value out = c.graph().made(c.value(), dims, c.graph().defaultFormat().equals("channels_last"));
    Integer[] permutation = new Integer[in.rank()];
    for (int i = 0; i < permutation.length; i++) {
      permutation[out.graphAxis(i)] = in.graphAxis(i == 0 ? 0 : order.get(i - 1));
    }
    c.add(new Op.Transpose(List.of(permutation)), in.name());
    return out;
  }

  private static Value repeat(Call c) {
    c.requireRank(2);
    int n = c.config().positive("n");
    long[] in = c.input().dims();
    String one = c.value() + "/one";
    c.graph()
        .add(
            one,
            new Op.Unsqueeze(),
            List.of(c.input().name(), c.graph().longs(c.name() + "/axis", 1)),
            one);
    long[] dims = {in[0], n, in[1]};
    c.addNamed(
        c.value(),
        new Op.Tile(),
        c.graph().unsettled(c.value(), 3),
        one,
        c.graph().longs(c.name() + "/repeats", 1, n, 1));
    return c.graph().settle(c.value(), dims);
  }

  /** Amounts at the begin and the end of each spatial axis. */
  private static long[][] pairs(Call c, String key, int axes) {
    Object o = c.config().raw(key);
    long[][] pairs = new long[axes][];
    if (axes == 1 && o instanceof List<?> l && l.size() == 2 && l.getFirst() instanceof Number) {
      o = List.of(l);
    }
    for (int i = 0; i < axes; i++) {
      Object entry = o instanceof List<?> l && l.size() == axes ? l.get(i) : o == null ? 1L : o;
      pairs[i] =
          switch (entry) {
            case Long n -> new long[] {n, n};
            case List<?> l
                when l.size() == 2 && l.get(0) instanceof Long a && l.get(1) instanceof Long b ->
                new long[] {a, b};
            default -> throw c.bad(key + " " + o);
          };
      for (long p : pairs[i]) {
        if (p < 0 || p > Integer.MAX_VALUE) {
          throw c.bad(key + " " + o);
        }
      }
    }
    return pairs;
  }

  private static Value pad(Call c) {
    int axes = Convolutions.spatialAxes(c.layer().className());
    c.requireRank(axes + 2);
    boolean last = c.channelsLast();
    long[][] pairs = pairs(c, "padding", axes);
    long[] dims = c.input().dims().clone();
    long[] pads = new long[2 * (axes + 2)];
    for (int i = 0; i < axes; i++) {
      pads[i + 2] = pairs[i][0];
      pads[i + 2 + axes + 2] = pairs[i][1];
      int axis = i + (last ? 1 : 2);
      dims[axis] =
          dims[axis] == ValueInfo.UNKNOWN ? dims[axis] : dims[axis] + pairs[i][0] + pairs[i][1];
    }
    c.add(
        new Op.Pad(PadMode.CONSTANT),
        c.graph().image(c.input(), last),
        c.graph().longs(c.name() + "/pads", pads));
    return c.graph().made(c.value(), dims, last);
  }

  private static Value crop(Call c) {
    int axes = Convolutions.spatialAxes(c.layer().className());
    c.requireRank(axes + 2);
    boolean last = c.channelsLast();
    long[][] pairs = pairs(c, "cropping", axes);
    long[] dims = c.input().dims().clone();
    long[] starts = new long[axes];
    long[] ends = new long[axes];
    long[] sliced = new long[axes];
    for (int i = 0; i < axes; i++) {
      starts[i] = pairs[i][0];
      ends[i] = pairs[i][1] == 0 ? Long.MAX_VALUE : -pairs[i][1];
      sliced[i] = i + 2;
      int axis = i + (last ? 1 : 2);
      if (dims[axis] != ValueInfo.UNKNOWN) {
        dims[axis] -= pairs[i][0] + pairs[i][1];
        if (dims[axis] < 1) {
          throw c.bad("crops all of an extent of " + c.input().dims()[axis]);
        }
      }
    }
    c.add(
        new Op.Slice(),
        c.graph().image(c.input(), last),
        c.graph().longs(c.name() + "/starts", starts),
        c.graph().longs(c.name() + "/ends", ends),
        c.graph().longs(c.name() + "/axes", sliced));
    return c.graph().made(c.value(), dims, last);
  }

  private static Value upSample(Call c) throws NotSupported {
    int axes = Convolutions.spatialAxes(c.layer().className());
    c.requireRank(axes + 2);
    boolean last = axes == 1 || c.channelsLast();
    List<Integer> size = c.config().integers("size", axes, 2, 1);
    String interpolation = c.config().text("interpolation", "nearest");
    ResizeMode mode =
        switch (interpolation) {
          case "nearest" -> ResizeMode.NEAREST;
          case "bilinear" -> ResizeMode.LINEAR;
          case "bicubic" -> ResizeMode.CUBIC;
          default -> throw new NotSupported("interpolation " + interpolation);
        };
    long[] dims = c.input().dims().clone();
    float[] scales = new float[axes];
    List<Integer> resized = new ArrayList<>();
    for (int i = 0; i < axes; i++) {
      scales[i] = size.get(i);
      resized.add(i + 2);
      int axis = i + (last ? 1 : 2);
      dims[axis] = dims[axis] == ValueInfo.UNKNOWN ? dims[axis] : dims[axis] * size.get(i);
    }
    Op op =
        new Op.Resize(
            mode,
            mode == ResizeMode.NEAREST ? CoordinateMode.ASYMMETRIC : CoordinateMode.HALF_PIXEL,
            NearestMode.FLOOR,
            // TensorFlow's cubic: Keys' kernel, weights outside of the image left out.
            -0.5f,
            mode == ResizeMode.CUBIC,
            0f,
            false,
            AspectRatioPolicy.STRETCH,
            resized);
    String input = c.graph().image(c.input(), last);
    String scale = c.constant("scales", () -> c.tensor(Shape.of(axes), scales));
    c.add(op, input, "", scale);
    return c.graph().made(c.value(), dims, last);
  }

  /** Whether dimensions are small enough for later sums and products along one axis. */
  static boolean areSane(long[] dims) {
    return Arrays.stream(dims).allMatch(d -> d <= Integer.MAX_VALUE);
  }
}
