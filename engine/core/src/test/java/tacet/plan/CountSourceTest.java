package tacet.plan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import tacet.kernels.ZeroCounts;
import tacet.kernels.ZeroCounts.Kind;
import tacet.profile.LayerProfile.Counts;

/** Counts that are put together from those of steps: all at once, per channel, and in total. */
class CountSourceTest {

  private static final int CHANNELS = 12;

  /** Of a step that found c + 1 zeros in channel c, 2 near zeros more, 3 negatives, and before it 10 more of each. */
  private static final CountSource.OfStep STEP = new CountSource.OfStep(0, false);

  private static final CountSource.OfStep BEFORE = new CountSource.OfStep(0, true);

  private static Workspace workspace(float threshold) {
    ZeroCounts counts = new ZeroCounts(CHANNELS, 1, threshold);
    int[] slab = counts.slab(0);
    for (Kind kind : Kind.values()) {
      for (int c = 0; c < CHANNELS; c++) {
        int number =
            switch (kind) {
              case ZERO -> c + 1;
              case NEAR_ZERO -> c + 3;
              case NEGATIVE -> 3;
              case ZERO_BEFORE -> c + 11;
              case NEAR_ZERO_BEFORE -> c + 13;
              case NEGATIVE_BEFORE -> 13;
            };
        slab[kind.ordinal() * counts.stride() + c] = number;
      }
    }
    counts.merge();
    ZeroCounts[] all = {counts};
    List<ZeroCounts.Slabs> slabs = List.of(new ZeroCounts.Slabs(CHANNELS, 1));
    return new Workspace(Arena.ofConfined(), 64, 0, slabs, all, 0, 0);
  }

  private static void check(CountSource source, long near, long... zeros) {
    check(source, 0.01f, near, zeros);
  }

  private static void check(CountSource source, float threshold, long near, long... zeros) {
    try (Workspace w = workspace(threshold)) {
      assertEquals(zeros.length, CountSource.channels(w, source));
      Counts counts = CountSource.counts(w, source, 1000, threshold);
      assertArrayEquals(zeros, counts.zerosPerChannel());
      assertEquals(1000, counts.elements());
      assertEquals(near, counts.nearZeros());
      assertEquals(near, CountSource.nearZeros(w, source, threshold));
      long sum = Arrays.stream(zeros).sum();
      assertEquals(sum, counts.zeros());
      assertEquals(sum, CountSource.zeros(w, source));
      for (int c = 0; c < zeros.length; c++) {
        assertEquals(zeros[c], CountSource.zeros(w, source, c));
        checkKept(w, source, zeros, c);
      }
    }
  }

  /** Of all channels, and of every other, those with as many zeros as one has. */
  private static void checkKept(Workspace w, CountSource source, long[] zeros, int channel) {
    for (int step = 1; step <= 2; step++) {
      int every = step;
      int[] numbers = IntStream.range(0, zeros.length).filter(c -> c % every == 0).toArray();
      int[] expected = Arrays.stream(numbers).filter(c -> zeros[c] == zeros[channel]).toArray();
      int kept = CountSource.keep(w, source, numbers, numbers.length, zeros[channel]);
      assertArrayEquals(expected, Arrays.copyOf(numbers, kept));
    }
  }

  @Test
  void ofAStep() {
    check(STEP, 78 + 24, LongStream.rangeClosed(1, 12).toArray());
    check(BEFORE, 78 + 12 * 12, LongStream.rangeClosed(11, 22).toArray());
  }

  @Test
  void channelsTakenTogether() {
    check(new CountSource.Together(STEP, 4, false), 102, 1 + 2 + 3, 4 + 5 + 6, 24, 33);
    check(new CountSource.Together(STEP, 4, true), 102, 1 + 5 + 9, 2 + 6 + 10, 21, 24);
  }

  @Test
  void channelsInAnotherOrder() {
    int[] from = {11, 0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9};
    check(new CountSource.Moved(STEP, from), 102, 12, 1, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10);
    CountSource together = new CountSource.Together(new CountSource.Moved(STEP, from), 2, true);
    check(together, 102, 12 + 3 + 5 + 7 + 9 + 11, 1 + 2 + 4 + 6 + 8 + 10);
  }

  @Test
  void zerosAround() {
    CountSource padded = new CountSource.Padded(STEP, CHANNELS, 20);
    check(padded, 102 + 240, LongStream.rangeClosed(21, 32).toArray());
    // Nothing is smaller than zero in magnitude: no near zeros then.
    check(padded, 0f, 102, LongStream.rangeClosed(21, 32).toArray());
  }

  @Test
  void severalValues() {
    CountSource joined =
        new CountSource.Joined(
            List.of(
                new CountSource.Together(STEP, 2, false),
                BEFORE,
                new CountSource.Together(STEP, 1, true)));
    LongStream expected =
        LongStream.concat(
            LongStream.of(21, 57),
            LongStream.concat(LongStream.rangeClosed(11, 22), LongStream.of(78)));
    check(joined, 102 + 222 + 102, expected.toArray());
  }

  @Test
  void deadVectors() {
    try (Workspace w = workspace(0.01f)) {
      assertEquals(0, CountSource.deadChannels(w, STEP, 4, 7));
      assertEquals(1, CountSource.deadChannels(w, STEP, 1, 7));
      assertEquals(1, CountSource.deadChannels(w, BEFORE, 1, 11));
      CountSource padded = new CountSource.Padded(STEP, CHANNELS, 20);
      assertEquals(1, CountSource.deadChannels(w, padded, 1, 27));
      assertEquals(0, CountSource.deadChannels(w, padded, 1, 7));
      assertEquals(
          2, CountSource.deadChannels(w, new CountSource.Joined(List.of(STEP, STEP)), 1, 7));
    }
  }
}
