package tacet.bench;

import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Several ways to do the same, timed in turn: each round times every contestant once, so that what disturbs the machine
 * disturbs all alike and the ratio within a round is what counts.
 */
final class Contest {

  /** One piece of work. */
  @FunctionalInterface
  interface Work {
    void run() throws Exception;
  }

  /** A sample lasts at least this long: work that is shorter is repeated. */
  private static final long SAMPLE_NANOS = 20_000_000;

  /** Rounds that are compared with the rounds before to see whether times still fall. */
  private static final int STEADY_ROUNDS = 4;

  private static final double STEADY_WITHIN = 0.04;

  /** Longest that is waited for the compiler, which has other things to do on a busy machine. */
  private static final double MOST_COMPILING_SECONDS = 20;

  /** Longest that threads of one contestant look for work before they sleep, so that they don't disturb the next. */
  private static final long REST_MILLIS = 15;

  private final List<Work> contestants;
  private final int[] repeats;
  private final long restMillis;
  private double[][] nanos;

  /**
   * @param restAfter whether contestants have threads that spin for a while after their work is done
   */
  Contest(List<Work> contestants, boolean restAfter) {
    this.contestants = contestants;
    this.repeats = new int[contestants.size()];
    this.restMillis = restAfter ? REST_MILLIS : 0;
  }

  /**
   * Warms up until every contestant is steady, at least {@code leastSeconds} and at most {@code mostSeconds} each, then
   * runs {@code rounds} rounds.
   *
   * @param compiled whether all code is compiled; what is not is no contest, and gets more time
   */
  void run(int rounds, double leastSeconds, double mostSeconds, BooleanSupplier compiled)
      throws Exception {
    long start = System.nanoTime();
    Arrays.fill(repeats, 1);
    double[][] history = new double[contestants.size()][2 * STEADY_ROUNDS];
    double[] spent = new double[contestants.size()];
    for (int round = 0; ; round++) {
      boolean ready = round >= 2 * STEADY_ROUNDS;
      for (int i = 0; i < contestants.size(); i++) {
        double t = sample(i);
        spent[i] += t * repeats[i] / 1e9;
        history[i][round % history[i].length] = t;
        ready &=
            spent[i] >= leastSeconds && (isSteady(history[i], round) || spent[i] > mostSeconds);
        repeats[i] = (int) Math.clamp(Math.ceil(SAMPLE_NANOS / t), 1, 100_000);
      }
      boolean waits = System.nanoTime() - start < MOST_COMPILING_SECONDS * 1e9;
      if (ready && (compiled.getAsBoolean() || !waits)) {
        break;
      }
    }
    nanos = new double[contestants.size()][rounds];
    for (int round = 0; round < rounds; round++) {
      for (int k = 0; k < contestants.size(); k++) {
        int i = (k + round) % contestants.size();
        if (restMillis > 0) {
          Thread.sleep(restMillis);
        }
        // The others have had the caches: not timed.
        contestants.get(i).run();
        nanos[i][round] = sample(i);
      }
    }
  }

  /** Whether the later half of the history is no faster than the earlier half. */
  private static boolean isSteady(double[] history, int round) {
    double[] early = new double[STEADY_ROUNDS];
    double[] late = new double[STEADY_ROUNDS];
    for (int i = 0; i < STEADY_ROUNDS; i++) {
      late[i] = history[Math.floorMod(round - i, history.length)];
      early[i] = history[Math.floorMod(round - STEADY_ROUNDS - i, history.length)];
    }
    return median(late) > (1 - STEADY_WITHIN) * median(early);
  }

  /** Nanoseconds of one run. */
  private double sample(int i) throws Exception {
    Work work = contestants.get(i);
    long start = System.nanoTime();
    for (int r = 0; r < repeats[i]; r++) {
      work.run();
    }
    return (double) (System.nanoTime() - start) / repeats[i];
  }

  /** Median nanoseconds of one run of a contestant. */
  double median(int contestant) {
    return median(nanos[contestant]);
  }

  /** Median over the rounds of the time of {@code a} divided by the time of {@code b}. */
  double ratio(int a, int b) {
    double[] ratios = new double[nanos[a].length];
    for (int r = 0; r < ratios.length; r++) {
      ratios[r] = nanos[a][r] / nanos[b][r];
    }
    return median(ratios);
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
  }
}
