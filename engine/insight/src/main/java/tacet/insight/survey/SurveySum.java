package tacet.insight.survey;

import java.util.ArrayList;
import java.util.List;
import tacet.insight.survey.Survey.Broken;
import tacet.profile.LayerProfile;
import tacet.profile.SparsityProfile;

/** A survey under way: profiles of runs are added to it in place. Used by one thread. */
final class SurveySum {

  private final String model;
  private final List<Layer> layers = new ArrayList<>();
  private final List<Broken> broken = new ArrayList<>();
  private long images;

  SurveySum(String model) {
    this.model = model;
  }

  /** Adds one image's run. */
  void add(SparsityProfile profile) {
    int i = 0;
    for (LayerProfile l : profile.layers()) {
      LayerProfile.Counts c = l.counts();
      if (c != null && c.elements() > 0) {
        if (images == 0) {
          layers.add(new Layer(l.name(), l.op(), c.elements(), c.channels()));
        }
        layers.get(i++).add(c.zeros(), c.nearZeros(), c.zerosPerChannel());
      }
    }
    images++;
  }

  /** A file that could not be used. */
  void broken(String file, String reason) {
    String prefix = file + ": ";
    broken.add(
        new Broken(file, reason.startsWith(prefix) ? reason.substring(prefix.length()) : reason));
  }

  Survey survey() {
    return new Survey(model, images, broken, true, layers.stream().map(Layer::survey).toList());
  }

  /** One layer's sums, as {@link LayerSurvey} has them. */
  static final class Layer {

    private final String name;
    private final String op;
    private final long positions;
    private final long[] fired;
    private final long[] firedSquares;
    private final long[] firingImages;
    private long images;
    private long zeros;
    private long nearZeros;
    private long population;
    private long hoyer;

    Layer(String name, String op, long elements, int units) {
      this.name = name;
      this.op = op;
      positions = elements / Math.max(1, units);
      fired = new long[units];
      firedSquares = new long[units];
      firingImages = new long[units];
    }

    /** Adds one image's counts. */
    void add(long zerosOfAll, long nearZerosOfAll, long[] zerosPerUnit) {
      zeros += zerosOfAll;
      nearZeros += nearZerosOfAll;
      images++;
      // No unit responds more often than there are positions: what these may add up to is checked
      // once for all units.
      Math.multiplyExact(images, Math.multiplyExact(positions, positions));
      int units = fired.length;
      double sum = 0;
      double squares = 0;
      for (int c = 0; c < units; c++) {
        long f = positions - zerosPerUnit[c];
        long square = f * f;
        fired[c] += f;
        firedSquares[c] += square;
        firingImages[c] += f > 0 ? 1 : 0;
        sum += f;
        squares += square;
      }
      if (squares > 0) {
        double root = Math.sqrt(units);
        population += Math.round(LayerSurvey.ONE * (sum * sum / units / squares));
        hoyer +=
            units == 1
                ? 0
                : Math.round(LayerSurvey.ONE * ((root - sum / Math.sqrt(squares)) / (root - 1)));
      }
    }

    LayerSurvey survey() {
      return new LayerSurvey(
          name,
          op,
          positions,
          zeros,
          nearZeros,
          fired,
          firedSquares,
          firingImages,
          population,
          hoyer);
    }
  }
}
