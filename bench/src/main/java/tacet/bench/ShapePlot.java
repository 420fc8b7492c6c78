package tacet.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Draws the rates of both sides, shape by shape, as an SVG picture. */
final class ShapePlot {

  private static final int ROW = 24;
  private static final int BAR = 8;
  private static final int LEFT = 330;
  private static final int WIDTH = 560;
  private static final int RIGHT = 84;
  private static final int TOP = 96;
  private static final int BOTTOM = 52;

  /** Right ends of the columns of channels and size, and where the one of kernels begins. */
  private static final int CHANNELS = 96;

  private static final int SIZE = 166;
  private static final int KERNEL = 186;
  private static final int RATIO = LEFT + WIDTH + 62;

  // Told apart by people who see red and green alike, and in print.
  private static final String VECTOR = "#0b5fa5";
  private static final String ONEDNN = "#f0a04b";
  private static final String ONEDNN_TEXT = "#a85a00";
  private static final String TEXT = "#222";
  private static final String QUIET = "#666";

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
    int bottom = TOP + ROW * rows.size();
    StringBuilder s = new StringBuilder();
    append(
        s,
        "<svg xmlns='http://www.w3.org/2000/svg' width='%1$d' height='%2$d' viewBox='0 0 %1$d %2$d'"
            + " font-family='Inter, Helvetica, Arial, sans-serif' font-size='12' fill='%3$s'>%n",
        LEFT + WIDTH + RIGHT,
        bottom + BOTTOM,
        TEXT);
    append(s, "<rect width='100%%' height='100%%' fill='white'/>%n");
    head(s, rows, threads);
    // Stripes first, so that the grid and the bars lie on them.
    for (int i = 1; i < rows.size(); i += 2) {
      append(
          s,
          "<rect x='12' y='%d' width='%d' height='%d' fill='#f5f7f9'/>%n",
          TOP + i * ROW,
          LEFT + WIDTH + RIGHT - 24,
          ROW);
    }
    double step = step(most);
    for (double v = 0; v <= most; v += step) {
      double x = LEFT + v * scale;
      line(s, x, TOP, bottom, v == 0 ? "stroke='#999'" : "stroke='#e0e4e8'");
      text(s, x, bottom + 18, "middle", QUIET, String.format(Locale.ROOT, "%.0f", v));
    }
    text(s, LEFT + WIDTH / 2.0, bottom + 38, "middle", QUIET, "GFLOP/s");
    for (int i = 0; i < rows.size(); i++) {
      row(s, rows.get(i), TOP + i * ROW, scale);
    }
    if (Double.isFinite(peak)) {
      double x = LEFT + peak * scale;
      line(s, x, TOP - 4, bottom, "stroke='#555' stroke-dasharray='4 3'");
      text(s, x, TOP - 9, "middle", QUIET, "multiply-adds in registers");
    }
    return s.append("</svg>\n").toString();
  }

  private static void head(StringBuilder s, List<ShapeComparison.Row> rows, int threads) {
    append(
        s,
        "<text x='12' y='26' font-size='17' font-weight='600'>Convolutions with bias and ReLU,"
            + " %s</text>%n",
        threads == 1 ? "one thread" : threads + " threads");
    long wins = rows.stream().filter(r -> r.ratio() >= 1).count();
    append(
        s,
        "<text x='12' y='46' fill='%s'>ratio: oneDNN's time ÷ SIMD's; SIMD is faster on %d of %d"
            + " shapes, geometric mean %.2f</text>%n",
        QUIET,
        wins,
        rows.size(),
        ShapeComparison.geometricMean(rows));
    legend(s, LEFT + WIDTH - 190, VECTOR, "SIMD in Java");
    legend(s, LEFT + WIDTH - 74, ONEDNN, "oneDNN");
    text(s, CHANNELS, TOP - 9, "end", QUIET, "channels");
    text(s, SIZE, TOP - 9, "end", QUIET, "image");
    text(s, KERNEL, TOP - 9, "start", QUIET, "kernel");
    text(s, RATIO, TOP - 9, "end", QUIET, "ratio");
  }

  private static void legend(StringBuilder s, int x, String colour, String text) {
    append(s, "<rect x='%d' y='36' width='12' height='12' rx='2' fill='%s'/>%n", x, colour);
    append(s, "<text x='%d' y='46'>%s</text>%n", x + 18, text);
  }

  private static void row(StringBuilder s, ShapeComparison.Row r, int y, double scale) {
    ConvShape c = r.shape();
    double middle = y + ROW / 2.0 + 4;
    text(s, CHANNELS, middle, "end", TEXT, c.inChannels() + " → " + c.outChannels());
    text(s, SIZE, middle, "end", TEXT, c.height() + "×" + c.width());
    text(s, KERNEL, middle, "start", TEXT, kernel(c));
    bar(s, y + 3, r.vectorGflops() * scale, VECTOR);
    bar(s, y + 3 + BAR + 2, r.onednnGflops() * scale, ONEDNN);
    append(
        s,
        "<text x='%d' y='%.1f' text-anchor='end' font-weight='600' fill='%s'>%.2f</text>%n",
        RATIO,
        middle,
        r.ratio() >= 1 ? VECTOR : ONEDNN_TEXT,
        r.ratio());
  }

  private static String kernel(ConvShape c) {
    StringBuilder s = new StringBuilder();
    s.append(c.kernelHeight()).append('×').append(c.kernelWidth());
    if (c.strideY() * c.strideX() != 1) {
      s.append(" stride ").append(pair(c.strideY(), c.strideX()));
    }
    if (c.dilationY() * c.dilationX() != 1) {
      s.append(" dilated ").append(pair(c.dilationY(), c.dilationX()));
    }
    if (c.groups() > 1) {
      s.append(c.groups() == c.inChannels() ? " depthwise" : " in " + c.groups() + " groups");
    }
    return s.toString();
  }

  private static String pair(int a, int b) {
    return a == b ? Integer.toString(a) : a + "×" + b;
  }

  private static void bar(StringBuilder s, int y, double width, String colour) {
    append(
        s,
        "<rect x='%d' y='%d' width='%.1f' height='%d' rx='1' fill='%s'/>%n",
        LEFT,
        y,
        width,
        BAR,
        colour);
  }

  private static void text(
      StringBuilder s, double x, double y, String anchor, String colour, String text) {
    append(
        s,
        "<text x='%.1f' y='%.1f' text-anchor='%s' fill='%s'>%s</text>%n",
        x,
        y,
        anchor,
        colour,
        text);
  }

  private static void line(StringBuilder s, double x, int from, int to, String style) {
    append(s, "<line x1='%.1f' y1='%d' x2='%.1f' y2='%d' %s/>%n", x, from, x, to, style);
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
