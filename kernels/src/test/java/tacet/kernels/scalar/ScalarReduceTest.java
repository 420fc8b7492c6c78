package tacet.kernels.scalar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tacet.kernels.DataType;
import tacet.kernels.scalar.ScalarReduce.Kind;

class ScalarReduceTest {

  private static float[] reduce(Kind kind, boolean[] axes, int outputs) {
    float[] x = {1, -2, 3, 4, -5, 6, 7, 8, 9, -1, 2, 2};
    float[] y = new float[outputs];
    ScalarReduce.reduce(
        kind,
        new Elements(MemorySegment.ofArray(x), DataType.FLOAT32),
        new long[] {2, 3, 2},
        axes,
        new Elements(MemorySegment.ofArray(y), DataType.FLOAT32));
    return y;
  }

  @Test
  void whichAxes() {
    assertArrayEquals(
        new float[] {-1, 7, 1, 15, 8, 4}, reduce(Kind.SUM, new boolean[] {false, false, true}, 6));
    assertArrayEquals(
        new float[] {-1, 8, 18, 9}, reduce(Kind.SUM, new boolean[] {false, true, false}, 4));
    assertArrayEquals(new float[] {7, 27}, reduce(Kind.SUM, new boolean[] {false, true, true}, 2));
    assertArrayEquals(new float[] {34}, reduce(Kind.SUM, new boolean[] {true, true, true}, 1));
  }

  @ParameterizedTest
  @CsvSource({
    "MEAN, 2.8333333",
    "SUM, 34",
    "MAX, 9",
    "MIN, -5",
    "PROD, -1451520",
    "L1, 50",
    "L2, 17.146428",
    "LOG_SUM, 3.5263605",
    "LOG_SUM_EXP, 9.4475283",
    "SUM_SQUARE, 294"
  })
  void everyKind(Kind kind, float expected) {
    assertEquals(
        expected,
        reduce(kind, new boolean[] {true, true, true}, 1)[0],
        1e-5 * Math.abs(expected),
        kind.name());
  }

  /** The largest exponent is taken out first. */
  @Test
  void logSumExpOfLargeNumbers() {
    float[] x = {1000, 1000};
    float[] y = new float[1];
    ScalarReduce.reduce(
        Kind.LOG_SUM_EXP,
        new Elements(MemorySegment.ofArray(x), DataType.FLOAT32),
        new long[] {2},
        new boolean[] {true},
        new Elements(MemorySegment.ofArray(y), DataType.FLOAT32));
    assertEquals(1000 + Math.log(2), y[0], 1e-4);
  }
}
