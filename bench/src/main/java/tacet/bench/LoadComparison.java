package tacet.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.Session;
import tacet.graph.Graph;
import tacet.tensor.Shape;

/**
 * How long it takes until a model can run, against reading its file. The file is in the system's
 * cache, so that what Tacet does itself is all the difference; from a disk both take longer by the
 * same.
 */
final class LoadComparison {

  private static final int BUFFER_BYTES = 1 << 20;
  private static final long PIECE_BYTES = 1 << 30;

  private final Conditions on;
  private final PrintStream out;

  LoadComparison(Conditions on) {
    this.on = on;
    this.out = on.out();
  }

  /** Measures and prints one model after the other; returns what goes into the JSON file. */
  Map<String, Object> run(List<Path> models) throws Exception {
    out.printf(
        "%d thread(s), milliseconds; first: with all code new to the JVM; then medians of %d"
            + " rounds%n%n",
        on.threads(), on.rounds());
    out.printf(
        "%-28s %7s %9s %9s %9s %9s %9s %9s %6s %6s%n",
        "model", "MB", "first", "(read)", "through", "read", "load", "session", "ratio", "first");
    List<Map<String, Object>> rows = new ArrayList<>();
    for (Path model : models) {
      if (on.randomWeights() == null) {
        rows.add(compare(model, model));
      } else {
        Path copy = Files.createTempFile("tacet-load", ".onnx");
        try {
          OnnxWeights.random(model, on.randomWeights(), copy);
          System.gc();
          rows.add(compare(model, copy));
        } finally {
          Files.delete(copy);
        }
      }
    }
    return Map.of("models", rows);
  }

  private Map<String, Object> compare(Path model, Path file) throws Exception {
    ModelOptions options =
        ModelOptions.defaults().withThreads(on.threads()).withBackend(Backend.VECTOR);
    Graph graph = Model.read(file);
    Map<String, Shape> shapes = new LinkedHashMap<>();
    ModelInputs.noise(graph, 1).forEach((name, t) -> shapes.put(name, t.shape()));
    // Reading first, so that whatever brings the file into the cache is not Tacet's gain.
    through(file);
    double firstRead = read(file);
    double[] firstLoad = load(file, options, shapes);
    double[][] nanos = new double[4][on.rounds()];
    double[] ratios = new double[on.rounds()];
    for (int r = 0; r < on.rounds(); r++) {
      nanos[0][r] = through(file);
      nanos[1][r] = read(file);
      double[] load = load(file, options, shapes);
      nanos[2][r] = load[0];
      nanos[3][r] = load[0] + load[1];
      ratios[r] = nanos[3][r] / nanos[1][r];
    }
    double first = firstLoad[0] + firstLoad[1];
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("model", model.toString());
    row.put("threads", on.threads());
    row.put("rounds", on.rounds());
    row.put("bytes", Files.size(file));
    row.put("firstMilliseconds", first / 1e6);
    row.put("firstReadMilliseconds", firstRead / 1e6);
    row.put("throughMilliseconds", Contest.median(nanos[0]) / 1e6);
    row.put("readMilliseconds", Contest.median(nanos[1]) / 1e6);
    row.put("loadMilliseconds", Contest.median(nanos[2]) / 1e6);
    row.put("sessionMilliseconds", Contest.median(nanos[3]) / 1e6);
    row.put("ratio", Contest.median(ratios));
    row.put("firstRatio", first / firstRead);
    out.printf(
        Locale.ROOT,
        "%-28s %7.1f %9.1f %9.1f %9.1f %9.1f %9.1f %9.1f %6.2f %6.2f%n",
        ModelComparison.name(model),
        Files.size(file) / 1e6,
        first / 1e6,
        firstRead / 1e6,
        Contest.median(nanos[0]) / 1e6,
        Contest.median(nanos[1]) / 1e6,
        Contest.median(nanos[2]) / 1e6,
        Contest.median(nanos[3]) / 1e6,
        Contest.median(ratios),
        first / firstRead);
    return row;
  }

  /** Nanoseconds of loading, and of making a session ready to run after it. */
  private static double[] load(Path file, ModelOptions options, Map<String, Shape> shapes)
      throws IOException {
    long start = System.nanoTime();
    try (Model model = Model.load(file, options)) {
      long loaded = System.nanoTime();
      try (Session _ = model.session(shapes, Set.of())) {
        return new double[] {loaded - start, System.nanoTime() - loaded};
      }
    }
  }

  /**
   * Nanoseconds of reading a file into memory of its own, as off-heap weights would be without
   * mapping it.
   */
  private static double read(Path file) throws IOException {
    long start = System.nanoTime();
    try (Arena arena = Arena.ofConfined();
        FileChannel channel = FileChannel.open(file)) {
      MemorySegment memory = arena.allocate(channel.size());
      long at = 0;
      while (at < memory.byteSize()) {
        long length = Math.min(PIECE_BYTES, memory.byteSize() - at);
        at += channel.read(memory.asSlice(at, length).asByteBuffer());
      }
      return System.nanoTime() - start;
    }
  }

  /**
   * Nanoseconds of reading a file through one small buffer: what no program that keeps it can
   * reach.
   */
  private static double through(Path file) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
    long start = System.nanoTime();
    try (FileChannel channel = FileChannel.open(file)) {
      while (channel.read(buffer) >= 0) {
        buffer.clear();
      }
    }
    return System.nanoTime() - start;
  }
}
