package tacet.kernels.scalar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
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

  /** Views of any steps and extents, and elements of any size, against one by one. */
  @Test
  void anyView() {
    Random random = new Random(3);
    for (int round = 0; round < 2000; round++) {
      int rank = 1 + random.nextInt(5);
      int size = new int[] {1, 2, 4, 8}[random.nextInt(4)];
      long[] dims = new long[rank];
      int elements = 1;
      for (int a = 0; a < rank; a++) {
        dims[a] = 1 + random.nextInt(random.nextInt(8) == 0 ? 40 : 4);
        elements *= (int) dims[a];
      }
      // The axes of a dense array in another order, some of them backwards or repeated.
      List<Integer> order = new ArrayList<>(IntStream.range(0, rank).boxed().toList());
      Collections.shuffle(order, random);
      long[] steps = new long[rank];
      long first = 0;
      long step = 1;
      for (int a : order) {
        steps[a] = random.nextInt(6) == 0 ? 0 : random.nextInt(4) == 0 ? -step : step;
        first += steps[a] < 0 ? step * (dims[a] - 1) : 0;
        step *= dims[a];
      }
      byte[] source = new byte[elements * size];
      random.nextBytes(source);
      byte[] expected = new byte[source.length];
      byte[] back = new byte[source.length];
      for (int i = 0; i < elements; i++) {
        long at = first;
        int rest = i;
        for (int a = rank - 1; a >= 0; a--) {
          at += rest % dims[a] * steps[a];
          rest /= (int) dims[a];
        }
        System.arraycopy(source, (int) at * size, expected, i * size, size);
        System.arraycopy(source, i * size, back, (int) at * size, size);
      }
      MemorySegment from = MemorySegment.ofArray(source);
      byte[] target = new byte[source.length];
      ScalarMove.gather(from, first, steps, MemorySegment.ofArray(target), dims, size);
      assertArrayEquals(expected, target);
      if (Arrays.stream(steps).allMatch(s -> s != 0)) {
        ScalarMove.scatter(from, MemorySegment.ofArray(target), first, steps, dims, size);
        assertArrayEquals(back, target);
      }
    }
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
