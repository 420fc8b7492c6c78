package tacet.jfr;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Percentage;
import jdk.jfr.StackTrace;

@Name("tacet.Layer")
@Label("Layer")
@Description(
    "One layer of one run; layers that a kernel computes along with another have no time of their"
        + " own")
@Category("Tacet")
@StackTrace(false)
@Enabled(false)
final class LayerEvent extends Event {

  @Label("Layer")
  String layer;

  @Label("Operator")
  String op;

  @Label("Input Shape")
  String inputShape;

  @Label("Output Shape")
  String outputShape;

  @Label("Kernel")
  String kernel;

  @Label("Backend")
  String backend;

  @Label("Multiply-Adds")
  @Description("By the operator's definition; 0 where it has none")
  long multiplyAdds;

  @Label("Skipped")
  @Description("Multiply-adds left out because an input was zero")
  long skipped;

  @Label("GFLOP/s")
  @Description("Two operations per multiply-add of the definition, over the layer's time")
  float gflops;

  @Label("Elements")
  @Description("Elements of the layer's value; 0 where it is never formed or not counted")
  long elements;

  @Label("Zeros")
  long zeros;

  @Label("Zero Fraction")
  @Percentage
  float zeroFraction;

  @Label("Near Zeros")
  @Description("Elements whose magnitude is below the threshold")
  long nearZeros;

  @Label("Bytes")
  @Description("Size of the layer's value")
  @DataAmount
  long bytes;

  @Label("Model")
  String model;
}
