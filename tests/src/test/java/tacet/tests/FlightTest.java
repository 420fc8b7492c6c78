package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import jdk.jfr.Configuration;
import jdk.jfr.EventType;
import jdk.jfr.Recording;
import jdk.jfr.ValueDescriptor;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tacet.Model;
import tacet.ModelOptions;
import tacet.NetworkBuilder;
import tacet.Result;
import tacet.Session;
import tacet.graph.Graph;
import tacet.profile.LayerProfile;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** What flight recordings hold. */
class FlightTest {

  private static final Set<String> EVENTS =
      Set.of(
          "tacet.ModelLoad",
          "tacet.KernelChoice",
          "tacet.Inference",
          "tacet.Layer",
          "tacet.LayerSummary",
          "tacet.TensorMemory",
          "tacet.DeadChannels",
          "tacet.Warning");

  private static final Set<String> OF_THE_JDK =
      Set.of("startTime", "duration", "eventThread", "stackTrace");

  @TempDir Path folder;

  /** Two convolutions, the second with two channels that are zero whatever the input. */
  private static Graph network(String name) {
    NetworkBuilder b = new NetworkBuilder(name, 3);
    String x = b.relu("relu1", b.convolution("conv1", b.input("x", 1, 3, 16, 16), 16, 3, 1, 1));
    float[] weights = new float[4 * 16];
    float[] bias = {0.5f, -1, 0.25f, -2};
    for (int i = 0; i < 16; i++) {
      weights[i] = 0.1f;
      weights[32 + i] = 0.2f;
    }
    Tensor bias4 = Tensor.of(Shape.of(4), bias);
    tacet.graph.Op.Window one =
        new tacet.graph.Op.Window(
            List.of(1, 1),
            List.of(1, 1),
            List.of(0, 0),
            List.of(0, 0),
            List.of(1, 1),
            tacet.graph.Op.AutoPad.EXPLICIT);
    String y = b.convolution("conv2", x, one, 1, Tensor.of(Shape.of(4, 16, 1, 1), weights), bias4);
    return b.build(b.relu("relu2", y));
  }

  private static Configuration settings() throws Exception {
    try (Reader in =
        new InputStreamReader(
            Model.class.getResourceAsStream("/META-INF/jfr/tacet.jfc"), StandardCharsets.UTF_8)) {
      return Configuration.create(in);
    }
  }

  @Test
  void layersTotalsAndMemory() throws Exception {
    int runs = 7;
    Path file = folder.resolve("r.jfr");
    Result result = null;
    String name = "flight test";
    try (Recording recording = new Recording(settings())) {
      recording.start();
      try (Model model = Model.of(network(name), ModelOptions.defaults().withThreads(2));
          Session session = model.session()) {
        float[] pixels = new float[3 * 16 * 16];
        for (int i = 0; i < pixels.length; i++) {
          pixels[i] = i % 7 - 3;
        }
        session.input().copyFrom(pixels);
        for (int i = 0; i < runs - 1; i++) {
          session.run();
        }
        result = model.run(pixels);
      }
      recording.stop();
      recording.dump(file);
    }
    Map<String, List<RecordedEvent>> events =
        RecordingFile.readAllEvents(file).stream()
            .filter(e -> EVENTS.contains(e.getEventType().getName()))
            .filter(e -> e.hasField("model") && name.equals(e.getString("model")))
            .collect(Collectors.groupingBy(e -> e.getEventType().getName()));
    List<RecordedEvent> inferences = events.get("tacet.Inference");
    assertEquals(runs, inferences.size());
    assertTrue(inferences.stream().allMatch(e -> e.getBoolean("completed")));
    assertFalse(events.get("tacet.KernelChoice").isEmpty());
    assertFalse(events.get("tacet.TensorMemory").isEmpty());
    for (LayerProfile layer : result.profile().layers()) {
      List<RecordedEvent> single = of(events.get("tacet.Layer"), layer.name());
      assertEquals(runs, single.size(), layer.name());
      RecordedEvent summary = of(events.get("tacet.LayerSummary"), layer.name()).getLast();
      assertEquals(runs, summary.getLong("runs"));
      assertEquals(runs * layer.multiplyAdds(), summary.getLong("multiplyAdds"));
      for (RecordedEvent e : single) {
        assertEquals(layer.outputShape().toString(), e.getString("outputShape"));
        assertEquals(layer.op(), e.getString("op"));
        if (layer.counts() != null) {
          assertEquals(layer.counts().zeros(), e.getLong("zeros"));
          assertEquals(layer.counts().nearZeros(), e.getLong("nearZeros"));
          assertEquals(layer.counts().elements(), e.getLong("elements"));
        }
      }
      if (layer.counts() != null) {
        assertEquals(runs * layer.counts().zeros(), summary.getLong("zeros"));
      }
    }
    RecordedEvent dead = of(events.get("tacet.DeadChannels"), "relu2").getLast();
    assertEquals(2, dead.getInt("dead"));
    assertEquals("1, 3", dead.getString("first"));
  }

  private static List<RecordedEvent> of(List<RecordedEvent> events, String layer) {
    assertNotNull(events);
    return events.stream().filter(e -> e.getString("layer").equals(layer)).toList();
  }

  /** Every event has a name, a label, a description and a category for people, and the document lists every field. */
  @Test
  void eventsAreDescribedAndDocumented() throws Exception {
    String document = Files.readString(Data.root().resolve("engine/core/EVENTS.md"));
    try (Recording recording = new Recording(settings())) {
      recording.start();
      try (Model model = Model.of(network("documented"), ModelOptions.defaults())) {
        model.run(new float[3 * 16 * 16]);
      }
    }
    Set<String> found = new HashSet<>();
    for (EventType type : jdk.jfr.FlightRecorder.getFlightRecorder().getEventTypes()) {
      if (!EVENTS.contains(type.getName())) {
        continue;
      }
      found.add(type.getName());
      assertNotNull(type.getLabel(), type.getName());
      assertNotNull(type.getDescription(), type.getName());
      assertEquals(List.of("Tacet"), type.getCategoryNames());
      for (ValueDescriptor field : type.getFields()) {
        assertNotNull(field.getLabel(), type.getName() + "." + field.getName());
        if (!OF_THE_JDK.contains(field.getName())) {
          assertTrue(
              document.contains("`" + field.getName() + "`"),
              type.getName() + "." + field.getName() + " is not in EVENTS.md");
        }
      }
    }
    Set<String> seldom = Set.of("tacet.ModelLoad", "tacet.Warning");
    for (String event : EVENTS) {
      assertTrue(document.contains("`" + event + "`"), event);
      assertTrue(found.contains(event) || seldom.contains(event), event);
    }
  }

  /** Run by {@link #nothingIsLoadedWithoutARecording} in a VM of its own. */
  public static void main(String[] args) throws InterruptedException {
    try (Model model = Model.of(network("plain"), ModelOptions.defaults())) {
      model.run(new float[3 * 16 * 16]);
    }
  }

  @Test
  void nothingIsLoadedWithoutARecording() throws IOException, InterruptedException {
    Path out = folder.resolve("classes");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "--add-modules",
            "jdk.incubator.vector",
            "-Xlog:class+load:file=" + out,
            "-cp",
            System.getProperty("java.class.path"),
            "tacet.tests.FlightTest"));
    assertEquals(0, new ProcessBuilder(command).inheritIO().start().waitFor());
    List<String> loaded =
        Files.readAllLines(out).stream()
            .filter(l -> l.contains(" tacet.jfr.") || l.contains("jdk.jfr.Event "))
            .filter(l -> !l.matches(".* tacet\\.jfr\\.Flight[ $].*") && !l.contains("$Memory "))
            .toList();
    assertEquals(List.of(), loaded);
  }
}
