package tacet.keras;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tacet.error.TacetException;
import tacet.keras.KerasFile.Variable;

/**
 * Mutated model files end in a graph or in a typed error, soon. {@code -Dtacet.fuzz} is their number per kind of file; another
 * seed is given as {@code -Dtacet.vm=-Dtacet.fuzz.seed=N}.
 */
class FuzzTest {

  private static final int COUNT = Integer.getInteger("tacet.fuzz", 2000);
  private static final long SEED = Long.getLong("tacet.fuzz.seed", 1);

  /** Far more than any of these small files takes, far less than a hang. */
  private static final long MOST_NANOS = 10_000_000_000L;

  private static final long[] INTERESTING = {
    0,
    1,
    -1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFFL,
    0x80000000L,
    0xFFFFFFFFL,
    1L << 40,
    1L << 62,
    Long.MAX_VALUE,
    Long.MIN_VALUE
  };

  private static final List<String> TEXTS =
      List.of(
          "0",
          "-1",
          "1",
          "2147483647",
          "-2147483648",
          "9223372036854775807",
          "1e308",
          "NaN",
          "null",
          "true",
          "\"\"",
          "[]",
          "{}",
          "[[]]",
          "\"same\"",
          "\"channels_first\"",
          "\"softmax\"",
          "\"Conv2D\"",
          "\"Flatten\"",
          "\"Functional\"",
          "\"Sequential\"");

  @TempDir Path folder;

  private final Map<String, Integer> endings = new HashMap<>();
  private long slowest;

  /** Some of everything, small. */
  private static KerasFile small() {
    return KerasFile.functional(
            "3.15.0", "\"input_layers\": [[\"x\", 0, 0]], \"output_layers\": [[\"y\", 0, 0]]")
        .called("InputLayer", "x", "\"batch_shape\": [null, 6, 6, 2]", "[]")
        .called(
            "Conv2D",
            "conv",
            "\"filters\": 3, \"kernel_size\": [3, 3], \"padding\": \"same\", \"strides\": [1, 1],"
                + " \"activation\": \"relu\", \"use_bias\": false",
            "[[[\"x\", 0, 0, {}]]]",
            new Variable("kernel", new float[54], 3, 3, 2, 3))
        .called(
            "BatchNormalization",
            "bn",
            "\"axis\": [3], \"scale\": false",
            "[[[\"conv\", 0, 0, {}]]]",
            new Variable("beta", new float[3], 3),
            new Variable("moving_mean", new float[3], 3),
            new Variable("moving_variance", new float[3], 3))
        .called("MaxPooling2D", "pool", "\"pool_size\": [2, 2]", "[[[\"bn\", 0, 0, {}]]]")
        .called(
            "PReLU",
            "prelu",
            "\"shared_axes\": [1, 2]",
            "[[[\"pool\", 0, 0, {}]]]",
            new Variable("alpha", new float[3], 1, 1, 3))
        .called("Add", "sum", "", "[[[\"pool\", 0, 0, {}], [\"prelu\", 0, 0, {}]]]")
        .called("ZeroPadding2D", "pad", "\"padding\": [[1, 0], [0, 1]]", "[[[\"sum\", 0, 0, {}]]]")
        .called("Reshape", "reshape", "\"target_shape\": [2, -1]", "[[[\"pad\", 0, 0, {}]]]")
        .called("Flatten", "flat", "", "[[[\"reshape\", 0, 0, {}]]]")
        .called(
            "Dense",
            "y",
            "\"units\": 2, \"activation\": \"softmax\"",
            "[[[\"flat\", 0, 0, {}]]]",
            new Variable("kernel", new float[96], 48, 2),
            new Variable("bias", new float[2], 2));
  }

  @Test
  void hdf5Files() throws IOException {
    byte[] small = Files.readAllBytes(small().h5(folder));
    SplittableRandom random = new SplittableRandom(SEED);
    Path p = folder.resolve("mutated.h5");
    for (int i = 0; i < COUNT; i++) {
      Files.write(p, mutated(small, random));
      read(p, i);
    }
    finish();
  }

  /** Files as h5py writes them: older structures than those of the library that the tests write with. */
  @Test
  void hdf5FilesOfKeras2() throws IOException {
    byte[] original = Files.readAllBytes(data("models/mini_xception_fer/h5/model.h5"));
    SplittableRandom random = new SplittableRandom(SEED + 1);
    Path p = folder.resolve("mutated.h5");
    for (int i = 0; i < COUNT / 4; i++) {
      Files.write(p, mutated(original, random));
      read(p, i);
    }
    finish();
  }

  @Test
  void zipFiles() throws IOException {
    byte[] small = Files.readAllBytes(small().keras(folder));
    SplittableRandom random = new SplittableRandom(SEED + 2);
    Path p = folder.resolve("mutated.keras");
    for (int i = 0; i < COUNT / 2; i++) {
      Files.write(p, mutated(small, random));
      read(p, i);
    }
    finish();
  }

  /** The zip is sound, its entries are not. */
  @Test
  void entries() throws IOException {
    entries(small().keras(folder), COUNT, SEED + 3);
  }

  @Test
  void entriesOfKeras3() throws IOException {
    entries(data("seed/seed1_cnn_48/trunk-keras/model.keras"), COUNT / 2, SEED + 4);
  }

  private void entries(Path file, int count, long seed) throws IOException {
    Map<String, byte[]> original = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      for (ZipEntry e : zip.stream().toList()) {
        original.put(e.getName(), zip.getInputStream(e).readAllBytes());
      }
    }
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < count; i++) {
      Map<String, byte[]> entries = new LinkedHashMap<>(original);
      if (random.nextBoolean()) {
        entries.put(
            "config.json",
            text(new String(original.get("config.json"), StandardCharsets.UTF_8), random)
                .getBytes(StandardCharsets.UTF_8));
      }
      if (random.nextBoolean()) {
        entries.put("model.weights.h5", mutated(original.get("model.weights.h5"), random));
      }
      read(KerasFile.zip(folder.resolve("mutated.keras"), entries), i);
    }
    finish();
  }

  private static Path data(String path) {
    String data = System.getProperty("tacet.data", "");
    Path p = Path.of(data, path.split("/"));
    assumeTrue(!data.isEmpty() && Files.exists(p), () -> "no reference data at " + p);
    return p;
  }

  private void read(Path p, int number) throws IOException {
    Duration start = processorTime();
    String ending;
    try {
      new KerasReader().read(p);
      ending = "graph";
    } catch (TacetException e) {
      ending = e.getClass().getSimpleName();
      if (String.valueOf(e.getMessage()).contains("OutOfMemoryError")) {
        throw new AssertionError("input " + number + ", kept as " + kept(p), e);
      }
    } catch (RuntimeException | Error e) {
      throw new AssertionError("input " + number + ", kept as " + kept(p), e);
    }
    long nanos = processorTime().minus(start).toNanos();
    if (nanos > MOST_NANOS) {
      throw new AssertionError(
          "input " + number + " took " + nanos / 1e9 + " s, kept as " + kept(p));
    }
    slowest = Math.max(slowest, nanos);
    endings.merge(ending, 1, Integer::sum);
  }

  /** Of the whole process: other processes on the machine may make this one wait for long. */
  private static Duration processorTime() {
    return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
  }

  private static Path kept(Path p) throws IOException {
    Path copy = Files.createTempFile("fuzz", p.getFileName().toString());
    return Files.copy(p, copy, StandardCopyOption.REPLACE_EXISTING);
  }

  private void finish() {
    System.out.printf("%s, slowest %.3f s%n", endings, slowest / 1e9);
    assertTrue(endings.size() > 1, () -> "mutations do not reach far: " + endings);
  }

  // ---------------------------------------------------------------- mutations

  private static byte[] mutated(byte[] original, SplittableRandom random) {
    byte[] b = original.clone();
    int changes = 1 + random.nextInt(4);
    for (int i = 0; i < changes; i++) {
      // Structure is denser at the beginning.
      int at =
          random.nextInt(3) == 0
              ? random.nextInt(b.length)
              : random.nextInt(Math.min(b.length, 1 + random.nextInt(b.length)));
      switch (random.nextInt(7)) {
        case 0 -> b[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> b[at] = (byte) random.nextInt();
        case 2, 3 -> {
          long value = INTERESTING[random.nextInt(INTERESTING.length)];
          int width = 1 << random.nextInt(4);
          for (int k = 0; k < width && at + k < b.length; k++) {
            b[at + k] = (byte) (value >>> 8 * k);
          }
        }
        case 4 -> {
          int length = Math.min(1 + random.nextInt(64), b.length - at);
          int from = random.nextInt(b.length - length + 1);
          System.arraycopy(b, from, b, at, length);
        }
        case 5 -> {
          // A pointer to somewhere else in the file.
          long value = random.nextInt(b.length);
          for (int k = 0; k < 8 && at + k < b.length; k++) {
            b[at + k] = (byte) (value >>> 8 * k);
          }
        }
        default -> {
          if (random.nextInt(4) == 0) {
            b = Arrays.copyOf(b, Math.max(1, at));
          } else {
            int length = Math.min(1 + random.nextInt(16), b.length - at);
            Arrays.fill(b, at, at + length, (byte) random.nextInt(256));
          }
        }
      }
    }
    return b;
  }

  /** Replaces, removes or repeats pieces between the marks of a JSON text. */
  private static String text(String json, SplittableRandom random) {
    List<String> pieces =
        new ArrayList<>(Arrays.asList(json.split("(?<=[\\[\\]{},:])|(?=[\\[\\]{},:])")));
    int changes = 1 + random.nextInt(3);
    for (int i = 0; i < changes; i++) {
      int at = random.nextInt(pieces.size());
      switch (random.nextInt(6)) {
        case 0 -> pieces.remove(at);
        case 1 -> pieces.add(at, pieces.get(random.nextInt(pieces.size())));
        default -> {
          // A value rather than a mark.
          for (int k = 0; k < 20 && pieces.get(at).length() < 2; k++) {
            at = random.nextInt(pieces.size());
          }
          pieces.set(
              at,
              random.nextBoolean()
                  ? TEXTS.get(random.nextInt(TEXTS.size()))
                  : pieces.get(random.nextInt(pieces.size())));
        }
      }
      if (pieces.isEmpty()) {
        pieces.add("");
      }
    }
    return String.join("", pieces);
  }
}
