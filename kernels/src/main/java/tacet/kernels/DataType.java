package tacet.kernels;

/** Element types of tensors. Networks compute in {@link #FLOAT32}; the others hold indices, shapes and converted weights. */
public enum DataType {
  FLOAT32(4, true),
  FLOAT64(8, true),
  FLOAT16(2, true),
  BFLOAT16(2, true),
  INT8(1, false),
  INT16(2, false),
  INT32(4, false),
  INT64(8, false),
  UINT8(1, false),
  UINT16(2, false),
  UINT32(4, false),
  UINT64(8, false),
  BOOL(1, false);

  private final int bytes;
  private final boolean floating;

  DataType(int bytes, boolean floating) {
    this.bytes = bytes;
    this.floating = floating;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Whether the type holds fractions. */
  public boolean isFloating() {
    return floating;
  }
}
