package tacet.reference;

import static tacet.reference.Windows.bad;

import java.util.Arrays;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.tensor.Shape;

/**
 * Shapes of what slides windows over an image.
 *
 * @param x shape of the image, [N, C, spatial…]
 * @param w shape of the weights, null where there are none
 * @param bias shape of the bias, null where there is none
 */
record WindowShapes(Node node, Shape x, Shape w, Shape bias) {

  Shape convolution(Op.Conv c) {
    int[] in = spatial(x);
    if (w.rank() != x.rank()) {
      throw bad(node, "weights of rank " + x.rank(), w.toString());
    }
    if (c.groups() < 1
        || w.dim(0) % c.groups() != 0
        || x.dim(1) != Math.multiplyExact(w.dim(1), (long) c.groups())) {
      throw bad(
          node,
          "weights [M, " + x.dim(1) + "/" + c.groups() + ", …] for an input " + x,
          w.toString());
    }
    requireBias(w.dim(0));
    int[] out = Windows.convolution(node, in, spatial(w), c.window()).outputExtent();
    return image(x.dim(0), w.dim(0), out);
  }

  private void requireBias(long channels) {
    if (bias != null && !bias.equals(Shape.of(channels))) {
      throw bad(node, "a bias of " + channels, bias.toString());
    }
  }

  Shape transposed(Op.ConvTranspose c) {
    int[] in = spatial(x);
    if (w.rank() != x.rank()
        || c.groups() < 1
        || w.dim(0) != x.dim(1)
        || x.dim(1) % c.groups() != 0) {
      throw bad(node, "weights [" + x.dim(1) + ", M/groups, …] for an input " + x, w.toString());
    }
    long m = Math.multiplyExact(w.dim(1), (long) c.groups());
    requireBias(m);
    return image(x.dim(0), m, Windows.transposed(node, in, spatial(w), c).outputExtent());
  }

  Shape pool(Op.Pool p) {
    if (p.kind() == Op.PoolKind.LP && p.p() < 1) {
      throw bad(node, "p of at least 1", Integer.toString(p.p()));
    }
    int[] in = spatial(x);
    return image(x.dim(0), x.dim(1), Windows.pool(node, in, p).outputExtent());
  }

  Shape globalPool() {
    int[] out = spatial(x);
    Arrays.fill(out, 1);
    return image(x.dim(0), x.dim(1), out);
  }

  private int[] spatial(Shape s) {
    if (s.rank() < 3) {
      throw bad(node, "an image [N, C, spatial…]", s.toString());
    }
    int[] out = new int[s.rank() - 2];
    for (int i = 0; i < out.length; i++) {
      out[i] = s.intDim(i + 2);
    }
    return out;
  }

  private static Shape image(long n, long c, int[] extent) {
    long[] dims = new long[extent.length + 2];
    dims[0] = n;
    dims[1] = c;
    for (int i = 0; i < extent.length; i++) {
      dims[i + 2] = extent[i];
    }
    return Shape.of(dims);
  }
}
