package tacet.tests;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import tacet.NetworkBuilder;
import tacet.graph.Graph;
import tacet.graph.Op;
import tacet.graph.Op.AutoPad;
import tacet.graph.Op.ElementwiseKind;
import tacet.graph.Op.PoolKind;
import tacet.graph.Op.Window;
import tacet.kernels.Activation;
import tacet.kernels.Activation.Kind;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Networks of random layers with random attributes; the same for the same seed. */
final class RandomGraphs {

  /** An image value: its name and extents. */
  private record Image(String name, int channels, int height, int width) {}

  private static final List<Activation> ACTIVATIONS =
      List.of(
          Activation.RELU,
          Activation.RELU,
          Activation.RELU,
          Activation.RELU6,
          new Activation(Kind.LEAKY_RELU, 0.1f, 0f),
          new Activation(Kind.CLIP, -0.5f, 0.5f),
          Activation.of(Kind.SIGMOID),
          Activation.of(Kind.TANH),
          new Activation(Kind.ELU, 1f, 0f),
          Activation.of(Kind.HARD_SWISH));

  private final SplittableRandom random;
  private final NetworkBuilder builder;
  private final List<Image> images = new ArrayList<>();
  private final int batch;
  private int layers;

  private RandomGraphs(long seed) {
    random = new SplittableRandom(seed);
    builder = new NetworkBuilder("random graph " + seed, seed);
    batch = 1 + random.nextInt(3);
  }

  static Graph graph(long seed) {
    return new RandomGraphs(seed).graph();
  }

  private Graph graph() {
    int channels = pick(1, 3, 4, 8, 16, 17, 32);
    int height = 1 + random.nextInt(20);
    int width = 1 + random.nextInt(20);
    images.add(
        new Image(builder.input("input", batch, channels, height, width), channels, height, width));
    int count = 2 + random.nextInt(9);
    for (int i = 0; i < count; i++) {
      layer();
    }
    Image last = images.getLast();
    List<String> outputs = new ArrayList<>();
    if (random.nextInt(3) == 0) {
      outputs.add(last.name);
    } else {
      outputs.add(head(last));
    }
    if (random.nextInt(4) == 0 && images.size() > 2) {
      String other = images.get(1 + random.nextInt(images.size() - 2)).name;
      if (!outputs.contains(other)) {
        outputs.add(other);
      }
    }
    return builder.build(outputs.toArray(String[]::new));
  }

  private void layer() {
    // Mostly the latest value, so that networks are deep.
    Image x = random.nextInt(4) == 0 ? any() : images.getLast();
    Image y =
        switch (random.nextInt(13)) {
          case 0, 1, 2, 3 -> convolution(x);
          case 4 -> depthwise(x);
          case 5 -> pool(x);
          case 6, 7 -> with(x, builder.activation(name("act"), x.name, activation()));
          case 8 -> batchNormalization(x);
          case 9 -> join(x);
          case 10 -> concat(x);
          case 11 -> pad(x);
          default -> elementwise(x);
        };
    images.add(y);
  }

  private String name(String kind) {
    return kind + layers++;
  }

  private Image any() {
    return images.get(random.nextInt(images.size()));
  }

  private static Image with(Image x, String name) {
    return new Image(name, x.channels, x.height, x.width);
  }

  private Activation activation() {
    return ACTIVATIONS.get(random.nextInt(ACTIVATIONS.size()));
  }

  private int pick(int... values) {
    return values[random.nextInt(values.length)];
  }

  /** A window over one axis: kernel, stride, pads, dilation and the extent it leaves. */
  private record Axis(int kernel, int stride, int begin, int end, int dilation, int extent) {}

  private Axis axis(int extent, int mostKernel, boolean dilate) {
    int dilation = dilate && random.nextInt(4) == 0 ? 2 : 1;
    int begin = random.nextInt(3);
    int end = random.nextInt(3);
    int kernel = 1 + random.nextInt(mostKernel);
    while ((kernel - 1) * dilation + 1 > extent + begin + end) {
      kernel--;
    }
    // Padding may not hold a whole window: such an output would see nothing but padding.
    begin = Math.min(begin, Math.max(0, kernel - 1));
    end = Math.min(end, Math.max(0, kernel - 1));
    while ((kernel - 1) * dilation + 1 > extent + begin + end) {
      kernel--;
      begin = Math.min(begin, kernel - 1);
      end = Math.min(end, kernel - 1);
    }
    int stride = pick(1, 1, 1, 2, 3);
    int out = (extent + begin + end - (kernel - 1) * dilation - 1) / stride + 1;
    return new Axis(kernel, stride, begin, end, dilation, out);
  }

  private static Window window(Axis y, Axis x) {
    return new Window(
        List.of(y.kernel, x.kernel),
        List.of(y.stride, x.stride),
        List.of(y.begin, x.begin),
        List.of(y.end, x.end),
        List.of(y.dilation, x.dilation),
        AutoPad.EXPLICIT);
  }

  private Image convolution(Image in) {
    int groups = 1;
    if (random.nextInt(4) == 0) {
      int g = pick(2, 3, 4, 8);
      groups = in.channels % g == 0 ? g : 1;
    }
    int out = groups * pick(1, 3, 5, 8, 16, 17, 24, 32, 48);
    Axis y = axis(in.height, 5, true);
    Axis x = axis(in.width, 5, true);
    return convolved(in, window(y, x), groups, out, y, x);
  }

  private Image depthwise(Image in) {
    Axis y = axis(in.height, 5, true);
    Axis x = axis(in.width, 5, true);
    return convolved(in, window(y, x), in.channels, in.channels, y, x);
  }

  private Image convolved(Image in, Window w, int groups, int out, Axis y, Axis x) {
    String name = name("conv");
    int fan = in.channels / groups * y.kernel * x.kernel;
    Tensor weights = normal(Math.sqrt(2.0 / fan), out, in.channels / groups, y.kernel, x.kernel);
    Tensor bias = random.nextBoolean() ? normal(0.2, out) : null;
    builder.convolution(name, in.name, w, groups, weights, bias);
    return new Image(name, out, y.extent, x.extent);
  }

  private Image pool(Image in) {
    String name = name("pool");
    if (random.nextInt(5) == 0) {
      PoolKind kind = random.nextBoolean() ? PoolKind.MAX : PoolKind.AVERAGE;
      builder.node(name, new Op.GlobalPool(kind, 2), in.name);
      return new Image(name, in.channels, 1, 1);
    }
    boolean max = random.nextBoolean();
    Axis y = axis(in.height, 4, max);
    Axis x = axis(in.width, 4, max);
    boolean includePad = random.nextBoolean();
    builder.node(
        name,
        new Op.Pool(
            max ? PoolKind.MAX : PoolKind.AVERAGE, window(y, x), false, includePad, 2, false),
        in.name);
    return new Image(name, in.channels, y.extent, x.extent);
  }

  private Image batchNormalization(Image in) {
    String name = name("norm");
    Tensor variance = Tensor.allocate(DataType.FLOAT32, Shape.of(in.channels));
    variance.fill(() -> 0.5 + random.nextDouble());
    builder.batchNormalization(
        name,
        in.name,
        normal(1, in.channels),
        normal(0.3, in.channels),
        normal(0.3, in.channels),
        variance);
    return with(in, name);
  }

  /** The sum of a value and another of its shape; made by a convolution where there is none. */
  private Image join(Image x) {
    Image other = null;
    for (Image i : images) {
      if (!i.name.equals(x.name)
          && i.channels == x.channels
          && i.height == x.height
          && i.width == x.width) {
        other = i;
      }
    }
    if (other == null) {
      Axis one = new Axis(1, 1, 0, 0, 1, x.height);
      Axis across = new Axis(1, 1, 0, 0, 1, x.width);
      other = convolved(x, window(one, across), 1, x.channels, one, across);
      images.add(other);
    }
    return with(x, builder.add(name("sum"), other.name, x.name));
  }

  private Image concat(Image x) {
    List<String> parts = new ArrayList<>();
    int channels = 0;
    for (Image i : images) {
      if (i.height == x.height && i.width == x.width && parts.size() < 3) {
        parts.add(i.name);
        channels += i.channels;
      }
    }
    String name = builder.concat(name("concat"), parts.toArray(String[]::new));
    return new Image(name, channels, x.height, x.width);
  }

  private Image pad(Image x) {
    String name = name("pad");
    int[] p = random.ints(4, 0, 3).toArray();
    String pads =
        builder.constant(
            name + "/pads", Tensor.ofLongs(Shape.of(8), 0, 0, p[0], p[1], 0, 0, p[2], p[3]));
    // Mostly zeros, which can be the room around an image.
    String value =
        random.nextInt(4) == 0 ? builder.constant(name + "/value", Tensor.of(Shape.of(), 1f)) : "";
    builder.node(name, new Op.Pad(Op.PadMode.CONSTANT), x.name, pads, value);
    return new Image(name, x.channels, p[0] + x.height + p[2], p[1] + x.width + p[3]);
  }

  private Image elementwise(Image x) {
    String name = name("elementwise");
    ElementwiseKind kind = random.nextBoolean() ? ElementwiseKind.MUL : ElementwiseKind.ADD;
    // Per channel, or one value for all.
    Tensor other = random.nextInt(3) == 0 ? normal(1, 1) : normal(1, 1, x.channels, 1, 1);
    builder.node(
        name, new Op.Elementwise(kind), x.name, builder.constant(name + "/constant", other));
    return with(x, name);
  }

  private String head(Image in) {
    Image x = in;
    if (random.nextBoolean()) {
      x = new Image(builder.globalAveragePool("mean", x.name), x.channels, 1, 1);
    }
    String y = builder.dense("dense", builder.flatten("flat", x.name), pick(1, 5, 10, 16, 33));
    if (random.nextBoolean()) {
      y = builder.dense("dense2", builder.relu("denserelu", y), pick(2, 7, 16));
    }
    return random.nextBoolean() ? builder.softmax("softmax", y) : y;
  }

  private Tensor normal(double deviation, long... dims) {
    Tensor t = Tensor.allocate(DataType.FLOAT32, Shape.of(dims));
    t.fill(() -> random.nextGaussian() * deviation);
    return t;
  }
}
