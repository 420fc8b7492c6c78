package tacet;

/**
 * Memory of a model, in bytes. All of it but {@code constants} and {@code counters} is native and given back by
 * {@link Model#close}; sessions and runs at once each have a workspace of their own.
 *
 * <p>Kernels also use arrays on the heap: some megabytes at most for each thread of a run, and one array for the process, of two to
 * four megabytes for each processor, but no more than a sixteenth of the largest heap.
 *
 * @param constants weights as the graph holds them
 * @param copiedConstants the part of {@code constants} that a file does not have as it is needed: of a model from a file, native
 *     memory; the rest is the file, mapped. 0 for a graph made in code, whose constants are the caller's
 * @param packedWeights weights as the kernels read them
 * @param workspace memory of one session or run: its activations, inputs, outputs and scratch
 * @param scratch the part of {@code workspace} that kernels use for intermediate results of their own
 * @param counters heap memory of one session's zero counters
 * @param inUse native bytes the model holds now, over all input shapes, sessions and idle workspaces
 * @param limit most native bytes it may hold; {@link Long#MAX_VALUE} where there is no limit
 */
public record MemoryUse(
    long constants,
    long copiedConstants,
    long packedWeights,
    long workspace,
    long scratch,
    long counters,
    long inUse,
    long limit) {

  /** Native bytes for {@code sessions} runs at a time of inputs of this shape. */
  public long forSessions(int sessions) {
    return copiedConstants + packedWeights + sessions * workspace;
  }
}
