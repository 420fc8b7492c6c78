package tacet.insight.survey;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A network over many images.
 *
 * @param model name of the network
 * @param images that were run
 * @param broken files that could not be read, with the reason; in the order of their names
 * @param complete whether every file was reached
 * @param layers in the order of the network; empty before the first image
 */
public record Survey(
    String model, long images, List<Broken> broken, boolean complete, List<LayerSurvey> layers) {

  /** A file that is no image, or not one the network takes. */
  public record Broken(String file, String reason) {}

  public Survey {
    broken =
        broken.stream()
            .sorted(Comparator.comparing(Broken::file).thenComparing(Broken::reason))
            .toList();
    layers = List.copyOf(layers);
  }

  /** Nothing yet. */
  public static Survey empty(String model) {
    return new Survey(model, 0, List.of(), true, List.of());
  }

  /**
   * Both together; the order does not matter.
   *
   * @throws IllegalArgumentException where the networks or the sizes of their inputs differ
   */
  public Survey plus(Survey o) {
    List<Broken> allBroken = new ArrayList<>(broken);
    allBroken.addAll(o.broken);
    List<LayerSurvey> sum = new ArrayList<>();
    if (layers.isEmpty() || o.layers.isEmpty()) {
      sum.addAll(layers.isEmpty() ? o.layers : layers);
    } else {
      if (layers.size() != o.layers.size()) {
        throw new IllegalArgumentException("surveys of different networks");
      }
      for (int i = 0; i < layers.size(); i++) {
        sum.add(layers.get(i).plus(o.layers.get(i)));
      }
    }
    return new Survey(model, images + o.images, allBroken, complete && o.complete, sum);
  }

  /** The same, ended before every file was reached. */
  public Survey incomplete() {
    return new Survey(model, images, broken, false, layers);
  }

  /** Upper end of the 95 % interval of the rate at which a unit fires that did so on no image (rule of three). */
  public double silentRateBound() {
    return images == 0 ? 1 : 1 - Math.pow(0.05, 1.0 / images);
  }
}
