package tacet.kernels;

/** How closely zeros are looked at. */
public enum CountLevel {
  /** Not at all. */
  OFF,
  /** Zeros, near zeros and negative values, per layer and per channel. */
  COUNT,
  /** Also per position, histograms, norms and vector-block zeros. */
  DETAIL
}
