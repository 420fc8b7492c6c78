package tacet.bench;

import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import tacet.kernels.KernelProvider;
import tacet.kernels.ThreadBudget;

/**
 * All convolutions of a shape list once, by one provider, zeros counted or not. {@code vector} and {@code onednn} run on
 * Tacet's layouts as a plan has them; {@code onednn-any} is oneDNN as its own users call it, which counts nothing.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED",
      "-XX:+UseSerialGC"
    })
public class ConvolutionBenchmark {

  private static final String ONEDNN_ANY = "onednn-any";

  /** Who computes. */
  @Param({"vector", "onednn", ONEDNN_ANY})
  public String provider;

  /** A name of {@link ShapeLists#NAMES}, a file, or one shape with {@code _} for blanks. */
  @Param({"resnet50", "vgg19", "squeezenet", "mobilenet_v1", "mobilenet_v2", "inception_v1"})
  public String shapes;

  /** Threads of the loop. */
  @Param("1")
  public int threads;

  /** Whether zeros are counted. */
  @Param("false")
  public boolean counting;

  private ThreadBudget budget;
  private ThreadBudget.Team team;
  private Runnable[] runs;
  private AutoCloseable[] owned;

  /** Prepares every kernel of the list. */
  @Setup(Level.Trial)
  public void prepare() throws Exception {
    List<ConvShape> list =
        shapes.contains("_") && Character.isDigit(shapes.charAt(0))
            ? List.of(ConvShape.parse(shapes.replace('_', ' ')))
            : ShapeLists.load(shapes);
    budget = new ThreadBudget(threads);
    team = budget.acquire();
    runs = new Runnable[list.size()];
    owned = new AutoCloseable[list.size()];
    for (int i = 0; i < runs.length; i++) {
      prepare(i, list.get(i));
    }
  }

  private void prepare(int i, ConvShape s) {
    SplittableRandom random = new SplittableRandom(1);
    float[] input = Numbers.normal(random, s.inChannels() * s.height() * s.width(), 1);
    float[] weights =
        Numbers.normal(random, s.weights(), Math.sqrt(2.0 * s.outChannels() / s.weights()));
    float[] bias = Numbers.normal(random, s.outChannels(), 0.1);
    if (provider.equals(ONEDNN_ANY)) {
      OneDnnConvolution c = new OneDnnConvolution(s, input, weights, bias, threads, 0);
      runs[i] = c::run;
      owned[i] = c;
    } else {
      KernelProvider p = TacetConvolution.provider(provider).forThreads(threads);
      TacetConvolution c = new TacetConvolution(p, s, input, weights, bias, team, counting);
      runs[i] = c::run;
      owned[i] = c;
    }
  }

  /** One run of every convolution. */
  @Benchmark
  public void convolutions() {
    for (Runnable r : runs) {
      r.run();
    }
  }

  /** Frees everything. */
  @TearDown(Level.Trial)
  public void free() throws Exception {
    for (AutoCloseable o : owned) {
      o.close();
    }
    team.close();
    budget.close();
  }
}
