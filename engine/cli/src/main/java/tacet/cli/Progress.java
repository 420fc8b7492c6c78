package tacet.cli;

import java.io.PrintStream;
import java.util.Locale;

/** A line that says how far something is, on a terminal and after the first second only. */
final class Progress {

  private static final int WIDTH = 30;
  private static final long REFRESH_NANOS = 200_000_000L;
  private static final long SILENT_NANOS = 1_000_000_000L;

  private final String what;
  private final int total;
  private final PrintStream out;
  private final boolean terminal = System.console() != null && System.console().isTerminal();
  private final long start = System.nanoTime();
  private long last;
  private boolean shown;

  Progress(String what, int total, PrintStream out) {
    this.what = what;
    this.total = total;
    this.out = out;
  }

  /** Files per second so far. */
  double rate(int done) {
    return done / ((System.nanoTime() - start) / 1e9);
  }

  synchronized void done(int done) {
    long now = System.nanoTime();
    if (!terminal || now - start < SILENT_NANOS || now - last < REFRESH_NANOS && done < total) {
      return;
    }
    last = now;
    shown = true;
    int filled = (int) ((long) WIDTH * done / Math.max(1, total));
    double left = (total - done) / Math.max(1e-9, rate(done));
    out.printf(
        Locale.ROOT,
        "\r%s %s%s %d/%d  %.1f/s  %s left ",
        what,
        "█".repeat(filled),
        "░".repeat(WIDTH - filled),
        done,
        total,
        rate(done),
        time(left));
    out.flush();
  }

  synchronized void close() {
    if (shown) {
      out.println();
    }
  }

  private static String time(double seconds) {
    long s = Math.round(seconds);
    return s < 3600
        ? String.format(Locale.ROOT, "%d:%02d", s / 60, s % 60)
        : String.format(Locale.ROOT, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
  }
}
