package tacet.plan;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.function.Function;
import tacet.graph.Node;
import tacet.graph.Node.Role;
import tacet.kernels.CountLevel;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider;
import tacet.kernels.KernelProvider.Choice;
import tacet.kernels.KernelProvider.Skipping;
import tacet.kernels.KernelProvider.SparseWeights;
import tacet.kernels.RowReader;
import tacet.kernels.RowWriter;
import tacet.kernels.SparseMode;
import tacet.plan.Attempt.Placed;

/** Adds steps that run kernels, and knows which counters hold the zeros of each value. */
final class KernelSteps {

  private final Draft draft;
  private final PlanOptions options;
  private final Arena weights;
  private final Calibration calibration;
  private final Map<String, CountSource> counted = new HashMap<>();
  private final Map<String, CountSource> countedBefore = new HashMap<>();

  /**
   * @param weights where packed weights live
   */
  KernelSteps(Draft draft, PlanOptions options, Arena weights) {
    this.draft = draft;
    this.weights = weights;
    this.options = options;
    this.calibration = new Calibration(options.measureNanos());
  }

  /** Where the zeros of a value are counted, or null. */
  CountSource counted(String value) {
    return counted.get(value);
  }

  /** Where the zeros of a node's value before its fused activation are counted, or null. */
  CountSource countedBefore(String value) {
    return countedBefore.get(value);
  }

  /** The zeros of a value are counted there. */
  void countedBy(String value, CountSource source) {
    counted.put(value, source);
  }

  /** Whether zeros are counted at all. */
  boolean counts() {
    return options.counts() != CountLevel.OFF;
  }

  /** Adds the count of a row-major value that no kernel has made. */
  void countPlain(String value, Placement.Plain place, boolean channelsLast) {
    int counts = draft.counter(Steps.channels(place.shape(), channelsLast));
    place.buffer().usedAt(draft.step());
    draft.add(new Steps.CountPlain(place, channelsLast, counts));
    countedBy(value, new CountSource.OfStep(counts, false));
  }

  /** Adds the count of a node's row-major result; a flattened image keeps the channels it had. */
  void countResult(Node n, TypedGraph net, Placement.Plain place) {
    String value = n.output(0);
    if (net.flattensImages(n) && counted.get(n.input(0)) != null) {
      countedBy(value, counted.get(n.input(0)));
    } else if (counts() && net.isFloat(value)) {
      countPlain(value, place, net.liesChannelsLast(n));
    }
  }

  /** Adds the step of a node and says how it is computed. */
  Placed kernel(
      Node n,
      KernelProvider provider,
      Choice choice,
      String reason,
      List<Placement.Image> inputs,
      Placement.Image out) {
    StringJoiner reasons = new StringJoiner("; ").add(reason);
    List<Alternative> alternatives = new ArrayList<>();
    if (options.sparse() != SparseMode.OFF) {
      for (Skipping skipping : choice.skipping()) {
        CostCurve curve = calibration.of(choice.kernel(), skipping, inputs, out);
        reasons.add(curve.describe(skipping.vectors() ? "vectors of zeros" : "zeros"));
        if (curve.pays() || options.sparse() == SparseMode.ALWAYS) {
          alternatives.add(
              new Alternative(
                  skipping.prepare(weights), skipping.provider(), skipping.vectors(), curve));
        }
      }
    }
    CountSource source =
        alternatives.isEmpty()
            ? add(choice.kernel(), inputs, out)
            : addEither(
                choice.kernel(), provider, alternatives, inputs, out, counted.get(n.input(0)));
    counted.put(n.output(0), source);
    if (isCountedBefore(n) && source instanceof CountSource.OfStep s) {
      countedBefore.put(n.output(0), new CountSource.OfStep(s.counts(), true));
    }
    return new Placed(
        choice.kernel().name(),
        provider.name(),
        reasons.toString(),
        choice.kernel().multiplyAdds());
  }

  /**
   * Adds the step of a node along with that of the node whose output it alone reads, if both can take turns and it pays.
   *
   * @return null where it is not so
   */
  Placed alongWithMaker(
      Node n,
      KernelProvider provider,
      Choice choice,
      String reason,
      Placement.Image in,
      Placement.Image out) {
    int maker = draft.makerOf(in);
    if (maker < 0
        || options.counts() == CountLevel.DETAIL
        || !in.halo().isNone()
        || !(choice.kernel() instanceof RowReader second)
        || !(draft.get(maker) instanceof Steps.RunKernel run)
        || !(run.kernel() instanceof RowWriter first)
        || !RunBands.pays(second, in.layout(), out.layout().height())) {
      return null;
    }
    int counts = counts() ? draft.counterBeside(out.layout().channels()) : -1;
    RunBands bands =
        new RunBands(
            draft.step(),
            first,
            second,
            run.inputs(),
            in.layout(),
            out,
            run.counts(),
            counts,
            options.threads());
    out.buffer().usedAt(maker);
    draft.scratch(bands.scratchBytes());
    draft.addAlong(maker, bands, in);
    counted.put(n.output(0), new CountSource.OfStep(counts, false));
    return new Placed(
        choice.kernel().name(),
        provider.name(),
        reason + "; some rows at a time, along with " + n.input(0),
        choice.kernel().multiplyAdds());
  }

  /** Whether kernels may be timed, and need not be judged by estimates. */
  boolean measures() {
    return options.measureNanos() > 0;
  }

  /** Whether anything may be skipped because it is zero. */
  boolean skips() {
    return options.sparse() != SparseMode.OFF;
  }

  /** What a layer takes with its weights listed, and with all of them. */
  CostCurve curve(
      SparseWeights sparse,
      long multiplyAdds,
      Function<Arena, Choice> dense,
      List<Placement.Image> inputs,
      Placement.Image out) {
    return calibration.of(sparse, multiplyAdds, dense, inputs, out);
  }

  /** Whether a kernel should run that takes the same time whatever its input. */
  boolean isWorth(CostCurve curve) {
    return options.sparse() == SparseMode.ALWAYS || curve.skips(0);
  }

  /** Adds the step of a node whose zero weights are not stored, and says how it is computed. */
  Placed sparseWeights(
      Node n,
      KernelProvider provider,
      Choice choice,
      String reason,
      CostCurve curve,
      List<Placement.Image> inputs,
      Placement.Image out) {
    Kernel kernel = choice.kernel();
    int counts = use(kernel, inputs, out);
    draft.add(new RunListed(kernel, provider.name(), curve, inputs, out, counts));
    CountSource.OfStep source = new CountSource.OfStep(counts, false);
    counted.put(n.output(0), source);
    if (isCountedBefore(n)) {
      countedBefore.put(n.output(0), new CountSource.OfStep(counts, true));
    }
    return new Placed(kernel.name(), provider.name(), reason, kernel.multiplyAdds());
  }

  private static boolean isCountedBefore(Node n) {
    return n.layers().stream().anyMatch(l -> l.role() == Role.BEFORE_ACTIVATION);
  }

  /** Adds the step that makes an image of bytes; the zeros of a network's input are not counted. */
  Placed pixels(
      KernelProvider provider, Choice choice, Placement.Plain bytes, Placement.Image out) {
    bytes.buffer().usedAt(draft.step());
    out.buffer().usedAt(draft.step());
    draft.add(new Steps.ReadPixels(choice.kernel(), bytes, out));
    return new Placed(choice.kernel().name(), provider.name(), choice.reason(), 0);
  }

  /** Adds the run of a kernel, and says where the zeros of its output are counted. */
  CountSource add(Kernel kernel, List<Placement.Image> inputs, Placement.Image out) {
    int counts = use(kernel, inputs, out);
    draft.add(new Steps.RunKernel(kernel, inputs, out, counts));
    return new CountSource.OfStep(counts, false);
  }

  /**
   * Adds the run of a kernel that only moves values.
   *
   * @param source where their zeros are counted already, or null
   */
  void move(
      String value,
      Kernel kernel,
      List<Placement.Image> inputs,
      Placement.Image out,
      CountSource source) {
    if (counts() && source == null) {
      counted.put(value, add(kernel, inputs, out));
      return;
    }
    reserve(kernel, inputs, out);
    draft.add(new Steps.RunKernel(kernel, inputs, out, -1));
    if (source != null) {
      counted.put(value, source);
    }
  }

  private CountSource addEither(
      Kernel dense,
      KernelProvider provider,
      List<Alternative> alternatives,
      List<Placement.Image> inputs,
      Placement.Image out,
      CountSource ofInput) {
    int counts = use(dense, inputs, out);
    for (Alternative a : alternatives) {
      draft.scratch(a.kernel().scratchBytes(options.threads()));
    }
    CountSource known = counts() ? ofInput : null;
    draft.add(
        new RunEither(
            draft.step(),
            dense,
            provider.name(),
            alternatives,
            options.sparse(),
            inputs,
            out,
            known,
            counts));
    return new CountSource.OfStep(counts, false);
  }

  /**
   * Keeps memory for the step that comes next.
   *
   * @return number of its counters, or −1
   */
  private int use(Kernel kernel, List<Placement.Image> inputs, Placement.Image out) {
    reserve(kernel, inputs, out);
    return counts() ? draft.counter(out.layout().channels()) : -1;
  }

  private void reserve(Kernel kernel, List<Placement.Image> inputs, Placement.Image out) {
    int step = draft.step();
    inputs.forEach(i -> i.buffer().usedAt(step));
    out.buffer().usedAt(step);
    draft.scratch(kernel.scratchBytes(options.threads()));
  }
}
