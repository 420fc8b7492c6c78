package tacet.kernels.scalar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import tacet.kernels.ZeroCounts;
import tacet.kernels.ZeroCounts.Kind;

class ScalarCountTest {

  @Test
  void bothZerosAndTheThreshold() {
    // Two images of two channels of three elements.
    float[] x = {
      0f,
      -0f,
      0.1f, /**/
      1f,
      -1f,
      0.0999f, /**/
      Float.NaN,
      -0.05f,
      0f, /**/
      Float.NEGATIVE_INFINITY,
      Float.MIN_VALUE,
      5f
    };
    ZeroCounts counts = new ZeroCounts(2, 1, 0.1f);
    ScalarCount.count(MemorySegment.ofArray(x), 0, x.length, 2, 3, counts);
    counts.merge();
    assertArrayEquals(new long[] {3, 0}, counts.perChannel(Kind.ZERO));
    assertArrayEquals(new long[] {4, 2}, counts.perChannel(Kind.NEAR_ZERO));
    assertArrayEquals(new long[] {1, 2}, counts.perChannel(Kind.NEGATIVE));
    assertEquals(3, counts.total(Kind.ZERO));
    counts.clear();
    assertEquals(0, counts.total(Kind.NEAR_ZERO));
  }

  @Test
  void slabsOfThreadsAddUp() {
    ZeroCounts counts = new ZeroCounts(3, 2, 0.1f);
    counts.slab(0)[Kind.ZERO.ordinal() * counts.stride() + 2] = 5;
    counts.slab(1)[Kind.ZERO.ordinal() * counts.stride() + 2] = 7;
    counts.merge();
    counts.merge();
    assertArrayEquals(new long[] {0, 0, 12}, counts.perChannel(Kind.ZERO));
  }
}
