package tacet.bench;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import tacet.kernels.KernelProvider;
import tacet.kernels.Parallel;
import tacet.kernels.ThreadBudget;

/**
 * One convolution shape after another: pure Java against oneDNN as its own users call it; and, on the images that plans have,
 * oneDNN in slices on Tacet's threads, as plans run it, against one primitive on OpenMP's.
 */
final class ShapeComparison {

  /**
   * What was measured of one shape.
   *
   * @param onednnGflops of oneDNN on layouts of its own choice
   * @param slicedGflops of oneDNN as plans run it; NaN where its provider declines
   * @param openMpGflops of one primitive on the same images and OpenMP's threads; NaN as well
   * @param ratio oneDNN's time ÷ ours, median over rounds
   * @param countingCost share of our time that counting zeros adds
   */
  record Row(
      ConvShape shape,
      double vectorGflops,
      double onednnGflops,
      double slicedGflops,
      double openMpGflops,
      double ratio,
      double countingCost,
      String algorithm,
      String implementation) {
    String winner() {
      return ratio >= 1 ? "vector" : "onednn";
    }
  }

  /** Outputs of two correct float32 convolutions differ by less than this share of the largest value. */
  private static final double AGREEMENT = 1e-4;

  private static final double LEAST_WARM_UP_SECONDS = 0.2;
  private static final double MOST_WARM_UP_SECONDS = 3;

  private final int threads;
  private final int rounds;
  private final boolean strict;
  private final Path plot;
  private final PrintStream out;

  /**
   * @param strict whether Tacet's arithmetic is strict
   * @param plot where to draw the result, or null
   */
  ShapeComparison(int threads, int rounds, boolean strict, Path plot, PrintStream out) {
    this.threads = threads;
    this.rounds = rounds;
    this.strict = strict;
    this.plot = plot;
    this.out = out;
  }

  /** Measures and prints; returns what goes into the JSON file. */
  Map<String, Object> run(List<ConvShape> shapes) throws Exception {
    KernelProvider any = TacetConvolution.provider("vector");
    KernelProvider provider = strict ? any.strict() : any;
    KernelProvider oneDnn = TacetConvolution.provider("onednn").forThreads(threads);
    try (ThreadBudget budget = new ThreadBudget(threads);
        ThreadBudget.Team team = budget.acquire()) {
      double peak = provider.peakGflops(team);
      out.printf(
          Locale.ROOT, "FMA peak of %d thread(s): %.1f GFLOP/s, measured now%n%n", threads, peak);
      out.printf(
          "%-36s %8s %8s %6s  %-6s %8s %8s  %s%n",
          "shape", "vector", "oneDNN", "ratio", "winner", "sliced", "OpenMP", "algorithm");
      List<Row> rows = new ArrayList<>();
      for (ConvShape shape : shapes) {
        Row row = measure(provider, oneDnn, shape, team);
        rows.add(row);
        out.printf(
            Locale.ROOT,
            "%-36s %8.1f %8.1f %6.2f  %-6s %8.1f %8.1f  %s | %s%n",
            shape,
            row.vectorGflops,
            row.onednnGflops,
            row.ratio,
            row.winner(),
            row.slicedGflops,
            row.openMpGflops,
            row.algorithm,
            row.implementation);
      }
      Row worst = rows.stream().min((a, b) -> Double.compare(a.ratio, b.ratio)).orElseThrow();
      double mean = geometricMean(rows);
      out.printf(
          Locale.ROOT,
          "%n%d shapes, geometric mean %.3f, worst %.2f (%s), peak at the end %.1f GFLOP/s%n",
          rows.size(),
          mean,
          worst.ratio,
          worst.shape,
          provider.peakGflops(team));
      out.printf(
          Locale.ROOT,
          "oneDNN on Tacet's images: slices on Tacet's threads are %.3f times as fast as one"
              + " primitive on OpenMP's%n",
          slicing(rows));
      if (plot != null) {
        ShapePlot.write(plot, rows, peak, threads);
      }
      return json(rows, peak, mean, worst);
    }
  }

  private Row measure(
      KernelProvider provider, KernelProvider oneDnn, ConvShape shape, Parallel parallel)
      throws Exception {
    SplittableRandom random = new SplittableRandom(1);
    float[] input = Numbers.normal(random, shape.inChannels() * shape.height() * shape.width(), 1);
    double deviation = Math.sqrt(2.0 * shape.outChannels() / shape.weights());
    float[] weights = Numbers.normal(random, shape.weights(), deviation);
    float[] bias = Numbers.normal(random, shape.outChannels(), 0.1);
    try (TacetConvolution ours =
            new TacetConvolution(provider, shape, input, weights, bias, parallel, false);
        TacetConvolution counting =
            new TacetConvolution(provider, shape, input, weights, bias, parallel, true);
        TacetConvolution sliced = taken(oneDnn, shape, input, weights, bias, parallel);
        OneDnnConvolution openMp =
            sliced == null
                ? null
                : new OneDnnConvolution(shape, input, weights, bias, threads, oneDnn.lanes());
        OneDnnConvolution theirs = new OneDnnConvolution(shape, input, weights, bias, threads, 0)) {
      List<Contest.Work> contestants =
          new ArrayList<>(List.of(ours::run, theirs::run, counting::run));
      if (sliced != null) {
        contestants.addAll(List.of(sliced::run, openMp::run));
      }
      Contest contest = new Contest(contestants, threads > 1);
      contest.run(
          rounds,
          LEAST_WARM_UP_SECONDS,
          MOST_WARM_UP_SECONDS,
          () -> ours.isSettled() && counting.isSettled());
      check(shape, ours.output(), theirs.output());
      return new Row(
          shape,
          shape.flops() / contest.median(0),
          shape.flops() / contest.median(1),
          sliced == null ? Double.NaN : shape.flops() / contest.median(3),
          sliced == null ? Double.NaN : shape.flops() / contest.median(4),
          contest.ratio(1, 0),
          contest.ratio(2, 0) - 1,
          ours.algorithm(),
          theirs.implementation());
    }
  }

  /** Null where the provider declines. */
  private static TacetConvolution taken(
      KernelProvider provider,
      ConvShape shape,
      float[] input,
      float[] weights,
      float[] bias,
      Parallel parallel) {
    try {
      return new TacetConvolution(provider, shape, input, weights, bias, parallel, false);
    } catch (IllegalStateException _) {
      return null;
    }
  }

  /** A fast wrong answer is no result. */
  private static void check(ConvShape shape, float[] ours, float[] theirs) {
    double scale = 0;
    double difference = 0;
    for (int i = 0; i < ours.length; i++) {
      scale = Math.max(scale, Math.abs(theirs[i]));
      double d = Math.abs(ours[i] - theirs[i]);
      difference = d >= 0 ? Math.max(difference, d) : Double.POSITIVE_INFINITY;
    }
    if (!(difference <= AGREEMENT * scale)) {
      throw new IllegalStateException(
          String.format(
              Locale.ROOT,
              "%s: outputs differ by %.2g where the largest is %.2g",
              shape,
              difference,
              scale));
    }
  }

  /** Null where there is no such number, which JSON cannot say. */
  private static Double finite(double value) {
    return Double.isFinite(value) ? value : null;
  }

  static double geometricMean(List<Row> rows) {
    return Math.exp(rows.stream().mapToDouble(r -> Math.log(r.ratio)).average().orElseThrow());
  }

  /** Geometric mean, over the shapes that have both, of the rates of slices ÷ those of OpenMP. */
  private static double slicing(List<Row> rows) {
    return Math.exp(
        rows.stream()
            .mapToDouble(r -> Math.log(r.slicedGflops / r.openMpGflops))
            .filter(Double::isFinite)
            .average()
            .orElse(Double.NaN));
  }

  private Map<String, Object> json(List<Row> rows, double peak, double mean, Row worst) {
    List<Map<String, Object>> list = new ArrayList<>();
    for (Row r : rows) {
      Map<String, Object> m = new LinkedHashMap<>();
      m.put("shape", r.shape.toString());
      m.put("vectorGflops", r.vectorGflops);
      m.put("onednnGflops", r.onednnGflops);
      m.put("slicedOnednnGflops", finite(r.slicedGflops));
      m.put("openMpOnednnGflops", finite(r.openMpGflops));
      m.put("ratio", r.ratio);
      m.put("winner", r.winner());
      m.put("countingCost", r.countingCost);
      m.put("algorithm", r.algorithm);
      m.put("onednnImplementation", r.implementation);
      list.add(m);
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("shapes", list);
    json.put("geometricMean", mean);
    json.put("worst", worst.ratio);
    json.put("slicedAgainstOpenMp", finite(slicing(rows)));
    json.put("fmaPeakGflops", peak);
    json.put("threads", threads);
    json.put("rounds", rounds);
    json.put("strict", strict);
    return json;
  }
}
