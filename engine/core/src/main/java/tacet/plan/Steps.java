package tacet.plan;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import tacet.graph.Node;
import tacet.kernels.Kernel;
import tacet.kernels.ZeroCounts;
import tacet.kernels.pack.Reorder;
import tacet.kernels.scalar.ScalarCount;
import tacet.reference.Evaluator;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** The kinds of steps. */
final class Steps {

  private Steps() {}

  /** Runs a prepared kernel on images. */
  static final class RunKernel implements Step {
    private final Kernel kernel;
    private final List<Placement.Image> inputs;
    private final Placement.Image output;
    private final int counts;
    private long[] inputOffsets;
    private long outputOffset;

    RunKernel(Kernel kernel, List<Placement.Image> inputs, Placement.Image output, int counts) {
      this.kernel = kernel;
      this.inputs = inputs;
      this.output = output;
      this.counts = counts;
    }

    Kernel kernel() {
      return kernel;
    }

    List<Placement.Image> inputs() {
      return inputs;
    }

    Placement.Image output() {
      return output;
    }

    /** Number of the counters, or −1. */
    int counts() {
      return counts;
    }

    @Override
    public void place() {
      inputOffsets = firsts(inputs);
      outputOffset = first(output);
    }

    @Override
    public boolean isSettled() {
      return kernel.isSettled();
    }

    @Override
    public void run(Workspace w) {
      ZeroCounts c = counts < 0 ? null : w.counts[counts];
      kernel.run(w.memory, inputOffsets, outputOffset, w.scratch, w.parallel, c);
      if (c != null) {
        c.merge();
      }
    }
  }

  /** Stands for a layer that an earlier step computes along with another. */
  record Along(Step earlier) implements Step {
    @Override
    public boolean isSettled() {
      return earlier.isSettled();
    }

    @Override
    public void run(Workspace w) {}
  }

  /** Makes an image of the bytes of pictures. */
  record ReadPixels(Kernel kernel, Placement.Plain bytes, Placement.Image image) implements Step {
    @Override
    public boolean isSettled() {
      return kernel.isSettled();
    }

    @Override
    public void run(Workspace w) {
      long[] from = {bytes.buffer().offset};
      kernel.run(w.memory, from, first(image), w.scratch, w.parallel, null);
    }
  }

  /** Writes the zeros around an image. */
  record ClearHalo(Placement.Image image) implements Step {
    @Override
    public void run(Workspace w) {
      Reorder.clearHalo(w.memory, image.layout(), image.halo(), first(image));
    }
  }

  /** Copies an image into another layout. */
  record CopyImage(Placement.Image from, Placement.Image to) implements Step {
    @Override
    public void run(Workspace w) {
      Reorder.copy(w.memory, from.layout(), first(from), w.memory, to.layout(), first(to));
    }
  }

  /**
   * Computes a node by the reference implementation.
   *
   * @param inputs {@link Placement.Plain}, {@link Tensor}, or null where absent
   */
  record RunReference(Node node, List<Object> inputs, List<Placement.Plain> outputs)
      implements Step {
    @Override
    public void run(Workspace w) {
      List<Tensor> tensors = new ArrayList<>(inputs.size());
      for (Object in : inputs) {
        tensors.add(
            switch (in) {
              case null -> null;
              case Placement.Plain p -> tensor(w.memory, p);
              default -> (Tensor) in;
            });
      }
      Evaluator.evaluate(
          node, tensors, (index, type, shape) -> tensor(w.memory, outputs.get(index)));
    }
  }

  /** Counts zeros in a row-major value that no kernel has made: by the reference implementation, or by the caller. */
  record CountPlain(Placement.Plain value, boolean channelsLast, int counts) implements Step {
    @Override
    public void run(Workspace w) {
      Shape s = value.shape();
      int channels = channels(s, channelsLast);
      long inner = channelsLast || s.rank() < 2 ? 1 : s.elements(2, s.rank());
      ScalarCount.count(
          w.memory, value.buffer().offset, s.elements(), channels, inner, w.counts[counts]);
      w.counts[counts].merge();
    }
  }

  /** Looks closely at a value where it lies. */
  record LookClosely(Placement.Image value, int detail) implements Step {
    @Override
    public void run(Workspace w) {
      w.details[detail] = CloseLook.at(w.memory, first(value), value.layout());
    }
  }

  /** Channels of a value: its second axis, or its last where it is channels-last; one where it has fewer axes. */
  static int channels(Shape s, boolean channelsLast) {
    if (s.rank() < 2) {
      return s.rank() == 0 ? 1 : Math.max(1, s.intDim(0));
    }
    return Math.max(1, s.intDim(channelsLast ? s.rank() - 1 : 1));
  }

  static long first(Placement.Image image) {
    return image.buffer().offset + image.offset();
  }

  static long[] firsts(List<Placement.Image> images) {
    return images.stream().mapToLong(Steps::first).toArray();
  }

  static Tensor tensor(MemorySegment memory, Placement.Plain p) {
    return new Tensor(p.type(), p.shape(), memory.asSlice(p.buffer().offset, p.buffer().bytes));
  }
}
