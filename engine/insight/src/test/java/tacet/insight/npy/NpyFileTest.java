package tacet.insight.npy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class NpyFileTest {
  private static final Path DATA = Path.of(System.getProperty("tacet.data", "../shared/data"));

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(NpyType.class)
  void writesAndReadsEveryType(NpyType type) throws IOException {
    byte[] bytes = new byte[2 * 3 * 5 * type.bytes()];
    new Random(7).nextBytes(bytes);
    Path file = folder.resolve("a.npy");
    NpyFile.write(file, new NpyArray(type, new long[] {2, 3, 5}, MemorySegment.ofArray(bytes)));
    try (Arena arena = Arena.ofConfined()) {
      NpyArray back = NpyFile.read(file, arena);
      assertEquals(type, back.type());
      assertArrayEquals(new long[] {2, 3, 5}, back.shape());
      assertArrayEquals(bytes, back.data().toArray(ValueLayout.JAVA_BYTE));
    }
  }

  @Test
  void writesTheBytesThatNumPyWrites() throws IOException {
    Path file = folder.resolve("a.npy");
    NpyFile.write(file, NpyArray.ofFloats(new float[] {1f, -2f}, 2));
    ByteBuffer expected = ByteBuffer.allocate(136).order(ByteOrder.LITTLE_ENDIAN);
    expected.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0}).putShort((short) 118);
    String dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
    expected.put((dict + " ".repeat(117 - dict.length()) + "\n").getBytes(StandardCharsets.UTF_8));
    expected.putFloat(1f).putFloat(-2f);
    assertArrayEquals(expected.array(), Files.readAllBytes(file));
  }

  @Test
  void readsScalarsAndEmptyArrays() throws IOException {
    assertArrayEquals(new float[] {3f}, floats("'<f4'", "False", "()", 1, le(4).putFloat(3f)));
    assertArrayEquals(new float[0], floats("'<f4'", "False", "(0,)", 1, le(0)));
    assertArrayEquals(
        new float[0], floats("'<f8'", "True", "(4611686018427387904, 9, 0)", 2, le(0)));
  }

  @Test
  void turnsBigEndianAndFortranOrder() throws IOException {
    ByteBuffer shorts = ByteBuffer.allocate(12);
    for (int i = 0; i < 6; i++) {
      shorts.putShort((short) (i * 300 - 500));
    }
    // Element (r, c) of a 2x3 array in Fortran order is number r + 2c of the file.
    assertArrayEquals(
        new float[] {-500, 100, 700, -200, 400, 1000},
        floats("'>i2'", "True", "(2, 3)", 1, shorts));
    assertArrayEquals(
        new float[] {-500, -200, 100, 400, 700, 1000},
        floats("'>i2'", "False", "(2, 3)", 3, shorts));
  }

  @Test
  void fortranOrderOfThreeDimensions() throws IOException {
    ByteBuffer data = le(24);
    float[] expected = new float[24];
    for (int i = 0; i < 24; i++) {
      data.put((byte) i);
      int a = i % 2;
      int b = i / 2 % 3;
      int c = i / 6;
      expected[(a * 3 + b) * 4 + c] = i;
    }
    assertArrayEquals(expected, floats("\"|u1\"", "True", "(2, 3, 4)", 1, data));
  }

  @Test
  void convertsToFloats() throws IOException {
    ByteBuffer halves = le(6).putShort((short) 0x3C00).putShort((short) 0xFC00).putShort((short) 1);
    assertArrayEquals(
        new float[] {1f, Float.NEGATIVE_INFINITY, 0x1p-24f},
        floats("'<f2'", "False", "(3,)", 1, halves));
    ByteBuffer doubles = le(16).putDouble(0.1).putDouble(1e300);
    assertArrayEquals(
        new float[] {0.1f, Float.POSITIVE_INFINITY}, floats("'<f8'", "False", "(2,)", 1, doubles));
    ByteBuffer bytes = le(2).put((byte) 200).put((byte) 1);
    assertArrayEquals(new float[] {200, 1}, floats("'|u1'", "False", "(2,)", 1, bytes));
    assertArrayEquals(new float[] {-56, 1}, floats("'<i1'", "False", "(2,)", 1, bytes));
    assertArrayEquals(new float[] {1, 1}, floats("'|b1'", "False", "(2,)", 1, bytes));
    ByteBuffer ones = le(8).putLong(-1);
    assertArrayEquals(new float[] {0x1p64f}, floats("'<u8'", "False", "(1,)", 1, ones));
    assertArrayEquals(new float[] {-1}, floats("'<i8'", "False", "(1,)", 1, ones));
    assertArrayEquals(new float[] {0x1p32f, 0x1p32f}, floats("'<u4'", "False", "(2,)", 1, ones));
    assertArrayEquals(new float[] {65535}, floats("'<u2'", "False", "(1,)", 1, ones));
    assertArrayEquals(new float[] {-1}, floats("'<i4'", "False", "(1,)", 1, ones));
    // One above the tie between 2^63 and its upper neighbour: only the lowest bit decides.
    ByteBuffer tie = le(8).putLong(0x8000_0080_0000_0001L);
    assertArrayEquals(new float[] {Math.nextUp(0x1p63f)}, floats("'<u8'", "False", "(1,)", 1, tie));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1 1)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,)}",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (1000000, 1000000)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': __import__('os')}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} + 1",
        "{'descr': '|O', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,"
      })
  void refusesHostileHeaders(String header) throws IOException {
    Path file = write(header, 1, le(8));
    NpyFormatException e = assertThrows(NpyFormatException.class, () -> read(file));
    assertEquals(file.toString(), e.file());
    assertTrue(e.offset() >= 10 && e.offset() <= Files.size(file), e.getMessage());
    assertTrue(e.getMessage().startsWith(file + ": byte " + e.offset() + ": "), e.getMessage());
  }

  @Test
  void refusesEveryTruncation() throws IOException {
    Path whole = folder.resolve("whole.npy");
    NpyFile.write(whole, NpyArray.ofFloats(new float[] {1, 2, 3}, 3));
    byte[] bytes = Files.readAllBytes(whole);
    Path cut = folder.resolve("cut.npy");
    for (int length = 0; length < bytes.length; length++) {
      Files.write(cut, java.util.Arrays.copyOf(bytes, length));
      assertThrows(NpyFormatException.class, () -> read(cut), "length " + length);
    }
  }

  @Test
  void survivesDamage() throws IOException {
    byte[] sound = Files.readAllBytes(write(dict("'<f4'", "False", "(2, 2)"), 1, le(16)));
    Random random = new Random(3);
    Path file = folder.resolve("damaged.npy");
    for (int i = 0; i < 2000; i++) {
      byte[] bytes = sound.clone();
      for (int n = 1 + random.nextInt(3); n > 0; n--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      Files.write(file, bytes);
      try {
        read(file);
      } catch (NpyFormatException expected) {
        assertEquals(file.toString(), expected.file());
      }
    }
  }

  @Test
  void refusesLongHeadersAndFolders() throws IOException {
    Path file = write(" ".repeat(70_000), 2, le(0));
    assertThrows(NpyFormatException.class, () -> read(file));
    assertThrows(NpyFormatException.class, () -> read(folder));
  }

  @Test
  void dataMustFitTheShape() {
    MemorySegment four = MemorySegment.ofArray(new byte[4]);
    assertThrows(
        IllegalArgumentException.class, () -> new NpyArray(NpyType.FLOAT32, new long[] {2}, four));
    assertThrows(
        IllegalArgumentException.class,
        () -> new NpyArray(NpyType.FLOAT32, new long[] {1L << 62, 4}, four));
  }

  @Test
  void readsAndRewritesAllReferenceArrays() throws IOException {
    assumeTrue(Files.isDirectory(DATA.resolve("models")), "no reference data");
    List<Path> files;
    try (Stream<Path> all = Files.walk(DATA)) {
      files = all.filter(f -> f.toString().endsWith(".npy")).toList();
    }
    assertTrue(files.size() > 100, files.size() + " files");
    Path copy = folder.resolve("copy.npy");
    for (Path file : files) {
      try (Arena arena = Arena.ofConfined()) {
        NpyFile.write(copy, NpyFile.read(file, arena));
      }
      assertEquals(-1, Files.mismatch(file, copy), file.toString());
    }
  }

  private static ByteBuffer le(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static String dict(String descr, String fortran, String shape) {
    return "{'descr': " + descr + ", 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
  }

  private float[] floats(String descr, String fortran, String shape, int version, ByteBuffer data)
      throws IOException {
    return read(write(dict(descr, fortran, shape), version, data));
  }

  private static float[] read(Path file) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      return NpyFile.read(file, arena).toFloats();
    }
  }

  private Path write(String header, int version, ByteBuffer data) throws IOException {
    byte[] text = (header + "\n").getBytes(StandardCharsets.UTF_8);
    ByteBuffer b = le(12 + text.length + data.capacity());
    b.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) version, 0});
    if (version == 1) {
      b.putShort((short) text.length);
    } else {
      b.putInt(text.length);
    }
    b.put(text).put(data.array());
    return Files.write(
        folder.resolve("given.npy"), java.util.Arrays.copyOf(b.array(), b.position()));
  }
}
