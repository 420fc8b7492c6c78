package tacet.plan;

import java.util.ArrayList;
import java.util.List;
import tacet.graph.Node;
import tacet.kernels.CountLevel;
import tacet.plan.Attempt.Placed;
import tacet.plan.Plan.CountSource;
import tacet.tensor.Shape;

/** What no kernel takes: computed row-major by the reference implementation. */
final class ReferenceSteps {

  private final TypedGraph net;
  private final Places places;
  private final KernelSteps kernels;
  private final Draft draft;
  private final PlanOptions options;

  ReferenceSteps(
      TypedGraph net, Places places, KernelSteps kernels, Draft draft, PlanOptions options) {
    this.net = net;
    this.places = places;
    this.kernels = kernels;
    this.draft = draft;
    this.options = options;
  }

  Placed reference(Node n, String reason) {
    List<Object> inputs = new ArrayList<>();
    for (String in : n.inputs()) {
      if (in.isEmpty()) {
        inputs.add(null);
      } else if (net.isConstant(in)) {
        inputs.add(net.constant(in));
      } else {
        inputs.add(places.plainOf(in));
      }
    }
    int step = draft.step();
    List<Placement.Plain> outputs = new ArrayList<>();
    for (String out : n.outputs()) {
      if (out.isEmpty()) {
        outputs.add(null);
        continue;
      }
      // A kernel that declined may have asked for a place already.
      places.remove(out);
      Placement.Plain p = places.plain(net.type(out));
      p.buffer().usedAt(step);
      places.put(out, p);
      outputs.add(p);
    }
    for (Object in : inputs) {
      if (in instanceof Placement.Plain p) {
        p.buffer().usedAt(step);
      }
    }
    draft.add(new Steps.RunReference(n, inputs, outputs));
    String first = n.output(0);
    if (net.flattensImages(n) && kernels.counted(n.input(0)) != null) {
      // A flattened image keeps the channels it had, whoever flattens it.
      kernels.countedBy(first, kernels.counted(n.input(0)));
    } else if (options.counts() != CountLevel.OFF && net.isFloat(first)) {
      Shape s = net.shape(first);
      int counts = draft.counter(Steps.channels(s, net.liesChannelsLast(n)));
      places.get(first).buffer().usedAt(draft.step());
      draft.add(
          new Steps.CountPlain(
              (Placement.Plain) places.get(first), net.liesChannelsLast(n), counts));
      kernels.countedBy(first, new CountSource.OfStep(counts, false));
    }
    return new Placed("reference", "scalar", reason, 0);
  }
}
