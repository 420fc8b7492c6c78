package tacet.insight.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

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
