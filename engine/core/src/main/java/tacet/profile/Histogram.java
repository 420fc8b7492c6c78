package tacet.profile;

/**
 * How many elements have which sign and magnitude. Bins are octaves, as the exponent of a float32 gives them without
 * rounding: bin 0 holds 0 &lt; |x| &lt; 2^−24, bin i holds 2^(i−25) ≤ |x| &lt; 2^(i−24), the last one everything from
 * 2^16 on but infinity.
 *
 * @param negative elements below zero per bin
 * @param positive elements above zero per bin
 * @param zeros elements that are zero, of either sign
 * @param nonFinite infinities and NaN
 */
public record Histogram(long[] negative, long[] positive, long zeros, long nonFinite) {

  /** Exponent of the lower edge of bin 1. */
  public static final int LOWEST = -24;

  /** Exponent of the lower edge of the last bin. */
  public static final int HIGHEST = 16;

  /** Bins per sign. */
  public static final int BINS = HIGHEST - LOWEST + 2;

  /** The bin of a magnitude with this exponent, as {@link Math#getExponent(float)} gives it. */
  public static int bin(int exponent) {
    return Math.clamp(exponent - LOWEST + 1L, 0, BINS - 1);
  }

  /** The smallest magnitude in a bin; 0 for bin 0. */
  public static double lowerEdge(int bin) {
    return bin == 0 ? 0 : Math.scalb(1.0, LOWEST + bin - 1);
  }

  /** The sum of both. */
  public Histogram plus(Histogram o) {
    return new Histogram(
        sum(negative, o.negative),
        sum(positive, o.positive),
        zeros + o.zeros,
        nonFinite + o.nonFinite);
  }

  private static long[] sum(long[] a, long[] b) {
    long[] s = a.clone();
    for (int i = 0; i < s.length; i++) {
      s[i] += b[i];
    }
    return s;
  }
}
