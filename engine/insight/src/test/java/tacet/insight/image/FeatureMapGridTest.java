package tacet.insight.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FeatureMapGridTest {
  private static final int DEAD = 0xE5343D;
  private static final int CONSTANT = 0xE8A317;
  private static final int NON_FINITE = 0xD92BD0;

  @ParameterizedTest
  @CsvSource({
    "1,1", "2,2", "3,3", "4,2", "7,4", "8,4", "10,5", "13,7", "16,4", "32,8", "64,8", "96,12",
    "127,16", "128,16", "256,16", "512,32", "1000,40", "2048,64"
  })
  void columns(int channels, int columns) {
    assertEquals(columns, FeatureMapGrid.columns(channels));
  }

  @ParameterizedTest
  @CsvSource({
    "1,1,1",
    "1,2,2",
    "128,46,46",
    "64,256,256",
    "3,3000,5000",
    "2048,7,7",
    "5000,1,1",
    "9,1,4000",
    "9,4000,1",
    "65536,3,3",
    "1048577,1,1",
    "512,64,64",
    "1,1,9000"
  })
  void neverTooLarge(int channels, int height, int width) {
    float[] v = new float[channels * height * width];
    Random random = new Random(1);
    for (int i = 0; i < v.length; i++) {
      v[i] = Math.max(0, random.nextFloat() - 0.5f);
    }
    Picture p = FeatureMapGrid.render(FeatureMaps.ofNchw("layer", channels, height, width, v));
    assertTrue(p.width() <= FeatureMapGrid.MAX, p.width() + " wide");
    assertTrue(p.height() <= FeatureMapGrid.MAX, p.height() + " high");
  }

  @Test
  void marksDeadConstantAndNonFinite() {
    float[] v = new float[4 * 9];
    for (int i = 0; i < 9; i++) {
      v[i] = i;
      v[18 + i] = 3;
      v[27 + i] = i == 4 ? Float.NaN : i == 5 ? Float.POSITIVE_INFINITY : i;
    }
    FeatureMaps maps = FeatureMaps.ofNchw("four", 4, 3, 3, v);
    assertArrayEquals(new double[] {1 / 9.0, 1, 0, 1 / 9.0}, maps.zeroShare());
    Picture p = FeatureMapGrid.render(maps);
    assertTrue(count(p, DEAD) > 100);
    assertTrue(count(p, CONSTANT) > 100);
    assertTrue(count(p, NON_FINITE) > 2 * 30 * 30);

    Picture plain =
        FeatureMapGrid.render(FeatureMaps.ofNchw("one", 1, 3, 3, java.util.Arrays.copyOf(v, 9)));
    assertEquals(0, count(plain, DEAD) + count(plain, CONSTANT) + count(plain, NON_FINITE));
  }

  /** Over many images a channel may live although its map is empty in the one that is shown. */
  @Test
  void deadIsWhatTheZeroSharesSay() {
    float[] v = new float[4];
    FeatureMaps alive = new FeatureMaps("a", 1, 2, 2, v, new double[] {0.75});
    assertEquals(0, count(FeatureMapGrid.render(alive), DEAD));
    FeatureMaps dead = new FeatureMaps("a", 1, 2, 2, v, new double[] {1});
    assertTrue(count(FeatureMapGrid.render(dead), DEAD) > 0);
  }

  /** A 2x2 map becomes 48 times as large, every value a square of its own. */
  @Test
  void enlargesByWholeFactors() {
    Picture p = FeatureMapGrid.render(FeatureMaps.ofNchw("a", 1, 2, 2, new float[] {0, 1, 2, 4}));
    int left = 24;
    int top = 84;
    int[] colours = new int[4];
    for (int i = 0; i < 4; i++) {
      int x = left + i % 2 * 48;
      int y = top + i / 2 * 48;
      colours[i] = at(p, x, y);
      assertEquals(colours[i], at(p, x + 47, y + 47));
    }
    for (int i = 1; i < 4; i++) {
      assertTrue(light(colours[i]) > light(colours[i - 1]) + 10);
    }
  }

  @Test
  void scalesEveryMapOnItsOwn() {
    Picture p =
        FeatureMapGrid.render(FeatureMaps.ofNchw("a", 2, 1, 2, new float[] {0, 1e-6f, 0, 1e6f}));
    int bright = at(p, 24 + 95, 84);
    assertTrue(light(bright) > 600);
    assertEquals(2 * count(p, bright, 24, 84, 96, 12), count(p, bright, 24, 84, 300, 12));
  }

  @Test
  void takesBothLayouts() {
    float[] nhwc = {1, 10, 2, 20, 3, 30, 4, 40, 5, 0, 6, 60};
    FeatureMaps maps = FeatureMaps.ofNhwc("a", 2, 2, 3, nhwc);
    assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 0, 60}, maps.values());
    assertArrayEquals(new double[] {0, 1 / 6.0}, maps.zeroShare());
    assertThrows(IllegalArgumentException.class, () -> FeatureMaps.ofNhwc("a", 2, 2, 2, nhwc));
    assertThrows(IllegalArgumentException.class, () -> FeatureMaps.ofVector("a", new float[0]));
  }

  @Test
  void colours() {
    ColourScale positive = new ColourScale(0, 2);
    ColourScale both = new ColourScale(-2, 1);
    ColourScale high = new ColourScale(5, 6);
    assertEquals(positive.of(0), both.of(-0.0));
    assertEquals(positive.of(2), high.of(6));
    assertTrue(light(high.of(5)) > light(positive.of(0)) + 40);
    assertTrue(light(both.of(-2)) > light(both.of(1)));
    for (int i = 1; i <= 64; i++) {
      assertTrue(light(positive.of(i / 32.0)) > light(positive.of((i - 1) / 32.0)), "step " + i);
    }
    ColourScale extreme = new ColourScale(-Float.MAX_VALUE, Float.MAX_VALUE);
    assertTrue(light(extreme.of(Float.MAX_VALUE)) > 600);
  }

  @Test
  void percents() {
    assertEquals("0%", FeatureMapGrid.percent(0));
    assertEquals("<1%", FeatureMapGrid.percent(1e-9));
    assertEquals("50%", FeatureMapGrid.percent(0.499));
    assertEquals(">99%", FeatureMapGrid.percent(0.9999));
    assertEquals("100%", FeatureMapGrid.percent(1));
  }

  @Test
  void namesOfAnyKindFit() {
    String name = "mödel/" + "layer_".repeat(2000);
    Picture p = FeatureMapGrid.render(FeatureMaps.ofNchw(name, 1, 1, 2, new float[2]));
    assertTrue(p.width() <= 480);
    assertTrue(BitmapFont.width(BitmapFont.fit(name, 400, 2), 2) <= 400);
    assertEquals("short", BitmapFont.fit("short", 400, 2));
    assertEquals("", BitmapFont.fit("short", 3, 2));
  }

  private static int at(Picture p, int x, int y) {
    int i = 3 * (y * p.width() + x);
    return (p.rgb()[i] & 0xFF) << 16 | (p.rgb()[i + 1] & 0xFF) << 8 | p.rgb()[i + 2] & 0xFF;
  }

  private static int light(int colour) {
    return (colour >> 16) + (colour >> 8 & 0xFF) + (colour & 0xFF);
  }

  private static int count(Picture p, int colour) {
    return count(p, colour, 0, 0, p.width(), p.height());
  }

  private static int count(Picture p, int colour, int left, int top, int width, int height) {
    int n = 0;
    for (int y = top; y < Math.min(p.height(), top + height); y++) {
      for (int x = left; x < Math.min(p.width(), left + width); x++) {
        n += at(p, x, y) == colour ? 1 : 0;
      }
    }
    return n;
  }
}
