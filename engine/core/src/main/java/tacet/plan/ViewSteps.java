package tacet.plan;

import java.util.ArrayList;
import java.util.List;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.Activation;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider;
import tacet.kernels.KernelProvider.Choice;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.PointwiseSpec;
import tacet.kernels.PointwiseSpec.Second;
import tacet.kernels.SelectSpec;
import tacet.kernels.pack.Reorder;
import tacet.plan.Attempt.Declined;
import tacet.plan.Attempt.Placed;
import tacet.tensor.Shape;

/** What moves nothing, or little: views of values in other shapes, and concatenations. */
final class ViewSteps {

  private final TypedGraph net;
  private final ImageNeeds needs;
  private final Places places;
  private final KernelSteps kernels;
  private final KernelProvider simd;

  ViewSteps(
      TypedGraph net, ImageNeeds needs, Places places, KernelSteps kernels, KernelProvider simd) {
    this.net = net;
    this.needs = needs;
    this.places = places;
    this.kernels = kernels;
    this.simd = simd;
  }

  Attempt identity(Node n) {
    if (!places.has(n.input(0)) || n.hasOutput(1)) {
      return Attempt.noKernel(n);
    }
    if (!n.layers().isEmpty() && net.isFloat(n.input(0))) {
      countInput(n.input(0));
    }
    return alias(n, places.get(n.input(0)));
  }

  private Attempt alias(Node n, Placement p) {
    places.put(n.output(0), p);
    String in = n.input(0);
    if (kernels.counted(in) != null) {
      kernels.countedBy(n.output(0), kernels.counted(in));
    }
    return new Placed("view", "none", "the same memory", 0);
  }

  Attempt transpose(Node n) {
    if (!needs.isAlias(n.output(0)) || net.shape(n.input(0)).rank() != 4) {
      return Attempt.noKernel(n);
    }
    boolean toLast = ((Op.Transpose) n.op()).permutation().equals(ImageNeeds.TO_CHANNELS_LAST);
    Placement p = places.get(n.input(0));
    if (p instanceof Placement.Image image && image.channelsLast() != toLast) {
      return alias(n, image.seen(toLast));
    }
    if (p instanceof Placement.Plain plain && !toLast) {
      Shape s = plain.shape();
      ImageLayout layout = Reorder.channelsLast(s.intDim(0), s.intDim(3), s.intDim(1), s.intDim(2));
      return alias(n, new Placement.Image(plain.buffer(), layout, 0, Halo.NONE, false));
    }
    return Attempt.noKernel(n);
  }

  /** Other dimensions for the same elements in the same order. */
  Attempt reshape(Node n) {
    if (places.get(n.input(0)) instanceof Placement.Plain in) {
      Placement.Plain out = new Placement.Plain(in.buffer(), in.type(), net.shape(n.output(0)));
      places.put(n.output(0), out);
      kernels.countResult(n, net, out);
      return new Placed("view", "none", "the same memory", 0);
    }
    if (!net.flattensImages(n)) {
      return Attempt.noKernel(n);
    }
    if (places.get(n.input(0)) instanceof Placement.Image image) {
      Placement flat =
          new Placement.Flattened(
              image, image.channelsLast() ? FlattenOrder.NHWC : FlattenOrder.NCHW);
      ImageLayout l = image.layout();
      if (l.height() == 1 && l.width() == 1) {
        // One pixel: the matrix is the image.
        flat = image.seen(false);
      }
      return alias(n, flat);
    }
    return Attempt.noKernel(n);
  }

  /** Padding with zeros is a view of the image with some of the room around it. */
  Attempt pad(Node n) {
    Halo padding = net.padding(n);
    if (padding == null) {
      return new Declined("not zeros around the planes of an image");
    }
    if (!countInput(n.input(0))) {
      return new Declined("its input's zeros are not counted");
    }
    Placement.Image in = places.image(n.input(0), padding, false);
    if (in == null || in.channelsLast()) {
      return new Declined("its input is not an image with channels first");
    }
    ImageLayout l = in.layout();
    Shape s = net.shape(n.output(0));
    ImageLayout padded =
        new ImageLayout(
            l.batch(),
            l.channels(),
            s.intDim(2),
            s.intDim(3),
            l.lanes(),
            l.rowStride(),
            l.blockStride(),
            l.batchStride());
    places.put(
        n.output(0),
        new Placement.Image(
            in.buffer(), padded, in.offset() - l.origin(padding), in.halo().minus(padding), false));
    CountSource counted = kernels.counted(n.input(0));
    if (counted != null) {
      long added = l.batch() * (s.elements(2, 4) - (long) l.height() * l.width());
      kernels.countedBy(n.output(0), new CountSource.Padded(counted, l.channels(), added));
    }
    return new Placed("view", "none", "zeros kept around its input", 0);
  }

  /** Counts the zeros of an input of the model, which no kernel has counted; false where they lie in another way. */
  private boolean countInput(String value) {
    if (!kernels.counts() || kernels.counted(value) != null) {
      return true;
    }
    if (!(places.get(needs.home(value)) instanceof Placement.Plain plain)) {
      return false;
    }
    kernels.countPlain(value, plain, needs.isTurned(value));
    return true;
  }

  Attempt concat(Node n) {
    if (!needs.joinsImages(n)) {
      return new Declined("not of images along channels");
    }
    if (!needs.joinsBlocks(n, simd.lanes())) {
      return join(n);
    }
    Shape s = net.shape(n.output(0));
    List<CountSource> parts = new ArrayList<>();
    int channel = 0;
    int copies = 0;
    Placement.Image whole =
        places.output(
            n.output(0), s.intDim(0), s.intDim(1), s.intDim(2), s.intDim(3), false, false);
    for (String part : n.inputs()) {
      Shape p = net.shape(part);
      // A part may lie in the buffer at another channel: as part of a concatenation that is itself
      // one here.
      boolean inPlace =
          places.get(part) instanceof Placement.Image made
              && made.buffer() == whole.buffer()
              && made.offset() == Places.part(whole, channel, p.intDim(1)).offset();
      if (inPlace && kernels.counted(part) != null) {
        parts.add(kernels.counted(part));
      } else if (!inPlace) {
        Placement.Image in = places.image(part, Halo.NONE, true);
        if (in == null || in.channelsLast()) {
          return new Declined("one of its inputs is not an image");
        }
        PointwiseSpec spec =
            new PointwiseSpec(
                p.intDim(0),
                p.intDim(1),
                p.intDim(2),
                p.intDim(3),
                PointwiseSpec.Op.COPY,
                Second.NONE,
                Activation.IDENTITY);
        Placement.Image to = Places.part(whole, channel, p.intDim(1));
        Kernel copy = simd.pointwise(spec, in.layout(), null, to.layout()).kernel();
        parts.add(kernels.add(copy, List.of(in), to));
        copies++;
      }
      channel += p.intDim(1);
    }
    if (parts.size() == n.inputs().size()) {
      kernels.countedBy(n.output(0), new CountSource.Joined(parts));
    }
    return new Placed(
        copies == 0 ? "none" : "copy",
        copies == 0 ? "none" : simd.name(),
        copies == 0 ? "producers write into their slices" : copies + " of its inputs are copied",
        0);
  }

  /** A concatenation of images whose channels fill no whole vectors: put together by a kernel. */
  private Attempt join(Node n) {
    List<Placement.Image> images = new ArrayList<>();
    List<CountSource> parts = new ArrayList<>();
    for (String part : n.inputs()) {
      Placement.Image in = places.image(part, Halo.NONE, true);
      if (in == null || in.channelsLast()) {
        return new Declined("one of its inputs is not an image");
      }
      images.add(in);
      if (kernels.counted(part) != null) {
        parts.add(kernels.counted(part));
      }
    }
    Shape s = net.shape(n.output(0));
    List<ImageLayout> layouts = images.stream().map(Placement.Image::layout).toList();
    int[] channels = layouts.stream().mapToInt(ImageLayout::channels).toArray();
    SelectSpec spec = SelectSpec.join(s.intDim(0), s.intDim(2), s.intDim(3), channels);
    Placement.Image out =
        places.output(
            n.output(0), s.intDim(0), s.intDim(1), s.intDim(2), s.intDim(3), false, false);
    Choice choice = simd.select(spec, layouts, out.layout());
    if (choice.kernel() == null) {
      return new Declined(choice.reason());
    }
    CountSource joined = parts.size() == images.size() ? new CountSource.Joined(parts) : null;
    kernels.move(n.output(0), choice.kernel(), images, out, joined);
    return new Placed(choice.kernel().name(), simd.name(), choice.reason(), 0);
  }
}
