package tacet.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Which kernel runs, on times made up. */
class AlternativeTest {

  /** Takes as long as the dense kernel without zeros, and falls in proportion to dead vectors. */
  private static final Alternative VECTORS =
      new Alternative(null, "made up", true, CostCurve.estimated(1000, 0.05, 0.97));

  /** Pays from 80 % zeros on. */
  private static final Alternative VALUES =
      new Alternative(null, "made up", false, CostCurve.estimated(1000, 0.5, 2));

  private static final List<Alternative> BOTH = List.of(VECTORS, VALUES);

  @Test
  void zerosInVectorsAreLeftToTheKernelForThose() {
    for (double dead : new double[] {0.25, 0.5, 0.8}) {
      assertEquals(0, Alternative.best(BOTH, dead, dead));
      assertEquals(1020 - 970 * dead, BOTH.get(0).expected(dead, dead), 1e-9);
      assertTrue(VECTORS.curve().isWorth(VECTORS.expected(dead, dead)));
    }
  }

  @Test
  void zerosAtRandomAreLeftToTheKernelForThose() {
    assertEquals(1, Alternative.best(BOTH, 0.9, 0));
    assertTrue(VALUES.curve().isWorth(VALUES.expected(0.9, 0)));
    assertFalse(VALUES.curve().isWorth(VALUES.expected(0.6, 0)));
    assertFalse(VECTORS.curve().isWorth(VECTORS.expected(0.9, 0)));
  }

  @Test
  void curvesOfDifferentMeasurementsAreComparedByTheirShareOfTheDenseTime() {
    Alternative slowDay =
        new Alternative(null, "made up", true, CostCurve.estimated(3000, 0.05, 0.97));
    assertEquals(0, Alternative.best(List.of(slowDay, VALUES), 0.5, 0.5));
  }

  @Test
  void noChoiceCostsMoreThanATenthWhereTimesAreAsMeasured() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 1000; i++) {
      double zeros = random.nextDouble();
      double dead = zeros * random.nextDouble();
      Alternative best = BOTH.get(Alternative.best(BOTH, zeros, dead));
      double expected = best.expected(zeros, dead);
      double chosen = best.curve().isWorth(expected) ? expected : 1000;
      double least =
          Math.min(1000, Math.min(VECTORS.expected(zeros, dead), VALUES.expected(zeros, dead)));
      assertTrue(chosen <= least / CostCurve.WORTH, zeros + " " + dead);
    }
  }
}
