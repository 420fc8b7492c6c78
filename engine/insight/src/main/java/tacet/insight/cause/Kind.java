package tacet.insight.cause;

/**
 * The causes among which the zeros of a layer are divided, most specific first. Each zero has exactly one: the first that
 * applies. Where a zero is handed on from several others (a pooling window), it has the least specific of theirs.
 */
enum Kind {
  PREPROCESSING("preprocessing"),
  FLAT_REGIONS("flat-regions"),
  SMALL_WEIGHTS("small-weights"),
  BIAS("bias"),
  BOTTLENECK("bottleneck"),
  DEAD_UNITS("dead-units"),
  SATURATION("saturation"),
  RELU("relu"),
  UNEXPLAINED("unexplained");

  private final String label;

  Kind(String label) {
    this.label = label;
  }

  /** The cause's name in findings. */
  String label() {
    return label;
  }

  /** 0 stands for "not zero". */
  byte code() {
    return (byte) (ordinal() + 1);
  }

  static Kind of(int code) {
    return values()[code - 1];
  }
}
