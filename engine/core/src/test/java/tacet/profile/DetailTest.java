package tacet.profile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.graph.ValueInfo;
import tacet.kernels.Activation;
import tacet.kernels.CountLevel;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

class DetailTest {

  private static final int N = 2;
  private static final int C = 21;
  private static final int H = 5;
  private static final int W = 3;

  /** One ReLU over [2, 21, 5, 3]. */
  private static Counts run(Backend backend, float[] values) throws InterruptedException {
    Graph graph =
        Graph.checked(
            "relu",
            List.of(new ValueInfo("x", DataType.FLOAT32, new long[] {N, C, H, W})),
            List.of(new ValueInfo("y", DataType.FLOAT32, new long[] {N, C, H, W})),
            Map.of(),
            List.of(new Node("y", new Op.Unary(Activation.RELU), List.of("x"), List.of("y"))),
            Map.of(),
            Set.of());
    ModelOptions options =
        ModelOptions.defaults().withBackend(backend).withThreads(1).withCounts(CountLevel.DETAIL);
    try (Model model = Model.of(graph, options)) {
      return new Counts(model.run(Tensor.of(Shape.of(N, C, H, W), values)).profile());
    }
  }

  private record Counts(LayerProfile.Counts of) {
    Counts(SparsityProfile p) {
      this(p.layers().getFirst().counts());
    }

    Detail detail() {
      return of.detail();
    }
  }

  private static float[] values(long seed) {
    Random random = new Random(seed);
    float[] values = new float[N * C * H * W];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() * Math.exp(4 * random.nextGaussian()));
    }
    // A pixel that is zero in all channels, another in the first 16.
    for (int c = 0; c < C; c++) {
      values[(c * H + 1) * W + 2] = -1;
      values[(c * H + 4) * W] = c < 16 ? -1 : 1;
    }
    return values;
  }

  @ParameterizedTest
  @EnumSource(names = {"AUTO", "SCALAR"})
  void everythingIsThatOfAnIndependentPass(Backend backend) throws InterruptedException {
    float[] x = values(1);
    Counts counts = run(backend, x);
    Detail d = counts.detail();
    long[] map = new long[H * W];
    BigDecimal l1 = BigDecimal.ZERO;
    BigDecimal l2 = BigDecimal.ZERO;
    long[] positive = new long[Histogram.BINS];
    int zeros = 0;
    for (int i = 0; i < x.length; i++) {
      if (x[i] <= 0) {
        map[i % (H * W)]++;
        zeros++;
        continue;
      }
      BigDecimal v = new BigDecimal(x[i]);
      l1 = l1.add(v);
      l2 = l2.add(v.multiply(v));
      int bin = 0;
      while (bin + 1 < Histogram.BINS && x[i] >= Histogram.lowerEdge(bin + 1)) {
        bin++;
      }
      positive[bin]++;
    }
    assertEquals(H, d.height());
    assertEquals(W, d.width());
    assertArrayEquals(map, d.zerosPerPosition());
    assertArrayEquals(positive, d.histogram().positive());
    assertArrayEquals(new long[Histogram.BINS], d.histogram().negative());
    assertEquals(zeros, d.histogram().zeros());
    assertEquals(zeros, counts.of.zeros());
    assertEquals(l1.doubleValue(), d.l1());
    assertEquals(Math.sqrt(l2.doubleValue()), d.l2());
    assertEquals(N * H * W, d.pixels());
    assertEquals(blocks(x), d.blocks());
    assertEquals(blocks(x, C).zero(), d.zeroPixels());
  }

  private static List<Detail.Blocks> blocks(float[] x) {
    List<Detail.Blocks> all = new ArrayList<>();
    Detail.BLOCK_WIDTHS.forEach(w -> all.add(blocks(x, w)));
    return all;
  }

  private static Detail.Blocks blocks(float[] x, int width) {
    long total = 0;
    long zero = 0;
    for (int n = 0; n < N; n++) {
      for (int p = 0; p < H * W; p++) {
        for (int first = 0; first < C; first += width) {
          boolean all = true;
          for (int c = first; c < Math.min(C, first + width); c++) {
            all &= x[(n * C + c) * H * W + p] <= 0;
          }
          total++;
          zero += all ? 1 : 0;
        }
      }
    }
    return new Detail.Blocks(width, total, zero);
  }

  /** In any order and grouping, bit for bit. */
  @Test
  void sumsAreExact() throws InterruptedException {
    Detail a = run(Backend.AUTO, values(1)).detail();
    Detail b = run(Backend.AUTO, values(2)).detail();
    Detail c = run(Backend.AUTO, values(3)).detail();
    Detail one = a.plus(b).plus(c);
    Detail other = c.plus(a.plus(b));
    assertEquals(one.absoluteSum(), other.absoluteSum());
    assertEquals(one.squareSum(), other.squareSum());
    assertArrayEquals(one.zerosPerPosition(), other.zerosPerPosition());
    assertArrayEquals(one.histogram().positive(), other.histogram().positive());
    assertEquals(one.blocks(), other.blocks());
    assertEquals(3L * N * H * W, one.pixels());
  }

  @Test
  void edgesOfTheHistogram() {
    assertEquals(0, Histogram.bin(Math.getExponent(Float.MIN_VALUE)));
    assertEquals(0, Histogram.bin(Math.getExponent(Math.nextDown(0x1p-24f))));
    assertEquals(1, Histogram.bin(Math.getExponent(0x1p-24f)));
    assertEquals(Histogram.BINS - 1, Histogram.bin(Math.getExponent(Float.MAX_VALUE)));
    assertEquals(Histogram.BINS - 1, Histogram.bin(Math.getExponent(0x1p16f)));
    assertEquals(Histogram.BINS - 2, Histogram.bin(Math.getExponent(Math.nextDown(0x1p16f))));
    assertEquals(1, Histogram.lowerEdge(Histogram.bin(0)));
  }
}
