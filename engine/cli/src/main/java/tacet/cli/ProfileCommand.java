package tacet.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.ParseException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import jdk.jfr.Configuration;
import jdk.jfr.Recording;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tacet.Model;
import tacet.Session;
import tacet.WarmUp;
import tacet.graph.Graph;
import tacet.insight.file.WholeFile;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Layers by time, from events of JDK Flight Recorder. */
@Command(
    name = "profile",
    mixinStandardHelpOptions = true,
    description =
        "Runs a network under JDK Flight Recorder, or reads a recording of any service that uses"
            + " Tacet, and prints its layers by time.")
final class ProfileCommand implements Callable<Integer> {

  private static final Duration LONGEST_WARM_UP = Duration.ofSeconds(10);
  private static final String SETTINGS = "/META-INF/jfr/tacet.jfc";

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "MODEL|FILE.jfr",
      description = "Model file (default: the built-in encoder), or a recording.")
  private Path file;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "IMAGE",
      description = "Image (default: normal noise).")
  private Path image;

  @Option(names = "--record", paramLabel = "FILE.jfr", description = "Keep the recording.")
  private Path record;

  @Option(
      names = "--runs",
      paramLabel = "N",
      description = "Inferences to record, after warming up (default: ${DEFAULT-VALUE}).")
  private int runs = 50;

  @Option(names = "--json", paramLabel = "FILE", description = "Write everything as JSON.")
  private Path json;

  @Option(
      names = "--settings",
      description = "Print the recording settings tacet.jfc and do nothing else.")
  private boolean settings;

  @Mixin private GraphOptions graphOptions;
  @Mixin private ModelOptionsMixin modelOptions;
  @Mixin private ImageOptions imageOptions;

  private final PrintStream out = System.out;

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (settings) {
      out.print(settings());
      return 0;
    }
    Destination.requireFile(json);
    if (runs < 1) {
      throw new IllegalArgumentException("--runs " + runs + ": expected at least 1");
    }
    if (file != null && file.toString().endsWith(".jfr")) {
      print(LayerRecording.read(file));
      return 0;
    }
    Destination.requireFile(record);
    Path recorded = Files.createTempFile("tacet", ".jfr");
    try {
      record(recorded);
      print(LayerRecording.read(recorded));
      if (record != null) {
        keep(recorded);
        out.println("recording: " + record);
      }
    } finally {
      Files.deleteIfExists(recorded);
    }
    return 0;
  }

  private void keep(Path recorded) throws IOException {
    try (FileChannel from = FileChannel.open(recorded)) {
      WholeFile.write(
          record,
          to -> {
            for (long at = 0; at < from.size(); ) {
              at += from.transferTo(at, from.size() - at, to);
            }
          });
    }
  }

  private static String settings() throws IOException {
    try (InputStream in = Model.class.getResourceAsStream(SETTINGS)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private void record(Path target) throws IOException, InterruptedException {
    Graph graph = graphOptions.graph(file, out);
    try (Model model = Model.of(graph, modelOptions.options())) {
      Tensor input = input(graph);
      Map<String, Shape> shape = Map.of(model.inputs().getFirst().name(), input.shape());
      WarmUp warmUp = model.warmUp(shape, LONGEST_WARM_UP);
      out.printf(
          Locale.ROOT,
          "warmed up in %d runs, %.1f s%s%n",
          warmUp.runs(),
          warmUp.elapsed().toMillis() / 1e3,
          warmUp.reached() ? "" : " (times were still falling)");
      double peak = model.peakGflops();
      try (Recording recording = new Recording(configuration());
          Session session = model.session(shape, Set.of())) {
        session.input().data().copyFrom(input.data());
        recording.start();
        PeakEvent e = new PeakEvent();
        e.gflops = peak;
        e.threads = model.options().threads();
        e.commit();
        for (int i = 0; i < runs; i++) {
          session.run();
        }
        recording.stop();
        recording.dump(target);
      }
    }
  }

  private static Configuration configuration() throws IOException {
    try (InputStream in = Model.class.getResourceAsStream(SETTINGS)) {
      return Configuration.create(new InputStreamReader(in, StandardCharsets.UTF_8));
    } catch (ParseException e) {
      throw new IOException(SETTINGS + ": " + e.getMessage(), e);
    }
  }

  private Tensor input(Graph graph) throws IOException {
    List<Path> images = image == null ? List.of() : List.of(image);
    return InspectInput.read(graph, images, 0, imageOptions, graphOptions.seed(), out)
        .getFirst()
        .tensor();
  }

  private void print(LayerRecording recording) throws IOException {
    long total = recording.rows().stream().mapToLong(LayerRecording.Row::nanoseconds).sum();
    boolean several =
        recording.rows().stream().map(LayerRecording.Row::model).distinct().count() > 1;
    double peak = recording.peakGflops();
    List<String[]> table = new ArrayList<>();
    table.add(
        new String[] {
          "layer",
          "op",
          "output",
          "kernel",
          "runs",
          "ms",
          "time %",
          "GFLOP/s",
          "of peak %",
          "zero %",
          "skipped %"
        });
    for (LayerRecording.Row r : recording.rows()) {
      table.add(
          new String[] {
            several ? r.model() + ": " + r.layer() : r.layer(),
            r.op(),
            r.outputShape(),
            r.kernel(),
            Long.toString(r.runs()),
            number("%.3f", r.nanoseconds() / 1e6 / r.runs(), r.nanoseconds() > 0),
            number("%.1f", 100.0 * r.nanoseconds() / total, r.nanoseconds() > 0),
            number("%.1f", r.gflops(), r.gflops() > 0),
            number("%.0f", 100 * r.gflops() / peak, r.gflops() > 0 && !Double.isNaN(peak)),
            number("%.2f", 100.0 * r.zeros() / r.elements(), r.elements() > 0),
            number("%.1f", 100.0 * r.skipped() / r.multiplyAdds(), r.skipped() > 0)
          });
    }
    out.println();
    LayerTable.print(out, table, 4);
    long work = recording.rows().stream().mapToLong(LayerRecording.Row::multiplyAdds).sum();
    out.printf(
        Locale.ROOT,
        "%d inferences, %.3f ms in all layers, %.1f GFLOP/s%s%s%n",
        recording.inferences(),
        total / 1e6,
        2.0 * work / Math.max(1, total),
        Double.isNaN(peak)
            ? ""
            : String.format(Locale.ROOT, " of %.1f that multiply-adds alone reach here", peak),
        recording.exact() ? "; totals from tacet.LayerSummary" : "");
    if (json != null) {
      JsonFile.write(json, describe(recording));
    }
  }

  private static String number(String format, double value, boolean known) {
    return known ? String.format(Locale.ROOT, format, value) : "";
  }

  private static Map<String, Object> describe(LayerRecording recording) {
    Map<String, Object> content = new LinkedHashMap<>();
    content.put("inferences", recording.inferences());
    content.put("fmaPeakGflops", recording.peakGflops());
    List<Object> layers = new ArrayList<>();
    for (LayerRecording.Row r : recording.rows()) {
      Map<String, Object> o = new LinkedHashMap<>();
      o.put("model", r.model());
      o.put("name", r.layer());
      o.put("op", r.op());
      o.put("outputShape", r.outputShape());
      o.put("kernel", r.kernel());
      o.put("backend", r.backend());
      o.put("runs", r.runs());
      o.put("milliseconds", r.nanoseconds() / 1e6 / r.runs());
      o.put("multiplyAdds", r.multiplyAdds());
      o.put("skipped", r.skipped());
      o.put("gflops", r.gflops());
      o.put("elements", r.elements());
      o.put("zeros", r.zeros());
      o.put("nearZeros", r.nearZeros());
      layers.add(o);
    }
    content.put("layers", layers);
    return content;
  }
}
