package tacet.insight.image;

/**
 * Printable ASCII in a raster of 5 by 7, the letter forms of character displays. Drawn here so that
 * pictures look the same everywhere, also where no fonts are installed.
 */
final class BitmapFont {
  static final int HEIGHT = 7;

  /** From one character to the next. */
  private static final int ADVANCE = 6;

  /**
   * From the blank on: five columns per character, two hexadecimal digits each, top row in the
   * lowest bit.
   */
  private static final String COLUMNS =
      "0000000000"
          + "00005F0000"
          + "0007000700"
          + "147F147F14"
          + "242A7F2A12"
          + "2313086462"
          + "3649562050"
          + "0000070000"
          + "001C224100"
          + "0041221C00"
          + "2A1C7F1C2A"
          + "08083E0808"
          + "0050300000"
          + "0808080808"
          + "0060600000"
          + "2010080402"
          + "3E5149453E"
          + "00427F4000"
          + "4261514946"
          + "2141454B31"
          + "1814127F10"
          + "2745454539"
          + "3C4A494930"
          + "0171090503"
          + "3649494936"
          + "064949291E"
          + "0036360000"
          + "0056360000"
          + "0814224100"
          + "1414141414"
          + "0041221408"
          + "0201510906"
          + "324979413E"
          + "7E1111117E"
          + "7F49494936"
          + "3E41414122"
          + "7F4141221C"
          + "7F49494941"
          + "7F09090901"
          + "3E4149497A"
          + "7F0808087F"
          + "00417F4100"
          + "2040413F01"
          + "7F08142241"
          + "7F40404040"
          + "7F020C027F"
          + "7F0408107F"
          + "3E4141413E"
          + "7F09090906"
          + "3E4151215E"
          + "7F09192946"
          + "4649494931"
          + "01017F0101"
          + "3F4040403F"
          + "1F2040201F"
          + "3F4038403F"
          + "6314081463"
          + "0708700807"
          + "6151494543"
          + "007F414100"
          + "0204081020"
          + "0041417F00"
          + "0402010204"
          + "4040404040"
          + "0001020400"
          + "2054545478"
          + "7F48444438"
          + "3844444420"
          + "384444487F"
          + "3854545418"
          + "087E090102"
          + "0C5252523E"
          + "7F08040478"
          + "00447D4000"
          + "2040443D00"
          + "7F10284400"
          + "00417F4000"
          + "7C04180478"
          + "7C08040478"
          + "3844444438"
          + "7C14141408"
          + "081414187C"
          + "7C08040408"
          + "4854545420"
          + "043F444020"
          + "3C4040207C"
          + "1C2040201C"
          + "3C4030403C"
          + "4428102844"
          + "0C5050503C"
          + "4464544C44"
          + "0008364100"
          + "00007F0000"
          + "0041360800"
          + "1008081008";

  private BitmapFont() {}

  /** Width in pixels of a line of text. */
  static int width(String text, int scale) {
    return text.isEmpty() ? 0 : (text.length() * ADVANCE - 1) * scale;
  }

  /** The longest beginning of {@code text} that fits, with dots where something was left out. */
  static String fit(String text, int width, int scale) {
    if (width(text, scale) <= width) {
      return text;
    }
    int letters = (width / scale + 1) / ADVANCE - 3;
    return letters < 1 ? "" : text.substring(0, letters) + "...";
  }

  /**
   * Draws a line of text.
   *
   * @param x left edge
   * @param y top edge
   * @param scale pixels per dot
   * @param colour 0xRRGGBB
   */
  static void draw(Picture on, String text, int x, int y, int scale, int colour) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      int glyph = (c > ' ' && c <= '~' ? c : c == ' ' ? ' ' : '?') - ' ';
      for (int column = 0; column < 5; column++) {
        int at = 10 * glyph + 2 * column;
        int dots = Integer.parseInt(COLUMNS, at, at + 2, 16);
        for (int row = 0; row < HEIGHT; row++) {
          if ((dots >> row & 1) != 0) {
            int left = x + (i * ADVANCE + column) * scale;
            Canvas.fill(on, left, y + row * scale, scale, scale, colour);
          }
        }
      }
    }
  }
}
