package tacet.kernels.scalar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** Plain convolutions against sums over every pair of elements, written the other way round. */
class ScalarConvTest {

  @Test
  void handComputed() {
    float[] y = new float[3];
    ScalarConv.convolve(
        new float[] {1, 2, 3},
        1,
        1,
        new int[] {3},
        new float[] {10, 1},
        new int[] {2},
        new float[] {0.5f},
        y,
        1,
        new int[] {3},
        1,
        new int[] {1},
        new int[] {1},
        new int[] {1});
    // Padded to 0 1 2 3: 0·10+1, 1·10+2, 2·10+3.
    assertArrayEquals(new float[] {1.5f, 12.5f, 23.5f}, y);
  }

  @Test
  void transposedByHand() {
    float[] y = new float[5];
    ScalarConv.transpose(
        new float[] {1, 2},
        1,
        1,
        new int[] {2},
        new float[] {1, 10, 100},
        new int[] {3},
        null,
        y,
        1,
        new int[] {5},
        1,
        new int[] {2},
        new int[] {0},
        new int[] {1});
    assertArrayEquals(new float[] {1, 10, 102, 20, 200}, y);
  }

  /** Also negative padding (a crop) and three axes. */
  @Test
  void randomShapes() {
    Random random = new Random(2);
    for (int round = 0; round < 60; round++) {
      int axes = 1 + random.nextInt(3);
      int groups = 1 + random.nextInt(3);
      int c = groups * (1 + random.nextInt(3));
      int m = groups * (1 + random.nextInt(3));
      int[] in = new int[axes];
      int[] kernel = new int[axes];
      int[] strides = new int[axes];
      int[] pads = new int[axes];
      int[] dilations = new int[axes];
      int[] out = new int[axes];
      for (int a = 0; a < axes; a++) {
        kernel[a] = 1 + random.nextInt(3);
        strides[a] = 1 + random.nextInt(2);
        dilations[a] = 1 + random.nextInt(2);
        pads[a] = random.nextInt(4) - 1;
        in[a] = (kernel[a] - 1) * dilations[a] + 3 + random.nextInt(3);
        out[a] = (in[a] + pads[a] - (kernel[a] - 1) * dilations[a] - 1) / strides[a] + 1;
      }
      int inSize = ScalarConv.product(in);
      int outSize = ScalarConv.product(out);
      int taps = ScalarConv.product(kernel);
      float[] x = floats(random, 2 * c * inSize);
      float[] w = floats(random, m * (c / groups) * taps);
      float[] bias = floats(random, m);
      float[] y = new float[2 * m * outSize];
      ScalarConv.convolve(
          x, 2, c, in, w, kernel, bias, y, m, out, groups, strides, pads, dilations);
      double[] expected = new double[y.length];
      for (int i = 0; i < expected.length; i++) {
        expected[i] = bias[i / outSize % m];
      }
      // From the input's side: where does each element go?
      int[] from = new int[axes];
      int[] to = new int[axes];
      for (int n = 0; n < 2; n++) {
        for (int ch = 0; ch < c; ch++) {
          for (int p = 0; p < inSize; p++) {
            ScalarConv.unravel(p, in, from);
            for (int f = 0; f < m / groups; f++) {
              int filter = ch / (c / groups) * (m / groups) + f;
              for (int o = 0; o < outSize; o++) {
                ScalarConv.unravel(o, out, to);
                int tap = 0;
                boolean hit = true;
                for (int a = 0; a < axes; a++) {
                  int distance = from[a] + pads[a] - to[a] * strides[a];
                  hit &=
                      distance >= 0
                          && distance % dilations[a] == 0
                          && distance / dilations[a] < kernel[a];
                  tap = tap * kernel[a] + distance / dilations[a];
                }
                if (hit) {
                  expected[(n * m + filter) * outSize + o] +=
                      (double) x[(n * c + ch) * inSize + p]
                          * w[(filter * (c / groups) + ch % (c / groups)) * taps + tap];
                }
              }
            }
          }
        }
      }
      for (int i = 0; i < y.length; i++) {
        assertEquals(expected[i], y[i], 1e-4, "round " + round);
      }
    }
  }

  /** The transposed convolution is the adjoint: ⟨conv(x), y⟩ = ⟨x, transpose(y)⟩ without bias. */
  @Test
  void transposeIsTheAdjoint() {
    Random random = new Random(3);
    for (int round = 0; round < 40; round++) {
      int groups = 1 + random.nextInt(2);
      int c = groups * (1 + random.nextInt(3));
      int m = groups * (1 + random.nextInt(3));
      int[] kernel = {1 + random.nextInt(3), 1 + random.nextInt(3)};
      int[] strides = {1 + random.nextInt(2), 1 + random.nextInt(2)};
      int[] dilations = {1 + random.nextInt(2), 1 + random.nextInt(2)};
      int[] pads = {random.nextInt(2), random.nextInt(2)};
      int[] in = new int[2];
      int[] out = new int[2];
      for (int a = 0; a < 2; a++) {
        in[a] = (kernel[a] - 1) * dilations[a] + 2 + random.nextInt(4);
        out[a] = (in[a] + pads[a] - (kernel[a] - 1) * dilations[a] - 1) / strides[a] + 1;
      }
      float[] x = floats(random, c * in[0] * in[1]);
      float[] y = floats(random, m * out[0] * out[1]);
      float[] w = floats(random, m * (c / groups) * kernel[0] * kernel[1]);
      float[] forward = new float[y.length];
      ScalarConv.convolve(
          x, 1, c, in, w, kernel, null, forward, m, out, groups, strides, pads, dilations);
      float[] back = new float[x.length];
      ScalarConv.transpose(
          y, 1, m, out, w, kernel, null, back, c, in, groups, strides, pads, dilations);
      assertEquals(dot(forward, y), dot(x, back), 1e-3);
    }
  }

  private static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }

  private static float[] floats(Random random, int n) {
    float[] f = new float[n];
    for (int i = 0; i < n; i++) {
      f[i] = (float) random.nextGaussian();
    }
    return f;
  }
}
