package tacet.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ServiceLoader;
import java.util.function.Supplier;
import tacet.kernels.Activation;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider;
import tacet.kernels.PointwiseSpec;
import tacet.kernels.PoolSpec;
import tacet.kernels.Weights;
import tacet.onednn.OneDnnKernel.Variant;
import tacet.onednn.Primitives.NotFast;

/**
 * Kernels of oneDNN over Tacet's own images: convolutions, dense layers and pooling. Element-wise operations stay with the
 * SIMD provider, which this one also needs itself: zeros are counted by its kernels.
 */
public final class OneDnnProvider implements KernelProvider {

  /** Pieces smaller than this are not worth handing to another thread: multiply-adds. */
  private static final long LEAST_PART = 200_000;

  private final int threads;
  private KernelProvider simd;

  /** For one thread. */
  public OneDnnProvider() {
    this(1, null);
  }

  private OneDnnProvider(int threads, KernelProvider simd) {
    this.threads = threads;
    this.simd = simd;
  }

  @Override
  public String name() {
    return "onednn";
  }

  @Override
  public String unavailable() {
    String why = Library.unavailable();
    if (why != null) {
      return why;
    }
    if (simd() == null) {
      return "its zeros are counted by SIMD kernels, and there are none";
    }
    return lanes() == 16 || lanes() == 8
        ? null
        : "it has no images in blocks of " + lanes() + " channels";
  }

  @Override
  public String obstacle() {
    return Library.obstacle();
  }

  @Override
  public KernelProvider forThreads(int n) {
    return n == threads ? this : new OneDnnProvider(n, simd());
  }

  @Override
  public int lanes() {
    return simd().lanes();
  }

  private synchronized KernelProvider simd() {
    if (simd == null) {
      simd =
          ServiceLoader.load(KernelProvider.class).stream()
              .filter(p -> p.type() != OneDnnProvider.class)
              .map(ServiceLoader.Provider::get)
              .findFirst()
              .orElse(null);
    }
    return simd;
  }

  @Override
  public Needs needs(ConvSpec spec) {
    return new Needs(Halo.NONE, true);
  }

  @Override
  public Needs needs(PoolSpec spec) {
    return new Needs(Halo.NONE, true);
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
    boolean dense = flattened != FlattenOrder.NONE || isDense(spec, input);
    if (!output.isDense() || residual != null && !residual.isDense()) {
      return Choice.declined("oneDNN is slow on images with room around");
    }
    if (!input.isDense() && (dense || !input.hasRoomOf(spec.halo()))) {
      return Choice.declined("oneDNN is slow on images with more room around than it needs");
    }
    if (!dense && input.lanes() != 1 && input.lanes() != output.lanes()) {
      return Choice.declined("oneDNN would need another order of the channels");
    }
    Kernel finish = finish(spec.activation(), residual, output);
    if (finish == null) {
      return Choice.declined("no SIMD form of " + spec.activation().kind());
    }
    Owned owned = new Owned();
    try {
      OneDnnKernel made =
          Native.single(
              () ->
                  dense
                      ? dense(
                          spec,
                          input,
                          output,
                          residual,
                          flattened,
                          weights.toFloats(),
                          bias,
                          arena,
                          finish,
                          owned)
                      : convolution(
                          spec,
                          input,
                          output,
                          residual,
                          weights.toFloats(),
                          bias,
                          arena,
                          finish,
                          owned));
      freeWith(arena, owned);
      return Choice.of(made, "oneDNN's " + made.name().substring(name().length() + 1));
    } catch (NotFast e) {
      owned.close();
      return Choice.declined(e.getMessage());
    } catch (RuntimeException | Error e) {
      owned.close();
      throw e;
    }
  }

  private static boolean isDense(ConvSpec spec, ImageLayout input) {
    return spec.groups() == 1
        && spec.kernelHeight() * spec.kernelWidth() == 1
        && input.height() * input.width() == 1;
  }

  private OneDnnKernel convolution(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      float[] weights,
      float[] bias,
      Arena arena,
      Kernel finish,
      Owned owned)
      throws NotFast {
    long perImage = spec.multiplyAdds() / spec.batch();
    Convolutions c =
        new Convolutions(spec, input, output, weights, bias, parts(perImage), arena, owned);
    Variant counted = new Variant(c.parts(Activation.IDENTITY, false), finish);
    long scratch = c.scratchBytes();
    Supplier<Variant> fusing =
        fusing(
            spec.activation(),
            residual != null,
            counted,
            scratch,
            () -> c.parts(spec.activation(), residual != null),
            c::scratchBytes);
    // A channel of a depthwise convolution meets no other.
    boolean clear = input.channels() % input.lanes() != 0 && !spec.isDepthwise();
    return new OneDnnKernel(
        name() + " " + c.implementation(),
        spec.multiplyAdds(),
        spec.batch(),
        input,
        residual,
        output,
        clear,
        scratch,
        counted,
        fusing,
        owned);
  }

  private OneDnnKernel dense(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      ImageLayout residual,
      FlattenOrder flattened,
      float[] weights,
      float[] bias,
      Arena arena,
      Kernel finish,
      Owned owned)
      throws NotFast {
    DenseLayers d =
        new DenseLayers(
            spec,
            input,
            output,
            flattened,
            weights,
            bias,
            parts(spec.multiplyAdds()),
            arena,
            owned);
    Variant counted = new Variant(d.parts(Activation.IDENTITY), finish);
    long scratch = d.scratchBytes();
    Supplier<Variant> fusing =
        fusing(
            spec.activation(),
            residual != null,
            counted,
            scratch,
            () -> {
              if (residual != null) {
                throw new NotFast("not fused");
              }
              return d.parts(spec.activation());
            },
            d::scratchBytes);
    return new OneDnnKernel(
        name() + " " + d.implementation(),
        spec.multiplyAdds(),
        1,
        input,
        residual,
        output,
        input.channels() % input.lanes() != 0,
        scratch,
        counted,
        fusing,
        owned);
  }

  /** What runs without counting use: activation and residual in oneDNN where it can, else in the finishing pass. */
  private static Supplier<Variant> fusing(
      Activation activation,
      boolean residual,
      Variant counted,
      long scratch,
      Native.Making<Part[]> making,
      Supplier<Long> scratchNow) {
    if (activation.isIdentity() && !residual) {
      return () -> new Variant(counted.parts(), null);
    }
    if (!Primitives.fuses(activation)) {
      return () -> counted;
    }
    return () -> {
      try {
        Part[] parts = Native.single(making);
        // Plans have set aside what the other parts need.
        return scratchNow.get() <= scratch ? new Variant(parts, null) : counted;
      } catch (NotFast _) {
        return counted;
      }
    };
  }

  /** A SIMD kernel that adds the residual, activates and counts, in place; null where there is none. */
  private Kernel finish(Activation activation, ImageLayout residual, ImageLayout output) {
    PointwiseSpec spec =
        new PointwiseSpec(
            output.batch(),
            output.channels(),
            output.height(),
            output.width(),
            residual == null ? PointwiseSpec.Op.COPY : PointwiseSpec.Op.ADD,
            residual == null ? PointwiseSpec.Second.NONE : PointwiseSpec.Second.SAME,
            activation);
    return simd().pointwise(spec, output, residual, output).kernel();
  }

  private int parts(long multiplyAdds) {
    return Math.clamp(multiplyAdds / LEAST_PART, 1, threads);
  }

  @SuppressWarnings("restricted")
  private static void freeWith(Arena arena, Owned owned) {
    // A segment of no bytes whose end is the arena's.
    MemorySegment.ofAddress(1).reinterpret(arena, _ -> owned.close());
  }

  @Override
  public Choice pooling(PoolSpec spec, ImageLayout input, ImageLayout output, Arena arena) {
    if (spec.max()) {
      return Choice.declined("oneDNN's maximum passes over NaN");
    }
    if (!input.isDense() || !output.isDense()) {
      return Choice.declined("oneDNN is slow on images with room around");
    }
    Owned owned = new Owned();
    Poolings p = new Poolings(spec, owned);
    long work =
        (long) spec.channels()
            * spec.outHeight()
            * spec.outWidth()
            * spec.kernelHeight()
            * spec.kernelWidth();
    Part[] parts;
    try {
      parts = Native.single(() -> p.parts(input, output, parts(work)));
    } catch (NotFast e) {
      owned.close();
      return Choice.declined(e.getMessage());
    }
    Variant counted = new Variant(parts, finish(Activation.IDENTITY, null, output));
    freeWith(arena, owned);
    return Choice.of(
        new OneDnnKernel(
            name() + " " + p.implementation(),
            0,
            spec.batch(),
            input,
            null,
            output,
            false,
            p.scratchBytes(),
            counted,
            () -> new Variant(counted.parts(), null),
            owned),
        "oneDNN's " + p.implementation());
  }

  @Override
  public Choice pointwise(
      PointwiseSpec spec, ImageLayout input, ImageLayout second, ImageLayout output) {
    return Choice.declined("element-wise operations stay with SIMD");
  }
}
