package tacet.insight.cause;

import java.util.Arrays;

/**
 * Where an image has no structure: the standard deviation inside a window is below {@link #LEVELS} grey levels in every
 * channel. Sums over windows come from integral images.
 */
final class FlatRegions {

  /** Two grey levels are the noise of a photo's sky after JPEG; four leave a margin. */
  static final double LEVELS = 4;

  /** Window that decides whether a pixel itself is in a flat region. */
  private static final int NEIGHBOURHOOD = 7;

  private final ImageView image;
  private final double[][] sums;
  private final double[][] squares;

  FlatRegions(ImageView image) {
    this.image = image;
    int planes = image.images() * image.channels();
    sums = new double[planes][];
    squares = new double[planes][];
    for (int p = 0; p < planes; p++) {
      integrate(p);
    }
  }

  private void integrate(int plane) {
    int w = image.width();
    double[] s = new double[(image.height() + 1) * (w + 1)];
    double[] q = new double[s.length];
    double zero = image.planes()[plane * image.pixels()];
    for (int y = 0; y < image.height(); y++) {
      double row = 0;
      double rowSquares = 0;
      for (int x = 0; x < w; x++) {
        // Relative to one pixel: a constant plane then has a variance of exactly zero.
        double v = image.planes()[plane * image.pixels() + y * w + x] - zero;
        row += v;
        rowSquares += v * v;
        int at = (y + 1) * (w + 1) + x + 1;
        s[at] = s[at - w - 1] + row;
        q[at] = q[at - w - 1] + rowSquares;
      }
    }
    sums[plane] = s;
    squares[plane] = q;
  }

  /**
   * Which positions of a layer see nothing but flat parts of the image.
   *
   * @param field what a position sees, or null for all of the image
   * @return [height, width]
   */
  boolean[] flat(int n, ReceptiveField field, int height, int width) {
    boolean[] flat = new boolean[height * width];
    if (field == null) {
      Arrays.fill(flat, isFlat(n, 0, 0, image.height(), image.width()));
      return flat;
    }
    for (int y = 0; y < height; y++) {
      int top = field.start()[0] + y * field.step()[0];
      for (int x = 0; x < width; x++) {
        int left = field.start()[1] + x * field.step()[1];
        flat[y * width + x] = isFlat(n, top, left, top + field.size()[0], left + field.size()[1]);
      }
    }
    return flat;
  }

  /** Which positions of a layer see nothing beside the image; null where all do, or what they see is not known. */
  boolean[] whole(ReceptiveField field, int height, int width) {
    if (field == null) {
      return null;
    }
    boolean[] whole = new boolean[height * width];
    boolean any = false;
    for (int y = 0; y < height; y++) {
      int top = field.start()[0] + y * field.step()[0];
      boolean row = top >= 0 && top + field.size()[0] <= image.height();
      for (int x = 0; x < width; x++) {
        int left = field.start()[1] + x * field.step()[1];
        whole[y * width + x] = row && left >= 0 && left + field.size()[1] <= image.width();
        any |= whole[y * width + x];
      }
    }
    return any ? whole : null;
  }

  /** Which pixels are in flat regions; [H, W]. */
  boolean[] pixels(int n) {
    int before = NEIGHBOURHOOD / 2;
    return flat(
        n,
        new ReceptiveField(
            new int[] {NEIGHBOURHOOD, NEIGHBOURHOOD},
            new int[] {1, 1},
            new int[] {-before, -before}),
        image.height(),
        image.width());
  }

  private boolean isFlat(int n, int top, int left, int bottom, int right) {
    int y0 = Math.max(0, top);
    int x0 = Math.max(0, left);
    int y1 = Math.min(image.height(), bottom);
    int x1 = Math.min(image.width(), right);
    if (y0 >= y1 || x0 >= x1) {
      return true;
    }
    int stride = image.width() + 1;
    double count = (double) (y1 - y0) * (x1 - x0);
    for (int c = 0; c < image.channels(); c++) {
      int plane = n * image.channels() + c;
      double mean = window(sums[plane], stride, y0, x0, y1, x1) / count;
      double variance = window(squares[plane], stride, y0, x0, y1, x1) / count - mean * mean;
      double limit = LEVELS * image.grey()[c];
      if (variance > limit * limit) {
        return false;
      }
    }
    return true;
  }

  private static double window(double[] s, int stride, int y0, int x0, int y1, int x1) {
    return s[y1 * stride + x1] - s[y0 * stride + x1] - s[y1 * stride + x0] + s[y0 * stride + x0];
  }
}
