package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.fma;
import static tacet.kernels.vector.Lanes.load;
import static tacet.kernels.vector.Lanes.store;

import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import tacet.kernels.Activation;
import tacet.kernels.Activation.Kind;

/** Activations on runs of whole vectors, in place. */
final class VectorActivation {

  private static final Set<Kind> SUPPORTED =
      EnumSet.of(
          Kind.IDENTITY,
          Kind.RELU,
          Kind.LEAKY_RELU,
          Kind.CLIP,
          Kind.ELU,
          Kind.SELU,
          Kind.CELU,
          Kind.SIGMOID,
          Kind.HARD_SIGMOID,
          Kind.HARD_SWISH,
          Kind.SWISH,
          Kind.TANH,
          Kind.SOFTSIGN,
          Kind.EXP,
          Kind.SQRT,
          Kind.ABS,
          Kind.NEG,
          Kind.RECIPROCAL,
          Kind.THRESHOLDED_RELU);

  private VectorActivation() {}

  static boolean supports(Activation activation) {
    return SUPPORTED.contains(activation.kind());
  }

  /** Whether the activation is a clamp between {@link #lower} and {@link #upper}, identity included. */
  static boolean isClamp(Activation activation) {
    return switch (activation.kind()) {
      case IDENTITY, RELU, CLIP -> true;
      default -> false;
    };
  }

  static float lower(Activation a) {
    return switch (a.kind()) {
      case RELU -> 0f;
      case CLIP -> a.alpha();
      default -> Float.NEGATIVE_INFINITY;
    };
  }

  static float upper(Activation a) {
    return a.kind() == Kind.CLIP ? a.beta() : Float.POSITIVE_INFINITY;
  }

  /**
   * Applies the activation in place.
   *
   * @param vectors number of vectors from byte {@code offset} on
   */
  static void apply(Activation f, MemorySegment m, long offset, int vectors) {
    float alpha = f.alpha();
    float beta = f.beta();
    long end = offset + (long) vectors * Lanes.BYTES;
    // One loop per function: a switch inside the loop would be decided per vector.
    switch (f.kind()) {
      case IDENTITY -> {}
      case RELU, CLIP -> clamp(m, offset, end, lower(f), upper(f));
      case LEAKY_RELU -> {
        for (long o = offset; o < end; o += Lanes.BYTES) {
          FloatVector v = load(m, o);
          store(v.blend(v.mul(alpha), v.lt(0f)), m, o);
        }
      }
      case THRESHOLDED_RELU -> {
        for (long o = offset; o < end; o += Lanes.BYTES) {
          FloatVector v = load(m, o);
          store(FloatVector.zero(FLOATS).blend(v, v.compare(VectorOperators.GT, alpha)), m, o);
        }
      }
      case ELU -> exponential(m, offset, end, 1f, alpha, 1f);
      case SELU -> exponential(m, offset, end, beta, alpha * beta, 1f);
      case CELU -> exponential(m, offset, end, 1f, alpha, 1f / alpha);
      case SIGMOID -> {
        for (long o = offset; o < end; o += Lanes.BYTES) {
          store(sigmoid(load(m, o)), m, o);
        }
      }
      case SWISH -> {
        for (long o = offset; o < end; o += Lanes.BYTES) {
          FloatVector v = load(m, o);
          store(v.mul(sigmoid(v)), m, o);
        }
      }
      case TANH -> {
        for (long o = offset; o < end; o += Lanes.BYTES) {
          store(tanh(load(m, o)), m, o);
        }
      }
      case HARD_SIGMOID -> {
        for (long o = offset; o < end; o += Lanes.BYTES) {
          store(hardSigmoid(load(m, o), alpha, beta), m, o);
        }
      }
      case HARD_SWISH -> {
        for (long o = offset; o < end; o += Lanes.BYTES) {
          FloatVector v = load(m, o);
          store(v.mul(hardSigmoid(v, 1f / 6f, 0.5f)), m, o);
        }
      }
      case SOFTSIGN -> {
        for (long o = offset; o < end; o += Lanes.BYTES) {
          FloatVector v = load(m, o);
          store(v.div(v.abs().add(1f)), m, o);
        }
      }
      case EXP -> {
        for (long o = offset; o < end; o += Lanes.BYTES) {
          store(exp(load(m, o)), m, o);
        }
      }
      case SQRT -> {
        for (long o = offset; o < end; o += Lanes.BYTES) {
          store(load(m, o).sqrt(), m, o);
        }
      }
      case ABS -> {
        for (long o = offset; o < end; o += Lanes.BYTES) {
          store(load(m, o).abs(), m, o);
        }
      }
      case NEG -> {
        for (long o = offset; o < end; o += Lanes.BYTES) {
          store(load(m, o).neg(), m, o);
        }
      }
      case RECIPROCAL -> {
        for (long o = offset; o < end; o += Lanes.BYTES) {
          store(FloatVector.broadcast(FLOATS, 1f).div(load(m, o)), m, o);
        }
      }
      default -> throw new AssertionError(f.kind());
    }
  }

  private static void clamp(MemorySegment m, long offset, long end, float lower, float upper) {
    for (long o = offset; o < end; o += Lanes.BYTES) {
      FloatVector v = load(m, o);
      v = v.blend(lower, v.lt(lower));
      store(v.blend(upper, v.compare(VectorOperators.GT, upper)), m, o);
    }
  }

  /** x ≥ 0: slope · x; otherwise scale · (e^(rate · x) − 1). */
  private static void exponential(
      MemorySegment m, long offset, long end, float slope, float scale, float rate) {
    for (long o = offset; o < end; o += Lanes.BYTES) {
      FloatVector v = load(m, o);
      VectorMask<Float> negative = v.lt(0f);
      store(v.mul(slope).blend(expm1(v.mul(rate)).mul(scale), negative), m, o);
    }
  }

  private static FloatVector hardSigmoid(FloatVector v, float alpha, float beta) {
    FloatVector y = v.mul(alpha).add(beta);
    y = y.blend(0f, y.lt(0f));
    return y.blend(1f, y.compare(VectorOperators.GT, 1f));
  }

  /** 1 / (1 + e^−x). */
  static FloatVector sigmoid(FloatVector v) {
    FloatVector one = FloatVector.broadcast(FLOATS, 1f);
    return one.div(exp(v.neg()).add(1f));
  }

  /**
   * tanh x = expm1(2x) / (expm1(2x) + 2): expm1 keeps the relative accuracy of small arguments. Beyond ±9.1 the result
   * rounds to ±1.
   */
  static FloatVector tanh(FloatVector v) {
    FloatVector x = v.blend(9.1f, v.compare(VectorOperators.GT, 9.1f));
    x = x.blend(-9.1f, x.lt(-9.1f));
    FloatVector e = expm1(x.add(x));
    return e.div(e.add(2f));
  }

  /**
   * e^x − 1. Near zero the Taylor series to degree 7 (truncation below half an ulp for |x| ≤ 0.35), elsewhere by {@link
   * #exp}.
   */
  static FloatVector expm1(FloatVector x) {
    FloatVector p = FloatVector.broadcast(FLOATS, 1f / 5040f);
    p = fma(p, x, FloatVector.broadcast(FLOATS, 1f / 720f));
    p = fma(p, x, FloatVector.broadcast(FLOATS, 1f / 120f));
    p = fma(p, x, FloatVector.broadcast(FLOATS, 1f / 24f));
    p = fma(p, x, FloatVector.broadcast(FLOATS, 1f / 6f));
    p = fma(p, x, FloatVector.broadcast(FLOATS, 0.5f));
    p = fma(p.mul(x), x, x);
    return exp(x).sub(1f).blend(p, x.abs().lt(0.35f));
  }

  /**
   * e^x by Cody and Waite's range reduction (Software Manual for the Elementary Functions, 1980, ch. 6): x = n ln 2 + r,
   * |r| ≤ ln 2 / 2, e^r by its Taylor series to degree 7; 2^n is multiplied in two halves so that results down to the
   * subnormals come out right. Within 2 ulp; NaN passes.
   */
  static FloatVector exp(FloatVector v) {
    FloatVector x = v.blend(89f, v.compare(VectorOperators.GT, 89f));
    x = x.blend(-104f, x.lt(-104f));
    // Adding and subtracting 1.5 · 2^23 rounds to the nearest integer.
    FloatVector n = x.mul(1.44269504f).add(12582912f).sub(12582912f);
    FloatVector r = fma(n, FloatVector.broadcast(FLOATS, -0.693359375f), x);
    r = fma(n, FloatVector.broadcast(FLOATS, 2.12194440e-4f), r);
    FloatVector p = FloatVector.broadcast(FLOATS, 1f / 5040f);
    p = fma(p, r, FloatVector.broadcast(FLOATS, 1f / 720f));
    p = fma(p, r, FloatVector.broadcast(FLOATS, 1f / 120f));
    p = fma(p, r, FloatVector.broadcast(FLOATS, 1f / 24f));
    p = fma(p, r, FloatVector.broadcast(FLOATS, 1f / 6f));
    p = fma(p, r, FloatVector.broadcast(FLOATS, 0.5f));
    p = fma(p.mul(r), r, r).add(1f);
    IntVector exponent = (IntVector) n.convertShape(VectorOperators.F2I, Lanes.INTS, 0);
    IntVector half = exponent.lanewise(VectorOperators.ASHR, 1);
    FloatVector power = powerOfTwo(half);
    return p.mul(power).mul(power.mul(shifted(exponent.lanewise(VectorOperators.AND, 1))));
  }

  /** The same of one number, to the bit. */
  static float exp(float v) {
    float x = v > 89f ? 89f : v < -104f ? -104f : v;
    float n = x * 1.44269504f + 12582912f - 12582912f;
    float r = Lanes.fma(n, -0.693359375f, x);
    r = Lanes.fma(n, 2.12194440e-4f, r);
    float p = 1f / 5040f;
    p = Lanes.fma(p, r, 1f / 720f);
    p = Lanes.fma(p, r, 1f / 120f);
    p = Lanes.fma(p, r, 1f / 24f);
    p = Lanes.fma(p, r, 1f / 6f);
    p = Lanes.fma(p, r, 0.5f);
    p = Lanes.fma(p * r, r, r) + 1f;
    int exponent = (int) n;
    int half = exponent >> 1;
    return p * powerOfTwo(half) * powerOfTwo(exponent - half);
  }

  /**
   * 2^n for n from −80 to 71, exactly. Putting it together from bits would be a third of the work, but see {@link Lanes}: with
   * n = 8q + r it is the eighth power of 2^q, times 2^r.
   */
  private static FloatVector powerOfTwo(IntVector n) {
    FloatVector q = shifted(n.lanewise(VectorOperators.ASHR, 3).add(10)).mul(0x1p-10f);
    q = q.mul(q);
    q = q.mul(q);
    q = q.mul(q);
    return q.mul(shifted(n.lanewise(VectorOperators.AND, 7)));
  }

  /** 2^n for n from 0 to 30. */
  private static FloatVector shifted(IntVector n) {
    IntVector power = IntVector.broadcast(Lanes.INTS, 1).lanewise(VectorOperators.LSHL, n);
    return (FloatVector) power.convertShape(VectorOperators.I2F, FLOATS, 0);
  }

  private static float powerOfTwo(int n) {
    return Float.intBitsToFloat(n + 127 << 23);
  }
}
