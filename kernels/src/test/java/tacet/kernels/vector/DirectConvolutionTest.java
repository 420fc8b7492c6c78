package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Products are right from the first call on, while one kind of micro-kernel is compiled and the other is not. */
class DirectConvolutionTest {

  private static final int BYTES = 1 << 19;
  private static final int DEPTH = 40;

  /** Neighbours up to the last rows: those take the micro-kernel for rows anywhere, which is called seldom. */
  private static final int[] ROWS = {15, 27, 57, 60};

  private static final int APART = 4;

  /** Until both kinds are compiled, most times. */
  private static final int CALLS = 30_000;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void productsWhileKernelsAreCompiled(int vectors) {
    Random random = new Random(vectors);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment m = arena.allocate(BYTES, 64);
      MemorySegment w = arena.allocate((long) DEPTH * vectors * Lanes.BYTES, 64);
      for (MemorySegment s : new MemorySegment[] {m, w}) {
        for (long i = 0; i < s.byteSize(); i += Float.BYTES) {
          s.set(ValueLayout.JAVA_FLOAT, i, random.nextFloat() - 0.5f);
        }
      }
      long[] at = new long[DEPTH];
      Arrays.setAll(at, k -> 4L * random.nextInt(1000));
      long to = BYTES / 2;
      long[][] sources = new long[ROWS.length][];
      MemorySegment[] expected = new MemorySegment[ROWS.length];
      for (int i = 0; i < ROWS.length; i++) {
        int rows = ROWS[i];
        sources[i] = new long[rows + 6];
        Arrays.setAll(sources[i], r -> (r + (r < rows - APART ? 0 : 3)) * (long) Lanes.BYTES);
        ColdCode.product(vectors, m, sources[i], 0, rows, at, 0, DEPTH, w, 0, to);
        expected[i] = arena.allocate((long) rows * vectors * Lanes.BYTES, 64);
        expected[i].copyFrom(m.asSlice(to, expected[i].byteSize()));
      }
      for (int call = 0; call < CALLS; call++) {
        int i = call % ROWS.length;
        MemorySegment result = m.asSlice(to, expected[i].byteSize());
        result.fill((byte) 0);
        DirectConvolution.product(vectors, m, sources[i], true, ROWS[i], at, 0, DEPTH, w, 0, to);
        assertEquals(-1, result.mismatch(expected[i]), "call " + call);
      }
    }
  }
}
