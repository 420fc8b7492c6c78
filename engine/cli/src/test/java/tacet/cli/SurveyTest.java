package tacet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Surveys as the command line makes them. */
class SurveyTest {

  @TempDir private Path folder;

  @Test
  void mergedPartsEqualTheWhole() throws IOException {
    Path model = Files.write(folder.resolve("tiny.onnx"), TinyOnnx.model(16));
    List<Path> parts = new ArrayList<>();
    for (int part = 0; part < 3; part++) {
      Path images = Files.createDirectories(folder.resolve("images/" + part));
      for (int i = 0; i < 4 + part; i++) {
        noise(images.resolve(i + ".png"), 10L * part + i);
      }
      Files.writeString(images.resolve("broken.png"), "no image");
      Path json = folder.resolve(part + ".json");
      assertEquals(0, Main.run("survey", model.toString(), images.toString(), "--json", "" + json));
      parts.add(json);
    }
    Path whole = folder.resolve("whole.json");
    Path all = folder.resolve("images");
    assertEquals(0, Main.run("survey", model.toString(), all.toString(), "--json", "" + whole));
    Path merged = folder.resolve("merged.json");
    List<String> args = new ArrayList<>(List.of("survey", "--json", "" + merged, "--merge"));
    parts.forEach(p -> args.add("" + p));
    assertEquals(0, Main.run(args.toArray(String[]::new)));
    assertEquals(Files.readString(whole), Files.readString(merged));
    String text = Files.readString(whole);
    assertTrue(text.contains("\"images\" : 15"), text);
    assertEquals(3, text.lines().filter(l -> l.contains("\"file\"")).count());
  }

  @Test
  void manyBrokenFilesAreGroupedByWhatIsWrong() throws IOException {
    Path model = Files.write(folder.resolve("tiny.onnx"), TinyOnnx.model(16));
    Path images = Files.createDirectories(folder.resolve("images"));
    noise(images.resolve("good.png"), 1);
    for (int i = 0; i < 20; i++) {
      Files.writeString(images.resolve(i + ".png"), "no image");
    }
    byte[] good = Files.readAllBytes(images.resolve("good.png"));
    Files.write(images.resolve("cut.png"), Arrays.copyOf(good, 300));
    PrintStream out = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try {
      assertEquals(0, Main.run("survey", model.toString(), images.toString()));
    } finally {
      System.setOut(out);
    }
    String text = printed.toString(StandardCharsets.UTF_8);
    assertTrue(text.contains("21 files could not be used:"), text);
    assertTrue(text.contains("  20 as " + images.resolve("0.png") + ": not an image"), text);
    assertTrue(text.contains("  1 as " + images.resolve("cut.png") + ": "), text);
    assertTrue(text.contains("--json FILE lists all"), text);
  }

  /** Ended while the network is still read or planned, before there is any image to count. */
  @Test
  void endedBeforeTheFirstImage() throws IOException, InterruptedException {
    Path model = Files.write(folder.resolve("tiny.onnx"), TinyOnnx.model(16));
    Path images = Files.createDirectories(folder.resolve("images"));
    for (int i = 0; i < 200; i++) {
      noise(images.resolve(i + ".png"), i);
    }
    Path json = folder.resolve("part.json");
    Path loaded = folder.resolve("loaded");
    Process p =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xlog:class+load:file=" + loaded,
                "--add-modules",
                "jdk.incubator.vector",
                "-Dtacet.cache=" + folder.resolve("cache"),
                "-cp",
                System.getProperty("java.class.path"),
                "tacet.cli.Main",
                "survey",
                model.toString(),
                images.toString(),
                "--json",
                json.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("out").toFile())
            .start();
    try {
      while (p.isAlive()
          && !(Files.exists(loaded)
              && Files.readString(loaded).contains("tacet.onnx.OnnxReader"))) {
        Thread.sleep(1);
      }
      p.destroy();
      assertTrue(p.waitFor(60, TimeUnit.SECONDS));
    } finally {
      p.destroyForcibly();
    }
    assertTrue(Files.readString(json).contains("\"complete\" : false"), Files.readString(json));
    Path merged = folder.resolve("merged.json");
    assertEquals(0, Main.run("survey", "--json", "" + merged, "--merge", "" + json));
  }

  private static void noise(Path file, long seed) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    BufferedImage i = new BufferedImage(20, 20, BufferedImage.TYPE_INT_RGB);
    for (int p = 0; p < 400; p++) {
      i.setRGB(p % 20, p / 20, random.nextInt());
    }
    ImageIO.write(i, "png", file.toFile());
  }
}
