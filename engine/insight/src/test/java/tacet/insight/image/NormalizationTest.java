package tacet.insight.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.awt.image.BufferedImage;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

class NormalizationTest {
  @Test
  void normalizes() {
    Picture p = new Picture(2, 1, new byte[] {10, 20, 30, (byte) 200, (byte) 210, (byte) 220});
    Normalization bgr =
        new Normalization(
            Normalization.Channels.BGR, 1f, new float[] {1, 2, 3}, new float[] {1, 2, 4});
    assertArrayEquals(
        new float[] {29, 219, 9, 104, 1.75f, 49.25f}, bgr.apply(p, Normalization.Layout.NCHW));
    assertArrayEquals(
        new float[] {29, 9, 1.75f, 219, 104, 49.25f}, bgr.apply(p, Normalization.Layout.NHWC));
    assertEquals("BGR, (x·1 − [1, 2, 3]) / [1, 2, 4]", bgr.describe());
    Normalization grey =
        new Normalization(Normalization.Channels.GREY, 1f, new float[] {0}, new float[] {1});
    // 0.299·10 + 0.587·20 + 0.114·30 = 18.15; 0.299·200 + 0.587·210 + 0.114·220 = 208.15
    assertArrayEquals(new float[] {18, 208}, grey.apply(p, Normalization.Layout.NHWC));
    assertEquals(1f, Normalization.unit().apply(white(), Normalization.Layout.NCHW)[2], 0f);
  }

  @Test
  void preparesInTheMemoryOfAnInput() {
    BufferedImage image = new BufferedImage(3, 2, BufferedImage.TYPE_INT_RGB);
    ByteBuffer bytes = ByteBuffer.allocateDirect(3 * 3 * 2 + 1).position(1);
    for (int i = 0; i < 6; i++) {
      int rgb = 0x10203 * (i + 1);
      image.setRGB(i % 3, i / 3, rgb);
      bytes.put(1 + 3 * i, (byte) (rgb >> 16));
      bytes.put(2 + 3 * i, (byte) (rgb >> 8));
      bytes.put(3 + 3 * i, (byte) rgb);
    }
    Preparation preparation =
        new Preparation(new Geometry.None(), ResizeMethod.PILLOW_BILINEAR, Normalization.unit());
    for (Normalization.Layout layout : Normalization.Layout.values()) {
      Preparation.Input expected = preparation.apply(Picture.of(image), layout);
      Tensor input = Tensor.allocate(DataType.FLOAT32, Shape.of(expected.shape()));
      preparation.apply(Picture.of(3, 2, bytes), input);
      assertArrayEquals(expected.values(), input.toFloats());
    }
    Tensor other = Tensor.allocate(DataType.FLOAT32, Shape.of(1, 3, 3, 2));
    assertThrows(IllegalArgumentException.class, () -> preparation.apply(Picture.of(image), other));
    assertThrows(IllegalArgumentException.class, () -> Picture.of(4, 2, bytes));
  }

  @Test
  void refusesSenselessNormalizations() {
    float[] one = {1};
    float[][][] pairs = {{{1, 2}, one}, {one, {1, 0, 1}}, {{Float.NaN}, one}, {one, {}}};
    for (float[][] pair : pairs) {
      assertThrows(
          IllegalArgumentException.class,
          () -> new Normalization(Normalization.Channels.RGB, 1f, pair[0], pair[1]));
    }
  }

  private static Picture white() {
    return new Picture(1, 1, new byte[] {-1, -1, -1});
  }
}
