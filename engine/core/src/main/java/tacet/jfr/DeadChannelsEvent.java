package tacet.jfr;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Period;
import jdk.jfr.StackTrace;

@Name("tacet.DeadChannels")
@Label("Dead Channels")
@Description("A layer some of whose channels were zero everywhere in every run so far")
@Category("Tacet")
@StackTrace(false)
@Period("everyChunk")
final class DeadChannelsEvent extends Event {

  @Label("Layer")
  String layer;

  @Label("Operator")
  String op;

  @Label("Dead")
  @Description("Channels that were never anything but zero")
  int dead;

  @Label("Channels")
  int channels;

  @Label("Runs")
  long runs;

  @Label("First Dead Channels")
  @Description("Numbers of the first of them, from 0")
  String first;

  @Label("Model")
  String model;
}
