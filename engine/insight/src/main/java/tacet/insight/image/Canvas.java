package tacet.insight.image;

/**
 * The few shapes that feature-map grids are drawn with. Whatever lies outside of the picture is
 * left out.
 */
final class Canvas {
  private Canvas() {}

  static void fill(Picture on, int x, int y, int width, int height, int colour) {
    int left = Math.max(0, x);
    int right = Math.min(on.width(), x + width);
    int bottom = Math.min(on.height(), y + height);
    for (int row = Math.max(0, y); row < bottom; row++) {
      int at = 3 * (row * on.width() + left);
      for (int i = left; i < right; i++) {
        on.rgb()[at++] = (byte) (colour >> 16);
        on.rgb()[at++] = (byte) (colour >> 8);
        on.rgb()[at++] = (byte) colour;
      }
    }
  }

  /** A frame that lies around the given rectangle, not on it. */
  static void frame(Picture on, int x, int y, int width, int height, int thick, int colour) {
    fill(on, x - thick, y - thick, width + 2 * thick, thick, colour);
    fill(on, x - thick, y + height, width + 2 * thick, thick, colour);
    fill(on, x - thick, y, thick, height, colour);
    fill(on, x + width, y, thick, height, colour);
  }

  /** Both diagonals of a rectangle. */
  static void cross(Picture on, int x, int y, int width, int height, int colour) {
    int steps = Math.max(width, height);
    for (int i = 0; i < steps; i++) {
      int dx = i * width / steps;
      int dy = i * height / steps;
      fill(on, x + dx, y + dy, 1, 1, colour);
      fill(on, x + width - 1 - dx, y + dy, 1, 1, colour);
    }
  }
}
