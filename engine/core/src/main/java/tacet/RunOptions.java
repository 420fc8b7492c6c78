package tacet;

import java.time.Duration;
import java.util.Objects;
import java.util.Set;

/**
 * What one run is to return, and by when.
 *
 * @param taps layers or values that are returned besides the outputs; they are not fused away
 * @param timeout longest time for the run, waiting for a share of the thread budget included; looked at between layers;
 *     null for no bound
 */
public record RunOptions(Set<String> taps, Duration timeout) {

  private static final RunOptions DEFAULTS = new RunOptions(Set.of(), null);

  public RunOptions {
    taps = Set.copyOf(taps);
    if (timeout != null && timeout.isNegative()) {
      throw new IllegalArgumentException("the timeout must not be negative, got " + timeout);
    }
  }

  /** The outputs alone, in whatever time it takes. */
  public static RunOptions defaults() {
    return DEFAULTS;
  }

  public RunOptions withTaps(String... names) {
    return new RunOptions(Set.of(names), timeout);
  }

  public RunOptions withTaps(Set<String> names) {
    return new RunOptions(names, timeout);
  }

  public RunOptions withTimeout(Duration most) {
    return new RunOptions(taps, Objects.requireNonNull(most, "timeout"));
  }
}
