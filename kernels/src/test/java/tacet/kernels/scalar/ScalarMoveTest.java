package tacet.kernels.scalar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class ScalarMoveTest {

  private static int[] gather(int[] source, long first, long[] steps, long... dims) {
    int n = 1;
    for (long d : dims) {
      n *= (int) d;
    }
    int[] target = new int[n];
    ScalarMove.gather(
        MemorySegment.ofArray(source), first, steps, MemorySegment.ofArray(target), dims, 4);
    return target;
  }

  @Test
  void transpose() {
    int[] matrix = {1, 2, 3, 4, 5, 6};
    assertArrayEquals(new int[] {1, 4, 2, 5, 3, 6}, gather(matrix, 0, new long[] {1, 3}, 3, 2));
  }

  @Test
  void backwards() {
    assertArrayEquals(new int[] {3, 2, 1}, gather(new int[] {1, 2, 3}, 2, new long[] {-1}, 3));
  }

  @Test
  void repeated() {
    assertArrayEquals(new int[] {1, 2, 1, 2}, gather(new int[] {1, 2}, 0, new long[] {0, 1}, 2, 2));
  }

  @Test
  void scalarAndNothing() {
    assertArrayEquals(new int[] {2}, gather(new int[] {1, 2}, 1, new long[0]));
    assertArrayEquals(new int[0], gather(new int[] {1, 2}, 0, new long[] {1, 1}, 2, 0));
  }

  @Test
  void scatterIsTheWayBack() {
    byte[] dense = {1, 2, 3, 4};
    byte[] target = new byte[8];
    ScalarMove.scatter(
        MemorySegment.ofArray(dense),
        MemorySegment.ofArray(target),
        1,
        new long[] {4, 2},
        new long[] {2, 2},
        1);
    assertArrayEquals(new byte[] {0, 1, 0, 2, 0, 3, 0, 4}, target);
  }
}
