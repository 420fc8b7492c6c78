package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The command that checks stored cases, as a user runs it. */
class VerifyTest {

  private record Run(int code, List<String> out, String err) {}

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"onnx-node", "random-ops", "random-graphs", "models", "seed"})
  void storedCases(String set) throws IOException, InterruptedException {
    Run run = verify(Data.of(set).toString());
    String bad = String.join("\n", run.out.stream().filter(l -> !l.startsWith("ok ")).toList());
    assertEquals(0, run.code, bad + run.err);
    assertTrue(run.out.getLast().endsWith(" passed, 0 failed, 0 unsupported"), bad);
  }

  /** A model that cannot be read fails its case; the closing line and the JSON count it. */
  @Test
  void damagedCase() throws IOException, InterruptedException {
    Path one = Files.createDirectories(folder.resolve("cases/one"));
    Files.write(one.resolve("model.onnx"), new byte[] {1, 2, 3});
    Path json = folder.resolve("outcomes.json");
    Run run = verify(folder.resolve("cases").toString(), "--json", json.toString());
    assertEquals(1, run.code, run.err);
    assertTrue(run.out.getFirst().startsWith("FAIL one NaN NaN "), run.out.getFirst());
    assertEquals("0 passed, 1 failed, 0 unsupported", run.out.getLast());
    assertTrue(Files.readString(json).contains("\"failed\" : 1"), Files.readString(json));
  }

  /** Nothing to check is a mistake of the caller's: one line, and the code for usage. */
  @Test
  void noCase() throws IOException, InterruptedException {
    for (Path none : List.of(folder, folder.resolve("absent"))) {
      Run run = verify(none.toString());
      assertEquals(2, run.code, run.err);
      assertEquals(1, run.err.lines().filter(l -> l.startsWith("tacet: ")).count(), run.err);
    }
  }

  private Run verify(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--add-modules", "jdk.incubator.vector", "-cp"));
    command.add(
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    command.addAll(List.of("tacet.cli.Main", "verify"));
    command.addAll(List.of(arguments));
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    Process p =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    return new Run(p.waitFor(), Files.readAllLines(out), Files.readString(err));
  }
}
