package tacet.jfr;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** Reading a model file. */
@Name("tacet.ModelLoad")
@Label("Model Load")
@Description("A model file was read and checked")
@Category("Tacet")
@StackTrace(false)
public final class ModelLoadEvent extends Event {

  @Label("Model")
  @Description("File or name the network came from")
  String model;

  @Label("Format")
  String format;

  @Label("Nodes")
  @Description("Operations of the network")
  int nodes;

  @Label("Weights")
  @Description("Weights and other constants in the file")
  @DataAmount
  long weights;

  /** A load that starts now. */
  public static ModelLoadEvent started() {
    ModelLoadEvent e = new ModelLoadEvent();
    e.begin();
    return e;
  }

  /** The load is done. */
  public void finished(String source, String readBy, int operations, long bytes) {
    end();
    if (shouldCommit()) {
      model = source;
      format = readBy;
      nodes = operations;
      weights = bytes;
      commit();
    }
  }
}
