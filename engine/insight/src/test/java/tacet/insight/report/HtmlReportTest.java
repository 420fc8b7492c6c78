package tacet.insight.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tacet.Model;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.insight.Finding;
import tacet.insight.Presets;
import tacet.insight.cause.Trace;
import tacet.insight.image.Picture;
import tacet.profile.SparsityProfile;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

class HtmlReportTest {

  private static final ModelOptions OPTIONS = ModelOptions.defaults().withThreads(1);

  /** Clicks every layer, then a feature map, the theme and the first finding; says what went wrong. */
  private static final String CLICKS =
      """
      <script>
      const failures = [];
      window.addEventListener("error", (e) => failures.push(e.message));
      console.error = (...e) => failures.push(e.join(" "));
      window.addEventListener("unhandledrejection", (e) => failures.push(String(e.reason)));
      window.addEventListener("load", async () => {
        const names = [];
        for (const b of document.querySelectorAll(".layer")) {
          b.click();
          await new Promise((done) => setTimeout(done, 10));
          names.push(document.querySelector("#detail h3").textContent);
        }
        const layers = document.querySelectorAll(".layer");
        layers[0].focus();
        const keyed = [];
        for (const key of ["ArrowDown", "ArrowDown", "ArrowUp", "End", "Home"]) {
          document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
          keyed.push([...layers].indexOf(document.activeElement));
        }
        document.body.dataset.keyed = keyed.join(" ");
        document.body.dataset.stops = [...layers].filter((l) => l.tabIndex === 0).length;
        layers[0].click();
        for (let i = 0; i < 200 && document.querySelectorAll(".map").length < 2; i++) {
          await new Promise((done) => setTimeout(done, 50));
        }
        document.querySelectorAll(".map")[1].click();
        document.getElementById("theme").click();
        document.querySelector("#findings button").click();
        document.body.dataset.landed = document.activeElement.querySelector(".name").textContent;
        document.querySelectorAll(".tabs button")[1].click();
        document.body.dataset.stays = document.activeElement.textContent;
        document.body.dataset.clicked = names.join(" ");
        document.body.dataset.failures = failures.length + failures.join("; ");
      });
      </script>
      """;

  @TempDir private Path folder;

  private Path report() throws IOException, InterruptedException {
    Graph graph = Presets.conv(1);
    Shape shape = Shape.of(1, 3, Presets.SIZE, Presets.SIZE);
    Tensor input = Presets.noise(shape, 2);
    SparsityProfile profile;
    try (Model model = Model.of(graph, OPTIONS)) {
      profile = model.run(input).profile();
    }
    byte[] rgb = new byte[3 * Presets.SIZE * Presets.SIZE];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (i / 3 % Presets.SIZE);
    }
    Picture picture = new Picture(Presets.SIZE, Presets.SIZE, rgb);
    Finding finding =
        new Finding(
            "relu", "conv1", 1.0, "</script> & \"quotes\" stay text", true, java.util.Map.of());
    Path file = folder.resolve("report.html");
    new HtmlReport(
            "preset",
            1,
            0.01,
            profile,
            List.of(finding),
            List.of(
                new HtmlReport.Input("ramp.png", picture, Trace.of(graph, OPTIONS, input)),
                new HtmlReport.Input("again.png", picture, Trace.of(graph, OPTIONS, input))),
            null,
            null)
        .write(file);
    return file;
  }

  @Test
  void isOneSmallFileThatAsksForNothing() throws IOException, InterruptedException {
    String page = Files.readString(report());
    assertTrue(page.length() < 5_000_000, page.length() + " bytes");
    assertFalse(page.contains("src=\"http") || page.contains("href=\"http"));
    assertFalse(page.contains("</script> & "));
  }

  @Test
  void everyLayerOpensInChromium() throws IOException, InterruptedException {
    Path chromium =
        Stream.of("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
            .map(Path::of)
            .filter(Files::isExecutable)
            .findFirst()
            .orElse(null);
    assumeTrue(chromium != null, "needs Chromium");
    Path page = folder.resolve("clicks.html");
    Files.writeString(page, Files.readString(report()).replace("</head>", CLICKS + "</head>"));
    Path out = folder.resolve("dom.html");
    Process process =
        new ProcessBuilder(
                chromium.toString(),
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--user-data-dir=" + folder.resolve("profile"),
                "--virtual-time-budget=20000",
                "--dump-dom",
                page.toUri().toString())
            .redirectOutput(out.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    boolean ended = process.waitFor(120, TimeUnit.SECONDS);
    process.destroyForcibly();
    assumeTrue(ended, "Chromium did not answer within two minutes");
    String dom = Files.readString(out, StandardCharsets.UTF_8);
    assertEquals("0", attribute(dom, "failures"));
    assertEquals("conv1 pool1 conv2 pool2 flatten dense", attribute(dom, "clicked"));
    assertEquals("1 2 1 5 0", attribute(dom, "keyed"));
    assertEquals("1", attribute(dom, "stops"));
    assertEquals("conv1", attribute(dom, "landed"));
    assertEquals("again.png", attribute(dom, "stays"));
    assertTrue(dom.contains("data-theme="));
  }

  private static String attribute(String dom, String name) {
    Matcher m = Pattern.compile("data-" + name + "=\"([^\"]*)\"").matcher(dom);
    return m.find() ? m.group(1) : "the page's script did not run";
  }
}
