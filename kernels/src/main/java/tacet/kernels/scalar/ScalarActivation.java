package tacet.kernels.scalar;

import tacet.kernels.Activation;

/** Activations of one value, in double precision. */
public final class ScalarActivation {

  private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

  private ScalarActivation() {}

  /** The function's value at x; NaN passes through every function but the thresholded ones. */
  public static double apply(Activation f, double x) {
    double a = f.alpha();
    double b = f.beta();
    return switch (f.kind()) {
      case IDENTITY -> x;
      case RELU -> x < 0 ? 0 : x;
      case LEAKY_RELU -> x < 0 ? a * x : x;
      case CLIP -> clip(x, a, b);
      case ELU -> x < 0 ? a * Math.expm1(x) : x;
      case SELU -> b * (x < 0 ? a * Math.expm1(x) : x);
      case CELU -> x < 0 ? a * Math.expm1(x / a) : x;
      case SIGMOID -> sigmoid(x);
      case HARD_SIGMOID -> clip(a * x + b, 0, 1);
      case HARD_SWISH -> x * clip(x / 6 + 0.5, 0, 1);
      case SWISH -> x * sigmoid(x);
      case TANH -> Math.tanh(x);
      case SOFTPLUS -> softplus(x);
      case SOFTSIGN -> x / (1 + Math.abs(x));
      case GELU -> 0.5 * x * (1 + erf(x / Math.sqrt(2)));
      case GELU_TANH -> 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x)));
      case MISH -> x * Math.tanh(softplus(x));
      case ERF -> erf(x);
      case EXP -> Math.exp(x);
      case LOG -> Math.log(x);
      case SQRT -> Math.sqrt(x);
      case ABS -> Math.abs(x);
      case NEG -> -x;
      case RECIPROCAL -> 1 / x;
      case FLOOR -> Math.floor(x);
      case CEIL -> Math.ceil(x);
      case ROUND -> Math.rint(x);
      case SIGN -> Math.signum(x);
      case SIN -> Math.sin(x);
      case COS -> Math.cos(x);
      case THRESHOLDED_RELU -> x > a ? x : 0;
    };
  }

  /** The upper bound wins where it is below the lower one. */
  public static double clip(double x, double low, double high) {
    double y = x < low ? low : x;
    return y > high ? high : y;
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  private static double softplus(double x) {
    return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  }

  /**
   * The error function: below 2 its Maclaurin series, above by the continued fraction of erfc (Abramowitz and Stegun
   * 7.1.5, 7.1.14).
   */
  static double erf(double x) {
    double z = Math.abs(x);
    if (Double.isNaN(x)) {
      return x;
    }
    double y;
    if (z < 2.5) {
      double term = z;
      double sum = z;
      for (int n = 1; n < 80; n++) {
        term *= -z * z / n;
        sum += term / (2 * n + 1);
      }
      y = 2 / Math.sqrt(Math.PI) * sum;
    } else if (z > 6) {
      y = 1;
    } else {
      double fraction = 0;
      for (int n = 60; n >= 1; n--) {
        fraction = n / 2.0 / (z + fraction);
      }
      y = 1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction);
    }
    return Math.copySign(y, x);
  }
}
