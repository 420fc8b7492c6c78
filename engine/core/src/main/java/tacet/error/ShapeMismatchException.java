package tacet.error;

/** Shapes that do not fit together. */
public final class ShapeMismatchException extends TacetException {
  private static final long serialVersionUID = 1L;

  /**
   * @param where node or input name
   * @param expected the shape or relation that must hold
   * @param got what was given
   */
  public ShapeMismatchException(String where, String expected, String got) {
    super(where + ": expected " + expected + ", got " + got, null);
  }
}
