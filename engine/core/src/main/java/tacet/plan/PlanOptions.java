package tacet.plan;

import tacet.kernels.CountLevel;
import tacet.kernels.SparseMode;

/**
 * What a plan is made for.
 *
 * @param counts how closely zeros are looked at
 * @param threshold τ of near zeros
 * @param threads most threads of one run
 * @param rewrite whether nodes may be fused; otherwise every layer is computed as the model's file has it
 * @param strict whether only kernels are used that form each sum of products as it is defined
 * @param sparse when zero inputs are skipped
 * @param measureNanos how long kernels may be measured while the plan is made; 0 to choose by estimates
 */
public record PlanOptions(
    CountLevel counts,
    float threshold,
    int threads,
    boolean rewrite,
    boolean strict,
    SparseMode sparse,
    long measureNanos) {

  PlanOptions withMeasureNanos(long nanos) {
    return new PlanOptions(counts, threshold, threads, rewrite, strict, sparse, nanos);
  }

  PlanOptions withSparse(SparseMode mode) {
    return new PlanOptions(counts, threshold, threads, rewrite, strict, mode, measureNanos);
  }
}
