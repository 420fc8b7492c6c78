package tacet.keras;

import java.util.Random;
import java.util.function.DoubleUnaryOperator;

/** Keras' definitions on channels-last images, written down plainly in double precision: what the reader's graphs must give. */
record Nhwc(int n, int h, int w, int c, double[] data) {

  Nhwc(int n, int h, int w, int c) {
    this(n, h, w, c, new double[n * h * w * c]);
  }

  static Nhwc random(Random random, int n, int h, int w, int c) {
    return new Nhwc(n, h, w, c, doubles(floats(random, n * h * w * c)));
  }

  static float[] floats(Random random, int count) {
    float[] f = new float[count];
    for (int i = 0; i < count; i++) {
      f[i] = (float) random.nextGaussian();
    }
    return f;
  }

  static double[] doubles(float[] f) {
    double[] d = new double[f.length];
    for (int i = 0; i < f.length; i++) {
      d[i] = f[i];
    }
    return d;
  }

  float[] floats() {
    float[] f = new float[data.length];
    for (int i = 0; i < f.length; i++) {
      f[i] = (float) data[i];
    }
    return f;
  }

  int at(int i, int y, int x, int k) {
    return ((i * h + y) * w + x) * c + k;
  }

  double get(int i, int y, int x, int k) {
    return data[at(i, y, x, k)];
  }

  Nhwc map(DoubleUnaryOperator f) {
    Nhwc out = new Nhwc(n, h, w, c);
    for (int i = 0; i < data.length; i++) {
      out.data[i] = f.applyAsDouble(data[i]);
    }
    return out;
  }

  /** The same values in the order [N, C, H, W]. */
  float[] channelsFirst() {
    float[] out = new float[data.length];
    int to = 0;
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < c; k++) {
        for (int y = 0; y < h; y++) {
          for (int x = 0; x < w; x++) {
            out[to++] = (float) get(i, y, x, k);
          }
        }
      }
    }
    return out;
  }

  /** A window: kernel, stride and dilation per axis, and whether it is padded to ⌈extent / stride⌉ outputs. */
  record Window(int kh, int kw, int sy, int sx, int dy, int dx, boolean same) {

    int outH(int h) {
      return out(h, kh, sy, dy);
    }

    int outW(int w) {
      return out(w, kw, sx, dx);
    }

    private int out(int in, int k, int s, int d) {
      return same ? (in + s - 1) / s : (in - (k - 1) * d - 1) / s + 1;
    }

    int padTop(int h) {
      return pad(h, kh, sy, dy);
    }

    int padLeft(int w) {
      return pad(w, kw, sx, dx);
    }

    /** The smaller half of the padding comes first. */
    private int pad(int in, int k, int s, int d) {
      return same ? Math.max(0, (out(in, k, s, d) - 1) * s + (k - 1) * d + 1 - in) / 2 : 0;
    }
  }

  /** Kernel [kh, kw, c / groups, filters]. */
  Nhwc conv(float[] kernel, float[] bias, int filters, int groups, Window g) {
    Nhwc out = new Nhwc(n, g.outH(h), g.outW(w), filters);
    int per = c / groups;
    for (int i = 0; i < n; i++) {
      for (int y = 0; y < out.h; y++) {
        for (int x = 0; x < out.w; x++) {
          for (int m = 0; m < filters; m++) {
            int first = m / (filters / groups) * per;
            double sum = bias == null ? 0 : bias[m];
            for (int ky = 0; ky < g.kh; ky++) {
              for (int kx = 0; kx < g.kw; kx++) {
                int iy = y * g.sy + ky * g.dy - g.padTop(h);
                int ix = x * g.sx + kx * g.dx - g.padLeft(w);
                for (int k = 0; k < per && iy >= 0 && iy < h && ix >= 0 && ix < w; k++) {
                  sum +=
                      get(i, iy, ix, first + k)
                          * kernel[((ky * g.kw + kx) * per + k) * filters + m];
                }
              }
            }
            out.data[out.at(i, y, x, m)] = sum;
          }
        }
      }
    }
    return out;
  }

  /** Kernel [kh, kw, c, multiplier]; output channel k · multiplier + m. */
  Nhwc depthwise(float[] kernel, float[] bias, int multiplier, Window g) {
    Nhwc out = new Nhwc(n, g.outH(h), g.outW(w), c * multiplier);
    for (int i = 0; i < n; i++) {
      for (int y = 0; y < out.h; y++) {
        for (int x = 0; x < out.w; x++) {
          for (int k = 0; k < out.c; k++) {
            double sum = bias == null ? 0 : bias[k];
            for (int ky = 0; ky < g.kh; ky++) {
              for (int kx = 0; kx < g.kw; kx++) {
                int iy = y * g.sy + ky * g.dy - g.padTop(h);
                int ix = x * g.sx + kx * g.dx - g.padLeft(w);
                if (iy >= 0 && iy < h && ix >= 0 && ix < w) {
                  sum += get(i, iy, ix, k / multiplier) * kernel[(ky * g.kw + kx) * out.c + k];
                }
              }
            }
            out.data[out.at(i, y, x, k)] = sum;
          }
        }
      }
    }
    return out;
  }

  /**
   * The gradient of a convolution: every input is scattered. Kernel [kh, kw, filters, c].
   *
   * @param top what is cut off above
   * @param left what is cut off to the left
   */
  Nhwc scattered(
      float[] kernel, float[] bias, int filters, Window g, int outH, int outW, int top, int left) {
    Nhwc out = new Nhwc(n, outH, outW, filters);
    for (int i = 0; i < out.data.length; i++) {
      out.data[i] = bias[i % filters];
    }
    for (int i = 0; i < n; i++) {
      for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
          for (int ky = 0; ky < g.kh; ky++) {
            for (int kx = 0; kx < g.kw; kx++) {
              int oy = y * g.sy + ky * g.dy - top;
              int ox = x * g.sx + kx * g.dx - left;
              for (int m = 0; m < filters && oy >= 0 && oy < outH && ox >= 0 && ox < outW; m++) {
                for (int k = 0; k < c; k++) {
                  out.data[out.at(i, oy, ox, m)] +=
                      get(i, y, x, k) * kernel[((ky * g.kw + kx) * filters + m) * c + k];
                }
              }
            }
          }
        }
      }
    }
    return out;
  }

  /** Maximum or average; padding counts in neither. */
  Nhwc pool(Window g, boolean max) {
    Nhwc out = new Nhwc(n, g.outH(h), g.outW(w), c);
    for (int i = 0; i < n; i++) {
      for (int y = 0; y < out.h; y++) {
        for (int x = 0; x < out.w; x++) {
          for (int k = 0; k < c; k++) {
            double best = Double.NEGATIVE_INFINITY;
            double sum = 0;
            int count = 0;
            for (int ky = 0; ky < g.kh; ky++) {
              for (int kx = 0; kx < g.kw; kx++) {
                int iy = y * g.sy + ky - g.padTop(h);
                int ix = x * g.sx + kx - g.padLeft(w);
                if (iy >= 0 && iy < h && ix >= 0 && ix < w) {
                  best = Math.max(best, get(i, iy, ix, k));
                  sum += get(i, iy, ix, k);
                  count++;
                }
              }
            }
            out.data[out.at(i, y, x, k)] = max ? best : sum / count;
          }
        }
      }
    }
    return out;
  }
}
