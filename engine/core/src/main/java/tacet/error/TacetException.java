package tacet.error;

/** The root of what Tacet throws about models and data; the caller's own mistakes are {@code IllegalArgument…}. */
public abstract class TacetException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  protected TacetException(String message, Throwable cause) {
    super(message, cause);
  }
}
