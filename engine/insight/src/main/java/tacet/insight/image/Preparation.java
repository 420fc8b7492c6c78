package tacet.insight.image;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import tacet.graph.Graph;
import tacet.graph.PixelInput;
import tacet.insight.image.Normalization.Channels;
import tacet.insight.image.Normalization.Layout;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * All that happens to a picture before a network sees it: grey where the network takes one channel,
 * then resized and cut, then normalised. In this order, since resizing RGB and then taking luma
 * rounds differently than Pillow's usual {@code convert('L').resize(…)}.
 *
 * @param geometry size
 * @param method arithmetic of the resize
 * @param normalization channels and values
 */
public record Preparation(Geometry geometry, ResizeMethod method, Normalization normalization) {
  private static final int BYTES_PER_PIXEL = 3;

  /**
   * One image as a network's input.
   *
   * @param shape {@code [1, C, H, W]} or {@code [1, H, W, C]}
   * @param values the elements, last dimension innermost
   */
  public record Input(long[] shape, float[] values) {}

  /**
   * Prepares a picture.
   *
   * @throws IllegalArgumentException if the result would not fit a Java array
   */
  public Input apply(Picture picture, Layout layout) {
    Picture sized = sized(picture);
    return new Input(shape(sized, layout), normalization.apply(sized, layout));
  }

  /**
   * The same network, taking resized pictures as bytes [1, H, W, 3] – as {@link #apply(Picture, Tensor)} gives them – and
   * normalising them itself, in one pass into the layout that its first kernel reads.
   *
   * @param graph of one input, an image of as many channels as the normalisation has
   * @throws IllegalArgumentException where it is another
   */
  public Graph into(Graph graph) {
    if (graph.inputs().size() != 1) {
      throw new IllegalArgumentException("the model has " + graph.inputs().size() + " inputs");
    }
    return PixelInput.of(
        graph, graph.inputs().getFirst().name(), normalization.onBytes(), BYTES_PER_PIXEL);
  }

  /**
   * Prepares a picture right in the memory of a network's input, for example a session's.
   *
   * @param input float32 of the shape [1, C, H, W] or [1, H, W, C] that the picture comes to, or uint8 of [1, H, W, 3] for a
   *     network that {@linkplain #into normalises itself}
   * @throws IllegalArgumentException where its shape is another
   */
  public void apply(Picture picture, Tensor input) {
    write(sized(picture), input);
  }

  /** All but the normalisation: the pixels that the network sees. */
  public Picture sized(Picture picture) {
    boolean grey = normalization.channels() == Channels.GREY;
    return geometry.apply(grey ? picture.grey() : picture, method);
  }

  /**
   * Normalises a picture that has its size into the memory of a network's input.
   *
   * @throws IllegalArgumentException where the input's shape is another than what the picture comes to
   */
  public void write(Picture sized, Tensor input) {
    if (input.type() == DataType.UINT8 && input.shape().equals(pixelShape(sized))) {
      MemorySegment.copy(
          sized.rgb(), 0, input.data(), ValueLayout.JAVA_BYTE, 0, sized.rgb().length);
      return;
    }
    Shape nchw = Shape.of(shape(sized, Layout.NCHW));
    Shape nhwc = Shape.of(shape(sized, Layout.NHWC));
    boolean first = input.shape().equals(nchw);
    if (input.type() != DataType.FLOAT32 || !first && !input.shape().equals(nhwc)) {
      throw new IllegalArgumentException(
          "the input is " + input.type() + " " + input.shape() + ", the picture comes to " + nchw);
    }
    normalization.apply(sized, first ? Layout.NCHW : Layout.NHWC, input.data());
  }

  /** The shape that a picture of this size has as an input of bytes. */
  public static Shape pixelShape(Picture sized) {
    return Shape.of(1, sized.height(), sized.width(), BYTES_PER_PIXEL);
  }

  /** The shape that a picture of this size has as a network's input. */
  public long[] shape(Picture sized, Layout layout) {
    long channels = normalization.channels().count();
    return layout == Layout.NCHW
        ? new long[] {1, channels, sized.height(), sized.width()}
        : new long[] {1, sized.height(), sized.width(), channels};
  }

  /**
   * What is done, for reports: {@code shorter side 256 (pillow-bilinear), centre crop 227x227, BGR,
   * (x·1 − [104, 117, 123]) / [1, 1, 1]}.
   */
  public String describe() {
    String size =
        switch (geometry) {
          case Geometry.None() -> "size as it is";
          case Geometry.Stretch(int w, int h) ->
              "stretched to " + w + "x" + h + " (" + method.label() + ")";
          case Geometry.Crop(int w, int h, int shorter) ->
              "shorter side " + shorter + " (" + method.label() + "), centre crop " + w + "x" + h;
        };
    return size + ", " + normalization.describe();
  }
}
