package tacet.kernels.vector;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.KernelProvider;
import tacet.kernels.LrnSpec;
import tacet.kernels.Parallel;
import tacet.kernels.PixelSpec;
import tacet.kernels.PointwiseSpec;
import tacet.kernels.PoolSpec;
import tacet.kernels.SelectSpec;
import tacet.kernels.SoftmaxSpec;
import tacet.kernels.Weights;

/** Kernels on the JDK's Vector API, at the machine's preferred vector width. */
public final class VectorProvider implements KernelProvider {

  // Time of kernels that skip zeros as shares of the other kernel's, as measured where this was
  // written.
  private static final double ROW_FIXED = 0.01;

  /**
   * Where rows of weights are read here and there, the start of each takes as long as so many bytes in a row: between nothing
   * (rows of 2 kB and more) and 0.7 of a row of 512 bytes.
   */
  private static final double ROW_START = 360;

  private static final double PIXELS_FIXED = 0.1;
  private static final double PIXELS_PER_SHARE = 1.6;

  /** Making lists of pixels, which output channels and taps share. */
  private static final double PIXEL_LISTS = 13;

  private static final double LIVE_FIXED = 0.1;
  private static final double LIVE_PER_SHARE = 0.9;

  /** The same where the other kernel is another provider's: it is the fastest there is, or it would not be in use. */
  private static final double LENT = 1.1;

  /** What transforms take of the time of Winograd's algorithm. */
  private static final double TRANSFORMS = 0.4;

  /** Time of a matrix product as a multiple of that of Winograd's algorithm. */
  private static final double WINOGRAD_GAIN = 2.2;

  /** Fewer zero weights pay nowhere: half of them are bytes saved, but not time. */
  private static final double LEAST_ZERO_WEIGHTS = 0.5;

  // Time of kernels with lists of weights as shares of a matrix product's, as measured likewise. Of
  // a convolution: for each weight that is listed, and for turning vectors over, which is shared by
  // the other side's channels. Of a dense layer: for each weight, from memory or from a cache.
  private static final double LISTS_FIXED = 0.12;
  private static final double LISTS_PER_SHARE = 3.1;
  private static final double TURN = 8;
  private static final double LISTED_FROM_MEMORY = 4.5;
  private static final double LISTED_FROM_CACHE = 10.7;

  /** The start of a list, in weights. */
  private static final double LIST_START = 20;

  private static final long CACHE_WEIGHTS = 4L << 20;

  private final boolean strict;

  /** Threads that pack weights. */
  private final Supplier<Parallel> packing;

  public VectorProvider() {
    // A loop on the caller's thread is for one thread at a time.
    this(false, Parallel::serial);
  }

  private VectorProvider(boolean strict, Supplier<Parallel> packing) {
    this.strict = strict;
    this.packing = packing;
  }

  @Override
  public KernelProvider strict() {
    return new VectorProvider(true, packing);
  }

  @Override
  public KernelProvider preparingOn(Parallel parallel) {
    return new VectorProvider(strict, () -> parallel);
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
      Weights weights,
      float[] bias,
      Arena arena) {
    if (!VectorActivation.supports(spec.activation())) {
      return Choice.declined("no SIMD form of " + spec.activation().kind());
    }
    Practice.some();
    if (spec.isDepthwise() && input.lanes() == Lanes.COUNT && flattened == FlattenOrder.NONE) {
      return Choice.of(
          DepthwiseConvolution.prepare(
              spec, input, output, residual, weights.toFloats(), bias, arena),
          "depthwise: lanes are channels");
    }
    if (DenseLayer.takes(spec)) {
      DenseLayer dense =
          DenseLayer.prepare(
              spec, input, output, residual, flattened, weights, bias, arena, packing.get());
      // Each reads its rows of the same weights.
      List<Skipping> rows =
          isFinite(weights)
              ? List.of(
                  Skipping.values(name(), _ -> dense.skipping(), ROW_FIXED, rowPerShare(spec)))
              : List.of();
      return new Choice(dense, rows, "few images: bound by reading the weights");
    }
    int tile = flattened == FlattenOrder.NONE ? WinogradConvolution.tile(spec, input) : 0;
    if (tile > 0 && !strict) {
      WinogradConvolution winograd =
          WinogradConvolution.prepare(
              spec, tile, input, output, residual, weights, bias, arena, packing.get());
      List<Skipping> skipping =
          isFinite(weights)
              ? skipping(
                  Skipping.vectors(name(), _ -> winograd.skipping(), TRANSFORMS, 1 - TRANSFORMS),
                  spec,
                  input,
                  output,
                  residual,
                  weights,
                  bias,
                  WINOGRAD_GAIN)
              : List.of();
      return new Choice(
          winograd,
          skipping,
          tile == 2
              ? "3x3 of stride 1 on few pixels: four multiplications for nine"
              : "3x3 of stride 1: a quarter of the multiplications");
    }
    String instead = tile > 0 ? "not by Winograd's algorithm, since arithmetic is strict; " : "";
    PackedWeights packed =
        PackedWeights.pack(spec, input, flattened, weights.toFloats(), arena, packing.get());
    List<Skipping> skipping =
        flattened == FlattenOrder.NONE && isFinite(weights)
            ? products(spec, input, output, residual, weights, bias, _ -> packed, 1)
            : List.of();
    if (RowConvolution.takes(spec, input, packed)) {
      return new Choice(
          RowConvolution.prepare(spec, input, output, residual, packed, bias, arena),
          skipping,
          instead + "few channels, row-major: lines of inputs are copied");
    }
    if (DirectConvolution.takes(spec, packed)) {
      return new Choice(
          DirectConvolution.prepare(spec, input, output, residual, packed, bias, arena),
          skipping,
          instead + "read in place: few columns share their inputs");
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
  public SparseWeights sparseWeights(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      FlattenOrder flattened,
      Weights weights,
      float[] bias) {
    boolean dense = ListedDense.takes(spec);
    if (!VectorActivation.supports(spec.activation())
        || output.lanes() != Lanes.COUNT
        || !(dense || flattened == FlattenOrder.NONE && ListedConvolution.takes(spec, input))) {
      return null;
    }
    if (weights.sampledZeroShare() < LEAST_ZERO_WEIGHTS / 2) {
      return null;
    }
    double share = weights.zeroShare(packing.get());
    if (share < LEAST_ZERO_WEIGHTS || !isFinite(weights)) {
      return null;
    }
    if (dense) {
      double each = weights.count() > CACHE_WEIGHTS ? LISTED_FROM_MEMORY : LISTED_FROM_CACHE;
      return new SparseWeights(
          a ->
              ListedDense.prepare(
                  spec, input, output, residual, flattened, weights.toFloats(), bias, a),
          share,
          each * (1 - share + LIST_START / spec.outChannels()));
    }
    boolean winograd = !strict && WinogradConvolution.tile(spec, input) > 0;
    double product =
        LISTS_FIXED
            + LISTS_PER_SHARE * (1 - share)
            + TURN / spec.outChannels()
            + TURN / ((double) weights.count() / spec.outChannels());
    return new SparseWeights(
        a -> ListedConvolution.prepare(spec, input, output, residual, weights.toFloats(), bias, a),
        share,
        winograd ? WINOGRAD_GAIN * product : product);
  }

  private static double rowPerShare(ConvSpec spec) {
    return 1 + ROW_START / (spec.outChannels() * (double) Float.BYTES);
  }

  @Override
  public List<Skipping> skipping(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      FlattenOrder flattened,
      Weights weights,
      float[] bias) {
    if (!VectorActivation.supports(spec.activation())
        || output.lanes() != Lanes.COUNT
        || !isFinite(weights)) {
      return List.of();
    }
    if (DenseLayer.takes(spec)) {
      return List.of(
          Skipping.values(
              name(),
              a ->
                  DenseLayer.prepare(
                          spec, input, output, residual, flattened, weights, bias, a, packing.get())
                      .skipping(),
              LENT * ROW_FIXED,
              LENT * rowPerShare(spec)));
    }
    if (flattened != FlattenOrder.NONE) {
      return List.of();
    }
    int tile = strict ? 0 : WinogradConvolution.tile(spec, input);
    return tile == 0
        ? products(
            spec,
            input,
            output,
            residual,
            weights,
            bias,
            a ->
                PackedWeights.pack(
                    spec, input, FlattenOrder.NONE, weights.toFloats(), a, packing.get()),
            LENT)
        : skipping(
            Skipping.vectors(
                name(),
                a ->
                    WinogradConvolution.prepare(
                            spec, tile, input, output, residual, weights, bias, a, packing.get())
                        .skipping(),
                LENT * TRANSFORMS,
                LENT * (1 - TRANSFORMS)),
            spec,
            input,
            output,
            residual,
            weights,
            bias,
            LENT);
  }

  /**
   * Kernels that skip zeros beside a matrix product: whole vectors of them, and single ones.
   *
   * @param packer lays the weights out for the matrix product, or has done so
   * @param gain time of the matrix product as a multiple of the dense kernel's
   */
  private List<Skipping> products(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      Weights weights,
      float[] bias,
      Function<Arena, PackedWeights> packer,
      double gain) {
    Skipping vectors =
        Skipping.vectors(
            name(),
            a -> LiveConvolution.prepare(spec, input, output, residual, packer.apply(a), bias, a),
            gain * LIVE_FIXED,
            gain * LIVE_PER_SHARE);
    return skipping(
        LiveConvolution.takes(spec, input) ? vectors : null,
        spec,
        input,
        output,
        residual,
        weights,
        bias,
        gain);
  }

  /**
   * @param vectors the kernel that skips whole vectors, or null
   * @param gain time of a matrix product as a multiple of the dense kernel's
   */
  private List<Skipping> skipping(
      Skipping vectors,
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      Weights weights,
      float[] bias,
      double gain) {
    List<Skipping> all = new ArrayList<>();
    if (vectors != null) {
      all.add(vectors);
    }
    if (SparseConvolution.takes(spec, input)) {
      double lists = PIXEL_LISTS / (spec.outChannels() * spec.kernelHeight() * spec.kernelWidth());
      all.add(
          Skipping.values(
              name(),
              a ->
                  SparseConvolution.prepare(
                      spec, input, output, residual, weights.toFloats(), bias, a, packing.get()),
              gain * (PIXELS_FIXED + lists),
              gain * PIXELS_PER_SHARE));
    }
    return all;
  }

  /** A product of zero with NaN or an infinity is NaN: such weights forbid skipping. */
  private boolean isFinite(Weights weights) {
    return weights.isFinite(packing.get());
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
  public Choice select(SelectSpec spec, List<ImageLayout> inputs, ImageLayout output) {
    return Choice.of(new ChannelSelection(spec, inputs, output), "lanes are permuted");
  }

  @Override
  public Choice pixels(PixelSpec spec, ImageLayout output) {
    return PixelRows.takes(spec, output)
        ? Choice.of(new PixelRows(spec, output), "lanes are neighbouring pixels")
        : Choice.declined("only planes of three channels, or of one");
  }

  @Override
  public double peakGflops(Parallel parallel) {
    return FmaPeak.gflops(parallel);
  }
}
