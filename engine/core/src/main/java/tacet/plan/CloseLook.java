package tacet.plan;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import tacet.kernels.ImageLayout;
import tacet.profile.Detail;
import tacet.profile.Histogram;

/** Looks at every element of an image in a pass of its own. */
final class CloseLook {

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final int MANTISSA_BITS = 23;
  private static final int HALF = 24;

  private final long[] negative = new long[Histogram.BINS];
  private final long[] positive = new long[Histogram.BINS];
  private long zeros;
  private long nonFinite;

  // Sums of mantissas per exponent; squares as two halves, so that no sum of 2^39 of them
  // overflows.
  private final long[] sums = new long[255];
  private final long[] squaresLow = new long[255];
  private final long[] squaresHigh = new long[255];

  private CloseLook() {}

  /**
   * @param first byte offset of the first element
   */
  static Detail at(MemorySegment m, long first, ImageLayout l) {
    return new CloseLook().look(m, first, l);
  }

  private Detail look(MemorySegment m, long first, ImageLayout l) {
    long[] map = new long[Math.multiplyExact(l.height(), l.width())];
    int[] widths = Detail.BLOCK_WIDTHS.stream().mapToInt(Integer::intValue).toArray();
    int[] run = new int[widths.length];
    long[] zeroBlocks = new long[widths.length];
    long zeroPixels = 0;
    int channels = l.channels();
    for (int n = 0; n < l.batch(); n++) {
      for (int y = 0; y < l.height(); y++) {
        for (int x = 0; x < l.width(); x++) {
          int here = 0;
          for (int c = 0; c < channels; c++) {
            boolean zero = add(m.get(FLOAT, first + l.offset(n, c, y, x)));
            here += zero ? 1 : 0;
            for (int b = 0; b < widths.length; b++) {
              int within = c % widths[b];
              run[b] = (within == 0 ? 0 : run[b]) + (zero ? 1 : 0);
              boolean last = within == widths[b] - 1 || c == channels - 1;
              zeroBlocks[b] += last && run[b] == within + 1 ? 1 : 0;
            }
          }
          map[y * l.width() + x] += here;
          zeroPixels += here == channels ? 1 : 0;
        }
      }
    }
    long pixels = channels == 0 ? 0 : l.elements() / channels;
    List<Detail.Blocks> blocks = new ArrayList<>();
    for (int b = 0; b < widths.length; b++) {
      blocks.add(
          new Detail.Blocks(widths[b], pixels * Math.ceilDiv(channels, widths[b]), zeroBlocks[b]));
    }
    return new Detail(
        l.height(),
        l.width(),
        map,
        new Histogram(negative, positive, zeros, nonFinite),
        absoluteSum(),
        squareSum(),
        pixels,
        zeroPixels,
        blocks);
  }

  /** Whether it is a zero. */
  private boolean add(float v) {
    if (v == 0) {
      zeros++;
      return true;
    }
    int bits = Float.floatToRawIntBits(v) & Integer.MAX_VALUE;
    int exponent = bits >>> MANTISSA_BITS;
    if (exponent == 255) {
      nonFinite++;
      return false;
    }
    (v < 0 ? negative : positive)[Histogram.bin(Math.getExponent(v))]++;
    long mantissa = bits & (1 << MANTISSA_BITS) - 1 | (exponent == 0 ? 0 : 1 << MANTISSA_BITS);
    // Subnormals and the smallest normals share their unit.
    int unit = Math.max(exponent, 1) - 1;
    long square = mantissa * mantissa;
    sums[unit] += mantissa;
    squaresLow[unit] += square & (1L << HALF) - 1;
    squaresHigh[unit] += square >>> HALF;
    return false;
  }

  private BigInteger absoluteSum() {
    BigInteger sum = BigInteger.ZERO;
    for (int u = 0; u < sums.length; u++) {
      sum = sum.add(BigInteger.valueOf(sums[u]).shiftLeft(u));
    }
    return sum;
  }

  private BigInteger squareSum() {
    BigInteger sum = BigInteger.ZERO;
    for (int u = 0; u < sums.length; u++) {
      BigInteger square =
          BigInteger.valueOf(squaresHigh[u]).shiftLeft(HALF).add(BigInteger.valueOf(squaresLow[u]));
      sum = sum.add(square.shiftLeft(2 * u));
    }
    return sum;
  }
}
