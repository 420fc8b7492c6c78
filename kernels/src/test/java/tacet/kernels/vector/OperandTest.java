package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Gathering at the very end of the memory, where whole vectors would read behind it. */
class OperandTest {

  /** Columns that lie apart from one another in runs of {@code run}; the last run may be shorter. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 7})
  void rowsThatEndWithTheMemory(int run) {
    for (int columns = 1; columns <= 2 * Lanes.COUNT + 3; columns++) {
      long[] sources = new long[columns];
      for (int k = 0; k < columns; k++) {
        sources[k] = 4L * (k / run * (run + 2) + k % run);
      }
      gather(sources);
    }
  }

  /** A first copy of a whole vector, and a last one of a single column. */
  @Test
  void aColumnBehindAWholeVector() {
    long[] sources = new long[Lanes.COUNT + 1];
    for (int k = 0; k < sources.length; k++) {
      sources[k] = 4L * k;
    }
    gather(sources);
  }

  private static void gather(long[] sources) {
    int rows = 3;
    long places = 8L * rows;
    long reach = sources[sources.length - 1] + 4;
    try (Arena arena = Arena.ofConfined()) {
      // The last row's last column is the last of the memory.
      MemorySegment m = arena.allocate(places + 4L * (rows - 1) + reach, 8);
      for (long i = places; i < m.byteSize(); i += 4) {
        m.set(ValueLayout.JAVA_FLOAT, i, i);
      }
      for (int r = 0; r < rows; r++) {
        m.set(ValueLayout.JAVA_LONG, 8L * r, places + 4L * r);
      }
      int a = 1 + Scratchpad.lease(0);
      Operand.gather(m, Operand.of(sources).panels().getFirst(), 0, rows, false, a);
      for (int r = 0; r < rows; r++) {
        for (int k = 0; k < sources.length; k++) {
          assertEquals(places + 4f * r + sources[k], Scratchpad.ARRAY[a + r * F32Tile.STRIDE + k]);
        }
      }
      Scratchpad.release(a - 1);
    }
  }
}
