package tacet;

/** Which kernels a model may use. */
public enum Backend {
  /** Per node the faster of what is there. */
  AUTO,
  /** The JDK's Vector API; what it has no kernel for is computed by the reference implementation. */
  VECTOR,
  /** oneDNN, from the optional module {@code tacet.onednn}. */
  ONEDNN,
  /** The plain reference implementation alone. */
  SCALAR
}
