package tacet.jfr;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Percentage;
import jdk.jfr.Period;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

@Name("tacet.LayerSummary")
@Label("Layer Summary")
@Description("Exact totals of a layer over all runs that any recording saw")
@Category("Tacet")
@StackTrace(false)
@Period("everyChunk")
final class LayerSummaryEvent extends Event {

  @Label("Layer")
  String layer;

  @Label("Operator")
  String op;

  @Label("Output Shape")
  String outputShape;

  @Label("Kernel")
  String kernel;

  @Label("Backend")
  String backend;

  @Label("Runs")
  long runs;

  @Label("Total Time")
  @Timespan(Timespan.NANOSECONDS)
  long totalTime;

  @Label("Multiply-Adds")
  @Description("Of all runs")
  long multiplyAdds;

  @Label("Skipped")
  @Description("Multiply-adds of all runs left out because an input was zero")
  long skipped;

  @Label("Elements")
  @Description("Of all runs")
  long elements;

  @Label("Zeros")
  @Description("Of all runs")
  long zeros;

  @Label("Zero Fraction")
  @Percentage
  float zeroFraction;

  @Label("Near Zeros")
  @Description("Of all runs")
  long nearZeros;

  @Label("Model")
  String model;

  @Label("Plan")
  @Description("Tells plans of one model for different input shapes apart")
  long plan;
}
