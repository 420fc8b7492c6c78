package tacet.plan;

import java.util.List;
import java.util.function.Function;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.Activation;
import tacet.kernels.DataType;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.KernelProvider;
import tacet.kernels.KernelProvider.Choice;
import tacet.kernels.LrnSpec;
import tacet.kernels.PixelSpec;
import tacet.kernels.PointwiseSpec;
import tacet.kernels.PointwiseSpec.Second;
import tacet.kernels.SelectSpec;
import tacet.kernels.SoftmaxSpec;
import tacet.plan.Attempt.Declined;
import tacet.plan.Attempt.Placed;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** What is computed value by value or pixel by pixel: activations, sums and products, softmax, local response, channel shuffles. */
final class PointwiseSteps {

  private final TypedGraph net;
  private final Places places;
  private final KernelSteps kernels;
  private final KernelProvider simd;

  PointwiseSteps(TypedGraph net, Places places, KernelSteps kernels, KernelProvider simd) {
    this.net = net;
    this.places = places;
    this.kernels = kernels;
    this.simd = simd;
  }

  Attempt unary(Node n, Activation function) {
    Placement.Image in = places.image(n.input(0), Halo.NONE, true);
    if (in == null) {
      return new Declined("its input is not an image");
    }
    return pointwise(n, PointwiseSpec.Op.COPY, Second.NONE, function, in, null);
  }

  Attempt elementwise(Node n, Op.Elementwise e) {
    PointwiseSpec.Op op =
        switch (e.kind()) {
          case ADD -> PointwiseSpec.Op.ADD;
          case SUB -> PointwiseSpec.Op.SUB;
          case MUL -> PointwiseSpec.Op.MUL;
          case DIV -> PointwiseSpec.Op.DIV;
          case MAX -> PointwiseSpec.Op.MAX;
          case MIN -> PointwiseSpec.Op.MIN;
          default -> null;
        };
    if (op == null || n.inputs().size() != 2) {
      return new Declined("only sums, differences, products, quotients and extrema of two");
    }
    return binary(n, op, e.activation());
  }

  /** Two operands, of which one may be broadcast over pixels. */
  Attempt binary(Node n, PointwiseSpec.Op op, Activation activation) {
    String a = n.input(0);
    String b = n.input(1);
    boolean commutes =
        switch (op) {
          case ADD, MUL, MAX, MIN -> true;
          default -> false;
        };
    if (commutes && net.shape(a).elements() < net.shape(b).elements()) {
      String swap = a;
      a = b;
      b = swap;
    }
    if (!net.shape(a).equals(net.shape(n.output(0)))) {
      return new Declined("both operands are broadcast");
    }
    Placement.Image first = places.image(a, Halo.NONE, true);
    if (first == null) {
      return new Declined("its first operand is not an image");
    }
    ImageLayout l = first.layout();
    Placement.Image other;
    Second extent;
    Tensor constant = net.constant(b);
    if (constant != null) {
      float[] values = perChannel(constant, net.shape(a), first.channelsLast());
      if (values == null) {
        return new Declined("its constant operand is not per channel");
      }
      other = places.constantImage(b + "/" + first.channelsLast(), values);
      extent = Second.PER_CHANNEL_ALL_IMAGES;
    } else {
      other = places.image(b, Halo.NONE, true);
      if (other == null || other.channelsLast() != first.channelsLast() && !isPixel(other)) {
        return new Declined("its second operand is not an image of the same layout");
      }
      ImageLayout o = other.layout();
      if (net.shape(b).rank() != net.shape(a).rank()
          || o.channels() != l.channels()
          || (o.batch() != l.batch() && !(o.batch() == 1 && isPixel(other)))) {
        return new Declined("its second operand is broadcast over channels");
      }
      if (o.height() == l.height() && o.width() == l.width() && o.batch() == l.batch()) {
        extent = Second.SAME;
      } else if (isPixel(other)) {
        extent = o.batch() == l.batch() ? Second.PER_CHANNEL : Second.PER_CHANNEL_ALL_IMAGES;
      } else {
        return new Declined("its second operand is broadcast over part of the image");
      }
    }
    return pointwise(n, op, extent, activation, first, other);
  }

  private static boolean isPixel(Placement.Image i) {
    return i.layout().height() == 1 && i.layout().width() == 1;
  }

  /** The values of a constant that is one number, or one number per channel; null where it is neither. */
  private static float[] perChannel(Tensor constant, Shape image, boolean channelsLast) {
    if (constant.type() != DataType.FLOAT32) {
      return null;
    }
    int channelAxis = channelsLast ? image.rank() - 1 : 1;
    int channels = image.intDim(channelAxis);
    Shape s = constant.shape();
    if (s.elements() == 1) {
      return ConvolutionSteps.spread(constant.toFloats(), channels);
    }
    int fromEnd = image.rank() - channelAxis;
    return s.elements() == channels && s.rank() >= fromEnd && s.dim(-fromEnd) == channels
        ? constant.toFloats()
        : null;
  }

  private Attempt pointwise(
      Node n,
      PointwiseSpec.Op op,
      Second extent,
      Activation activation,
      Placement.Image first,
      Placement.Image second) {
    ImageLayout l = first.layout();
    PointwiseSpec spec =
        new PointwiseSpec(l.batch(), l.channels(), l.height(), l.width(), op, extent, activation);
    Placement.Image out =
        places.output(
            n.output(0),
            l.batch(),
            l.channels(),
            l.height(),
            l.width(),
            false,
            first.channelsLast());
    Choice choice = simd.pointwise(spec, l, second == null ? null : second.layout(), out.layout());
    if (choice.kernel() != null) {
      return kernels.kernel(
          n,
          simd,
          choice,
          choice.reason(),
          second == null ? List.of(first) : List.of(first, second),
          out);
    }
    return new Declined(choice.reason());
  }

  Attempt localResponse(Node n, Op.Lrn op) {
    Placement.Image in = places.image(n.input(0), Halo.NONE, true);
    if (in == null || in.channelsLast() || net.shape(n.input(0)).rank() != 4) {
      return new Declined("its input is not an image");
    }
    ImageLayout l = in.layout();
    LrnSpec spec =
        new LrnSpec(
            l.batch(),
            l.channels(),
            l.height(),
            l.width(),
            op.size(),
            op.alpha(),
            op.beta(),
            op.bias());
    return perPixel(n, in, out -> simd.localResponse(spec, l, out));
  }

  Attempt softmax(Node n, Op.Softmax op) {
    Shape s = net.shape(n.input(0));
    Placement.Image in = places.image(n.input(0), Halo.NONE, true);
    if (in == null) {
      return new Declined("its input is not an image");
    }
    ImageLayout l = in.layout();
    int axis = op.axis() < 0 ? op.axis() + s.rank() : op.axis();
    boolean single = l.height() == 1 && l.width() == 1;
    if (axis != (in.channelsLast() ? 3 : 1) || op.toEnd() && !single) {
      return new Declined("not over channels");
    }
    SoftmaxSpec spec =
        new SoftmaxSpec(l.batch(), l.channels(), l.height(), l.width(), op.logarithm());
    return perPixel(n, in, out -> simd.softmax(spec, l, out));
  }

  Attempt shuffle(Node n, Op.ChannelShuffle op) {
    Placement.Image in = places.image(n.input(0), Halo.NONE, true);
    if (in == null || in.channelsLast()) {
      return new Declined("its input is not an image");
    }
    ImageLayout l = in.layout();
    SelectSpec spec =
        SelectSpec.shuffle(l.batch(), l.channels(), l.height(), l.width(), op.groups());
    Placement.Image out =
        places.output(n.output(0), l.batch(), l.channels(), l.height(), l.width(), false, false);
    Choice choice = simd.select(spec, List.of(l), out.layout());
    if (choice.kernel() == null) {
      return new Declined(choice.reason());
    }
    CountSource known = kernels.counted(n.input(0));
    kernels.move(
        n.output(0),
        choice.kernel(),
        List.of(in),
        out,
        known == null ? null : new CountSource.Moved(known, spec.channel()));
    return new Placed(choice.kernel().name(), simd.name(), choice.reason(), 0);
  }

  /** Straight into the planes that the first kernel reads, with the room around them that it wants. */
  Attempt pixels(Node n, Op.Pixels op) {
    Placement.Plain in = places.plainOf(n.input(0));
    PixelSpec spec = op.spec(in.shape());
    Placement.Image out =
        places.planes(n.output(0), spec.batch(), spec.channels(), spec.height(), spec.width());
    Choice choice = simd.pixels(spec, out.layout());
    if (choice.kernel() == null) {
      places.remove(n.output(0));
      return new Declined(choice.reason());
    }
    return kernels.pixels(simd, choice, in, out);
  }

  /** A SIMD kernel whose output has the extents of its one input. */
  private Attempt perPixel(Node n, Placement.Image in, Function<ImageLayout, Choice> kernel) {
    ImageLayout l = in.layout();
    Placement.Image out =
        places.output(
            n.output(0), l.batch(), l.channels(), l.height(), l.width(), false, in.channelsLast());
    Choice choice = kernel.apply(out.layout());
    return choice.kernel() == null
        ? new Declined(choice.reason())
        : kernels.kernel(n, simd, choice, choice.reason(), List.of(in), out);
  }
}
