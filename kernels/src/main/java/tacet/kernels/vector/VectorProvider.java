package tacet.kernels.vector;

import java.lang.foreign.Arena;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.KernelProvider;
import tacet.kernels.LrnSpec;
import tacet.kernels.Parallel;
import tacet.kernels.PointwiseSpec;
import tacet.kernels.PoolSpec;
import tacet.kernels.ShuffleSpec;
import tacet.kernels.SoftmaxSpec;

/** Kernels on the JDK's Vector API, at the machine's preferred vector width. */
public final class VectorProvider implements KernelProvider {

  // Time of kernels that skip zeros as shares of the other kernel's, as measured where this was
  // written.
  private static final double ROW_FIXED = 0.01;
  private static final double ROW_PER_SHARE = 0.99;
  private static final double PAIRS_FIXED = 0.3;
  private static final double PAIRS_PER_SHARE = 1.5;
  private static final double WINOGRAD_FIXED = 0.6;
  private static final double WINOGRAD_PER_SHARE = 3.5;

  private final boolean strict;

  public VectorProvider() {
    this(false);
  }

  private VectorProvider(boolean strict) {
    this.strict = strict;
  }

  @Override
  public KernelProvider strict() {
    return new VectorProvider(true);
  }

  @Override
  public String name() {
    return "vector";
  }

  @Override
  public int lanes() {
    return Lanes.COUNT;
  }

  /** Whether multiply and add are one instruction here, for messages. */
  public boolean hasFma() {
    return Lanes.HAS_FMA;
  }

  @Override
  public Choice convolution(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      FlattenOrder flattened,
      float[] weights,
      float[] bias,
      Arena arena) {
    if (!VectorActivation.supports(spec.activation())) {
      return Choice.declined("no SIMD form of " + spec.activation().kind());
    }
    if (spec.isDepthwise() && input.lanes() == Lanes.COUNT && flattened == FlattenOrder.NONE) {
      return Choice.of(
          DepthwiseConvolution.prepare(spec, input, output, residual, weights, bias, arena),
          "depthwise: lanes are channels");
    }
    if (DenseLayer.takes(spec)) {
      DenseLayer dense =
          DenseLayer.prepare(spec, input, output, residual, flattened, weights, bias, arena);
      // Each reads its rows of the same weights.
      Skipping skipping =
          isFinite(weights)
              ? new Skipping(name(), _ -> dense.skipping(), ROW_FIXED, ROW_PER_SHARE)
              : null;
      return new Choice(dense, skipping, "few images: bound by reading the weights");
    }
    Skipping skipping = skipping(spec, input, output, residual, flattened, weights, bias);
    int tile = flattened == FlattenOrder.NONE ? WinogradConvolution.tile(spec, input) : 0;
    if (tile > 0 && !strict) {
      return new Choice(
          WinogradConvolution.prepare(spec, tile, input, output, residual, weights, bias, arena),
          skipping == null
              ? null
              : new Skipping(name(), skipping.maker(), WINOGRAD_FIXED, WINOGRAD_PER_SHARE),
          tile == 2
              ? "3x3 of stride 1 on few pixels: four multiplications for nine"
              : "3x3 of stride 1: a quarter of the multiplications");
    }
    String instead = tile > 0 ? "not by Winograd's algorithm, since arithmetic is strict; " : "";
    PackedWeights packed = PackedWeights.pack(spec, input, flattened, weights, arena);
    if (DirectConvolution.takes(spec, input, packed)) {
      return new Choice(
          DirectConvolution.prepare(spec, input, output, residual, packed, bias, arena),
          skipping,
          instead + "read in place: few columns share their inputs, or pixels are neighbours");
    }
    return new Choice(
        GemmConvolution.prepare(spec, input, output, residual, packed, bias, arena),
        skipping,
        instead
            + (spec.kernelHeight() * spec.kernelWidth() == 1
                ? "one tap: a matrix product"
                : "taps gathered for a matrix product"));
  }

  @Override
  public Skipping skipping(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      FlattenOrder flattened,
      float[] weights,
      float[] bias) {
    if (!VectorActivation.supports(spec.activation())
        || output.lanes() != Lanes.COUNT
        || !isFinite(weights)) {
      return null;
    }
    if (DenseLayer.takes(spec)) {
      return new Skipping(
          name(),
          a ->
              DenseLayer.prepare(spec, input, output, residual, flattened, weights, bias, a)
                  .skipping(),
          ROW_FIXED,
          ROW_PER_SHARE);
    }
    return SparseConvolution.takes(spec, input) && flattened == FlattenOrder.NONE
        ? new Skipping(
            name(),
            a -> SparseConvolution.prepare(spec, input, output, residual, weights, bias, a),
            PAIRS_FIXED,
            PAIRS_PER_SHARE)
        : null;
  }

  /** A product of zero with NaN or an infinity is NaN: such weights forbid skipping. */
  private static boolean isFinite(float[] weights) {
    for (float w : weights) {
      if (!(Math.abs(w) <= Float.MAX_VALUE)) {
        return false;
      }
    }
    return true;
  }

  @Override
  public Choice pooling(PoolSpec spec, ImageLayout input, ImageLayout output, Arena arena) {
    return Choice.of(new Pooling(spec, input, output), "lanes are channels");
  }

  @Override
  public Choice pointwise(
      PointwiseSpec spec, ImageLayout input, ImageLayout second, ImageLayout output) {
    return VectorActivation.supports(spec.activation())
        ? Choice.of(new Pointwise(spec, input, second, output), "lanes are channels")
        : Choice.declined("no SIMD form of " + spec.activation().kind());
  }

  @Override
  public Choice localResponse(LrnSpec spec, ImageLayout input, ImageLayout output) {
    return LocalResponseNormalization.takes(spec)
        ? Choice.of(new LocalResponseNormalization(spec, input, output), "lanes are channels")
        : Choice.declined("sums over more channels than a vector has");
  }

  @Override
  public Choice softmax(SoftmaxSpec spec, ImageLayout input, ImageLayout output) {
    return Choice.of(new ChannelSoftmax(spec, input, output), "lanes are channels");
  }

  @Override
  public Choice shuffle(ShuffleSpec spec, ImageLayout input, ImageLayout output) {
    return Choice.of(new ChannelShuffle(spec, input, output), "lanes are permuted");
  }

  @Override
  public double peakGflops(Parallel parallel) {
    return FmaPeak.gflops(parallel);
  }
}
