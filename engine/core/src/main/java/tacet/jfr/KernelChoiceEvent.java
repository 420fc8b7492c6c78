package tacet.jfr;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

@Name("tacet.KernelChoice")
@Label("Kernel Choice")
@Description("How a layer will be computed, decided when a plan is made for inputs of a new shape")
@Category("Tacet")
@StackTrace(false)
final class KernelChoiceEvent extends Event {

  @Label("Layer")
  String layer;

  @Label("Operator")
  String op;

  @Label("Output Shape")
  String outputShape;

  @Label("Kernel")
  String kernel;

  @Label("Backend")
  @Description("Provider of the kernel")
  String backend;

  @Label("Reason")
  String reason;

  @Label("Model")
  String model;
}
