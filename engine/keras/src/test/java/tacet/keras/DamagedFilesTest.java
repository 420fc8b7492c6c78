package tacet.keras;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tacet.Model;
import tacet.error.ModelFormatException;
import tacet.error.TacetException;
import tacet.error.UnsupportedOpException;
import tacet.error.UnsupportedOpException.Unsupported;
import tacet.keras.KerasFile.Variable;

/** Files that are damaged, inconsistent or made to harm: a typed error that says where, soon and at little cost. */
class DamagedFilesTest {

  private static final String ENDS =
      "\"input_layers\": [[\"x\", 0, 0]], \"output_layers\": [[\"y\", 0, 0]]";

  @TempDir Path folder;

  private static KerasFile functional() {
    return KerasFile.functional("3.15.0", ENDS)
        .called("InputLayer", "x", "\"batch_shape\": [null, 2]", "[]");
  }

  private static KerasFile dense(String config, Variable... variables) {
    return KerasFile.sequential("3.15.0", null, 2).layer("Dense", "y", config, variables);
  }

  /** The message that reading either kind of file ends with. */
  private void fails(KerasFile f, String... parts) throws IOException {
    for (Path p : List.of(f.keras(folder), f.h5(folder))) {
      fails(p, parts);
    }
  }

  private static void fails(Path p, String... parts) {
    TacetException e =
        assertTimeoutPreemptively(
            Duration.ofSeconds(20),
            () -> assertThrows(ModelFormatException.class, () -> Model.read(p)));
    assertTrue(e.getMessage().startsWith(p.toString()), e.getMessage());
    for (String part : parts) {
      assertTrue(e.getMessage().contains(part), e.getMessage());
    }
  }

  @Test
  void everythingUnsupportedIsListed() throws IOException {
    KerasFile f =
        KerasFile.functional("3.15.0", ENDS)
            .called("InputLayer", "x", "\"batch_shape\": [null, 2]", "[]")
            .called("LSTM", "a", "", "[[[\"x\", 0, 0, {}]]]")
            .called("Dense", "b", "\"units\": 2, \"activation\": \"mine\"", "[[[\"a\", 0, 0, {}]]]")
            .called("Lambda", "y", "", "[[[\"b\", 0, 0, {}]]]");
    UnsupportedOpException e =
        assertThrows(UnsupportedOpException.class, () -> Model.read(f.keras(folder)));
    assertEquals(
        List.of(
            new Unsupported("a", "LSTM", "no such layer in Tacet"),
            new Unsupported("b", "Dense", "no activation mine"),
            new Unsupported("y", "Lambda", "no such layer in Tacet")),
        e.all());
  }

  @Test
  void cyclesAndDanglingNames() throws IOException {
    fails(
        functional()
            .called("ReLU", "a", "", "[[[\"y\", 0, 0, {}]]]")
            .called("ReLU", "y", "", "[[[\"a\", 0, 0, {}]]]"),
        "(ReLU)",
        "cycle");
    fails(functional().called("ReLU", "y", "", "[[[\"nothing\", 0, 0, {}]]]"), "'nothing'");
    fails(functional().called("ReLU", "y", "", "[[[\"x\", 7, 0, {}]]]"), "call 7 of 'x'");
    fails(functional().called("ReLU", "y", "", "[[[\"x\", 0, -1, {}]]]"), "output -1");
    fails(functional().called("ReLU", "z", "", "[[[\"x\", 0, 0, {}]]]"), "'y', which there is not");
    fails(
        functional()
            .called("ReLU", "y", "", "[[[\"x\", 0, 0, {}]]]")
            .called("ReLU", "y", "", "[[[\"x\", 0, 0, {}]]]"),
        "given twice");
  }

  @Test
  void weightsThatAreMissingOrDoNotFit() throws IOException {
    Variable kernel = new Variable("kernel", new float[4], 2, 2);
    fails(dense("\"units\": 2", kernel), "layer y (Dense)", "bias");
    fails(dense("\"units\": 3, \"use_bias\": false", kernel), "2x3", "2x2");
    fails(dense("\"units\": 2147483647, \"use_bias\": false", kernel), "2x2147483647");
    fails(dense("\"units\": 1e300, \"use_bias\": false", kernel), "units");
    fails(dense("\"units\": -1, \"use_bias\": false", kernel), "units");
    fails(dense("\"units\": 0.5, \"use_bias\": false", kernel), "units");
    fails(dense("\"units\": \"two\", \"use_bias\": false", kernel), "units");
    fails(
        KerasFile.sequential("3.15.0", null, 4, 4, 2)
            .layer(
                "Conv2D",
                "y",
                "\"filters\": 1, \"kernel_size\": [3, 3], \"use_bias\": false",
                new Variable("kernel", new float[12], 3, 2, 2, 1)),
        "3x3x2x1",
        "3x2x2x1");
  }

  @Test
  void absurdNumbers() throws IOException {
    KerasFile image = KerasFile.sequential("3.15.0", null, 4, 4, 2);
    fails(image.layer("ZeroPadding2D", "y", "\"padding\": [2147483647, 2147483647]"), "shape");
    image = KerasFile.sequential("3.15.0", null, 4, 4, 2);
    fails(image.layer("ZeroPadding2D", "y", "\"padding\": [-1, 0]"), "padding");
    image = KerasFile.sequential("3.15.0", null, 4, 4, 2);
    fails(image.layer("MaxPooling2D", "y", "\"strides\": [0, 1]"), "strides");
    image = KerasFile.sequential("3.15.0", null, 4, 4, 2);
    fails(image.layer("MaxPooling2D", "y", "\"pool_size\": [5, 1]"), "does not fit");
    image = KerasFile.sequential("3.15.0", null, 4, 4, 2);
    fails(image.layer("Cropping2D", "y", "\"cropping\": [2, 0]"), "crops all");
    image = KerasFile.sequential("3.15.0", null, 4, 4, 2);
    fails(image.layer("Reshape", "y", "\"target_shape\": [5, 5]"), "target_shape");
    image = KerasFile.sequential("3.15.0", null, 4, 4, 2);
    fails(image.layer("Reshape", "y", "\"target_shape\": [-1, -1]"), "target_shape");
    image = KerasFile.sequential("3.15.0", null, 4, 4, 2);
    fails(image.layer("Permute", "y", "\"dims\": [1, 1, 2]"), "dims");
    image = KerasFile.sequential("3.15.0", null, 4, 4, 2);
    fails(image.layer("Dense", "y", ""), "units");
    image = KerasFile.sequential("3.15.0", null, 2147483647, 2147483647, 2147483647);
    fails(image.layer("Flatten", "y", ""), "elements");
    fails(KerasFile.sequential("3.15.0", null, -4, 2).layer("ReLU", "y", ""), "batch_shape");
  }

  /** Each of forty models calls the one within it twice: 2⁴⁰ layers. */
  @Test
  void modelsWithinModels() throws IOException {
    String inner =
        "{\"class_name\": \"ReLU\", \"name\": \"m\", \"config\": {\"name\": \"m\"},"
            + " \"inbound_nodes\": [[[\"x\", 0, 0, {}]], [[\"m\", 0, 0, {}]]]}";
    for (int i = 0; i < 40; i++) {
      inner =
          "{\"class_name\": \"Functional\", \"name\": \"m\", \"config\": {\"name\": \"m\","
              + " \"layers\": [{\"class_name\": \"InputLayer\", \"name\": \"x\", \"config\":"
              + " {\"name\": \"x\", \"batch_shape\": [null, 2]}, \"inbound_nodes\": []}, "
              + inner
              + "], \"input_layers\": [[\"x\", 0, 0]], \"output_layers\": [[\"m\", 1, 0]]},"
              + " \"inbound_nodes\": [[[\"x\", 0, 0, {}]], [[\"m\", 0, 0, {}]]]}";
    }
    String whole = inner;
    fails(KerasFile.of("3.15.0", whole), "applies more than");
  }

  @Test
  void deepNesting() throws IOException {
    String deep = "[".repeat(100_000) + "]".repeat(100_000);
    KerasFile f =
        KerasFile.of("3.15.0", "{\"class_name\": \"Sequential\", \"config\": " + deep + "}");
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("config.json", f.config().getBytes(StandardCharsets.UTF_8));
    fails(KerasFile.zip(folder.resolve("deep.keras"), entries), "config.json", "depth");
  }

  @Test
  void noModelAtAll() throws IOException {
    Path p = folder.resolve("model.keras");
    Files.write(p, new byte[0]);
    fails(p, "0 bytes");
    Files.write(p, "PK\3\4 and then nothing of a zip".getBytes(StandardCharsets.UTF_8));
    fails(p, "no zip file");
    Files.write(p, new byte[100]);
    fails(p, "HDF5");
    Path h5 = folder.resolve("model.h5");
    Files.write(h5, "\211HDF\r\n\032\n and then nothing".getBytes(StandardCharsets.ISO_8859_1));
    fails(h5, "HDF5");
    fails(KerasFile.zip(p, Map.of("other", new byte[1])), "entry config.json", "missing");
    byte[] config = dense("\"units\": 2").config().getBytes(StandardCharsets.UTF_8);
    fails(KerasFile.zip(p, Map.of("config.json", config)), "model.weights.h5", "missing");
    fails(
        KerasFile.zip(p, Map.of("config.json", "{\"a\": ".getBytes(StandardCharsets.UTF_8))),
        "JSON");
    fails(
        KerasFile.zip(p, Map.of("config.json", "{}".getBytes(StandardCharsets.UTF_8))),
        "Functional");
  }

  /** Forty levels of a B-tree, each of which has the one below it twice: 2⁴⁰ visits in six kilobytes. */
  @Test
  void treesThatShareBranches() throws IOException {
    ByteBuffer b = ByteBuffer.allocate(8192).order(ByteOrder.LITTLE_ENDIAN);
    b.put("\211HDF\r\n\032\n".getBytes(StandardCharsets.ISO_8859_1));
    b.put(new byte[] {0, 0, 0, 0, 0, 8, 8, 0}).putShort((short) 4).putShort((short) 16).putInt(0);
    b.putLong(0).putLong(-1).putLong(8192).putLong(-1);
    // The root's entry; its header at 96 names a B-tree at 160 and a heap.
    b.putLong(0).putLong(96).putInt(0).putInt(0).putLong(0).putLong(0);
    b.position(96);
    b.put(new byte[] {1, 0, 1, 0}).putInt(1).putInt(24).putInt(0);
    b.putShort((short) 0x11).putShort((short) 16).putInt(0).putLong(160).putLong(8000);
    for (int level = 40; level >= 1; level--) {
      int at = 160 + (40 - level) * 128;
      b.position(at);
      b.put("TREE".getBytes(StandardCharsets.ISO_8859_1)).put((byte) 0).put((byte) level);
      b.putShort((short) 2).putLong(-1).putLong(-1);
      b.putLong(0).putLong(at + 128).putLong(0).putLong(at + 128).putLong(0);
    }
    b.position(160 + 40 * 128);
    b.put("TREE".getBytes(StandardCharsets.ISO_8859_1)).put((byte) 0).put((byte) 0);
    Path p = folder.resolve("tree.h5");
    Files.write(p, b.array());
    fails(p, "two parents");
  }

  /** What is still busy then fails at its next access. */
  @Test
  void memoryIsTakenAwayAtTheDeadline() throws InterruptedException {
    try (Deadline deadline = new Deadline(Duration.ofMillis(50))) {
      MemorySegment s = deadline.arena().allocate(8);
      assertTimeoutPreemptively(
          Duration.ofSeconds(20),
          () ->
              assertThrows(
                  IllegalStateException.class,
                  () -> {
                    for (byte sum = 0; ; ) {
                      sum += s.get(ValueLayout.JAVA_BYTE, 0);
                    }
                  }));
    }
  }

  /** Weights only, as {@code save_weights} writes them. */
  @Test
  void weightsWithoutModel() throws IOException {
    Path p =
        dense("\"units\": 2, \"use_bias\": false", new Variable("kernel", new float[4], 2, 2))
            .keras(folder);
    assertTrue(Files.exists(p));
    fails(folder.resolve("weights.h5"), "model_config");
  }

  /** A thousand million zero bytes in a megabyte. */
  @Test
  void zipBomb() throws IOException {
    Path p = folder.resolve("bomb.keras");
    byte[] config = dense("\"units\": 2").config().getBytes(StandardCharsets.UTF_8);
    try (OutputStream out = Files.newOutputStream(p);
        var zip = new java.util.zip.ZipOutputStream(out)) {
      zip.putNextEntry(new java.util.zip.ZipEntry("config.json"));
      zip.write(config);
      zip.closeEntry();
      zip.putNextEntry(new java.util.zip.ZipEntry("model.weights.h5"));
      byte[] zeros = new byte[1 << 20];
      for (int i = 0; i < 1000; i++) {
        zip.write(zeros);
      }
      zip.closeEntry();
    }
    fails(p, "model.weights.h5", "more than weights can compress");
  }

  @Test
  void truncatedFiles() throws IOException {
    KerasFile f =
        dense("\"units\": 2, \"use_bias\": false", new Variable("kernel", new float[4], 2, 2));
    byte[] h5 = Files.readAllBytes(f.h5(folder));
    Path p = folder.resolve("cut.h5");
    for (int length = 8; length < h5.length - 100; length += 13) {
      Files.write(p, java.util.Arrays.copyOf(h5, length));
      fails(p, "cut.h5");
    }
  }
}
