package tacet.insight.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JpegReaderTest {
  private static final Path DATA = Path.of(System.getProperty("tacet.data", "../shared/data"));

  /** Flat areas at quality 1.0: quantisation and two colour conversions leave a value or two. */
  private static final int JPEG_LOSS = 2;

  @TempDir Path folder;

  @Test
  void photosAsLibjpegConvertsThem() throws IOException {
    assumeTrue(Files.isDirectory(DATA.resolve("images")), "no reference data");
    for (String name : new String[] {"china", "rocket", "hubble_deep_field"}) {
      Path file = DATA.resolve("images/" + name + ".jpg");
      // One of the files has a colour profile, which ImageIO would apply.
      byte[] plain = withoutProfile(Files.readAllBytes(file));
      BufferedImage image = ImageIO.read(new ByteArrayInputStream(plain));
      byte[] expected = PngReaderTest.rgb(image);
      assertArrayEquals(expected, Picture.read(file).rgb(), name);
    }
  }

  @Test
  void greyKeepsItsValues() throws IOException {
    BufferedImage image = new BufferedImage(16, 8, BufferedImage.TYPE_BYTE_GRAY);
    for (int i = 0; i < 128; i++) {
      image.getRaster().setSample(i % 16, i / 16, 0, 60);
    }
    Path file = Files.write(folder.resolve("grey.jpg"), encode(image, false));
    for (byte b : Picture.read(file).rgb()) {
      assertEquals(60, b & 0xFF, JPEG_LOSS);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void colours(boolean progressive) throws IOException {
    Path file = Files.write(folder.resolve("a.jpg"), encode(flat(200, 30, 90), progressive));
    assertFlat(Picture.read(file), 200, 30, 90);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
  void honoursOrientation(int orientation) throws IOException {
    // Blocks of 8x8 survive compression as flat areas.
    BufferedImage image = new BufferedImage(24, 16, BufferedImage.TYPE_BYTE_GRAY);
    for (int i = 0; i < 24 * 16; i++) {
      image.getRaster().setSample(i % 24, i / 24, 0, 20 * (1 + i % 24 / 8 + 3 * (i / 24 / 8)));
    }
    byte[] payload = ExifTest.tiff(orientation, false);
    byte[] exif = new byte[6 + payload.length];
    System.arraycopy(new byte[] {'E', 'x', 'i', 'f', 0, 0}, 0, exif, 0, 6);
    System.arraycopy(payload, 0, exif, 6, payload.length);
    byte[] jpeg = segment(encode(image, false), 0xE1, exif);
    Picture p = Picture.read(Files.write(folder.resolve("a.jpg"), jpeg));
    Picture small = Picture.blank(p.width() / 8, p.height() / 8);
    for (int i = 0; i < small.width() * small.height(); i++) {
      int x = i % small.width() * 8 + 4;
      int y = i / small.width() * 8 + 4;
      small.rgb()[3 * i] = (byte) Math.round((p.rgb()[3 * (y * p.width() + x)] & 0xFF) / 20f);
    }
    ExifTest.assertUpright(orientation, small);
  }

  /** Adobe's CMYK is stored inverted; without ink at K it is RGB itself. */
  @Test
  void cmyk() throws IOException {
    byte[] adobe = {'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0};
    byte[] jpeg = segment(encodeFourBands(200, 30, 90, 255), 0xEE, adobe);
    assertFlat(Picture.read(Files.write(folder.resolve("a.jpg"), jpeg)), 200, 30, 90);
    jpeg = segment(encodeFourBands(200, 30, 90, 128), 0xEE, adobe);
    assertFlat(Picture.read(Files.write(folder.resolve("b.jpg"), jpeg)), 100, 15, 45);
  }

  @Test
  void ycck() throws IOException {
    byte[] adobe = {'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 2};
    // YCbCr of the complement (55, 225, 165) by JFIF, rounded: the colours are stored inverted.
    byte[] jpeg = segment(encodeFourBands(167, 127, 48, 255), 0xEE, adobe);
    assertFlat(Picture.read(Files.write(folder.resolve("a.jpg"), jpeg)), 200, 30, 90);
  }

  @Test
  void refusesEveryTruncation() throws IOException {
    byte[] whole = encode(noise(40, 30), true);
    Path cut = folder.resolve("cut.jpg");
    for (int length = 0; length < whole.length; length += length < 700 ? 1 : 97) {
      Files.write(cut, Arrays.copyOf(whole, length));
      assertThrows(ImageFormatException.class, () -> Picture.read(cut), "length " + length);
    }
  }

  @Test
  void refusesMissingDataBeforeTheEndMarker() throws IOException {
    byte[] whole = encode(noise(64, 64), false);
    byte[] half = Arrays.copyOf(whole, whole.length / 2);
    half[half.length - 2] = (byte) 0xFF;
    half[half.length - 1] = (byte) 0xD9;
    Path file = Files.write(folder.resolve("half.jpg"), half);
    assertThrows(ImageFormatException.class, () -> Picture.read(file));
  }

  @Test
  void refusesHugeClaims() throws IOException {
    byte[] jpeg = encode(flat(1, 2, 3), false);
    int frame = 0;
    while ((jpeg[frame] & 0xFF) != 0xFF || (jpeg[frame + 1] & 0xFF) != 0xC0) {
      frame++;
    }
    Arrays.fill(jpeg, frame + 5, frame + 9, (byte) 0xFF);
    Path file = Files.write(folder.resolve("a.jpg"), jpeg);
    ImageFormatException e = assertThrows(ImageFormatException.class, () -> Picture.read(file));
    assertTrue(e.reason().contains("65535x65535"), e.reason());
    Arrays.fill(jpeg, frame + 5, frame + 7, (byte) 0);
    Files.write(file, jpeg);
    assertThrows(ImageFormatException.class, () -> Picture.read(file));
  }

  @Test
  void survivesDamage() throws IOException {
    byte[] sound = encode(noise(24, 24), true);
    Random random = new Random(8);
    Path file = folder.resolve("damaged.jpg");
    for (int i = 0; i < 500; i++) {
      byte[] bytes = sound.clone();
      for (int n = 1 + random.nextInt(4); n > 0; n--) {
        bytes[random.nextInt(i % 2 == 0 ? bytes.length : 620)] = (byte) random.nextInt(256);
      }
      Files.write(file, bytes);
      try {
        Picture.read(file);
      } catch (ImageFormatException expected) {
        assertEquals(file.toString(), expected.file());
      }
    }
  }

  private static byte[] withoutProfile(byte[] jpeg) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(jpeg, 0, 2);
    int at = 2;
    while ((jpeg[at + 1] & 0xFF) != 0xDA) {
      int length = 2 + ((jpeg[at + 2] & 0xFF) << 8 | jpeg[at + 3] & 0xFF);
      if ((jpeg[at + 1] & 0xFF) != 0xE2) {
        out.write(jpeg, at, length);
      }
      at += length;
    }
    out.write(jpeg, at, jpeg.length - at);
    return out.toByteArray();
  }

  private static BufferedImage flat(int r, int g, int b) {
    BufferedImage image = new BufferedImage(19, 13, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 19 * 13; i++) {
      image.setRGB(i % 19, i / 19, r << 16 | g << 8 | b);
    }
    return image;
  }

  private static BufferedImage noise(int width, int height) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_3BYTE_BGR);
    new Random(2).nextBytes(((DataBufferByte) image.getRaster().getDataBuffer()).getData());
    return image;
  }

  private static void assertFlat(Picture p, int... rgb) {
    for (int i = 0; i < p.rgb().length; i++) {
      assertEquals(rgb[i % 3], p.rgb()[i] & 0xFF, JPEG_LOSS);
    }
  }

  private static byte[] encode(BufferedImage image, boolean progressive) throws IOException {
    return encode(new IIOImage(image, null, null), progressive);
  }

  /**
   * The bands are stored as they are, without colour conversion and without any marker about it.
   */
  private static byte[] encodeFourBands(int... values) throws IOException {
    WritableRaster raster = Raster.createInterleavedRaster(0, 16, 16, 4, null);
    for (int i = 0; i < 16 * 16 * 4; i++) {
      raster.setSample(i / 4 % 16, i / 64, i % 4, values[i % 4]);
    }
    return encode(new IIOImage(raster, null, null), false);
  }

  private static byte[] encode(IIOImage image, boolean progressive) throws IOException {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    ImageWriteParam param = writer.getDefaultWriteParam();
    param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
    param.setCompressionQuality(1f);
    if (progressive) {
      param.setProgressiveMode(ImageWriteParam.MODE_DEFAULT);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ImageOutputStream stream = new javax.imageio.stream.MemoryCacheImageOutputStream(out)) {
      writer.setOutput(stream);
      writer.write(null, image, param);
    } finally {
      writer.dispose();
    }
    return out.toByteArray();
  }

  /** Puts a marker segment right after the start of the image. */
  private static byte[] segment(byte[] jpeg, int marker, byte[] payload) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(jpeg, 0, 2);
    out.write(0xFF);
    out.write(marker);
    out.write(payload.length + 2 >> 8);
    out.write(payload.length + 2);
    out.write(payload);
    out.write(jpeg, 2, jpeg.length - 2);
    return out.toByteArray();
  }
}
