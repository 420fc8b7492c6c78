package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;

/** The build runs this package once per vector width; this names the width, and says where there is none such. */
class WidthTest {

  @Test
  void widthIsTheOneAskedFor() {
    int lanes = Integer.getInteger("tacet.lanes", Lanes.COUNT);
    assumeTrue(
        Lanes.COUNT == lanes,
        () -> "asked for " + lanes + " lanes, this machine has " + Lanes.COUNT);
    assertTrue(lanes == 4 || lanes == 8 || lanes == 16, () -> lanes + " lanes");
  }
}
