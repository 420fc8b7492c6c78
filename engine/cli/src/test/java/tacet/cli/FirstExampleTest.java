package tacet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The built-in encoder of two convolutions with max pooling: that pooling takes zeros away is said wherever it is looked for. */
class FirstExampleTest {

  @TempDir private Path folder;

  @Test
  void poolingLowersTheZeroShare() throws IOException {
    Path json = folder.resolve("example.json");
    Path report = folder.resolve("example.html");
    PrintStream out = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      assertEquals(0, Main.run("inspect", "--json", "" + json, "--report", "" + report));
    } finally {
      System.setOut(out);
    }
    String text = printed.toString(StandardCharsets.UTF_8);
    String page = Files.readString(report);
    List<Map<?, ?>> findings = findings(json);
    List<Map<?, ?>> pooling =
        findings.stream()
            .filter(f -> f.get("cause").equals("pooling"))
            .<Map<?, ?>>map(f -> f)
            .toList();
    assertEquals(2, pooling.size());
    for (Map<?, ?> f : pooling) {
      assertEquals(false, f.get("holds"));
      Map<?, ?> evidence = (Map<?, ?>) f.get("evidence");
      double before = (Double) evidence.get("zeroFractionBefore");
      double after = (Double) evidence.get("zeroFractionAfter");
      assertTrue(after < before, f.toString());
      assertTrue(
          before > 0.3 && after > (Double) evidence.get("expectedIfIndependent"), f.toString());
      String statement = (String) f.get("statement");
      assertTrue(statement.contains("Max pooling lowers the share of zeros"), statement);
      assertTrue(text.contains(statement), text);
      assertTrue(page.contains("Max pooling lowers the share of zeros"));
    }
    assertFalse(
        findings.stream()
            .anyMatch(
                f -> f.get("cause").equals("pooling") && Boolean.TRUE.equals(f.get("holds"))));
  }

  private static List<Map<?, ?>> findings(Path json) throws IOException {
    try (JsonParser in = new JsonFactory().createParser(Files.readString(json))) {
      in.nextToken();
      return ((List<?>) ((Map<?, ?>) SurveyJson.value(in)).get("findings"))
          .stream().<Map<?, ?>>map(f -> (Map<?, ?>) f).toList();
    }
  }
}
