package tacet.keras;

import java.lang.foreign.Arena;
import java.time.Duration;

/**
 * Memory that is taken away after a time. A parser that a hostile file keeps busy fails at its next access, whatever it is
 * doing.
 */
final class Deadline implements AutoCloseable {

  private final Arena arena = Arena.ofShared();
  private final Thread watch;
  private boolean closed;
  private volatile boolean passed;

  Deadline(Duration time) {
    watch =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    Thread.sleep(time);
                    passed = true;
                    end();
                  } catch (InterruptedException e) {
                    // Done in time.
                    return;
                  }
                });
  }

  Arena arena() {
    return arena;
  }

  /** Whether the time was over before the end: what failed since then may have failed for that reason alone. */
  boolean isPassed() {
    return passed;
  }

  private synchronized void end() {
    if (!closed) {
      closed = true;
      arena.close();
    }
  }

  @Override
  public void close() {
    watch.interrupt();
    end();
  }
}
