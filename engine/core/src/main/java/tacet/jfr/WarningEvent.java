package tacet.jfr;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

@Name("tacet.Warning")
@Label("Warning")
@Description("Something that makes inference slower or different from what was asked for")
@Category("Tacet")
@StackTrace(false)
final class WarningEvent extends Event {

  @Label("Message")
  String message;

  static void commit(String message) {
    WarningEvent e = new WarningEvent();
    e.message = message;
    e.commit();
  }
}
