package tacet.insight.survey;

import java.util.Arrays;
import java.util.concurrent.CountDownLatch;

/**
 * The first images of a survey, which one worker runs alone while the VM compiles what they need: several would run the same
 * code uncompiled, many times slower, on the processors that the compiler waits for. The others begin when the times of
 * images have stopped falling.
 */
final class Start {

  private static final int WINDOW_IMAGES = 16;
  private static final long WINDOW_NANOS = 500_000_000L;
  private static final long MOST_NANOS = 5_000_000_000L;

  /** Medians of two windows this close are no fall. */
  private static final double STEADY = 0.8;

  private final CountDownLatch over = new CountDownLatch(1);
  private final long[] times = new long[WINDOW_IMAGES];
  private int taken;
  private int images;
  private long spent;
  private long spentBefore;
  private double medianBefore = Double.POSITIVE_INFINITY;

  /** Waits until the others may begin. */
  void await() throws InterruptedException {
    over.await();
  }

  /** Lets the others begin. */
  void end() {
    over.countDown();
  }

  boolean isOver() {
    return over.getCount() == 0;
  }

  /** Images until the others began, by the time all workers are done. */
  int images() {
    return images;
  }

  /** Nanoseconds that those took. */
  long nanos() {
    return spent;
  }

  /** Of the worker that is alone: an image took this long. */
  void took(long nanos) {
    if (isOver()) {
      return;
    }
    images++;
    times[taken++] = nanos;
    spent += nanos;
    if (taken < WINDOW_IMAGES && spent - spentBefore < WINDOW_NANOS) {
      return;
    }
    Arrays.sort(times, 0, taken);
    double median = times[taken / 2];
    if (median > STEADY * medianBefore || spent > MOST_NANOS) {
      end();
    }
    medianBefore = median;
    spentBefore = spent;
    taken = 0;
  }
}
