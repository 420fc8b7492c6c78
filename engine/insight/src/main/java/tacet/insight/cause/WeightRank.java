package tacet.insight.cause;

import java.util.ArrayList;
import java.util.List;

/**
 * Whether the units of a layer look in a few directions only: Gram and Schmidt's method, always
 * with the largest rest next.
 */
final class WeightRank {

  /** Ranks beyond are not told from full ones. */
  private static final int MOST = 8;

  /** Part of the possible rank up to which it is low. */
  private static final double LOW = 0.25;

  /** Part of the squares of all weights that is rounding. */
  private static final double NOTHING = 1e-6;

  /** Units beyond make copies dearer than the answer. */
  private static final long MOST_ELEMENTS = 8L << 20;

  private WeightRank() {}

  /** The rank of a layer's weights where it is low, else 0; units without weights are left out. */
  static int of(Units units) {
    if (units.elements() > MOST_ELEMENTS || units.firstInputChannel(units.count() - 1) > 0) {
      return 0;
    }
    List<double[]> rest = new ArrayList<>();
    for (int c = 0; c < units.count(); c++) {
      float[] w = units.weights(c);
      double[] row = new double[w.length];
      for (int i = 0; i < w.length; i++) {
        row[i] = w[i];
      }
      double length = Math.sqrt(dot(row, row));
      // Every unit counts the same, however small its weights are.
      if (length > 0 && length < Double.POSITIVE_INFINITY) {
        for (int i = 0; i < w.length; i++) {
          row[i] /= length;
        }
        rest.add(row);
      }
    }
    int possible = rest.isEmpty() ? 0 : Math.min(rest.size(), rest.getFirst().length);
    int most = (int) Math.min(MOST, LOW * possible);
    for (int rank = 1; rank <= most; rank++) {
      double[] largest = rest.getFirst();
      for (double[] row : rest) {
        largest = dot(row, row) > dot(largest, largest) ? row : largest;
      }
      double[] direction = largest.clone();
      double squares = dot(direction, direction);
      double left = 0;
      for (double[] row : rest) {
        double along = dot(row, direction) / squares;
        for (int i = 0; i < row.length; i++) {
          row[i] -= along * direction[i];
        }
        left += dot(row, row);
      }
      if (left <= NOTHING * rest.size()) {
        return rank;
      }
    }
    return 0;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
