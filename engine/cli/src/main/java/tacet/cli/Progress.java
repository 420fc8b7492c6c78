package tacet.cli;

import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A bar that says how far something is: on a terminal, after the first second, on the error stream. */
final class Progress implements AutoCloseable {

  private static final long SILENT_NANOS = 1_000_000_000L;
  private static final int REFRESH_MILLIS = 200;
  private static final int WIDTH = 79;

  private final String what;
  private final boolean terminal = System.console() != null && System.console().isTerminal();
  private final long start = System.nanoTime();
  private ProgressBar bar;

  Progress(String what) {
    this.what = what;
  }

  synchronized void at(long done, long total) {
    long elapsed = System.nanoTime() - start;
    if (terminal && bar == null && elapsed > SILENT_NANOS && done < total) {
      bar =
          new ProgressBarBuilder()
              .setTaskName(what)
              .setInitialMax(total)
              .setUpdateIntervalMillis(REFRESH_MILLIS)
              .setStyle(ProgressBarStyle.UNICODE_BLOCK)
              .setConsumer(new ConsoleProgressBarConsumer(System.err, WIDTH))
              .showSpeed(new DecimalFormat("0.0", DecimalFormatSymbols.getInstance(Locale.ROOT)))
              .startsFrom(done, Duration.ofNanos(elapsed))
              .build();
    }
    if (bar != null) {
      bar.maxHint(total);
      bar.stepTo(done);
    }
  }

  @Override
  public synchronized void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}
