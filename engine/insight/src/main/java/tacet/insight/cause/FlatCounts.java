package tacet.insight.cause;

import tacet.insight.cause.Network.Cut;
import tacet.insight.cause.Values.Value;

/** Zeros of one layer inside and outside the flat regions, and what texture does to those inside. */
final class FlatCounts {
  long inside;
  long zerosInside;
  long outside;
  long zerosOutside;

  /** Zeros inside after texturing. */
  long zerosTextured;

  /** Zeros inside that are none after texturing. */
  long revived;

  /** Per unit: positions inside that see no padding beside the image, or all inside where there are none such. */
  private final long[] clear;

  private final long[] clearZeros;
  private final long[] clearRevived;

  FlatCounts(int units) {
    clear = new long[units];
    clearZeros = new long[units];
    clearRevived = new long[units];
  }

  /**
   * Adds an image.
   *
   * @param flat positions that see nothing but flat parts
   * @param whole positions that see nothing beside the image, or null where all see what is beside it
   * @param before values before the cut
   * @param textured the same with flat regions textured, or null where nothing is flat
   */
  void add(Cut cut, int n, boolean[] flat, boolean[] whole, Value before, Value textured) {
    int positions = before.positions();
    for (int c = 0; c < before.channels(); c++) {
      int from = (n * before.channels() + c) * positions;
      for (int p = 0; p < positions; p++) {
        boolean zero = before.data()[from + p] <= cut.bound();
        if (flat[p]) {
          inside++;
          if (textured != null) {
            boolean still = textured.data()[from + p] <= cut.bound();
            zerosTextured += still ? 1 : 0;
            revived += zero && !still ? 1 : 0;
            if (whole == null || whole[p]) {
              clear[c]++;
              clearZeros[c] += zero ? 1 : 0;
              clearRevived[c] += zero && !still ? 1 : 0;
            }
          }
          zerosInside += zero ? 1 : 0;
        } else {
          outside++;
          zerosOutside += zero ? 1 : 0;
        }
      }
    }
  }

  /** Whether a unit is zero wherever it sees flat parts and nothing else, not even padding. */
  boolean isSilent(int unit) {
    return clear[unit] > 0 && clearZeros[unit] == clear[unit];
  }

  /** Part of these positions at which it fires with texture. */
  double wakes(int unit) {
    return clear[unit] == 0 ? 0 : (double) clearRevived[unit] / clear[unit];
  }

  /** Positions of each unit that see more than flat parts. */
  long positionsOutside() {
    return outside / clear.length;
  }

  /** Zeros that there are only because the regions are flat: those inside less those that texture leaves or makes. */
  long excess() {
    return Math.max(0, zerosInside - zerosTextured);
  }
}
