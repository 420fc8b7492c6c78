package tacet.insight.cause;

import java.util.ArrayList;
import java.util.List;
import tacet.insight.image.Normalization;
import tacet.insight.image.Normalization.Channels;

/** The usual ways to prepare pixels, and images prepared in one way turned into the same images prepared in another. */
final class UsualWays {

  /** There are no more than these, the one in use included. */
  static final int MOST = 12;

  private static final double GREY_LEVELS = 255;

  /** From black to white it is one at least and 255 at most in all ways that are usual; a factor of four is left as margin. */
  private static final double LEAST_RANGE = 0.25;

  private static final double MOST_RANGE = 1024;

  private UsualWays() {}

  /** How a sample was prepared: as it says, or else as its values look; null where it is no picture. */
  static Normalization inUse(Sample sample, ImageView image) {
    Normalization n = sample.normalization();
    if (n == null) {
      n = ImageView.guess(image);
    }
    if (n == null && (image.channels() == 1 || image.channels() == 3)) {
      Channels c = image.channels() == 3 ? Channels.RGB : Channels.GREY;
      n = new Normalization(c, 1, new float[] {0}, new float[] {1});
    }
    boolean fits = n != null && n.channels().count() == image.channels() && n.scale() != 0;
    return fits ? n : null;
  }

  /** All other usual ways, and the one in use with channels swapped. */
  static List<Normalization> others(Normalization used) {
    List<Normalization> ways = new ArrayList<>();
    float[] none = {0};
    float[] one = {1};
    Channels[] orders =
        used.channels() == Channels.GREY
            ? new Channels[] {Channels.GREY}
            : new Channels[] {Channels.RGB, Channels.BGR};
    for (Channels c : orders) {
      ways.add(new Normalization(c, used.scale(), used.mean(), used.std()));
      ways.add(new Normalization(c, 1f / 255, none, one));
      ways.add(new Normalization(c, 1 / 127.5f, one, one));
      ways.add(new Normalization(c, 1, none, one));
      if (c == Channels.RGB) {
        ways.add(
            new Normalization(
                c,
                1f / 255,
                new float[] {0.485f, 0.456f, 0.406f},
                new float[] {0.229f, 0.224f, 0.225f}));
        ways.add(new Normalization(c, 1, new float[] {123, 117, 104}, one));
      } else if (c == Channels.BGR) {
        ways.add(new Normalization(c, 1, new float[] {104, 117, 123}, one));
      }
    }
    List<Normalization> distinct = new ArrayList<>();
    for (Normalization way : ways) {
      if (!isAlike(way, used) && distinct.stream().noneMatch(w -> isAlike(w, way))) {
        distinct.add(way);
      }
    }
    return distinct;
  }

  /** Whether no grey level comes out differently by more than a twentieth of one. */
  static boolean isAlike(Normalization a, Normalization b) {
    boolean alike = a.channels() == b.channels();
    for (int c = 0; alike && c < a.channels().count(); c++) {
      for (int pixel : new int[] {0, 255}) {
        double x = (pixel * (double) a.scale() - a.mean()[c]) / a.std()[c];
        double y = (pixel * (double) b.scale() - b.mean()[c]) / b.std()[c];
        alike &= Math.abs(x - y) < 0.05 * Math.abs(grey(a, c));
      }
    }
    return alike;
  }

  /** As in use, but with the image's own mean taken away: any mean that was forgotten is near it, if no usual one. */
  static Normalization centred(Normalization used, ImageView image) {
    float[] mean = used.mean();
    for (int c = 0; c < image.channels(); c++) {
      double sum = 0;
      for (int n = 0; n < image.images(); n++) {
        int from = (n * image.channels() + c) * image.pixels();
        for (int p = from; p < from + image.pixels(); p++) {
          sum += image.planes()[p];
        }
      }
      mean[c] += (float) (sum / image.images() / image.pixels() * used.std()[c]);
    }
    return new Normalization(used.channels(), used.scale(), mean, used.std());
  }

  /** The same image as it would be, prepared in another way. */
  static ImageView convert(ImageView image, Normalization from, Normalization to) {
    if (from == to) {
      return image;
    }
    float[] out = new float[image.planes().length];
    int pixels = image.pixels();
    boolean swap = from.channels() != to.channels();
    float[] fromMean = from.mean();
    float[] fromStd = from.std();
    float[] toMean = to.mean();
    float[] toStd = to.std();
    for (int plane = 0; plane < image.images() * image.channels(); plane++) {
      int c = plane % image.channels();
      int source = swap ? image.channels() - 1 - c : c;
      int base = (plane - c + source) * pixels;
      for (int p = 0; p < pixels; p++) {
        double pixel =
            (image.planes()[base + p] * fromStd[source] + fromMean[source]) / from.scale();
        out[plane * pixels + p] = (float) ((pixel * to.scale() - toMean[c]) / toStd[c]);
      }
    }
    return image.with(out);
  }

  /** How much a grey level is. */
  static double grey(Normalization n) {
    return grey(n, 0);
  }

  private static double grey(Normalization n, int channel) {
    return n.scale() / n.std()[channel];
  }

  /** Whether black and white are closer together, or farther apart, than in any usual way. */
  static boolean isUnusualRange(Normalization n) {
    double range = Math.abs(grey(n)) * GREY_LEVELS;
    return range < LEAST_RANGE || range > MOST_RANGE;
  }

  /**
   * Whether zero is between black and white, or beside them by no more than half of what is between them.
   *
   * @param known whether the way is known, or was only read off the values
   */
  static boolean isAroundZero(ImageView image, Normalization way, boolean known) {
    if (known) {
      for (int c = 0; c < image.channels(); c++) {
        double black = -way.mean()[c] / way.std()[c];
        double white = (GREY_LEVELS * way.scale() - way.mean()[c]) / way.std()[c];
        double margin = Math.abs(white - black) / 2;
        if (Math.min(black, white) > margin || Math.max(black, white) < -margin) {
          return false;
        }
      }
      return true;
    }
    if (ImageView.guess(image) != null) {
      return true;
    }
    float least = Float.POSITIVE_INFINITY;
    float most = Float.NEGATIVE_INFINITY;
    for (float x : image.planes()) {
      least = Math.min(least, x);
      most = Math.max(most, x);
    }
    return least <= most - least && most >= least - most;
  }
}
