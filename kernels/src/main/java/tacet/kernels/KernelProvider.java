package tacet.kernels;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.function.Function;

/**
 * A source of kernels over one internal layout. Declining is normal: the planner goes on to the next provider, and keeps
 * the reason.
 */
public interface KernelProvider {

  /** {@code vector}, {@code onednn}. */
  String name();

  /** Why it cannot be used on this machine, in one line, or null where it can. Loads what it needs. */
  default String unavailable() {
    return null;
  }

  /** As {@link #unavailable}, as far as that can be seen without loading anything. */
  default String obstacle() {
    return null;
  }

  /** This provider for loops on at most so many threads, where that makes a difference to what it prepares. */
  default KernelProvider forThreads(int threads) {
    return this;
  }

  /**
   * This provider for kernels whose weights are packed on these threads, which must be free while
   * kernels are prepared, and must be able to use their arenas; without it, on the caller's.
   */
  default KernelProvider preparingOn(Parallel parallel) {
    return this;
  }

  /** This provider without algorithms that form other sums than an operation's own on the way to it, as Winograd's do. */
  default KernelProvider strict() {
    return this;
  }

  /** How the images around a convolution must lie. */
  default Needs needs(ConvSpec spec) {
    return new Needs(spec.halo(), false);
  }

  /** How the images around a pooling must lie. */
  default Needs needs(PoolSpec spec) {
    return new Needs(ImageLayout.Halo.NONE, false);
  }

  /** Channels per block of the images that its kernels write. */
  int lanes();

  /**
   * A convolution kernel.
   *
   * @param input layout with one lane or {@link #lanes()}; around it, zeros as {@link
   *     ConvSpec#halo()} says
   * @param output layout with {@link #lanes()}
   * @param residual layout with {@link #lanes()}, or null
   * @param flattened order of the input's elements along the weights' second axis, where a dense
   *     layer reads a flattened image in place; otherwise {@link FlattenOrder#NONE}
   * @param weights [M, C/groups, kernelHeight, kernelWidth]; copied
   * @param bias [M] or null; copied
   * @param arena where packed weights live
   */
  Choice convolution(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      FlattenOrder flattened,
      Weights weights,
      float[] bias,
      Arena arena);

  /**
   * Convolution kernels that pass over zero inputs, for images as another provider's kernel wants them: with the zeros
   * around the input that {@link ConvSpec#halo()} says, and blocks of {@link #lanes()} channels. Parameters as those of
   * {@link #convolution}.
   */
  default List<Skipping> skipping(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      FlattenOrder flattened,
      Weights weights,
      float[] bias) {
    return List.of();
  }

  /**
   * A convolution kernel that stores no zero weights and forms no products with them; null where there is none, or where the
   * weights are not sparse enough for it to pay anywhere. Parameters as those of {@link #convolution}.
   */
  default SparseWeights sparseWeights(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      FlattenOrder flattened,
      Weights weights,
      float[] bias) {
    return null;
  }

  /**
   * A pooling kernel; layouts with {@link #lanes()}.
   *
   * @param arena the kernel is not used after it is closed
   */
  Choice pooling(PoolSpec spec, ImageLayout input, ImageLayout output, Arena arena);

  /** An element-wise kernel; layouts with {@link #lanes()}; {@code second} may be null. */
  Choice pointwise(PointwiseSpec spec, ImageLayout input, ImageLayout second, ImageLayout output);

  /** A local response normalisation; layouts with {@link #lanes()}. */
  default Choice localResponse(LrnSpec spec, ImageLayout input, ImageLayout output) {
    return Choice.declined("no such kernel");
  }

  /** A softmax over channels; layouts with {@link #lanes()}. */
  default Choice softmax(SoftmaxSpec spec, ImageLayout input, ImageLayout output) {
    return Choice.declined("no such kernel");
  }

  /** Channels of several images put together; layouts with {@link #lanes()}. */
  default Choice select(SelectSpec spec, List<ImageLayout> inputs, ImageLayout output) {
    return Choice.declined("no such kernel");
  }

  /**
   * Bytes of pictures as an image, where its one input is at a byte offset of memory as {@link PixelSpec} says.
   *
   * @param output layout with one lane
   */
  default Choice pixels(PixelSpec spec, ImageLayout output) {
    return Choice.declined("no such kernel");
  }

  /**
   * What the machine can do at best, measured now: 10⁹ floating-point operations per second of multiply-adds that stay in
   * registers, on all threads of the loop together. NaN where this provider has no such measurement. Takes about half a
   * second.
   */
  default double peakGflops(Parallel parallel) {
    return Double.NaN;
  }

  /**
   * How the images around a kernel must lie.
   *
   * @param halo zeros around the input
   * @param dense whether there may be no other room between the rows and planes of input, residual and output
   */
  record Needs(ImageLayout.Halo halo, boolean dense) {}

  /** In which order a dense layer's weights see the elements of an image. */
  enum FlattenOrder {
    /** Not flattened: a convolution, or a dense layer on a matrix. */
    NONE,
    /** C, H, W. */
    NCHW,
    /** H, W, C. */
    NHWC
  }

  /**
   * What became of a request: a kernel, or none; and why.
   *
   * @param kernel null where declined
   * @param skipping other forms of it that pass over products with zero inputs
   * @param reason for people
   */
  record Choice(Kernel kernel, List<Skipping> skipping, String reason) {
    public static Choice of(Kernel kernel, String reason) {
      return new Choice(kernel, List.of(), reason);
    }

    public Choice with(List<Skipping> other) {
      return new Choice(kernel, other, reason);
    }

    public static Choice declined(String reason) {
      return new Choice(null, List.of(), reason);
    }
  }

  /**
   * A kernel that can be had in the place of the one for dense weights.
   *
   * @param maker makes it; its weights live in the arena
   * @param zeroShare share of the weights that are zero
   * @param share estimate of its time, that of the dense kernel being 1
   */
  record SparseWeights(Function<Arena, Kernel> maker, double zeroShare, double share) {
    public Kernel prepare(Arena arena) {
      return maker.apply(arena);
    }
  }

  /**
   * A kernel that can be had: it computes the same as another over the same memory and passes over products with zero
   * inputs, so that its time falls with their share. It is made only where it can pay, since it may need weights of its own.
   *
   * @param provider name of the provider that makes it
   * @param vectors whether it leaves out nothing but whole vectors of channels, so that their share is what counts, instead
   *     of that of zeros
   * @param maker makes it; packed weights live in the arena
   * @param fixed estimate of its time where all inputs are zero, the other kernel's time being 1
   * @param perShare estimate of what it takes more where none is
   */
  record Skipping(
      String provider,
      boolean vectors,
      Function<Arena, Kernel> maker,
      double fixed,
      double perShare) {
    /** One whose time falls with the share of zeros. */
    public static Skipping values(
        String provider, Function<Arena, Kernel> maker, double fixed, double perShare) {
      return new Skipping(provider, false, maker, fixed, perShare);
    }

    /** One whose time falls with the share of vectors of channels that are zero throughout the image. */
    public static Skipping vectors(
        String provider, Function<Arena, Kernel> maker, double fixed, double perShare) {
      return new Skipping(provider, true, maker, fixed, perShare);
    }

    public Kernel prepare(Arena arena) {
      return maker.apply(arena);
    }
  }
}
