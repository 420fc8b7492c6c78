package tacet.kernels.scalar;

import java.util.Arrays;

/** Convolutions over any number of spatial axes, row-major, accumulated in float32 in a fixed order. */
public final class ScalarConv {

  private ScalarConv() {}

  /**
   * Cross-correlation.
   *
   * @param x input [N, C, in…]
   * @param in spatial extent of the input
   * @param w weights [M, C/groups, kernel…]
   * @param bias [M] or null
   * @param y output [N, M, out…]; written
   * @param out spatial extent of the output
   * @param padsBegin padding before the first element per axis; may be negative
   */
  public static void convolve(
      float[] x,
      int n,
      int channels,
      int[] in,
      float[] w,
      int[] kernel,
      float[] bias,
      float[] y,
      int filters,
      int[] out,
      int groups,
      int[] strides,
      int[] padsBegin,
      int[] dilations) {
    int axes = in.length;
    int last = axes - 1;
    int perGroup = channels / groups;
    int filtersPerGroup = filters / groups;
    int inSize = product(in);
    int outSize = product(out);
    int taps = product(kernel);
    int rows = outSize == 0 ? 0 : outSize / out[last];
    int[] place = new int[axes];
    int[] tap = new int[axes];
    for (int image = 0; image < n; image++) {
      for (int m = 0; m < filters; m++) {
        int yBase = (image * filters + m) * outSize;
        Arrays.fill(y, yBase, yBase + outSize, bias == null ? 0f : bias[m]);
        for (int c = 0; c < perGroup && inSize > 0; c++) {
          int xBase = (image * channels + m / filtersPerGroup * perGroup + c) * inSize;
          int wBase = (m * perGroup + c) * taps;
          for (int t = 0; t < taps; t++) {
            float weight = w[wBase + t];
            unravel(t, kernel, tap);
            for (int row = 0; row < rows; row++) {
              unravel(row * out[last], out, place);
              int from = xBase;
              int size = inSize;
              boolean inside = true;
              for (int a = 0; a < last; a++) {
                int i = place[a] * strides[a] - padsBegin[a] + tap[a] * dilations[a];
                inside &= i >= 0 && i < in[a];
                size /= in[a];
                from += i * size;
              }
              if (inside) {
                row(
                    x,
                    from,
                    in[last],
                    y,
                    yBase + row * out[last],
                    out[last],
                    weight,
                    strides[last],
                    tap[last] * dilations[last] - padsBegin[last]);
              }
            }
          }
        }
      }
    }
  }

  private static void row(
      float[] x,
      int from,
      int in,
      float[] y,
      int to,
      int out,
      float weight,
      int stride,
      int shift) {
    int first = shift >= 0 ? 0 : Math.ceilDiv(-shift, stride);
    int end = Math.min(out, Math.ceilDiv(in - shift, stride));
    for (int o = first; o < end; o++) {
      y[to + o] += weight * x[from + o * stride + shift];
    }
  }

  /**
   * Transposed convolution: every input element adds its multiple of the kernel to the output.
   *
   * @param w weights [C, M/groups, kernel…]
   * @param padsBegin what is cut off before the first element per axis
   */
  public static void transpose(
      float[] x,
      int n,
      int channels,
      int[] in,
      float[] w,
      int[] kernel,
      float[] bias,
      float[] y,
      int filters,
      int[] out,
      int groups,
      int[] strides,
      int[] padsBegin,
      int[] dilations) {
    int axes = in.length;
    int filtersPerGroup = filters / groups;
    int channelsPerGroup = channels / groups;
    int inSize = product(in);
    int outSize = product(out);
    int taps = product(kernel);
    int last = axes - 1;
    int rows = inSize == 0 ? 0 : inSize / in[last];
    int[] place = new int[axes];
    int[] tap = new int[axes];
    for (int i = 0; i < n * filters; i++) {
      Arrays.fill(y, i * outSize, (i + 1) * outSize, bias == null ? 0f : bias[i % filters]);
    }
    for (int image = 0; image < n; image++) {
      for (int c = 0; c < channels; c++) {
        int xBase = (image * channels + c) * inSize;
        for (int f = 0; f < filtersPerGroup; f++) {
          int filter = c / channelsPerGroup * filtersPerGroup + f;
          int yBase = (image * filters + filter) * outSize;
          int wBase = (c * filtersPerGroup + f) * taps;
          for (int t = 0; t < taps; t++) {
            unravel(t, kernel, tap);
            for (int row = 0; row < rows; row++) {
              unravel(row * in[last], in, place);
              int to = 0;
              boolean inside = true;
              for (int a = 0; a < last; a++) {
                int o = place[a] * strides[a] + tap[a] * dilations[a] - padsBegin[a];
                inside &= o >= 0 && o < out[a];
                to = to * out[a] + o;
              }
              if (inside) {
                spread(
                    x,
                    xBase + row * in[last],
                    in[last],
                    y,
                    yBase + to * out[last],
                    out[last],
                    w[wBase + t],
                    strides[last],
                    tap[last] * dilations[last] - padsBegin[last]);
              }
            }
          }
        }
      }
    }
  }

  /** Adds the multiples of one row of the input to one row of the output. */
  private static void spread(
      float[] x,
      int from,
      int in,
      float[] y,
      int to,
      int out,
      float weight,
      int stride,
      int shift) {
    int first = shift >= 0 ? 0 : Math.ceilDiv(-shift, stride);
    int end = Math.min(in, Math.ceilDiv(out - shift, stride));
    for (int i = first; i < end; i++) {
      y[to + i * stride + shift] += weight * x[from + i];
    }
  }

  static int product(int[] extents) {
    int p = 1;
    for (int e : extents) {
      p = Math.multiplyExact(p, e);
    }
    return p;
  }

  /** Row-major coordinates of element {@code index}. */
  static void unravel(int index, int[] extents, int[] coordinates) {
    int rest = index;
    for (int a = extents.length - 1; a >= 0; a--) {
      coordinates[a] = rest % extents[a];
      rest /= extents[a];
    }
  }
}
