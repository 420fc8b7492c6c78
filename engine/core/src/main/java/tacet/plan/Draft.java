package tacet.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tacet.plan.Plan.Counter;
import tacet.plan.Plan.PlannedLayer;

/** A plan while it is made: its steps so far, and the memory they ask for. */
final class Draft {

  private final List<Step> steps = new ArrayList<>();
  private final List<Counter> counters = new ArrayList<>();
  private final List<Buffer> buffers = new ArrayList<>();
  private final List<Plan.Preset> presets = new ArrayList<>();
  private long scratch;
  private int details;

  /** Number of the step that comes next. */
  int step() {
    return steps.size();
  }

  void add(Step step) {
    steps.add(step);
  }

  /** Number of the step that runs a kernel with this output, or −1. */
  int makerOf(Placement.Image image) {
    for (int i = steps.size() - 1; i >= 0; i--) {
      if (steps.get(i) instanceof Steps.RunKernel run && run.output().equals(image)) {
        return i;
      }
    }
    return -1;
  }

  Step get(int step) {
    return steps.get(step);
  }

  /** Adds a step whose work an earlier one does, in the place of one whose output needs no memory then. */
  void addAlong(int earlier, Step both, Placement.Image output) {
    steps.set(earlier, both);
    buffers.remove(output.buffer());
    add(new Steps.Along(both));
  }

  /** Memory that is in use from the next step on. */
  Buffer buffer(long bytes) {
    Buffer b = new Buffer(bytes, steps.size());
    buffers.add(b);
    return b;
  }

  /** Number of new counters for a value of so many channels. */
  int counter(int channels) {
    counters.add(new Counter(channels, false));
    return counters.size() - 1;
  }

  /** The same for a layer that counts while another does. */
  int counterBeside(int channels) {
    counters.add(new Counter(channels, true));
    return counters.size() - 1;
  }

  /** Number of a new closer look. */
  int detail() {
    return details++;
  }

  /** Some step needs so much scratch memory, which all share. */
  void scratch(long bytes) {
    scratch = Math.max(scratch, bytes);
  }

  void preset(Plan.Preset preset) {
    presets.add(preset);
  }

  /** Gives every buffer its offset. What is added later has none. */
  long assignOffsets() {
    return MemoryPlan.assignOffsets(buffers);
  }

  /**
   * The plan of these steps.
   *
   * @param scratchOffset where the buffers end
   */
  Plan plan(
      long scratchOffset,
      Map<String, Placement.Plain> inputs,
      List<Door> outputs,
      String source,
      List<PlannedLayer> layers,
      PlanOptions options) {
    return new Plan(
        steps,
        counters,
        details,
        scratchOffset + scratch,
        inputs,
        outputs,
        source,
        layers,
        presets,
        scratchOffset,
        options);
  }
}
