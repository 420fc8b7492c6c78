package tacet.onnx;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Damages protobuf messages: blindly, and so that their structure stays whole. */
final class Mutator {

  private static final long[] NUMBERS = {
    0,
    1,
    2,
    3,
    7,
    8,
    13,
    127,
    128,
    255,
    1 << 16,
    1 << 20,
    1 << 24,
    Integer.MAX_VALUE,
    1L << 31,
    1L << 32,
    1L << 40,
    1L << 62,
    Long.MAX_VALUE,
    -1,
    -2,
    -3,
    -128,
    Integer.MIN_VALUE,
    Long.MIN_VALUE
  };

  private static final float[] REALS = {
    0f,
    -0f,
    1f,
    -1f,
    0.5f,
    3f,
    1e-45f,
    1e9f,
    3e38f,
    Float.POSITIVE_INFINITY,
    Float.NEGATIVE_INFINITY,
    Float.NaN
  };

  /** One field of a message; one of {@code children} and {@code bytes} where it is a message or bytes. */
  private static final class Field {
    int number;
    int encoding;
    long value;
    byte[] bytes;
    List<Field> children;
  }

  private final Random random;
  private final List<byte[]> samples;

  Mutator(long seed, List<byte[]> samples) {
    this.random = new Random(seed);
    this.samples = samples;
  }

  byte[] next() {
    byte[] bytes = samples.get(random.nextInt(samples.size())).clone();
    int changes = 1 + random.nextInt(3);
    for (int i = 0; i < changes; i++) {
      bytes = random.nextInt(3) == 0 ? blind(bytes) : structured(bytes);
    }
    return bytes;
  }

  private byte[] blind(byte[] in) {
    if (in.length == 0) {
      return in;
    }
    byte[] b = in.clone();
    int at = random.nextInt(b.length);
    switch (random.nextInt(5)) {
      case 0 -> b[at] ^= (byte) (1 << random.nextInt(8));
      case 1 -> b[at] = (byte) random.nextInt(256);
      case 2 -> {
        return Arrays.copyOf(b, at);
      }
      case 3 -> {
        byte[] other = samples.get(random.nextInt(samples.size()));
        int from = random.nextInt(other.length);
        int count = Math.min(random.nextInt(64), other.length - from);
        return join(
            Arrays.copyOf(b, at), Arrays.copyOfRange(other, from, from + count), rest(b, at));
      }
      default -> {
        ByteArrayOutputStream varint = new ByteArrayOutputStream();
        varint(varint, NUMBERS[random.nextInt(NUMBERS.length)]);
        return join(Arrays.copyOf(b, at), varint.toByteArray(), rest(b, at + 1));
      }
    }
    return b;
  }

  private static byte[] rest(byte[] b, int from) {
    return Arrays.copyOfRange(b, from, b.length);
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] p : parts) {
      out.writeBytes(p);
    }
    return out.toByteArray();
  }

  private byte[] structured(byte[] in) {
    List<Field> message = parse(in, 0, in.length, 0);
    if (message == null || message.isEmpty()) {
      return blind(in);
    }
    List<List<Field>> owners = new ArrayList<>();
    List<Field> fields = new ArrayList<>();
    collect(message, owners, fields);
    int i = random.nextInt(fields.size());
    change(owners.get(i), fields.get(i), fields);
    return encode(message);
  }

  private void change(List<Field> owner, Field f, List<Field> all) {
    switch (random.nextInt(8)) {
      case 0 -> owner.remove(f);
      case 1 -> owner.add(random.nextInt(owner.size() + 1), f);
      case 2 -> {
        Field other = all.get(random.nextInt(all.size()));
        f.bytes = other.bytes;
        f.children = other == f ? f.children : copy(other.children);
        f.value = other.value;
        f.encoding = other.encoding;
      }
      case 3 -> f.number = 1 + random.nextInt(26);
      default -> value(f);
    }
  }

  private void value(Field f) {
    switch (f.encoding) {
      case 0 -> f.value = NUMBERS[random.nextInt(NUMBERS.length)];
      case 5 -> f.value = Float.floatToIntBits(REALS[random.nextInt(REALS.length)]);
      case 1 -> f.value = random.nextLong();
      default -> {
        if (f.children != null || f.bytes.length == 0) {
          return;
        }
        f.bytes = f.bytes.clone();
        int at = random.nextInt(f.bytes.length);
        long v =
            f.bytes.length % 8 == 0 && random.nextBoolean()
                ? NUMBERS[random.nextInt(NUMBERS.length)]
                : Float.floatToIntBits(REALS[random.nextInt(REALS.length)]);
        int size = f.bytes.length % 8 == 0 ? 8 : f.bytes.length % 4 == 0 ? 4 : 1;
        at -= at % size;
        for (int k = 0; k < size; k++) {
          f.bytes[at + k] = (byte) (v >>> 8 * k);
        }
      }
    }
  }

  private static List<Field> copy(List<Field> fields) {
    if (fields == null) {
      return null;
    }
    List<Field> out = new ArrayList<>();
    for (Field f : fields) {
      Field c = new Field();
      c.number = f.number;
      c.encoding = f.encoding;
      c.value = f.value;
      c.bytes = f.bytes;
      c.children = copy(f.children);
      out.add(c);
    }
    return out;
  }

  private static void collect(List<Field> message, List<List<Field>> owners, List<Field> fields) {
    for (Field f : message) {
      owners.add(message);
      fields.add(f);
      if (f.children != null) {
        collect(f.children, owners, fields);
      }
    }
  }

  /** Null where the bytes are no message. */
  private static List<Field> parse(byte[] b, int from, int to, int depth) {
    List<Field> out = new ArrayList<>();
    int[] at = {from};
    while (at[0] < to) {
      long tag = varint(b, at, to);
      Field f = new Field();
      f.number = (int) (tag >>> 3);
      f.encoding = (int) tag & 7;
      if (tag < 8 || f.number > 40) {
        return null;
      }
      switch (f.encoding) {
        case 0 -> f.value = varint(b, at, to);
        case 1, 5 -> {
          int size = f.encoding == 1 ? 8 : 4;
          if (at[0] + size > to) {
            return null;
          }
          for (int i = 0; i < size; i++) {
            f.value |= (b[at[0]++] & 0xFFL) << 8 * i;
          }
        }
        case 2 -> {
          long length = varint(b, at, to);
          if (length < 0 || length > to - at[0]) {
            return null;
          }
          int end = at[0] + (int) length;
          f.bytes = Arrays.copyOfRange(b, at[0], end);
          f.children = depth < 8 && length > 1 ? parse(b, at[0], end, depth + 1) : null;
          at[0] = end;
        }
        default -> {
          return null;
        }
      }
      if (at[0] < 0) {
        return null;
      }
      out.add(f);
    }
    return out;
  }

  private static long varint(byte[] b, int[] at, int to) {
    long v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at[0] < 0 || at[0] >= to) {
        at[0] = Integer.MIN_VALUE;
        return -1;
      }
      byte x = b[at[0]++];
      v |= (x & 0x7FL) << shift;
      if (x >= 0) {
        return v;
      }
    }
    return v;
  }

  private static void varint(ByteArrayOutputStream out, long v) {
    long rest = v;
    while ((rest & ~0x7FL) != 0) {
      out.write((int) (rest & 0x7F | 0x80));
      rest >>>= 7;
    }
    out.write((int) rest);
  }

  private static byte[] encode(List<Field> message) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (Field f : message) {
      varint(out, (long) f.number << 3 | f.encoding);
      switch (f.encoding) {
        case 0 -> varint(out, f.value);
        case 1, 5 -> {
          for (int i = 0; i < (f.encoding == 1 ? 8 : 4); i++) {
            out.write((int) (f.value >>> 8 * i));
          }
        }
        default -> {
          byte[] body = f.children != null ? encode(f.children) : f.bytes;
          varint(out, body.length);
          out.writeBytes(body);
        }
      }
    }
    return out.toByteArray();
  }
}
