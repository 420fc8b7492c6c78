package tacet;

import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
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
 * @param strict whether every output of a convolution or dense layer is a sum of its own products, input times weight as the
 *     model or a folded normalisation has it: each formed once and added in float32, rounded with the addition at once where
 *     the machine can. So it differs from the exact sum of n products by about n · 2⁻²⁴ of the sum of their magnitudes at
 *     most, whatever the other outputs are. Without it, 3×3 convolutions may be computed by Winograd's algorithms, which form
 *     sums over whole tiles first, and their errors are a few times as large. In which order products are added is left to
 *     the kernel in either case, so that other widths, threads or backends may differ in the last bits
 * @param sparse when products with zero inputs are passed over
 * @param measure whether kernels are measured when the first input of a shape arrives, for two seconds at most, beside the time
 *     until the JIT compiler has been at those that are new to the process, six seconds in all its life at most; where there are two providers ({@link Backend#AUTO} with oneDNN) also whole plans, for eight seconds at most and only until
 *     the verdict is known on this machine, which a file in the user's cache folder keeps. Otherwise kernels are chosen by
 *     what that file says or by estimates, which takes no time
 * @param executor runs the helper threads, one task each per run; null for daemon threads of the model's own
 * @param memoryLimit most bytes of native memory the model may hold; a file that is mapped counts for nothing, constants that have
 *     to be copied from it do
 */
public record ModelOptions(
    Backend backend,
    int threads,
    CountLevel counts,
    float nearZero,
    boolean fuse,
    boolean strict,
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
    nearZero += 0f; // Kernels compare bits: let there be no −0.
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
        false,
        SparseMode.AUTO,
        false,
        null,
        Long.MAX_VALUE);
  }

  public ModelOptions withBackend(Backend b) {
    return with(o -> o.backend = b);
  }

  public ModelOptions withThreads(int n) {
    return with(o -> o.threads = n);
  }

  public ModelOptions withCounts(CountLevel level) {
    return with(o -> o.counts = level);
  }

  public ModelOptions withNearZero(float tau) {
    return with(o -> o.nearZero = tau);
  }

  public ModelOptions withFuse(boolean on) {
    return with(o -> o.fuse = on);
  }

  public ModelOptions withStrict(boolean on) {
    return with(o -> o.strict = on);
  }

  public ModelOptions withSparse(SparseMode mode) {
    return with(o -> o.sparse = mode);
  }

  public ModelOptions withMeasure(boolean on) {
    return with(o -> o.measure = on);
  }

  /** Helpers run on {@code e}; the calling thread works in any case, so that a busy executor only means less help. */
  public ModelOptions withExecutor(Executor e) {
    return with(o -> o.executor = e);
  }

  /** What would take more native memory than {@code bytes} is refused before it is allocated. */
  public ModelOptions withMemoryLimit(long bytes) {
    return with(o -> o.memoryLimit = bytes);
  }

  private ModelOptions with(Consumer<Changed> change) {
    Changed o = new Changed(this);
    change.accept(o);
    return new ModelOptions(
        o.backend,
        o.threads,
        o.counts,
        o.nearZero,
        o.fuse,
        o.strict,
        o.sparse,
        o.measure,
        o.executor,
        o.memoryLimit);
  }

  /** The components of a copy while one of them is changed. */
  private static final class Changed {
    private Backend backend;
    private int threads;
    private CountLevel counts;
    private float nearZero;
    private boolean fuse;
    private boolean strict;
    private SparseMode sparse;
    private boolean measure;
    private Executor executor;
    private long memoryLimit;

    Changed(ModelOptions o) {
      backend = o.backend;
      threads = o.threads;
      counts = o.counts;
      nearZero = o.nearZero;
      fuse = o.fuse;
      strict = o.strict;
      sparse = o.sparse;
      measure = o.measure;
      executor = o.executor;
      memoryLimit = o.memoryLimit;
    }
  }
}
