package tacet.keras;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tacet.Model;
import tacet.ModelOptions;
import tacet.Result;
import tacet.keras.KerasFile.Variable;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Layers without windows, one at a time, against their definitions. */
class LayersTest {

  @TempDir Path folder;

  private final Random random = new Random(7);
  private final Nhwc x = Nhwc.random(random, 2, 3, 5, 4).map(v -> 3 * v);

  private KerasFile file() {
    return KerasFile.sequential("3.15.0", null, 3, 5, 4);
  }

  private void gives(String className, String config, Nhwc expected, Variable... variables)
      throws IOException, InterruptedException {
    Checks.gives(
        file().layer(className, "layer", config, variables),
        folder,
        x,
        expected,
        className + " " + config);
  }

  private void function(String className, String config, DoubleUnaryOperator f)
      throws IOException, InterruptedException {
    gives(className, config, x.map(f));
  }

  private static double sigmoid(double v) {
    return 1 / (1 + Math.exp(-v));
  }

  private static double clip(double v, double low, double high) {
    return Math.min(Math.max(v, low), high);
  }

  @Test
  void activations() throws IOException, InterruptedException {
    Map<String, DoubleUnaryOperator> all = new LinkedHashMap<>();
    all.put("linear", v -> v);
    all.put("relu", v -> Math.max(v, 0));
    all.put("relu6", v -> clip(v, 0, 6));
    all.put("leaky_relu", v -> v < 0 ? 0.2 * v : v);
    all.put("elu", v -> v < 0 ? Math.expm1(v) : v);
    all.put("selu", v -> 1.05070098 * (v < 0 ? 1.67326324 * Math.expm1(v) : v));
    all.put("sigmoid", LayersTest::sigmoid);
    all.put("hard_sigmoid", v -> clip(v / 6 + 0.5, 0, 1));
    all.put("hard_silu", v -> v * clip(v / 6 + 0.5, 0, 1));
    all.put("hard_swish", v -> v * clip(v / 6 + 0.5, 0, 1));
    all.put("hard_tanh", v -> clip(v, -1, 1));
    all.put("silu", v -> v * sigmoid(v));
    all.put("swish", v -> v * sigmoid(v));
    all.put("tanh", Math::tanh);
    all.put("softplus", v -> Math.log1p(Math.exp(v)));
    all.put("softsign", v -> v / (1 + Math.abs(v)));
    all.put("mish", v -> v * Math.tanh(Math.log1p(Math.exp(v))));
    all.put("exponential", Math::exp);
    all.put("log_sigmoid", v -> -Math.log1p(Math.exp(-v)));
    all.put("tanh_shrink", v -> v - Math.tanh(v));
    all.put("soft_shrink", v -> v - clip(v, -0.5, 0.5));
    all.put("sparse_sigmoid", v -> clip(v / 2 + 0.5, 0, 1));
    all.put("squareplus", v -> (v + Math.sqrt(v * v + 4)) / 2);
    for (Map.Entry<String, DoubleUnaryOperator> e : all.entrySet()) {
      function("Activation", "\"activation\": \"" + e.getKey() + "\"", e.getValue());
    }
  }

  /** gelu has no elementary form; these are its values to ten digits. */
  @Test
  void gelu() throws IOException, InterruptedException {
    float[] in = {-3f, -1f, -0.5f, 0f, 0.5f, 1f, 3f};
    double[] out = {
      -0.0040496941, -0.1586552539, -0.1542687694, 0, 0.3457312306, 0.8413447461, 2.9959503059
    };
    KerasFile file =
        KerasFile.sequential("3.15.0", null, 7)
            .layer("Activation", "layer", "\"activation\": \"gelu\"");
    Checks.gives(file, folder, Tensor.of(Shape.of(1, 7), in), new long[] {1, 7}, out, "gelu");
  }

  /** Keras changed it between versions 2 and 3. */
  @Test
  void hardSigmoidOfKeras2() throws IOException, InterruptedException {
    KerasFile file =
        KerasFile.sequential("2.15.0", null, 3, 5, 4)
            .layer("Activation", "layer", "\"activation\": \"hard_sigmoid\"");
    Checks.gives(file, folder, x, x.map(v -> clip(0.2 * v + 0.5, 0, 1)), "Keras 2");
  }

  @Test
  void activationLayers() throws IOException, InterruptedException {
    function("ReLU", "", v -> Math.max(v, 0));
    function("ReLU", "\"max_value\": 6.0", v -> clip(v, 0, 6));
    function("ReLU", "\"negative_slope\": 0.25", v -> v < 0 ? v / 4 : v);
    function("ReLU", "\"threshold\": 1.5", v -> v > 1.5 ? v : 0);
    function("ReLU", "\"threshold\": 1.5, \"max_value\": 2.5", v -> v > 1.5 ? Math.min(v, 2.5) : 0);
    function(
        "ReLU",
        "\"negative_slope\": 0.25, \"threshold\": 1.0, \"max_value\": 2.5",
        v -> v > 1 ? Math.min(v, 2.5) : 0.25 * (v - 1));
    function(
        "ReLU",
        "\"negative_slope\": 0.25, \"max_value\": 2.5",
        v -> v > 0 ? Math.min(v, 2.5) : 0.25 * v);
    function("LeakyReLU", "\"negative_slope\": 0.1", v -> v < 0 ? 0.1 * v : v);
    function("LeakyReLU", "\"alpha\": 0.1", v -> v < 0 ? 0.1 * v : v);
    function("LeakyReLU", "", v -> v < 0 ? 0.3 * v : v);
    function("ELU", "\"alpha\": 2.0", v -> v < 0 ? 2 * Math.expm1(v) : v);
    function("ThresholdedReLU", "\"theta\": 0.5", v -> v > 0.5 ? v : 0);
    // A layer in the place of a function.
    function(
        "Activation",
        "\"activation\": {\"class_name\": \"ReLU\", \"config\": {\"max_value\": 2.0}}",
        v -> clip(v, 0, 2));
  }

  @Test
  void softmax() throws IOException, InterruptedException {
    for (boolean channels : new boolean[] {true, false}) {
      Nhwc out = new Nhwc(2, 3, 5, 4);
      int axis = channels ? 4 : 5;
      for (int i = 0; i < out.data().length; i++) {
        double sum = 0;
        int c = i % 4;
        int column = i / 4 % 5;
        for (int k = 0; k < axis; k++) {
          int other = channels ? i - c + k : i + (k - column) * 4;
          sum += Math.exp(x.data()[other]);
        }
        out.data()[i] = Math.exp(x.data()[i]) / sum;
      }
      gives("Softmax", "\"axis\": " + (channels ? -1 : 2), out);
      if (channels) {
        gives("Activation", "\"activation\": \"softmax\"", out);
        gives("Activation", "\"activation\": \"log_softmax\"", out.map(Math::log));
      }
    }
  }

  @Test
  void preluSharesAxes() throws IOException, InterruptedException {
    float[] perChannel = Nhwc.floats(random, 4);
    float[] everywhere = Nhwc.floats(random, 3 * 5 * 4);
    Nhwc shared = new Nhwc(2, 3, 5, 4);
    Nhwc own = new Nhwc(2, 3, 5, 4);
    for (int i = 0; i < x.data().length; i++) {
      double v = x.data()[i];
      shared.data()[i] = v < 0 ? v * perChannel[i % 4] : v;
      own.data()[i] = v < 0 ? v * everywhere[i % 60] : v;
    }
    gives("PReLU", "\"shared_axes\": [1, 2]", shared, new Variable("alpha", perChannel, 1, 1, 4));
    gives("PReLU", "\"shared_axes\": null", own, new Variable("alpha", everywhere, 3, 5, 4));
  }

  @Test
  void batchNormalization() throws IOException, InterruptedException {
    float[] variance = {0.5f, 2f, 0.1f, 1f, 4f};
    for (int axis : new int[] {-1, 3, 1, 2}) {
      for (int flags = 0; flags < 4; flags++) {
        boolean scale = (flags & 1) != 0;
        boolean center = (flags & 2) != 0;
        int n = axis == 1 ? 3 : axis == 2 ? 5 : 4;
        float[] gamma = Nhwc.floats(random, n);
        float[] beta = Nhwc.floats(random, n);
        float[] mean = Nhwc.floats(random, n);
        float[] var = java.util.Arrays.copyOf(variance, n);
        Nhwc out = new Nhwc(2, 3, 5, 4);
        for (int i = 0; i < out.data().length; i++) {
          int k = axis == 1 ? i / 20 % 3 : axis == 2 ? i / 4 % 5 : i % 4;
          double v = (x.data()[i] - mean[k]) / Math.sqrt(var[k] + 0.01);
          out.data()[i] = v * (scale ? gamma[k] : 1) + (center ? beta[k] : 0);
        }
        java.util.List<Variable> all = new java.util.ArrayList<>();
        if (scale) {
          all.add(new Variable("gamma", gamma, n));
        }
        if (center) {
          all.add(new Variable("beta", beta, n));
        }
        all.add(new Variable("moving_mean", mean, n));
        all.add(new Variable("moving_variance", var, n));
        gives(
            "BatchNormalization",
            "\"axis\": %s, \"epsilon\": 0.01, \"scale\": %b, \"center\": %b"
                .formatted(flags == 0 ? "[" + axis + "]" : "" + axis, scale, center),
            out,
            all.toArray(Variable[]::new));
      }
    }
  }

  @Test
  void layerNormalization() throws IOException, InterruptedException {
    for (int axes = 1; axes <= 3; axes++) {
      int n = axes == 1 ? 4 : axes == 2 ? 20 : 60;
      int[] dims = axes == 1 ? new int[] {4} : axes == 2 ? new int[] {5, 4} : new int[] {3, 5, 4};
      float[] gamma = Nhwc.floats(random, n);
      float[] beta = Nhwc.floats(random, n);
      Nhwc out = new Nhwc(2, 3, 5, 4);
      for (int from = 0; from < out.data().length; from += n) {
        double mean = 0;
        double square = 0;
        for (int i = from; i < from + n; i++) {
          mean += x.data()[i] / n;
          square += x.data()[i] * x.data()[i] / n;
        }
        for (int i = from; i < from + n; i++) {
          out.data()[i] =
              (x.data()[i] - mean) / Math.sqrt(square - mean * mean + 1e-3) * gamma[i - from]
                  + beta[i - from];
        }
      }
      String axis = axes == 1 ? "-1" : axes == 2 ? "[2, 3]" : "[1, 2, 3]";
      gives(
          "LayerNormalization",
          "\"axis\": " + axis,
          out,
          new Variable("gamma", gamma, dims),
          new Variable("beta", beta, dims));
    }
  }

  @Test
  void groupNormalization() throws IOException, InterruptedException {
    float[] gamma = Nhwc.floats(random, 4);
    float[] beta = Nhwc.floats(random, 4);
    Nhwc out = new Nhwc(2, 3, 5, 4);
    for (int image = 0; image < 2; image++) {
      for (int group = 0; group < 2; group++) {
        double mean = 0;
        double square = 0;
        for (int p = 0; p < 15; p++) {
          for (int c = 2 * group; c < 2 * group + 2; c++) {
            double v = x.data()[(image * 15 + p) * 4 + c];
            mean += v / 30;
            square += v * v / 30;
          }
        }
        for (int p = 0; p < 15; p++) {
          for (int c = 2 * group; c < 2 * group + 2; c++) {
            int i = (image * 15 + p) * 4 + c;
            out.data()[i] =
                (x.data()[i] - mean) / Math.sqrt(square - mean * mean + 1e-3) * gamma[c] + beta[c];
          }
        }
      }
    }
    gives(
        "GroupNormalization",
        "\"groups\": 2, \"axis\": -1",
        out,
        new Variable("gamma", gamma, 4),
        new Variable("beta", beta, 4));
  }

  @Test
  void preprocessing() throws IOException, InterruptedException {
    function("Rescaling", "\"scale\": 0.00784, \"offset\": -1.0", v -> 0.00784 * v - 1);
    function("Rescaling", "\"scale\": 0.5", v -> 0.5 * v);
    double[] scale = {1, 2, 3, 4};
    Nhwc perChannel = new Nhwc(2, 3, 5, 4);
    Nhwc normalized = new Nhwc(2, 3, 5, 4);
    Nhwc inverse = new Nhwc(2, 3, 5, 4);
    Nhwc columns = new Nhwc(2, 3, 5, 4);
    float[] mean = Nhwc.floats(random, 20);
    float[] variance = new float[20];
    for (int i = 0; i < 20; i++) {
      variance[i] = 0.3f + i;
    }
    for (int i = 0; i < x.data().length; i++) {
      int c = i % 4;
      perChannel.data()[i] = x.data()[i] * scale[c] - scale[c];
      normalized.data()[i] = (x.data()[i] - mean[c]) / Math.sqrt(variance[c]);
      inverse.data()[i] = x.data()[i] * Math.sqrt(variance[c]) + mean[c];
      columns.data()[i] = (x.data()[i] - mean[i % 20]) / Math.sqrt(variance[i % 20]);
    }
    gives(
        "Rescaling",
        "\"scale\": [1.0, 2.0, 3.0, 4.0], \"offset\": [-1.0, -2.0, -3.0, -4.0]",
        perChannel);
    Variable m = new Variable("mean", java.util.Arrays.copyOf(mean, 4), 4);
    Variable v = new Variable("variance", java.util.Arrays.copyOf(variance, 4), 4);
    gives("Normalization", "\"axis\": [-1]", normalized, m, v);
    gives("Normalization", "\"axis\": -1, \"invert\": true", inverse, m, v);
    gives(
        "Normalization",
        "\"axis\": [2, 3]",
        columns,
        new Variable("mean", mean, 5, 4),
        new Variable("variance", variance, 5, 4));
    function(
        "Normalization",
        "\"axis\": null, \"mean\": 2.0, \"variance\": 4.0",
        value -> (value - 2) / 2);
  }

  @Test
  void integersAreRescaled() throws IOException, InterruptedException {
    KerasFile file =
        KerasFile.functional(
                "3.15.0",
                "\"input_layers\": [[\"x\", 0, 0]], \"output_layers\": [[\"layer\", 0, 0]]")
            .called("InputLayer", "x", "\"batch_shape\": [null, 2], \"dtype\": \"uint8\"", "[]")
            .called("Rescaling", "layer", "\"scale\": 0.5", "[[[\"x\", 0, 0, {}]]]");
    Tensor pixels = Tensor.allocate(DataType.UINT8, Shape.of(1, 2));
    pixels.data().set(java.lang.foreign.ValueLayout.JAVA_BYTE, 0, (byte) 200);
    pixels.data().set(java.lang.foreign.ValueLayout.JAVA_BYTE, 1, (byte) 3);
    Checks.gives(file, folder, pixels, new long[] {1, 2}, new double[] {100, 1.5}, "uint8");
  }

  /** Elements keep the order they have in Keras, whatever the graph does with images. */
  @Test
  void shapes() throws IOException, InterruptedException {
    double[] all = x.data();
    Tensor in = Checks.tensor(x);
    for (String[] c :
        new String[][] {
          {"Flatten", "", "2x60"},
          {"Reshape", "\"target_shape\": [5, 12]", "2x5x12"},
          {"Reshape", "\"target_shape\": [4, -1, 5]", "2x4x3x5"},
          {"Reshape", "\"target_shape\": [-1]", "2x60"},
          {"Dropout", "\"rate\": 0.5", "2x3x5x4"},
          {"SpatialDropout2D", "\"rate\": 0.5", "2x3x5x4"},
          {"GaussianNoise", "\"stddev\": 0.5", "2x3x5x4"},
          {"RandomFlip", "", "2x3x5x4"}
        }) {
      long[] shape = java.util.Arrays.stream(c[2].split("x")).mapToLong(Long::parseLong).toArray();
      Checks.gives(file().layer(c[0], "layer", c[1]), folder, in, shape, all, c[0] + " " + c[1]);
    }
  }

  @Test
  void flattenOfChannelsFirst() throws IOException, InterruptedException {
    KerasFile file =
        KerasFile.sequential("3.15.0", null, 4, 3, 5)
            .layer("Flatten", "layer", "\"data_format\": \"channels_first\"");
    Tensor in = Tensor.of(Shape.of(2, 4, 3, 5), x.channelsFirst());
    Checks.gives(file, folder, in, new long[] {2, 60}, x.data(), "channels first");
  }

  @Test
  void permute() throws IOException, InterruptedException {
    int[][] orders = {{1, 2, 3}, {2, 1, 3}, {3, 1, 2}, {2, 3, 1}, {3, 2, 1}, {1, 3, 2}};
    int[] extents = {2, 3, 5, 4};
    for (int[] o : orders) {
      int a = extents[o[0]];
      int b = extents[o[1]];
      int c = extents[o[2]];
      Nhwc out = new Nhwc(2, a, b, c);
      int[] at = new int[4];
      for (int n = 0; n < 2; n++) {
        for (int i = 0; i < a * b * c; i++) {
          at[o[0]] = i / (b * c);
          at[o[1]] = i / c % b;
          at[o[2]] = i % c;
          out.data()[n * 60 + i] = x.get(n, at[1], at[2], at[3]);
        }
      }
      gives("Permute", "\"dims\": " + java.util.Arrays.toString(o), out);
    }
  }

  @Test
  void paddingAndCropping() throws IOException, InterruptedException {
    Nhwc padded = new Nhwc(2, 3 + 1 + 2, 5 + 0 + 3, 4);
    Nhwc cropped = new Nhwc(2, 2, 2, 4);
    for (int n = 0; n < 2; n++) {
      for (int y = 0; y < 3; y++) {
        for (int c = 0; c < 5; c++) {
          for (int k = 0; k < 4; k++) {
            padded.data()[padded.at(n, y + 1, c, k)] = x.get(n, y, c, k);
            if (y < 2 && c > 0 && c < 3) {
              cropped.data()[cropped.at(n, y, c - 1, k)] = x.get(n, y, c, k);
            }
          }
        }
      }
    }
    gives("ZeroPadding2D", "\"padding\": [[1, 2], [0, 3]]", padded);
    gives("Cropping2D", "\"cropping\": [[0, 1], [1, 2]]", cropped);
  }

  @Test
  void upSampling() throws IOException, InterruptedException {
    Nhwc nearest = new Nhwc(2, 6, 15, 4);
    Nhwc bilinear = new Nhwc(2, 6, 15, 4);
    for (int n = 0; n < 2; n++) {
      for (int y = 0; y < 6; y++) {
        for (int c = 0; c < 15; c++) {
          for (int k = 0; k < 4; k++) {
            nearest.data()[nearest.at(n, y, c, k)] = x.get(n, y / 2, c / 3, k);
            // Centres of pixels are half a pixel in.
            double py = clip((y + 0.5) / 2 - 0.5, 0, 2);
            double px = clip((c + 0.5) / 3 - 0.5, 0, 4);
            int y0 = (int) py;
            int x0 = (int) px;
            int y1 = Math.min(y0 + 1, 2);
            int x1 = Math.min(x0 + 1, 4);
            double top = x.get(n, y0, x0, k) * (1 - px + x0) + x.get(n, y0, x1, k) * (px - x0);
            double low = x.get(n, y1, x0, k) * (1 - px + x0) + x.get(n, y1, x1, k) * (px - x0);
            bilinear.data()[bilinear.at(n, y, c, k)] = top * (1 - py + y0) + low * (py - y0);
          }
        }
      }
    }
    gives("UpSampling2D", "\"size\": [2, 3], \"interpolation\": \"nearest\"", nearest);
    gives("UpSampling2D", "\"size\": [2, 3], \"interpolation\": \"bilinear\"", bilinear);
  }

  /** The author of the model sees his own layout in profiles too, and channels are channels. */
  @Test
  void profilesAreInTheModelsLayout() throws IOException, InterruptedException {
    Nhwc zeros = new Nhwc(2, 3, 5, 4);
    for (int i = 0; i < zeros.data().length; i++) {
      zeros.data()[i] = i % 4 == 2 ? 0 : 1 + i;
    }
    KerasFile file =
        file()
            .layer("Activation", "relu", "\"activation\": \"relu\"")
            .layer("Reshape", "reshape", "\"target_shape\": [5, 3, 4]")
            .layer("Flatten", "flatten", "");
    for (ModelOptions o : Checks.options()) {
      try (Model model = Model.load(file.keras(folder), o)) {
        Result r = model.run(Checks.tensor(zeros));
        for (String name : new String[] {"relu", "reshape"}) {
          var layer = r.profile().layer(name).orElseThrow();
          assertEquals(
              name.equals("relu") ? Shape.of(2, 3, 5, 4) : Shape.of(2, 5, 3, 4),
              layer.outputShape());
          assertEquals(30, layer.counts().zeros(), name);
          assertEquals(4, layer.counts().channels(), name);
          assertEquals(30, layer.counts().zerosPerChannel()[2], name);
        }
      }
    }
  }
}
