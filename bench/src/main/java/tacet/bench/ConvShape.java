package tacet.bench;

import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tacet.kernels.Activation;
import tacet.kernels.ConvSpec;

/**
 * A convolution of one image as a line of a shape list, for example {@code 64x56x56 64 3x3 s1 p1}: channels, height and
 * width of the input, output channels, kernel height and width; then, each where it is not the default, strides
 * ({@code s2} or {@code s2x1}, default 1), padding ({@code p1}, or {@code p0,1,0,1} for top, left, bottom, right; default
 * 0), dilations ({@code d2}, default 1) and groups ({@code g32}, default 1).
 */
record ConvShape(
    int inChannels,
    int height,
    int width,
    int outChannels,
    int kernelHeight,
    int kernelWidth,
    int strideY,
    int strideX,
    int padTop,
    int padLeft,
    int padBottom,
    int padRight,
    int dilationY,
    int dilationX,
    int groups) {

  private static final Pattern LINE =
      Pattern.compile(
          "(\\d+)x(\\d+)x(\\d+) (\\d+) (\\d+)x(\\d+)"
              + "(?: s(\\d+)(?:x(\\d+))?)?"
              + "(?: p(\\d+)(?:,(\\d+),(\\d+),(\\d+))?)?"
              + "(?: d(\\d+)(?:x(\\d+))?)?"
              + "(?: g(\\d+))?");

  ConvShape {
    if (outHeight(height, padTop, padBottom, dilationY, kernelHeight, strideY) < 1
        || outHeight(width, padLeft, padRight, dilationX, kernelWidth, strideX) < 1) {
      throw new IllegalArgumentException("the kernel is larger than the padded image");
    }
  }

  /**
   * @throws IllegalArgumentException where the line is no shape
   */
  static ConvShape parse(String line) {
    Matcher m = LINE.matcher(line.strip().replaceAll("\\s+", " "));
    if (!m.matches()) {
      throw new IllegalArgumentException(
          "'" + line + "' is no convolution shape; expected for example '64x56x56 64 3x3 s1 p1'");
    }
    int[] n = new int[m.groupCount()];
    for (int i = 0; i < n.length; i++) {
      n[i] = m.group(i + 1) == null ? -1 : Integer.parseInt(m.group(i + 1));
    }
    int strideY = or(n[6], 1);
    int padTop = or(n[8], 0);
    int dilationY = or(n[12], 1);
    return new ConvShape(
        n[0],
        n[1],
        n[2],
        n[3],
        n[4],
        n[5],
        strideY,
        or(n[7], strideY),
        padTop,
        or(n[9], padTop),
        or(n[10], padTop),
        or(n[11], padTop),
        dilationY,
        or(n[13], dilationY),
        or(n[14], 1));
  }

  private static int or(int value, int otherwise) {
    return value < 0 ? otherwise : value;
  }

  private static int outHeight(int in, int before, int after, int dilation, int kernel, int step) {
    return Math.floorDiv(in + before + after - dilation * (kernel - 1) - 1, step) + 1;
  }

  int outHeight() {
    return outHeight(height, padTop, padBottom, dilationY, kernelHeight, strideY);
  }

  int outWidth() {
    return outHeight(width, padLeft, padRight, dilationX, kernelWidth, strideX);
  }

  /** With a bias and ReLU, as both sides compute it. */
  ConvSpec spec() {
    return new ConvSpec(
        1,
        inChannels,
        height,
        width,
        outChannels,
        outHeight(),
        outWidth(),
        groups,
        kernelHeight,
        kernelWidth,
        strideY,
        strideX,
        padTop,
        padLeft,
        dilationY,
        dilationX,
        false,
        Activation.RELU);
  }

  int weights() {
    return outChannels * (inChannels / groups) * kernelHeight * kernelWidth;
  }

  double flops() {
    return 2.0 * spec().multiplyAdds();
  }

  @Override
  public String toString() {
    StringBuilder s = new StringBuilder();
    s.append(inChannels).append('x').append(height).append('x').append(width);
    s.append(' ').append(outChannels);
    s.append(' ').append(kernelHeight).append('x').append(kernelWidth);
    s.append(" s").append(pair(strideY, strideX));
    int[] pads = {padTop, padLeft, padBottom, padRight};
    if (Arrays.stream(pads).anyMatch(p -> p != pads[0])) {
      s.append(" p" + padTop + "," + padLeft + "," + padBottom + "," + padRight);
    } else if (padTop > 0) {
      s.append(" p").append(padTop);
    }
    if (dilationY != 1 || dilationX != 1) {
      s.append(" d").append(pair(dilationY, dilationX));
    }
    if (groups != 1) {
      s.append(" g").append(groups);
    }
    return s.toString();
  }

  private static String pair(int a, int b) {
    return a == b ? Integer.toString(a) : a + "x" + b;
  }
}
