package tacet.kernels;

/** When products with zero inputs are passed over. Results are the same up to the order of summation. */
public enum SparseMode {
  /** In each run of each layer where its zeros make that faster. */
  AUTO,
  /** Never. */
  OFF,
  /** Wherever a kernel can, faster or not. */
  ALWAYS
}
