package tacet.plan;

import java.util.ArrayList;
import java.util.List;
import tacet.graph.Node;
import tacet.graph.Node.Layer;
import tacet.graph.Node.Role;
import tacet.graph.Op;
import tacet.kernels.CountLevel;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.pack.Reorder;
import tacet.plan.Attempt.Placed;
import tacet.plan.Plan.PlannedLayer;
import tacet.tensor.Shape;

/** The layers of the model as its author sees them, and the steps that compute them. */
final class LayerRows {

  private final TypedGraph net;
  private final Places places;
  private final KernelSteps kernels;
  private final Draft draft;
  private final PlanOptions options;
  private final List<PlannedLayer> layers = new ArrayList<>();

  LayerRows(TypedGraph net, Places places, KernelSteps kernels, Draft draft, PlanOptions options) {
    this.net = net;
    this.places = places;
    this.kernels = kernels;
    this.draft = draft;
    this.options = options;
  }

  /** Adds the rows of a node that was placed by steps from {@code firstStep} to before {@code endStep}. */
  void describe(Node n, Placed o, int firstStep, int endStep, int detail) {
    boolean first = true;
    for (Layer l : n.layers()) {
      if (!net.isFloat(n.output(0))) {
        continue;
      }
      CountSource source =
          switch (l.role()) {
            case RESULT -> kernels.counted(n.output(0));
            case BEFORE_ACTIVATION -> kernels.countedBefore(n.output(0));
            case GROUPS_BEFORE_SHUFFLE, GROUPS_AFTER_SHUFFLE -> grouped(n, l);
            case FOLDED -> null;
          };
      layers.add(
          new PlannedLayer(
              l,
              net.shape(first && n.hasInput(0) ? n.input(0) : n.output(0)),
              authorsShape(n, l),
              first ? o.kernel() : "fused",
              o.backend(),
              first ? o.reason() : "in the epilogue of " + n.layers().getFirst().name(),
              first ? firstStep : 0,
              first ? endStep : 0,
              first ? o.multiplyAdds() : 0,
              source,
              l.role() == Role.RESULT ? detail : -1));
      first = false;
    }
  }

  List<PlannedLayer> all() {
    return layers;
  }

  /** The shape of a layer's value as the model's author sees it. */
  private Shape authorsShape(Node n, Layer l) {
    // A view that nothing reads is not planned; then the node's own value is what the author sees.
    String known = net.isKnown(l.value()) ? l.value() : n.output(0);
    Shape s = net.shape(known);
    return net.graph().channelsLast().contains(known) ? s.withSecondAxisLast() : s;
  }

  /** The counts of a value that a channel shuffle never forms: those of its result, in other groups. */
  private CountSource grouped(Node n, Layer l) {
    int groups = ((Op.ChannelShuffle) n.op()).groups();
    CountSource shuffled = kernels.counted(n.output(0));
    if (shuffled == null) {
      return null;
    }
    return l.role() == Role.GROUPS_BEFORE_SHUFFLE
        ? new CountSource.Together(shuffled, groups, true)
        : new CountSource.Together(shuffled, net.shape(n.output(0)).intDim(1) / groups, false);
  }

  /** Number of the closer look at a node's value, or −1 where none is asked for. */
  int lookClosely(Node n) {
    String value = n.output(0);
    if (options.counts() != CountLevel.DETAIL || !net.isFloat(value)) {
      return -1;
    }
    Placement.Image image =
        switch (places.get(value)) {
          case Placement.Image i -> i;
          case Placement.Flattened f -> f.image();
          case Placement.Plain p -> asChannels(p, net.liesChannelsLast(n));
          case null -> null;
        };
    if (image == null) {
      return -1;
    }
    image.buffer().usedAt(draft.step());
    int detail = draft.detail();
    draft.add(new Steps.LookClosely(image, detail));
    return detail;
  }

  /** A row-major value of any rank as an image: the axes behind the first spatial one count as columns. */
  private static Placement.Image asChannels(Placement.Plain p, boolean channelsLast) {
    Shape s = p.shape();
    int rank = s.rank();
    int spatial = channelsLast ? 1 : 2;
    int end = channelsLast ? rank - 1 : rank;
    int c = Steps.channels(s, channelsLast);
    int n = s.elements() == 0 ? 0 : rank < 2 ? 1 : s.intDim(0);
    int h = spatial < end ? s.intDim(spatial) : 1;
    int w = spatial < end ? Math.toIntExact(s.elements(spatial + 1, end)) : 1;
    ImageLayout layout =
        channelsLast ? Reorder.channelsLast(n, c, h, w) : Reorder.channelsFirst(n, c, h, w);
    return new Placement.Image(p.buffer(), layout, 0, Halo.NONE, false);
  }
}
