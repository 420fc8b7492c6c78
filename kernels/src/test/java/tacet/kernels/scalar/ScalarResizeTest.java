package tacet.kernels.scalar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import tacet.kernels.DataType;
import tacet.kernels.scalar.ScalarResize.Coordinates;
import tacet.kernels.scalar.ScalarResize.Mode;
import tacet.kernels.scalar.ScalarResize.Nearest;

class ScalarResizeTest {

  private static float[] resize(
      float[] x, int out, Mode mode, Coordinates coordinates, Nearest nearest, boolean antialias) {
    float[] y = new float[out];
    ScalarResize.resize(
        new Elements(MemorySegment.ofArray(x), DataType.FLOAT32),
        new long[] {x.length},
        new Elements(MemorySegment.ofArray(y), DataType.FLOAT32),
        new long[] {out},
        new float[] {(float) out / x.length},
        new float[] {0, 1},
        mode,
        coordinates,
        nearest,
        -0.75,
        false,
        -1,
        antialias);
    return y;
  }

  @Test
  void nearest() {
    float[] x = {1, 2};
    assertArrayEquals(
        new float[] {1, 1, 2, 2},
        resize(x, 4, Mode.NEAREST, Coordinates.ASYMMETRIC, Nearest.FLOOR, false));
    assertArrayEquals(
        new float[] {1, 2, 2, 2},
        resize(x, 4, Mode.NEAREST, Coordinates.ASYMMETRIC, Nearest.CEIL, false));
    assertArrayEquals(
        new float[] {1, 1, 2, 2},
        resize(x, 4, Mode.NEAREST, Coordinates.HALF_PIXEL, Nearest.ROUND_PREFER_FLOOR, false));
  }

  @Test
  void linear() {
    float[] x = {0, 4};
    assertArrayEquals(
        new float[] {0, 1, 3, 4},
        resize(x, 4, Mode.LINEAR, Coordinates.HALF_PIXEL, Nearest.FLOOR, false));
    assertArrayEquals(
        new float[] {0, 4 / 3f, 8 / 3f, 4},
        resize(x, 4, Mode.LINEAR, Coordinates.ALIGN_CORNERS, Nearest.FLOOR, false),
        1e-6f);
    assertArrayEquals(
        new float[] {0, 2, 4, 4},
        resize(x, 4, Mode.LINEAR, Coordinates.ASYMMETRIC, Nearest.FLOOR, false));
  }

  /** With antialiasing a shrinking resize averages what it passes over; without, it skips. */
  @Test
  void antialias() {
    float[] x = {0, 0, 8, 0};
    assertArrayEquals(
        new float[] {1, 3},
        resize(x, 2, Mode.LINEAR, Coordinates.HALF_PIXEL, Nearest.FLOOR, true),
        1e-6f);
    assertArrayEquals(
        new float[] {0, 4},
        resize(x, 2, Mode.LINEAR, Coordinates.HALF_PIXEL, Nearest.FLOOR, false));
  }

  /** A cubic goes through its points, and a constant stays one. */
  @Test
  void cubic() {
    float[] x = {1, 5, 2, 7};
    assertArrayEquals(
        x, resize(x, 4, Mode.CUBIC, Coordinates.HALF_PIXEL, Nearest.FLOOR, false), 1e-6f);
    assertArrayEquals(
        new float[] {3, 3, 3, 3, 3, 3},
        resize(new float[] {3, 3, 3}, 6, Mode.CUBIC, Coordinates.HALF_PIXEL, Nearest.FLOOR, false),
        1e-6f);
  }
}
