package tacet.insight.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.Raster;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tacet.insight.image.Normalization.Channels;
import tacet.insight.image.Normalization.Layout;
import tacet.insight.image.Preparation.Input;
import tacet.insight.npy.NpyFile;

/**
 * The stored inputs of the reference networks, made again from their photos as their {@code
 * meta.json} says.
 */
class ReferenceInputTest {
  private static final Path DATA = Path.of(System.getProperty("tacet.data", "../shared/data"));

  /**
   * The stored arrays were divided in another order: one unit in the last place of values around 1.
   */
  private static final float LAST_PLACE = 1.2e-7f;

  private static final float[] ONE = {1f};

  @ParameterizedTest
  @ValueSource(strings = {"chelsea", "coffee"})
  void squeezenetExactly(String photo) throws IOException {
    Normalization caffe = new Normalization(Channels.BGR, 1f, new float[] {104, 117, 123}, ONE);
    Preparation p = pillow(new Geometry.Crop(227, 227, 256), caffe);
    String name = "squeezenet_v1.0_deepcompressed/onnx/input_" + photo + ".npy";
    assertStored(name, p.apply(photo(photo), Layout.NCHW), 0f);
    assertEquals(
        "shorter side 256 (pillow-bilinear), centre crop 227x227, "
            + "BGR, (x·1 − [104, 117, 123]) / [1, 1, 1]",
        p.describe());
  }

  @ParameterizedTest
  @ValueSource(strings = {"chelsea", "coffee"})
  void mobilenetInBothLayouts(String photo) throws IOException {
    String name = "mobilenet_v1_0.25_224/%s/input_" + photo + ".npy";
    Normalization n = new Normalization(Channels.RGB, 1 / 127.5f, ONE, ONE);
    Preparation p = pillow(new Geometry.Crop(224, 224, 256), n);
    assertStored(name.formatted("onnx"), p.apply(photo(photo), Layout.NCHW), LAST_PLACE);
    assertStored(name.formatted("keras"), p.apply(photo(photo), Layout.NHWC), LAST_PLACE);
    assertStored(
        name.formatted("onnx-keras-export"), p.apply(photo(photo), Layout.NHWC), LAST_PLACE);
  }

  /** No resize: the pixels of the PNG file themselves. */
  @Test
  void yunetExactly() throws IOException {
    Normalization bgr = new Normalization(Channels.BGR, 1f, new float[] {0f}, ONE);
    Picture cut = cut(photo("astronaut"), 96, 0, 256);
    assertStored(
        "yunet_n_dynamic/onnx/input_astronaut_256.npy",
        pillow(new Geometry.None(), bgr).apply(cut, Layout.NCHW),
        0f);
  }

  @Test
  void ultrafaceExactly() throws IOException {
    Normalization n = new Normalization(Channels.RGB, 1f, new float[] {127f}, new float[] {128f});
    assertStored(
        "ultraface_rfb_320/onnx/input_astronaut.npy",
        pillow(new Geometry.Stretch(320, 240), n).apply(photo("astronaut"), Layout.NCHW),
        0f);
  }

  /** Grey before the resize; the other way round the largest difference is one level in 255. */
  @Test
  void miniXceptionInGrey() throws IOException {
    float[] half = {0.5f};
    Normalization n = new Normalization(Channels.GREY, 1 / 255f, half, half);
    Picture face = cut(photo("astronaut"), 170, 60, 115);
    Input made = pillow(new Geometry.Stretch(64, 64), n).apply(face, Layout.NHWC);
    float[] stored = stored("mini_xception_fer/keras/input.npy");
    assertArrayEquals(Arrays.copyOf(stored, 64 * 64), made.values(), LAST_PLACE);
    assertArrayEquals(new long[] {1, 64, 64, 1}, made.shape());
  }

  /** A grey file's samples, not what they would be as linear light. */
  @Test
  void greyPhotoKeepsItsValues() throws IOException {
    Picture p = photo("camera");
    Raster stored = ImageIO.read(DATA.resolve("images/camera.png").toFile()).getRaster();
    for (int i = 0; i < 512 * 512; i++) {
      int sample = stored.getSample(i % 512, i / 512, 0);
      for (int c = 0; c < 3; c++) {
        assertEquals(sample, p.rgb()[3 * i + c] & 0xFF);
      }
    }
  }

  private static Preparation pillow(Geometry geometry, Normalization normalization) {
    return new Preparation(geometry, ResizeMethod.PILLOW_BILINEAR, normalization);
  }

  private static Picture cut(Picture p, int left, int top, int side) {
    Picture out = Picture.blank(side, side);
    for (int y = 0; y < side; y++) {
      System.arraycopy(
          p.rgb(), 3 * ((top + y) * p.width() + left), out.rgb(), 3 * side * y, 3 * side);
    }
    return out;
  }

  private static void assertStored(String name, Input made, float tolerance) throws IOException {
    Path file = DATA.resolve("models/" + name);
    try (Arena arena = Arena.ofConfined()) {
      assertArrayEquals(NpyFile.read(file, arena).shape(), made.shape(), name);
    }
    assertArrayEquals(stored(name), made.values(), tolerance, name);
  }

  private static Picture photo(String name) throws IOException {
    Path file = DATA.resolve("images/" + name + ".png");
    assumeTrue(Files.exists(file), "no reference data");
    return Picture.read(file);
  }

  private static float[] stored(String name) throws IOException {
    Path file = DATA.resolve("models/" + name);
    assumeTrue(Files.exists(file), "no reference data");
    try (Arena arena = Arena.ofConfined()) {
      return NpyFile.read(file, arena).toFloats();
    }
  }
}
