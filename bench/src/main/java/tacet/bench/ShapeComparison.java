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

/** One convolution shape after another: pure Java against oneDNN. */
final class ShapeComparison {

  /**
   * What was measured of one shape.
   *
   * @param ratio oneDNN's time ÷ ours, median over rounds
   * @param countingCost share of our time that counting zeros adds
   */
  record Row(
      ConvShape shape,
      double vectorGflops,
      double onednnGflops,
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
  private final Path plot;
  private final PrintStream out;

  /**
   * @param plot where to draw the result, or null
   */
  ShapeComparison(int threads, int rounds, Path plot, PrintStream out) {
    this.threads = threads;
    this.rounds = rounds;
    this.plot = plot;
    this.out = out;
  }

  /** Measures and prints; returns what goes into the JSON file. */
  Map<String, Object> run(List<ConvShape> shapes) throws Exception {
    KernelProvider provider = TacetConvolution.provider("vector");
    try (ThreadBudget budget = new ThreadBudget(threads);
        ThreadBudget.Team team = budget.acquire()) {
      double peak = provider.peakGflops(team);
      out.printf(
          Locale.ROOT, "FMA peak of %d thread(s): %.1f GFLOP/s, measured now%n%n", threads, peak);
      out.printf(
          "%-36s %8s %8s %6s  %-6s  %s%n",
          "shape", "vector", "oneDNN", "ratio", "winner", "algorithm");
      List<Row> rows = new ArrayList<>();
      for (ConvShape shape : shapes) {
        Row row = measure(provider, shape, team);
        rows.add(row);
        out.printf(
            Locale.ROOT,
            "%-36s %8.1f %8.1f %6.2f  %-6s  %s | %s%n",
            shape,
            row.vectorGflops,
            row.onednnGflops,
            row.ratio,
            row.winner(),
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
      if (plot != null) {
        ShapePlot.write(plot, rows, peak, threads);
      }
      return json(rows, peak, mean, worst);
    }
  }

  private Row measure(KernelProvider provider, ConvShape shape, Parallel parallel)
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
        OneDnnConvolution theirs =
            new OneDnnConvolution(shape, input, weights, bias, parallel.threads())) {
      Contest contest =
          new Contest(List.of(ours::run, theirs::run, counting::run), parallel.threads() > 1);
      contest.run(rounds, LEAST_WARM_UP_SECONDS, MOST_WARM_UP_SECONDS);
      check(shape, ours.output(), theirs.output());
      return new Row(
          shape,
          shape.flops() / contest.median(0),
          shape.flops() / contest.median(1),
          contest.ratio(1, 0),
          contest.ratio(2, 0) - 1,
          ours.algorithm(),
          theirs.implementation());
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

  private static double geometricMean(List<Row> rows) {
    return Math.exp(rows.stream().mapToDouble(r -> Math.log(r.ratio)).average().orElseThrow());
  }

  private Map<String, Object> json(List<Row> rows, double peak, double mean, Row worst) {
    List<Map<String, Object>> list = new ArrayList<>();
    for (Row r : rows) {
      Map<String, Object> m = new LinkedHashMap<>();
      m.put("shape", r.shape.toString());
      m.put("vectorGflops", r.vectorGflops);
      m.put("onednnGflops", r.onednnGflops);
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
    json.put("fmaPeakGflops", peak);
    json.put("threads", threads);
    json.put("rounds", rounds);
    return json;
  }
}
