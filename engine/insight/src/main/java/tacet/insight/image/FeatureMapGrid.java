package tacet.insight.image;

import java.util.Locale;

/**
 * Draws a layer's feature maps as one picture: a tile per channel with its index and zero share, at
 * most {@value #MAX} pixels wide and high.
 *
 * <ul>
 *   <li>Columns: between as many as rows and four times as many; of those the number that leaves
 *       the fewest places empty, then the one nearest to twice as many columns as rows (128
 *       channels: 16 × 8), then the smaller.
 *   <li>Every map has its own colour scale (see {@link ColourScale}): zero is dark, its largest
 *       magnitude bright. The units of a dense layer share one scale.
 *   <li>Small maps are enlarged by whole factors to about {@value #TILE} pixels; maps that would
 *       make the picture too large shrink, each pixel the mean of the area it stands for.
 *   <li>Marked channels: dead (zero share 1) red and crossed, constant amber, with NaN or infinite
 *       values magenta.
 * </ul>
 */
public final class FeatureMapGrid {
  /** Longest side of a picture. */
  static final int MAX = 4096;

  /**
   * More cells than this would be too small to see; units of a dense layer are then averaged in
   * groups.
   */
  static final int MAX_CELLS = 1 << 20;

  private static final int TILE = 96;
  private static final int CELL = 34;
  private static final int MARGIN = 24;
  private static final int HEADER = 84;
  private static final int MIN_WIDTH = 480;
  private static final int BAR = 96;

  private static final int PAPER = 0xFBFAF8;
  private static final int INK = 0x26282D;
  private static final int PALE_INK = 0x80838B;
  private static final int DEAD = 0xE5343D;
  private static final int CONSTANT = 0xE8A317;
  private static final int NON_FINITE = 0xD92BD0;

  /** A zero unit where cells touch: red would drown among the colours of the others. */
  private static final int ZERO_CELL = 0x8E949E;

  private enum Mark {
    NONE(PALE_INK, ""),
    DEAD(FeatureMapGrid.DEAD, "dead (all zero)"),
    CONSTANT(FeatureMapGrid.CONSTANT, "constant"),
    NON_FINITE(FeatureMapGrid.NON_FINITE, "NaN or infinite");

    private final int colour;
    private final String meaning;

    Mark(int colour, String meaning) {
      this.colour = colour;
      this.meaning = meaning;
    }
  }

  /**
   * Where things are, in pixels.
   *
   * @param pitchX from one tile's place to the next
   * @param tileX width of a tile; tiles stand in the middle of their place
   * @param label scale of the text below the tiles, 0 for none
   */
  private record Layout(
      int columns, int rows, int pitchX, int pitchY, int gap, int tileX, int tileY, int label) {
    int width() {
      return Math.max(MIN_WIDTH, 2 * MARGIN + columns * pitchX - gap);
    }

    int height() {
      return top() + rows * pitchY - gap + MARGIN;
    }

    /**
     * Pixels per dot of the header's small print, so that it can be read on a page shown as a
     * whole.
     */
    int print() {
      return width() < 1800 ? 1 : 2;
    }

    int top() {
      return HEADER * print();
    }
  }

  private final FeatureMaps maps;
  private final int group;
  private final Layout layout;
  private final Picture page;

  private FeatureMapGrid(FeatureMaps maps, int group) {
    this.maps = maps;
    this.group = group;
    this.layout = layout(maps);
    this.page = Picture.blank(layout.width(), layout.height());
  }

  /**
   * Draws the maps of a layer.
   *
   * @throws IllegalArgumentException if there are more than 2^20 maps
   */
  public static Picture render(FeatureMaps maps) {
    int group = 1;
    FeatureMaps shown = maps;
    if (maps.channels() > MAX_CELLS) {
      if (!maps.isVector()) {
        throw new IllegalArgumentException(maps.name() + ": " + maps.channels() + " maps");
      }
      group = (maps.channels() + MAX_CELLS - 1) / MAX_CELLS;
      shown = grouped(maps, group);
    }
    return new FeatureMapGrid(shown, group).draw();
  }

  private static FeatureMaps grouped(FeatureMaps units, int group) {
    int cells = (units.channels() + group - 1) / group;
    float[] mean = new float[cells];
    double[] share = new double[cells];
    for (int i = 0; i < cells; i++) {
      int end = (int) Math.min(units.channels(), (i + 1L) * group);
      double sum = 0;
      for (int u = i * group; u < end; u++) {
        sum += units.values()[u];
        share[i] += units.zeroShare()[u];
      }
      mean[i] = (float) (sum / (end - i * group));
      share[i] /= end - i * group;
    }
    return new FeatureMaps(units.name(), cells, 1, 1, mean, share);
  }

  /** The number of columns for {@code count} tiles; the class comment has the rule. */
  static int columns(int count) {
    int best = 0;
    long bestEmpty = Long.MAX_VALUE;
    double bestRatio = 0;
    int from = (int) Math.ceil(Math.sqrt(count));
    int to = (int) Math.floor(2 * Math.sqrt(count));
    for (int c = from; c <= Math.max(from, to); c++) {
      long empty = (count + c - 1) / c * (long) c - count;
      double square = (double) c * c;
      double ratio = Math.max(square / (2.0 * count), 2.0 * count / square);
      if (empty < bestEmpty || empty == bestEmpty && ratio < bestRatio) {
        best = c;
        bestEmpty = empty;
        bestRatio = ratio;
      }
    }
    return best;
  }

  private static Layout layout(FeatureMaps maps) {
    int columns = columns(maps.channels());
    int rows = (maps.channels() + columns - 1) / columns;
    int placeX = (MAX - 2 * MARGIN) / columns;
    int placeY = (MAX - 2 * HEADER - MARGIN) / rows;
    int place = Math.min(placeX, placeY);
    int gap = place < 8 ? 0 : Math.clamp(place / 10, 2, 10);
    int label = place < 30 ? 0 : 1;
    int roomX = placeX - gap;
    int roomY = placeY - gap - labelHeight(label);
    int w = maps.width();
    int h = maps.height();
    int tileX;
    int tileY;
    if (w > roomX || h > roomY) {
      double shrink = Math.min((double) roomX / w, (double) roomY / h);
      tileX = Math.max(1, (int) (w * shrink));
      tileY = Math.max(1, (int) (h * shrink));
    } else {
      int size = maps.isVector() ? CELL : TILE;
      int enlarge = Math.max(1, Math.round((float) size / Math.max(w, h)));
      enlarge = Math.max(1, Math.min(enlarge, Math.min(roomX / w, roomY / h)));
      tileX = w * enlarge;
      tileY = h * enlarge;
    }
    // Maps of a few rows or columns would be hairlines.
    if (!maps.isVector()) {
      tileX = thicken(tileX, w, roomX);
      tileY = thicken(tileY, h, roomY);
    }
    if (tileX >= 150 && roomY - labelHeight(2) + labelHeight(1) >= tileY) {
      label = 2;
    }
    int text = maps.isVector() ? 0 : Math.min(roomX, BitmapFont.width("000 100%", 1));
    int pitchX = Math.max(tileX, label > 0 ? text : 0) + gap;
    int pitchY = tileY + labelHeight(label) + gap;
    return new Layout(columns, rows, pitchX, pitchY, gap, tileX, tileY, label);
  }

  private static int thicken(int tile, int side, int room) {
    int least = Math.min(12, room);
    return tile >= least || tile < side ? tile : Math.max(1, least / side) * side;
  }

  private static int labelHeight(int scale) {
    return scale == 0 ? 0 : BitmapFont.HEIGHT * scale + 4 + scale;
  }

  private Picture draw() {
    Canvas.fill(page, 0, 0, page.width(), page.height(), PAPER);
    int[] marks = new int[Mark.values().length];
    ColourScale shared = maps.isVector() ? scale(maps.values()) : null;
    for (int c = 0; c < maps.channels(); c++) {
      int x = MARGIN + c % layout.columns * layout.pitchX;
      int y = layout.top() + c / layout.columns * layout.pitchY;
      x += (layout.pitchX - layout.gap - layout.tileX) / 2;
      Mark mark = mark(c);
      marks[mark.ordinal()]++;
      float[] tile = tile(c);
      paint(tile, x, y, shared == null ? scale(tile) : shared);
      outline(x, y, mark);
      label(c, x, y + layout.tileY, mark);
    }
    header(marks);
    return page;
  }

  private Mark mark(int channel) {
    int pixels = maps.width() * maps.height();
    float[] v = maps.values();
    int from = channel * pixels;
    boolean constant = true;
    for (int i = from; i < from + pixels; i++) {
      if (!Float.isFinite(v[i])) {
        return Mark.NON_FINITE;
      }
      constant &= v[i] == v[from];
    }
    if (maps.zeroShare()[channel] >= 1) {
      return Mark.DEAD;
    }
    return constant && pixels > 1 ? Mark.CONSTANT : Mark.NONE;
  }

  /**
   * The channel's map in the size of its tile's pixels, or smaller where they are enlarged when
   * painted.
   */
  private float[] tile(int channel) {
    int w = maps.width();
    int h = maps.height();
    float[] v = maps.values();
    int from = channel * w * h;
    int outX = Math.min(w, layout.tileX);
    int outY = Math.min(h, layout.tileY);
    float[] out = new float[outX * outY];
    if (outX == w && outY == h) {
      System.arraycopy(v, from, out, 0, out.length);
      return out;
    }
    AreaTaps across = AreaTaps.of(w, outX);
    AreaTaps down = AreaTaps.of(h, outY);
    for (int y = 0; y < outY; y++) {
      for (int x = 0; x < outX; x++) {
        double sum = 0;
        for (int j = 0; j < down.count(y); j++) {
          int row = from + (down.first(y) + j) * w + across.first(x);
          double part = 0;
          for (int i = 0; i < across.count(x); i++) {
            part += across.weight(x, i) * (double) v[row + i];
          }
          sum += down.weight(y, j) * part;
        }
        out[y * outX + x] = (float) sum;
      }
    }
    return out;
  }

  private static ColourScale scale(float[] values) {
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    for (float v : values) {
      if (Float.isFinite(v)) {
        low = Math.min(low, v);
        high = Math.max(high, v);
      }
    }
    return low > high ? new ColourScale(0, 0) : new ColourScale(low, high);
  }

  private void paint(float[] tile, int x, int y, ColourScale scale) {
    int w = Math.min(maps.width(), layout.tileX);
    int h = Math.min(maps.height(), layout.tileY);
    int kx = layout.tileX / w;
    int ky = layout.tileY / h;
    for (int i = 0; i < tile.length; i++) {
      int colour = Float.isFinite(tile[i]) ? scale.of(tile[i]) : NON_FINITE;
      Canvas.fill(page, x + i % w * kx, y + i / w * ky, kx, ky, colour);
    }
  }

  private void outline(int x, int y, Mark mark) {
    if (mark == Mark.NONE) {
      return;
    }
    if (layout.gap == 0) {
      // No room for a frame: the cell itself says it.
      Canvas.fill(page, x, y, layout.tileX, layout.tileY, swatch(mark));
      return;
    }
    int thick = layout.tileX < 48 ? 1 : 2;
    Canvas.frame(page, x, y, layout.tileX, layout.tileY, thick, mark.colour);
    if (mark == Mark.DEAD) {
      Canvas.cross(page, x, y, layout.tileX, layout.tileY, mark.colour);
    }
  }

  private int swatch(Mark mark) {
    return mark == Mark.DEAD && layout.gap == 0 ? ZERO_CELL : mark.colour;
  }

  private void label(int channel, int x, int bottom, Mark mark) {
    if (layout.label == 0) {
      return;
    }
    int scale = layout.label;
    int y = bottom + 3 + scale;
    String index = Integer.toString(channel);
    int width = layout.pitchX - layout.gap;
    int left = x - (width - layout.tileX) / 2;
    if (maps.isVector()) {
      if (BitmapFont.width(index, scale) <= width) {
        int middle = left + (width - BitmapFont.width(index, scale)) / 2;
        BitmapFont.draw(page, index, middle, y, scale, mark == Mark.NONE ? PALE_INK : mark.colour);
      }
      return;
    }
    int indexColour = mark == Mark.NONE ? INK : mark.colour;
    int shareColour = mark == Mark.NONE ? PALE_INK : mark.colour;
    String share = percent(maps.zeroShare()[channel]);
    boolean both = BitmapFont.width(index + " " + share, scale) <= width;
    if (both) {
      BitmapFont.draw(page, index, left, y, scale, indexColour);
      int right = left + width - BitmapFont.width(share, scale);
      BitmapFont.draw(page, share, right, y, scale, shareColour);
    } else if (BitmapFont.width(index, scale) <= width) {
      BitmapFont.draw(page, index, left, y, scale, indexColour);
    }
  }

  /** Whole percents, but 0 % and 100 % only where they are exact. */
  static String percent(double share) {
    if (share > 0 && share < 0.005) {
      return "<1%";
    }
    if (share < 1 && share >= 0.995) {
      return ">99%";
    }
    return Math.round(100 * share) + "%";
  }

  private void header(int[] marks) {
    int room = page.width() - 2 * MARGIN;
    int s = layout.print();
    BitmapFont.draw(page, BitmapFont.fit(maps.name(), room, 2 * s), MARGIN, 18 * s, 2 * s, INK);
    String what;
    if (!maps.isVector()) {
      String noun = maps.channels() == 1 ? "map" : "maps";
      what = maps.channels() + " " + noun + " of " + maps.width() + " x " + maps.height();
    } else if (group == 1) {
      what = maps.channels() + (maps.channels() == 1 ? " unit" : " units");
    } else {
      what = maps.channels() + " cells, each the mean of " + group + " units";
    }
    what += String.format(Locale.ROOT, ", %.2f%% zeros", 100 * maps.totalZeroShare());
    BitmapFont.draw(page, BitmapFont.fit(what, room, s), MARGIN, 40 * s, s, PALE_INK);
    legend(marks, 56 * s, s);
  }

  private void legend(int[] marks, int y, int s) {
    boolean negative = false;
    for (float v : maps.values()) {
      negative |= v < 0;
    }
    ColourScale bar = new ColourScale(negative ? -1 : 0, 1);
    String first = negative ? "-max" : "0";
    int x = MARGIN;
    BitmapFont.draw(page, first, x, y, s, PALE_INK);
    x += BitmapFont.width(first, s) + 5 * s;
    for (int i = 0; i < BAR; i++, x += s) {
      double t = i / (BAR - 1.0);
      Canvas.fill(page, x, y, s, BitmapFont.HEIGHT * s, bar.of(negative ? 2 * t - 1 : t));
    }
    String last = negative ? "+max" : "max";
    BitmapFont.draw(page, last, x + 5 * s, y, s, PALE_INK);
    x += 5 * s + BitmapFont.width(last, s) + 18 * s;
    for (Mark mark : Mark.values()) {
      int count = marks[mark.ordinal()];
      if (mark != Mark.NONE && count > 0) {
        Canvas.fill(page, x, y, 7 * s, 7 * s, swatch(mark));
        boolean unit = mark == Mark.DEAD && maps.isVector();
        String text = count + " " + (unit ? "zero" : mark.meaning);
        BitmapFont.draw(page, text, x + 12 * s, y, s, INK);
        x += 12 * s + BitmapFont.width(text, s) + 18 * s;
      }
    }
  }
}
