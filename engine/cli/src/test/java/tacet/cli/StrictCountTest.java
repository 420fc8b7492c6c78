package tacet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A picture that is black on one side, to a network without biases. Winograd's algorithm leaves ±1e-8 of sums of zeros that have
 * other values beside them; what is counted are the zeros, and findings are about as many.
 */
class StrictCountTest {

  private static final int SIDE = 36;

  /** Columns, of which tiles have some beside others that are not black. */
  private static final int BLACK = 21;

  @TempDir private Path folder;

  @Test
  void sumsOfZerosAreCounted() throws IOException {
    Path model = Files.write(folder.resolve("biasless.onnx"), TinyOnnx.withoutBias(SIDE));
    Path picture = folder.resolve("half.png");
    BufferedImage half = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_RGB);
    SplittableRandom random = new SplittableRandom(4);
    for (int y = 0; y < SIDE; y++) {
      for (int x = BLACK; x < SIDE; x++) {
        half.setRGB(x, y, 0x404040 + random.nextInt(0x808080));
      }
    }
    ImageIO.write(half, "png", picture.toFile());
    Path json = folder.resolve("half.json");
    assertEquals(
        0,
        Main.run("inspect", "" + model, "" + picture, "--backend", "vector", "--json", "" + json));
    try (JsonParser in = new JsonFactory().createParser(Files.readString(json))) {
      in.nextToken();
      Map<?, ?> content = (Map<?, ?>) SurveyJson.value(in);
      assertEquals(true, content.get("strict"));
      for (Object layer : (List<?>) content.get("layers")) {
        Map<?, ?> l = (Map<?, ?>) layer;
        assertEquals(l.get("strictZeros"), l.get("zeros"), () -> "" + l.get("name"));
      }
    }
  }
}
