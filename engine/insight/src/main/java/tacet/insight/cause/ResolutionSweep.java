package tacet.insight.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tacet.insight.Finding;
import tacet.profile.LayerProfile;
import tacet.profile.SparsityProfile;

/**
 * Zeros of the same content at several resolutions.
 *
 * @param points by side, as swept
 */
public record ResolutionSweep(List<Point> points) {

  /** Changes of a zero share smaller than this are no effect worth the name. */
  private static final double LEAST = 0.05;

  /** Changes from here on are spoken of. */
  private static final double NOTICEABLE = 0.02;

  /**
   * One resolution.
   *
   * @param side of the square image, in pixels
   * @param profile all images added up
   * @param cuts layers that cut at zero, in the order of the network
   * @param cutZeroFraction their zeros, of all their elements
   * @param fieldShares part of the image that one position sees, by layer
   */
  public record Point(
      int side,
      SparsityProfile profile,
      List<String> cuts,
      double cutZeroFraction,
      Map<String, Double> fieldShares) {

    double zeroFraction(String layer) {
      return profile.layer(layer).orElseThrow().counts().zeroFraction();
    }
  }

  public ResolutionSweep {
    points = List.copyOf(points);
  }

  /** A point of a sweep. */
  public static Point point(int side, SparsityProfile profile, Fields fields) {
    long zeros = 0;
    long elements = 0;
    Map<String, Double> shares = new LinkedHashMap<>();
    List<String> cuts = new ArrayList<>();
    for (LayerProfile l : profile.layers()) {
      shares.put(l.name(), fields.share(l.name(), side));
      if (fields.isCut(l.name()) && l.counts() != null) {
        cuts.add(l.name());
        zeros += l.counts().zeros();
        elements += l.counts().elements();
      }
    }
    return new Point(side, profile, cuts, elements == 0 ? 0 : (double) zeros / elements, shares);
  }

  /** What resolution does, for the network and for each layer that it changes; empty of fewer than two sizes. */
  public List<Finding> findings() {
    if (points.size() < 2) {
      return List.of();
    }
    Point small = points.getFirst();
    Point large = points.getLast();
    double change = large.cutZeroFraction() - small.cutZeroFraction();
    List<Finding> found = new ArrayList<>();
    String most = null;
    double mostChange = 0;
    List<LayerProfile> layers = small.profile().layers();
    for (int i = 0; i < layers.size(); i++) {
      LayerProfile a = layers.get(i);
      LayerProfile b = large.profile().layers().get(i);
      if (a.counts() == null || b.counts() == null || b.counts().elements() == 0) {
        continue;
      }
      double d = b.counts().zeroFraction() - a.counts().zeroFraction();
      if (Math.abs(d) > Math.abs(mostChange)) {
        mostChange = d;
        most = a.name();
      }
      if (Math.abs(d) >= LEAST) {
        found.add(layer(a, d, small, large));
      }
    }
    found.add(0, total(change, most, mostChange, small, large));
    return found;
  }

  private Finding total(double change, String most, double mostChange, Point small, Point large) {
    Map<String, Object> evidence = new LinkedHashMap<>();
    for (Point p : points) {
      evidence.put("zeroFractionAt" + p.side(), p.cutZeroFraction());
    }
    boolean holds = change >= LEAST;
    String verdict =
        Math.abs(change) < LEAST
            ? "resolution hardly changes the total"
            : change > 0 ? "higher resolution makes it sparser" : "it becomes denser";
    String where =
        most == null || Math.abs(mostChange) < LEAST
            ? ""
            : Text.format(
                ". Most it changes %s (%+.1f points, where %s)",
                most,
                100 * mostChange,
                seen(small.fieldShares().get(most), large.fieldShares().get(most)));
    return new Finding(
        "resolution",
        large.profile().layers().getLast().name(),
        null,
        String.format(
            Locale.ROOT,
            "With the same content at %d to %d pixels, %.1f %% to %.1f %% of what ReLUs put out is"
                + " zero: %s%s%s.",
            small.side(),
            large.side(),
            100 * small.cutZeroFraction(),
            100 * large.cutZeroFraction(),
            verdict,
            byDepth(small, large),
            where),
        holds,
        evidence);
  }

  private static String seen(double small, double large) {
    return small == large
        ? "every position sees " + (small == 1 ? "the whole image" : "the same part of it")
        : Text.format(
            "one position sees %s of the image instead of %s",
            Text.percent(large), Text.percent(small));
  }

  /** Whether layers change alike, early and late; empty of fewer than two. */
  private static String byDepth(Point small, Point large) {
    List<String> cuts = small.cuts();
    int n = cuts.size();
    if (n < 2) {
      return "";
    }
    double[] change =
        cuts.stream().mapToDouble(l -> large.zeroFraction(l) - small.zeroFraction(l)).toArray();
    int part = Math.max(1, n / 3);
    double early = Arrays.stream(change, 0, part).average().orElseThrow();
    double late = Arrays.stream(change, n - part, n).average().orElseThrow();
    double last = change[n - 1];
    String what =
        late >= NOTICEABLE && late > early
            ? "late layers rise"
            : late <= -NOTICEABLE && late < early
                ? "late layers fall"
                : Math.abs(last) < NOTICEABLE
                    ? "late layers hardly change"
                    : last > 0 ? "the last layer rises" : "the last layer falls";
    return String.format(
        Locale.ROOT,
        "; %s (%s %+.1f points%s)",
        what,
        cuts.getLast(),
        100 * last,
        n < 3
            ? String.format(Locale.ROOT, ", %s %+.1f", cuts.getFirst(), 100 * early)
            : String.format(
                Locale.ROOT,
                "; the last third of the layers %+.1f on average, the first third %+.1f",
                100 * late,
                100 * early));
  }

  private Finding layer(LayerProfile layer, double change, Point small, Point large) {
    Map<String, Object> evidence = new LinkedHashMap<>();
    for (Point p : points) {
      evidence.put(
          "zeroFractionAt" + p.side(),
          p.profile()
              .layer(layer.name())
              .map(l -> l.counts() == null ? null : l.counts().zeroFraction())
              .orElse(null));
    }
    evidence.put("change", change);
    evidence.put("receptiveFieldShareSmallest", small.fieldShares().get(layer.name()));
    evidence.put("receptiveFieldShareLargest", large.fieldShares().get(layer.name()));
    return new Finding(
        "resolution",
        layer.name(),
        null,
        String.format(
            Locale.ROOT,
            "%s is %s at higher resolution: %+.1f points from %d to %d pixels.",
            layer.name(),
            change > 0 ? "sparser" : "denser",
            100 * change,
            small.side(),
            large.side()),
        change > 0,
        evidence);
  }
}
