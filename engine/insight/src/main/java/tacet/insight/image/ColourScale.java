package tacet.insight.image;

/**
 * Colours for values: zero is nearly black, positive values rise over violet, red and orange to
 * pale yellow, negative ones over blue to pale cyan. Lightness grows linearly in Oklab (B.
 * Ottosson, "A perceptual color space for image processing", 2020), so equal steps look equal, also
 * in grey print.
 */
final class ColourScale {
  private static final int STEPS = 256;

  /** Where colours begin if the range does not reach zero: what is not zero never looks like it. */
  private static final double NOT_ZERO = 0.18;

  private static final int[] POSITIVE = ramp(300, 165, 0.175);
  private static final int[] NEGATIVE = ramp(285, -90, 0.13);

  private final double low;
  private final double high;

  /** Colours for values between {@code low} and {@code high}, both finite. */
  ColourScale(double low, double high) {
    this.low = low;
    this.high = high;
  }

  /**
   * The colour of a finite value, 0xRRGGBB. If the range holds zero, the brightest colour stands
   * for the value farthest from zero; else for the end farther from zero, and the other end keeps a
   * distance from black.
   */
  int of(double v) {
    if (v == 0) {
      return POSITIVE[0];
    }
    double near = low > 0 ? low : high < 0 ? -high : 0;
    double far = Math.max(-low, high);
    double share = near == far ? 0.5 : (Math.abs(v) - near) / (far - near);
    double t = near == 0 ? share : NOT_ZERO + (1 - NOT_ZERO) * share;
    int step = (int) Math.round(t * (STEPS - 1));
    return (v > 0 ? POSITIVE : NEGATIVE)[Math.max(0, Math.min(STEPS - 1, step))];
  }

  /**
   * @param hue where it begins, degrees
   * @param turn how far it turns
   * @param chroma its largest chroma
   */
  private static int[] ramp(double hue, double turn, double chroma) {
    int[] out = new int[STEPS];
    for (int i = 0; i < STEPS; i++) {
      double t = i / (STEPS - 1.0);
      double lightness = 0.13 + 0.84 * t;
      double c = chroma * Math.pow(Math.sin(Math.PI * (0.12 + 0.80 * t)), 0.8);
      out[i] = toRgb(lightness, c, Math.toRadians(hue + turn * t));
    }
    return out;
  }

  /** Oklab to sRGB; colours that no screen shows lose chroma until one does. */
  private static int toRgb(double lightness, double chroma, double hue) {
    for (double c = chroma; ; c -= 0.002) {
      double a = Math.max(c, 0) * Math.cos(hue);
      double b = Math.max(c, 0) * Math.sin(hue);
      double l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
      double m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
      double s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
      double red = 4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s;
      double green = -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s;
      double blue = -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s;
      double least = Math.min(red, Math.min(green, blue));
      double most = Math.max(red, Math.max(green, blue));
      if (c <= 0 || least >= 0 && most <= 1) {
        return encode(red) << 16 | encode(green) << 8 | encode(blue);
      }
    }
  }

  private static double cube(double v) {
    return v * v * v;
  }

  private static int encode(double linear) {
    double v = Math.max(0, Math.min(1, linear));
    double coded = v <= 0.0031308 ? 12.92 * v : 1.055 * Math.pow(v, 1 / 2.4) - 0.055;
    return (int) Math.round(255 * coded);
  }
}
