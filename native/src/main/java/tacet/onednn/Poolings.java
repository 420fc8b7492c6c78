package tacet.onednn;

import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_inference;
import static org.bytedeco.dnnl.global.dnnl.dnnl_pooling_avg_exclude_padding;
import static org.bytedeco.dnnl.global.dnnl.dnnl_pooling_avg_include_padding;

import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.pooling_forward;
import org.bytedeco.dnnl.primitive;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.primitive_desc;
import tacet.kernels.Activation;
import tacet.kernels.ImageLayout;
import tacet.kernels.PoolSpec;
import tacet.onednn.Primitives.NotFast;

/** Parts of an average pooling of one image: each makes some blocks of channels. */
final class Poolings {

  private final PoolSpec spec;
  private final Owned owned;
  private String implementation;
  private long scratchBytes;

  Poolings(PoolSpec spec, Owned owned) {
    this.spec = spec;
    this.owned = owned;
  }

  String implementation() {
    return implementation;
  }

  long scratchBytes() {
    return scratchBytes;
  }

  /**
   * @throws NotFast where oneDNN has nothing fast, or another notion of the average
   */
  Part[] parts(ImageLayout input, ImageLayout output, int most) throws NotFast {
    int lanes = output.lanes();
    int units = output.blocks();
    int count = Math.clamp(most, 1, units);
    Part[] parts = new Part[count];
    for (int i = 0; i < count; i++) {
      int from = (int) ((long) units * i / count);
      int to = (int) ((long) units * (i + 1) / count);
      int channels = Math.min(spec.channels(), to * lanes) - from * lanes;
      primitive_desc d = describe(channels, Convolutions.blocked(lanes));
      implementation = Primitives.implementation(d);
      scratchBytes = Math.max(scratchBytes, Primitives.scratchBytes(owned, d));
      parts[i] =
          new Part(
              owned.keep(new primitive(d)).get().address(),
              Primitives.operands(
                  owned, d, from * input.blockStride(), from * output.blockStride()));
    }
    return parts;
  }

  private primitive_desc describe(int channels, memory.format_tag blocked) throws NotFast {
    long bottom =
        reach(spec.outHeight(), spec.strideY(), spec.kernelHeight(), spec.dilationY())
            - spec.inHeight()
            - spec.padTop();
    long right =
        reach(spec.outWidth(), spec.strideX(), spec.kernelWidth(), spec.dilationX())
            - spec.inWidth()
            - spec.padLeft();
    if (spec.countIncludePad() && (bottom > spec.padBottom() || right > spec.padRight())) {
      throw new NotFast("oneDNN would count what a window sees behind the stated padding");
    }
    int algorithm =
        spec.countIncludePad()
            ? dnnl_pooling_avg_include_padding
            : dnnl_pooling_avg_exclude_padding;
    memory.desc source =
        Primitives.description(
            owned, new long[] {1, channels, spec.inHeight(), spec.inWidth()}, blocked);
    memory.desc target =
        Primitives.description(
            owned, new long[] {1, channels, spec.outHeight(), spec.outWidth()}, blocked);
    primitive_attr attributes = Primitives.attributes(owned, Activation.IDENTITY, null);
    return Primitives.fast(
        owned,
        () ->
            new pooling_forward.primitive_desc(
                Native.CPU,
                dnnl_forward_inference,
                algorithm,
                source,
                target,
                new long[] {spec.strideY(), spec.strideX()},
                new long[] {spec.kernelHeight(), spec.kernelWidth()},
                new long[] {spec.dilationY() - 1, spec.dilationX() - 1},
                new long[] {spec.padTop(), spec.padLeft()},
                new long[] {bottom, right},
                attributes,
                false));
  }

  /** Rows from the first that the first window starts at to the last that the last window ends at. */
  private static long reach(int outputs, int stride, int kernel, int dilation) {
    return (long) (outputs - 1) * stride + (long) (kernel - 1) * dilation + 1;
  }
}
