package tacet.insight.cause;

import java.util.Locale;

/** Numbers as findings say them. */
final class Text {

  private Text() {}

  static String format(String pattern, Object... args) {
    return String.format(Locale.ROOT, pattern, args);
  }

  /** One decimal; two where there would be nothing else. */
  static String percent(double share) {
    double p = 100 * share;
    return p != 0 && Math.abs(p) < 0.95 || p > 99.05 && p < 100
        ? format("%.2f %%", p)
        : p == 0 || p == 100 ? format("%.0f %%", p) : format("%.1f %%", p);
  }

  static String percent(long part, long whole) {
    return percent(whole == 0 ? 0 : (double) part / whole);
  }

  static String plural(long n, String one) {
    return n + " " + (n == 1 ? one : one + "s");
  }
}
