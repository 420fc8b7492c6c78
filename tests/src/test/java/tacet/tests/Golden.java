package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import tacet.insight.npy.NpyArray;
import tacet.insight.npy.NpyFile;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Stored arrays, and how far a result may be from them. */
final class Golden {

  /** Share of an output's largest magnitude that two orders of summation in float32 may differ by. */
  static final double CLOSE = 1e-5;

  private Golden() {}

  /** A float32 array. */
  static Tensor read(Path file) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      NpyArray array = NpyFile.read(file, arena);
      Tensor in = new Tensor(tacet.kernels.DataType.FLOAT32, Shape.of(array.shape()), array.data());
      return Tensor.of(in.shape(), in.toFloats());
    }
  }

  /** Fails where an element differs by more than {@code share} of the largest magnitude expected. */
  static void assertClose(Tensor expected, Tensor got, double share, String what) {
    float[] e = expected.toFloats();
    double scale = 0;
    for (float v : e) {
      scale = Math.max(scale, Math.abs(v));
    }
    assertWithin(expected, got, share * scale, what);
  }

  /** Fails where an element differs by more than {@code bound}. */
  static void assertWithin(Tensor expected, Tensor got, double bound, String what) {
    assertEquals(expected.shape(), got.shape(), what);
    float[] e = expected.toFloats();
    float[] g = got.toFloats();
    int worst = 0;
    for (int i = 0; i < e.length; i++) {
      if (!(Math.abs(e[i] - g[i]) <= Math.abs(e[worst] - g[worst]))) {
        worst = i;
      }
    }
    int at = worst;
    assertTrue(
        e.length == 0 || Math.abs(e[at] - g[at]) <= bound,
        () -> what + ": element " + at + ": expected " + e[at] + ", got " + g[at] + " ± " + bound);
  }
}
