package tacet.kernels.scalar;

import java.util.ArrayList;
import java.util.List;

/** Resampling along any axes, one axis after the other, as the ONNX operator Resize defines it. */
public final class ScalarResize {

  private ScalarResize() {}

  /** Interpolation. */
  public enum Mode {
    NEAREST,
    LINEAR,
    CUBIC
  }

  /** How output positions map to input positions. */
  public enum Coordinates {
    HALF_PIXEL,
    HALF_PIXEL_SYMMETRIC,
    PYTORCH_HALF_PIXEL,
    ALIGN_CORNERS,
    ASYMMETRIC,
    TF_HALF_PIXEL_FOR_NN,
    TF_CROP_AND_RESIZE
  }

  /** How a position between two elements is decided. */
  public enum Nearest {
    ROUND_PREFER_FLOOR,
    ROUND_PREFER_CEIL,
    FLOOR,
    CEIL,
    /** Down along axes that grow, up along those that shrink. */
    FLOOR_OR_CEIL
  }

  /** The input elements that one output element mixes; none where it is extrapolated. */
  private record Mix(int[] indices, double[] weights) {}

  /**
   * @param scales output extent / input extent per axis, before rounding
   * @param roi starts of all axes, then ends, as shares of the input
   * @param cubicA coefficient of the cubic kernel (Keys 1981)
   */
  public static void resize(
      Elements x,
      long[] in,
      Elements y,
      long[] out,
      float[] scales,
      float[] roi,
      Mode mode,
      Coordinates coordinates,
      Nearest nearest,
      double cubicA,
      boolean excludeOutside,
      double extrapolation,
      boolean antialias) {
    int rank = in.length;
    int n = Math.toIntExact(ScalarReduce.product(in, 0, rank));
    double[] current = new double[n];
    for (int i = 0; i < n; i++) {
      current[i] = x.get(i);
    }
    long[] dims = in.clone();
    boolean[] outside = null;
    for (int a = 0; a < rank; a++) {
      boolean crop = coordinates == Coordinates.TF_CROP_AND_RESIZE;
      if (in[a] == out[a] && scales[a] == 1 && !(crop && (roi[a] != 0 || roi[a + rank] != 1))) {
        continue;
      }
      List<Mix> mixes = new ArrayList<>();
      for (int o = 0; o < out[a]; o++) {
        mixes.add(
            mix(
                o,
                in[a],
                out[a],
                scales[a],
                roi[a],
                roi[a + rank],
                mode,
                coordinates,
                nearest,
                cubicA,
                excludeOutside,
                antialias));
      }
      int inner = Math.toIntExact(ScalarReduce.product(dims, a + 1, rank));
      int outer = Math.toIntExact(ScalarReduce.product(dims, 0, a));
      int from = (int) dims[a];
      int to = (int) out[a];
      double[] next = new double[Math.multiplyExact(Math.multiplyExact(outer, to), inner)];
      boolean[] nextOutside = crop ? new boolean[next.length] : null;
      for (int i = 0; i < outer; i++) {
        for (int o = 0; o < to; o++) {
          Mix m = mixes.get(o);
          for (int k = 0; k < inner; k++) {
            int at = (i * to + o) * inner + k;
            if (m == null) {
              nextOutside[at] = true;
              continue;
            }
            double sum = 0;
            for (int j = 0; j < m.indices.length; j++) {
              int source = (i * from + m.indices[j]) * inner + k;
              sum += m.weights[j] * current[source];
              if (outside != null && outside[source]) {
                nextOutside[at] = true;
              }
            }
            next[at] = sum;
          }
        }
      }
      current = next;
      outside = nextOutside != null ? nextOutside : outside;
      dims[a] = to;
    }
    for (int i = 0; i < current.length; i++) {
      y.set(i, outside != null && outside[i] ? extrapolation : current[i]);
    }
  }

  /** In single precision, as runtimes compute it: which element is nearest can hang on the rounding. */
  private static float position(
      int o,
      long in,
      long out,
      float scale,
      float roiStart,
      float roiEnd,
      Coordinates coordinates) {
    return switch (coordinates) {
      case HALF_PIXEL -> (o + 0.5f) / scale - 0.5f;
      case HALF_PIXEL_SYMMETRIC -> {
        float adjustment = out / (scale * in);
        float offset = in / 2f * (1 - adjustment);
        yield offset + (o + 0.5f) / scale - 0.5f;
      }
      case PYTORCH_HALF_PIXEL -> out > 1 ? (o + 0.5f) / scale - 0.5f : 0;
      case ALIGN_CORNERS -> {
        // The extent before rounding, as the operator's reference has it.
        float length = scale * in;
        yield length == 1 || out == 1 ? 0 : o * (in - 1f) / (length - 1f);
      }
      case ASYMMETRIC -> o / scale;
      case TF_HALF_PIXEL_FOR_NN -> (o + 0.5f) / scale;
      case TF_CROP_AND_RESIZE ->
          out > 1
              ? roiStart * (in - 1) + o * (roiEnd - roiStart) * (in - 1) / (out - 1)
              : 0.5f * (roiStart + roiEnd) * (in - 1);
    };
  }

  private static Mix mix(
      int o,
      long in,
      long out,
      float scale,
      float roiStart,
      float roiEnd,
      Mode mode,
      Coordinates coordinates,
      Nearest nearest,
      double cubicA,
      boolean excludeOutside,
      boolean antialias) {
    double x = position(o, in, out, scale, roiStart, roiEnd, coordinates);
    if (coordinates == Coordinates.TF_CROP_AND_RESIZE && (x < 0 || x > in - 1)) {
      return null;
    }
    if (mode == Mode.NEAREST) {
      double i =
          switch (nearest) {
            case ROUND_PREFER_FLOOR -> Math.ceil(x - 0.5);
            case ROUND_PREFER_CEIL -> Math.floor(x + 0.5);
            case FLOOR -> Math.floor(x);
            case CEIL -> Math.ceil(x);
            case FLOOR_OR_CEIL -> scale < 1 ? Math.ceil(x) : Math.floor(x);
          };
      return new Mix(new int[] {(int) Math.clamp((long) i, 0, in - 1)}, new double[] {1});
    }
    double radius = mode == Mode.LINEAR ? 1 : 2;
    double shrink = antialias && scale < 1 ? scale : 1;
    double reach = radius / shrink;
    int first = (int) Math.floor(x - reach) + 1;
    int end = (int) Math.ceil(x + reach);
    if (!antialias || scale >= 1) {
      first = (int) Math.floor(x) - (int) radius + 1;
      end = first + 2 * (int) radius;
    }
    double[] weights = new double[end - first];
    int[] indices = new int[end - first];
    double sum = 0;
    for (int i = first; i < end; i++) {
      double d = Math.abs((x - i) * shrink);
      double w = mode == Mode.LINEAR ? Math.max(0, 1 - d) : cubic(d, cubicA);
      if (excludeOutside && (i < 0 || i >= in)) {
        w = 0;
      }
      weights[i - first] = w;
      indices[i - first] = (int) Math.clamp((long) i, 0, in - 1);
      sum += w;
    }
    if (excludeOutside || antialias && scale < 1) {
      for (int i = 0; i < weights.length; i++) {
        weights[i] /= sum;
      }
    }
    return new Mix(indices, weights);
  }

  /** Keys' cubic convolution kernel. */
  private static double cubic(double d, double a) {
    if (d <= 1) {
      return ((a + 2) * d - (a + 3)) * d * d + 1;
    }
    return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
  }
}
