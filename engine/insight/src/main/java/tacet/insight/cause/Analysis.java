package tacet.insight.cause;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import tacet.Model;
import tacet.ModelOptions;
import tacet.graph.Graph;
import tacet.insight.cause.Network.Cut;
import tacet.insight.cause.Values.Value;
import tacet.kernels.CountLevel;
import tacet.kernels.DataType;
import tacet.kernels.SparseMode;
import tacet.kernels.ThreadBudget;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * A network watched on images: every value as the model's file has it, on the images themselves and on counterfactual
 * ones. Arithmetic is strict: Winograd's algorithm would leave ±1e-8 where every product is zero, and more infinities where
 * values overflow. Values of one image at a time are held; what is kept are sums.
 */
public final class Analysis implements AutoCloseable {

  /** Images that are altered in all ways; flat regions are textured in every one. */
  private static final int ALTERED_IMAGES = 3;

  private final Network network;
  private final Model model;
  private final TappedRuns tapped;
  private final ThreadBudget budget;
  private final List<Sample> samples;
  private final Map<String, Shape> shapes = new LinkedHashMap<>();
  private final Map<String, ReceptiveField> fields;
  private final Observations original;
  private final Observations altered;
  private final Map<String, ActivationRank> ranks = new HashMap<>();
  private final Map<String, FlatCounts> flatCounts = new HashMap<>();
  private final Set<String> observedWhenAltered = new HashSet<>();
  private final SaturationCounts saturation = new SaturationCounts();
  private final Explanation.Listener listener;
  private long runs;
  private boolean anyFlat;
  private Shape channelsFirstInput;

  private Analysis(
      Graph graph, ModelOptions options, List<Sample> samples, Explanation.Listener listener)
      throws InterruptedException {
    this.listener = listener;
    network = Network.of(graph);
    model =
        Model.of(
            network.graph(),
            options
                .withFuse(false)
                .withStrict(true)
                .withCounts(CountLevel.OFF)
                .withMeasure(false)
                .withSparse(SparseMode.OFF));
    tapped = new TappedRuns(model, network);
    budget = new ThreadBudget(options.threads());
    original = new Observations(network, budget, _ -> true);
    Set<String> unitInputs = new HashSet<>();
    network.cuts().stream()
        .filter(c -> c.units() != null)
        .forEach(c -> unitInputs.add(c.units().input()));
    altered = new Observations(network, budget, unitInputs::contains);
    network.cuts().forEach(c -> observedWhenAltered.add(c.input()));
    observedWhenAltered.addAll(unitInputs);
    this.samples = List.copyOf(samples);
    Map<String, ReceptiveField> found = Map.of();
    boolean done = false;
    try {
      for (int i = 0; i < samples.size(); i++) {
        Values v = run(samples.get(i).tensor());
        if (i == 0) {
          v.floats().forEach((name, x) -> shapes.put(name, x.shape()));
          network.graph().constants().forEach((name, t) -> shapes.putIfAbsent(name, t.shape()));
          found = fields(samples.getFirst());
        }
        watch(i, v, found);
      }
      done = true;
    } finally {
      if (!done) {
        close();
      }
    }
    fields = found;
  }

  /**
   * Runs a network on images and altered images.
   *
   * @param samples at least one; the network has one float32 input
   */
  public static Analysis of(
      Graph graph, ModelOptions options, List<Sample> samples, Explanation.Listener listener)
      throws InterruptedException {
    if (samples.isEmpty()) {
      throw new IllegalArgumentException("nothing to analyse");
    }
    return new Analysis(graph, options, samples, listener);
  }

  private Map<String, ReceptiveField> fields(Sample first) {
    Map<String, Shape> all = new HashMap<>(shapes);
    channelsFirstInput = first.tensor().shape();
    ImageView view = ImageView.of(first, network.graph());
    if (network.graph().channelsLast().contains(inputName())) {
      channelsFirstInput = Shape.of(view.images(), view.channels(), view.height(), view.width());
    }
    all.put(inputName(), channelsFirstInput);
    return first.tensor().shape().rank() == 4 ? ReceptiveField.of(network.graph(), all) : Map.of();
  }

  private void watch(int index, Values v, Map<String, ReceptiveField> known)
      throws InterruptedException {
    Sample sample = samples.get(index);
    ImageView image = ImageView.of(sample, network.graph());
    original.add(v, image, known);
    addRanks(v, false);
    saturation.add(network.graph(), v);
    boolean[][] flat = flatPixels(image);
    boolean hasFlat = count(flat) > 0;
    anyFlat |= hasFlat;
    for (Alteration a : Alteration.values()) {
      boolean texturing = a == Alteration.TEXTURED;
      if (texturing ? hasFlat : index < ALTERED_IMAGES) {
        ImageView other = a.apply(image, flat);
        Values w = run(other.tensor(), observedWhenAltered::contains);
        altered.add(w, other, known);
        addRanks(w, true);
        if (texturing) {
          countFlat(image, v, w, known);
        }
      }
    }
    if (!hasFlat) {
      countFlat(image, v, null, known);
    }
  }

  private void countFlat(
      ImageView image, Values v, Values texturedValues, Map<String, ReceptiveField> known) {
    FlatRegions regions = new FlatRegions(image);
    for (Cut cut : network.cuts()) {
      Value x = v.floats().get(cut.input());
      Value t = texturedValues == null ? null : texturedValues.floats().get(cut.input());
      for (int n = 0; x != null && n < Math.min(x.images(), image.images()); n++) {
        ReceptiveField field = known.get(cut.input());
        boolean[] flat = regions.flat(n, field, x.height(), x.width());
        boolean[] whole = regions.whole(field, x.height(), x.width());
        flatCounts
            .computeIfAbsent(cut.output(), _ -> new FlatCounts(x.channels()))
            .add(cut, n, flat, whole, x, t);
      }
    }
  }

  /**
   * @param few only layers of one position: of those, images alone are too few samples
   */
  private void addRanks(Values v, boolean few) {
    for (Cut cut : network.cuts()) {
      Value x = v.floats().get(cut.input());
      if (x != null && (!few || x.positions() == 1)) {
        ranks.computeIfAbsent(cut.output(), _ -> new ActivationRank(x.channels())).add(x);
      }
    }
  }

  /** Every value of a run. */
  Values run(Tensor input) throws InterruptedException {
    return run(input, _ -> true);
  }

  /** Some values of a run. */
  Values run(Tensor input, Predicate<String> wanted) throws InterruptedException {
    listener.at(Math.min(runs++, mostRuns()), mostRuns());
    return tapped.run(input, network.taps(), wanted);
  }

  /** One value of a run; null where it is not of float32. */
  Value run(Tensor input, String value) throws InterruptedException {
    listener.at(Math.min(runs++, mostRuns()), mostRuns());
    return tapped.run(input, Set.of(value), value::equals).floats().get(value);
  }

  /** Every image as it is, altered and once more to sort its zeros; some prepared in other ways. */
  private long mostRuns() {
    long altered = Math.min(ALTERED_IMAGES, samples.size());
    return 3L * samples.size()
        + altered * (Alteration.values().length - 1)
        + (samples.getFirst().noise() ? 0 : PreprocessingCause.mostRuns(samples.size()));
  }

  static boolean[][] flatPixels(ImageView image) {
    FlatRegions regions = new FlatRegions(image);
    List<boolean[]> flat = new ArrayList<>();
    for (int n = 0; n < image.images(); n++) {
      flat.add(regions.pixels(n));
    }
    return flat.toArray(boolean[][]::new);
  }

  private static long count(boolean[][] flags) {
    long n = 0;
    for (boolean[] row : flags) {
      for (boolean b : row) {
        n += b ? 1 : 0;
      }
    }
    return n;
  }

  String inputName() {
    return network.graph().inputs().getFirst().name();
  }

  /** The network's first output. */
  String outputValue() {
    return network.graph().outputs().getFirst().name();
  }

  /** The layer that makes it. */
  String outputLayer() {
    return network.layer(outputValue());
  }

  SaturationCounts saturation() {
    return saturation;
  }

  Network network() {
    return network;
  }

  ModelOptions options() {
    return model.options();
  }

  List<Sample> samples() {
    return samples;
  }

  /** Images in all samples, which may be batches. */
  int images() {
    int n = 0;
    for (Sample s : samples) {
      n += s.tensor().shape().rank() > 1 ? s.tensor().shape().intDim(0) : 1;
    }
    return n;
  }

  /** Shapes of float values and constants, for the first image. */
  Map<String, Shape> shapes() {
    return shapes;
  }

  /** What a position of a value sees, or null for all of the image. */
  ReceptiveField field(String value) {
    return fields.get(value);
  }

  /** On the images as they are. */
  Observations original() {
    return original;
  }

  /** On all altered images together; of values, those that units read. */
  Observations altered() {
    return altered;
  }

  /** Whether any image has a flat region. */
  boolean anyFlat() {
    return anyFlat;
  }

  /** Zeros of a cut inside and outside flat regions, or null. */
  FlatCounts flatCounts(String output) {
    return flatCounts.get(output);
  }

  /** Whether texture takes enough zeros away somewhere that single zeros must be looked at. */
  boolean needsTexture() {
    return anyFlat
        && flatCounts.values().stream()
            .anyMatch(f -> FlatRegionsCause.isMaterial(f.excess(), f.zerosInside + f.zerosOutside));
  }

  Shape inputShape(String name) {
    return name.equals(inputName()) ? channelsFirstInput : shapes.get(name);
  }

  ActivationRank rank(String output) {
    return ranks.get(output);
  }

  /** Float32 values with elements, in the order of the network. */
  List<String> values() {
    List<String> values = new ArrayList<>();
    for (String v : network.layersByValue().keySet()) {
      Shape s = shapes.get(v);
      if (s != null
          && s.elements() > 0
          && original.channels().containsKey(v)
          && !network.graph().constants().containsKey(v)) {
        values.add(v);
      }
    }
    return values;
  }

  /** Elements of what each layer puts out, on all images. */
  Map<String, Long> elementsByLayer() {
    Map<String, Long> elements = new HashMap<>();
    for (String v : values()) {
      elements.put(network.layer(v), original.channels().get(v).elements());
    }
    return elements;
  }

  /** Constants of a type that counts as weights. */
  static boolean isFloat(Tensor t) {
    return t != null && t.type() == DataType.FLOAT32;
  }

  @Override
  public void close() {
    tapped.close();
    model.close();
    budget.close();
  }
}
