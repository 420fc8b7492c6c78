package tacet.keras;

import java.util.List;
import tacet.graph.Op;
import tacet.graph.Op.AutoPad;
import tacet.graph.Op.PoolKind;
import tacet.graph.Op.Window;

/** Pooling over windows and over whole images. */
final class Poolings {

  private Poolings() {}

  static Value emit(Call c) {
    String className = c.layer().className();
    int axes = Convolutions.spatialAxes(className);
    c.requireRank(axes + 2);
    PoolKind kind = className.contains("Max") ? PoolKind.MAX : PoolKind.AVERAGE;
    return className.startsWith("Global") ? global(c, axes, kind) : windowed(c, axes, kind);
  }

  private static Value windowed(Call c, int axes, PoolKind kind) {
    Config config = c.config();
    boolean last = c.channelsLast();
    String padding = config.text("padding", "valid");
    if (!padding.equals("valid") && !padding.equals("same")) {
      throw c.bad("padding " + padding);
    }
    // Before Keras 2 the one-dimensional ones said pool_length and stride.
    List<Integer> pool = config.integers("pool_size", axes, 2, 1);
    List<Integer> strides = config.has("strides") ? config.integers("strides", axes, 1, 1) : pool;
    Window window =
        Convolutions.window(
            pool, strides, List.of(), padding.equals("same") ? AutoPad.SAME_UPPER : AutoPad.VALID);
    long[] dims = c.input().dims().clone();
    for (int i = 0; i < axes; i++) {
      int axis = i + (last ? 1 : 2);
      dims[axis] =
          Convolutions.outputExtent(c, dims[axis], pool.get(i), strides.get(i), 1, padding);
    }
    c.add(new Op.Pool(kind, window, false, false, 2, false), c.graph().image(c.input(), last));
    return c.graph().made(c.value(), dims, last);
  }

  private static Value global(Call c, int axes, PoolKind kind) {
    boolean last = c.channelsLast();
    String input = c.graph().image(c.input(), last);
    Op op = new Op.GlobalPool(kind, 1);
    long channels = c.input().dims()[last ? axes + 1 : 1];
    long[] dims = new long[axes + 2];
    java.util.Arrays.fill(dims, 1);
    dims[0] = c.input().dims()[0];
    dims[last ? axes + 1 : 1] = channels;
    if (c.config().flag("keepdims", false)) {
      c.add(op, input);
      return c.graph().made(c.value(), dims, last);
    }
    String pooled = c.value() + "/pooled";
    c.addNamed(c.value(), op, pooled, input);
    c.graph().made(pooled, dims, last);
    c.graph().add(c.value() + "/flattened", new Op.Flatten(1), List.of(pooled), c.value());
    return c.graph().made(c.value(), new long[] {dims[0], channels}, false);
  }
}
