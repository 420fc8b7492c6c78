package tacet.insight.npy;

/** Element types of {@code .npy} files that Tacet reads and writes. */
public enum NpyType {
  BOOL('b', 1),
  INT8('i', 1),
  INT16('i', 2),
  INT32('i', 4),
  INT64('i', 8),
  UINT8('u', 1),
  UINT16('u', 2),
  UINT32('u', 4),
  UINT64('u', 8),
  FLOAT16('f', 2),
  FLOAT32('f', 4),
  FLOAT64('f', 8);

  private final char kind;
  private final int bytes;

  NpyType(char kind, int bytes) {
    this.kind = kind;
    this.bytes = bytes;
  }

  /** Bytes per element. */
  public int bytes() {
    return bytes;
  }

  /** NumPy's name of the type in little-endian order, such as {@code <f4} or {@code |u1}. */
  public String descr() {
    return (bytes == 1 ? "|" : "<") + kind + bytes;
  }

  /** The type with this kind letter and size, or {@code null} where there is none. */
  static NpyType of(char kind, int bytes) {
    for (NpyType type : values()) {
      if (type.kind == kind && type.bytes == bytes) {
        return type;
      }
    }
    return null;
  }
}
