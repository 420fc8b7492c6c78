package tacet.error;

import java.time.Duration;

/** A run that was not done within the time the caller gave it. The model stays usable. */
public final class DeadlineExceededException extends TacetException {
  private static final long serialVersionUID = 1L;

  /**
   * @param timeout the time that was given
   * @param progress how far the run got
   */
  public DeadlineExceededException(Duration timeout, String progress) {
    super("not done within " + timeout.toNanos() / 1e6 + " ms: " + progress, null);
  }
}
