package tacet.kernels;

/** How closely zeros are looked at. */
public enum CountLevel {
  /** Not at all. */
  OFF,
  /** Zeros, near zeros and negative values, per layer and per channel. */
  COUNT,
  /**
   * Also per position, histograms, norms and vector-block zeros, in a pass over each layer's value. So that every such
   * value is there, layers are computed one by one as the model's file has them.
   */
  DETAIL
}
