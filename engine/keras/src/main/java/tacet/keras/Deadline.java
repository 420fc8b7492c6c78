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

  Deadline(Duration time) {
    watch =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    Thread.sleep(time);
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
