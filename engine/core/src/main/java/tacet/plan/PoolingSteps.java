package tacet.plan;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.StringJoiner;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.KernelProvider;
import tacet.kernels.KernelProvider.Choice;
import tacet.kernels.PoolSpec;
import tacet.plan.Attempt.Declined;
import tacet.plan.Attempt.Placed;
import tacet.reference.Windows;
import tacet.reference.Windows.ResolvedWindow;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Pooling by windows and over whole images. */
final class PoolingSteps {

  private final TypedGraph net;
  private final Places places;
  private final KernelSteps kernels;
  private final ProviderOrder order;
  private final Set<String> wanted;
  private final Arena arena;

  /**
   * @param wanted values that runs return
   * @param arena lives as long as the plan
   */
  PoolingSteps(
      TypedGraph net,
      Places places,
      KernelSteps kernels,
      ProviderOrder order,
      Set<String> wanted,
      Arena arena) {
    this.net = net;
    this.places = places;
    this.kernels = kernels;
    this.order = order;
    this.wanted = wanted;
    this.arena = arena;
  }

  Attempt pool(Node n, Op.Pool p) {
    if (p.kind() == Op.PoolKind.LP || n.hasOutput(1) || !net.isImage(n.input(0))) {
      return new Declined("only maximum and average of images, without indices");
    }
    Placement.Image in = places.image(n.input(0), Halo.NONE, true);
    if (in == null || in.channelsLast()) {
      return new Declined("its input is not an image");
    }
    Shape out = net.shape(n.output(0));
    ImageLayout l = in.layout();
    ResolvedWindow w = Windows.pool(n, new int[] {l.height(), l.width()}, p);
    PoolSpec spec =
        new PoolSpec(
            l.batch(),
            l.channels(),
            l.height(),
            l.width(),
            out.intDim(2),
            out.intDim(3),
            w.kernel()[0],
            w.kernel()[1],
            w.strides()[0],
            w.strides()[1],
            w.padsBegin()[0],
            w.padsBegin()[1],
            w.padsEnd()[0],
            w.padsEnd()[1],
            w.dilations()[0],
            w.dilations()[1],
            p.kind() == Op.PoolKind.MAX,
            p.countIncludePad());
    return pooled(n, spec, in);
  }

  Attempt globalPool(Node n, Op.PoolKind kind) {
    if (kind == Op.PoolKind.LP || !net.isImage(n.input(0))) {
      return new Declined("only maximum and average of images");
    }
    return global(n, kind == Op.PoolKind.MAX);
  }

  /** A reduction over both axes of a plane is a pool; without these axes its result is a matrix. */
  Attempt reduce(Node n, Op.Reduce r) {
    boolean kind = r.kind() == Op.ReduceKind.MEAN || r.kind() == Op.ReduceKind.MAX;
    Tensor axes = n.hasInput(1) ? net.constant(n.input(1)) : null;
    if (!kind || axes == null || !net.isImage(n.input(0)) || !isPlane(axes.toLongs())) {
      return new Declined("only mean and maximum over the planes of images");
    }
    return global(n, r.kind() == Op.ReduceKind.MAX);
  }

  private static boolean isPlane(long[] axes) {
    return axes.length == 2
        && Arrays.stream(axes)
            .map(a -> a < 0 ? a + 4 : a)
            .sorted()
            .boxed()
            .toList()
            .equals(List.of(2L, 3L));
  }

  private Attempt global(Node n, boolean max) {
    Placement.Image in = places.image(n.input(0), Halo.NONE, true);
    if (in == null || in.channelsLast()) {
      return new Declined("its input is not an image");
    }
    ImageLayout l = in.layout();
    PoolSpec spec =
        new PoolSpec(
            l.batch(),
            l.channels(),
            l.height(),
            l.width(),
            1,
            1,
            l.height(),
            l.width(),
            1,
            1,
            0,
            0,
            0,
            0,
            1,
            1,
            max,
            false);
    return pooled(n, spec, in);
  }

  /**
   * Whether a node reads what a convolution makes, by its own name, and nobody else ever asks for it. Who reads it by another
   * name, reads it by the node that gives it that name.
   */
  private boolean isOnlyReader(Node n) {
    String value = n.input(0);
    boolean made = false;
    int readers = 0;
    for (Node other : net.graph().nodes()) {
      made |= other.op() instanceof Op.Conv && other.output(0).equals(value);
      readers += other.inputs().contains(value) ? 1 : 0;
    }
    return made && readers == 1 && !wanted.contains(value);
  }

  private Attempt pooled(Node n, PoolSpec spec, Placement.Image lies) {
    StringJoiner declined = new StringJoiner("; ");
    for (KernelProvider provider : order.candidates(n)) {
      boolean compact = provider.needs(spec).dense();
      Placement.Image in = compact ? places.compact(n.input(0), lies, Halo.NONE) : lies;
      Placement.Image out =
          places.output(
              n.output(0),
              spec.batch(),
              spec.channels(),
              spec.outHeight(),
              spec.outWidth(),
              compact,
              false);
      Choice choice = provider.pooling(spec, in.layout(), out.layout(), arena);
      if (choice.kernel() != null) {
        String why = order.why(n, choice, declined);
        Placed along =
            isOnlyReader(n) && in.equals(places.get(n.input(0)))
                ? kernels.alongWithMaker(n, provider, choice, why, in, out)
                : null;
        if (along != null) {
          return along;
        }
        return kernels.kernel(n, provider, choice, why, List.of(in), out);
      }
      declined.add(provider.name() + " declined: " + choice.reason());
    }
    return new Declined(declined.toString());
  }
}
