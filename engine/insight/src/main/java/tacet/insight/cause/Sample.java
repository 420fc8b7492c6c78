package tacet.insight.cause;

import tacet.insight.image.Normalization;
import tacet.tensor.Tensor;

/**
 * An input of the network to be explained.
 *
 * @param name where it came from
 * @param tensor in the model's own layout
 * @param normalization how pixels became its values, or null where that is not known
 * @param noise whether it stands for no image at all: then how images are prepared is no question
 */
public record Sample(String name, Tensor tensor, Normalization normalization, boolean noise) {

  /** An image. */
  public Sample(String name, Tensor tensor, Normalization normalization) {
    this(name, tensor, normalization, false);
  }
}
