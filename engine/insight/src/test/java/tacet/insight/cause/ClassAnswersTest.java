package tacet.insight.cause;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import tacet.insight.cause.Values.Value;
import tacet.tensor.Shape;

class ClassAnswersTest {

  private static Value logits(int classes, int peak, float height, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] x = new float[classes];
    for (int c = 0; c < classes; c++) {
      x[c] = (float) random.nextGaussian();
    }
    x[peak] += height;
    return new Value(Shape.of(1, classes), x);
  }

  @Test
  void informationIsWhatDiffersBetweenPictures() {
    ClassAnswers same = new ClassAnswers();
    ClassAnswers different = new ClassAnswers();
    for (int i = 0; i < 4; i++) {
      same.add(logits(100, 7, 40, 1));
      different.add(logits(100, 10 * i, 40, 1));
    }
    assertEquals(0, same.information(), 1e-9);
    assertEquals(2, different.information(), 1e-6);
    assertEquals(1, same.sure(), 1e-6);
  }

  /** However large the scale of normal logits is, and however certain their answers. */
  @Test
  void chanceTellsNoClassesApart() {
    for (float scale : new float[] {1, 300}) {
      ClassAnswers chance = new ClassAnswers();
      for (int i = 0; i < 6; i++) {
        Value v = logits(100, 0, 0, i);
        for (int c = 0; c < v.data().length; c++) {
          v.data()[c] *= scale;
        }
        chance.add(v);
      }
      assertFalse(chance.told());
    }
    ClassAnswers peaks = new ClassAnswers();
    peaks.add(logits(100, 3, 12, 1));
    assertTrue(peaks.told());
  }

  @Test
  void whatIsNoAnswerIsPassedOver() {
    ClassAnswers none = new ClassAnswers();
    none.add(null);
    none.add(new Value(Shape.of(1, 30, 2, 2), new float[120]));
    assertEquals(0, none.classes());
    assertTrue(Double.isNaN(none.information()));
    assertTrue(Double.isNaN(none.sure()));
    assertFalse(none.told());
  }
}
