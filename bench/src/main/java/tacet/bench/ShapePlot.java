package tacet.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Draws the rates of both sides, shape by shape, as an SVG picture. */
final class ShapePlot {

  private static final int ROW = 18;
  private static final int LEFT = 270;
  private static final int WIDTH = 560;
  private static final int RIGHT = 90;
  private static final int TOP = 64;
  private static final int BOTTOM = 34;
  private static final String VECTOR = "#1f6fb2";
  private static final String ONEDNN = "#d9822b";

  private ShapePlot() {}

  /**
   * @param peak rate of multiply-adds that the machine can do at best, drawn as a line
   */
  static void write(Path file, List<ShapeComparison.Row> rows, double peak, int threads)
      throws IOException {
    Files.writeString(file, svg(rows, peak, threads));
  }

  private static String svg(List<ShapeComparison.Row> rows, double peak, int threads) {
    double most = peak;
    for (ShapeComparison.Row r : rows) {
      most = Math.max(most, Math.max(r.vectorGflops(), r.onednnGflops()));
    }
    double scale = WIDTH / (1.02 * most);
    int height = TOP + ROW * rows.size() + BOTTOM;
    StringBuilder s = new StringBuilder();
    append(
        s,
        "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d'"
            + " font-family='sans-serif' font-size='11'>%n",
        LEFT + WIDTH + RIGHT,
        height);
    append(s, "<rect width='100%%' height='100%%' fill='white'/>%n");
    append(
        s,
        "<text x='12' y='20' font-size='14'>Convolutions with bias and ReLU, %d thread(s):"
            + " GFLOP/s</text>%n",
        threads);
    legend(s, 12, VECTOR, "SIMD in Java");
    legend(s, 132, ONEDNN, "oneDNN");
    append(
        s,
        "<text x='%d' y='40' fill='#444'>ratio = oneDNN's time ÷ SIMD's; bold where SIMD"
            + " wins</text>%n",
        LEFT);
    double step = step(most);
    for (double v = 0; v <= most; v += step) {
      double x = LEFT + v * scale;
      append(
          s,
          "<line x1='%.1f' y1='%d' x2='%.1f' y2='%d' stroke='#ddd'/>%n",
          x,
          TOP - 6,
          x,
          height - BOTTOM);
      append(
          s,
          "<text x='%.1f' y='%d' text-anchor='middle' fill='#666'>%.0f</text>%n",
          x,
          height - BOTTOM + 16,
          v);
    }
    for (int i = 0; i < rows.size(); i++) {
      row(s, rows.get(i), TOP + i * ROW, scale);
    }
    if (Double.isFinite(peak)) {
      double x = LEFT + peak * scale;
      append(
          s,
          "<line x1='%.1f' y1='%d' x2='%.1f' y2='%d' stroke='#888' stroke-dasharray='4 3'/>%n",
          x,
          TOP - 6,
          x,
          height - BOTTOM);
      append(
          s,
          "<text x='%.1f' y='%d' text-anchor='middle' fill='#555'>FMA peak</text>%n",
          x,
          TOP - 10);
    }
    return s.append("</svg>\n").toString();
  }

  private static void legend(StringBuilder s, int x, String colour, String text) {
    append(s, "<rect x='%d' y='31' width='11' height='11' fill='%s'/>%n", x, colour);
    append(s, "<text x='%d' y='40'>%s</text>%n", x + 16, text);
  }

  private static void row(StringBuilder s, ShapeComparison.Row r, int y, double scale) {
    boolean wins = r.ratio() >= 1;
    append(
        s,
        "<text x='%d' y='%d' text-anchor='end'>%s</text>%n",
        LEFT - 8,
        y + 12,
        r.shape().toString());
    append(
        s,
        "<rect x='%d' y='%d' width='%.1f' height='6' fill='%s'/>%n",
        LEFT,
        y + 2,
        r.vectorGflops() * scale,
        VECTOR);
    append(
        s,
        "<rect x='%d' y='%d' width='%.1f' height='6' fill='%s'/>%n",
        LEFT,
        y + 8,
        r.onednnGflops() * scale,
        ONEDNN);
    append(
        s,
        "<text x='%d' y='%d' font-weight='%s'>%.2f</text>%n",
        LEFT + WIDTH + 14,
        y + 12,
        wins ? "bold" : "normal",
        r.ratio());
  }

  /** A round distance of grid lines, five to ten of them. */
  private static double step(double most) {
    double power = Math.pow(10, Math.floor(Math.log10(most)));
    double share = most / power;
    return share < 2 ? power / 5 : share < 5 ? power / 2 : power;
  }

  private static void append(StringBuilder s, String format, Object... values) {
    s.append(String.format(Locale.ROOT, format, values));
  }
}
