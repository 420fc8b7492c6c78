package tacet.reference;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import tacet.graph.Op;
import tacet.kernels.SelectSpec;
import tacet.kernels.scalar.Elements;
import tacet.kernels.scalar.ScalarMove;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** What puts elements elsewhere without looking at them. */
final class Moves {

  private Moves() {}

  static void transpose(Operands o, Op.Transpose t) {
    int[] p = Inference.permutation(t, o.shape(0).rank(), o.node());
    long[] dense = ScalarMove.dense(o.shape(0).dims());
    long[] steps = new long[p.length];
    for (int i = 0; i < p.length; i++) {
      steps[i] = dense[p[i]];
    }
    o.view(o.x(0), 0, steps, 0);
  }

  static void channelShuffle(Operands o, Op.ChannelShuffle op) {
    Shape s = o.shape(0);
    int channels = s.intDim(1);
    SelectSpec spec =
        SelectSpec.shuffle(s.intDim(0), channels, s.intDim(2), s.intDim(3), op.groups());
    long plane = s.elements(2, 4) * o.x(0).type().bytes();
    for (long n = 0; n < s.dim(0); n++) {
      for (int c = 0; c < channels; c++) {
        MemorySegment.copy(
            o.x(0).data(),
            (n * channels + spec.channel()[c]) * plane,
            o.out().get(0).data(),
            (n * channels + c) * plane,
            plane);
      }
    }
  }

  static void concat(Operands o, Op.Concat c) {
    int axis = Inference.axis(o.node(), c.axis(), o.y(0).rank());
    long[] steps = ScalarMove.dense(o.y(0).dims());
    long at = 0;
    for (Tensor t : o.in()) {
      ScalarMove.scatter(
          t.data(),
          o.out().get(0).data(),
          at * steps[axis],
          steps,
          t.shape().dims(),
          t.type().bytes());
      at += t.shape().dim(axis);
    }
  }

  static void split(Operands o, Op.Split s) {
    int axis = Inference.axis(o.node(), s.axis(), o.shape(0).rank());
    long[] steps = ScalarMove.dense(o.shape(0).dims());
    long at = 0;
    List<TensorType> all = Evaluator.infer(o.node(), o.types(), o.in());
    for (int i = 0; i < o.out().size(); i++) {
      if (o.wants(i)) {
        o.view(o.x(0), at * steps[axis], steps, i);
      }
      at += all.get(i).shape().dim(axis);
    }
  }

  static void slice(Operands o) {
    SliceGeometry g = SliceGeometry.of(o.node(), o.shape(0), o.in());
    long[] steps = ScalarMove.dense(o.shape(0).dims());
    long first = 0;
    for (int a = 0; a < steps.length; a++) {
      first += g.starts()[a] * steps[a];
      steps[a] *= g.steps()[a];
    }
    o.view(o.x(0), first, steps, 0);
  }

  static void tile(Operands o) {
    long[] source = o.shape(0).dims();
    long[] dense = ScalarMove.dense(source);
    long[] dims = o.y(0).dims();
    int size = o.x(0).type().bytes();
    for (long i = 0; i < o.y(0).elements(); i++) {
      long rest = i;
      long at = 0;
      for (int a = dims.length - 1; a >= 0; a--) {
        at += rest % dims[a] % source[a] * dense[a];
        rest /= dims[a];
      }
      MemorySegment.copy(o.x(0).data(), at * size, o.out().get(0).data(), i * size, size);
    }
  }

  static void pad(Operands o, Op.Pad p) {
    int rank = o.y(0).rank();
    if (rank == 0) {
      o.copy();
      return;
    }
    long[] pads = PadGeometry.pads(o.node(), rank, o.in());
    long[] source = o.shape(0).dims();
    long[] dense = ScalarMove.dense(source);
    long[] dims = o.y(0).dims();
    long[][] reads = new long[rank][];
    for (int a = 0; a < rank; a++) {
      reads[a] = PadGeometry.reads(o.node(), p.mode(), source[a], pads[a], pads[a + rank]);
    }
    int size = o.x(0).type().bytes();
    MemorySegment to = o.out().get(0).data();
    MemorySegment value = o.has(2) ? o.x(2).data() : MemorySegment.ofArray(new byte[size]);
    // What one row reads of another, as stretches that are neighbours in both.
    List<Stretch> stretches = Stretch.of(reads[rank - 1]);
    long width = dims[rank - 1];
    for (long row = 0; row * width < o.y(0).elements(); row++) {
      long rest = row;
      long at = 0;
      boolean inside = true;
      for (int a = rank - 2; a >= 0; a--) {
        long k = reads[a][(int) (rest % dims[a])];
        rest /= dims[a];
        inside &= k >= 0;
        at += k * dense[a];
      }
      for (Stretch s : stretches) {
        long first = (row * width + s.to) * size;
        if (inside && s.from >= 0) {
          MemorySegment.copy(o.x(0).data(), (at + s.from) * size, to, first, s.length * size);
        } else {
          for (long i = 0; i < s.length; i++) {
            MemorySegment.copy(value, 0, to, first + i * size, size);
          }
        }
      }
    }
  }

  /**
   * Neighbours.
   *
   * @param from where the first is read; −1 where there is nothing to be read
   * @param to where the first is written
   * @param length how many there are
   */
  private record Stretch(long from, int to, long length) {
    static List<Stretch> of(long[] reads) {
      List<Stretch> all = new ArrayList<>();
      for (int i = 0, end; i < reads.length; i = end) {
        boolean nothing = reads[i] < 0;
        for (end = i + 1; end < reads.length; end++) {
          if (reads[end] != (nothing ? -1 : reads[end - 1] + 1)) {
            break;
          }
        }
        all.add(new Stretch(reads[i], i, end - i));
      }
      return all;
    }
  }

  static void gather(Operands o, Op.Gather g) {
    Shape s = o.shape(0);
    int axis = Inference.axis(o.node(), g.axis(), s.rank());
    long inner = s.elements(axis + 1, s.rank()) * o.x(0).type().bytes();
    long count = o.shape(1).elements();
    Elements indices = o.from(1);
    long extent = s.dim(axis);
    for (long outer = 0; outer < s.elements(0, axis); outer++) {
      for (long i = 0; i < count; i++) {
        long index = indices.getLong(i);
        long k = index < 0 ? index + extent : index;
        if (k < 0 || k >= extent) {
          throw Windows.bad(o.node(), "indices below " + extent, Long.toString(index));
        }
        MemorySegment.copy(
            o.x(0).data(),
            (outer * extent + k) * inner,
            o.out().get(0).data(),
            (outer * count + i) * inner,
            inner);
      }
    }
  }

  /** Steps of the input for the axes [N, C', H, b, W, b'] of the output, whose extent is given. */
  static void depthToSpace(Operands o, Op.DepthToSpace d) {
    Shape s = o.shape(0);
    long b = d.block();
    long c = s.dim(1) / (b * b);
    long h = s.dim(2);
    long w = s.dim(3);
    long plane = h * w;
    long[] dims = {s.dim(0), c, h, b, w, b};
    long[] steps =
        d.columnRowDepth()
            ? new long[] {s.dim(1) * plane, b * b * plane, w, b * plane, 1, plane}
            : new long[] {s.dim(1) * plane, plane, w, b * c * plane, 1, c * plane};
    ScalarMove.gather(o.x(0).data(), 0, steps, o.out().get(0).data(), dims, o.x(0).type().bytes());
  }

  /** Output channels run over (row, column, channel), or (channel, row, column). */
  static void spaceToDepth(Operands o, Op.SpaceToDepth d) {
    Shape s = o.shape(0);
    long b = d.block();
    long c = s.dim(1);
    long h = s.dim(2) / b;
    long w = s.dim(3) / b;
    long row = s.dim(3);
    long plane = s.dim(2) * row;
    long[] dims =
        d.columnRowDepth()
            ? new long[] {s.dim(0), c, b, b, h, w}
            : new long[] {s.dim(0), b, b, c, h, w};
    long[] steps =
        d.columnRowDepth()
            ? new long[] {c * plane, plane, row, 1, b * row, b}
            : new long[] {c * plane, row, 1, plane, b * row, b};
    ScalarMove.gather(o.x(0).data(), 0, steps, o.out().get(0).data(), dims, o.x(0).type().bytes());
  }
}
