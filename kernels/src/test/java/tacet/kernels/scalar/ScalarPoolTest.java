package tacet.kernels.scalar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import tacet.kernels.DataType;
import tacet.kernels.scalar.ScalarPool.Kind;

class ScalarPoolTest {

  /** 3×3 image, windows 2×2 with stride 2, one row and column of padding before and after. */
  private static float[] pool(Kind kind, boolean countIncludePad, long[] indices, boolean column) {
    float[] x = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    float[] y = new float[4];
    ScalarPool.pool(
        kind,
        new Elements(MemorySegment.ofArray(x), DataType.FLOAT32),
        1,
        new int[] {3, 3},
        new Elements(MemorySegment.ofArray(y), DataType.FLOAT32),
        new int[] {2, 2},
        indices == null ? null : new Elements(MemorySegment.ofArray(indices), DataType.INT64),
        column,
        new int[] {2, 2},
        new int[] {2, 2},
        new int[] {1, 1},
        new int[] {1, 1},
        new int[] {1, 1},
        countIncludePad,
        2);
    return y;
  }

  @Test
  void maximum() {
    assertArrayEquals(new float[] {1, 3, 7, 9}, pool(Kind.MAX, false, null, false));
  }

  @Test
  void indicesOfTheMaxima() {
    long[] indices = new long[4];
    pool(Kind.MAX, false, indices, false);
    assertArrayEquals(new long[] {0, 2, 6, 8}, indices);
    pool(Kind.MAX, false, indices, true);
    assertArrayEquals(new long[] {0, 6, 2, 8}, indices);
  }

  @Test
  void averageOverWhatIsThere() {
    assertArrayEquals(new float[] {1, 2.5f, 5.5f, 7}, pool(Kind.AVERAGE, false, null, false));
  }

  @Test
  void averageWithPadding() {
    assertArrayEquals(new float[] {0.25f, 1.25f, 2.75f, 7}, pool(Kind.AVERAGE, true, null, false));
  }

  @Test
  void norm() {
    float[] y = pool(Kind.LP, false, null, false);
    assertArrayEquals(
        new float[] {
          1, (float) Math.sqrt(13), (float) Math.sqrt(65), (float) Math.sqrt(25 + 36 + 64 + 81)
        },
        y,
        1e-6f);
  }

  @Test
  void maximumOfNaNIsNaN() {
    float[] x = {1, Float.NaN, 2};
    float[] y = new float[2];
    ScalarPool.pool(
        Kind.MAX,
        new Elements(MemorySegment.ofArray(x), DataType.FLOAT32),
        1,
        new int[] {3},
        new Elements(MemorySegment.ofArray(y), DataType.FLOAT32),
        new int[] {2},
        null,
        false,
        new int[] {2},
        new int[] {1},
        new int[] {0},
        new int[] {0},
        new int[] {1},
        false,
        0);
    assertArrayEquals(new float[] {Float.NaN, Float.NaN}, y);
  }
}
