package tacet.insight.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WholeFileTest {
  @TempDir Path folder;

  @Test
  void replacesWhatWasThere() throws IOException {
    Path file = Files.writeString(folder.resolve("a.bin"), "old and longer");
    WholeFile.write(file, out -> out.write(ByteBuffer.wrap(new byte[] {1, 2, 3})));
    assertArrayEquals(new byte[] {1, 2, 3}, Files.readAllBytes(file));
    assertEquals(List.of(file), entries());
  }

  @Test
  void leavesTheOldContentWhenWritingFails() throws IOException {
    Path file = Files.writeString(folder.resolve("a.bin"), "old");
    IOException e =
        assertThrows(
            IOException.class,
            () ->
                WholeFile.write(
                    file,
                    out -> {
                      out.write(ByteBuffer.wrap(new byte[] {1}));
                      throw new IOException("no space left");
                    }));
    assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
    assertTrue(e.getMessage().contains("no space left"), e.getMessage());
    assertEquals("old", Files.readString(file));
    assertEquals(List.of(file), entries());
  }

  @Test
  void namesTheFolderThatIsMissingOrNone() throws IOException {
    Path missing = folder.resolve("no").resolve("a.bin");
    IOException e = assertThrows(IOException.class, () -> WholeFile.write(missing, out -> {}));
    assertTrue(e.getMessage().contains(missing.getParent() + " does not exist"), e.getMessage());

    Path plain = Files.writeString(folder.resolve("plain"), "");
    Path below = plain.resolve("a.bin");
    e = assertThrows(IOException.class, () -> WholeFile.write(below, out -> {}));
    assertTrue(e.getMessage().contains(plain + " is not a folder"), e.getMessage());

    e = assertThrows(IOException.class, () -> WholeFile.write(folder, out -> {}));
    assertTrue(e.getMessage().contains("it is a folder"), e.getMessage());
  }

  private List<Path> entries() throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.toList();
    }
  }

  /** A disk that is full, as a device plays it. */
  @Test
  void leavesDevicesWhatTheyAre() {
    Path full = Path.of("/dev/full");
    assumeTrue(Files.exists(full) && !Files.isRegularFile(full));
    IOException e =
        assertThrows(
            IOException.class,
            () -> WholeFile.write(full, out -> out.write(ByteBuffer.wrap(new byte[] {1}))));
    assertTrue(e.getMessage().startsWith("cannot write /dev/full: "), e.getMessage());
    assertFalse(Files.isRegularFile(full));
  }

  @Test
  void writesThroughLinks() throws IOException {
    Path file = Files.write(folder.resolve("file"), new byte[] {9, 9, 9});
    Path link = Files.createSymbolicLink(folder.resolve("link"), file);
    WholeFile.write(link, out -> out.write(ByteBuffer.wrap(new byte[] {1})));
    assertTrue(Files.isSymbolicLink(link));
    assertArrayEquals(new byte[] {1}, Files.readAllBytes(file));
  }
}
