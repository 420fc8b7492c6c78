package tacet.insight.cause;

import tacet.graph.Graph;
import tacet.graph.ValueInfo;
import tacet.insight.image.Normalization;
import tacet.insight.image.Normalization.Channels;
import tacet.insight.image.Normalization.Layout;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * A network's input as planes, to be altered and turned back. What is no image is one row of one channel.
 *
 * @param original shape in the model's own layout
 * @param layout order of its dimensions where it is an image
 * @param planes [N, C, H, W], row-major
 * @param grey size of one of 256 grey levels per channel
 * @param low least value that a pixel can have, per channel; −∞ where not known
 * @param high largest value
 */
record ImageView(
    Shape original,
    Layout layout,
    int images,
    int channels,
    int height,
    int width,
    float[] planes,
    double[] grey,
    double[] low,
    double[] high) {

  /** Values between 0 and 255 that spread less are taken for something else than bytes. */
  private static final int LEAST_BYTE_RANGE = 32;

  static ImageView of(Sample sample, Graph graph) {
    Tensor t = sample.tensor();
    Shape s = t.shape();
    if (s.rank() != 4) {
      int n = s.rank() > 1 ? s.intDim(0) : 1;
      int length = Math.toIntExact(s.elements()) / Math.max(1, n);
      return new ImageView(s, Layout.NCHW, n, 1, 1, length, t.toFloats(), null, null, null)
          .scaled(null);
    }
    ValueInfo info = graph.inputs().getFirst();
    boolean last =
        graph.channelsLast().contains(info.name()) || !isColour(s.dim(1)) && isColour(s.dim(3));
    Values.Value v = Values.value(t, last);
    return new ImageView(
            s,
            last ? Layout.NHWC : Layout.NCHW,
            v.images(),
            v.channels(),
            v.height(),
            v.width(),
            v.data(),
            null,
            null,
            null)
        .scaled(sample.normalization());
  }

  private static boolean isColour(long channels) {
    return channels == 1 || channels == 3;
  }

  int pixels() {
    return height * width;
  }

  ImageView with(float[] otherPlanes) {
    return new ImageView(
        original, layout, images, channels, height, width, otherPlanes, grey, low, high);
  }

  /**
   * A quarter of every image at twice the size: a picture of something else, with the statistics of pictures.
   *
   * @param which 0 to 3, row by row
   */
  ImageView quarter(int which) {
    int top = which / 2 * (height / 2);
    int left = which % 2 * (width / 2);
    float[] out = new float[planes.length];
    for (int plane = 0; plane < images * channels; plane++) {
      int from = plane * pixels();
      for (int y = 0; y < height; y++) {
        int y0 = top + y / 2;
        int y1 = Math.min(height - 1, y0 + y % 2);
        for (int x = 0; x < width; x++) {
          int x0 = left + x / 2;
          int x1 = Math.min(width - 1, x0 + x % 2);
          float upper = (planes[from + y0 * width + x0] + planes[from + y0 * width + x1]) / 2;
          float lower = (planes[from + y1 * width + x0] + planes[from + y1 * width + x1]) / 2;
          out[from + y * width + x] = (upper + lower) / 2;
        }
      }
    }
    return with(out);
  }

  /** Back in the model's layout. */
  Tensor tensor() {
    if (layout == Layout.NCHW) {
      return Tensor.of(original, planes);
    }
    float[] out = new float[planes.length];
    int pixels = pixels();
    for (int n = 0; n < images; n++) {
      for (int c = 0; c < channels; c++) {
        int from = (n * channels + c) * pixels;
        for (int p = 0; p < pixels; p++) {
          out[(n * pixels + p) * channels + c] = planes[from + p];
        }
      }
    }
    return Tensor.of(original, out);
  }

  private ImageView scaled(Normalization n) {
    double[] newGrey = new double[channels];
    double[] newLow = new double[channels];
    double[] newHigh = new double[channels];
    if (n != null && n.channels().count() == channels) {
      float[] mean = n.mean();
      float[] std = n.std();
      for (int c = 0; c < channels; c++) {
        double black = -mean[c] / std[c];
        double white = (255 * n.scale() - mean[c]) / std[c];
        newGrey[c] = Math.abs(white - black) / 255;
        newLow[c] = Math.min(black, white);
        newHigh[c] = Math.max(black, white);
      }
    } else {
      double range = guessedRange();
      java.util.Arrays.fill(newGrey, range / 255);
      java.util.Arrays.fill(newLow, Double.NEGATIVE_INFINITY);
      java.util.Arrays.fill(newHigh, Double.POSITIVE_INFINITY);
    }
    return new ImageView(
        original, layout, images, channels, height, width, planes, newGrey, newLow, newHigh);
  }

  /** The same, between black and white of the usual normalization that gives such values, where nobody said which. */
  ImageView ranged() {
    return Double.isInfinite(low[0]) ? scaled(guess(this)) : this;
  }

  /** From black to white where nobody said: the usual ranges, or else six standard deviations. */
  private double guessedRange() {
    double least = Double.POSITIVE_INFINITY;
    double most = Double.NEGATIVE_INFINITY;
    double sum = 0;
    double squares = 0;
    for (float v : planes) {
      least = Math.min(least, v);
      most = Math.max(most, v);
      sum += v;
      squares += (double) v * v;
    }
    if (least >= 0 && most <= 1) {
      return 1;
    }
    if (least >= -1 && most <= 1) {
      return 2;
    }
    if (least >= 0 && most <= 255 && most - least >= LEAST_BYTE_RANGE) {
      return 255;
    }
    double mean = sum / planes.length;
    double std = Math.sqrt(Math.max(0, squares / planes.length - mean * mean));
    return std > 0 ? 6 * std : Math.max(1, Math.abs(mean));
  }

  /** The normalization that gave these values where nobody said, or null where no usual one could have. */
  static Normalization guess(ImageView v) {
    Channels channels =
        v.channels == 3 ? Channels.RGB : v.channels == 1 && v.height > 1 ? Channels.GREY : null;
    if (channels == null) {
      return null;
    }
    double least = Double.POSITIVE_INFINITY;
    double most = Double.NEGATIVE_INFINITY;
    for (float x : v.planes) {
      least = Math.min(least, x);
      most = Math.max(most, x);
    }
    float[] none = {0};
    float[] one = {1};
    if (least >= 0 && most <= 1) {
      return new Normalization(channels, 1f / 255, none, one);
    }
    if (least >= -1 && most <= 1) {
      return new Normalization(channels, 1 / 127.5f, one, one);
    }
    return least >= 0 && most <= 255 && most - least >= LEAST_BYTE_RANGE
        ? new Normalization(channels, 1, none, one)
        : null;
  }
}
