package tacet.insight.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ResizeTest {
  @ParameterizedTest
  @EnumSource(ResizeMethod.class)
  void keepsFlatPicturesFlatAtAnySize(ResizeMethod method) {
    int[][] sizes = {{1, 1}, {1, 9}, {9, 1}, {7, 5}, {10, 10}, {33, 3}, {4, 64}};
    for (int[] from : sizes) {
      Picture flat = Picture.blank(from[0], from[1]);
      Arrays.fill(flat.rgb(), (byte) 201);
      for (int[] to : sizes) {
        Picture out = Resize.resize(flat, to[0], to[1], method);
        assertEquals(to[0], out.width());
        assertEquals(to[1], out.height());
        for (byte b : out.rgb()) {
          assertEquals(201, b & 0xFF);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(ResizeMethod.class)
  void sameSizeIsTheSamePicture(ResizeMethod method) {
    Picture p = noise(5, 4, 1);
    assertSame(p, Resize.resize(p, 5, 4, method));
  }

  @ParameterizedTest
  @EnumSource(ResizeMethod.class)
  void treatsChannelsAlike(ResizeMethod method) {
    Picture grey = row(3, 250, 17, 99, 40, 180, 60);
    Picture out = Resize.resize(grey, 4, 3, method);
    for (int i = 0; i < out.rgb().length; i += 3) {
      assertEquals(out.rgb()[i], out.rgb()[i + 1]);
      assertEquals(out.rgb()[i], out.rgb()[i + 2]);
    }
  }

  /** By hand: support 2, triangle weights 1/8 3/8 3/8 1/8, at the edge 3/7 3/7 1/7. */
  @Test
  void pillowHalves() {
    Picture out = Resize.resize(row(0, 70, 140, 210), 2, 1, ResizeMethod.PILLOW_BILINEAR);
    assertGrey(out, 50, 160);
    Picture middle =
        Resize.resize(row(10, 20, 80, 160, 240, 250), 3, 1, ResizeMethod.PILLOW_BILINEAR);
    // (10·3 + 20·3 + 80)/7 = 24.28…, (20 + 80·3 + 160·3 + 240)/8 = 122.5, (160 + 240·3 + 250·3)/7
    assertGrey(middle, 24, 123, 233);
  }

  /** By hand: doubled, taps 3/4 and 1/4, the edge alone. */
  @Test
  void pillowDoubles() {
    Picture out = Resize.resize(row(0, 100), 4, 1, ResizeMethod.PILLOW_BILINEAR);
    assertGrey(out, 0, 25, 75, 100);
  }

  /**
   * Each pass rounds to 8 bits: 1·0.75 = 0.75 becomes 1 before the second pass, 0.5625 would stay.
   */
  @Test
  void pillowRoundsBetweenPasses() {
    Picture p = grey(2, 2, 2, 0, 0, 0);
    Picture out = Resize.resize(p, 4, 4, ResizeMethod.PILLOW_BILINEAR);
    // 2, 1.5 → 2, 0.5 → 1, 0 across; then the same down.
    assertGrey(out, 2, 2, 1, 0, 2, 2, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0);
  }

  /** By hand: centres of five from three pixels are at −0.2, 0.4, 1, 1.6, 2.2. */
  @Test
  void openCvEnlarges() {
    Picture out = Resize.resize(row(0, 100, 200), 5, 1, ResizeMethod.OPENCV_LINEAR);
    assertGrey(out, 0, 40, 100, 160, 200);
  }

  /** No filter against aliasing: shrinking by 3 takes every third pixel. */
  @Test
  void openCvPicksWhenShrinking() {
    Picture out =
        Resize.resize(row(9, 100, 9, 9, 200, 9, 9, 50, 9), 3, 1, ResizeMethod.OPENCV_LINEAR);
    assertGrey(out, 100, 200, 50);
  }

  @Test
  void openCvHalvesByTheMeanOfFour() {
    Picture p = grey(4, 2, 0, 1, 10, 20, 1, 0, 30, 40);
    // 2/4 rounds up.
    assertGrey(Resize.resize(p, 2, 1, ResizeMethod.OPENCV_LINEAR), 1, 25);
    assertGrey(Resize.resize(p, 2, 1, ResizeMethod.AREA), 1, 25);
  }

  /** By hand: 5 to 2, each output covers 2.5 pixels; and 3 to 1, a tie-free mean. */
  @Test
  void areaIsTheMeanOfWhatIsCovered() {
    Picture out = Resize.resize(row(10, 20, 30, 40, 100), 2, 1, ResizeMethod.AREA);
    // (10 + 20 + 15)/2.5, (15 + 40 + 100)/2.5
    assertGrey(out, 18, 62);
    assertGrey(Resize.resize(row(1, 2, 6), 1, 1, ResizeMethod.AREA), 3);
  }

  /** Whole factors other than 2x2 round ties to even. */
  @Test
  void areaTies() {
    assertGrey(Resize.resize(row(0, 1, 1, 2), 2, 1, ResizeMethod.AREA), 0, 2);
  }

  /** INTER_AREA enlarging by a whole factor repeats pixels. */
  @Test
  void areaRepeatsWhenEnlarging() {
    Picture out = Resize.resize(row(0, 90, 30), 6, 1, ResizeMethod.AREA);
    assertGrey(out, 0, 0, 90, 90, 30, 30);
  }

  /** The area mean in double precision, for sizes that share no factor. */
  @Test
  void areaFollowsItsDefinition() {
    Picture p = noise(37, 29, 5);
    Picture out = Resize.resize(p, 10, 11, ResizeMethod.AREA);
    for (int y = 0; y < 11; y++) {
      for (int x = 0; x < 10; x++) {
        for (int c = 0; c < 3; c++) {
          double sum = 0;
          for (int v = 0; v < 29; v++) {
            for (int u = 0; u < 37; u++) {
              sum +=
                  shared(u, x, 3.7)
                      * shared(v, y, 29 / 11.0)
                      * (p.rgb()[3 * (v * 37 + u) + c] & 0xFF);
            }
          }
          double mean = sum / (3.7 * 29 / 11.0);
          assertEquals(mean, out.rgb()[3 * (y * 10 + x) + c] & 0xFF, 0.5 + 1e-3);
        }
      }
    }
  }

  private static double shared(int pixel, int cell, double size) {
    return Math.max(0, Math.min(pixel + 1, (cell + 1) * size) - Math.max(pixel, cell * size));
  }

  /** The triangle filter in double precision; two roundings to 8 bits may add up to one. */
  @ParameterizedTest
  @CsvSource({"31,17,12,40", "5,5,50,3", "64,48,9,7", "3,90,4,8"})
  void pillowFollowsItsDefinition(int w, int h, int outW, int outH) {
    Picture p = noise(w, h, 9);
    Picture out = Resize.resize(p, outW, outH, ResizeMethod.PILLOW_BILINEAR);
    for (int y = 0; y < outH; y++) {
      for (int x = 0; x < outW; x++) {
        double sum = 0;
        double weights = 0;
        for (int v = 0; v < h; v++) {
          for (int u = 0; u < w; u++) {
            double k = triangle(u, x, (double) w / outW) * triangle(v, y, (double) h / outH);
            sum += k * (p.rgb()[3 * (v * w + u)] & 0xFF);
            weights += k;
          }
        }
        assertEquals(sum / weights, out.rgb()[3 * (y * outW + x)] & 0xFF, 1.01);
      }
    }
  }

  /** Cutting before or after is the same. */
  @ParameterizedTest
  @CsvSource({"31,17,12,40,5,7", "64,48,64,9,7,3", "20,90,41,90,40,11", "300,200,30,20,20,20"})
  void middleIsTheMiddleOfTheWhole(int w, int h, int outW, int outH, int cutW, int cutH) {
    Picture p = noise(w, h, 3);
    for (ResizeMethod method : ResizeMethod.values()) {
      Picture whole = Resize.resize(p, outW, outH, method);
      Picture middle = Resize.middle(p, outW, outH, cutW, cutH, method);
      int left = (outW - cutW) / 2;
      int top = (outH - cutH) / 2;
      for (int y = 0; y < cutH; y++) {
        int from = 3 * ((top + y) * outW + left);
        assertArrayEquals(
            Arrays.copyOfRange(whole.rgb(), from, from + 3 * cutW),
            Arrays.copyOfRange(middle.rgb(), 3 * y * cutW, 3 * (y + 1) * cutW));
      }
    }
  }

  /** So many weights that their rounding could carry a white pixel past 255. */
  @Test
  void pillowShrinksWhiteToWhite() {
    Picture p = Picture.blank(20_000, 1);
    Arrays.fill(p.rgb(), (byte) 255);
    assertGrey(Resize.resize(p, 1, 1, ResizeMethod.PILLOW_BILINEAR), 255);
    Picture tall = new Picture(1, 20_000, p.rgb());
    assertGrey(Resize.resize(tall, 1, 1, ResizeMethod.PILLOW_BILINEAR), 255);
  }

  private static double triangle(int pixel, int out, double scale) {
    double distance = Math.abs(pixel + 0.5 - (out + 0.5) * scale) / Math.max(1, scale);
    return Math.max(0, 1 - distance);
  }

  @Test
  void refusesImpossibleSizes() {
    Picture p = noise(2, 2, 1);
    for (int[] size : new int[][] {{0, 1}, {1, -1}, {1 << 30, 4}}) {
      assertThrows(
          IllegalArgumentException.class,
          () -> Resize.resize(p, size[0], size[1], ResizeMethod.AREA));
    }
  }

  private static Picture row(int... values) {
    return grey(values.length, 1, values);
  }

  static Picture grey(int width, int height, int... values) {
    Picture p = Picture.blank(width, height);
    for (int i = 0; i < p.rgb().length; i++) {
      p.rgb()[i] = (byte) values[i / 3];
    }
    return p;
  }

  static Picture noise(int width, int height, long seed) {
    Picture p = Picture.blank(width, height);
    new Random(seed).nextBytes(p.rgb());
    return p;
  }

  static void assertGrey(Picture p, int... expected) {
    int[] actual = new int[p.rgb().length / 3];
    for (int i = 0; i < actual.length; i++) {
      actual[i] = p.rgb()[3 * i] & 0xFF;
    }
    assertArrayEquals(expected, actual);
  }
}
