package tacet.plan;

import tacet.kernels.CountLevel;

/**
 * What a plan is made for.
 *
 * @param counts how closely zeros are looked at
 * @param threshold τ of near zeros
 * @param threads most threads of one run
 * @param rewrite whether nodes may be fused; otherwise every layer is computed as the model's file has it
 */
public record PlanOptions(CountLevel counts, float threshold, int threads, boolean rewrite) {}
