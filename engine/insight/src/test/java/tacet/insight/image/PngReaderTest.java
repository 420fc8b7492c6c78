package tacet.insight.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PngReaderTest {
  private static final Path DATA = Path.of(System.getProperty("tacet.data", "../shared/data"));
  private static final int[] CHANNELS = {1, 0, 3, 1, 2, 0, 4};

  @TempDir Path folder;

  /**
   * Every colour type and depth, plain and interlaced, all five filters, sizes that leave passes
   * empty.
   */
  @ParameterizedTest
  @CsvSource({
    "0,1", "0,2", "0,4", "0,8", "0,16", "2,8", "2,16", "3,1", "3,2", "3,4", "3,8", "4,8", "4,16",
    "6,8", "6,16"
  })
  void decodesEveryKind(int colour, int depth) throws IOException {
    int[][] sizes = {{1, 1}, {1, 7}, {9, 1}, {5, 3}, {8, 8}, {33, 17}};
    for (int[] size : sizes) {
      for (boolean interlaced : new boolean[] {false, true}) {
        Random random = new Random(31L * colour + depth + size[0]);
        int[] samples = new int[size[0] * size[1] * CHANNELS[colour]];
        for (int i = 0; i < samples.length; i++) {
          samples[i] = random.nextInt(1 << depth);
        }
        byte[] palette = new byte[3 << Math.min(depth, 8)];
        random.nextBytes(palette);
        Png png = new Png(size[0], size[1], colour, depth, interlaced);
        if (colour == 3) {
          png.chunk("PLTE", palette);
        }
        png.pixels(samples);
        byte[] expected = expected(samples, colour, depth, palette);
        Picture p = Picture.read(png.end(folder.resolve("a.png")));
        assertEquals(size[0], p.width());
        assertArrayEquals(expected, p.rgb(), size[0] + "x" + size[1] + " " + interlaced);
      }
    }
  }

  private static byte[] expected(int[] samples, int colour, int depth, byte[] palette) {
    int channels = CHANNELS[colour];
    byte[] out = new byte[samples.length / channels * 3];
    for (int i = 0; i < out.length; i++) {
      int pixel = i / 3 * channels;
      int v = samples[pixel + (channels < 3 ? 0 : i % 3)];
      int eight = depth == 16 ? v >> 8 : v * 255 / ((1 << depth) - 1);
      if (colour == 3) {
        eight = palette[3 * v + i % 3] & 0xFF;
      }
      if (colour >= 4) {
        int alpha = samples[pixel + channels - 1] >> depth - 8;
        eight = (int) Math.round((eight * alpha + 255.0 * (255 - alpha)) / 255);
      }
      out[i] = (byte) eight;
    }
    return out;
  }

  @Test
  void transparencyIsWhite() throws IOException {
    Path file = folder.resolve("a.png");
    Png grey = new Png(3, 1, 0, 8, false).chunk("tRNS", new byte[] {0, 7});
    Picture p = Picture.read(grey.pixels(6, 7, 8).end(file));
    assertArrayEquals(new byte[] {6, 6, 6, -1, -1, -1, 8, 8, 8}, p.rgb());

    // All 16 bits count.
    Png wide = new Png(2, 1, 0, 16, false).chunk("tRNS", new byte[] {1, 2});
    p = Picture.read(wide.pixels(0x0102, 0x0103).end(file));
    assertArrayEquals(new byte[] {-1, -1, -1, 1, 1, 1}, p.rgb());

    Png rgb = new Png(2, 1, 2, 8, false).chunk("tRNS", new byte[] {0, 1, 0, 2, 0, 3});
    p = Picture.read(rgb.pixels(1, 2, 3, 1, 2, 4).end(file));
    assertArrayEquals(new byte[] {-1, -1, -1, 1, 2, 4}, p.rgb());

    Png indexed = new Png(3, 1, 3, 8, false).chunk("PLTE", new byte[] {0, 0, 0, 9, 9, 9, 5, 6, 7});
    indexed.chunk("tRNS", new byte[] {0, (byte) 128});
    p = Picture.read(indexed.pixels(0, 1, 2).end(file));
    // (9·128 + 255·127)/255 = 131.5…
    byte half = (byte) 132;
    assertArrayEquals(new byte[] {-1, -1, -1, half, half, half, 5, 6, 7}, p.rgb());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
  void honoursOrientation(int orientation) throws IOException {
    Png png = new Png(3, 2, 0, 8, false).chunk("eXIf", ExifTest.tiff(orientation, true));
    Picture p = Picture.read(png.pixels(1, 2, 3, 4, 5, 6).end(folder.resolve("a.png")));
    ExifTest.assertUpright(orientation, p);
  }

  @Test
  void refusesImpossibleSizesBeforeAllocating() throws IOException {
    int[][] sizes = {
      {0, 1},
      {1, 0},
      {-1, -1},
      {Integer.MIN_VALUE, Integer.MIN_VALUE},
      {Integer.MAX_VALUE, Integer.MAX_VALUE},
      {Integer.MAX_VALUE, 1},
      {20_000, 20_000}
    };
    for (int[] size : sizes) {
      for (boolean interlaced : new boolean[] {false, true}) {
        Path file = folder.resolve("a.png");
        new Png(size[0], size[1], 0, 8, interlaced).chunk("IDAT", new byte[20]).end(file);
        assertThrows(ImageFormatException.class, () -> Picture.read(file), Arrays.toString(size));
      }
    }
  }

  @Test
  void refusesEveryTruncation() throws IOException {
    Path whole = new Png(9, 9, 2, 8, true).pixels(new int[243]).end(folder.resolve("whole.png"));
    byte[] bytes = Files.readAllBytes(whole);
    Path cut = folder.resolve("cut.png");
    for (int length = 0; length < bytes.length; length++) {
      Files.write(cut, Arrays.copyOf(bytes, length));
      ImageFormatException e =
          assertThrows(ImageFormatException.class, () -> Picture.read(cut), "length " + length);
      assertEquals(cut.toString(), e.file());
      assertTrue(e.getMessage().startsWith(cut + ": "), e.getMessage());
    }
  }

  @Test
  void refusesMissingRows() throws IOException {
    Path file = folder.resolve("a.png");
    Png png = new Png(4, 4, 0, 8, false);
    png.chunk("IDAT", Png.deflate(new byte[15])).end(file);
    assertThrows(ImageFormatException.class, () -> Picture.read(file));
    new Png(4, 4, 0, 8, false).end(file);
    assertThrows(ImageFormatException.class, () -> Picture.read(file));
  }

  @Test
  void refusesWhatTheSpecificationForbids() throws IOException {
    Path file = folder.resolve("a.png");
    new Png(2, 1, 3, 8, false).pixels(0, 1).end(file);
    assertThrows(ImageFormatException.class, () -> Picture.read(file), "no palette");
    new Png(2, 1, 3, 8, false).chunk("PLTE", new byte[3]).pixels(0, 1).end(file);
    assertThrows(ImageFormatException.class, () -> Picture.read(file), "beyond the palette");
    new Png(2, 1, 0, 8, false).chunk("ABCD", new byte[3]).pixels(0, 1).end(file);
    assertThrows(ImageFormatException.class, () -> Picture.read(file), "unknown critical chunk");
    new Png(2, 1, 0, 8, false).chunk("IDAT", Png.deflate(new byte[] {9, 0, 0})).end(file);
    assertThrows(ImageFormatException.class, () -> Picture.read(file), "unknown filter");
    new Png(2, 1, 2, 4, false).chunk("IDAT", new byte[9]).end(file);
    assertThrows(ImageFormatException.class, () -> Picture.read(file), "RGB of 4 bits");
  }

  @Test
  void survivesDamage() throws IOException {
    Png png = new Png(13, 11, 3, 4, true).chunk("PLTE", new byte[48]);
    Path whole = png.pixels(new int[143]).end(folder.resolve("whole.png"));
    byte[] sound = Files.readAllBytes(whole);
    Random random = new Random(11);
    Path file = folder.resolve("damaged.png");
    for (int i = 0; i < 2000; i++) {
      byte[] bytes = sound.clone();
      int at = random.nextInt(bytes.length);
      bytes[at] = (byte) random.nextInt(256);
      fixChecksums(bytes);
      Files.write(file, bytes);
      try {
        Picture.read(file);
      } catch (ImageFormatException expected) {
        assertEquals(file.toString(), expected.file());
      }
    }
  }

  /** So that damage gets past the checksums, to the code behind them. */
  private static void fixChecksums(byte[] png) {
    ByteBuffer b = ByteBuffer.wrap(png);
    for (int at = 8; at + 12 <= png.length; ) {
      int length = b.getInt(at);
      if (length < 0 || length > png.length - at - 12) {
        return;
      }
      CRC32 crc = new CRC32();
      crc.update(png, at + 4, 4 + length);
      b.putInt(at + 8 + length, (int) crc.getValue());
      at += 12 + length;
    }
  }

  @Test
  void damagedMetadataDoesNotMatterDamagedPixelsDo() throws IOException {
    Png png = new Png(2, 1, 0, 8, false).chunk("tEXt", new byte[] {'a', 0, 'b'});
    Path file = png.pixels(4, 5).end(folder.resolve("a.png"));
    byte[] bytes = Files.readAllBytes(file);
    bytes[33 + 8]++;
    assertArrayEquals(new byte[] {4, 4, 4, 5, 5, 5}, Picture.read(Files.write(file, bytes)).rgb());
    bytes[33 + 15 + 8 + 3]++;
    assertThrows(ImageFormatException.class, () -> Picture.read(Files.write(file, bytes)));
  }

  @Test
  void agreesWithImageIoOnPhotos() throws IOException {
    assumeTrue(Files.isDirectory(DATA.resolve("images")), "no reference data");
    for (String name : new String[] {"astronaut", "chelsea", "coffee"}) {
      Path file = DATA.resolve("images/" + name + ".png");
      assertArrayEquals(rgb(ImageIO.read(file.toFile())), Picture.read(file).rgb(), name);
    }
  }

  @Test
  void writesWhatItAndImageIoRead() throws IOException {
    for (int[] size : new int[][] {{1, 1}, {1, 300}, {301, 1}, {200, 150}}) {
      Picture p = ResizeTest.noise(size[0], size[1], 4);
      Path file = folder.resolve("out.png");
      p.writePng(file);
      assertArrayEquals(p.rgb(), Picture.read(file).rgb());
      assertArrayEquals(p.rgb(), rgb(ImageIO.read(file.toFile())));
    }
  }

  @Test
  void hundredMegapixels() throws IOException {
    Path file = folder.resolve("huge.png");
    Png png = new Png(10_000, 10_000, 0, 1, false);
    byte[] rows = new byte[1251 * 10_000];
    rows[1251 * 5000 + 1 + 625] = (byte) 0x80;
    png.chunk("IDAT", Png.deflate(rows)).end(file);
    Picture p = Picture.read(file);
    assertEquals(10_000, p.height());
    assertEquals(-1, p.rgb()[3 * (5000 * 10_000 + 5000)]);
    assertEquals(0, p.rgb()[3 * (5000 * 10_000 + 5001)]);
    Picture small = new Geometry.Crop(224, 224, 256).apply(p, ResizeMethod.PILLOW_BILINEAR);
    assertEquals(224, small.width());
  }

  static byte[] rgb(BufferedImage image) {
    byte[] out = new byte[3 * image.getWidth() * image.getHeight()];
    for (int y = 0, i = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        int v = image.getRGB(x, y);
        out[i++] = (byte) (v >> 16);
        out[i++] = (byte) (v >> 8);
        out[i++] = (byte) v;
      }
    }
    return out;
  }

  /** Builds PNG files chunk by chunk, lawful or not. */
  private static final class Png {
    private static final int[][] ADAM7 = {
      {0, 0, 8, 8},
      {4, 0, 8, 8},
      {0, 4, 4, 8},
      {2, 0, 4, 4},
      {0, 2, 2, 4},
      {1, 0, 2, 2},
      {0, 1, 1, 2}
    };

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final int width;
    private final int height;
    private final int depth;
    private final int channels;
    private final boolean interlaced;

    Png(int width, int height, int colour, int depth, boolean interlaced) throws IOException {
      this.width = width;
      this.height = height;
      this.depth = depth;
      this.channels = CHANNELS[colour];
      this.interlaced = interlaced;
      bytes.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'});
      ByteBuffer header = ByteBuffer.allocate(13).putInt(width).putInt(height);
      header.put((byte) depth).put((byte) colour).putShort((short) 0);
      chunk("IHDR", header.put((byte) (interlaced ? 1 : 0)).array());
    }

    Png chunk(String type, byte[] data) throws IOException {
      ByteBuffer b = ByteBuffer.allocate(12 + data.length).putInt(data.length);
      b.put(type.getBytes(java.nio.charset.StandardCharsets.US_ASCII)).put(data);
      CRC32 crc = new CRC32();
      crc.update(b.array(), 4, 4 + data.length);
      bytes.write(b.putInt((int) crc.getValue()).array());
      return this;
    }

    Path end(Path file) throws IOException {
      chunk("IEND", new byte[0]);
      return Files.write(file, bytes.toByteArray());
    }

    /**
     * Filters row after row with the next of the five filters; the data is split over two chunks.
     */
    Png pixels(int... samples) throws IOException {
      ByteArrayOutputStream raw = new ByteArrayOutputStream();
      int filter = 0;
      for (int[] p : interlaced ? ADAM7 : new int[][] {{0, 0, 1, 1}}) {
        byte[] above = null;
        for (int y = p[1]; y < height && p[0] < width; y += p[3]) {
          byte[] row = pack(samples, y, p[0], p[2]);
          above = above == null ? new byte[row.length] : above;
          raw.write(filter);
          raw.write(filtered(row, above, filter));
          above = row;
          filter = (filter + 1) % 5;
        }
      }
      byte[] packed = deflate(raw.toByteArray());
      int half = packed.length / 2;
      chunk("IDAT", Arrays.copyOf(packed, half));
      chunk("IDAT", new byte[0]);
      return chunk("IDAT", Arrays.copyOfRange(packed, half, packed.length));
    }

    private byte[] pack(int[] samples, int y, int x0, int step) throws IOException {
      ByteArrayOutputStream row = new ByteArrayOutputStream();
      DataOutputStream out = new DataOutputStream(row);
      int bits = 0;
      int filled = 0;
      for (int x = x0; x < width; x += step) {
        for (int c = 0; c < channels; c++) {
          int v = samples[(y * width + x) * channels + c];
          if (depth == 16) {
            out.writeShort(v);
            continue;
          }
          bits = bits << depth | v;
          filled += depth;
          if (filled == 8) {
            out.writeByte(bits);
            bits = 0;
            filled = 0;
          }
        }
      }
      if (filled > 0) {
        out.writeByte(bits << 8 - filled);
      }
      return row.toByteArray();
    }

    private byte[] filtered(byte[] row, byte[] above, int filter) {
      int step = Math.max(1, channels * depth / 8);
      byte[] out = new byte[row.length];
      for (int i = 0; i < row.length; i++) {
        int a = i < step ? 0 : row[i - step] & 0xFF;
        int b = above[i] & 0xFF;
        int c = i < step ? 0 : above[i - step] & 0xFF;
        int guess =
            switch (filter) {
              case 1 -> a;
              case 2 -> b;
              case 3 -> (a + b) / 2;
              case 4 -> nearest(a, b, c);
              default -> 0;
            };
        out[i] = (byte) (row[i] - guess);
      }
      return out;
    }

    private static int nearest(int a, int b, int c) {
      int p = a + b - c;
      int best = a;
      best = Math.abs(p - b) < Math.abs(p - best) ? b : best;
      return Math.abs(p - c) < Math.abs(p - best) ? c : best;
    }

    static byte[] deflate(byte[] raw) throws IOException {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      try (DeflaterOutputStream deflater = new DeflaterOutputStream(out)) {
        deflater.write(raw);
      }
      return out.toByteArray();
    }
  }
}
