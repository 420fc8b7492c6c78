package tacet.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class WeightsTest {

  @Test
  void inputMajorOnesAreTurnedOver() {
    for (int[] size : new int[][] {{1, 1}, {3, 5}, {32, 33}, {70, 31}}) {
      int outputs = size[0];
      int inputs = size[1];
      float[] turned = new float[outputs * inputs];
      float[] expected = new float[turned.length];
      for (int m = 0; m < outputs; m++) {
        for (int k = 0; k < inputs; k++) {
          turned[k * outputs + m] = m * 1000 + k;
          expected[m * inputs + k] = m * 1000 + k;
        }
      }
      Weights w = Weights.inputMajor(MemorySegment.ofArray(turned), outputs);
      assertTrue(w.isInputMajor());
      assertArrayEquals(expected, w.toFloats());
      assertArrayEquals(expected, Weights.of(expected).toFloats());
    }
  }

  @Test
  void zerosAndOddOnesAreFoundWhereverTheyAre() throws InterruptedException {
    try (ThreadBudget budget = new ThreadBudget(2);
        ThreadBudget.Team team = budget.acquire()) {
      for (int count : new int[] {1, 100, 1 << 14, (1 << 14) + 1, 100_000}) {
        for (int at : new int[] {0, count / 2, count - 1}) {
          float[] values = new float[count];
          Arrays.fill(values, 1f);
          values[at] = -0f;
          Weights zero = Weights.of(values);
          assertEquals(1.0 / count, zero.zeroShare(team));
          assertTrue(zero.isFinite(team));
          for (float odd :
              new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            values[at] = odd;
            assertFalse(Weights.of(values).isFinite(team));
          }
        }
      }
    }
  }

  @Test
  void aFirstLookSeesHowManyAreZero() {
    float[] values = new float[1 << 20];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % 3 == 0 ? 1f : 0f;
    }
    assertEquals(2.0 / 3, Weights.of(values).sampledZeroShare(), 0.05);
    assertEquals(0, Weights.of(1f, 2f).sampledZeroShare());
  }
}
