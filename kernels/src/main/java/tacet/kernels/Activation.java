package tacet.kernels;

/**
 * An element-wise function of one value, as kernels fuse it into their epilogue.
 *
 * @param kind which function
 * @param alpha first parameter, by kind: negative slope of {@code LEAKY_RELU}, scale of {@code ELU}, {@code SELU} and
 *     {@code CELU}, slope of {@code HARD_SIGMOID}, lower bound of {@code CLIP}, threshold of {@code THRESHOLDED_RELU}
 * @param beta second parameter, by kind: gamma of {@code SELU}, offset of {@code HARD_SIGMOID}, upper bound of
 *     {@code CLIP}
 */
public record Activation(Kind kind, float alpha, float beta) {

  /** No function at all: the value passes as it is. */
  public static final Activation IDENTITY = of(Kind.IDENTITY);

  /** max(x, 0). */
  public static final Activation RELU = of(Kind.RELU);

  /** min(max(x, 0), 6). */
  public static final Activation RELU6 = new Activation(Kind.CLIP, 0f, 6f);

  /** The functions; names follow the ONNX operators. */
  public enum Kind {
    IDENTITY,
    RELU,
    LEAKY_RELU,
    CLIP,
    ELU,
    SELU,
    CELU,
    SIGMOID,
    HARD_SIGMOID,
    HARD_SWISH,
    SWISH,
    TANH,
    SOFTPLUS,
    SOFTSIGN,
    GELU,
    GELU_TANH,
    MISH,
    ERF,
    EXP,
    LOG,
    SQRT,
    ABS,
    NEG,
    RECIPROCAL,
    FLOOR,
    CEIL,
    ROUND,
    SIGN,
    SIN,
    COS,
    THRESHOLDED_RELU
  }

  /** A function without parameters. */
  public static Activation of(Kind kind) {
    return new Activation(kind, 0f, 0f);
  }

  /** Whether this is {@link #IDENTITY}. */
  public boolean isIdentity() {
    return kind == Kind.IDENTITY;
  }
}
