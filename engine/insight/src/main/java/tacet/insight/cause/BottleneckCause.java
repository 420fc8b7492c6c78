package tacet.insight.cause;

import java.util.ArrayList;
import java.util.List;
import tacet.insight.Finding;
import tacet.insight.cause.Network.Answer;
import tacet.insight.cause.Network.Cut;
import tacet.insight.cause.Values.Value;

/**
 * A layer read through far fewer channels than it has units. It is at work where the effective rank
 * of activations falls in it by a quarter and more. It makes zeros in two ways that can be counted:
 * where none of its channels lets anything through, all that is left behind it is bias; and of so
 * few channels that are never negative, many units can make nothing but negative sums: they are
 * dead. A layer whose weights are of low rank is as narrow, however many units it has.
 */
final class BottleneckCause implements Cause.OfUnits {

  /** Narrow: at most this part of the units behind it, and of the channels before it. */
  private static final double NARROW = 0.25;

  private static final double NOTHING = 1e-6;

  /** A bottleneck matters if it leaves less than this part of the effective rank. */
  private static final double LOST = 0.75;

  /** Or if of the variance before it more than this part does not fit in. */
  private static final double MUST_LOSE = 0.02;

  private final Analysis analysis;
  private final DeadUnitsCause dead;

  /**
   * @param dead says which units are dead, for whatever reason
   */
  BottleneckCause(Analysis analysis, DeadUnitsCause dead) {
    this.analysis = analysis;
    this.dead = dead;
  }

  @Override
  public Kind kind() {
    return Kind.BOTTLENECK;
  }

  @Override
  public boolean claims(Cut cut, int unit) {
    return isNarrow(cut)
        && dead.claims(cut, unit)
        && (dead.isUnreachable(cut, unit) || narrows(cut));
  }

  /**
   * Whether the effective rank of activations falls by a quarter or more inside the bottleneck, or
   * its channels are too few for what varies before it.
   */
  private boolean narrows(Cut cut) {
    String before = widthBefore(cut.units().input()).input();
    return rankInside(cut.units()) < LOST * rankOf(before) || lost(cut) > MUST_LOSE;
  }

  /**
   * Part of the variance before the bottleneck that its channels cannot hold; 0 where not known.
   */
  private double lost(Cut cut) {
    ActivationRank rank = activations(widthBefore(cut.units().input()).input());
    double beyond = rank == null ? 0 : rank.beyond(cut.units().inputChannels());
    return Double.isNaN(beyond) ? 0 : beyond;
  }

  private double rankInside(Units behind) {
    double rank = rankOf(behind.input());
    return Double.isNaN(rank) ? behind.inputChannels() : Math.min(behind.inputChannels(), rank);
  }

  /** Whether a layer reads from a layer much narrower than itself and than what that one reads. */
  private boolean isNarrow(Cut cut) {
    Units u = cut.units();
    if (u == null || u.inputChannels() > NARROW * u.count()) {
      return false;
    }
    Units before = widthBefore(u.input());
    return before != null
        && before.count() == u.inputChannels()
        && before.inputChannels() * window(before) >= u.inputChannels() / NARROW;
  }

  private static int window(Units u) {
    return u.weights(0).length / u.inputChannels();
  }

  /** The linear layer whose units arrive, past activations, pooling and reshaping, at {@code value}. */
  private Units widthBefore(String value) {
    String v = value;
    for (int hops = 0; hops < 4; hops++) {
      Cut cut = analysis.network().cut(v);
      Units u =
          cut != null && cut.units() != null
              ? cut.units()
              : Units.behind(v, analysis.network().graph(), analysis.network().producers());
      if (u != null) {
        return u;
      }
      var n = analysis.network().producers().get(v);
      if (n == null) {
        return null;
      }
      v = n.input(0);
    }
    return null;
  }

  /** Positions of a run at which nothing came through, [N · positions]; null where the layer has no bottleneck. */
  boolean[] closed(Cut cut, Value before) {
    if (!isNarrow(cut)) {
      return null;
    }
    int positions = before.positions();
    boolean[] closed = new boolean[before.images() * positions];
    for (int n = 0; n < before.images(); n++) {
      for (int p = 0; p < positions; p++) {
        boolean nothing = true;
        for (int c = 0; c < before.channels() && nothing; c++) {
          float bias = cut.units().bias(c);
          float x = before.data()[(n * before.channels() + c) * positions + p];
          nothing = Math.abs(x - bias) <= NOTHING * Math.max(Math.abs(bias), NOTHING);
        }
        closed[n * positions + p] = nothing;
      }
    }
    return closed;
  }

  @Override
  public List<Finding> findings(Partition partition) {
    List<Finding> found = new ArrayList<>();
    for (Cut cut : analysis.network().cuts()) {
      if (isNarrow(cut)) {
        found.add(finding(cut, partition));
      }
    }
    for (Answer answer : analysis.network().answers()) {
      int rank = WeightRank.of(answer.units());
      if (rank > 0) {
        found.add(lowRank(answer, rank, partition));
      }
    }
    return found;
  }

  private static Finding lowRank(Answer answer, int rank, Partition partition) {
    Units u = answer.units();
    int possible = Math.min(u.count(), u.weights(0).length);
    return new Finding(
        "bottleneck",
        answer.layer(),
        null,
        Text.format(
            "The weights of %s have rank %d, of %d that are possible: all its %d units look in %s;"
                + " what is zero where is decided by that few numbers.",
            answer.layer(),
            rank,
            possible,
            u.count(),
            rank == 1 ? "one direction" : rank + " directions"),
        true,
        new Evidence()
            .put("zeros", partition.zeros(answer.output()))
            .put("weightRank", rank)
            .put("possibleRank", possible)
            .put("units", u.count())
            .put("narrows", true)
            .put("affected", 1 - (double) rank / possible)
            .map());
  }

  private Finding finding(Cut cut, Partition partition) {
    Units u = cut.units();
    UnitStatistics s = analysis.original().units().get(cut.output());
    ActivationRank rank = analysis.rank(cut.output());
    double after = rank.participationRatio();
    double before = rankOf(widthBefore(u.input()).input());
    double inside = rankInside(u);
    double lost = lost(cut);
    double share = partition.share(cut.output(), Kind.BOTTLENECK);
    int units = partition.units(cut, Kind.BOTTLENECK);
    Evidence evidence =
        new Evidence()
            .put("zeros", partition.zeros(cut.output()))
            .put("channelsIn", u.inputChannels())
            .put("units", u.count())
            .put("widthRatio", (double) u.inputChannels() / u.count())
            .put("effectiveRankBefore", before)
            .put("effectiveRankInside", inside)
            .put("effectiveRank", after)
            .put("varianceLost", lost)
            .put("samples", rank.samples())
            .put("silentUnits", s.silentUnits())
            .put("deadUnits", units);
    String what =
        Text.format(
            "%s has %d units but reads %d channels: the effective rank of activations is %s before"
                + " the bottleneck, %.1f in it, %.1f behind it",
            cut.layer(),
            u.count(),
            u.inputChannels(),
            Double.isNaN(before) ? "unknown" : Text.format("%.1f", before),
            inside,
            after);
    if (lost > MUST_LOSE) {
      what +=
          Text.format(
              "; that many channels cannot hold %s of what varies before it", Text.percent(lost));
    }
    String zeros =
        share == 0
            ? ". Something always comes through, so that it silences no unit by itself"
            : Text.format(
                ". %sWhere nothing comes through all are silent: that is %s of its zeros",
                units == 0
                    ? ""
                    : Text.plural(units, "unit")
                        + " dead, as few channels that are never negative reach few signs. ",
                Text.percent(share));
    boolean narrows = narrows(cut);
    evidence
        .put("narrows", narrows)
        .put("affected", narrows ? Math.max(lost, before > 0 ? 1 - inside / before : 0) : 0.0);
    if (share > 0 || narrows) {
      return new Finding(
          "bottleneck",
          cut.layer(),
          share > 0 ? share : null,
          what
              + zeros
              + (narrows ? "; but what is zero where is decided by that few numbers." : "."),
          true,
          evidence.map());
    }
    return new Finding("bottleneck", cut.layer(), null, what + zeros + ".", false, evidence.map());
  }

  /** Effective rank of the activations that arrive at a value; NaN where those are no layer's. */
  private double rankOf(String value) {
    ActivationRank r = activations(value);
    return r == null ? Double.NaN : r.participationRatio();
  }

  /** The activations that arrive at a value; null where those are no layer's. */
  private ActivationRank activations(String value) {
    String v = value;
    for (int hops = 0; hops < 4 && v != null; hops++) {
      ActivationRank r = analysis.rank(v);
      if (r != null) {
        return r;
      }
      var n = analysis.network().producers().get(v);
      v = n == null ? null : n.input(0);
    }
    return null;
  }
}
