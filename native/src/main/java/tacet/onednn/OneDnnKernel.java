package tacet.onednn;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Supplier;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.Parallel;
import tacet.kernels.ZeroCounts;

/**
 * Runs primitives, each for some output channels of one image on one of Tacet's own threads, so that there are never more
 * runnable threads than the loop has. Zeros are counted in a pass of a SIMD kernel over the output, which also does what
 * must be seen before and after: adding the residual and the activation. Without counting these are fused in oneDNN.
 */
final class OneDnnKernel implements Kernel {

  /**
   * What a run computes with.
   *
   * @param parts primitives that together make one image
   * @param finish in-place kernel over the output afterwards, or null where there is nothing left to do
   */
  record Variant(Part[] parts, Kernel finish) {}

  /** Memory objects and addresses of one run at a time; itself the body of the loop, so that a run allocates nothing. */
  private final class State implements Parallel.Body {
    private final int parts;
    private final Call[] calls;
    private final long[] finishInputs = new long[residual == null ? 1 : 2];
    private long in;
    private long added;
    private long out;
    private long scratch;

    State(Part[] parts) {
      this.parts = parts.length;
      calls = new Call[parts.length * images];
      for (int i = 0; i < calls.length; i++) {
        calls[i] = new Call(parts[i % parts.length], owned);
      }
    }

    @Override
    public void run(int item, int thread) {
      int n = item / parts;
      calls[item].run(
          in + n * input.batchStride(),
          residual == null ? 0 : added + n * residual.batchStride(),
          out + n * output.batchStride(),
          scratch + thread * scratchPerThread);
    }
  }

  /** Where a variant's idle states wait. */
  private final class Pool {
    final Variant variant;
    final Deque<State> idle = new ArrayDeque<>();

    Pool(Variant variant) {
      this.variant = variant;
    }
  }

  private final String name;
  private final long multiplyAdds;
  private final int images;
  private final ImageLayout input;
  private final ImageLayout residual;
  private final ImageLayout output;
  private final boolean clearLanes;
  private final long scratchPerThread;
  private final Owned owned;
  private final Pool counted;
  private final Supplier<Variant> fusing;
  private Pool fused;

  /**
   * @param images runs of all parts, one per image
   * @param residual null where there is none
   * @param clearLanes whether the lanes behind the input's last channel must be zero
   * @param counted for runs that count
   * @param fusing makes what is used for runs that do not count
   * @param owned frees the parts and states
   */
  OneDnnKernel(
      String name,
      long multiplyAdds,
      int images,
      ImageLayout input,
      ImageLayout residual,
      ImageLayout output,
      boolean clearLanes,
      long scratchPerThread,
      Variant counted,
      Supplier<Variant> fusing,
      Owned owned) {
    this.name = name;
    this.multiplyAdds = multiplyAdds;
    this.images = images;
    this.input = input;
    this.residual = residual;
    this.output = output;
    this.clearLanes = clearLanes;
    this.scratchPerThread = scratchPerThread;
    this.counted = new Pool(counted);
    this.fusing = fusing;
    this.owned = owned;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long scratchBytes(int threads) {
    return scratchPerThread * threads;
  }

  @Override
  public long multiplyAdds() {
    return multiplyAdds;
  }

  @Override
  public void run(
      MemorySegment memory,
      long[] inputs,
      long out,
      long scratch,
      Parallel parallel,
      ZeroCounts counts) {
    Pool pool = counts == null ? fused() : counted;
    State state = take(pool);
    try {
      if (clearLanes) {
        clearLanes(memory, inputs[0]);
      }
      long base = memory.address();
      state.in = base + inputs[0];
      state.added = residual == null ? 0 : base + inputs[1];
      state.out = base + out;
      state.scratch = base + scratch;
      parallel.forEach(state.calls.length, state);
      Kernel finish = pool.variant.finish;
      if (finish != null) {
        state.finishInputs[0] = out;
        if (residual != null) {
          state.finishInputs[1] = inputs[1];
        }
        finish.run(memory, state.finishInputs, out, scratch, parallel, counts);
      }
    } finally {
      synchronized (pool.idle) {
        pool.idle.push(state);
      }
    }
  }

  private State take(Pool pool) {
    synchronized (pool.idle) {
      State idle = pool.idle.poll();
      if (idle != null) {
        return idle;
      }
    }
    return new State(pool.variant.parts);
  }

  private synchronized Pool fused() {
    if (fused == null) {
      fused = new Pool(fusing.get());
    }
    return fused;
  }

  /** oneDNN multiplies what lies behind the last channel with zero, which helps only if it is a number. */
  private void clearLanes(MemorySegment m, long first) {
    int used = input.channels() % input.lanes();
    long plane = first + (input.blocks() - 1) * input.blockStride();
    for (int n = 0; n < input.batch(); n++) {
      for (int y = 0; y < input.height(); y++) {
        long row = plane + n * input.batchStride() + y * input.rowStride();
        for (int x = 0; x < input.width(); x++) {
          for (int lane = used; lane < input.lanes(); lane++) {
            m.set(
                ValueLayout.JAVA_FLOAT,
                row + x * input.pixelStride() + (long) lane * Float.BYTES,
                0f);
          }
        }
      }
    }
  }
}
