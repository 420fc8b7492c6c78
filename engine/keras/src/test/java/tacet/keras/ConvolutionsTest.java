package tacet.keras;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tacet.keras.KerasFile.Variable;
import tacet.keras.Nhwc.Window;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Convolutions and Dense against their definitions, over odd shapes. */
class ConvolutionsTest {

  @TempDir Path folder;

  private static IntStream seeds() {
    return IntStream.range(0, 24);
  }

  private static String window(Window g) {
    return "\"kernel_size\": [%d, %d], \"strides\": [%d, %d], \"dilation_rate\": [%d, %d], \"padding\": \"%s\""
        .formatted(g.kh(), g.kw(), g.sy(), g.sx(), g.dy(), g.dx(), g.same() ? "same" : "valid");
  }

  /** Strides and dilations do not go together in Keras. */
  private static Window random(Random r) {
    boolean strided = r.nextBoolean();
    return new Window(
        1 + r.nextInt(4),
        1 + r.nextInt(4),
        strided ? 1 + r.nextInt(3) : 1,
        strided ? 1 + r.nextInt(3) : 1,
        strided ? 1 : 1 + r.nextInt(2),
        strided ? 1 : 1 + r.nextInt(2),
        r.nextBoolean());
  }

  private static Nhwc image(Random r, int c) {
    return Nhwc.random(r, 1 + r.nextInt(2), 7 + r.nextInt(6), 7 + r.nextInt(6), c);
  }

  private static KerasFile of(Nhwc x) {
    return KerasFile.sequential("3.15.0", null, x.h(), x.w(), x.c());
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void convolution(int seed) throws IOException, InterruptedException {
    Random r = new Random(seed);
    Window g = random(r);
    int groups = 1 + r.nextInt(2);
    int filters = groups * (1 + r.nextInt(9));
    Nhwc x = image(r, groups * (1 + r.nextInt(5)));
    int per = x.c() / groups;
    boolean bias = r.nextBoolean();
    float[] kernel = Nhwc.floats(r, g.kh() * g.kw() * per * filters);
    float[] b = bias ? Nhwc.floats(r, filters) : null;
    Variable k = new Variable("kernel", kernel, g.kh(), g.kw(), per, filters);
    Variable[] all =
        bias ? new Variable[] {k, new Variable("bias", b, filters)} : new Variable[] {k};
    KerasFile file =
        of(x)
            .layer(
                "Conv2D",
                "conv",
                window(g)
                    + ", \"filters\": %d, \"groups\": %d, \"use_bias\": %b, \"activation\": \"relu\""
                        .formatted(filters, groups, bias),
                all);
    Nhwc expected = x.conv(kernel, b, filters, groups, g).map(v -> Math.max(v, 0));
    Checks.gives(file, folder, x, expected, g + ", groups " + groups);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void depthwiseAndSeparable(int seed) throws IOException, InterruptedException {
    Random r = new Random(seed + 100);
    Window w = random(r);
    // TensorFlow's depthwise kernels take one stride for both axes.
    Window g = new Window(w.kh(), w.kw(), w.sy(), w.sy(), w.dy(), w.dx(), w.same());
    int multiplier = 1 + r.nextInt(3);
    Nhwc x = image(r, 1 + r.nextInt(18));
    int c = x.c() * multiplier;
    float[] kernel = Nhwc.floats(r, g.kh() * g.kw() * c);
    float[] bias = Nhwc.floats(r, c);
    Variable k = new Variable("depthwise_kernel", kernel, g.kh(), g.kw(), x.c(), multiplier);
    String config = window(g) + ", \"depth_multiplier\": " + multiplier;
    Checks.gives(
        of(x).layer("DepthwiseConv2D", "dw", config, k, new Variable("bias", bias, c)),
        folder,
        x,
        x.depthwise(kernel, bias, multiplier, g),
        g + ", multiplier " + multiplier);
    int filters = 1 + r.nextInt(20);
    float[] point = Nhwc.floats(r, c * filters);
    float[] b = Nhwc.floats(r, filters);
    Checks.gives(
        of(x)
            .layer(
                "SeparableConv2D",
                "separable",
                config + ", \"filters\": " + filters,
                k,
                new Variable("pointwise_kernel", point, 1, 1, c, filters),
                new Variable("bias", b, filters)),
        folder,
        x,
        x.depthwise(kernel, null, multiplier, g)
            .conv(point, b, filters, 1, new Window(1, 1, 1, 1, 1, 1, false)),
        g + ", multiplier " + multiplier);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void transposed(int seed) throws IOException, InterruptedException {
    Random r = new Random(seed + 200);
    Window g = random(r);
    int filters = 1 + r.nextInt(5);
    Nhwc x = Nhwc.random(r, 1, 3 + r.nextInt(3), 3 + r.nextInt(3), 1 + r.nextInt(4));
    boolean padded = r.nextInt(3) == 0 && g.sy() > 1 && g.sx() > 1;
    int extra = padded ? r.nextInt(Math.min(g.sy(), g.sx())) : 0;
    float[] kernel = Nhwc.floats(r, g.kh() * g.kw() * filters * x.c());
    float[] bias = Nhwc.floats(r, filters);
    int[] h = extent(x.h(), g.kh(), g.sy(), g.dy(), g.same(), padded ? extra : -1);
    int[] w = extent(x.w(), g.kw(), g.sx(), g.dx(), g.same(), padded ? extra : -1);
    String config = window(g) + ", \"filters\": " + filters;
    KerasFile file =
        of(x)
            .layer(
                "Conv2DTranspose",
                "up",
                padded ? config + ", \"output_padding\": [" + extra + ", " + extra + "]" : config,
                new Variable("kernel", kernel, g.kh(), g.kw(), filters, x.c()),
                new Variable("bias", bias, filters));
    Checks.gives(
        file,
        folder,
        x,
        x.scattered(kernel, bias, filters, g, h[0], w[0], h[1], w[1]),
        g + (padded ? ", output padding " + extra : ""));
  }

  /** Output extent and what is cut off before it: the padding of the convolution that this one undoes. */
  private static int[] extent(int in, int k, int stride, int dilation, boolean same, int extra) {
    int kernel = (k - 1) * dilation + 1;
    if (!same) {
      int padding = extra < 0 ? Math.max(kernel, stride) - kernel : extra;
      return new int[] {(in - 1) * stride + kernel + padding, 0};
    }
    int out = extra < 0 ? in * stride : (in - 1) * stride + kernel % 2 + extra;
    return new int[] {out, Math.max(0, (in - 1) * stride + kernel - out) / 2};
  }

  @Test
  void channelsFirst() throws IOException, InterruptedException {
    Random r = new Random(1);
    Nhwc x = Nhwc.random(r, 2, 6, 9, 3);
    Window g = new Window(3, 2, 2, 2, 1, 1, true);
    float[] kernel = Nhwc.floats(r, 3 * 2 * 3 * 5);
    float[] bias = Nhwc.floats(r, 5);
    KerasFile file =
        KerasFile.sequential("3.15.0", null, 3, 6, 9)
            .layer(
                "Conv2D",
                "conv",
                window(g) + ", \"filters\": 5, \"data_format\": \"channels_first\"",
                new Variable("kernel", kernel, 3, 2, 3, 5),
                new Variable("bias", bias, 5));
    Nhwc expected = x.conv(kernel, bias, 5, 1, g);
    Checks.gives(
        file,
        folder,
        Tensor.of(Shape.of(2, 3, 6, 9), x.channelsFirst()),
        new long[] {2, 5, expected.h(), expected.w()},
        Nhwc.doubles(expected.channelsFirst()),
        "channels first");
  }

  /** One-dimensional convolutions are two-dimensional ones of height 1; causal ones look back alone. */
  @Test
  void oneDimension() throws IOException, InterruptedException {
    Random r = new Random(2);
    Nhwc x = Nhwc.random(r, 2, 1, 11, 3);
    float[] kernel = Nhwc.floats(r, 3 * 3 * 4);
    float[] bias = Nhwc.floats(r, 4);
    Variable[] variables = {new Variable("kernel", kernel, 3, 3, 4), new Variable("bias", bias, 4)};
    Nhwc shifted = new Nhwc(2, 1, 15, 3);
    for (int n = 0; n < 2; n++) {
      for (int i = 0; i < 11 * 3; i++) {
        shifted.data()[shifted.at(n, 0, 4, 0) + i] = x.data()[x.at(n, 0, 0, 0) + i];
      }
    }
    for (String padding : new String[] {"valid", "same", "causal"}) {
      Window g = new Window(1, 3, 1, 1, 1, 2, padding.equals("same"));
      Nhwc expected = (padding.equals("causal") ? shifted : x).conv(kernel, bias, 4, 1, g);
      KerasFile file =
          KerasFile.sequential("3.15.0", null, 11, 3)
              .layer(
                  "Conv1D",
                  "conv",
                  "\"filters\": 4, \"kernel_size\": [3], \"dilation_rate\": [2], \"padding\": \""
                      + padding
                      + "\"",
                  variables);
      Checks.gives(
          file,
          folder,
          Tensor.of(Shape.of(2, 11, 3), x.floats()),
          new long[] {2, expected.w(), 4},
          expected.data(),
          padding);
    }
  }

  @Test
  void denseOverTheLastAxis() throws IOException, InterruptedException {
    Random r = new Random(3);
    int units = 19;
    Nhwc x = Nhwc.random(r, 2, 3, 4, 5);
    float[] kernel = Nhwc.floats(r, 5 * units);
    float[] bias = Nhwc.floats(r, units);
    Nhwc expected =
        x.conv(kernel, bias, units, 1, new Window(1, 1, 1, 1, 1, 1, false)).map(Math::tanh);
    long[][] inputs = {{24, 5}, {2, 12, 5}, {2, 3, 4, 5}};
    for (long[] shape : inputs) {
      Integer[] declared = new Integer[shape.length];
      for (int i = 1; i < shape.length; i++) {
        declared[i] = (int) shape[i];
      }
      KerasFile file =
          KerasFile.sequential("3.15.0", declared)
              .layer(
                  "Dense",
                  "dense",
                  "\"units\": " + units + ", \"activation\": \"tanh\"",
                  new Variable("kernel", kernel, 5, units),
                  new Variable("bias", bias, units));
      long[] out = shape.clone();
      out[out.length - 1] = units;
      Checks.gives(
          file,
          folder,
          Tensor.of(Shape.of(shape), x.floats()),
          out,
          expected.data(),
          "rank " + shape.length);
    }
  }

  @Test
  void poolingOverWindows() throws IOException, InterruptedException {
    Random r = new Random(4);
    for (int i = 0; i < 24; i++) {
      Nhwc x = image(r, 1 + r.nextInt(19));
      Window g =
          new Window(
              1 + r.nextInt(4),
              1 + r.nextInt(4),
              1 + r.nextInt(3),
              1 + r.nextInt(3),
              1,
              1,
              r.nextBoolean());
      boolean max = r.nextBoolean();
      KerasFile file =
          of(x)
              .layer(
                  max ? "MaxPooling2D" : "AveragePooling2D",
                  "pool",
                  "\"pool_size\": [%d, %d], \"strides\": [%d, %d], \"padding\": \"%s\""
                      .formatted(g.kh(), g.kw(), g.sy(), g.sx(), g.same() ? "same" : "valid"));
      Checks.gives(file, folder, x, x.pool(g, max), (max ? "maximum " : "average ") + g);
    }
  }

  @Test
  void poolingOverImages() throws IOException, InterruptedException {
    Nhwc x = Nhwc.random(new Random(5), 2, 5, 7, 3);
    for (boolean max : new boolean[] {true, false}) {
      Nhwc expected = x.pool(new Window(5, 7, 1, 1, 1, 1, false), max);
      for (boolean keep : new boolean[] {true, false}) {
        KerasFile file =
            of(x)
                .layer(
                    max ? "GlobalMaxPooling2D" : "GlobalAveragePooling2D",
                    "pool",
                    "\"keepdims\": " + keep);
        long[] shape = keep ? new long[] {2, 1, 1, 3} : new long[] {2, 3};
        Checks.gives(file, folder, Checks.tensor(x), shape, expected.data(), "keepdims " + keep);
      }
    }
  }
}
