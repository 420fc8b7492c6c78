package tacet;

import java.util.Objects;
import tacet.kernels.CountLevel;

/**
 * How a model is to be run. Immutable: each method returns a changed copy.
 *
 * @param backend which kernels may be used
 * @param threads most threads at once over all runs of the model, callers included; 1 starts none
 * @param counts how closely zeros are looked at
 * @param nearZero τ: |x| &lt; τ is a near zero
 * @param fuse whether layers may be computed together; without it every layer's value is formed as the file has it
 */
public record ModelOptions(
    Backend backend, int threads, CountLevel counts, float nearZero, boolean fuse) {

  /** The threshold of near zeros unless another is given. */
  public static final float DEFAULT_NEAR_ZERO = 0.01f;

  public ModelOptions {
    Objects.requireNonNull(backend, "backend");
    Objects.requireNonNull(counts, "counts");
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, got " + threads);
    }
    if (!(nearZero >= 0)) {
      throw new IllegalArgumentException(
          "the near-zero threshold must not be negative, got " + nearZero);
    }
  }

  /** All processors, zeros counted per layer and channel. */
  public static ModelOptions defaults() {
    return new ModelOptions(
        Backend.AUTO,
        Runtime.getRuntime().availableProcessors(),
        CountLevel.COUNT,
        DEFAULT_NEAR_ZERO,
        true);
  }

  public ModelOptions withBackend(Backend b) {
    return new ModelOptions(b, threads, counts, nearZero, fuse);
  }

  public ModelOptions withThreads(int n) {
    return new ModelOptions(backend, n, counts, nearZero, fuse);
  }

  public ModelOptions withCounts(CountLevel level) {
    return new ModelOptions(backend, threads, level, nearZero, fuse);
  }

  public ModelOptions withNearZero(float tau) {
    return new ModelOptions(backend, threads, counts, tau, fuse);
  }

  public ModelOptions withFuse(boolean on) {
    return new ModelOptions(backend, threads, counts, nearZero, on);
  }
}
