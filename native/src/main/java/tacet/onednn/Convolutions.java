package tacet.onednn;

import static org.bytedeco.dnnl.global.dnnl.dnnl_convolution_direct;
import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_inference;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.dnnl.convolution_forward;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.primitive;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.primitive_desc;
import tacet.kernels.Activation;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.onednn.Part.Operand;
import tacet.onednn.Primitives.NotFast;

/**
 * Parts of a convolution of one image: each makes some blocks of output channels from all input channels, or, where the
 * convolution has groups, some groups from theirs. oneDNN's fast kernels over blocked images take dense ones only; an
 * image with exactly the halo that the convolution needs is a dense larger one that needs no padding.
 */
final class Convolutions {

  private final ConvSpec spec;
  private final ImageLayout input;
  private final ImageLayout output;
  private final boolean padded;
  private final memory.format_tag blocked;
  private final Owned owned;

  /** Weights and bias of each range, in oneDNN's order. */
  private final List<Constants> constants = new ArrayList<>();

  private final List<Range> ranges;

  private String implementation;
  private long scratchBytes;

  private record Constants(memory.desc weightsDescription, long weights, long bias) {}

  /**
   * Output channels {@code from} … {@code to} − 1.
   *
   * @param group their first group
   * @param groups number of groups they are
   */
  private record Range(int from, int to, int group, int groups) {
    int channels() {
      return to - from;
    }
  }

  /**
   * @param parts most parts
   * @throws NotFast where oneDNN has nothing fast
   */
  Convolutions(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      float[] weights,
      float[] bias,
      int parts,
      Arena arena,
      Owned owned)
      throws NotFast {
    this.spec = spec;
    this.input = input;
    this.output = output;
    this.owned = owned;
    this.padded = !input.isDense();
    this.blocked = blocked(output.lanes());
    this.ranges = ranges(spec, output.lanes(), parts);
    int perChannel = weights.length / spec.outChannels();
    for (Range r : ranges) {
      memory.desc any = Primitives.description(owned, weightDims(r), memory.format_tag.any);
      primitive_desc d = describe(r, any, Activation.IDENTITY, null);
      implementation = Primitives.implementation(d);
      memory.desc wanted = owned.keep(d.weights_desc());
      long[] dims = weightDims(r);
      memory.desc plain =
          Primitives.description(
              owned, dims, dims.length == 4 ? memory.format_tag.abcd : memory.format_tag.abcde);
      float[] ofRange = Arrays.copyOfRange(weights, r.from * perChannel, r.to * perChannel);
      long packed = Primitives.reordered(plain, ofRange, wanted, arena).address();
      float[] biasOfRange =
          bias == null ? new float[r.channels()] : Arrays.copyOfRange(bias, r.from, r.to);
      memory.desc row =
          Primitives.description(owned, new long[] {r.channels()}, memory.format_tag.a);
      long packedBias = Primitives.reordered(row, biasOfRange, row, arena).address();
      constants.add(new Constants(wanted, packed, packedBias));
    }
  }

  static memory.format_tag blocked(int lanes) {
    return lanes == 16 ? memory.format_tag.aBcd16b : memory.format_tag.aBcd8b;
  }

  String implementation() {
    return implementation;
  }

  /** Scratch memory of one part. */
  long scratchBytes() {
    return scratchBytes;
  }

  /** As even as whole blocks, or whole groups of whole blocks, allow. */
  private static List<Range> ranges(ConvSpec spec, int lanes, int parts) {
    int perGroup = spec.outChannels() / spec.groups();
    boolean grouped = spec.groups() > 1 && !spec.isDepthwise();
    int unit = grouped ? perGroup : lanes;
    int units = grouped && perGroup % lanes != 0 ? 1 : Math.ceilDiv(spec.outChannels(), unit);
    int count = Math.clamp(parts, 1, units);
    List<Range> ranges = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int from = (int) ((long) units * i / count) * unit;
      int to = i == count - 1 ? spec.outChannels() : (int) ((long) units * (i + 1) / count) * unit;
      int group = spec.groups() == 1 ? 0 : from / perGroup;
      int groups = spec.groups() == 1 ? 1 : (to - from) / perGroup;
      ranges.add(new Range(from, to, group, groups));
    }
    return ranges;
  }

  private long[] weightDims(Range r) {
    int in = spec.inChannels() / spec.groups();
    return spec.groups() == 1
        ? new long[] {r.channels(), in, spec.kernelHeight(), spec.kernelWidth()}
        : new long[] {
          r.groups, r.channels() / r.groups, in, spec.kernelHeight(), spec.kernelWidth()
        };
  }

  private int inChannels(Range r) {
    return spec.groups() == 1 ? spec.inChannels() : spec.inChannels() / spec.groups() * r.groups;
  }

  private memory.desc outputs(Range r) {
    return Primitives.description(
        owned, new long[] {1, r.channels(), spec.outHeight(), spec.outWidth()}, blocked);
  }

  private primitive_desc describe(
      Range r, memory.desc weights, Activation activation, memory.desc residual) throws NotFast {
    ImageLayout.Halo halo = padded ? spec.halo() : ImageLayout.Halo.NONE;
    int height = spec.inHeight() + halo.top() + halo.bottom();
    int width = spec.inWidth() + halo.left() + halo.right();
    int padTop = spec.padTop() - halo.top();
    int padLeft = spec.padLeft() - halo.left();
    long[] stride = {spec.strideY(), spec.strideX()};
    long[] before = {padTop, padLeft};
    long[] after = {
      (long) (spec.outHeight() - 1) * spec.strideY()
          + (long) (spec.kernelHeight() - 1) * spec.dilationY()
          + 1
          - height
          - padTop,
      (long) (spec.outWidth() - 1) * spec.strideX()
          + (long) (spec.kernelWidth() - 1) * spec.dilationX()
          + 1
          - width
          - padLeft
    };
    long[] dilation = {spec.dilationY() - 1, spec.dilationX() - 1};
    memory.desc source =
        Primitives.description(
            owned,
            new long[] {1, inChannels(r), height, width},
            input.lanes() == 1 ? memory.format_tag.abcd : blocked);
    memory.desc row = Primitives.description(owned, new long[] {r.channels()}, memory.format_tag.a);
    memory.desc target = outputs(r);
    primitive_attr attributes = Primitives.attributes(owned, activation, residual);
    primitive_desc d =
        Primitives.fast(
            owned,
            () ->
                new convolution_forward.primitive_desc(
                    Native.CPU,
                    dnnl_forward_inference,
                    dnnl_convolution_direct,
                    source,
                    weights,
                    row,
                    target,
                    stride,
                    dilation,
                    before,
                    after,
                    attributes,
                    false));
    scratchBytes = Math.max(scratchBytes, Primitives.scratchBytes(owned, d));
    return d;
  }

  /**
   * The parts with something fused.
   *
   * @throws NotFast where oneDNN has nothing fast
   */
  Part[] parts(Activation activation, boolean withResidual) throws NotFast {
    Part[] parts = new Part[ranges.size()];
    for (int i = 0; i < parts.length; i++) {
      Range r = ranges.get(i);
      Constants c = constants.get(i);
      memory.desc residual = withResidual ? outputs(r) : null;
      primitive_desc d = describe(r, c.weightsDescription, activation, residual);
      long firstInput =
          spec.groups() == 1
              ? 0
              : (long) r.group
                  * (spec.inChannels() / spec.groups())
                  / input.lanes()
                  * input.blockStride();
      long origin = padded ? input.origin(spec.halo()) : 0;
      long firstOutput = r.from / output.lanes() * output.blockStride();
      List<Operand> operands = Primitives.operands(owned, d, firstInput - origin, firstOutput);
      operands.addAll(Primitives.constants(owned, d, c.weights, c.bias));
      if (residual != null) {
        operands.add(Primitives.residual(residual, firstOutput));
      }
      primitive made = owned.keep(new primitive(d));
      parts[i] = new Part(made.get().address(), operands);
    }
    return parts;
  }
}
