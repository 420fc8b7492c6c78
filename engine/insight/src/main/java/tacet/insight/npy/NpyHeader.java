package tacet.insight.npy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * The dictionary at the head of a {@code .npy} file, as NumPy's format description (NEP 1) has it:
 * a Python literal with exactly the keys {@code descr}, {@code fortran_order} and {@code shape}.
 */
record NpyHeader(NpyType type, boolean bigEndian, boolean fortranOrder, long[] shape) {
  /** NumPy's own limit on the number of dimensions. */
  private static final int MAX_RANK = 64;

  /**
   * @param at byte offset of {@code text} in the file, for messages
   */
  static NpyHeader parse(Path file, byte[] text, long at) throws NpyFormatException {
    return new Parser(file, text, at).header();
  }

  /**
   * The header that NumPy's {@code save} writes, magic and padding included, a multiple of 64
   * bytes.
   */
  static byte[] write(NpyType type, long[] shape) {
    StringBuilder dict = new StringBuilder("{'descr': '").append(type.descr());
    dict.append("', 'fortran_order': False, 'shape': (");
    for (int i = 0; i < shape.length; i++) {
      dict.append(i == 0 ? "" : ", ").append(shape[i]);
    }
    dict.append(shape.length == 1 ? ",), }" : "), }");
    // Ranks are bounded by what a header of version 1 can hold: 64 dimensions of 19 digits are far
    // below 64 KiB.
    if (shape.length > MAX_RANK) {
      throw new IllegalArgumentException("more than " + MAX_RANK + " dimensions");
    }
    int length = (10 + dict.length() + 1 + 63) / 64 * 64;
    byte[] out = new byte[length];
    Arrays.fill(out, (byte) ' ');
    byte[] magic = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    System.arraycopy(magic, 0, out, 0, magic.length);
    out[8] = (byte) (length - 10);
    out[9] = (byte) (length - 10 >> 8);
    byte[] ascii = dict.toString().getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(ascii, 0, out, 10, ascii.length);
    out[length - 1] = '\n';
    return out;
  }

  /**
   * A parser for just the literals that can stand here; anything else is an error at its offset.
   */
  private static final class Parser {
    private final Path file;
    private final byte[] text;
    private final long at;
    private int pos;

    Parser(Path file, byte[] text, long at) {
      this.file = file;
      this.text = text;
      this.at = at;
    }

    NpyHeader header() throws NpyFormatException {
      NpyType type = null;
      boolean bigEndian = false;
      Boolean fortran = null;
      long[] shape = null;
      expect('{');
      while (peek() != '}') {
        int keyAt = pos;
        String key = string();
        expect(':');
        switch (key) {
          case "descr" -> {
            reject(type != null, keyAt, "key 'descr' twice");
            if (peek() == '[') {
              throw error(pos, "structured element types are not supported");
            }
            int descrAt = pos;
            String descr = string();
            type = type(descr, descrAt);
            bigEndian = descr.charAt(0) == '>';
          }
          case "fortran_order" -> {
            reject(fortran != null, keyAt, "key 'fortran_order' twice");
            fortran = bool();
          }
          case "shape" -> {
            reject(shape != null, keyAt, "key 'shape' twice");
            shape = tuple();
          }
          default -> throw error(keyAt, "unknown key '" + key + "'");
        }
        if (peek() != '}') {
          expect(',');
        }
      }
      expect('}');
      skipBlanks();
      reject(pos != text.length, pos, "text after the header's dictionary");
      reject(type == null, 0, "header has no 'descr'");
      reject(fortran == null, 0, "header has no 'fortran_order'");
      reject(shape == null, 0, "header has no 'shape'");
      return new NpyHeader(type, bigEndian, fortran, shape);
    }

    private NpyType type(String descr, int where) throws NpyFormatException {
      if (descr.length() == 3 && "<>|=".indexOf(descr.charAt(0)) >= 0) {
        NpyType type = NpyType.of(descr.charAt(1), descr.charAt(2) - '0');
        // "=" and "|" leave the byte order of wider elements to the machine that wrote them: not
        // for a file.
        if (type != null && (type.bytes() == 1 || "<>".indexOf(descr.charAt(0)) >= 0)) {
          return type;
        }
      }
      throw error(where, "element type '" + descr + "' is not supported");
    }

    private boolean bool() throws NpyFormatException {
      skipBlanks();
      for (String word : new String[] {"True", "False"}) {
        if (text.length - pos >= word.length()
            && new String(text, pos, word.length(), StandardCharsets.ISO_8859_1).equals(word)) {
          pos += word.length();
          return word.equals("True");
        }
      }
      throw error(pos, "expected True or False");
    }

    private long[] tuple() throws NpyFormatException {
      expect('(');
      long[] dims = new long[MAX_RANK];
      int rank = 0;
      boolean comma = true;
      while (peek() != ')') {
        reject(!comma, pos, "expected ',' or ')'");
        reject(rank == MAX_RANK, pos, "more than " + MAX_RANK + " dimensions");
        dims[rank++] = integer();
        comma = peek() == ',';
        if (comma) {
          pos++;
        }
      }
      reject(rank == 1 && !comma, pos, "a shape must be a tuple");
      reject(rank == 0 && text[pos - 1] == ',', pos, "expected a dimension");
      expect(')');
      return Arrays.copyOf(dims, rank);
    }

    private long integer() throws NpyFormatException {
      skipBlanks();
      int start = pos;
      long value = 0;
      while (pos < text.length && text[pos] >= '0' && text[pos] <= '9') {
        int digit = text[pos] - '0';
        reject(value > (Long.MAX_VALUE - digit) / 10, start, "dimension too large");
        value = value * 10 + digit;
        pos++;
      }
      reject(pos == start, start, "expected a dimension");
      // Python 2 wrote long integers as 3L.
      if (pos < text.length && text[pos] == 'L') {
        pos++;
      }
      return value;
    }

    private String string() throws NpyFormatException {
      int quote = peek();
      reject(quote != '\'' && quote != '"', pos, "expected a string");
      int start = ++pos;
      while (pos < text.length && text[pos] != quote) {
        reject(text[pos] == '\\' || text[pos] == '\n', pos, "unexpected character in a string");
        pos++;
      }
      reject(pos == text.length, start - 1, "string without end");
      reject(pos - start > 64, start - 1, "string too long");
      return new String(text, start, pos++ - start, StandardCharsets.UTF_8);
    }

    private int peek() {
      skipBlanks();
      return pos < text.length ? text[pos] : -1;
    }

    private void expect(char c) throws NpyFormatException {
      reject(peek() != c, pos, "expected '" + c + "'");
      pos++;
    }

    private void skipBlanks() {
      while (pos < text.length && (text[pos] == ' ' || text[pos] == '\n' || text[pos] == '\t')) {
        pos++;
      }
    }

    private void reject(boolean wrong, int where, String reason) throws NpyFormatException {
      if (wrong) {
        throw error(where, reason);
      }
    }

    private NpyFormatException error(int where, String reason) {
      return new NpyFormatException(file, at + where, reason);
    }
  }
}
