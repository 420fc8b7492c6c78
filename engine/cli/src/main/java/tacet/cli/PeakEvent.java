package tacet.cli;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

@Name("tacet.Peak")
@Label("Peak")
@Description("What the machine's multiply-adds reach at best, measured before the recording began")
@Category("Tacet")
@StackTrace(false)
final class PeakEvent extends Event {

  @Label("GFLOP/s")
  double gflops;

  @Label("Threads")
  int threads;
}
