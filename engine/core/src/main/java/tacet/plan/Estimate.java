package tacet.plan;

import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.ConvSpec;

/**
 * What a convolution takes with SIMD and with oneDNN where nothing was measured: its multiply-adds over the rate that kernels
 * of its kind reach. The rates are set by hand after what {@code tacet compare --shapes} shows on one thread, with vectors of 512
 * bits and with narrower ones, whose machines have fewer registers; only their ratios matter.
 */
final class Estimate {

  /** Multiply-adds per nanosecond and lane of one core. */
  private static final double PEAK_PER_LANE = 9;

  /** Fewer output pixels are too few for the large tiles of Winograd's algorithm. */
  private static final int FEW_PIXELS = 100;

  /** With narrow vectors, fewer than these gain little by it. */
  private static final int SOME_PIXELS = 200;

  private static final int WIDE_LANES = 16;

  private Estimate() {}

  /**
   * Nanoseconds with SIMD, or NaN for what is no convolution: there both are alike.
   *
   * @param strict whether each sum of products is formed as it is defined
   */
  static double simdNanos(TypedGraph net, Node n, int lanes, boolean strict) {
    ConvSpec s = n.op() instanceof Op.Conv ? net.convolution(n) : null;
    return s == null ? Double.NaN : nanos(s, simdRate(s, lanes, strict), lanes);
  }

  /** Nanoseconds with oneDNN, or NaN. */
  static double oneDnnNanos(TypedGraph net, Node n, int lanes) {
    ConvSpec s = n.op() instanceof Op.Conv ? net.convolution(n) : null;
    return s == null ? Double.NaN : nanos(s, oneDnnRate(s, lanes), lanes);
  }

  private static double nanos(ConvSpec s, double rate, int lanes) {
    return s.multiplyAdds() / (rate * PEAK_PER_LANE * lanes);
  }

  private static boolean isPointwise(ConvSpec s) {
    return s.kernelHeight() * s.kernelWidth() == 1;
  }

  private static boolean isWinograd(ConvSpec s, int lanes, boolean strict) {
    return !strict
        && s.groups() == 1
        && s.kernelHeight() == 3
        && s.kernelWidth() == 3
        && s.strideY() * s.strideX() * s.dilationY() * s.dilationX() == 1
        && s.inChannels() >= lanes;
  }

  /** Share of the peak. */
  private static double simdRate(ConvSpec s, int lanes, boolean strict) {
    if (lanes < WIDE_LANES) {
      return narrowRate(s, lanes, strict);
    }
    if (isWinograd(s, lanes, strict)) {
      return s.outHeight() * s.outWidth() < FEW_PIXELS ? 1.2 : 1.8;
    }
    if (s.isDepthwise()) {
      return 0.1;
    }
    if (s.groups() > 1 || s.inChannels() < lanes) {
      return 0.6;
    }
    return isPointwise(s) ? 0.87 : 0.85;
  }

  private static double narrowRate(ConvSpec s, int lanes, boolean strict) {
    int pixels = s.outHeight() * s.outWidth();
    if (isWinograd(s, lanes, strict)) {
      if (s.inChannels() < 4 * lanes) {
        return 0.65;
      }
      return pixels < FEW_PIXELS ? 0.75 : pixels < SOME_PIXELS ? 0.85 : 1.4;
    }
    if (s.isDepthwise()) {
      return 0.1;
    }
    if (s.groups() > 1 || s.inChannels() < lanes) {
      return 0.45;
    }
    return s.inChannels() < 8 * lanes || s.outChannels() < 8 * lanes ? 0.55 : 0.72;
  }

  private static double oneDnnRate(ConvSpec s, int lanes) {
    if (s.isDepthwise()) {
      return 0.15;
    }
    if (s.groups() > 1 || s.inChannels() < lanes) {
      return 0.7;
    }
    return isPointwise(s) ? 0.92 : 0.85;
  }
}
