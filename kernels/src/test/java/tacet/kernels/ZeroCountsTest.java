package tacet.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import tacet.kernels.ZeroCounts.Kind;

/** Totals of loops on several threads, and of several loops. */
class ZeroCountsTest {

  private static final int CHANNELS = 5;
  private static final int THREADS = 3;

  /** Every thread counts something else in every channel, of every kind. */
  private static void loop(ZeroCounts counts) {
    for (int t = 0; t < THREADS; t++) {
      for (Kind kind : Kind.values()) {
        for (int c = 0; c < CHANNELS; c++) {
          counts.slab(t)[kind.ordinal() * counts.stride() + c] += counted(t, kind, c);
        }
      }
    }
    counts.merge();
  }

  private static int counted(int thread, Kind kind, int channel) {
    return (thread + 1) * (kind.ordinal() * CHANNELS + channel + 1);
  }

  private static void check(int loops, ZeroCounts counts) {
    for (Kind kind : Kind.values()) {
      long[] expected = new long[CHANNELS];
      for (int t = 0; t < THREADS; t++) {
        for (int c = 0; c < CHANNELS; c++) {
          expected[c] += (long) loops * counted(t, kind, c);
        }
      }
      // Before the channels: asking for those must not be what makes it right.
      assertEquals(Arrays.stream(expected).sum(), counts.total(kind), kind.toString());
      assertArrayEquals(expected, counts.perChannel(kind), kind.toString());
      assertEquals(Arrays.stream(expected).sum(), counts.total(kind), kind.toString());
    }
  }

  @Test
  void threadsAndLoopsAddUp() {
    ZeroCounts counts = new ZeroCounts(CHANNELS, THREADS, 0.01f);
    check(0, counts);
    loop(counts);
    check(1, counts);
    loop(counts);
    check(2, counts);
    counts.clear();
    check(0, counts);
    loop(counts);
    check(1, counts);
    counts.clear();
    loop(counts);
    check(1, counts);
  }
}
