package tacet;

import java.util.Map;
import java.util.NoSuchElementException;
import tacet.profile.SparsityProfile;
import tacet.tensor.Tensor;

/**
 * What a run gave. Independent of the model: it stays valid after {@link Model#close}.
 *
 * @param outputs the model's outputs and the tapped values by name, in the model's own layout
 * @param profile zeros and times layer by layer
 */
public record Result(Map<String, Tensor> outputs, SparsityProfile profile) {

  /** The first of the model's outputs. */
  public Tensor output() {
    return outputs.values().iterator().next();
  }

  /**
   * @throws NoSuchElementException where the run returned no such value
   */
  public Tensor output(String name) {
    Tensor t = outputs.get(name);
    if (t == null) {
      throw new NoSuchElementException("no output '" + name + "'; there are " + outputs.keySet());
    }
    return t;
  }
}
