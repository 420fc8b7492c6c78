package tacet.kernels.scalar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import tacet.kernels.Activation;
import tacet.kernels.Activation.Kind;

class ScalarActivationTest {

  @ParameterizedTest
  @CsvSource({
    "IDENTITY, 0, 0, -2.5, -2.5",
    "RELU, 0, 0, -2.5, 0",
    "RELU, 0, 0, 2.5, 2.5",
    "LEAKY_RELU, 0.1, 0, -2, -0.2",
    "CLIP, -1, 6, -3, -1",
    "CLIP, -1, 6, 7, 6",
    "CLIP, 5, 3, 4, 3",
    "ELU, 2, 0, -1, -1.2642411176571153",
    "SELU, 1.5, 1.1, -1, -1.0429989220671201",
    "CELU, 2, 0, -2, -1.2642411176571153",
    "SIGMOID, 0, 0, 2, 0.8807970779778823",
    "HARD_SIGMOID, 0.2, 0.5, 1, 0.7",
    "HARD_SIGMOID, 0.2, 0.5, -9, 0",
    "HARD_SWISH, 0, 0, 1, 0.6666666666666666",
    "HARD_SWISH, 0, 0, -4, 0",
    "SWISH, 0, 0, 2, 1.7615941559557646",
    "TANH, 0, 0, 0.5, 0.46211715726000973",
    "SOFTPLUS, 0, 0, 1, 1.3132616875182228",
    "SOFTPLUS, 0, 0, 1000, 1000",
    "SOFTSIGN, 0, 0, -3, -0.75",
    "GELU, 0, 0, 1, 0.8413447460685429",
    "GELU_TANH, 0, 0, 1, 0.8411919906082768",
    "MISH, 0, 0, 1, 0.8650983882673103",
    "ERF, 0, 0, 0.5, 0.5204998778130465",
    "ERF, 0, 0, -3, -0.9999779095030014",
    "ERF, 0, 0, 7, 1",
    "EXP, 0, 0, 1, 2.718281828459045",
    "LOG, 0, 0, 2.718281828459045, 1",
    "SQRT, 0, 0, 9, 3",
    "ABS, 0, 0, -4, 4",
    "NEG, 0, 0, -4, 4",
    "RECIPROCAL, 0, 0, 4, 0.25",
    "FLOOR, 0, 0, -1.5, -2",
    "CEIL, 0, 0, -1.5, -1",
    "ROUND, 0, 0, 2.5, 2",
    "SIGN, 0, 0, -3, -1",
    "SIN, 0, 0, 1, 0.8414709848078965",
    "COS, 0, 0, 1, 0.5403023058681398",
    "THRESHOLDED_RELU, 1, 0, 1, 0",
    "THRESHOLDED_RELU, 1, 0, 1.5, 1.5"
  })
  void values(Kind kind, float alpha, float beta, double x, double expected) {
    // Parameters are float32.
    assertEquals(
        expected,
        ScalarActivation.apply(new Activation(kind, alpha, beta), x),
        1e-7 * Math.max(1, Math.abs(expected)));
  }

  /** Every function takes every number, and passes NaN on unless it compares. */
  @ParameterizedTest
  @EnumSource
  void notANumber(Kind kind) {
    double y = ScalarActivation.apply(new Activation(kind, 0.5f, 2f), Double.NaN);
    assertTrue(Double.isNaN(y) || kind == Kind.THRESHOLDED_RELU, kind + " gives " + y);
  }

  @Test
  void errorFunctionIsContinuousWhereItsFormulasMeet() {
    for (double z : new double[] {2.5, 6}) {
      assertEquals(ScalarActivation.erf(z - 1e-12), ScalarActivation.erf(z + 1e-12), 1e-11);
    }
  }
}
