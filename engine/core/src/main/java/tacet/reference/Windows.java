package tacet.reference;

import java.util.Arrays;
import java.util.List;
import tacet.error.ShapeMismatchException;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.graph.Op.AutoPad;
import tacet.graph.Op.Window;

/** Resolves sliding windows: defaults, automatic padding, output extents. */
public final class Windows {

  /** Largest kernel, stride, pad or dilation that makes sense; keeps all later arithmetic within a long. */
  private static final int MOST = 1 << 24;

  /** Largest extent of a dilated kernel. */
  private static final int MOST_EXTENT = 1 << 30;

  private Windows() {}

  /** A window with every number known, per spatial axis. */
  public record ResolvedWindow(
      int[] kernel,
      int[] strides,
      int[] padsBegin,
      int[] padsEnd,
      int[] dilations,
      int[] outputExtent) {}

  /** The window of a convolution whose weights have this spatial extent. */
  public static ResolvedWindow convolution(Node n, int[] input, int[] kernel, Window w) {
    if (!w.kernel().isEmpty() && !w.kernel().equals(boxed(kernel))) {
      throw new ShapeMismatchException(
          where(n), "weights with a kernel of " + w.kernel(), Arrays.toString(kernel));
    }
    return resolve(n, input, kernel, w, false);
  }

  /** The window of a pooling. */
  public static ResolvedWindow pool(Node n, int[] input, Op.Pool p) {
    int[] kernel = ints(n, p.window().kernel(), input.length, -1, 1, "kernel_shape");
    return resolve(n, input, kernel, p.window(), p.ceilMode());
  }

  private static ResolvedWindow resolve(Node n, int[] input, int[] kernel, Window w, boolean ceil) {
    int rank = input.length;
    int[] strides = ints(n, w.strides(), rank, 1, 1, "strides");
    int[] dilations = ints(n, w.dilations(), rank, 1, 1, "dilations");
    int[] begin = ints(n, w.padsBegin(), rank, 0, -MOST, "pads");
    int[] end = ints(n, w.padsEnd(), rank, 0, -MOST, "pads");
    int[] out = new int[rank];
    for (int i = 0; i < rank; i++) {
      long extent = (long) (kernel[i] - 1) * dilations[i] + 1;
      window(n, kernel[i], extent);
      if (w.autoPad() == AutoPad.SAME_UPPER || w.autoPad() == AutoPad.SAME_LOWER) {
        long o = Math.ceilDiv(input[i], strides[i]);
        long total = Math.max(0, (o - 1) * strides[i] + extent - input[i]);
        long less = total / 2;
        begin[i] = (int) (w.autoPad() == AutoPad.SAME_UPPER ? less : total - less);
        end[i] = (int) (total - begin[i]);
        out[i] = (int) o;
        continue;
      }
      if (w.autoPad() == AutoPad.VALID) {
        begin[i] = 0;
        end[i] = 0;
      }
      long room = (long) input[i] + begin[i] + end[i] - extent;
      if (room < 0) {
        throw bad(
            n,
            "an input of at least " + extent + " along spatial axis " + i,
            input[i] + " with padding " + begin[i] + " and " + end[i]);
      }
      long o = room / strides[i] + 1;
      if (ceil) {
        o = Math.ceilDiv(room, (long) strides[i]) + 1;
        if ((o - 1) * strides[i] >= (long) input[i] + begin[i]) {
          o--;
        }
      }
      out[i] = Math.toIntExact(o);
    }
    return new ResolvedWindow(kernel, strides, begin, end, dilations, out);
  }

  /** The window of a transposed convolution; its pads are those that are cut off the full result. */
  static ResolvedWindow transposed(Node n, int[] input, int[] kernel, Op.ConvTranspose op) {
    int rank = input.length;
    Window w = op.window();
    int[] strides = ints(n, w.strides(), rank, 1, 1, "strides");
    int[] dilations = ints(n, w.dilations(), rank, 1, 1, "dilations");
    int[] begin = ints(n, w.padsBegin(), rank, 0, -MOST, "pads");
    int[] end = ints(n, w.padsEnd(), rank, 0, -MOST, "pads");
    int[] extra = ints(n, op.outputPadding(), rank, 0, 0, "output_padding");
    int[] out = new int[rank];
    if (!w.kernel().isEmpty() && !w.kernel().equals(boxed(kernel))) {
      throw bad(n, "weights with a kernel of " + w.kernel(), Arrays.toString(kernel));
    }
    List<Integer> shape = op.outputShape();
    if (!shape.isEmpty() && shape.size() < rank) {
      throw bad(n, "an output_shape for " + rank + " spatial axes", shape.toString());
    }
    for (int i = 0; i < rank; i++) {
      long extent = (long) (kernel[i] - 1) * dilations[i] + 1;
      window(n, kernel[i], extent);
      long full = (long) strides[i] * (input[i] - 1) + extra[i] + extent;
      boolean same = w.autoPad() == AutoPad.SAME_UPPER || w.autoPad() == AutoPad.SAME_LOWER;
      if (!op.outputShape().isEmpty() || same) {
        long wanted =
            shape.isEmpty() ? (long) input[i] * strides[i] : shape.get(shape.size() - rank + i);
        // A wanted extent beyond the full one is filled up at the end.
        long total = Math.max(0, full - wanted);
        long less = total / 2;
        begin[i] = Math.toIntExact(w.autoPad() == AutoPad.SAME_UPPER ? less : total - less);
        end[i] = Math.toIntExact(full - wanted - begin[i]);
      } else if (w.autoPad() == AutoPad.VALID) {
        begin[i] = 0;
        end[i] = 0;
      }
      long o = full - begin[i] - end[i];
      if (o < 1) {
        throw bad(n, "an output of at least 1 along spatial axis " + i, Long.toString(o));
      }
      out[i] = Math.toIntExact(o);
    }
    return new ResolvedWindow(kernel, strides, begin, end, dilations, out);
  }

  private static void window(Node n, int kernel, long extent) {
    if (kernel < 1 || extent > MOST_EXTENT) {
      throw bad(n, "a kernel that spans 1 to " + MOST_EXTENT, Long.toString(extent));
    }
  }

  private static int[] ints(
      Node n, List<Integer> values, int rank, int otherwise, int least, String what) {
    int[] out = new int[rank];
    if (values.isEmpty()) {
      if (otherwise < 0) {
        throw bad(n, what, "none");
      }
      Arrays.fill(out, otherwise);
      return out;
    }
    if (values.size() != rank) {
      throw bad(n, what + " for " + rank + " spatial axes", values.toString());
    }
    for (int i = 0; i < rank; i++) {
      out[i] = values.get(i);
      if (out[i] < least || out[i] > MOST) {
        throw bad(n, what + " of at least " + least, values.toString());
      }
    }
    return out;
  }

  private static List<Integer> boxed(int[] values) {
    return Arrays.stream(values).boxed().toList();
  }

  static String where(Node n) {
    return "node " + n.name() + " (" + n.op().type() + ")";
  }

  static ShapeMismatchException bad(Node n, String expected, String got) {
    return new ShapeMismatchException(where(n), expected, got);
  }
}
