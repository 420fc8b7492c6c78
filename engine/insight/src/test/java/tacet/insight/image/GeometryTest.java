package tacet.insight.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static tacet.insight.image.ResizeTest.assertGrey;
import static tacet.insight.image.ResizeTest.grey;
import static tacet.insight.image.ResizeTest.noise;

import org.junit.jupiter.api.Test;

class GeometryTest {
  @Test
  void cropTakesTheMiddle() {
    Picture p = grey(5, 2, 0, 1, 2, 3, 4, 10, 11, 12, 13, 14);
    Picture out = new Geometry.Crop(2, 2).apply(p, ResizeMethod.PILLOW_BILINEAR);
    // floor((5 − 2) / 2) = 1
    assertGrey(out, 1, 2, 11, 12);
    assertSame(p, new Geometry.None().apply(p, ResizeMethod.AREA));
    assertEquals(7, new Geometry.Stretch(7, 3).apply(p, ResizeMethod.AREA).width());
    assertThrows(IllegalArgumentException.class, () -> new Geometry.Crop(8, 4, 7));
  }

  @Test
  void cropOfPortraitAndExtremeFormats() {
    Picture out = new Geometry.Crop(3, 2, 4).apply(noise(1, 50, 2), ResizeMethod.PILLOW_BILINEAR);
    assertEquals(3, out.width());
    assertEquals(2, out.height());
    Picture line = noise(1, 4000, 2);
    assertThrows(
        IllegalArgumentException.class,
        () -> new Geometry.Crop(1000, 1000).apply(line, ResizeMethod.PILLOW_BILINEAR));
  }
}
