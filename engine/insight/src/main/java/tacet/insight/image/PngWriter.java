package tacet.insight.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import tacet.insight.file.WholeFile;

/**
 * Writes 8-bit RGB as PNG, every row filtered by its difference to the row above, which suits
 * pictures made of enlarged pixels and flat areas. Needs no AWT, hence no display and no fonts.
 */
final class PngWriter {
  private PngWriter() {}

  static void write(Path file, Picture picture) throws IOException {
    WholeFile.write(file, out -> write(out, picture));
  }

  private static void write(WritableByteChannel out, Picture p) throws IOException {
    drain(ByteBuffer.wrap(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}), out);
    ByteBuffer header = ByteBuffer.allocate(13).putInt(p.width()).putInt(p.height());
    header.put((byte) 8).put((byte) 2);
    chunk(out, "IHDR", header.array(), header.capacity());
    int stride = 3 * p.width();
    byte[] rgb = p.rgb();
    byte[] line = new byte[stride + 1];
    byte[] packed = new byte[1 << 16];
    int filled = 0;
    Deflater deflater = new Deflater(4);
    try {
      for (int y = 0; y <= p.height(); y++) {
        if (y < p.height()) {
          filter(rgb, y * stride, stride, y > 0, line);
          deflater.setInput(line);
        } else {
          deflater.finish();
        }
        int n;
        while ((n = deflater.deflate(packed, filled, packed.length - filled)) > 0) {
          filled += n;
          if (filled == packed.length) {
            chunk(out, "IDAT", packed, filled);
            filled = 0;
          }
        }
      }
    } finally {
      deflater.end();
    }
    chunk(out, "IDAT", packed, filled);
    chunk(out, "IEND", packed, 0);
  }

  private static void filter(byte[] rgb, int from, int stride, boolean up, byte[] line) {
    line[0] = (byte) (up ? 2 : 0);
    for (int i = 0; i < stride; i++) {
      line[i + 1] = (byte) (rgb[from + i] - (up ? rgb[from + i - stride] : 0));
    }
  }

  private static void chunk(WritableByteChannel out, String type, byte[] data, int length)
      throws IOException {
    ByteBuffer b = ByteBuffer.allocate(12 + length).putInt(length);
    for (int i = 0; i < 4; i++) {
      b.put((byte) type.charAt(i));
    }
    b.put(data, 0, length);
    CRC32 crc = new CRC32();
    crc.update(b.array(), 4, 4 + length);
    drain(b.putInt((int) crc.getValue()).flip(), out);
  }

  private static void drain(ByteBuffer from, WritableByteChannel out) throws IOException {
    while (from.hasRemaining()) {
      out.write(from);
    }
  }
}
