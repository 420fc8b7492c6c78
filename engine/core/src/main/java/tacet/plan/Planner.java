package tacet.plan;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.Activation;
import tacet.kernels.KernelProvider;
import tacet.kernels.PointwiseSpec;
import tacet.plan.Attempt.Declined;
import tacet.plan.Attempt.Placed;
import tacet.tensor.Tensor;

/**
 * Makes a {@link Plan} of a graph whose shapes are all known: decides where every value lies, which kernel computes each
 * node, and where each buffer is. Float32 images stay in the providers' blocked layout from kernel to kernel; what no
 * kernel takes is computed row-major by the reference implementation.
 */
final class Planner {

  private final TypedGraph net;
  private final Set<String> wanted;
  private final PlanOptions options;
  private final Draft draft = new Draft();

  /** Null where the reference implementation is alone. */
  private final ProviderOrder order;

  private final Places places;
  private final ViewSteps views;
  private final ConvolutionSteps convolutions;
  private final PoolingSteps pools;
  private final PointwiseSteps pointwise;
  private final ReferenceSteps reference;
  private final LayerRows rows;
  private final Arena weights;

  /**
   * @param providers best first; none for the reference implementation alone
   * @param wanted values that runs return
   * @param assignment nodes for which their order is the other way round, or null
   * @param weights where packed weights live, and other constants that runs read
   */
  Planner(
      TypedGraph net,
      Set<String> wanted,
      List<KernelProvider> providers,
      Assignment assignment,
      PlanOptions options,
      Arena weights) {
    this.net = net;
    this.wanted = wanted;
    this.weights = weights;
    this.options = options;
    this.order = providers.isEmpty() ? null : ProviderOrder.of(providers, assignment);
    KernelProvider simd = order == null ? null : order.simd();
    ImageNeeds needs = order == null ? ImageNeeds.ofReference(net) : ImageNeeds.of(net, order);
    KernelSteps kernels = new KernelSteps(draft, options, weights);
    this.places = new Places(net, needs, draft, simd == null ? 1 : simd.lanes());
    this.views = new ViewSteps(net, needs, places, kernels, simd);
    this.convolutions = new ConvolutionSteps(net, places, kernels, order, draft, weights);
    this.pools = new PoolingSteps(net, places, kernels, order, wanted, weights);
    this.pointwise = new PointwiseSteps(net, places, kernels, simd);
    this.reference = new ReferenceSteps(net, places, kernels, draft, weights);
    this.rows = new LayerRows(net, places, kernels, draft, options);
  }

  Plan plan() {
    for (var input : net.graph().inputs()) {
      Placement.Plain place = places.plain(net.type(input.name()));
      // Kept to the end, so that a session may run again on the same input.
      place.buffer().usedAt(Integer.MAX_VALUE);
      places.put(input.name(), place);
    }
    for (Node n : net.graph().nodes()) {
      int firstStep = draft.step();
      Placed placed = place(n);
      int endStep = draft.step();
      rows.describe(n, placed, firstStep, endStep, rows.lookClosely(n));
    }
    Map<String, Placement> wantedPlaces = wantedPlaces();
    long scratchOffset = draft.assignOffsets();
    List<Door> outputs = new ArrayList<>();
    for (String w : wanted) {
      boolean last = net.graph().channelsLast().contains(w);
      Tensor constant = net.constant(w, weights);
      outputs.add(
          constant != null
              ? Door.of(w, constant, last)
              : Door.of(w, wantedPlaces.get(w), net.type(w), last));
    }
    Map<String, Placement.Plain> inputs = new LinkedHashMap<>();
    net.graph().inputs().forEach(i -> inputs.put(i.name(), (Placement.Plain) places.get(i.name())));
    return draft.plan(scratchOffset, inputs, outputs, net.graph().source(), rows.all(), options);
  }

  /** Where the values that runs return lie, kept to the end; row-major where no door leads from their image. */
  private Map<String, Placement> wantedPlaces() {
    Map<String, Placement> wantedPlaces = new LinkedHashMap<>();
    for (String w : wanted) {
      Placement p = places.get(w);
      boolean twice =
          p instanceof Placement.Image i
              && i.channelsLast()
              && net.graph().channelsLast().contains(w);
      if (p instanceof Placement.Flattened || twice) {
        p = places.plainOf(w);
      }
      if (p != null) {
        p.buffer().usedAt(Integer.MAX_VALUE);
        wantedPlaces.put(w, p);
      }
    }
    return wantedPlaces;
  }

  private Placed place(Node n) {
    Attempt attempt =
        order == null && !(n.op() instanceof Op.Identity)
            ? Attempt.noKernel(n)
            : switch (n.op()) {
              case Op.Identity _ -> views.identity(n);
              case Op.Transpose _ -> views.transpose(n);
              case Op.Flatten _, Op.Reshape _, Op.Squeeze _, Op.Unsqueeze _ -> views.reshape(n);
              case Op.Concat _ -> views.concat(n);
              case Op.Pad _ -> views.pad(n);
              case Op.Conv _ -> convolutions.convolution(n);
              case Op.Gemm _, Op.MatMul _ -> convolutions.dense(n);
              case Op.BatchNormalization b -> convolutions.batchNormalization(n, b);
              case Op.Pool p -> pools.pool(n, p);
              case Op.GlobalPool p -> pools.globalPool(n, p.kind());
              case Op.Reduce r -> pools.reduce(n, r);
              case Op.Unary u -> pointwise.unary(n, u.function());
              case Op.PRelu _ -> pointwise.binary(n, PointwiseSpec.Op.PRELU, Activation.IDENTITY);
              case Op.Elementwise e -> pointwise.elementwise(n, e);
              case Op.Lrn l -> pointwise.localResponse(n, l);
              case Op.Softmax s -> pointwise.softmax(n, s);
              case Op.ChannelShuffle s -> pointwise.shuffle(n, s);
              case Op.Pixels p -> pointwise.pixels(n, p);
              default -> Attempt.noKernel(n);
            };
    return switch (attempt) {
      case Placed placed -> placed;
      case Declined declined ->
          reference.reference(
              n, order == null ? "the scalar backend was asked for" : declined.reason());
    };
  }
}
