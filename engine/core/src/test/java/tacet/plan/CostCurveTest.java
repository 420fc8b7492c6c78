package tacet.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** When a layer skips. */
class CostCurveTest {

  private static final double EPSILON = 1e-12;

  @Test
  void timesLieOnLinesThroughWhatWasMeasured() {
    CostCurve c = new CostCurve(100, 140, 110, 50, true);
    assertEquals(140, c.skipping(0.3), EPSILON);
    assertEquals(125, c.skipping(0.45), EPSILON);
    assertEquals(110, c.skipping(0.6), EPSILON);
    assertEquals(50, c.skipping(0.9), EPSILON);
    assertEquals(170, c.skipping(0), EPSILON);
    assertEquals(30, c.skipping(1), EPSILON);
  }

  @Test
  void crossoverIsWhereSkippingTakesNineTenths() {
    for (double dense : new double[] {60, 100, 122, 123, 130, 139, 141, 160}) {
      CostCurve c = new CostCurve(dense, 140, 110, 50, true);
      double at = c.crossover();
      assertEquals(0.9 * dense, c.skipping(at), 1e-9, "dense " + dense);
      assertFalse(c.skips(at - 0.01));
      assertTrue(c.skips(at + 0.01));
    }
  }

  @Test
  void alwaysOrNever() {
    assertEquals(0, new CostCurve(200, 140, 110, 50, true).crossover());
    CostCurve never = new CostCurve(40, 140, 110, 50, true);
    assertFalse(never.pays());
    assertFalse(never.skips(0.9));
  }

  @Test
  void noiseNeverMakesMoreZerosSlower() {
    CostCurve c = new CostCurve(101, 90, 95, 97, true);
    assertEquals(90, c.skipping(0.6), EPSILON);
    assertEquals(90, c.skipping(0.9), EPSILON);
    assertEquals(0, c.crossover());
  }

  @Test
  void deadVectorsOfChannelsAreLeftOutAsOne() {
    CostCurve c = new CostCurve(100, 140, 110, 50, true);
    // Half of the channels dead, the others without zeros: half of the time for none, half of that
    // for nothing but zeros.
    assertEquals((c.skipping(0) + c.skipping(1)) / 2, c.skipping(0.5, 0.5), EPSILON);
    assertEquals(c.skipping(1), c.skipping(1, 1), EPSILON);
    assertEquals(c.skipping(0.7), c.skipping(0.7, 0), EPSILON);
  }

  @Test
  void estimatesAreOneLine() {
    CostCurve c = CostCurve.estimated(1000, 0.3, 1.5);
    assertEquals(300, c.skipping(1), 1e-9);
    assertEquals(1800, c.skipping(0), 1e-9);
    assertEquals(1 - 0.6 / 1.5, c.crossover(), 1e-9);
  }
}
