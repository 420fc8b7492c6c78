package tacet.insight.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.Raster;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
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
    float[] expected = stored("squeezenet_v1.0_deepcompressed/onnx/input_" + photo + ".npy");
    Picture p = new Geometry.Crop(227, 227, 256).apply(photo(photo), ResizeMethod.PILLOW_BILINEAR);
    Normalization caffe =
        new Normalization(Normalization.Channels.BGR, 1f, new float[] {104, 117, 123}, ONE);
    assertArrayEquals(expected, caffe.apply(p, Normalization.Layout.NCHW));
  }

  @ParameterizedTest
  @ValueSource(strings = {"chelsea", "coffee"})
  void mobilenetInBothLayouts(String photo) throws IOException {
    String name = "mobilenet_v1_0.25_224/%s/input_" + photo + ".npy";
    Picture p = new Geometry.Crop(224, 224, 256).apply(photo(photo), ResizeMethod.PILLOW_BILINEAR);
    Normalization n = new Normalization(Normalization.Channels.RGB, 1 / 127.5f, ONE, ONE);
    float[] channelsFirst = n.apply(p, Normalization.Layout.NCHW);
    float[] channelsLast = n.apply(p, Normalization.Layout.NHWC);
    assertArrayEquals(stored(name.formatted("onnx")), channelsFirst, LAST_PLACE);
    assertArrayEquals(stored(name.formatted("keras")), channelsLast, LAST_PLACE);
    assertArrayEquals(stored(name.formatted("onnx-keras-export")), channelsLast, LAST_PLACE);
  }

  /** No resize: the pixels of the PNG file themselves. */
  @Test
  void yunetExactly() throws IOException {
    float[] expected = stored("yunet_n_dynamic/onnx/input_astronaut_256.npy");
    Picture p = photo("astronaut");
    Picture cut = Picture.blank(256, 256);
    for (int y = 0; y < 256; y++) {
      System.arraycopy(p.rgb(), 3 * (y * 512 + 96), cut.rgb(), 3 * 256 * y, 3 * 256);
    }
    Normalization bgr = new Normalization(Normalization.Channels.BGR, 1f, new float[] {0f}, ONE);
    assertArrayEquals(expected, bgr.apply(cut, Normalization.Layout.NCHW));
  }

  @Test
  void ultrafaceStretched() throws IOException {
    float[] expected = stored("ultraface_rfb_320/onnx/input_astronaut.npy");
    Picture p =
        new Geometry.Stretch(320, 240).apply(photo("astronaut"), ResizeMethod.PILLOW_BILINEAR);
    Normalization n =
        new Normalization(Normalization.Channels.RGB, 1f, new float[] {127f}, new float[] {128f});
    assertArrayEquals(expected, n.apply(p, Normalization.Layout.NCHW));
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
