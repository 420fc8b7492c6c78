package tacet.error;

/** A model file that is not what its format says: truncated, inconsistent, or no such file at all. */
public final class ModelFormatException extends TacetException {
  private static final long serialVersionUID = 1L;

  /**
   * @param file the file's path
   * @param place byte offset ({@code "byte 1234"}) or node ({@code "node conv1 (Conv)"}); empty where neither is known
   * @param expected what was expected, and what was found
   */
  public ModelFormatException(String file, String place, String expected) {
    this(file, place, expected, null);
  }

  public ModelFormatException(String file, String place, String expected, Throwable cause) {
    super(file + (place.isEmpty() ? "" : ": " + place) + ": " + expected, cause);
  }
}
