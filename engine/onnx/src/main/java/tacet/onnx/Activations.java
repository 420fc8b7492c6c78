package tacet.onnx;

import java.util.function.Function;
import tacet.error.ModelFormatException;
import tacet.kernels.Activation;
import tacet.kernels.Activation.Kind;

/** Operators that are a function of single numbers. */
final class Activations {

  private Activations() {}

  /**
   * The function that an operator is, or null.
   *
   * @param bad makes the exception for an attribute that is wrong
   */
  static Activation read(
      String type, long opset, Attributes a, Function<String, ModelFormatException> bad) {
    return switch (type) {
      case "Relu" -> Activation.of(Kind.RELU);
      case "LeakyRelu" -> new Activation(Kind.LEAKY_RELU, a.real("alpha", 0.01f), 0);
      case "Elu" -> new Activation(Kind.ELU, a.real("alpha", 1f), 0);
      case "Celu" -> new Activation(Kind.CELU, a.real("alpha", 1f), 0);
      case "Selu" ->
          new Activation(
              Kind.SELU,
              a.real("alpha", opset < 6 ? 1.6732f : 1.67326319217681884765625f),
              a.real("gamma", opset < 6 ? 1.0507f : 1.05070102214813232421875f));
      case "Sigmoid" -> Activation.of(Kind.SIGMOID);
      case "HardSigmoid" ->
          new Activation(Kind.HARD_SIGMOID, a.real("alpha", 0.2f), a.real("beta", 0.5f));
      case "HardSwish" -> Activation.of(Kind.HARD_SWISH);
      case "Tanh" -> Activation.of(Kind.TANH);
      case "Softplus" -> Activation.of(Kind.SOFTPLUS);
      case "Softsign" -> Activation.of(Kind.SOFTSIGN);
      case "Gelu" ->
          Activation.of(
              switch (a.text("approximate", "none")) {
                case "none" -> Kind.GELU;
                case "tanh" -> Kind.GELU_TANH;
                default -> throw bad.apply("unknown approximation");
              });
      case "Mish" -> Activation.of(Kind.MISH);
      case "Erf" -> Activation.of(Kind.ERF);
      case "Exp" -> Activation.of(Kind.EXP);
      case "Log" -> Activation.of(Kind.LOG);
      case "Sqrt" -> Activation.of(Kind.SQRT);
      case "Abs" -> Activation.of(Kind.ABS);
      case "Neg" -> Activation.of(Kind.NEG);
      case "Reciprocal" -> Activation.of(Kind.RECIPROCAL);
      case "Floor" -> Activation.of(Kind.FLOOR);
      case "Ceil" -> Activation.of(Kind.CEIL);
      case "Round" -> Activation.of(Kind.ROUND);
      case "Sign" -> Activation.of(Kind.SIGN);
      case "Sin" -> Activation.of(Kind.SIN);
      case "Cos" -> Activation.of(Kind.COS);
      case "ThresholdedRelu" -> new Activation(Kind.THRESHOLDED_RELU, a.real("alpha", 1f), 0);
      default -> null;
    };
  }
}
