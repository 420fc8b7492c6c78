package tacet.profile;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/**
 * A close look at the elements of one value, over one or more runs. Everything is an integer, so that the sum of two is
 * exact and does not depend on their order.
 *
 * @param height rows of the map; 1 for matrices, 0 where runs of different sizes were added up
 * @param width columns of the map; trailing spatial axes beyond the second count as columns
 * @param zerosPerPosition the map: zeros summed over channels and images, row by row; empty where there is none
 * @param histogram how large the elements are
 * @param absoluteSum Σ|x| of the finite elements, in units of 2^−149 (the smallest float32)
 * @param squareSum Σx² of the finite elements, in units of 2^−298
 * @param pixels positions of all images
 * @param zeroPixels positions at which every channel is zero
 * @param blocks runs of 4, 8 and 16 channels
 */
public record Detail(
    int height,
    int width,
    long[] zerosPerPosition,
    Histogram histogram,
    BigInteger absoluteSum,
    BigInteger squareSum,
    long pixels,
    long zeroPixels,
    List<Blocks> blocks) {

  /** Channels per block that are looked at: the vectors of 128, 256 and 512 bits. */
  public static final List<Integer> BLOCK_WIDTHS = List.of(4, 8, 16);

  /** Exponent of the unit of {@link #absoluteSum}. */
  public static final int UNIT_EXPONENT = -149;

  /**
   * Neighbouring channels of a pixel as a vector holds them. A kernel can skip a vector for free only where all of it is
   * zero.
   *
   * @param channels channels per block; the last block of a pixel may have fewer
   * @param total number of blocks
   * @param zero blocks of zeros alone
   */
  public record Blocks(int channels, long total, long zero) {

    /** Share of blocks that are zero; 0 of none. */
    public double zeroFraction() {
      return total == 0 ? 0 : (double) zero / total;
    }

    Blocks plus(Blocks o) {
      return new Blocks(channels, total + o.total, zero + o.zero);
    }
  }

  public Detail {
    blocks = List.copyOf(blocks);
  }

  /** Σ|x| of the finite elements. */
  public double l1() {
    return Math.scalb(absoluteSum.doubleValue(), UNIT_EXPONENT);
  }

  /** √Σx² of the finite elements. */
  public double l2() {
    return Math.sqrt(Math.scalb(squareSum.doubleValue(), 2 * UNIT_EXPONENT));
  }

  /** What both saw. The map is kept only where both are of one size. */
  public Detail plus(Detail o) {
    boolean sameSize = height == o.height && width == o.width;
    long[] map = new long[sameSize ? zerosPerPosition.length : 0];
    for (int i = 0; i < map.length; i++) {
      map[i] = zerosPerPosition[i] + o.zerosPerPosition[i];
    }
    List<Blocks> sums = new ArrayList<>();
    for (int i = 0; i < blocks.size(); i++) {
      sums.add(blocks.get(i).plus(o.blocks.get(i)));
    }
    return new Detail(
        sameSize ? height : 0,
        sameSize ? width : 0,
        map,
        histogram.plus(o.histogram),
        absoluteSum.add(o.absoluteSum),
        squareSum.add(o.squareSum),
        pixels + o.pixels,
        zeroPixels + o.zeroPixels,
        sums);
  }
}
