package tacet.keras;

import java.util.ArrayList;
import java.util.List;
import tacet.graph.Node.Layer;
import tacet.graph.Node.Role;
import tacet.graph.Op;
import tacet.graph.Op.AutoPad;
import tacet.graph.Op.Window;
import tacet.graph.ValueInfo;
import tacet.tensor.Shape;

/**
 * Convolutions of one to three spatial dimensions, and Dense. Keras keeps kernels as [kernel…, in, out], the graph as [out, in,
 * kernel…]; they are reordered once, here.
 */
final class Convolutions {

  private Convolutions() {}

  /** The number of spatial axes in a class name such as {@code Conv2D}. */
  static int spatialAxes(String className) {
    return className.contains("1D") ? 1 : className.contains("2D") ? 2 : 3;
  }

  static Value emit(Call c) throws NotSupported {
    Functions activation = Functions.of(c.config().raw("activation"), c.kerasVersion(), c.config());
    if (c.layer().className().equals("Dense")) {
      return dense(c, activation);
    }
    int axes = spatialAxes(c.layer().className());
    c.requireRank(axes + 2);
    return switch (c.layer().className()) {
      case "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose" ->
          transposed(c, axes, activation);
      case "DepthwiseConv1D", "DepthwiseConv2D" -> depthwise(c, axes, activation);
      case "SeparableConv1D", "SeparableConv2D" -> separable(c, axes, activation);
      default -> convolution(c, axes, activation);
    };
  }

  /** The name of what the layer computes before its activation, which is a layer of its own in profiles. */
  private static String before(Call c, Functions activation) {
    return activation instanceof Functions.Linear ? c.value() : c.value() + "/preactivation";
  }

  private static Value activated(Call c, Functions activation, Value before) {
    return activation instanceof Functions.Linear
        ? before
        : activation.apply(c.graph(), c.value() + "/activation", c.value(), before, null);
  }

  /** Adds the node of the layer's main arithmetic, which has the layer's own name. */
  private static void main(Call c, Op op, String output, String input, String kernel) {
    List<String> inputs = new ArrayList<>(List.of(input, kernel));
    if (c.config().flag("use_bias", true)) {
      inputs.add(c.name() + "/bias");
    }
    c.graph()
        .add(
            c.value(),
            op,
            inputs,
            output,
            new Layer(output, c.layer().className(), output, Role.RESULT));
    c.graph().note(c.value(), Regularisers.describe(c.config()));
  }

  private static void bias(Call c, long length) {
    if (c.config().flag("use_bias", true)) {
      c.vector("bias", length);
    }
  }

  // ---------------------------------------------------------------- dense

  private static Value dense(Call c, Functions activation) {
    int rank = c.input().rank();
    if (rank < 2) {
      throw c.bad("expected an input of rank 2 or more, got " + c.input().describe());
    }
    long units = c.config().positive("units");
    long in = c.known(rank - 1);
    bias(c, units);
    long[] dims = c.input().dims().clone();
    dims[rank - 1] = units;
    String output = before(c, activation);
    if (rank == 2) {
      String kernel =
          c.constant("kernel", () -> c.tensor(Shape.of(in, units), c.weights("kernel", in, units)));
      main(c, new Op.Gemm(1f, 1f, false, false), output, c.input().name(), kernel);
      return activated(c, activation, c.graph().made(output, dims, false));
    }
    // Every position on its own is a convolution with a kernel of one.
    long[] shape = new long[rank];
    java.util.Arrays.fill(shape, 1);
    shape[0] = units;
    shape[1] = in;
    String kernel =
        c.constant(
            "kernel",
            () ->
                c.tensor(
                    Shape.of(shape),
                    Permutation.apply(
                        c.weights("kernel", in, units), new long[] {in, units}, 1, 0)));
    Op.Conv op = new Op.Conv(window(List.of(), List.of(), List.of(), AutoPad.VALID), 1);
    main(c, op, output, c.graph().moved(c.input()), kernel);
    return activated(c, activation, c.graph().made(output, dims, true));
  }

  // ---------------------------------------------------------------- convolutions

  /**
   * The window of a layer.
   *
   * @param causal whether padding that shifts a sequence into the past is allowed
   */
  private record Geometry(
      List<Integer> kernel,
      List<Integer> strides,
      List<Integer> dilations,
      String padding,
      boolean channelsLast) {

    static Geometry of(Call c, int axes) {
      Config config = c.config();
      String padding = config.text("padding", "valid");
      boolean known = padding.equals("valid") || padding.equals("same");
      if (!known && !(padding.equals("causal") && axes == 1)) {
        throw c.bad("padding " + padding);
      }
      if (!config.has("kernel_size")) {
        throw c.bad("kernel_size is missing");
      }
      return new Geometry(
          config.integers("kernel_size", axes, 1, 1),
          config.integers("strides", axes, 1, 1),
          config.integers("dilation_rate", axes, 1, 1),
          padding,
          c.channelsLast());
    }

    Window window() {
      if (padding.equals("causal")) {
        List<Integer> begin =
            List.of(Math.toIntExact((kernel.getFirst() - 1L) * dilations.getFirst()));
        return new Window(kernel, strides, begin, List.of(0), dilations, AutoPad.EXPLICIT);
      }
      return Convolutions.window(
          kernel, strides, dilations, padding.equals("same") ? AutoPad.SAME_UPPER : AutoPad.VALID);
    }

    int channelAxis(Value v) {
      return channelsLast ? v.rank() - 1 : 1;
    }

    int firstSpatialAxis() {
      return channelsLast ? 1 : 2;
    }

    /** The output's dimensions with the channels open. */
    long[] output(Call c) {
      long[] dims = c.input().dims().clone();
      for (int i = 0; i < kernel.size(); i++) {
        int axis = firstSpatialAxis() + i;
        dims[axis] =
            outputExtent(c, dims[axis], kernel.get(i), strides.get(i), dilations.get(i), padding);
      }
      return dims;
    }

    long[] kernelDims(long... more) {
      long[] dims = new long[kernel.size() + more.length];
      for (int i = 0; i < kernel.size(); i++) {
        dims[i] = kernel.get(i);
      }
      System.arraycopy(more, 0, dims, kernel.size(), more.length);
      return dims;
    }
  }

  static Window window(
      List<Integer> kernel, List<Integer> strides, List<Integer> dilations, AutoPad pad) {
    return new Window(kernel, strides, List.of(), List.of(), dilations, pad);
  }

  /** The extent along one axis after a sliding window. */
  static long outputExtent(
      Call c, long in, long kernel, long stride, long dilation, String padding) {
    if (in == ValueInfo.UNKNOWN) {
      return in;
    }
    long extent = (kernel - 1) * dilation + 1;
    long out =
        padding.equals("valid") ? Math.floorDiv(in - extent, stride) + 1 : Math.ceilDiv(in, stride);
    if (out < 1) {
      throw c.bad("a window of " + extent + " does not fit into an extent of " + in);
    }
    return out;
  }

  /** The axes of a kernel [kernel…, a, b] as [second, first, kernel…]. */
  private static int[] kernelOrder(int axes, int first, int second) {
    int[] order = new int[axes + 2];
    order[0] = first;
    order[1] = second;
    for (int i = 0; i < axes; i++) {
      order[i + 2] = i;
    }
    return order;
  }

  private static Shape kernelShape(Geometry g, long out, long in) {
    long[] dims = new long[g.kernel.size() + 2];
    dims[0] = out;
    dims[1] = in;
    for (int i = 0; i < g.kernel.size(); i++) {
      dims[i + 2] = g.kernel.get(i);
    }
    return Shape.of(dims);
  }

  private static Value convolution(Call c, int axes, Functions activation) {
    Geometry g = Geometry.of(c, axes);
    long filters = c.config().positive("filters");
    int groups = c.config().integer("groups", 1);
    long in = c.known(g.channelAxis(c.input()));
    if (groups < 1 || in % groups != 0 || filters % groups != 0) {
      throw c.bad(groups + " groups of " + in + " channels and " + filters + " filters");
    }
    String kernel =
        c.constant(
            "kernel",
            () -> {
              long[] dims = g.kernelDims(in / groups, filters);
              return c.tensor(
                  kernelShape(g, filters, in / groups),
                  Permutation.apply(
                      c.weights("kernel", dims), dims, kernelOrder(axes, axes + 1, axes)));
            });
    bias(c, filters);
    long[] dims = g.output(c);
    dims[g.channelAxis(c.input())] = filters;
    String output = before(c, activation);
    String input = c.graph().image(c.input(), g.channelsLast);
    main(c, new Op.Conv(g.window(), groups), output, input, kernel);
    return activated(c, activation, c.graph().made(output, dims, g.channelsLast));
  }

  /** One kernel [kernel…, C, multiplier] per channel as the weights of a convolution in C groups. */
  private static String depthwiseKernel(Call c, Geometry g, long in, long multiplier) {
    int axes = g.kernel.size();
    return c.constant(
        "depthwise_kernel",
        () -> {
          long[] dims = g.kernelDims(in, multiplier);
          return c.tensor(
              kernelShape(g, in * multiplier, 1),
              Permutation.apply(
                  c.weights("depthwise_kernel", dims), dims, kernelOrder(axes, axes, axes + 1)));
        });
  }

  private static Value depthwise(Call c, int axes, Functions activation) {
    Geometry g = Geometry.of(c, axes);
    long multiplier =
        c.config().has("depth_multiplier") ? c.config().positive("depth_multiplier") : 1;
    long in = c.known(g.channelAxis(c.input()));
    String kernel = depthwiseKernel(c, g, in, multiplier);
    bias(c, in * multiplier);
    long[] dims = g.output(c);
    dims[g.channelAxis(c.input())] = in * multiplier;
    String output = before(c, activation);
    String input = c.graph().image(c.input(), g.channelsLast);
    main(c, new Op.Conv(g.window(), Math.toIntExact(in)), output, input, kernel);
    return activated(c, activation, c.graph().made(output, dims, g.channelsLast));
  }

  /** A depthwise convolution, then one with a kernel of 1 that mixes the channels. */
  private static Value separable(Call c, int axes, Functions activation) {
    Geometry g = Geometry.of(c, axes);
    long multiplier =
        c.config().has("depth_multiplier") ? c.config().positive("depth_multiplier") : 1;
    long filters = c.config().positive("filters");
    long in = c.known(g.channelAxis(c.input()));
    String depthwise = depthwiseKernel(c, g, in, multiplier);
    String middle = c.value() + "/depthwise";
    String type = "DepthwiseConv" + axes + "D";
    c.graph()
        .addLayer(
            middle,
            new Op.Conv(g.window(), Math.toIntExact(in)),
            type,
            List.of(c.graph().image(c.input(), g.channelsLast), depthwise),
            middle);
    c.graph().note(middle, Regularisers.describe(c.config(), "depthwise"));
    long[] dims = g.output(c);
    dims[g.channelAxis(c.input())] = in * multiplier;
    c.graph().made(middle, dims.clone(), g.channelsLast);
    String pointwise =
        c.constant(
            "pointwise_kernel",
            () -> {
              long[] ones = new long[axes + 2];
              java.util.Arrays.fill(ones, 1);
              ones[axes] = in * multiplier;
              ones[axes + 1] = filters;
              long[] shape = new long[axes + 2];
              java.util.Arrays.fill(shape, 1);
              shape[0] = filters;
              shape[1] = in * multiplier;
              return c.tensor(
                  Shape.of(shape),
                  Permutation.apply(
                      c.weights("pointwise_kernel", ones),
                      ones,
                      kernelOrder(axes, axes + 1, axes)));
            });
    bias(c, filters);
    dims[g.channelAxis(c.input())] = filters;
    String output = before(c, activation);
    Op.Conv op = new Op.Conv(window(List.of(), List.of(), List.of(), AutoPad.VALID), 1);
    main(c, op, output, middle, pointwise);
    return activated(c, activation, c.graph().made(output, dims, g.channelsLast));
  }

  /**
   * The gradient of a convolution with regard to its input. Where nothing else is said, its output is as large as an input
   * from which that convolution makes this layer's input: {@code in · stride} for {@code same}.
   */
  private static Value transposed(Call c, int axes, Functions activation) {
    Geometry g = Geometry.of(c, axes);
    long filters = c.config().positive("filters");
    long in = c.known(g.channelAxis(c.input()));
    String kernel =
        c.constant(
            "kernel",
            () -> {
              long[] dims = g.kernelDims(filters, in);
              return c.tensor(
                  kernelShape(g, in, filters),
                  Permutation.apply(
                      c.weights("kernel", dims), dims, kernelOrder(axes, axes + 1, axes)));
            });
    bias(c, filters);
    List<Integer> extra =
        c.config().has("output_padding") ? c.config().integers("output_padding", axes, 0, 0) : null;
    List<Integer> begins = new ArrayList<>();
    List<Integer> ends = new ArrayList<>();
    List<Integer> outputPadding = new ArrayList<>();
    long[] dims = c.input().dims().clone();
    for (int i = 0; i < axes; i++) {
      long stride = g.strides.get(i);
      long extent = (g.kernel.get(i) - 1L) * g.dilations.get(i) + 1;
      // What is cut off (in − 1) · stride + extent; less than nothing is added at the end.
      long cut;
      if (g.padding.equals("same")) {
        cut = extra == null ? extent - stride : extent - extent % 2 - extra.get(i);
      } else {
        cut = extra == null ? Math.min(0, extent - stride) : -extra.get(i);
      }
      long begin = Math.max(0, cut) / 2;
      begins.add(Math.toIntExact(begin));
      ends.add(Math.toIntExact(Math.max(0, cut) - begin));
      outputPadding.add(Math.toIntExact(Math.max(0, -cut)));
      int axis = g.firstSpatialAxis() + i;
      if (dims[axis] != ValueInfo.UNKNOWN) {
        dims[axis] = (dims[axis] - 1) * stride + extent - cut;
        if (dims[axis] < 1) {
          throw c.bad("its output has an extent of " + dims[axis]);
        }
      }
    }
    dims[g.channelAxis(c.input())] = filters;
    String output = before(c, activation);
    Window window = new Window(g.kernel, g.strides, begins, ends, g.dilations, AutoPad.EXPLICIT);
    Op op = new Op.ConvTranspose(window, 1, outputPadding, List.of());
    main(c, op, output, c.graph().image(c.input(), g.channelsLast), kernel);
    return activated(c, activation, c.graph().made(output, dims, g.channelsLast));
  }
}
