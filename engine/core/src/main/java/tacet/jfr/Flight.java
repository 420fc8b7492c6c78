package tacet.jfr;

import jdk.jfr.FlightRecorder;

/**
 * The door to JDK Flight Recorder. Works without the module {@code jdk.jfr}: the event classes are not touched before
 * {@link #isRecording} has been true.
 */
public final class Flight {

  private static final boolean PRESENT =
      ModuleLayer.boot()
          .findModule("jdk.jfr")
          .filter(jfr -> Flight.class.getModule().canRead(jfr))
          .isPresent();

  private Flight() {}

  /** Whether Flight Recorder has been started in this VM: some event may be wanted. */
  public static boolean isRecording() {
    return PRESENT && FlightRecorder.isInitialized();
  }

  /** Something the user should know of, said to the log as well. */
  public static void warning(String message) {
    if (isRecording()) {
      WarningEvent.commit(message);
    }
  }
}
