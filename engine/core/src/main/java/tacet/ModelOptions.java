package tacet;

import java.util.Objects;
import java.util.concurrent.Executor;
import tacet.kernels.CountLevel;
import tacet.kernels.SparseMode;

/**
 * How a model is to be run. Immutable: each method returns a changed copy.
 *
 * @param backend which kernels may be used
 * @param threads most threads at once over all runs of the model, callers included; 1 starts none
 * @param counts how closely zeros are looked at
 * @param nearZero τ: |x| &lt; τ is a near zero
 * @param fuse whether layers may be computed together; without it every layer's value is formed as the file has it
 * @param sparse when products with zero inputs are passed over
 * @param measure whether kernels are measured when the first input of a shape arrives, for two seconds at most; where
 *     there are two providers ({@link Backend#AUTO} with oneDNN) also whole plans, for eight seconds at most and only until
 *     the verdict is known on this machine, which a file in the user's cache folder keeps. Otherwise kernels are chosen by
 *     what that file says or by estimates, which takes no time
 * @param executor runs the helper threads, one task each per run; null for daemon threads of the model's own
 * @param memoryLimit most bytes of native memory the model may hold, its weights in the file excluded
 */
public record ModelOptions(
    Backend backend,
    int threads,
    CountLevel counts,
    float nearZero,
    boolean fuse,
    SparseMode sparse,
    boolean measure,
    Executor executor,
    long memoryLimit) {

  /** The threshold of near zeros unless another is given. */
  public static final float DEFAULT_NEAR_ZERO = 0.01f;

  public ModelOptions {
    Objects.requireNonNull(backend, "backend");
    Objects.requireNonNull(counts, "counts");
    Objects.requireNonNull(sparse, "sparse");
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, got " + threads);
    }
    if (!(nearZero >= 0)) {
      throw new IllegalArgumentException(
          "the near-zero threshold must not be negative, got " + nearZero);
    }
    if (memoryLimit < 0) {
      throw new IllegalArgumentException(
          "the memory limit must not be negative, got " + memoryLimit);
    }
  }

  /** All processors, zeros counted per layer and channel, threads of the model's own, no limit of memory. */
  public static ModelOptions defaults() {
    return new ModelOptions(
        Backend.AUTO,
        Runtime.getRuntime().availableProcessors(),
        CountLevel.COUNT,
        DEFAULT_NEAR_ZERO,
        true,
        SparseMode.AUTO,
        false,
        null,
        Long.MAX_VALUE);
  }

  public ModelOptions withBackend(Backend b) {
    return new ModelOptions(
        b, threads, counts, nearZero, fuse, sparse, measure, executor, memoryLimit);
  }

  public ModelOptions withThreads(int n) {
    return new ModelOptions(
        backend, n, counts, nearZero, fuse, sparse, measure, executor, memoryLimit);
  }

  public ModelOptions withCounts(CountLevel level) {
    return new ModelOptions(
        backend, threads, level, nearZero, fuse, sparse, measure, executor, memoryLimit);
  }

  public ModelOptions withNearZero(float tau) {
    return new ModelOptions(
        backend, threads, counts, tau, fuse, sparse, measure, executor, memoryLimit);
  }

  public ModelOptions withFuse(boolean on) {
    return new ModelOptions(
        backend, threads, counts, nearZero, on, sparse, measure, executor, memoryLimit);
  }

  public ModelOptions withSparse(SparseMode mode) {
    return new ModelOptions(
        backend, threads, counts, nearZero, fuse, mode, measure, executor, memoryLimit);
  }

  public ModelOptions withMeasure(boolean on) {
    return new ModelOptions(
        backend, threads, counts, nearZero, fuse, sparse, on, executor, memoryLimit);
  }

  /** Helpers run on {@code e}; the calling thread works in any case, so that a busy executor only means less help. */
  public ModelOptions withExecutor(Executor e) {
    return new ModelOptions(
        backend, threads, counts, nearZero, fuse, sparse, measure, e, memoryLimit);
  }

  /** What would take more native memory than {@code bytes} is refused before it is allocated. */
  public ModelOptions withMemoryLimit(long bytes) {
    return new ModelOptions(
        backend, threads, counts, nearZero, fuse, sparse, measure, executor, bytes);
  }
}
