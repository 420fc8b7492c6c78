package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class ScratchpadTest {

  @Test
  void everyIndexIsInside() {
    assertTrue(Scratchpad.MASK + Scratchpad.REACH < Scratchpad.ARRAY.length);
    assertEquals(0, (Scratchpad.MASK + 1) % Scratchpad.FLOATS);
    assertEquals(1, Integer.bitCount(Scratchpad.MASK + 1), "a power of two");
  }

  @Test
  void aPartThatIsFreeIsGivenAgain() {
    int first = Scratchpad.lease(0);
    Scratchpad.release(first);
    assertEquals(first, Scratchpad.lease(0));
    int second = Scratchpad.lease(0);
    assertTrue(second != first && second % Scratchpad.FLOATS == 0);
    Scratchpad.release(second);
    Scratchpad.release(first);
  }

  /** Far more than there are parts: nobody finds in his own what another has written. */
  @Test
  void manyThreadsShareFewParts() throws Exception {
    try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor();
        ExecutorService platform = Executors.newFixedThreadPool(16)) {
      List<Future<Integer>> results = new ArrayList<>();
      for (int t = 0; t < 32; t++) {
        int number = t;
        results.add((t % 2 == 0 ? pool : platform).submit(() -> overwritten(number)));
      }
      for (Future<Integer> r : results) {
        assertEquals(0, r.get());
      }
    }
  }

  private static int overwritten(int number) {
    int wrong = 0;
    for (int i = 0; i < 200; i++) {
      int first = Scratchpad.lease(number);
      assertTrue(first >= 0 && first + Scratchpad.FLOATS <= Scratchpad.MASK + 1);
      Scratchpad.ARRAY[first] = number;
      Scratchpad.ARRAY[first + Scratchpad.FLOATS - 1] = number;
      Thread.onSpinWait();
      if (Scratchpad.ARRAY[first] != number
          || Scratchpad.ARRAY[first + Scratchpad.FLOATS - 1] != number) {
        wrong++;
      }
      Scratchpad.release(first);
    }
    return wrong;
  }
}
