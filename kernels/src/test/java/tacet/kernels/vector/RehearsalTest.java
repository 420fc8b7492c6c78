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
    assertTrue(callsUntilDue(rehearsal) < 80);
    rehearsal.rehearsed(System.nanoTime() - LONG, 1);
    rehearsal.waited(1);
    assertFalse(rehearsal.isDue());
    assertTrue(callsUntilDue(rehearsal) < 20);
  }

  private static int callsUntilDue(Rehearsal rehearsal) throws InterruptedException {
    int calls = 0;
    for (; !rehearsal.isDue(); calls++) {
      Thread.sleep(20);
      rehearsal.waited(1);
    }
    return calls;
  }

  /** The first result does not wait for rehearsals. */
  @Test
  void firstResult() {
    Rehearsal rehearsal = new Rehearsal(true);
    assertFalse(rehearsal.isDue());
    rehearsal.waited(20_000_000);
    assertFalse(rehearsal.isDue());
    rehearsal.waited(20_000_000);
    assertTrue(rehearsal.isDue());
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
