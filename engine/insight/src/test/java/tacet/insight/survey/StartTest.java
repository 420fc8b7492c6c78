package tacet.insight.survey;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class StartTest {

  private static final long MILLISECOND = 1_000_000;

  /** Images until the others begin, where the n-th takes {@code first / n} ms, but {@code last} at least. */
  private static int images(long first, long last) {
    Start start = new Start();
    int n = 0;
    while (!start.isOver()) {
      n++;
      start.took(Math.max(last, first / n) * MILLISECOND);
    }
    return n;
  }

  @Test
  void endsSoonAfterTimesHaveStoppedFalling() {
    int n = images(400, 5);
    assertTrue(n >= 80 && n <= 80 + 3 * 16, n + " images");
  }

  @Test
  void slowImagesAreNotWaitedForLong() {
    assertTrue(images(3000, 700) <= 8);
  }

  @Test
  void aWorkerThatEndsLetsTheOthersBegin() throws InterruptedException {
    Start start = new Start();
    assertFalse(start.isOver());
    start.end();
    start.await();
    assertTrue(start.isOver());
  }
}
