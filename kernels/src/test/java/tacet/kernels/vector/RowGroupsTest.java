package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tacet.kernels.Parallel;

class RowGroupsTest {

  private static final int TILE = 6;
  private static final int MOST = 60;

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "49, 1, 2",
    "49, 16, 2",
    "169, 1, 2",
    "169, 4, 2",
    "169, 16, 3",
    "541, 1, 2",
    "3136, 4, 2",
    "12, 1, 5"
  })
  void everyCellIsComputedOnceAndThreadsGetAsManyParts(int rows, int columns, int threads) {
    check(RowGroups.of(rows, TILE, MOST), MOST, rows, columns, threads);
    check(RowGroups.of(rows, TILE, 3 * MOST, MOST, 1), 3 * MOST, rows, columns, threads);
  }

  private static void check(RowGroups groups, int most, int rows, int columns, int threads) {
    int[][] seen = new int[rows][columns];
    AtomicInteger parts = new AtomicInteger();
    groups.forEach(
        threads(threads),
        columns,
        (begin, end, firstColumn, endColumn, _) -> {
          assertEquals(0, begin % TILE);
          assertTrue(end - begin <= most);
          parts.incrementAndGet();
          for (int r = begin; r < end; r++) {
            for (int c = firstColumn; c < endColumn; c++) {
              seen[r][c]++;
            }
          }
        });
    for (int[] row : seen) {
      for (int count : row) {
        assertEquals(1, count);
      }
    }
    boolean tooFew = Math.ceilDiv(rows, TILE) * columns < threads;
    assertTrue(tooFew || parts.get() % threads == 0, parts + " parts");
  }

  /** A serial loop that says it has more threads. */
  private static Parallel threads(int threads) {
    return new Parallel() {
      @Override
      public int threads() {
        return threads;
      }

      @Override
      public void forEach(int items, Body body) {
        Parallel.serial().forEach(items, body);
      }

      @Override
      public float[] floats(int thread, int length) {
        throw new AssertionError();
      }

      @Override
      public long[] longs(int thread, int length) {
        throw new AssertionError();
      }

      @Override
      public int[] ints(int thread, int length) {
        throw new AssertionError();
      }
    };
  }
}
