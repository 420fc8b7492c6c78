package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.NetworkBuilder;
import tacet.Result;
import tacet.graph.Graph;
import tacet.profile.LayerProfile;

/** SIMD or oneDNN, decided by measurement: what is said, what is kept, what becomes of a damaged file. */
class AutoBackendTest {

  private static final String CACHE = "tacet.cache";
  private static final int SIDE = 28;

  @TempDir Path folder;
  private String before;

  @BeforeEach
  void ownCache() {
    before = System.getProperty(CACHE);
    System.setProperty(CACHE, folder.toString());
    try (Model m = Model.of(network(), options().withBackend(Backend.ONEDNN))) {
      assertFalse(m.inputs().isEmpty());
    } catch (IllegalStateException e) {
      assumeTrue(false, e.getMessage());
    }
  }

  @AfterEach
  void restoreCache() {
    if (before == null) {
      System.clearProperty(CACHE);
    } else {
      System.setProperty(CACHE, before);
    }
  }

  /** A block of SqueezeNet behind another: chains, branches, room around images, pooling, a dense layer. */
  private static Graph network() {
    NetworkBuilder b = new NetworkBuilder("auto", 5);
    String x = b.input("x", 1, 32, SIDE, SIDE);
    for (int i = 0; i < 2; i++) {
      String s = b.relu("squeeze-relu" + i, b.convolution("squeeze" + i, x, 16, 1, 1, 0));
      String one = b.relu("one-relu" + i, b.convolution("one" + i, s, 32, 1, 1, 0));
      String three = b.relu("three-relu" + i, b.convolution("three" + i, s, 32, 3, 1, 1));
      x = b.concat("concat" + i, one, three);
    }
    return b.build(b.dense("dense", b.flatten("flatten", b.maxPool("pool", x, 2, 2)), 10));
  }

  private static ModelOptions options() {
    return ModelOptions.defaults().withThreads(1);
  }

  private static float[] pixels() {
    float[] p = new float[32 * SIDE * SIDE];
    for (int i = 0; i < p.length; i++) {
      p[i] = (i * 7919 % 1000 - 500) / 250f;
    }
    return p;
  }

  private static Result run(ModelOptions options) throws InterruptedException {
    try (Model m = Model.of(network(), options)) {
      return m.run(pixels());
    }
  }

  private static String reason(Result r, String layer) {
    return r.profile().layers().stream()
        .filter(l -> l.name().equals(layer))
        .map(LayerProfile::reason)
        .map(AutoBackendTest::first)
        .findFirst()
        .orElseThrow();
  }

  /** The choice of the provider; what follows is that of the kernel. */
  private static String first(String reason) {
    return reason.split(";")[0];
  }

  private static void assertSame(Result expected, Result actual) {
    float[] e = expected.output().toFloats();
    float[] a = actual.output().toFloats();
    for (int i = 0; i < e.length; i++) {
      assertEquals(e[i], a[i], 1e-4 * (1 + Math.abs(e[i])), "output " + i);
    }
  }

  private List<Path> cached() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  @Test
  void measuresOnceAndSaysWhy() throws Exception {
    Result simd = run(options().withBackend(Backend.VECTOR));
    Result first = null;
    // A verdict is kept when the code was compiled by the time that measuring may take.
    for (int i = 0; i < 5 && cached().isEmpty(); i++) {
      first = run(options().withMeasure(true));
      assertSame(simd, first);
    }
    assumeTrue(!cached().isEmpty(), "the compiler was not done in time");
    String said = reason(first, "three0");
    assertTrue(said.contains("measured: vector "), said);
    assertTrue(said.contains(" onednn "), said);
    Path file = cached().getFirst();
    String kept = Files.readString(file);
    assertEquals(said, reason(run(options().withMeasure(true)), "three0"));
    assertEquals(said, reason(run(options()), "three0"), "known without measuring");
    assertEquals(kept, Files.readString(file));

    List<String> recorded = recordedReasons();
    assertTrue(recorded.contains(said), recorded.toString());

    // Whatever is in the file, it is read as nothing.
    String line = kept.lines().toList().get(1);
    for (String damaged :
        List.of(
            "",
            "another machine\n" + line,
            kept.substring(0, kept.length() - line.length() / 2),
            kept.replace("simd:", "9:"),
            kept.replaceAll("\\d+\t", "x\t"),
            kept.lines().findFirst().orElseThrow() + "\n\0\0\0")) {
      Files.writeString(file, damaged, StandardCharsets.ISO_8859_1);
      assertSame(simd, run(options()));
    }
  }

  private List<String> recordedReasons() throws Exception {
    Path file = Files.createTempFile("auto", ".jfr");
    try (Recording recording = new Recording()) {
      recording.enable("tacet.KernelChoice");
      recording.start();
      run(options());
      recording.stop();
      recording.dump(file);
      return RecordingFile.readAllEvents(file).stream()
          .filter(e -> e.getEventType().getName().equals("tacet.KernelChoice"))
          .map((RecordedEvent e) -> first(e.getString("reason")))
          .toList();
    } finally {
      Files.delete(file);
    }
  }

  @Test
  void estimatesWhereNothingWasMeasured() throws Exception {
    Result estimated = run(options());
    assertSame(run(options().withBackend(Backend.VECTOR)), estimated);
    String said = reason(estimated, "three0");
    assertTrue(said.startsWith("not measured, estimated for one thread: vector "), said);
    assertTrue(cached().isEmpty());
  }

  @Test
  void measuringKeepsToTheMemoryLimit() throws Exception {
    long room;
    try (Model m = Model.of(network(), options())) {
      m.run(pixels());
      room = m.memory().inUse();
    }
    // Enough for the plan, not for others beside it.
    Result limited = run(options().withMeasure(true).withMemoryLimit(room + room / 10));
    assertSame(run(options().withBackend(Backend.VECTOR)), limited);
    assertTrue(reason(limited, "three0").contains("not measured"), reason(limited, "three0"));
  }

  /** A folder that cannot be made is no reason not to measure, or to say anything. */
  @Test
  void measuresWithoutAFolder() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "");
    System.setProperty(CACHE, file.resolve("below").toString());
    Result measured = run(options().withMeasure(true));
    assertSame(run(options().withBackend(Backend.VECTOR)), measured);
  }
}
