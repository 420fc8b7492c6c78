package tacet.error;

/** More memory than the caller allows; nothing was allocated. */
public final class MemoryLimitException extends TacetException {
  private static final long serialVersionUID = 1L;

  private final long requested;
  private final long used;
  private final long limit;

  /**
   * @param requested bytes asked for
   * @param used bytes in use already
   * @param limit bytes allowed
   */
  public MemoryLimitException(long requested, long used, long limit) {
    super(
        "needs "
            + requested
            + " bytes beside the "
            + used
            + " in use, which is more than the "
            + limit
            + " allowed",
        null);
    this.requested = requested;
    this.used = used;
    this.limit = limit;
  }

  public long requested() {
    return requested;
  }

  public long used() {
    return used;
  }

  public long limit() {
    return limit;
  }
}
