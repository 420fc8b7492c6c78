package tacet.insight.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OtherReaderTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"bmp", "tiff"})
  void colours(String format) throws IOException {
    Picture p = ResizeTest.noise(13, 7, 6);
    BufferedImage image = new BufferedImage(13, 7, BufferedImage.TYPE_3BYTE_BGR);
    for (int i = 0; i < 91; i++) {
      int rgb = 0;
      for (int c = 0; c < 3; c++) {
        rgb = rgb << 8 | p.rgb()[3 * i + c] & 0xFF;
      }
      image.setRGB(i % 13, i / 13, rgb);
    }
    assertArrayEquals(p.rgb(), Picture.read(write(image, format)).rgb());
  }

  @Test
  void palette() throws IOException {
    BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_BYTE_INDEXED);
    image.setRGB(0, 0, 0xFFFF0000);
    image.setRGB(1, 0, 0xFF000000);
    assertArrayEquals(new byte[] {-1, 0, 0, 0, 0, 0}, Picture.read(write(image, "gif")).rgb());
  }

  @ParameterizedTest
  @ValueSource(ints = {BufferedImage.TYPE_BYTE_GRAY, BufferedImage.TYPE_USHORT_GRAY})
  void greyKeepsItsValues(int type) throws IOException {
    BufferedImage image = new BufferedImage(256, 1, type);
    int wide = type == BufferedImage.TYPE_USHORT_GRAY ? 256 : 1;
    for (int x = 0; x < 256; x++) {
      image.getRaster().setSample(x, 0, 0, x * wide);
    }
    Picture p = Picture.read(write(image, "tiff"));
    for (int i = 0; i < 3 * 256; i++) {
      assertEquals(i / 3, p.rgb()[i] & 0xFF);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
  void honoursOrientationOfTiff(int orientation) throws IOException {
    // Tag, type (3: short, 4: long), value; an 8-bit grey image in one strip after the directory.
    int[][] entries = {
      {256, 3, 3},
      {257, 3, 2},
      {258, 3, 8},
      {259, 3, 1},
      {262, 3, 1},
      {273, 4, 8 + 2 + 120 + 4},
      {274, 3, orientation},
      {277, 3, 1},
      {278, 3, 2},
      {279, 4, 6}
    };
    ByteBuffer b = ByteBuffer.allocate(8 + 2 + 120 + 4 + 6).order(ByteOrder.LITTLE_ENDIAN);
    b.putShort((short) 0x4949).putShort((short) 42).putInt(8).putShort((short) entries.length);
    for (int[] e : entries) {
      b.putShort((short) e[0]).putShort((short) e[1]).putInt(1).putInt(e[2]);
    }
    b.putInt(0).put(new byte[] {1, 2, 3, 4, 5, 6});
    Path file = Files.write(folder.resolve("a.tiff"), b.array());
    ExifTest.assertUpright(orientation, Picture.read(file));
  }

  @Test
  void refusesWhatIsNoImage() throws IOException {
    Path text = Files.writeString(folder.resolve("a.png"), "this is no image at all");
    ImageFormatException e = assertThrows(ImageFormatException.class, () -> Picture.read(text));
    assertEquals(text.toString(), e.file());
    assertTrue(e.reason().startsWith("not an image"), e.reason());
    Path empty = Files.write(folder.resolve("empty.jpg"), new byte[0]);
    assertThrows(ImageFormatException.class, () -> Picture.read(empty));
    assertThrows(ImageFormatException.class, () -> Picture.read(folder));
    assertThrows(NoSuchFileException.class, () -> Picture.read(folder.resolve("none.png")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"bmp", "tiff", "gif"})
  void survivesDamageAndTruncation(String format) throws IOException {
    BufferedImage image = new BufferedImage(20, 20, BufferedImage.TYPE_BYTE_INDEXED);
    for (int i = 0; i < 400; i++) {
      image.setRGB(i % 20, i / 20, 0xFF000000 | i * 40_000);
    }
    byte[] sound = Files.readAllBytes(write(image, format));
    Path file = folder.resolve("damaged");
    Random random = new Random(1);
    for (int i = 0; i < 300; i++) {
      byte[] bytes = Arrays.copyOf(sound, i % 3 == 0 ? random.nextInt(sound.length) : sound.length);
      for (int n = random.nextInt(4); n > 0 && bytes.length > 0; n--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      Files.write(file, bytes);
      try {
        Picture.read(file);
      } catch (ImageFormatException expected) {
        assertEquals(file.toString(), expected.file());
      }
    }
  }

  private Path write(BufferedImage image, String format) throws IOException {
    Path file = folder.resolve("a." + format);
    assertTrue(ImageIO.write(image, format, file.toFile()));
    return file;
  }
}
