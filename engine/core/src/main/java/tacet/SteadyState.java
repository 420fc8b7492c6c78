package tacet;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Runs a session until its times have stopped falling. */
final class SteadyState {

  private static final long WINDOW_NANOS = 100_000_000;
  private static final int LEAST_RUNS_PER_WINDOW = 3;
  private static final int WINDOWS_WITHOUT_GAIN = 3;

  /** What is no more than this faster is no gain. */
  private static final double GAIN = 0.97;

  private SteadyState() {}

  /**
   * @param start of {@link System#nanoTime}, when the first run was asked for
   */
  static WarmUp await(Session session, long start, Duration most) throws InterruptedException {
    long end = start + most.toNanos();
    session.run();
    long first = System.nanoTime() - start;
    int runs = 1;
    double best = Double.POSITIVE_INFINITY;
    double median = first;
    int without = 0;
    while (without < WINDOWS_WITHOUT_GAIN && System.nanoTime() - end < 0) {
      List<Long> times = new ArrayList<>();
      long windowStart = System.nanoTime();
      long now = windowStart;
      while (now - windowStart < WINDOW_NANOS || times.size() < LEAST_RUNS_PER_WINDOW) {
        session.run();
        long done = System.nanoTime();
        times.add(done - now);
        now = done;
        if (done - end >= 0) {
          break;
        }
      }
      runs += times.size();
      long[] sorted = times.stream().mapToLong(Long::longValue).sorted().toArray();
      median = sorted[sorted.length / 2];
      without = median < GAIN * best || !session.isSettled() ? 0 : without + 1;
      best = Math.min(best, median);
    }
    return new WarmUp(
        runs,
        Duration.ofNanos(System.nanoTime() - start),
        Duration.ofNanos(first),
        Duration.ofNanos((long) median),
        without >= WINDOWS_WITHOUT_GAIN);
  }
}
