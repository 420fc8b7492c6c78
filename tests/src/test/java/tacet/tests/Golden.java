package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import tacet.Result;
import tacet.insight.npy.NpyArray;
import tacet.insight.npy.NpyFile;
import tacet.profile.LayerProfile;
import tacet.profile.LayerProfile.Counts;
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

  /** Asks a network for the value of one layer. */
  interface Tap {
    Tensor value(String name) throws InterruptedException;
  }

  /**
   * The zeros of every layer, and of every channel, are those on record. A layer may differ by its borderline figure, the
   * number of elements so near to zero that the order of summation decides; where none is on record it is counted the
   * same way. What is computed from a layer that differs may differ as much.
   *
   * @param all whether every layer's value is formed, and so must have been counted
   */
  static void assertZeros(Path file, Result result, boolean all, Tap tap)
      throws IOException, InterruptedException {
    JsonNode layers = new ObjectMapper().readTree(file.toFile()).get("layers");
    long inherited = 0;
    int compared = 0;
    for (JsonNode l : layers) {
      String name = l.get("tensor").asText();
      LayerProfile layer = result.profile().layer(name).orElse(null);
      if (layer == null || layer.counts() == null) {
        continue;
      }
      compared++;
      Counts counts = layer.counts();
      assertEquals(l.get("elements").longValue(), counts.elements(), name);
      long expected = l.get("zeros").longValue();
      long bound = inherited;
      if (expected != counts.zeros()) {
        JsonNode figure = l.get("borderline");
        long own = figure == null ? borderline(tap.value(name)) : figure.longValue();
        bound = Math.max(inherited, own);
        inherited = bound;
      }
      assertTrue(
          Math.abs(expected - counts.zeros()) <= bound,
          name + ": expected " + expected + " zeros ± " + bound + ", got " + counts.zeros());
      JsonNode shares = l.get("per_channel_zero_fraction");
      if (shares != null) {
        assertEquals(shares.size(), counts.channels(), name);
        double perChannel = (double) counts.elements() / counts.channels();
        for (int c = 0; c < shares.size(); c++) {
          // Shares on record have six digits.
          assertEquals(
              shares.get(c).doubleValue() * perChannel,
              counts.zerosPerChannel()[c],
              bound + 1e-6 * perChannel,
              name + ", channel " + c);
        }
      }
    }
    assertTrue(all ? compared == layers.size() : compared > 0, compared + " layers in " + file);
  }

  /** Elements within {@link #CLOSE} of the largest magnitude from zero, exact zeros left out. */
  private static long borderline(Tensor t) {
    float[] values = t.toFloats();
    double scale = 0;
    for (float v : values) {
      scale = Math.max(scale, Math.abs(v));
    }
    long near = 0;
    for (float v : values) {
      near += v != 0 && Math.abs(v) <= CLOSE * scale ? 1 : 0;
    }
    return near;
  }
}
