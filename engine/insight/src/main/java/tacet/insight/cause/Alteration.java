package tacet.insight.cause;

import java.util.SplittableRandom;

/** Counterfactual images: what would the network do with an image that differs in one respect? */
enum Alteration {
  /** Flat regions get the texture of noise with equal power in every octave; the rest stays. */
  TEXTURED,
  /** Patches of an eighth of each side change places: local content stays, arrangement goes. */
  SHUFFLED,
  /** The same with a quarter of each side. */
  SHUFFLED_COARSELY,
  /** Light and dark change places around the mean. */
  NEGATED,
  /** White noise with the image's mean and at least a tenth of its range as deviation. */
  NOISE,
  /** The same with another seed. */
  MORE_NOISE,
  /** Noise with equal power in every octave, closer to photos. */
  SMOOTH_NOISE,
  /** The same with another seed. */
  MORE_SMOOTH_NOISE,
  /** Everything as bright as the brightest value. */
  WHITE,
  /** Everything as dark as the darkest value. */
  BLACK,
  /**
   * Points of a random colour, each channel as bright or as dark as can be, on the darkest ground. Where all values of an
   * image are positive, a unit whose weights add up to less than nothing answers to none of the above; to a point it does if
   * a single weight is positive.
   */
  POINTS;

  /** One pixel in so many is a point: far enough apart for the first layers to see them one by one. */
  private static final int GROUND_PER_POINT = 64;

  private static final double GREY_LEVELS = 255;

  /** Deviation, in grey levels, of textures where the image itself has next to none. */
  private static final double TEXTURE_LEVELS = 48;

  private static final double LEAST_LEVELS = 26;

  /**
   * An altered image.
   *
   * @param flat which pixels are flat, per image [H, W]
   */
  ImageView apply(ImageView original, boolean[][] flat) {
    // Where nobody said what black and white are, altered images keep to the range that they seem
    // to have.
    ImageView image = original.ranged();
    float[] out = image.planes().clone();
    SplittableRandom random = new SplittableRandom(31 + ordinal());
    switch (this) {
      case TEXTURED -> {
        for (int n = 0; n < image.images(); n++) {
          texture(image, n, flat[n], out, random);
        }
      }
      case SHUFFLED -> shuffle(image, 8, out, random);
      case SHUFFLED_COARSELY -> shuffle(image, 4, out, random);
      case POINTS -> points(image, out, random);
      default -> {
        for (int p = 0; p < image.images() * image.channels(); p++) {
          fill(image, p, out, random);
        }
      }
    }
    return original.with(out);
  }

  private static void texture(
      ImageView image, int n, boolean[] flat, float[] out, SplittableRandom random) {
    for (int c = 0; c < image.channels(); c++) {
      int from = (n * image.channels() + c) * image.pixels();
      double[] noise = octaves(image.height(), image.width(), random);
      double std = TEXTURE_LEVELS * image.grey()[c];
      for (int p = 0; p < flat.length; p++) {
        if (flat[p]) {
          out[from + p] = clamp(image, c, out[from + p] + std * noise[p]);
        }
      }
    }
  }

  private static void shuffle(ImageView image, int parts, float[] out, SplittableRandom random) {
    int rows = Math.min(parts, image.height());
    int columns = image.height() == 1 ? image.width() : Math.min(parts, image.width());
    int[] order = new int[rows * columns];
    for (int i = 0; i < order.length; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    int patchHeight = image.height() / rows;
    int patchWidth = image.width() / columns;
    for (int plane = 0; plane < image.images() * image.channels(); plane++) {
      int base = plane * image.pixels();
      for (int i = 0; i < order.length; i++) {
        int to = i / columns * patchHeight * image.width() + i % columns * patchWidth;
        int from =
            order[i] / columns * patchHeight * image.width() + order[i] % columns * patchWidth;
        for (int y = 0; y < patchHeight; y++) {
          System.arraycopy(
              image.planes(),
              base + from + y * image.width(),
              out,
              base + to + y * image.width(),
              patchWidth);
        }
      }
    }
  }

  private static void points(ImageView image, float[] out, SplittableRandom random) {
    int[] colours = new int[image.images() * image.pixels()];
    for (int p = 0; p < colours.length; p++) {
      colours[p] = random.nextInt(GROUND_PER_POINT) == 0 ? random.nextInt() : 0;
    }
    for (int plane = 0; plane < image.images() * image.channels(); plane++) {
      int c = plane % image.channels();
      int from = plane * image.pixels();
      double dark = image.low()[c];
      double bright = image.high()[c];
      if (Double.isInfinite(dark) || Double.isInfinite(bright)) {
        dark = Double.POSITIVE_INFINITY;
        bright = Double.NEGATIVE_INFINITY;
        for (int p = from; p < from + image.pixels(); p++) {
          dark = Math.min(dark, image.planes()[p]);
          bright = Math.max(bright, image.planes()[p]);
        }
        bright = Math.max(bright, dark + GREY_LEVELS * image.grey()[c]);
      }
      int first = plane / image.channels() * image.pixels();
      for (int i = 0; i < image.pixels(); i++) {
        boolean lit = (colours[first + i] >> c % Integer.SIZE & 1) != 0;
        out[from + i] = (float) (lit ? bright : dark);
      }
    }
  }

  private void fill(ImageView image, int plane, float[] out, SplittableRandom random) {
    int c = plane % image.channels();
    int from = plane * image.pixels();
    double sum = 0;
    double squares = 0;
    float least = Float.POSITIVE_INFINITY;
    float most = Float.NEGATIVE_INFINITY;
    for (int p = from; p < from + image.pixels(); p++) {
      float v = image.planes()[p];
      sum += v;
      squares += (double) v * v;
      least = Math.min(least, v);
      most = Math.max(most, v);
    }
    double mean = sum / image.pixels();
    double std =
        Math.max(
            LEAST_LEVELS * image.grey()[c],
            Math.sqrt(Math.max(0, squares / image.pixels() - mean * mean)));
    boolean smooth = this == SMOOTH_NOISE || this == MORE_SMOOTH_NOISE;
    double[] noise = smooth ? octaves(image.height(), image.width(), random) : null;
    for (int i = 0; i < image.pixels(); i++) {
      out[from + i] =
          switch (this) {
            case NEGATED -> clamp(image, c, 2 * mean - image.planes()[from + i]);
            case WHITE -> Double.isInfinite(image.high()[c]) ? most : (float) image.high()[c];
            case BLACK -> Double.isInfinite(image.low()[c]) ? least : (float) image.low()[c];
            default -> clamp(image, c, mean + std * (smooth ? noise[i] : random.nextGaussian()));
          };
    }
  }

  private static float clamp(ImageView image, int c, double v) {
    return (float) Math.max(image.low()[c], Math.min(image.high()[c], v));
  }

  /** Noise of mean 0 and deviation 1 in which every octave down to single pixels has the same power. */
  private static double[] octaves(int height, int width, SplittableRandom random) {
    double[] out = new double[height * width];
    for (int period = 1; period <= 32; period *= 2) {
      int rows = height / period + 2;
      int columns = width / period + 2;
      double[] grid = new double[rows * columns];
      for (int i = 0; i < grid.length; i++) {
        grid[i] = random.nextGaussian();
      }
      for (int y = 0; y < height; y++) {
        double fy = (double) (y % period) / period;
        for (int x = 0; x < width; x++) {
          double fx = (double) (x % period) / period;
          int at = y / period * columns + x / period;
          double upper = grid[at] * (1 - fx) + grid[at + 1] * fx;
          double lower = grid[at + columns] * (1 - fx) + grid[at + columns + 1] * fx;
          out[y * width + x] += upper * (1 - fy) + lower * fy;
        }
      }
    }
    double mean = 0;
    double squares = 0;
    for (double v : out) {
      mean += v / out.length;
    }
    for (double v : out) {
      squares += (v - mean) * (v - mean) / out.length;
    }
    double std = squares > 0 ? Math.sqrt(squares) : 1;
    for (int i = 0; i < out.length; i++) {
      out[i] = (out[i] - mean) / std;
    }
    return out;
  }
}
