package tacet.jfr;

import jdk.jfr.Category;
import jdk.jfr.Contextual;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** One run of a network. Other events of its thread and time are shown with the model it ran. */
@Name("tacet.Inference")
@Label("Inference")
@Description("One run of a network, waiting for threads included")
@Category("Tacet")
@StackTrace(false)
public final class InferenceEvent extends Event {

  @Label("Model")
  @Contextual
  String model;

  @Label("Waited")
  @Description("Time until a share of the thread budget came free")
  @Timespan(Timespan.NANOSECONDS)
  long waited;

  @Label("Threads")
  @Description("Threads that worked on it, the caller's included")
  int threads;

  @Label("Multiply-Adds")
  @Description("By the operators' definitions")
  long multiplyAdds;

  @Label("Completed")
  @Description("Whether it gave a result; otherwise it was interrupted, out of time or failed")
  boolean completed;

  /** A run that starts now; null where nobody listens. */
  public static InferenceEvent started(String network) {
    InferenceEvent e = new InferenceEvent();
    if (!e.isEnabled()) {
      return null;
    }
    // Before the end, so that events in between are shown with it.
    e.model = network;
    e.begin();
    return e;
  }

  /** Has its threads. */
  public void working(int team, long waitedNanos) {
    threads = team;
    waited = waitedNanos;
  }

  /** The run has given its result. */
  public void done(long work) {
    multiplyAdds = work;
    completed = true;
  }

  /** The run is over, with a result or without. */
  public void over() {
    end();
    commit();
  }
}
