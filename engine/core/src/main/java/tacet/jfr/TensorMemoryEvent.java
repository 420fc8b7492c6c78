package tacet.jfr;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Period;
import jdk.jfr.StackTrace;

@Name("tacet.TensorMemory")
@Label("Tensor Memory")
@Description("Native memory of a model that has run since the recording began")
@Category("Tacet")
@StackTrace(false)
@Period("everyChunk")
final class TensorMemoryEvent extends Event {

  @Label("Model")
  String model;

  @Label("In Use")
  @Description(
      "Copied constants, packed weights and workspaces, over all input shapes and sessions")
  @DataAmount
  long inUse;

  @Label("Highest")
  @Description("Most that was in use at any time")
  @DataAmount
  long highest;

  @Label("Limit")
  @Description("Most the model may hold; the largest long where there is no limit")
  @DataAmount
  long limit;
}
