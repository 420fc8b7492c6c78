package tacet.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.cli.Subcommand;
import tacet.graph.Graph;
import tacet.tensor.Tensor;

/** What a long-running service sees of a model: memory, processor time, results under load. */
@Command(
    name = "endure",
    mixinStandardHelpOptions = true,
    description =
        "Loads, runs and closes a model again and again, or has many threads share one, and prints"
            + " resident memory and processor time.")
public final class EndureCommand implements Subcommand {

  /** Kept free of load before processor time and memory are looked at: compilers are done by then. */
  private static final double WARM_UP_SHARE = 0.2;

  private static final int LINES = 20;

  @Parameters(paramLabel = "MODEL", description = "Model file.")
  private Path file;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "auto, vector, onednn or scalar (default: ${DEFAULT-VALUE}).")
  private Backend backend = Backend.AUTO;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Thread budget of the model (default: ${DEFAULT-VALUE}).")
  private int threads = 2;

  @Option(names = "--cycles", paramLabel = "N", description = "Load, run and close N times.")
  private int cycles;

  @Option(
      names = "--callers",
      paramLabel = "N",
      description = "Threads that share one model (default: ${DEFAULT-VALUE}).")
  private int callers = 16;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      description = "How long they do (default: ${DEFAULT-VALUE}).")
  private int seconds = 60;

  private final PrintStream out = System.out;

  @Override
  public Integer call() throws Exception {
    return cycles > 0 ? cycle() : share();
  }

  private ModelOptions options() {
    return ModelOptions.defaults().withBackend(backend).withThreads(threads);
  }

  private int cycle() throws Exception {
    float[] first = null;
    long settled = 0;
    Map<String, Tensor> inputs = ModelInputs.noise(Model.read(file), 1);
    for (int i = 1; i <= cycles; i++) {
      float[] result;
      try (Model model = Model.load(file, options())) {
        result = output(model, inputs);
      }
      first = first == null ? result : first;
      if (!Arrays.equals(first, result)) {
        out.println("cycle " + i + ": another result than the first");
        return 1;
      }
      if (i == Math.min(50, cycles)) {
        settled = residentKilobytes();
      }
      if (i % Math.max(1, cycles / LINES) == 0) {
        out.printf(Locale.ROOT, "cycle %5d  resident %7.1f MB%n", i, residentKilobytes() / 1e3);
      }
    }
    out.printf(
        Locale.ROOT,
        "resident after cycle %d: %.1f MB, after cycle %d: %.1f MB%n",
        Math.min(50, cycles),
        settled / 1e3,
        cycles,
        residentKilobytes() / 1e3);
    return 0;
  }

  private static float[] output(Model model, Map<String, Tensor> inputs)
      throws InterruptedException {
    return model.run(inputs).output(model.outputs().getFirst().name()).toFloats();
  }

  private int share() throws Exception {
    Graph graph = Model.read(file);
    AtomicLong runs = new AtomicLong();
    AtomicLong wrong = new AtomicLong();
    try (Model model = Model.of(graph, options());
        ExecutorService pool = Executors.newFixedThreadPool(callers)) {
      List<Map<String, Tensor>> inputs = new ArrayList<>();
      List<float[]> expected = new ArrayList<>();
      for (int i = 0; i < callers; i++) {
        inputs.add(ModelInputs.noise(graph, i));
        expected.add(output(model, inputs.get(i)));
      }
      long end = System.nanoTime() + seconds * 1_000_000_000L;
      List<Future<Void>> callersDone = new ArrayList<>();
      for (int i = 0; i < callers; i++) {
        int number = i;
        Callable<Void> calls =
            () -> {
              while (System.nanoTime() < end) {
                float[] result = output(model, inputs.get(number));
                wrong.addAndGet(Arrays.equals(result, expected.get(number)) ? 0 : 1);
                runs.incrementAndGet();
              }
              return null;
            };
        callersDone.add(pool.submit(calls));
      }
      watch(end);
      for (Future<Void> f : callersDone) {
        f.get();
      }
    }
    out.printf(
        "%d runs by %d callers, %d differ from serial runs%n", runs.get(), callers, wrong.get());
    return wrong.get() == 0 ? 0 : 1;
  }

  private void watch(long end) throws IOException, InterruptedException {
    long warm = end - (long) ((1 - WARM_UP_SHARE) * seconds * 1e9);
    Thread.sleep(Math.max(0, (warm - System.nanoTime()) / 1_000_000));
    long step = Math.max(1_000_000_000L, (end - warm) / LINES);
    double most = 0;
    long from = residentKilobytes();
    while (System.nanoTime() + step - end < 0) {
      long start = System.nanoTime();
      long cpu = processNanos();
      Thread.sleep(step / 1_000_000);
      double cores = (double) (processNanos() - cpu) / (System.nanoTime() - start);
      most = Math.max(most, cores);
      out.printf(
          Locale.ROOT,
          "%.3f cores  %d threads  resident %7.1f MB%n",
          cores,
          status("Threads"),
          residentKilobytes() / 1e3);
    }
    out.printf(
        Locale.ROOT,
        "at most %.3f cores; resident from %.1f to %.1f MB%n",
        most,
        from / 1e3,
        residentKilobytes() / 1e3);
  }

  private static long processNanos() {
    return ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class)
        .getProcessCpuTime();
  }

  private static long residentKilobytes() throws IOException {
    return status("VmRSS");
  }

  /** What the kernel knows of this process under a name. */
  private static long status(String name) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith(name + ":")) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new IOException("/proc/self/status has no " + name);
  }
}
