package tacet;

import tacet.graph.Graph;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Small networks for tests. */
final class Networks {

  private Networks() {}

  /** Convolutions, pooling, a residual, a concatenation, dense, softmax; input 1×3×24×24. */
  static Graph classifier() {
    NetworkBuilder b = new NetworkBuilder("classifier", 7);
    String x = b.input("image", 1, 3, 24, 24);
    String stem = b.relu("relu1", b.convolution("conv1", x, 32, 3, 1, 1));
    String pooled = b.maxPool("pool1", stem, 2, 2);
    String body = b.relu("relu2", b.convolution("conv2", pooled, 32, 3, 1, 1));
    String sum = b.add("sum", body, pooled);
    String left = b.relu("relu3", b.convolution("conv3", sum, 32, 1, 1, 0));
    String right = b.relu("relu4", b.depthwise("conv4", sum, 3, 1, 1));
    String joined = b.concat("joined", left, right);
    String features = b.flatten("flat", b.globalAveragePool("mean", joined));
    return b.build(b.softmax("probabilities", b.dense("dense", features, 10)));
  }

  /** The same for images of any size. */
  static Graph anySize() {
    NetworkBuilder b = new NetworkBuilder("any size", 7);
    String x = b.input("image", -1, 3, -1, -1);
    String y = b.relu("relu1", b.convolution("conv1", x, 16, 3, 2, 1));
    return b.build(b.convolution("conv2", y, 8, 3, 1, 1));
  }

  static Tensor noise(long seed, long... dims) {
    java.util.SplittableRandom random = new java.util.SplittableRandom(seed);
    Tensor t = Tensor.allocate(tacet.kernels.DataType.FLOAT32, Shape.of(dims));
    t.fill(random::nextGaussian);
    return t;
  }
}
