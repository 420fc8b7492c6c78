package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Kernels on operands that end at unmapped memory, in a VM of their own. {@code -Dtacet.guarded=N} sets how many. */
@EnabledOnOs(OS.LINUX)
class GuardPagesTest {

  @TempDir Path folder;

  @Test
  void kernelsStayWithinTheirOperands() throws IOException, InterruptedException {
    Path out = folder.resolve("out");
    int code = run(out, Integer.toString(Integer.getInteger("tacet.guarded", 600)));
    List<String> lines = Files.readAllLines(out);
    assertEquals(0, code, () -> "the VM ended in: " + lastCase(lines));
    assertTrue(lines.stream().anyMatch(l -> l.equals("vector done")), "the vector kernels ran");
    for (String kernel : List.of("sparse-conv", "sparse-gemm", "sparse-dense", "sparse-weights")) {
      assertTrue(lines.stream().anyMatch(l -> l.contains(" vector " + kernel)), kernel);
    }
  }

  /** Else the other test would prove nothing. */
  @Test
  void readingBeyondEndsTheVm() throws IOException, InterruptedException {
    Path out = folder.resolve("out");
    assertNotEquals(0, run(out, "1", "beyond"));
    assertTrue(Files.readAllLines(out).contains("beyond"));
  }

  private static String lastCase(List<String> lines) {
    return lines.reversed().stream()
        .filter(l -> l.matches("\\d+ .*"))
        .findFirst()
        .orElse(String.join("\n", lines));
  }

  private int run(Path out, String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "--add-modules",
            "jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-XX:-CreateCoredumpOnCrash",
            "-XX:ErrorFile=" + folder.resolve("hs_err.log"),
            "-Xmx512m",
            "-cp",
            System.getProperty("java.class.path"),
            "tacet.tests.GuardPages"));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(out.toFile())
        .start()
        .waitFor();
  }
}
