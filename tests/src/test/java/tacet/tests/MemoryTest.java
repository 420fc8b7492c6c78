package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.JMException;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tacet.MemoryUse;
import tacet.Model;
import tacet.ModelOptions;
import tacet.NetworkBuilder;
import tacet.Session;
import tacet.error.MemoryLimitException;
import tacet.graph.Graph;

/** Native memory: what a model says it takes against what the VM counts, and what happens when there is no more. */
class MemoryTest {

  private static final double WITHIN = 0.05;

  @TempDir Path folder;

  private static Graph network() {
    NetworkBuilder b = new NetworkBuilder("memory", 5);
    String x = b.input("image", 1, 3, 160, 160);
    x = b.relu("relu1", b.convolution("conv1", x, 32, 3, 1, 1));
    x = b.relu("relu2", b.convolution("conv2", b.maxPool("pool1", x, 2, 2), 64, 3, 1, 1));
    x = b.maxPool("pool2", x, 2, 2);
    return b.build(b.dense("dense", b.flatten("flat", x), 32));
  }

  /** Run in VMs of their own by the tests below. */
  public static void main(String[] args) throws Exception {
    switch (args[0]) {
      case "account" -> account();
      case "exhaust" -> exhaust();
      default -> file(Path.of(args[0]));
    }
  }

  private static void account() throws Exception {
    Graph graph = network();
    long before = counted();
    try (Model model = Model.of(graph, ModelOptions.defaults())) {
      MemoryUse said = model.memory();
      close("packed weights", said.packedWeights(), counted() - before);
      try (Session session = model.session()) {
        session.run();
        session.run();
        close("one session", said.forSessions(1), counted() - before);
        try (Session other = model.session()) {
          other.run();
          close("two sessions", said.forSessions(2), counted() - before);
          close("in use", model.memory().inUse(), counted() - before);
        }
      }
    }
    long left = counted() - before;
    if (left > 100_000) {
      throw new AssertionError(left + " bytes are left of a closed model");
    }
  }

  /** Weights that a file does not hold as they are needed count as well. */
  private static void file(Path file) throws Exception {
    long before = counted();
    long copied;
    try (Model model = Model.load(file)) {
      MemoryUse said = model.memory();
      copied = said.copiedConstants();
      if (copied == 0) {
        throw new AssertionError("no constants are copied: a model to no purpose");
      }
      try (Session session = model.session()) {
        session.run();
        close("one session", said.forSessions(1), counted() - before);
        close("in use", model.memory().inUse(), counted() - before);
      }
    }
    // The limit is theirs, too.
    try (Model _ = Model.load(file, ModelOptions.defaults().withMemoryLimit(copied - 1))) {
      throw new AssertionError("more copied than allowed");
    } catch (MemoryLimitException e) {
      System.out.println(e.getMessage());
    }
    if (counted() - before > 100_000) {
      throw new AssertionError(counted() - before + " bytes are left of a closed model");
    }
  }

  private static void close(String what, long said, long counted) {
    System.out.println(what + ": " + said + " bytes said, " + counted + " counted by the VM");
    if (Math.abs(said - counted) > WITHIN * counted) {
      throw new AssertionError(what);
    }
  }

  /** Bytes that the VM has handed out as native memory. */
  private static long counted() throws JMException {
    String summary =
        (String)
            ManagementFactory.getPlatformMBeanServer()
                .invoke(
                    new ObjectName("com.sun.management:type=DiagnosticCommand"),
                    "vmNativeMemory",
                    new Object[] {new String[] {"summary", "scale=b"}},
                    new String[] {String[].class.getName()});
    Matcher m = Pattern.compile("Other \\(reserved=(\\d+)").matcher(summary);
    if (!m.find()) {
      throw new AssertionError(summary);
    }
    return Long.parseLong(m.group(1));
  }

  /** Runs with less and less heap left, on all threads, and after each that failed one with enough. */
  private static void exhaust() throws InterruptedException {
    float[] pixels = new float[3 * 160 * 160];
    Arrays.fill(pixels, 0.5f);
    try (Model model = Model.of(network(), ModelOptions.defaults().withThreads(2));
        Session session = model.session()) {
      session.input().copyFrom(pixels);
      float[] expected = model.run(pixels).output().toFloats();
      long inUse = model.memory().inUse();
      byte[][] ballast = new byte[200_000][];
      int failed = 0;
      for (int left = 0; left < 6; left++) {
        int pieces = fill(ballast);
        for (int i = 0; i < left && i < pieces; i++) {
          ballast[pieces - 1 - i] = null;
        }
        try {
          if (left % 2 == 0) {
            session.run();
          } else {
            model.run(pixels);
          }
        } catch (OutOfMemoryError e) {
          failed++;
        }
        Arrays.fill(ballast, null);
        session.run();
        require(expected, session.output().toFloats());
        require(expected, model.run(pixels).output().toFloats());
      }
      if (failed == 0) {
        throw new AssertionError("no run ran out of memory");
      }
      if (model.memory().inUse() != inUse) {
        throw new AssertionError(model.memory().inUse() + " instead of " + inUse + " bytes in use");
      }
      System.out.println(failed + " runs failed, " + inUse + " bytes in use before and after");
    }
  }

  /** All of the heap, the last of it in pieces of a kilobyte; returns how many there are. */
  private static int fill(byte[][] pieces) {
    int count = 0;
    for (int size = 1 << 20; size >= 1 << 10; size /= 4) {
      try {
        while (true) {
          pieces[count] = new byte[size];
          count++;
        }
      } catch (OutOfMemoryError e) {
        // So that it is full to this size.
      }
    }
    return count;
  }

  private static void require(float[] expected, float[] got) {
    if (!Arrays.equals(expected, got)) {
      throw new AssertionError("results differ");
    }
  }

  @Test
  void whatAModelSaysIsWhatTheVmCounts() throws IOException, InterruptedException {
    java("-XX:NativeMemoryTracking=summary", "account");
  }

  @Test
  void whatALoadedModelSays() throws IOException, InterruptedException {
    java(
        "-XX:NativeMemoryTracking=summary",
        Data.of("models/mnist_cntk/onnx/model.onnx").toString());
  }

  @Test
  void aModelSurvivesTheEndOfMemory() throws IOException, InterruptedException {
    java("-Xmx160m", "exhaust");
  }

  private void java(String option, String argument) throws IOException, InterruptedException {
    Path out = folder.resolve("out");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--add-modules", "jdk.incubator.vector", option));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(MemoryTest.class.getName(), argument));
    File log = out.toFile();
    int code =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log).start().waitFor();
    String printed = Files.readString(out);
    System.out.print(printed);
    assertEquals(0, code, printed);
    assertTrue(printed.contains("bytes"), printed);
  }
}
