package tacet.onednn;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_BIAS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SCRATCHPAD;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC_1;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;
import static org.bytedeco.dnnl.global.dnnl.dnnl_binary_add;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_clip;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_relu;
import static org.bytedeco.dnnl.global.dnnl.dnnl_scratchpad_mode_user;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.post_ops;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.primitive_desc;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import tacet.kernels.Activation;
import tacet.onednn.Part.Operand;
import tacet.onednn.Part.Place;

/** What making primitives of any kind has in common. */
final class Primitives {

  /** oneDNN has no fast implementation, or none at all, of what was asked. */
  static final class NotFast extends Exception {
    private static final long serialVersionUID = 1;

    NotFast(String reason) {
      super(reason, null, false, false);
    }
  }

  private Primitives() {}

  static memory.desc description(Owned owned, long[] dims, memory.format_tag tag) {
    return owned.keep(new memory.desc(dims, memory.data_type.f32, tag));
  }

  static memory.desc description(Owned owned, long[] dims, long[] strides) {
    return owned.keep(new memory.desc(dims, memory.data_type.f32, strides));
  }

  /** Whether oneDNN can do this in a primitive's epilogue, and Tacet has reason to want it. */
  static boolean fuses(Activation a) {
    return switch (a.kind()) {
      case IDENTITY, RELU, LEAKY_RELU, CLIP -> true;
      default -> false;
    };
  }

  /**
   * @param residual description of what is added before the activation, or null
   */
  static primitive_attr attributes(Owned owned, Activation activation, memory.desc residual) {
    post_ops ops = owned.keep(new post_ops());
    if (residual != null) {
      ops.append_binary(dnnl_binary_add, residual);
    }
    switch (activation.kind()) {
      case IDENTITY -> {}
      case RELU -> ops.append_eltwise(dnnl_eltwise_relu, 0f, 0f);
      case LEAKY_RELU -> ops.append_eltwise(dnnl_eltwise_relu, activation.alpha(), 0f);
      case CLIP -> ops.append_eltwise(dnnl_eltwise_clip, activation.alpha(), activation.beta());
      default -> throw new IllegalArgumentException("not fused: " + activation.kind());
    }
    primitive_attr attributes = owned.keep(new primitive_attr());
    attributes.set_post_ops(ops);
    attributes.set_scratchpad_mode(dnnl_scratchpad_mode_user);
    return attributes;
  }

  /** A way to make a primitive description. */
  interface Maker {
    primitive_desc make();
  }

  /**
   * @throws NotFast where oneDNN refuses or has nothing but its reference implementation
   */
  static primitive_desc fast(Owned owned, Maker maker) throws NotFast {
    primitive_desc made;
    try {
      made = owned.keep(maker.make());
    } catch (RuntimeException e) {
      throw new NotFast("oneDNN refuses: " + e.getMessage());
    }
    String implementation = implementation(made);
    if (implementation.startsWith("ref")
        || implementation.startsWith("simple")
        || implementation.equals("gemm:ref")) {
      throw new NotFast("oneDNN has only " + implementation + " for it");
    }
    return made;
  }

  static String implementation(primitive_desc description) {
    return description.impl_info_str().getString();
  }

  /** Values in oneDNN's own order, in memory of the arena. */
  static MemorySegment reordered(memory.desc from, float[] values, memory.desc to, Arena arena) {
    MemorySegment target = arena.allocate(to.get_size(), 64);
    try (Owned temporary = new Owned();
        Arena room = Arena.ofConfined()) {
      // Not through JavaCPP, which copies arrays of floats by way of another buffer.
      MemorySegment plain = room.allocate((long) values.length * Float.BYTES, 64);
      MemorySegment.copy(values, 0, plain, ValueLayout.JAVA_FLOAT, 0, values.length);
      memory source =
          temporary.keep(new memory(from, Native.CPU, new Native.Address(plain.address())));
      memory result =
          temporary.keep(new memory(to, Native.CPU, new Native.Address(target.address())));
      stream queue = temporary.keep(new stream(Native.CPU));
      temporary.keep(new reorder(source, result)).execute(queue, source, result);
    }
    return target;
  }

  /** The operands that every primitive has. */
  static List<Operand> operands(Owned owned, primitive_desc d, long input, long output) {
    List<Operand> operands = new ArrayList<>();
    operands.add(new Operand(DNNL_ARG_SRC, owned.keep(d.src_desc()), Place.INPUT, input));
    operands.add(new Operand(DNNL_ARG_DST, owned.keep(d.dst_desc()), Place.OUTPUT, output));
    if (scratchBytes(owned, d) > 0) {
      operands.add(
          new Operand(DNNL_ARG_SCRATCHPAD, owned.keep(d.scratchpad_desc()), Place.SCRATCH, 0));
    }
    return operands;
  }

  /** Weights and, where {@code bias} is not 0, a bias at these addresses. */
  static List<Operand> constants(Owned owned, primitive_desc d, long weights, long bias) {
    List<Operand> operands = new ArrayList<>();
    operands.add(
        new Operand(DNNL_ARG_WEIGHTS, owned.keep(d.weights_desc()), Place.CONSTANT, weights));
    if (bias != 0) {
      operands.add(new Operand(DNNL_ARG_BIAS, owned.keep(d.weights_desc(1)), Place.CONSTANT, bias));
    }
    return operands;
  }

  /** What {@link #attributes} adds. */
  static Operand residual(memory.desc description, long offset) {
    return new Operand(
        DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE | DNNL_ARG_SRC_1, description, Place.RESIDUAL, offset);
  }

  /** Scratch memory of one execution, in whole cache lines. */
  static long scratchBytes(Owned owned, primitive_desc d) {
    return (owned.keep(d.scratchpad_desc()).get_size() + 63) / 64 * 64;
  }
}
