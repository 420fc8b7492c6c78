package tacet.plan;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import tacet.error.MemoryLimitException;
import tacet.graph.Node;
import tacet.graph.ValueInfo;
import tacet.kernels.DataType;
import tacet.kernels.KernelProvider;
import tacet.kernels.Parallel;
import tacet.kernels.SparseMode;
import tacet.plan.Plan.PlannedLayer;
import tacet.plan.Verdicts.OfNode;
import tacet.plan.Verdicts.Verdict;
import tacet.plan.Verdicts.Winner;
import tacet.tensor.Tensor;

/**
 * Decides between SIMD and another provider for a whole network, by running it. A layer's time depends on its neighbours:
 * on what is in the caches, on the room around images, on who wrote them. So the network is planned twice, with SIMD and
 * with the other provider wherever it can, and run in turn on noise until times have stopped falling; from the times of the
 * layers follows the most promising mixture, which is planned too; and the fastest of the three is taken. What was found is
 * remembered on disk. All of it takes bounded time, and what was not steady by then is taken but not kept.
 */
final class Trial {

  /** Smaller networks cost less than finding out: multiply-adds. */
  private static final long LEAST_WORK = 1_000_000;

  /** Times have stopped falling when the best of a window was not better so often. */
  private static final int WINDOWS_WITHOUT_GAIN = 3;

  private static final long WINDOW_NANOS = 100_000_000;

  /** What is no more than this faster is no gain. */
  private static final double GAIN = 0.97;

  /** Share of a run that layers which are seldom enough not to be compiled may take. */
  private static final double MOST_UNSETTLED = 0.05;

  /** Longest that plans are run, the time of making them excepted. */
  private static final long MOST_NANOS = 8_000_000_000L;

  /** When compilers must be done, so that there is time left to compare. */
  private static final long MOST_WARM_UP_NANOS = 7_000_000_000L;

  private static final int LEAST_ROUNDS = 5;
  private static final int MOST_ROUNDS = 30;

  /** Longest that plans are compared, the least number of rounds excepted. */
  private static final long COMPARISON_NANOS = 250_000_000;

  /** Kernels of another provider are used only where they are faster by this: where nothing is timed, they skip no zeros. */
  private static final double ADVANTAGE = 0.99;

  /**
   * The same of a whole network where that is only estimated: loading oneDNN takes half a second and a hundred megabytes.
   */
  private static final double ESTIMATED_ADVANTAGE = 0.9;

  private final Trunk trunk;
  private final List<Node> contested;
  private final Map<String, Tensor> inputs;
  private final List<KernelProvider> providers;
  private final PlanOptions options;
  private final Supplier<? extends Arena> room;
  private final Parallel parallel;

  private Trial(
      Trunk trunk,
      Map<String, Tensor> inputs,
      List<KernelProvider> providers,
      PlanOptions options,
      Supplier<? extends Arena> room,
      Parallel parallel) {
    this.trunk = trunk;
    this.contested = trunk.contested();
    this.inputs = inputs;
    this.providers = providers;
    // What is timed here must not begin to time kernels itself.
    this.options = options.withMeasureNanos(0);
    this.room = room;
    this.parallel = parallel;
  }

  /**
   * @param inputs for those that are no float32 images, what the network is run on
   * @param providers SIMD and the other
   * @param room opens memory that is given back at once
   * @param parallel threads that the network will run on
   */
  static Assignment decide(
      Trunk trunk,
      Map<String, Tensor> inputs,
      List<KernelProvider> providers,
      PlanOptions options,
      Supplier<? extends Arena> room,
      Parallel parallel) {
    if (options.sparse() == SparseMode.ALWAYS) {
      return Assignment.simd("only SIMD kernels skip zeros");
    }
    // What may be skipped of an input is found out later, layer by layer, whoever computes it. So
    // dense kernels compete, and networks are divided the same whether they may skip or not.
    Map<Node, Integer> sparse = trunk.sparseWeights();
    PlanOptions dense = sparse.isEmpty() ? options.withSparse(SparseMode.OFF) : options;
    Trial trial = new Trial(trunk, inputs, providers, dense, room, parallel);
    if (trial.contested.isEmpty()) {
      return Assignment.simd("nothing to choose");
    }
    Verdicts verdicts =
        Verdicts.of(
            providers,
            "threads "
                + parallel.threads()
                + ", counting "
                + options.counts()
                + ", sparse "
                + dense.sparse()
                + (options.strict() ? ", strict" : ""));
    String signature = trunk.signature(sparse);
    Verdict known = verdicts.get(signature, trial.contested.size());
    Assignment a;
    if (known != null) {
      a = trial.assignment(known);
    } else if (options.measureNanos() > 0) {
      a = trial.measure(verdicts, signature);
    } else {
      a = trial.estimate("not measured");
    }
    String missing = a.usesOther() ? Providers.load(providers.getLast()) : null;
    return missing == null ? a : Assignment.simd(missing);
  }

  /** A plan with memory of its own to run in. */
  private final class Candidate implements AutoCloseable {
    private final Workspace workspace;
    private final Plan plan;
    private final long[] best;
    private final List<Long> rounds = new ArrayList<>();

    /**
     * @throws MemoryLimitException where the model may not hold so much
     */
    Candidate(List<KernelProvider> order, Assignment assignment) {
      Arena arena = room.get();
      Workspace made = null;
      try {
        plan = new Planner(trunk.net(), trunk.wanted(), order, assignment, options, arena).plan();
        made = plan.workspace(arena);
      } finally {
        if (made == null) {
          arena.close();
        }
      }
      workspace = made;
      best = new long[workspace.nanoseconds.length];
      SplittableRandom random = new SplittableRandom(1);
      for (ValueInfo i : trunk.net().graph().inputs()) {
        Tensor t = workspace.input(i.name());
        if (i.type() == DataType.FLOAT32) {
          t.fill(random::nextGaussian);
        } else {
          t.data().copyFrom(inputs.get(i.name()).data());
        }
      }
    }

    long run() {
      plan.rehearse(workspace, parallel);
      long sum = 0;
      for (int i = 0; i < best.length; i++) {
        best[i] = Math.min(best[i], workspace.nanoseconds[i]);
        sum += workspace.nanoseconds[i];
      }
      return sum;
    }

    /** Whether hardly any time is spent in code that still waits for a compiler. */
    boolean isSettled() {
      return plan.unsettledNanos(workspace) < MOST_UNSETTLED * run();
    }

    /** Times so far were those of code that was not compiled. */
    void forget() {
      Arrays.fill(best, Long.MAX_VALUE);
      rounds.clear();
    }

    void round() {
      rounds.add(run());
    }

    long median() {
      long[] sorted = rounds.stream().mapToLong(Long::longValue).sorted().toArray();
      return sorted.length == 0 ? 0 : sorted[sorted.length / 2];
    }

    /** The best time of each node's steps, by value of its first layer; only nodes of this provider. */
    Map<String, Double> nanos(KernelProvider provider) {
      Map<String, Double> byLayer = new HashMap<>();
      for (PlannedLayer l : plan.layers()) {
        if (l.backend().equals(provider.name()) && l.endStep() > l.firstStep()) {
          double sum = 0;
          for (int i = l.firstStep(); i < l.endStep(); i++) {
            sum += best[i];
          }
          byLayer.put(l.layer().value(), sum);
        }
      }
      return byLayer;
    }

    long multiplyAdds() {
      return plan.multiplyAdds();
    }

    @Override
    public void close() {
      workspace.close();
    }
  }

  private Assignment measure(Verdicts verdicts, String signature) {
    KernelProvider simd = providers.getFirst();
    KernelProvider other = providers.getLast();
    try (Candidate ours = new Candidate(List.of(simd), null)) {
      if (ours.multiplyAdds() < LEAST_WORK) {
        return Assignment.simd("too small to measure");
      }
      String missing = Providers.load(other);
      if (missing != null) {
        return Assignment.simd(missing);
      }
      try (Candidate theirs = new Candidate(providers.reversed(), null)) {
        long start = System.nanoTime();
        long deadline = start + MOST_NANOS;
        if (!warmUp(ours, theirs, start + MOST_WARM_UP_NANOS)) {
          return estimate("not measured: times had not settled");
        }
        compare(List.of(ours, theirs), deadline);
        Verdict v = verdict(ours, theirs, deadline);
        verdicts.put(signature, v);
        verdicts.save();
        return assignment(v);
      }
    } catch (MemoryLimitException e) {
      return estimate("not measured: " + e.getMessage());
    }
  }

  /** Tries the mixture that follows from the times of the layers, if there is one. */
  private Verdict verdict(Candidate ours, Candidate theirs, long deadline) {
    double[] ourNanos = nanos(ours, providers.getFirst());
    double[] theirNanos = nanos(theirs, providers.getLast());
    Mixture mixture =
        new Mixture(trunk.net(), contested, providers.getFirst(), ourNanos, theirNanos);
    boolean[] division = mixture.best();
    List<OfNode> nodes = new ArrayList<>();
    for (int i = 0; i < division.length; i++) {
      // No time is NaN, which becomes 0.
      nodes.add(new OfNode(division[i], (long) ourNanos[i], (long) theirNanos[i]));
    }
    if (mixture.isPure(division)) {
      return Verdict.of(ours.median(), theirs.median(), 0, ADVANTAGE, nodes);
    }
    Assignment mixed = assignment(new Verdict(Winner.MIXED, 0, 0, 0, nodes));
    try (Candidate both = new Candidate(providers, mixed)) {
      both.run();
      compare(List.of(ours, theirs, both), deadline);
      return Verdict.of(ours.median(), theirs.median(), both.median(), ADVANTAGE, nodes);
    }
  }

  /** Runs both until times have stopped falling; false where they had not by then. */
  private static boolean warmUp(Candidate ours, Candidate theirs, long until) {
    long best = Long.MAX_VALUE;
    for (int without = 0; without < WINDOWS_WITHOUT_GAIN; ) {
      // Little of what the other provider runs has to wait for a compiler.
      theirs.run();
      long start = System.nanoTime();
      long ofWindow = Long.MAX_VALUE;
      for (long now = start; now - start < WINDOW_NANOS; now = System.nanoTime()) {
        if (now - until > 0 || Thread.currentThread().isInterrupted()) {
          return false;
        }
        ofWindow = Math.min(ofWindow, ours.run());
      }
      boolean gains = ofWindow < GAIN * best || !ours.isSettled();
      without = gains ? 0 : without + 1;
      best = Math.min(best, ofWindow);
    }
    return true;
  }

  /** Times all in turn, in rounds: a few at least, more where they are short and there is time. */
  private static void compare(List<Candidate> candidates, long deadline) {
    candidates.forEach(Candidate::forget);
    long start = System.nanoTime();
    for (int round = 0; round < MOST_ROUNDS; round++) {
      long now = System.nanoTime();
      if (round >= LEAST_ROUNDS && (now - start > COMPARISON_NANOS || now - deadline > 0)) {
        return;
      }
      candidates.forEach(Candidate::round);
    }
  }

  /** Times of the contested nodes that this provider computes, NaN for the others. */
  private double[] nanos(Candidate c, KernelProvider provider) {
    Map<String, Double> byLayer = c.nanos(provider);
    return contested.stream()
        .mapToDouble(
            n -> {
              Double t = n.layers().isEmpty() ? null : byLayer.get(n.layers().getFirst().value());
              return t == null ? Double.NaN : t;
            })
        .toArray();
  }

  private Assignment estimate(String why) {
    KernelProvider simd = providers.getFirst();
    String other = providers.getLast().name();
    int lanes = simd.lanes();
    TypedGraph net = trunk.net();
    double[] ours =
        contested.stream()
            .mapToDouble(n -> Estimate.simdNanos(net, n, lanes, options.strict()))
            .toArray();
    double[] theirs =
        contested.stream().mapToDouble(n -> Estimate.oneDnnNanos(net, n, lanes)).toArray();
    Mixture mixture = new Mixture(net, contested, simd, ours, theirs);
    boolean[] division = mixture.best();
    boolean[] none = new boolean[division.length];
    boolean worth = mixture.cost(division) < ESTIMATED_ADVANTAGE * mixture.cost(none);
    Map<String, Assignment.Choice> choices = new LinkedHashMap<>();
    for (int i = 0; i < division.length; i++) {
      String reason =
          Double.isNaN(ours[i])
              ? why
              : String.format(
                  Locale.ROOT,
                  "%s, estimated for one thread: %s %.3f ms, %s %.3f ms%s",
                  why,
                  simd.name(),
                  ours[i] / 1e6,
                  other,
                  theirs[i] / 1e6,
                  worth ? "" : ", too little for the whole network");
      choices.put(contested.get(i).output(0), new Assignment.Choice(worth && division[i], reason));
    }
    return new Assignment(choices, why);
  }

  private Assignment assignment(Verdict v) {
    String simd = providers.getFirst().name();
    String other = providers.getLast().name();
    StringBuilder whole = new StringBuilder();
    whole.append(
        String.format(
            Locale.ROOT,
            "of the network %.3f and %.3f ms",
            v.simdNanos() / 1e6,
            v.otherNanos() / 1e6));
    if (v.mixedNanos() > 0) {
      whole.append(String.format(Locale.ROOT, ", mixed %.3f ms", v.mixedNanos() / 1e6));
    }
    Map<String, Assignment.Choice> choices = new LinkedHashMap<>();
    for (int i = 0; i < contested.size(); i++) {
      OfNode n = v.nodes().get(i);
      boolean toOther =
          switch (v.winner()) {
            case SIMD -> false;
            case OTHER -> true;
            case MIXED -> n.other();
          };
      String reason =
          n.isContested()
              ? String.format(
                  Locale.ROOT,
                  "measured: %s %.3f ms, %s %.3f ms, %s",
                  simd,
                  n.simdNanos() / 1e6,
                  other,
                  n.otherNanos() / 1e6,
                  whole)
              : "only one of " + simd + " and " + other + " takes it";
      choices.put(contested.get(i).output(0), new Assignment.Choice(toOther, reason));
    }
    return new Assignment(
        choices, "not measured: it waits for its weights, or for a layer that does");
  }
}
