package tacet.reference;

import tacet.graph.Op;
import tacet.kernels.scalar.Elements;
import tacet.kernels.scalar.ScalarActivation;
import tacet.tensor.Shape;

/** Normalisations and softmax: what divides values by a statistic of their neighbours. Sums are in double precision. */
final class Normalizations {

  private Normalizations() {}

  static void batch(Operands o, Op.BatchNormalization op) {
    Elements x = o.from(0);
    Elements y = o.to(0);
    int channels = o.shape(0).intDim(1);
    long inner = o.shape(0).elements(2, o.shape(0).rank());
    long at = 0;
    for (long n = 0; n < o.shape(0).dim(0); n++) {
      for (int c = 0; c < channels; c++) {
        double scale = o.from(1).get(c) / Math.sqrt(o.from(4).get(c) + op.epsilon());
        double mean = o.from(3).get(c);
        double shift = o.from(2).get(c);
        for (long end = at + inner; at < end; at++) {
          y.set(at, ScalarActivation.apply(op.activation(), (x.get(at) - mean) * scale + shift));
        }
      }
    }
  }

  /** Instance normalisation is the case of one channel per group. */
  static void group(Operands o, int groups, float epsilon) {
    Elements x = o.from(0);
    Elements y = o.to(0);
    Shape s = o.shape(0);
    int channels = s.intDim(1);
    int perGroup = channels / groups;
    long inner = s.elements(2, s.rank());
    long size = perGroup * inner;
    boolean perChannel = o.shape(1).elements() == channels;
    for (long g = 0; g < s.dim(0) * groups; g++) {
      double[] moments = moments(x, g * size, size);
      double inverse = 1 / Math.sqrt(moments[1] + epsilon);
      for (long i = g * size; i < (g + 1) * size; i++) {
        int c = (int) (i / inner % channels);
        int parameter = perChannel ? c : c / perGroup;
        y.set(
            i,
            (x.get(i) - moments[0]) * inverse * o.from(1).get(parameter)
                + o.from(2).get(parameter));
      }
    }
  }

  /** Mean and variance of a run of elements. */
  private static double[] moments(Elements x, long from, long count) {
    double mean = 0;
    for (long i = 0; i < count; i++) {
      mean += x.get(from + i);
    }
    mean /= count;
    double variance = 0;
    for (long i = 0; i < count; i++) {
      double d = x.get(from + i) - mean;
      variance += d * d;
    }
    return new double[] {mean, variance / count};
  }

  static void layer(Operands o, Op.LayerNormalization l) {
    Elements x = o.from(0);
    Shape s = o.shape(0);
    int axis = Inference.axis(o.node(), l.axis(), s.rank());
    long size = s.elements(axis, s.rank());
    int[] scaleAt = Operands.broadcastIndices(o.shape(1), s);
    int[] biasAt = o.has(2) ? Operands.broadcastIndices(o.shape(2), s) : null;
    for (long g = 0; g < s.elements(0, axis); g++) {
      double[] moments = moments(x, g * size, size);
      double inverse = 1 / Math.sqrt(moments[1] + l.epsilon());
      for (long i = g * size; o.wants(0) && i < (g + 1) * size; i++) {
        double v = (x.get(i) - moments[0]) * inverse * o.from(1).get(scaleAt[(int) i]);
        o.to(0).set(i, biasAt == null ? v : v + o.from(2).get(biasAt[(int) i]));
      }
      for (int k = 1; k < 3; k++) {
        if (o.wants(k)) {
          o.to(k).set(g, k == 1 ? moments[0] : inverse);
        }
      }
    }
  }

  static void acrossChannels(Operands o, Op.Lrn l) {
    Elements x = o.from(0);
    Elements y = o.to(0);
    Shape s = o.shape(0);
    int channels = s.intDim(1);
    long inner = s.elements(2, s.rank());
    int before = (l.size() - 1) / 2;
    int after = l.size() - 1 - before;
    double[] squares = new double[channels];
    for (long n = 0; n < s.dim(0); n++) {
      for (long p = 0; p < inner; p++) {
        long first = n * channels * inner + p;
        for (int c = 0; c < channels; c++) {
          double v = x.get(first + c * inner);
          squares[c] = v * v;
        }
        for (int c = 0; c < channels; c++) {
          double sum = 0;
          long last = Math.min(channels - 1L, (long) c + after);
          for (int k = Math.max(0, c - before); k <= last; k++) {
            sum += squares[k];
          }
          long at = first + c * inner;
          y.set(at, x.get(at) / Math.pow(l.bias() + l.alpha() / l.size() * sum, l.beta()));
        }
      }
    }
  }

  static void byNorm(Operands o, Op.LpNormalization l) {
    Elements x = o.from(0);
    Elements y = o.to(0);
    alongAxis(
        o,
        l.axis(),
        (first, step, count) -> {
          double sum = 0;
          for (long i = 0; i < count; i++) {
            double v = Math.abs(x.get(first + i * step));
            sum += l.p() == 1 ? v : v * v;
          }
          double norm = l.p() == 1 ? sum : Math.sqrt(sum);
          for (long i = 0; i < count; i++) {
            double v = x.get(first + i * step);
            y.set(first + i * step, norm == 0 ? 0 : v / norm);
          }
        });
  }

  static void softmax(Operands o, Op.Softmax s) {
    Shape shape = o.shape(0);
    Elements x = o.from(0);
    Elements y = o.to(0);
    Line line = (first, step, count) -> softmax(x, y, first, step, count, s.logarithm());
    if (s.toEnd()) {
      int axis = s.axis() < 0 ? s.axis() + shape.rank() : s.axis();
      long count = shape.elements(axis, shape.rank());
      for (long g = 0; g < shape.elements(0, axis); g++) {
        line.run(g * count, 1, count);
      }
    } else {
      alongAxis(o, s.axis(), line);
    }
  }

  private static void softmax(
      Elements x, Elements y, long first, long step, long count, boolean logarithm) {
    double max = Double.NEGATIVE_INFINITY;
    for (long i = 0; i < count; i++) {
      max = Math.max(max, x.get(first + i * step));
    }
    double sum = 0;
    for (long i = 0; i < count; i++) {
      sum += Math.exp(x.get(first + i * step) - max);
    }
    double log = Math.log(sum);
    for (long i = 0; i < count; i++) {
      double d = x.get(first + i * step) - max;
      y.set(first + i * step, logarithm ? d - log : Math.exp(d) / sum);
    }
  }

  /** Elements of a tensor that differ only in one index. */
  interface Line {
    void run(long first, long step, long count);
  }

  static void alongAxis(Operands o, int axisAttribute, Line line) {
    Shape s = o.shape(0);
    int axis = Inference.axis(o.node(), axisAttribute, s.rank());
    long inner = s.elements(axis + 1, s.rank());
    long count = s.dim(axis);
    for (long outer = 0; outer < s.elements(0, axis); outer++) {
      for (long i = 0; i < inner; i++) {
        line.run(outer * count * inner + i, inner, count);
      }
    }
  }

  static void argMax(Operands o, Op.ArgMax a) {
    Elements x = o.from(0);
    Elements y = o.to(0);
    Shape s = o.shape(0);
    int axis = Inference.axis(o.node(), a.axis(), s.rank());
    long inner = s.elements(axis + 1, s.rank());
    alongAxis(
        o,
        a.axis(),
        (first, step, count) -> {
          long best = 0;
          for (long i = 1; i < count; i++) {
            double v = x.get(first + i * step);
            double w = x.get(first + best * step);
            boolean better = a.minimum() ? v < w : v > w;
            if (better || v == w && a.selectLast()) {
              best = i;
            }
          }
          y.setLong(first / (count * inner) * inner + first % inner, best);
        });
  }
}
