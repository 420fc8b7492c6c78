package tacet.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Option;
import tacet.graph.Graph;
import tacet.graph.ValueInfo;
import tacet.insight.image.Geometry;
import tacet.insight.image.Normalization;
import tacet.insight.image.Normalization.Channels;
import tacet.insight.image.Normalization.Layout;
import tacet.insight.image.Picture;
import tacet.insight.image.Preparation;
import tacet.insight.image.ResizeMethod;
import tacet.insight.survey.Surveyor;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** How images become a network's input. */
final class ImageOptions {

  /** Sides that networks for the ImageNet classes take; they are cropped from images of shorter side 256. */
  private static final int IMAGENET_LEAST = 224;

  private static final int IMAGENET_SHORTER = 256;

  enum ResizeMode {
    stretch,
    crop,
    none
  }

  @Option(
      names = "--resize",
      paramLabel = "MODE",
      description =
          "stretch to the network's size, crop (resize the shorter side, cut the centre), or none;"
              + " default: stretch, or none where the network takes any size and none is given.")
  private ResizeMode resize;

  @Option(
      names = "--size",
      paramLabel = "N|WxH",
      description = "Size of the input, for networks that take any.")
  private String size;

  @Option(
      names = "--shorter",
      paramLabel = "N",
      description =
          "With --resize crop: shorter side before cutting (default: 256 for sizes of 224 to 256,"
              + " else the size).")
  private Integer shorter;

  @Option(
      names = "--scale",
      paramLabel = "S",
      description = "Pixels 0..255 become (x * scale - mean) / std (default: 1/255).")
  private String scale = "1/255";

  @Option(
      names = "--mean",
      paramLabel = "M[,M,M]",
      hideParamSyntax = true,
      split = ",",
      description = "One number, or one per channel in the network's order (default: 0).")
  private float[] mean = {0f};

  @Option(
      names = "--std",
      paramLabel = "D[,D,D]",
      hideParamSyntax = true,
      split = ",",
      description = "One number, or one per channel in the network's order (default: 1).")
  private float[] std = {1f};

  @Option(
      names = "--channels",
      paramLabel = "rgb|bgr",
      description = "Order of the network's colour channels (default: rgb).")
  private Order channels = Order.rgb;

  enum Order {
    rgb,
    bgr
  }

  /**
   * An image made ready for an input.
   *
   * @param picture what the network sees of it, at the size it sees it
   * @param preparation how it was made and what becomes of its pixels
   * @param layout of the input
   */
  record Prepared(Picture picture, Preparation preparation, Layout layout) {

    Shape shape() {
      return Shape.of(preparation.shape(picture, layout));
    }

    Tensor tensor() {
      return Tensor.of(shape(), preparation.normalization().apply(picture, layout));
    }
  }

  /**
   * Reads an image for a network input.
   *
   * @param side side to resize to where the network leaves it open, or 0
   */
  Prepared read(Path file, ValueInfo input, int side) throws IOException {
    return prepare(file.toString(), Picture.read(file), input, side);
  }

  /**
   * Reads images for a network that {@linkplain #normalising normalises them itself}.
   *
   * @param input of the network before it did
   */
  Surveyor.Decoder pixels(ValueInfo input) {
    Layout layout = layout(input);
    Preparation preparation = preparation(input, layout, 0);
    return file -> {
      Prepared prepared = prepare(file.toString(), Picture.read(file), input, layout, preparation);
      return new Surveyor.Source() {
        @Override
        public Shape shape() {
          return Preparation.pixelShape(prepared.picture());
        }

        @Override
        public void write(Tensor pixels) {
          preparation.write(prepared.picture(), pixels);
        }
      };
    };
  }

  /** The same network, taking images as bytes, which it normalises as the command line says. */
  Graph normalising(Graph graph) {
    ValueInfo input = InspectInput.onlyInput(graph);
    return preparation(new Geometry.None(), input, layout(input)).into(graph);
  }

  /** Whether the command line says how to make an image fit. */
  boolean saysHowToResize() {
    return resize != null;
  }

  /** Prepares the largest square in the middle of an image, resized to {@code side}. */
  Prepared readSquare(Path file, ValueInfo input, int side) throws IOException {
    Picture square =
        new Geometry.Crop(side, side).apply(Picture.read(file), ResizeMethod.PILLOW_BILINEAR);
    return prepare(file.toString(), square, input, side);
  }

  private Prepared prepare(String name, Picture picture, ValueInfo input, int side) {
    Layout layout = layout(input);
    return prepare(name, picture, input, layout, preparation(input, layout, side));
  }

  private static Prepared prepare(
      String name, Picture picture, ValueInfo input, Layout layout, Preparation preparation) {
    Prepared prepared = new Prepared(preparation.sized(picture), preparation, layout);
    if (!input.accepts(prepared.shape())) {
      throw new IllegalArgumentException(
          name
              + ": gives an input of "
              + prepared.shape()
              + ", the network takes "
              + input.describe());
    }
    return prepared;
  }

  /**
   * @param side to resize to where the network leaves it open, or 0
   */
  private Preparation preparation(ValueInfo input, Layout layout, int side) {
    long[] dims = input.dims();
    int yAxis = layout == Layout.NHWC ? 1 : 2;
    return preparation(geometry(wanted(dims[yAxis], dims[yAxis + 1], side)), input, layout);
  }

  private Preparation preparation(Geometry geometry, ValueInfo input, Layout layout) {
    long planes = input.dims()[layout == Layout.NHWC ? 3 : 1];
    Channels order =
        planes == 1 ? Channels.GREY : channels == Order.bgr ? Channels.BGR : Channels.RGB;
    return new Preparation(
        geometry, ResizeMethod.PILLOW_BILINEAR, new Normalization(order, number(scale), mean, std));
  }

  /** Whether the network's input is an image, and its channels first or last. */
  static Layout layout(ValueInfo input) {
    long[] d = input.dims();
    if (d == null || d.length != 4) {
      throw new IllegalArgumentException(
          "input '" + input.name() + "' is " + input.describe() + ", not an image");
    }
    if (isColour(d[1])) {
      return Layout.NCHW;
    }
    if (isColour(d[3])) {
      return Layout.NHWC;
    }
    throw new IllegalArgumentException(
        "input '"
            + input.name()
            + "' is "
            + input.describe()
            + ", which has neither 1 nor 3 channels");
  }

  private static boolean isColour(long channels) {
    return channels == 1 || channels == 3;
  }

  /** Height and width to resize to, or null. */
  private int[] wanted(long height, long width, int side) {
    if (height != ValueInfo.UNKNOWN && width != ValueInfo.UNKNOWN) {
      return new int[] {Math.toIntExact(height), Math.toIntExact(width)};
    }
    if (side > 0) {
      return new int[] {side, side};
    }
    if (size != null) {
      return parseSize(size);
    }
    return resize == ResizeMode.crop ? new int[] {IMAGENET_LEAST, IMAGENET_LEAST} : null;
  }

  private static int[] parseSize(String text) {
    String[] parts = text.toLowerCase(Locale.ROOT).split("x", -1);
    try {
      int w = Integer.parseInt(parts[0]);
      int h = parts.length == 1 ? w : Integer.parseInt(parts[1]);
      if (parts.length <= 2 && w > 0 && h > 0) {
        return new int[] {h, w};
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new IllegalArgumentException(
        "--size " + text + ": expected a number or WxH, as 227 or 320x240");
  }

  private Geometry geometry(int[] wanted) {
    if (resize == ResizeMode.none || wanted == null) {
      return new Geometry.None();
    }
    int h = wanted[0];
    int w = wanted[1];
    if (resize != ResizeMode.crop) {
      return new Geometry.Stretch(w, h);
    }
    int longer = Math.max(h, w);
    int from =
        shorter != null
            ? shorter
            : longer >= IMAGENET_LEAST && longer <= IMAGENET_SHORTER ? IMAGENET_SHORTER : longer;
    return new Geometry.Crop(w, h, from);
  }

  private static float number(String text) {
    String[] parts = text.split("/", -1);
    try {
      double n = Double.parseDouble(parts[0].strip());
      if (parts.length == 1) {
        return (float) n;
      }
      if (parts.length == 2) {
        return (float) (n / Double.parseDouble(parts[1].strip()));
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new IllegalArgumentException(
        "--scale " + text + ": expected a number or a fraction, as 1 or 1/255");
  }
}
