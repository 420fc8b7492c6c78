package tacet.bench;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_BIAS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;
import static org.bytedeco.dnnl.global.dnnl.dnnl_convolution_auto;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_relu;
import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_inference;

import org.bytedeco.dnnl.IntMemoryMap;
import org.bytedeco.dnnl.convolution_forward;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.post_ops;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.PointerScope;

/**
 * One convolution by oneDNN as its own users call it: one primitive on OpenMP's threads, bias and ReLU fused. To be used and
 * closed on the thread that made it.
 */
final class OneDnnConvolution implements AutoCloseable {

  private final PointerScope scope;
  private final int threads;
  private final engine cpu;
  private final stream queue;
  private final convolution_forward convolution;
  private final IntMemoryMap arguments = new IntMemoryMap();
  private final String implementation;
  private final memory result;
  private final long[] outDims;

  /**
   * @param input [C, H, W], row-major
   * @param weights [M, C/groups, kernelHeight, kernelWidth], row-major
   * @param threads of OpenMP, on the thread that makes and runs it
   * @param lanes channels per block of the images; 0 to leave their layouts to oneDNN
   */
  OneDnnConvolution(
      ConvShape s, float[] input, float[] weights, float[] bias, int threads, int lanes) {
    Loader.load(dnnl.class);
    OpenMp.setThreads(threads);
    this.threads = threads;
    scope = new PointerScope();
    cpu = new engine(engine.kind.cpu, 0);
    queue = new stream(cpu);
    long[] inDims = {1, s.inChannels(), s.height(), s.width()};
    outDims = new long[] {1, s.outChannels(), s.outHeight(), s.outWidth()};
    int inPerGroup = s.inChannels() / s.groups();
    long[] weightDims =
        s.groups() == 1
            ? new long[] {s.outChannels(), inPerGroup, s.kernelHeight(), s.kernelWidth()}
            : new long[] {
              s.groups(),
              s.outChannels() / s.groups(),
              inPerGroup,
              s.kernelHeight(),
              s.kernelWidth()
            };
    memory.format_tag blocks =
        switch (lanes) {
          case 0 -> memory.format_tag.any;
          case 8 -> memory.format_tag.aBcd8b;
          case 16 -> memory.format_tag.aBcd16b;
          default -> throw new IllegalArgumentException("blocks of " + lanes + " channels");
        };
    // As Tacet's planner does it: few channels would be mostly padding in blocks.
    boolean plain = lanes > 0 && s.inChannels() <= lanes / 2;
    memory.desc source = desc(inDims, plain ? memory.format_tag.abcd : blocks);
    memory.desc anyWeights = desc(weightDims, memory.format_tag.any);
    memory.desc row = desc(new long[] {s.outChannels()}, memory.format_tag.a);
    memory.desc target = desc(outDims, blocks);
    post_ops relu = new post_ops();
    relu.append_eltwise(dnnl_eltwise_relu, 0f, 0f);
    primitive_attr attributes = new primitive_attr();
    attributes.set_post_ops(relu);
    convolution_forward.primitive_desc description =
        new convolution_forward.primitive_desc(
            cpu,
            dnnl_forward_inference,
            dnnl_convolution_auto,
            source,
            anyWeights,
            row,
            target,
            new long[] {s.strideY(), s.strideX()},
            new long[] {s.dilationY() - 1, s.dilationX() - 1},
            new long[] {s.padTop(), s.padLeft()},
            new long[] {s.padBottom(), s.padRight()},
            attributes,
            false);
    implementation = description.impl_info_str().getString();
    convolution = new convolution_forward(description);
    result = new memory(description.dst_desc(), cpu);
    arguments.put(
        DNNL_ARG_SRC, reordered(input, inDims, memory.format_tag.abcd, description.src_desc()));
    arguments.put(
        DNNL_ARG_WEIGHTS,
        reordered(
            weights,
            weightDims,
            weightDims.length == 4 ? memory.format_tag.abcd : memory.format_tag.abcde,
            description.weights_desc()));
    arguments.put(
        DNNL_ARG_BIAS,
        reordered(
            bias, new long[] {s.outChannels()}, memory.format_tag.a, description.bias_desc()));
    arguments.put(DNNL_ARG_DST, result);
  }

  private static memory.desc desc(long[] dims, memory.format_tag tag) {
    return new memory.desc(dims, memory.data_type.f32, tag);
  }

  private memory reordered(float[] values, long[] dims, memory.format_tag tag, memory.desc wanted) {
    memory plain = new memory(desc(dims, tag), cpu);
    new FloatPointer(plain.get_data_handle()).put(values, 0, values.length);
    memory target = new memory(wanted, cpu);
    new reorder(plain, target).execute(queue, plain, target);
    queue._wait();
    return target;
  }

  String implementation() {
    return implementation;
  }

  void run() {
    // A kernel of Tacet's on this thread may have set another number.
    OpenMp.setThreads(threads);
    // On a CPU the call returns when the work is done.
    convolution.execute(queue, arguments);
  }

  /** The last result, [M, H, W], row-major. */
  float[] output() {
    try (PointerScope _ = new PointerScope()) {
      memory plain = new memory(desc(outDims, memory.format_tag.abcd), cpu);
      new reorder(result, plain).execute(queue, result, plain);
      queue._wait();
      float[] out = new float[(int) (outDims[1] * outDims[2] * outDims[3])];
      new FloatPointer(plain.get_data_handle()).get(out, 0, out.length);
      return out;
    }
  }

  @Override
  public void close() {
    scope.close();
  }
}
