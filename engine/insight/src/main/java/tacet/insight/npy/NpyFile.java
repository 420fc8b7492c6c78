package tacet.insight.npy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import tacet.insight.file.WholeFile;

/**
 * Reads and writes {@code .npy} files: format versions 1 to 3, both byte orders, C and Fortran
 * order, the element types of {@link NpyType}. Source: NumPy's format description, NEP 1 and {@code
 * numpy.lib.format}.
 */
public final class NpyFile {
  /**
   * Headers of plain arrays take about a hundred bytes; structured types, which take more, are not
   * read.
   */
  private static final int MAX_HEADER = 1 << 16;

  /** Segments are copied in pieces since a {@link ByteBuffer} ends at 2 GB. */
  private static final long PIECE = 1L << 30;

  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

  private NpyFile() {}

  /**
   * Reads an array. Bytes after the array are ignored, as NumPy does.
   *
   * @param arena owns the array's data, which takes no more memory than the file is long (twice
   *     that while a Fortran-order file is being read)
   * @throws NpyFormatException if the file is truncated or not a {@code .npy} file that Tacet reads
   * @throws IOException if the file cannot be read
   */
  public static NpyArray read(Path file, Arena arena) throws IOException {
    if (Files.isDirectory(file)) {
      throw new NpyFormatException(file, 0, "a folder, not a file");
    }
    try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = in.size();
      byte[] magic = bytes(file, in, 0, Math.min(size, 8));
      if (!Arrays.equals(Arrays.copyOf(magic, 6), MAGIC)) {
        throw new NpyFormatException(file, 0, "not a .npy file");
      }
      int version = magic.length == 8 ? magic[6] : 0;
      if (version < 1 || version > 3 || magic[7] != 0) {
        throw new NpyFormatException(file, 6, "format version is not 1.0, 2.0 or 3.0");
      }
      int lengthBytes = version == 1 ? 2 : 4;
      byte[] lengthField = bytes(file, in, 8, lengthBytes);
      long headerLength = 0;
      for (int i = 0; i < lengthBytes; i++) {
        headerLength |= (lengthField[i] & 0xFFL) << 8 * i;
      }
      if (headerLength > MAX_HEADER) {
        throw new NpyFormatException(file, 8, "header of " + headerLength + " bytes");
      }
      long headerAt = 8 + lengthBytes;
      byte[] text = bytes(file, in, headerAt, headerLength);
      NpyHeader header = NpyHeader.parse(file, text, headerAt);
      return data(file, in, header, headerAt + headerLength, arena);
    }
  }

  /**
   * Writes an array as format version 1.0, C order, little-endian; the final name appears once the
   * file is complete.
   *
   * @throws IOException naming the file if it cannot be written
   */
  public static void write(Path file, NpyArray array) throws IOException {
    byte[] header = NpyHeader.write(array.type(), array.shape());
    WholeFile.write(
        file,
        out -> {
          drain(ByteBuffer.wrap(header), out);
          long size = array.data().byteSize();
          for (long at = 0; at < size; at += PIECE) {
            drain(array.data().asSlice(at, Math.min(PIECE, size - at)).asByteBuffer(), out);
          }
        });
  }

  private static void drain(ByteBuffer from, WritableByteChannel out) throws IOException {
    while (from.hasRemaining()) {
      out.write(from);
    }
  }

  private static byte[] bytes(Path file, FileChannel in, long at, long count) throws IOException {
    long there = in.size() - at;
    if (count > there) {
      throw new NpyFormatException(
          file, in.size(), "file ends in the header, " + (count - there) + " bytes short");
    }
    byte[] out = new byte[(int) count];
    fill(file, in, at, MemorySegment.ofArray(out));
    return out;
  }

  private static void fill(Path file, FileChannel in, long at, MemorySegment into)
      throws IOException {
    for (long done = 0; done < into.byteSize(); ) {
      ByteBuffer piece = into.asSlice(done, Math.min(PIECE, into.byteSize() - done)).asByteBuffer();
      int n = in.read(piece, at + done);
      if (n < 0) {
        throw new NpyFormatException(file, at + done, "file ends in the data");
      }
      done += n;
    }
  }

  private static NpyArray data(Path file, FileChannel in, NpyHeader header, long at, Arena arena)
      throws IOException {
    int width = header.type().bytes();
    long[] shape = header.shape();
    long available = in.size() - at;
    long bytes;
    try {
      bytes = Math.multiplyExact(NpyArray.elements(shape), width);
    } catch (ArithmeticException e) {
      bytes = Long.MAX_VALUE;
    }
    if (bytes > available) {
      String need = bytes == Long.MAX_VALUE ? "more than 2^63" : Long.toString(bytes);
      throw new NpyFormatException(
          file,
          in.size(),
          "file ends in the data: shape "
              + Arrays.toString(shape)
              + " needs "
              + need
              + " bytes, the file has "
              + available);
    }
    boolean transpose = header.fortranOrder() && shape.length > 1 && bytes > 0;
    MemorySegment data = arena.allocate(bytes, 64);
    if (transpose) {
      try (Arena own = Arena.ofConfined()) {
        MemorySegment fortran = own.allocate(bytes, 64);
        fill(file, in, at, fortran);
        toCOrder(fortran, data, shape, width);
      }
    } else {
      fill(file, in, at, data);
    }
    if (header.bigEndian() && width > 1) {
      swap(data, width);
    }
    return new NpyArray(header.type(), shape, data);
  }

  private static void toCOrder(MemorySegment from, MemorySegment to, long[] shape, int width) {
    int rank = shape.length;
    long[] stride = new long[rank];
    stride[0] = width;
    for (int d = 1; d < rank; d++) {
      stride[d] = stride[d - 1] * shape[d - 1];
    }
    long[] index = new long[rank];
    long source = 0;
    for (long target = 0; target < to.byteSize(); target += width) {
      move(from, source, to, target, width);
      for (int d = rank - 1; d >= 0; d--) {
        source += stride[d];
        if (++index[d] < shape[d]) {
          break;
        }
        source -= stride[d] * shape[d];
        index[d] = 0;
      }
    }
  }

  private static void move(MemorySegment from, long i, MemorySegment to, long j, int width) {
    switch (width) {
      case 1 -> to.set(ValueLayout.JAVA_BYTE, j, from.get(ValueLayout.JAVA_BYTE, i));
      case 2 -> to.set(ValueLayout.JAVA_SHORT, j, from.get(ValueLayout.JAVA_SHORT, i));
      case 4 -> to.set(ValueLayout.JAVA_INT, j, from.get(ValueLayout.JAVA_INT, i));
      default -> to.set(ValueLayout.JAVA_LONG, j, from.get(ValueLayout.JAVA_LONG, i));
    }
  }

  private static void swap(MemorySegment data, int width) {
    for (long i = 0; i < data.byteSize(); i += width) {
      switch (width) {
        case 2 ->
            data.set(
                ValueLayout.JAVA_SHORT, i, Short.reverseBytes(data.get(ValueLayout.JAVA_SHORT, i)));
        case 4 ->
            data.set(
                ValueLayout.JAVA_INT, i, Integer.reverseBytes(data.get(ValueLayout.JAVA_INT, i)));
        default ->
            data.set(
                ValueLayout.JAVA_LONG, i, Long.reverseBytes(data.get(ValueLayout.JAVA_LONG, i)));
      }
    }
  }
}
