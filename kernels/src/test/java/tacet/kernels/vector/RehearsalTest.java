package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class RehearsalTest {

  /** Nanoseconds that no operation takes which is compiled. */
  private static final long LONG = 1_000_000;

  /** A method that hardly any work is for is compiled in the end, too. */
  @Test
  void littlePlainCode() throws InterruptedException {
    Rehearsal rehearsal = new Rehearsal(true);
    assertTrue(rehearsal.isDue());
    rehearsal.rehearsed(System.nanoTime() - LONG, 1);
    rehearsal.waited(1);
    assertFalse(rehearsal.isDue());
    int calls = 0;
    for (; !rehearsal.isDue(); calls++) {
      Thread.sleep(20);
      rehearsal.waited(1);
    }
    assertTrue(calls < 20, calls + " calls");
  }

  /** However long nothing was asked for: what comes of it is a millisecond. */
  @Test
  void longRest() throws InterruptedException {
    Rehearsal rehearsal = new Rehearsal(true);
    rehearsal.waited(1);
    Thread.sleep(200);
    rehearsal.waited(1);
    rehearsal.rehearsed(System.nanoTime() - LONG, 1);
    assertFalse(rehearsal.isDue());
  }
}
