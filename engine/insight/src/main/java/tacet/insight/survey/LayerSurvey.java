package tacet.insight.survey;

import java.util.Arrays;

/**
 * One layer over many images of one size. A unit's response to an image is the number of positions at which it is not
 * zero. All sums are integers, so surveys add up exactly in any order.
 *
 * @param name of the layer
 * @param op its operator
 * @param positions per unit and image
 * @param zeros elements that were zero
 * @param nearZeros elements below the threshold
 * @param fired per unit, the sum of its responses
 * @param firedSquares per unit, the sum of their squares
 * @param firingImages per unit, images to which it responded at all
 * @param population sum over images of the Treves–Rolls sparseness over units, in units of 2^-32
 * @param hoyer sum over images of the Hoyer index over units, in units of 2^-32
 */
public record LayerSurvey(
    String name,
    String op,
    long positions,
    long zeros,
    long nearZeros,
    long[] fired,
    long[] firedSquares,
    long[] firingImages,
    long population,
    long hoyer) {

  static final double ONE = 4294967296.0;

  /** Units. */
  public int units() {
    return fired.length;
  }

  /** Both together. */
  LayerSurvey plus(LayerSurvey o) {
    if (!o.name.equals(name) || o.positions != positions || o.units() != units()) {
      throw new IllegalArgumentException(
          "surveys of different networks or sizes: layer " + name + " and " + o.name);
    }
    return new LayerSurvey(
        name,
        op,
        positions,
        zeros + o.zeros,
        nearZeros + o.nearZeros,
        sum(fired, o.fired),
        sum(firedSquares, o.firedSquares),
        sum(firingImages, o.firingImages),
        population + o.population,
        hoyer + o.hoyer);
  }

  private static long[] sum(long[] a, long[] b) {
    long[] s = a.clone();
    for (int i = 0; i < s.length; i++) {
      s[i] += b[i];
    }
    return s;
  }

  /** Part of all elements that was zero. */
  public double zeroFraction(long images) {
    double all = (double) images * positions * units();
    return all == 0 ? 0 : zeros / all;
  }

  /** Units that responded to no image. */
  public int silentUnits() {
    return (int) Arrays.stream(fired).filter(f -> f == 0).count();
  }

  /** Part of all positions of all images at which a unit was not zero. */
  public double firingRate(int unit, long images) {
    return images == 0 ? 0 : (double) fired[unit] / images / positions;
  }

  /**
   * Treves and Rolls (1991): (mean response)² / mean squared response, over units, averaged over images. 1 where all units
   * respond alike, towards 0 where few do.
   */
  public double populationSparseness(long images) {
    return images == 0 ? 0 : population / ONE / images;
  }

  /** The same over the images, for one unit; 0 for one that never responds. */
  public double lifetimeSparseness(int unit, long images) {
    return firedSquares[unit] == 0
        ? 0
        : (double) fired[unit] * fired[unit] / images / firedSquares[unit];
  }

  /** Hoyer (2004): (√n − L1/L2) / (√n − 1) over units, averaged over images. 0 where all respond alike, 1 where one does. */
  public double hoyerIndex(long images) {
    return images == 0 ? 0 : hoyer / ONE / images;
  }

  /** Median over the units that respond at all. */
  public double medianLifetimeSparseness(long images) {
    double[] all = new double[units()];
    int n = 0;
    for (int c = 0; c < units(); c++) {
      if (fired[c] > 0) {
        all[n++] = lifetimeSparseness(c, images);
      }
    }
    Arrays.sort(all, 0, n);
    return n == 0 ? 0 : all[n / 2];
  }
}
