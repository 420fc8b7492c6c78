package tacet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
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

  private static void noise(Path file, long seed) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    BufferedImage i = new BufferedImage(20, 20, BufferedImage.TYPE_INT_RGB);
    for (int p = 0; p < 400; p++) {
      i.setRGB(p % 20, p / 20, random.nextInt());
    }
    ImageIO.write(i, "png", file.toFile());
  }
}
