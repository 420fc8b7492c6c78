package tacet.onednn;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.dnnl.matmul;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.primitive;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.primitive_desc;
import tacet.kernels.Activation;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.onednn.Part.Operand;
import tacet.onednn.Primitives.NotFast;

/**
 * Parts of a dense layer: a matrix product of the inputs as they lie in memory, lanes behind the last channel included,
 * with weights in that order, zero where a lane stands for nothing. Each part makes some of the columns, for all rows.
 */
final class DenseLayers {

  private record Range(int from, int to, memory.desc weightsDescription, long weights, long bias) {
    int columns() {
      return to - from;
    }
  }

  private final ConvSpec spec;
  private final ImageLayout input;
  private final ImageLayout output;
  private final Owned owned;
  private final int depth;
  private final List<Range> ranges = new ArrayList<>();
  private String implementation;
  private long scratchBytes;

  /**
   * @param weights [M, K], row-major
   * @throws NotFast where oneDNN has nothing fast
   */
  DenseLayers(
      ConvSpec spec,
      ImageLayout input,
      ImageLayout output,
      FlattenOrder order,
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
    int lanes = input.lanes();
    this.depth = input.blocks() * input.height() * input.width() * lanes;
    int[] sources = sources(input, order);
    int units = Math.ceilDiv(spec.outChannels(), output.lanes());
    int count = Math.clamp(parts, 1, units);
    for (int i = 0; i < count; i++) {
      int from = (int) ((long) units * i / count) * output.lanes();
      int to =
          i == count - 1
              ? spec.outChannels()
              : (int) ((long) units * (i + 1) / count) * output.lanes();
      int columns = to - from;
      memory.desc any =
          Primitives.description(owned, new long[] {depth, columns}, memory.format_tag.any);
      primitive_desc d = describe(columns, any, Activation.IDENTITY);
      implementation = Primitives.implementation(d);
      memory.desc wanted = owned.keep(d.weights_desc());
      memory.desc plain =
          Primitives.description(owned, new long[] {depth, columns}, memory.format_tag.ba);
      float[] ordered = new float[Math.multiplyExact(depth, columns)];
      for (int m = 0; m < columns; m++) {
        int row = (from + m) * spec.inChannels();
        for (int k = 0; k < depth; k++) {
          ordered[m * depth + k] = sources[k] < 0 ? 0f : weights[row + sources[k]];
        }
      }
      long packed = Primitives.reordered(plain, ordered, wanted, arena).address();
      memory.desc row =
          Primitives.description(owned, new long[] {1, columns}, memory.format_tag.ab);
      float[] biasOfRange = bias == null ? new float[columns] : Arrays.copyOfRange(bias, from, to);
      long packedBias = Primitives.reordered(row, biasOfRange, row, arena).address();
      ranges.add(new Range(from, to, wanted, packed, packedBias));
    }
  }

  String implementation() {
    return implementation;
  }

  long scratchBytes() {
    return scratchBytes;
  }

  /** For each element of an image in memory, its number along the weights' second axis, or −1. */
  private static int[] sources(ImageLayout in, FlattenOrder order) {
    int[] sources = new int[in.blocks() * in.height() * in.width() * in.lanes()];
    int k = 0;
    for (int block = 0; block < in.blocks(); block++) {
      for (int y = 0; y < in.height(); y++) {
        for (int x = 0; x < in.width(); x++) {
          for (int lane = 0; lane < in.lanes(); lane++) {
            int c = block * in.lanes() + lane;
            int source =
                order == FlattenOrder.NHWC
                    ? (y * in.width() + x) * in.channels() + c
                    : (c * in.height() + y) * in.width() + x;
            sources[k++] = c < in.channels() ? source : -1;
          }
        }
      }
    }
    return sources;
  }

  private primitive_desc describe(int columns, memory.desc weights, Activation activation)
      throws NotFast {
    int rows = spec.batch();
    memory.desc source = rows(rows, depth, input.batchStride());
    memory.desc target = rows(rows, columns, output.batchStride());
    memory.desc bias = Primitives.description(owned, new long[] {1, columns}, memory.format_tag.ab);
    primitive_attr attributes = Primitives.attributes(owned, activation, null);
    primitive_desc d =
        Primitives.fast(
            owned,
            () ->
                new matmul.primitive_desc(
                    Native.CPU, source, weights, bias, target, attributes, false));
    scratchBytes = Math.max(scratchBytes, Primitives.scratchBytes(owned, d));
    return d;
  }

  private memory.desc rows(int rows, int columns, long strideBytes) {
    long stride = rows == 1 ? columns : strideBytes / Float.BYTES;
    return Primitives.description(owned, new long[] {rows, columns}, new long[] {stride, 1});
  }

  /**
   * The parts with something fused.
   *
   * @throws NotFast where oneDNN has nothing fast
   */
  Part[] parts(Activation activation) throws NotFast {
    Part[] parts = new Part[ranges.size()];
    for (int i = 0; i < parts.length; i++) {
      Range r = ranges.get(i);
      primitive_desc d = describe(r.columns(), r.weightsDescription, activation);
      List<Operand> operands =
          Primitives.operands(owned, d, 0, r.from / output.lanes() * output.blockStride());
      operands.addAll(Primitives.constants(owned, d, r.weights, r.bias));
      parts[i] = new Part(owned.keep(new primitive(d)).get().address(), operands);
    }
    return parts;
  }
}
