package tacet.insight.cause;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.insight.cause.Network.Cut;
import tacet.insight.cause.Values.Value;

/**
 * The zeros of every value, each with exactly one {@link Kind}, so that for every layer the counts add up to its zeros.
 *
 * <p>Where a cut makes a zero (its input is at or below the bound and not zero already), the first of these is its cause:
 * the unit's, if one of the {@linkplain Cause.OfUnits causes of units} claims it, in the order of {@link Kind}; the flat
 * region, for as many zeros as texture takes away on balance; the bottleneck that lets nothing through at this position; the
 * unit's bias, for as many zeros as the layer's biases make on balance; otherwise the cut itself, {@link Kind#RELU} (or
 * {@link Kind#SATURATION} for a hard sigmoid). Zeros that an operator only moves (reshapes, concatenation, slices, pooling,
 * addition) keep their cause. An exact zero out of a linear operator comes from weights that are all zero, or from an input of
 * zeros, whose main cause it takes. The rest is {@link Kind#UNEXPLAINED}: zeros in the image, padding, cancellation.
 */
final class Partition {

  private final Analysis analysis;
  private final Moves moves;
  private final Map<String, long[]> counts = new LinkedHashMap<>();
  private final Map<String, Boolean> inherited = new HashMap<>();
  private final Map<String, Kind[]> owners = new HashMap<>();
  private final Map<Units, boolean[]> emptyUnits = new HashMap<>();

  /** {@link BiasCause#rate} by value: it is of all images. */
  private final Map<String, Double> biasRates = new HashMap<>();

  private Partition(Analysis analysis) {
    this.analysis = analysis;
    moves = new Moves(analysis);
  }

  static Partition of(
      Analysis analysis, List<Cause.OfUnits> causes, BiasCause bias, BottleneckCause bottleneck)
      throws InterruptedException {
    Partition p = new Partition(analysis);
    for (Cut cut : analysis.network().cuts()) {
      UnitStatistics s = analysis.original().units().get(cut.output());
      if (s != null) {
        p.owners.put(cut.output(), owners(cut, s.units(), causes));
      }
    }
    for (Cut cut : analysis.network().cuts()) {
      p.biasRates.put(cut.output(), bias.rate(cut, p));
    }
    for (Sample sample : analysis.samples()) {
      p.add(sample, bottleneck);
    }
    return p;
  }

  private static Kind[] owners(Cut cut, int units, List<Cause.OfUnits> causes) {
    Kind[] owners = new Kind[units];
    for (int c = 0; c < units; c++) {
      for (Cause.OfUnits cause : causes) {
        if (owners[c] == null && cause.claims(cut, c)) {
          owners[c] = cause.kind();
        }
      }
    }
    return owners;
  }

  /** Zeros of a value per kind. */
  long[] counts(String value) {
    return counts.getOrDefault(value, new long[Kind.values().length]);
  }

  long zeros(String value) {
    return Arrays.stream(counts(value)).sum();
  }

  /** Part of a value's zeros that a kind has. */
  double share(String value, Kind kind) {
    long all = zeros(value);
    return all == 0 ? 0 : (double) counts(value)[kind.ordinal()] / all;
  }

  /** Whether a value's zeros were handed on by the layer and not made by it. */
  boolean isInherited(String value) {
    return inherited.getOrDefault(value, false);
  }

  /** Units of a cut that a kind has claimed whole. */
  int units(Cut cut, Kind kind) {
    int n = 0;
    for (Kind k : owners.getOrDefault(cut.output(), new Kind[0])) {
      n += k == kind ? 1 : 0;
    }
    return n;
  }

  /** The kind that claimed a unit, or null. */
  Kind owner(Cut cut, int unit) {
    Kind[] o = owners.get(cut.output());
    return o == null ? null : o[unit];
  }

  /** {@link BiasCause#rate} of a cut. */
  double biasRate(Cut cut) {
    return biasRates.get(cut.output());
  }

  private void add(Sample sample, BottleneckCause bottleneck) throws InterruptedException {
    Values v = analysis.run(sample.tensor());
    ImageView image = ImageView.of(sample, analysis.network().graph());
    boolean[][] flat = Analysis.flatPixels(image);
    Values textured =
        analysis.needsTexture()
            ? analysis.run(Alteration.TEXTURED.apply(image, flat).tensor())
            : null;
    FlatRegions regions = textured == null ? null : new FlatRegions(image);
    Map<String, byte[]> codes = new HashMap<>();
    for (Node n : analysis.network().graph().nodes()) {
      for (String out : n.outputs()) {
        Value y = out.isEmpty() ? null : v.floats().get(out);
        if (y != null) {
          codes.put(out, codes(n, out, y, v, textured, regions, bottleneck, codes));
        }
      }
    }
    for (String name : analysis.values()) {
      byte[] c = codes.get(name);
      if (c != null) {
        long[] sum = counts.computeIfAbsent(name, _ -> new long[Kind.values().length]);
        for (byte code : c) {
          if (code != 0) {
            sum[code - 1]++;
          }
        }
      }
    }
  }

  private byte[] codes(
      Node n,
      String out,
      Value y,
      Values v,
      Values textured,
      FlatRegions regions,
      BottleneckCause bottleneck,
      Map<String, byte[]> codes) {
    byte[] result = new byte[y.data().length];
    Cut cut = analysis.network().cut(out);
    if (cut != null && v.floats().containsKey(cut.input())) {
      cut(cut, y, v, textured, regions, bottleneck, codes, result);
      return result;
    }
    long zeros = 0;
    for (float x : y.data()) {
      zeros += x == 0 ? 1 : 0;
    }
    if (zeros == 0) {
      return result;
    }
    // A cut that comes here reads the network's own input, which has no zeros to hand on.
    inherited.put(out, cut == null);
    byte[] moved = moves.codes(n, out, v, codes);
    byte other =
        cut != null
            ? Kind.RELU.code()
            : moved == null ? fallback(n, v, codes) : Kind.UNEXPLAINED.code();
    Units units = moved == null ? ownUnits(n, out) : null;
    for (int i = 0; i < result.length; i++) {
      if (y.data()[i] == 0) {
        byte code = moved != null && moved[i] != 0 ? moved[i] : other;
        if (units != null && isEmpty(units, i / y.positions() % y.channels())) {
          code = Kind.SMALL_WEIGHTS.code();
        }
        result[i] = code;
      }
    }
    return result;
  }

  private boolean isEmpty(Units units, int unit) {
    boolean[] empty =
        emptyUnits.computeIfAbsent(
            units,
            u -> {
              boolean[] e = new boolean[u.count()];
              for (int c = 0; c < e.length; c++) {
                e[c] = true;
                for (float w : u.weights(c)) {
                  e[c] &= w == 0;
                }
              }
              return e;
            });
    return empty[unit];
  }

  private Units ownUnits(Node n, String out) {
    for (Cut cut : analysis.network().cuts()) {
      if (cut.units() != null && (cut.input().equals(out) || cut.units().node() == n)) {
        return cut.units();
      }
    }
    return null;
  }

  private void cut(
      Cut cut,
      Value y,
      Values v,
      Values textured,
      FlatRegions regions,
      BottleneckCause bottleneck,
      Map<String, byte[]> codes,
      byte[] result) {
    Value x = v.floats().get(cut.input());
    Kind[] owner = owners.get(cut.output());
    byte[] before = codes.get(cut.input());
    FlatCounts flat = analysis.flatCounts(cut.output());
    boolean[] open = bottleneck.closed(cut, x);
    Value other = textured == null ? null : textured.floats().get(cut.input());
    double rate = FlatRegionsCause.rate(flat);
    double budget = 0;
    double biasRate = biasRate(cut);
    double biasBudget = 0;
    byte own =
        cut.upper() == Float.POSITIVE_INFINITY || cut.bound() == 0
            ? Kind.RELU.code()
            : Kind.SATURATION.code();
    int positions = x.positions();
    for (int n = 0; n < x.images(); n++) {
      boolean[] where =
          other == null || rate == 0
              ? null
              : regions.flat(n, analysis.field(cut.input()), y.height(), y.width());
      for (int c = 0; c < x.channels(); c++) {
        int from = (n * x.channels() + c) * positions;
        for (int p = 0; p < positions; p++) {
          int i = from + p;
          if (y.data()[i] != 0) {
            continue;
          }
          if (owner[c] != null) {
            result[i] = owner[c].code();
          } else if (where != null && where[p] && other.data()[i] > cut.bound()) {
            budget += rate;
            result[i] = budget >= 1 ? Kind.FLAT_REGIONS.code() : own;
            budget -= budget >= 1 ? 1 : 0;
          } else if (open != null && open[n * positions + p]) {
            result[i] = Kind.BOTTLENECK.code();
          } else if (x.data()[i] == 0 && cut.bound() == 0) {
            result[i] = before != null && before[i] != 0 ? before[i] : own;
          } else if (biasRate > 0 && x.data()[i] - cut.bias()[c] > cut.bound()) {
            biasBudget += biasRate;
            result[i] = biasBudget >= 1 ? Kind.BIAS.code() : own;
            biasBudget -= biasBudget >= 1 ? 1 : 0;
          } else {
            result[i] = own;
          }
        }
      }
    }
  }

  /** The cause of zeros that an operator computed: that of most zeros it read. */
  private byte fallback(Node n, Values v, Map<String, byte[]> codes) {
    if (n.op() instanceof Op.Softmax || n.op() instanceof Op.Unary) {
      return Kind.SATURATION.code();
    }
    long[] sum = new long[Kind.values().length + 1];
    for (String in : n.inputs()) {
      byte[] c = codes.get(in);
      if (c != null && v.floats().containsKey(in)) {
        for (byte b : c) {
          sum[b]++;
        }
      }
    }
    sum[0] = 0;
    int most = 0;
    for (int i = 1; i < sum.length; i++) {
      most = sum[i] > sum[most] ? i : most;
    }
    return most == 0 ? Kind.UNEXPLAINED.code() : (byte) most;
  }
}
