package tacet.plan;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import tacet.graph.Node;
import tacet.plan.Attempt.Placed;

/** What no kernel takes: computed row-major by the reference implementation. */
final class ReferenceSteps {

  private final TypedGraph net;
  private final Places places;
  private final KernelSteps kernels;
  private final Draft draft;
  private final Arena constants;

  /**
   * @param constants lives as long as the plan
   */
  ReferenceSteps(TypedGraph net, Places places, KernelSteps kernels, Draft draft, Arena constants) {
    this.net = net;
    this.places = places;
    this.kernels = kernels;
    this.draft = draft;
    this.constants = constants;
  }

  Placed reference(Node n, String reason) {
    List<Object> inputs = new ArrayList<>();
    for (String in : n.inputs()) {
      if (in.isEmpty()) {
        inputs.add(null);
      } else if (net.isConstant(in)) {
        inputs.add(net.constant(in, constants));
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
    kernels.countResult(n, net, outputs.getFirst());
    return new Placed("reference", "scalar", reason, 0);
  }
}
