package tacet.cli;

import picocli.CommandLine.Option;
import tacet.Backend;
import tacet.ModelOptions;
import tacet.kernels.SparseMode;

/** Options of every command that runs a network. */
final class ModelOptionsMixin {

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Most threads to use (default: all processors).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "auto, vector, onednn or scalar (default: ${DEFAULT-VALUE}).")
  private Backend backend = Backend.AUTO;

  @Option(
      names = "--near-zero",
      paramLabel = "T",
      description = "|x| < T counts as near zero (default: ${DEFAULT-VALUE}).")
  private float nearZero = ModelOptions.DEFAULT_NEAR_ZERO;

  @Option(
      names = "--strict",
      description = "Form each sum of products as it is defined: no Winograd.")
  private boolean strict;

  @Option(
      names = "--sparse",
      paramLabel = "auto|off|always",
      description =
          "When to pass over products with zero inputs (default: auto, where it is faster).")
  private SparseMode sparse = SparseMode.AUTO;

  ModelOptions options() {
    return ModelOptions.defaults()
        .withBackend(backend)
        .withThreads(threads)
        .withNearZero(nearZero)
        .withStrict(strict)
        .withSparse(sparse);
  }
}
