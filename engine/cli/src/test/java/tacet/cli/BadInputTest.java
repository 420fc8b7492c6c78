package tacet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What cannot work is said in one line, with exit code 2, and before any work is done. */
class BadInputTest {

  private static final int MEGAPIXELS_SIDE = 10_000;

  private record Outcome(int code, String out, String err) {}

  @TempDir private Path folder;
  private Path model;
  private Path image;

  @BeforeEach
  void files() throws IOException {
    model = write("tiny.onnx", TinyOnnx.model(16));
    image = image("small.png", "png", 40, BufferedImage.TYPE_INT_RGB);
  }

  private Path write(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  private Path image(String name, String format, int side, int type) throws IOException {
    Path file = folder.resolve(name);
    BufferedImage i = new BufferedImage(side, side, type);
    for (int p = 0; p < side; p++) {
      i.setRGB(p, p, 0xffa040);
    }
    assertTrue(ImageIO.write(i, format, file.toFile()));
    return file;
  }

  private static Outcome run(Object... args) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream o = new ByteArrayOutputStream();
    ByteArrayOutputStream e = new ByteArrayOutputStream();
    try {
      System.setOut(new PrintStream(o, true, StandardCharsets.UTF_8));
      System.setErr(new PrintStream(e, true, StandardCharsets.UTF_8));
      int code = Main.run(Arrays.stream(args).map(Object::toString).toArray(String[]::new));
      return new Outcome(
          code, o.toString(StandardCharsets.UTF_8), e.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
  }

  /** Refused in one line that says {@code why}, with nothing run before. */
  private static void assertRefused(String why, Object... args) {
    Outcome o = run(args);
    assertEquals(2, o.code, o::err);
    assertEquals(1, o.err.lines().count(), o::err);
    assertTrue(o.err.startsWith("tacet: "), o::err);
    assertTrue(o.err.contains(why), o::err);
    assertFalse(o.out.contains("ms in all layers"), o::out);
  }

  @Test
  void works() {
    Outcome o = run("inspect", model, image);
    assertEquals(0, o.code, o::err);
    assertTrue(o.out.contains("Sparsity: "), o::out);
    assertEquals("", o.err);
  }

  @Test
  void missingFiles() throws IOException {
    Path none = folder.resolve("none");
    assertRefused("none: no such file", "inspect", none);
    assertRefused("none: no such file", "inspect", model, none);
    assertRefused("none: no such file", "inspect", model, image, "--labels", none);
    assertRefused("none: no such file", "inspect", model, image, "--against", none);
    assertRefused("none: no such file", "run", none, "--input", image, "--output", folder);
    assertRefused("none", "survey", model, none);
    assertRefused("none: no such file", "survey", "--merge", none);
    assertRefused("none", "verify", none);
    assertRefused("holds no files", "survey", model, Files.createDirectory(folder.resolve("void")));
  }

  @Test
  void noModel() throws IOException {
    byte[] whole = TinyOnnx.model(16);
    assertRefused("is a folder", "inspect", folder, image);
    assertRefused("empty.onnx", "inspect", write("empty.onnx", new byte[0]), image);
    assertRefused("text.onnx", "inspect", write("text.onnx", "Not a model.\n".getBytes()), image);
    for (int length : new int[] {1, 7, whole.length / 3, whole.length / 2, whole.length - 1}) {
      Path cut = write("cut.onnx", Arrays.copyOf(whole, length));
      assertRefused("cut.onnx", "inspect", cut, image);
    }
  }

  @Test
  void noImage() throws IOException {
    assertRefused("text.png", "inspect", model, write("text.png", "no image".getBytes()));
    assertRefused("empty.jpg", "inspect", model, write("empty.jpg", new byte[0]));
    byte[] png = Files.readAllBytes(image);
    assertRefused(
        "half.png", "inspect", model, write("half.png", Arrays.copyOf(png, png.length / 2)));
    assertRefused("a folder, not an image", "inspect", model, folder);
  }

  @Test
  void imageTooSmall() throws IOException {
    Path free = write("free.onnx", TinyOnnx.model(0));
    Path dot = image("dot.png", "png", 1, BufferedImage.TYPE_INT_RGB);
    assertRefused("pre", "inspect", free, dot);
    assertEquals(0, run("inspect", model, dot).code);
  }

  @Test
  void options() {
    assertRefused("Unknown option", "inspect", "--nonsense");
    assertRefused("Unknown option", "inspect", model, image, "--size=16", "--colour");
    assertRefused("nonsense", "nonsense");
    assertRefused("--threads", "inspect", model, image, "--threads", "many");
    assertRefused("threads", "inspect", model, image, "--threads", "0");
    assertRefused("--backend", "inspect", model, image, "--backend", "gpu");
    assertRefused("--preset", "inspect", "--preset", "resnet");
    assertRefused("--scale", "inspect", model, image, "--scale", "1/x");
    assertRefused("--mean", "inspect", model, image, "--mean", "a,b,c");
    assertRefused("mean", "inspect", model, image, "--mean", "1,2");
    assertRefused("Missing required option", "run", model);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a", "64,", "64,,128", "0", "-5", "64.5", "64;128", "99999999999"})
  void sizes(String sizes) {
    assertRefused("--sizes", "inspect", model, image, "--sizes=" + sizes);
  }

  @Test
  void sizesOfANetworkThatTakesOne() {
    assertRefused("--sizes 32", "inspect", model, image, "--sizes", "16,32");
    assertEquals(0, run("inspect", model, image, "--sizes", "16").code);
  }

  @ParameterizedTest
  @ValueSource(strings = {"--json", "--report", "--maps"})
  void nowhereToWrite(String option) {
    assertRefused("small.png", "inspect", model, image, option, image.resolve("below"));
  }

  @Test
  void nowhereToWriteEither() {
    assertRefused("no folder", "inspect", model, image, "--json", folder.resolve("a/b.json"));
    assertRefused("no folder", "inspect", model, image, "--report", folder.resolve("a/b.html"));
    assertRefused("is a folder", "inspect", model, image, "--json", folder);
    assertRefused("is a file", "inspect", model, image, "--maps", image);
    assertRefused("is a file", "run", model, "--input", image, "--output", image);
    assertRefused("no folder", "survey", model, folder, "--json", folder.resolve("a/b.json"));
    assertRefused(
        "no folder", "profile", model, "--runs", 1, "--record", folder.resolve("a/b.jfr"));
  }

  @Test
  void hugeImagesWork() throws IOException {
    for (String format : new String[] {"jpg", "png"}) {
      Path huge = image("huge." + format, format, MEGAPIXELS_SIDE, BufferedImage.TYPE_BYTE_GRAY);
      Outcome o = run("inspect", model, huge);
      assertEquals(0, o.code, o::err);
      Files.delete(huge);
    }
  }
}
