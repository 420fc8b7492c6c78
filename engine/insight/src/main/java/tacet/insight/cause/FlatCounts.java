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

  /**
   * Adds an image.
   *
   * @param flat positions that see nothing but flat parts
   * @param before values before the cut
   * @param textured the same with flat regions textured, or null where nothing is flat
   */
  void add(Cut cut, int n, boolean[] flat, Value before, Value textured) {
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
          }
          zerosInside += zero ? 1 : 0;
        } else {
          outside++;
          zerosOutside += zero ? 1 : 0;
        }
      }
    }
  }

  /** Zeros that there are only because the regions are flat: those inside less those that texture leaves or makes. */
  long excess() {
    return Math.max(0, zerosInside - zerosTextured);
  }
}
