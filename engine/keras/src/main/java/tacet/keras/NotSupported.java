package tacet.keras;

/** Something that Tacet does not have; collected with all others of the model. */
final class NotSupported extends Exception {
  private static final long serialVersionUID = 1L;

  NotSupported(String reason) {
    super(reason);
  }
}
