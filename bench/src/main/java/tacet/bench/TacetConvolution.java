package tacet.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ServiceLoader;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.Parallel;
import tacet.kernels.Weights;
import tacet.kernels.ZeroCounts;
import tacet.kernels.pack.Reorder;

/** One convolution by a kernel provider on its own layout, as a plan would run it. */
final class TacetConvolution implements AutoCloseable {

  private final Arena arena = Arena.ofShared();
  private final Kernel kernel;
  private final String reason;
  private final MemorySegment memory;
  private final ImageLayout output;
  private final long[] inputs;
  private final long outputAt;
  private final long scratchAt;
  private final Parallel parallel;
  private final ZeroCounts counts;

  /**
   * @param input [C, H, W], row-major
   * @param counting whether zeros are counted
   * @throws IllegalStateException where the provider declines
   */
  TacetConvolution(
      KernelProvider provider,
      ConvShape shape,
      float[] input,
      float[] weights,
      float[] bias,
      Parallel parallel,
      boolean counting) {
    this.parallel = parallel;
    ConvSpec spec = shape.spec();
    int lanes = provider.lanes();
    Halo halo = provider.needs(spec).halo();
    // As the planner does it: few channels would be mostly padding in blocks.
    int inLanes = shape.inChannels() > lanes / 2 ? lanes : 1;
    ImageLayout in =
        ImageLayout.of(1, shape.inChannels(), shape.height(), shape.width(), inLanes, halo);
    output =
        ImageLayout.of(
            1, shape.outChannels(), shape.outHeight(), shape.outWidth(), lanes, Halo.NONE);
    KernelProvider.Choice choice =
        provider.convolution(
            spec, in, output, null, FlattenOrder.NONE, Weights.of(weights), bias, arena);
    if (choice.kernel() == null) {
      arena.close();
      throw new IllegalStateException(provider.name() + ": " + choice.reason());
    }
    kernel = choice.kernel();
    reason = choice.reason();
    long inBytes = aligned(in.bytes());
    outputAt = inBytes;
    scratchAt = outputAt + aligned(output.bytes());
    memory = arena.allocate(scratchAt + kernel.scratchBytes(parallel.threads()) + 64, 64);
    inputs = new long[] {in.origin(halo)};
    Reorder.copy(
        MemorySegment.ofArray(input),
        Reorder.channelsFirst(1, shape.inChannels(), shape.height(), shape.width()),
        0,
        memory,
        in,
        inputs[0]);
    counts = counting ? new ZeroCounts(shape.outChannels(), parallel.threads(), 0.01f) : null;
  }

  private static long aligned(long bytes) {
    return (bytes + 63) / 64 * 64;
  }

  String algorithm() {
    return kernel.name();
  }

  /** Whether the kernel is compiled. */
  boolean isSettled() {
    return kernel.isSettled();
  }

  String reason() {
    return reason;
  }

  void run() {
    kernel.run(memory, inputs, outputAt, scratchAt, parallel, counts);
    if (counts != null) {
      counts.merge();
    }
  }

  /** The last result, [M, H, W], row-major. */
  float[] output() {
    float[] out = new float[Math.toIntExact(output.elements())];
    Reorder.copy(
        memory,
        output,
        outputAt,
        MemorySegment.ofArray(out),
        Reorder.channelsFirst(1, output.channels(), output.height(), output.width()),
        0);
    return out;
  }

  static KernelProvider provider(String name) {
    for (KernelProvider p : ServiceLoader.load(KernelProvider.class)) {
      if (p.name().equals(name)) {
        String why = p.unavailable();
        if (why != null) {
          throw new IllegalStateException(name + ": " + why);
        }
        return p;
      }
    }
    throw new IllegalStateException("no kernel provider '" + name + "'");
  }

  @Override
  public void close() {
    arena.close();
  }
}
