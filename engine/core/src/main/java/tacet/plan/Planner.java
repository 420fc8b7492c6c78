package tacet.plan;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.function.Function;
import tacet.graph.Graph;
import tacet.graph.Node;
import tacet.graph.Node.Layer;
import tacet.graph.Node.Role;
import tacet.graph.Op;
import tacet.kernels.Activation;
import tacet.kernels.ConvSpec;
import tacet.kernels.CountLevel;
import tacet.kernels.DataType;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider;
import tacet.kernels.KernelProvider.Choice;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.KernelProvider.Needs;
import tacet.kernels.LrnSpec;
import tacet.kernels.PointwiseSpec;
import tacet.kernels.PointwiseSpec.Second;
import tacet.kernels.PoolSpec;
import tacet.kernels.SoftmaxSpec;
import tacet.kernels.SparseMode;
import tacet.kernels.pack.Reorder;
import tacet.plan.Plan.CountSource;
import tacet.plan.Plan.PlannedLayer;
import tacet.reference.TensorType;
import tacet.reference.Windows;
import tacet.reference.Windows.ResolvedWindow;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * Makes a {@link Plan} of a graph whose shapes are all known: decides where every value lies, which kernel computes each
 * node, and where each buffer is. Float32 images stay in the providers' blocked layout from kernel to kernel; what no
 * kernel takes is computed row-major by the reference implementation.
 */
final class Planner {

  /** A place within the concatenated image for one of its parts. */
  private record Slice(String whole, int firstChannel) {}

  private static final List<Integer> TO_CHANNELS_LAST = List.of(0, 2, 3, 1);
  private static final List<Integer> TO_CHANNELS_FIRST = List.of(0, 3, 1, 2);

  private final Graph graph;
  private final Map<String, TensorType> types;
  private final List<KernelProvider> providers;

  /** Does what other providers leave to it, and copies; null where the reference implementation is alone. */
  private final KernelProvider simd;

  /** Decides between providers per node; null where their order decides. */
  private final Race race;

  private final PlanOptions options;
  private final Arena weights;

  private final List<Step> steps = new ArrayList<>();
  private final List<Integer> countChannels = new ArrayList<>();
  private final List<Buffer> buffers = new ArrayList<>();
  private final Map<String, Placement> places = new HashMap<>();
  private final Map<String, Placement.Plain> plainCopies = new HashMap<>();
  private final Map<String, Placement.Image> imageCopies = new HashMap<>();
  private final Map<String, Slice> slices = new HashMap<>();
  private final Map<String, Halo> halos = new HashMap<>();
  private final Map<String, String> aliases = new HashMap<>();

  private final Map<String, CountSource> counted = new HashMap<>();
  private final Map<String, CountSource> countedBefore = new HashMap<>();
  private final List<PlannedLayer> layers = new ArrayList<>();
  private final List<Plan.Preset> presets = new ArrayList<>();
  private final Map<String, Placement.Image> constantImages = new HashMap<>();
  private final Calibration calibration;
  private long scratch;
  private int details;

  Planner(
      Graph graph,
      Map<String, TensorType> types,
      List<KernelProvider> providers,
      PlanOptions options,
      Arena weights) {
    this.graph = graph;
    this.types = types;
    this.providers = providers;
    this.simd = providers.isEmpty() ? null : Providers.simd(providers);
    this.race =
        providers.size() > 1 && providers.getFirst() == simd
            ? new Race(simd, providers.getLast(), options)
            : null;
    this.options = options;
    this.weights = weights;
    this.calibration = new Calibration(options.measureNanos());
  }

  Plan plan(Set<String> wanted) {
    for (var input : graph.inputs()) {
      TensorType t = types.get(input.name());
      Placement.Plain place = plain(t);
      // Kept to the end, so that a session may run again on the same input.
      place.buffer().usedAt(Integer.MAX_VALUE);
      places.put(input.name(), place);
    }
    findAliases();
    if (!providers.isEmpty()) {
      findSlices();
      findHalos();
    }
    for (Node n : graph.nodes()) {
      int firstStep = steps.size();
      Outcome outcome = place(n);
      int endStep = steps.size();
      describe(n, outcome, firstStep, endStep, lookClosely(n));
    }
    Map<String, Placement> wantedPlaces = new LinkedHashMap<>();
    for (String w : wanted) {
      Placement p = places.get(w);
      boolean twice =
          p instanceof Placement.Image i && i.channelsLast() && graph.channelsLast().contains(w);
      if (p instanceof Placement.Flattened || twice) {
        p = plainOf(w);
      }
      if (p != null) {
        p.buffer().usedAt(Integer.MAX_VALUE);
        wantedPlaces.put(w, p);
      }
    }
    if (race != null) {
      race.remember();
    }
    long scratchOffset = assignOffsets();
    List<Door> outputs = new ArrayList<>();
    for (String w : wanted) {
      boolean last = graph.channelsLast().contains(w);
      Tensor constant = graph.constants().get(w);
      outputs.add(
          constant != null
              ? Door.of(w, constant, last)
              : Door.of(w, wantedPlaces.get(w), types.get(w), last));
    }
    Map<String, Placement.Plain> inputs = new LinkedHashMap<>();
    graph.inputs().forEach(i -> inputs.put(i.name(), (Placement.Plain) places.get(i.name())));
    return new Plan(
        List.copyOf(steps),
        countChannels.stream().mapToInt(Integer::intValue).toArray(),
        details,
        scratchOffset + scratch,
        inputs,
        outputs,
        graph.source(),
        layers,
        presets,
        scratchOffset,
        options);
  }

  // ---------------------------------------------------------------- what is known before placing

  private void findAliases() {
    for (Node n : graph.nodes()) {
      boolean alias =
          switch (n.op()) {
            case Op.Identity _ -> !n.hasOutput(1);
            case Op.Transpose t ->
                t.permutation().equals(TO_CHANNELS_LAST)
                    || t.permutation().equals(TO_CHANNELS_FIRST);
            default -> false;
          };
      if (alias && isFloat(n.input(0))) {
        aliases.put(n.output(0), home(n.input(0)));
      }
    }
  }

  private String home(String value) {
    return aliases.getOrDefault(value, value);
  }

  /** Parts of a concatenation that their makers can write in place: all but the last must fill whole blocks. */
  private void findSlices() {
    Map<String, Node> producers = graph.producers();
    int lanes = simd.lanes();
    for (Node n : graph.nodes()) {
      if (!(n.op() instanceof Op.Concat) || channelAxis(n) != 1 || !fillsBlocks(n, lanes)) {
        continue;
      }
      int channel = 0;
      for (String part : n.inputs()) {
        Node maker = producers.get(part);
        if (maker != null
            && !slices.containsKey(part)
            && !aliases.containsKey(part)
            && makesImages(maker)
            && n.inputs().indexOf(part) == n.inputs().lastIndexOf(part)) {
          slices.put(part, new Slice(n.output(0), channel));
        }
        channel += types.get(part).shape().intDim(1);
      }
    }
  }

  private int channelAxis(Node concat) {
    TensorType t = types.get(concat.output(0));
    if (t.type() != DataType.FLOAT32 || t.shape().rank() != 4 || t.shape().elements() == 0) {
      return -1;
    }
    int axis = ((Op.Concat) concat.op()).axis();
    return axis < 0 ? axis + 4 : axis;
  }

  private boolean fillsBlocks(Node concat, int lanes) {
    for (int i = 0; i < concat.inputs().size() - 1; i++) {
      if (types.get(concat.input(i)).shape().dim(1) % lanes != 0) {
        return false;
      }
    }
    return true;
  }

  private boolean makesImages(Node n) {
    return switch (n.op()) {
      case Op.Conv _ -> convSpec(n) != null;
      case Op.Pool p -> p.kind() != Op.PoolKind.LP && !n.hasOutput(1) && isImage(n.input(0));
      case Op.Concat _ -> channelAxis(n) == 1 && fillsBlocks(n, simd.lanes());
      default -> false;
    };
  }

  private void findHalos() {
    for (Node n : graph.nodes()) {
      ConvSpec spec = n.op() instanceof Op.Conv ? convSpec(n) : null;
      if (spec != null) {
        Halo halo = candidates(spec).getFirst().needs(spec).halo();
        halos.merge(root(home(n.input(0))), halo, Halo::union);
      }
    }
  }

  /** The outermost concatenation that a value is written into, or the value itself. */
  private String root(String value) {
    Slice s = slices.get(value);
    return s == null ? value : root(s.whole);
  }

  // ---------------------------------------------------------------- nodes

  /**
   * How a node is computed.
   *
   * @param kernel name for people
   * @param backend provider
   * @param reason why
   * @param multiplyAdds by definition
   */
  private record Outcome(String kernel, String backend, String reason, long multiplyAdds) {}

  private Outcome place(Node n) {
    String declined = "no SIMD kernel for " + n.op().type();
    if (!providers.isEmpty() || n.op() instanceof Op.Identity) {
      Object tried =
          switch (n.op()) {
            case Op.Identity _ -> identity(n);
            case Op.Transpose _ -> transpose(n);
            case Op.Flatten _, Op.Reshape _ -> flatten(n);
            case Op.Conv _ -> convolution(n);
            case Op.Gemm _, Op.MatMul _ -> dense(n);
            case Op.Pool p -> pool(n, p);
            case Op.GlobalPool p -> globalPool(n, p.kind() == Op.PoolKind.MAX, p.kind());
            case Op.BatchNormalization b -> batchNormalization(n, b);
            case Op.Unary u -> unary(n, u.function());
            case Op.PRelu _ -> pointwise(n, PointwiseSpec.Op.PRELU, Activation.IDENTITY);
            case Op.Elementwise e -> elementwise(n, e);
            case Op.Concat _ -> concat(n);
            case Op.Lrn l -> localResponse(n, l);
            case Op.Softmax s -> softmax(n, s);
            default -> null;
          };
      if (tried instanceof Outcome done) {
        return done;
      }
      if (tried instanceof String reason) {
        declined = reason;
      }
    }
    return reference(n, providers.isEmpty() ? "the scalar backend was asked for" : declined);
  }

  private Object identity(Node n) {
    if (!places.containsKey(n.input(0)) || n.hasOutput(1)) {
      return null;
    }
    return alias(n, places.get(n.input(0)));
  }

  private Outcome alias(Node n, Placement p) {
    places.put(n.output(0), p);
    String in = n.input(0);
    if (counted.containsKey(in)) {
      counted.put(n.output(0), counted.get(in));
    }
    return new Outcome("view", "none", "the same memory", 0);
  }

  private Object transpose(Node n) {
    if (!aliases.containsKey(n.output(0)) || types.get(n.input(0)).shape().rank() != 4) {
      return null;
    }
    boolean toLast = ((Op.Transpose) n.op()).permutation().equals(TO_CHANNELS_LAST);
    Placement p = places.get(n.input(0));
    if (p instanceof Placement.Image image && image.channelsLast() != toLast) {
      return alias(n, image.seen(toLast));
    }
    if (p instanceof Placement.Plain plain && !toLast) {
      Shape s = plain.shape();
      ImageLayout layout = Reorder.channelsLast(s.intDim(0), s.intDim(3), s.intDim(1), s.intDim(2));
      return alias(n, new Placement.Image(plain.buffer(), layout, 0, Halo.NONE, false));
    }
    return null;
  }

  private Object flatten(Node n) {
    if (!flattensImages(n)) {
      return null;
    }
    if (places.get(n.input(0)) instanceof Placement.Image image) {
      Placement flat =
          new Placement.Flattened(
              image, image.channelsLast() ? FlattenOrder.NHWC : FlattenOrder.NCHW);
      ImageLayout l = image.layout();
      if (l.height() == 1 && l.width() == 1) {
        // One pixel: the matrix is the image.
        flat = image.seen(false);
      }
      return alias(n, flat);
    }
    return null;
  }

  private boolean flattensImages(Node n) {
    if (!(n.op() instanceof Op.Flatten || n.op() instanceof Op.Reshape)) {
      return false;
    }
    Shape in = types.get(n.input(0)).shape();
    Shape out = types.get(n.output(0)).shape();
    return in.rank() == 4 && out.rank() == 2 && in.dim(0) == out.dim(0) && isFloat(n.input(0));
  }

  private Object convolution(Node n) {
    ConvSpec spec = convSpec(n);
    if (spec == null) {
      return "not a two-dimensional float32 convolution with constant weights";
    }
    if (image(n.input(0), Halo.NONE, false) == null) {
      return "its input is not an image";
    }
    float[] w = graph.constants().get(n.input(1)).toFloats();
    float[] b = n.hasInput(2) ? graph.constants().get(n.input(2)).toFloats() : null;
    if (spec.residual() && image(n.input(3), Halo.NONE, true) == null) {
      return "its residual is not an image";
    }
    StringJoiner declined = new StringJoiner("; ");
    for (KernelProvider provider : candidates(spec)) {
      Needs needs = provider.needs(spec);
      Placement.Image in = image(n.input(0), needs.halo(), false);
      Placement.Image residual = spec.residual() ? image(n.input(3), Halo.NONE, true) : null;
      if (needs.dense()) {
        in = compact(n.input(0), in, spec.halo());
        residual = residual == null ? null : compact(n.input(3), residual, Halo.NONE);
      }
      Placement.Image out =
          output(
              n.output(0),
              spec.batch(),
              spec.outChannels(),
              spec.outHeight(),
              spec.outWidth(),
              needs.dense(),
              in.channelsLast());
      Choice choice =
          provider.convolution(
              spec,
              in.layout(),
              out.layout(),
              residual == null ? null : residual.layout(),
              FlattenOrder.NONE,
              w,
              b,
              weights);
      if (choice.kernel() != null) {
        List<Placement.Image> inputs = residual == null ? List.of(in) : List.of(in, residual);
        return kernel(n, provider, choice, why(spec, provider, choice, declined), inputs, out);
      }
      declined.add(provider.name() + " declined: " + choice.reason());
    }
    return declined.toString();
  }

  /** Providers in the order in which they are asked for a convolution or dense layer. */
  private List<KernelProvider> candidates(ConvSpec spec) {
    return race == null ? providers : race.order(spec);
  }

  /** Why a kernel was chosen: what the others said, how the measurement ended, what its provider says. */
  private String why(ConvSpec spec, KernelProvider provider, Choice choice, StringJoiner declined) {
    StringJoiner all = new StringJoiner("; ");
    if (declined.length() > 0) {
      all.add(declined.toString());
    } else if (race != null) {
      all.add(race.reason(spec));
    }
    return all.add(choice.reason()).toString();
  }

  /** Dense layers are convolutions of one pixel; a flattened image is read where it lies. */
  private Object dense(Node n) {
    Tensor w = graph.constants().get(n.input(1));
    Shape a = types.get(n.input(0)).shape();
    if (w == null
        || w.type() != DataType.FLOAT32
        || w.shape().rank() != 2
        || a.rank() != 2
        || a.elements() == 0
        || !isFloat(n.input(0))) {
      return "not a float32 matrix times a constant one";
    }
    boolean transposed = false;
    float alpha = 1f;
    float[] bias = null;
    Activation activation = Activation.IDENTITY;
    int m = types.get(n.output(0)).shape().intDim(1);
    if (n.op() instanceof Op.Gemm g) {
      if (g.transA()) {
        return "its left operand is transposed";
      }
      transposed = g.transB();
      alpha = g.alpha();
      activation = g.activation();
      if (n.hasInput(2)) {
        Tensor c = graph.constants().get(n.input(2));
        if (c == null || c.type() != DataType.FLOAT32 || !isRow(c.shape(), m)) {
          return "its third operand is not a constant row";
        }
        bias = spread(c.toFloats(), m);
        for (int i = 0; i < m; i++) {
          bias[i] *= g.beta();
        }
      }
    }
    Placement.Image lies;
    FlattenOrder order = FlattenOrder.NONE;
    if (places.get(n.input(0)) instanceof Placement.Flattened flat) {
      lies = flat.image();
      order = flat.order();
      lies.buffer().usedAt(steps.size());
    } else {
      lies = image(n.input(0), Halo.NONE, false);
      if (lies == null) {
        return "its input is not a matrix";
      }
    }
    int batch = a.intDim(0);
    int k = a.intDim(1);
    float[] rows = outputMajor(w, transposed, alpha, m, k);
    ConvSpec spec =
        new ConvSpec(batch, k, 1, 1, m, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, false, activation);
    StringJoiner declined = new StringJoiner("; ");
    for (KernelProvider provider : candidates(spec)) {
      boolean compact = provider.needs(spec).dense();
      Placement.Image in = compact ? compact(n.input(0), lies, Halo.NONE) : lies;
      Placement.Image out = output(n.output(0), batch, m, 1, 1, compact, false);
      Choice choice =
          provider.convolution(spec, in.layout(), out.layout(), null, order, rows, bias, weights);
      if (choice.kernel() != null) {
        return kernel(n, provider, choice, why(spec, provider, choice, declined), List.of(in), out);
      }
      declined.add(provider.name() + " declined: " + choice.reason());
    }
    return declined.toString();
  }

  private static boolean isRow(Shape s, int columns) {
    return s.elements() == 1 || (s.elements() == columns && s.dim(-1) == columns);
  }

  private static float[] spread(float[] values, int count) {
    if (values.length == count) {
      return values;
    }
    float[] out = new float[count];
    Arrays.fill(out, values[0]);
    return out;
  }

  private static float[] outputMajor(Tensor w, boolean transposed, float alpha, int m, int k) {
    float[] values = w.toFloats();
    if (!transposed) {
      float[] t = new float[values.length];
      for (int i = 0; i < k; i++) {
        for (int j = 0; j < m; j++) {
          t[j * k + i] = values[i * m + j];
        }
      }
      values = t;
    }
    if (alpha != 1f) {
      for (int i = 0; i < values.length; i++) {
        values[i] *= alpha;
      }
    }
    return values;
  }

  private Object pool(Node n, Op.Pool p) {
    if (p.kind() == Op.PoolKind.LP || n.hasOutput(1) || !isImage(n.input(0))) {
      return "only maximum and average of images, without indices";
    }
    Placement.Image in = image(n.input(0), Halo.NONE, true);
    if (in == null || in.channelsLast()) {
      return "its input is not an image";
    }
    Shape out = types.get(n.output(0)).shape();
    ImageLayout l = in.layout();
    ResolvedWindow w = Windows.pool(n, new int[] {l.height(), l.width()}, p);
    PoolSpec spec =
        new PoolSpec(
            l.batch(),
            l.channels(),
            l.height(),
            l.width(),
            out.intDim(2),
            out.intDim(3),
            w.kernel()[0],
            w.kernel()[1],
            w.strides()[0],
            w.strides()[1],
            w.padsBegin()[0],
            w.padsBegin()[1],
            w.padsEnd()[0],
            w.padsEnd()[1],
            w.dilations()[0],
            w.dilations()[1],
            p.kind() == Op.PoolKind.MAX,
            p.countIncludePad());
    return pooled(n, spec, in);
  }

  private Object globalPool(Node n, boolean max, Op.PoolKind kind) {
    if (kind == Op.PoolKind.LP || !isImage(n.input(0))) {
      return "only maximum and average of images";
    }
    Placement.Image in = image(n.input(0), Halo.NONE, true);
    if (in == null || in.channelsLast()) {
      return "its input is not an image";
    }
    ImageLayout l = in.layout();
    PoolSpec spec =
        new PoolSpec(
            l.batch(),
            l.channels(),
            l.height(),
            l.width(),
            1,
            1,
            l.height(),
            l.width(),
            1,
            1,
            0,
            0,
            0,
            0,
            1,
            1,
            max,
            false);
    return pooled(n, spec, in);
  }

  private Object pooled(Node n, PoolSpec spec, Placement.Image lies) {
    StringJoiner reasons = new StringJoiner("; ");
    for (KernelProvider provider : race == null ? providers : List.of(simd)) {
      boolean compact = provider.needs(spec).dense();
      Placement.Image in = compact ? compact(n.input(0), lies, Halo.NONE) : lies;
      Placement.Image out =
          output(
              n.output(0),
              spec.batch(),
              spec.channels(),
              spec.outHeight(),
              spec.outWidth(),
              compact,
              false);
      Choice choice = provider.pooling(spec, in.layout(), out.layout());
      if (choice.kernel() != null) {
        return kernel(
            n, provider, choice, reasons.add(choice.reason()).toString(), List.of(in), out);
      }
      reasons.add(provider.name() + " declined: " + choice.reason());
    }
    return reasons.toString();
  }

  /** A normalisation that could not be folded is a depthwise convolution of one tap. */
  private Object batchNormalization(Node n, Op.BatchNormalization op) {
    for (int i = 1; i < 5; i++) {
      Tensor t = graph.constants().get(n.input(i));
      if (t == null || t.type() != DataType.FLOAT32) {
        return "its parameters are not constant";
      }
    }
    Placement.Image in = image(n.input(0), Halo.NONE, true);
    if (in == null || in.channelsLast()) {
      return "its input is not an image";
    }
    float[] scale = graph.constants().get(n.input(1)).toFloats();
    float[] shift = graph.constants().get(n.input(2)).toFloats();
    float[] mean = graph.constants().get(n.input(3)).toFloats();
    float[] variance = graph.constants().get(n.input(4)).toFloats();
    for (int c = 0; c < scale.length; c++) {
      double s = scale[c] / Math.sqrt((double) variance[c] + op.epsilon());
      shift[c] = (float) (shift[c] - mean[c] * s);
      scale[c] = (float) s;
    }
    ImageLayout l = in.layout();
    ConvSpec spec =
        new ConvSpec(
            l.batch(),
            l.channels(),
            l.height(),
            l.width(),
            l.channels(),
            l.height(),
            l.width(),
            l.channels(),
            1,
            1,
            1,
            1,
            0,
            0,
            1,
            1,
            false,
            Activation.IDENTITY);
    Placement.Image out =
        output(n.output(0), l.batch(), l.channels(), l.height(), l.width(), false, false);
    Choice choice =
        simd.convolution(spec, l, out.layout(), null, FlattenOrder.NONE, scale, shift, weights);
    if (choice.kernel() != null) {
      return kernel(n, simd, choice, choice.reason(), List.of(in), out);
    }
    return choice.reason();
  }

  private Object localResponse(Node n, Op.Lrn op) {
    Placement.Image in = image(n.input(0), Halo.NONE, true);
    if (in == null || in.channelsLast() || types.get(n.input(0)).shape().rank() != 4) {
      return "its input is not an image";
    }
    ImageLayout l = in.layout();
    LrnSpec spec =
        new LrnSpec(
            l.batch(),
            l.channels(),
            l.height(),
            l.width(),
            op.size(),
            op.alpha(),
            op.beta(),
            op.bias());
    return perPixel(n, in, out -> simd.localResponse(spec, l, out));
  }

  private Object softmax(Node n, Op.Softmax op) {
    Shape s = types.get(n.input(0)).shape();
    Placement.Image in = image(n.input(0), Halo.NONE, true);
    if (in == null) {
      return "its input is not an image";
    }
    ImageLayout l = in.layout();
    int axis = op.axis() < 0 ? op.axis() + s.rank() : op.axis();
    boolean single = l.height() == 1 && l.width() == 1;
    if (axis != (in.channelsLast() ? 3 : 1) || op.toEnd() && !single) {
      return "not over channels";
    }
    SoftmaxSpec spec =
        new SoftmaxSpec(l.batch(), l.channels(), l.height(), l.width(), op.logarithm());
    return perPixel(n, in, out -> simd.softmax(spec, l, out));
  }

  /** A SIMD kernel whose output has the extents of its one input. */
  private Object perPixel(Node n, Placement.Image in, Function<ImageLayout, Choice> kernel) {
    ImageLayout l = in.layout();
    Placement.Image out =
        output(
            n.output(0), l.batch(), l.channels(), l.height(), l.width(), false, in.channelsLast());
    Choice choice = kernel.apply(out.layout());
    return choice.kernel() == null
        ? choice.reason()
        : kernel(n, simd, choice, choice.reason(), List.of(in), out);
  }

  private Object unary(Node n, Activation function) {
    Placement.Image in = image(n.input(0), Halo.NONE, true);
    if (in == null) {
      return "its input is not an image";
    }
    return pointwise(n, PointwiseSpec.Op.COPY, Second.NONE, function, in, null);
  }

  private Object elementwise(Node n, Op.Elementwise e) {
    PointwiseSpec.Op op =
        switch (e.kind()) {
          case ADD -> PointwiseSpec.Op.ADD;
          case SUB -> PointwiseSpec.Op.SUB;
          case MUL -> PointwiseSpec.Op.MUL;
          case DIV -> PointwiseSpec.Op.DIV;
          case MAX -> PointwiseSpec.Op.MAX;
          case MIN -> PointwiseSpec.Op.MIN;
          default -> null;
        };
    if (op == null || n.inputs().size() != 2) {
      return "only sums, differences, products, quotients and extrema of two";
    }
    return pointwise(n, op, e.activation());
  }

  private Object pointwise(Node n, PointwiseSpec.Op op, Activation activation) {
    String a = n.input(0);
    String b = n.input(1);
    boolean commutes =
        switch (op) {
          case ADD, MUL, MAX, MIN -> true;
          default -> false;
        };
    if (commutes && types.get(a).shape().elements() < types.get(b).shape().elements()) {
      String swap = a;
      a = b;
      b = swap;
    }
    if (!types.get(a).shape().equals(types.get(n.output(0)).shape())) {
      return "both operands are broadcast";
    }
    Placement.Image first = image(a, Halo.NONE, true);
    if (first == null) {
      return "its first operand is not an image";
    }
    ImageLayout l = first.layout();
    Placement.Image other;
    Second extent;
    Tensor constant = graph.constants().get(b);
    if (constant != null) {
      float[] values = perChannel(constant, types.get(a).shape(), first.channelsLast());
      if (values == null) {
        return "its constant operand is not per channel";
      }
      other = constantImage(b + "/" + first.channelsLast(), values, l.lanes());
      extent = Second.PER_CHANNEL_ALL_IMAGES;
    } else {
      other = image(b, Halo.NONE, true);
      if (other == null || other.channelsLast() != first.channelsLast() && !isPixel(other)) {
        return "its second operand is not an image of the same layout";
      }
      ImageLayout o = other.layout();
      if (types.get(b).shape().rank() != types.get(a).shape().rank()
          || o.channels() != l.channels()
          || (o.batch() != l.batch() && !(o.batch() == 1 && isPixel(other)))) {
        return "its second operand is broadcast over channels";
      }
      if (o.height() == l.height() && o.width() == l.width() && o.batch() == l.batch()) {
        extent = Second.SAME;
      } else if (isPixel(other)) {
        extent = o.batch() == l.batch() ? Second.PER_CHANNEL : Second.PER_CHANNEL_ALL_IMAGES;
      } else {
        return "its second operand is broadcast over part of the image";
      }
    }
    return pointwise(n, op, extent, activation, first, other);
  }

  private static boolean isPixel(Placement.Image i) {
    return i.layout().height() == 1 && i.layout().width() == 1;
  }

  /** The values of a constant that is one number, or one number per channel; null where it is neither. */
  private static float[] perChannel(Tensor constant, Shape image, boolean channelsLast) {
    if (constant.type() != DataType.FLOAT32) {
      return null;
    }
    int channelAxis = channelsLast ? image.rank() - 1 : 1;
    int channels = image.intDim(channelAxis);
    Shape s = constant.shape();
    if (s.elements() == 1) {
      return spread(constant.toFloats(), channels);
    }
    int fromEnd = image.rank() - channelAxis;
    return s.elements() == channels && s.rank() >= fromEnd && s.dim(-fromEnd) == channels
        ? constant.toFloats()
        : null;
  }

  private Placement.Image constantImage(String key, float[] values, int lanes) {
    Placement.Image known = constantImages.get(key);
    if (known == null) {
      ImageLayout layout = ImageLayout.of(1, values.length, 1, 1, lanes, Halo.NONE);
      // Written once per workspace, so nothing else may lie there.
      Buffer buffer = buffer(layout.bytes());
      buffer.usedAt(-1);
      buffer.usedAt(Integer.MAX_VALUE);
      known = new Placement.Image(buffer, layout, 0, Halo.NONE, false);
      presets.add(new Plan.Preset(buffer, layout, values));
      constantImages.put(key, known);
    }
    return known;
  }

  private Object pointwise(
      Node n,
      PointwiseSpec.Op op,
      Second extent,
      Activation activation,
      Placement.Image first,
      Placement.Image second) {
    ImageLayout l = first.layout();
    PointwiseSpec spec =
        new PointwiseSpec(l.batch(), l.channels(), l.height(), l.width(), op, extent, activation);
    Placement.Image out =
        output(
            n.output(0),
            l.batch(),
            l.channels(),
            l.height(),
            l.width(),
            false,
            first.channelsLast());
    Choice choice = simd.pointwise(spec, l, second == null ? null : second.layout(), out.layout());
    if (choice.kernel() != null) {
      return kernel(
          n,
          simd,
          choice,
          choice.reason(),
          second == null ? List.of(first) : List.of(first, second),
          out);
    }
    return choice.reason();
  }

  private Object concat(Node n) {
    int lanes = simd.lanes();
    if (channelAxis(n) != 1 || !fillsBlocks(n, lanes)) {
      return "not along channels in whole vectors";
    }
    Shape s = types.get(n.output(0)).shape();
    List<CountSource> parts = new ArrayList<>();
    int channel = 0;
    int copies = 0;
    Placement.Image whole =
        output(n.output(0), s.intDim(0), s.intDim(1), s.intDim(2), s.intDim(3), false, false);
    for (String part : n.inputs()) {
      Shape p = types.get(part).shape();
      // A part may lie in the buffer at another channel: as part of a concatenation that is itself
      // one here.
      boolean inPlace =
          places.get(part) instanceof Placement.Image made
              && made.buffer() == whole.buffer()
              && made.offset() == part(whole, channel, p.intDim(1)).offset();
      if (inPlace && counted.containsKey(part)) {
        parts.add(counted.get(part));
      } else if (!inPlace) {
        Placement.Image in = image(part, Halo.NONE, true);
        if (in == null || in.channelsLast()) {
          return "one of its inputs is not an image";
        }
        PointwiseSpec spec =
            new PointwiseSpec(
                p.intDim(0),
                p.intDim(1),
                p.intDim(2),
                p.intDim(3),
                PointwiseSpec.Op.COPY,
                Second.NONE,
                Activation.IDENTITY);
        Placement.Image to = part(whole, channel, p.intDim(1));
        Kernel copy = simd.pointwise(spec, in.layout(), null, to.layout()).kernel();
        parts.add(add(copy, List.of(in), to));
        copies++;
      }
      channel += p.intDim(1);
    }
    if (parts.size() == n.inputs().size()) {
      counted.put(n.output(0), new CountSource.Joined(parts));
    }
    return new Outcome(
        copies == 0 ? "none" : "copy",
        copies == 0 ? "none" : simd.name(),
        copies == 0 ? "producers write into their slices" : copies + " of its inputs are copied",
        0);
  }

  // ---------------------------------------------------------------- kernels and memory

  private Outcome kernel(
      Node n,
      KernelProvider provider,
      Choice choice,
      String reason,
      List<Placement.Image> inputs,
      Placement.Image out) {
    boolean before = n.layers().stream().anyMatch(l -> l.role() == Role.BEFORE_ACTIVATION);
    boolean either = choice.skipping() != null && options.sparse() != SparseMode.OFF;
    CostCurve curve = either ? calibration.of(choice, inputs, out) : null;
    CountSource source =
        either
            ? addEither(choice, curve, inputs, out, counted.get(n.input(0)))
            : add(choice.kernel(), inputs, out);
    counted.put(n.output(0), source);
    if (before && source instanceof CountSource.OfStep s) {
      countedBefore.put(n.output(0), new CountSource.OfStep(s.counts(), true));
    }
    return new Outcome(
        choice.kernel().name(),
        provider.name(),
        either ? reason + "; " + curve.describe() : reason,
        choice.kernel().multiplyAdds());
  }

  private CountSource add(Kernel kernel, List<Placement.Image> inputs, Placement.Image out) {
    int counts = use(kernel, inputs, out);
    steps.add(new Steps.RunKernel(kernel, inputs, out, counts));
    return new CountSource.OfStep(counts, false);
  }

  private CountSource addEither(
      Choice choice,
      CostCurve curve,
      List<Placement.Image> inputs,
      Placement.Image out,
      CountSource ofInput) {
    int counts = use(choice.kernel(), inputs, out);
    scratch = Math.max(scratch, choice.skipping().scratchBytes(options.threads()));
    CountSource known = options.counts() == CountLevel.OFF ? null : ofInput;
    steps.add(
        new RunEither(steps.size(), choice, curve, options.sparse(), inputs, out, known, counts));
    return new CountSource.OfStep(counts, false);
  }

  /**
   * Keeps memory for the step that comes next.
   *
   * @return number of its counters, or −1
   */
  private int use(Kernel kernel, List<Placement.Image> inputs, Placement.Image out) {
    int step = steps.size();
    int counts = -1;
    if (options.counts() != CountLevel.OFF) {
      counts = countChannels.size();
      countChannels.add(out.layout().channels());
    }
    inputs.forEach(i -> i.buffer().usedAt(step));
    out.buffer().usedAt(step);
    scratch = Math.max(scratch, kernel.scratchBytes(options.threads()));
    return counts;
  }

  private Buffer buffer(long bytes) {
    Buffer b = new Buffer(bytes, steps.size());
    buffers.add(b);
    return b;
  }

  private Placement.Plain plain(TensorType t) {
    return new Placement.Plain(buffer(Tensor.byteSize(t.type(), t.shape())), t.type(), t.shape());
  }

  /** Where a kernel is to write a value; makes room for a whole concatenation where the value is part of one. */
  private Placement.Image output(
      String value, int n, int c, int h, int w, boolean dense, boolean channelsLast) {
    int lanes = simd.lanes();
    if (places.get(value) instanceof Placement.Image known) {
      return known;
    }
    Slice slice = slices.get(value);
    Placement.Image image;
    if (slice != null && (!dense || halos.getOrDefault(root(value), Halo.NONE).isNone())) {
      Shape whole = types.get(slice.whole).shape();
      image =
          part(
              output(slice.whole, n, whole.intDim(1), h, w, dense, channelsLast),
              slice.firstChannel,
              c);
    } else {
      Halo halo = dense ? Halo.NONE : halos.getOrDefault(value, Halo.NONE);
      image = freshImage(n, c, h, w, lanes, halo, channelsLast);
    }
    places.put(value, image);
    return image;
  }

  private Placement.Image freshImage(
      int n, int c, int h, int w, int lanes, Halo halo, boolean channelsLast) {
    ImageLayout layout = ImageLayout.of(n, c, h, w, lanes, halo);
    Placement.Image image =
        new Placement.Image(
            buffer(layout.bytes()), layout, layout.origin(halo), halo, channelsLast);
    if (!halo.isNone()) {
      steps.add(new Steps.ClearHalo(image));
      image.buffer().usedAt(steps.size());
    }
    return image;
  }

  private static Placement.Image part(Placement.Image whole, int firstChannel, int channels) {
    ImageLayout l = whole.layout();
    ImageLayout layout =
        new ImageLayout(
            l.batch(),
            channels,
            l.height(),
            l.width(),
            l.lanes(),
            l.rowStride(),
            l.blockStride(),
            l.batchStride());
    return new Placement.Image(
        whole.buffer(),
        layout,
        whole.offset() + firstChannel / l.lanes() * l.blockStride(),
        whole.halo(),
        whole.channelsLast());
  }

  /**
   * A value as an image with at least this halo.
   *
   * @param blocked whether it must be in the providers' blocked layout
   * @return null where the value is no float32 image or matrix
   */
  private Placement.Image image(String value, Halo halo, boolean blocked) {
    if (!isFloat(value)) {
      return null;
    }
    int lanes = simd.lanes();
    Placement p = places.get(value);
    if (p == null) {
      return null;
    }
    Placement.Image image;
    if (p instanceof Placement.Image i) {
      image = i;
    } else {
      Placement.Plain plain =
          p instanceof Placement.Flattened ? plainOf(value) : (Placement.Plain) p;
      image = asImage(plain);
      if (image == null) {
        return null;
      }
    }
    image.buffer().usedAt(steps.size());
    if (image.hasHalo(halo) && (!blocked || image.layout().lanes() == lanes)) {
      return image;
    }
    String key = home(value) + "/" + image.channelsLast() + "/" + blocked;
    Placement.Image copy = imageCopies.get(key);
    if (copy == null || !copy.hasHalo(halo)) {
      ImageLayout l = image.layout();
      // Few channels would be mostly padding in blocks.
      int target = blocked || l.channels() > lanes / 2 ? lanes : 1;
      Halo all = halo.union(halos.getOrDefault(root(home(value)), Halo.NONE));
      copy =
          freshImage(
              l.batch(), l.channels(), l.height(), l.width(), target, all, image.channelsLast());
      image.buffer().usedAt(steps.size());
      copy.buffer().usedAt(steps.size());
      steps.add(new Steps.CopyImage(image, copy));
      imageCopies.put(key, copy);
    }
    copy.buffer().usedAt(steps.size());
    return copy;
  }

  /**
   * An image without room between its rows and planes, or with exactly the room of {@code padding}, in blocks or row-major:
   * as it is, or copied once for all who need it so.
   */
  private Placement.Image compact(String value, Placement.Image image, Halo padding) {
    ImageLayout l = image.layout();
    boolean ordered = l.lanes() == 1 || l.lanes() == simd.lanes();
    if (ordered && (l.isDense() || l.hasRoomOf(padding) && image.halo().equals(padding))) {
      return image;
    }
    int lanes = ordered ? l.lanes() : simd.lanes();
    String key = home(value) + "/" + image.channelsLast() + "/" + lanes + "/dense";
    Placement.Image copy = imageCopies.get(key);
    if (copy == null) {
      copy =
          freshImage(
              l.batch(),
              l.channels(),
              l.height(),
              l.width(),
              lanes,
              Halo.NONE,
              image.channelsLast());
      image.buffer().usedAt(steps.size());
      steps.add(new Steps.CopyImage(image, copy));
      imageCopies.put(key, copy);
    }
    copy.buffer().usedAt(steps.size());
    return copy;
  }

  /** A row-major image or matrix as it lies. */
  private static Placement.Image asImage(Placement.Plain p) {
    Shape s = p.shape();
    if (s.elements() == 0 || (s.rank() != 4 && s.rank() != 2)) {
      return null;
    }
    ImageLayout layout =
        s.rank() == 4
            ? Reorder.channelsFirst(s.intDim(0), s.intDim(1), s.intDim(2), s.intDim(3))
            : Reorder.channelsFirst(s.intDim(0), s.intDim(1), 1, 1);
    return new Placement.Image(p.buffer(), layout, 0, Halo.NONE, false);
  }

  /** A value row-major, in its own shape. */
  private Placement.Plain plainOf(String value) {
    Placement p = places.get(value);
    if (p instanceof Placement.Plain plain) {
      plain.buffer().usedAt(steps.size());
      return plain;
    }
    Placement.Plain copy = plainCopies.get(value);
    if (copy == null) {
      copy = plain(types.get(value));
      Placement.Image image;
      ImageLayout l;
      ImageLayout to;
      if (p instanceof Placement.Flattened flat) {
        image = flat.image();
        l = image.layout();
        to =
            flat.order() == FlattenOrder.NHWC
                ? Reorder.channelsLast(l.batch(), l.channels(), l.height(), l.width())
                : Reorder.channelsFirst(l.batch(), l.channels(), l.height(), l.width());
      } else {
        image = (Placement.Image) p;
        l = image.layout();
        to = doorLayout(image);
      }
      image.buffer().usedAt(steps.size());
      copy.buffer().usedAt(steps.size());
      steps.add(
          new Steps.CopyImage(image, new Placement.Image(copy.buffer(), to, 0, Halo.NONE, false)));
      plainCopies.put(value, copy);
    }
    copy.buffer().usedAt(steps.size());
    return copy;
  }

  /** The row-major layout of the value that an image stands for. */
  static ImageLayout doorLayout(Placement.Image image) {
    ImageLayout l = image.layout();
    return image.channelsLast()
        ? Reorder.channelsLast(l.batch(), l.channels(), l.height(), l.width())
        : Reorder.channelsFirst(l.batch(), l.channels(), l.height(), l.width());
  }

  private Outcome reference(Node n, String reason) {
    List<Object> inputs = new ArrayList<>();
    for (String in : n.inputs()) {
      if (in.isEmpty()) {
        inputs.add(null);
      } else if (graph.constants().containsKey(in)) {
        inputs.add(graph.constants().get(in));
      } else {
        inputs.add(plainOf(in));
      }
    }
    int step = steps.size();
    List<Placement.Plain> outputs = new ArrayList<>();
    for (String out : n.outputs()) {
      if (out.isEmpty()) {
        outputs.add(null);
        continue;
      }
      // A kernel that declined may have asked for a place already.
      places.remove(out);
      Placement.Plain p = plain(types.get(out));
      p.buffer().usedAt(step);
      places.put(out, p);
      outputs.add(p);
    }
    for (Object in : inputs) {
      if (in instanceof Placement.Plain p) {
        p.buffer().usedAt(step);
      }
    }
    steps.add(new Steps.RunReference(n, inputs, outputs));
    String first = n.output(0);
    if (flattensImages(n) && counted.containsKey(n.input(0))) {
      // A flattened image keeps the channels it had, whoever flattens it.
      counted.put(first, counted.get(n.input(0)));
    } else if (options.counts() != CountLevel.OFF && isFloat(first)) {
      int counts = countChannels.size();
      Shape s = types.get(first).shape();
      countChannels.add(Steps.channels(s, liesChannelsLast(n)));
      places.get(first).buffer().usedAt(steps.size());
      steps.add(
          new Steps.CountPlain((Placement.Plain) places.get(first), liesChannelsLast(n), counts));
      counted.put(first, new CountSource.OfStep(counts, false));
    }
    return new Outcome("reference", "scalar", reason, 0);
  }

  private boolean isFloat(String value) {
    TensorType t = types.get(value);
    return t != null && t.type() == DataType.FLOAT32;
  }

  private boolean isImage(String value) {
    TensorType t = types.get(value);
    return t.type() == DataType.FLOAT32 && t.shape().rank() == 4 && t.shape().elements() > 0;
  }

  private ConvSpec convSpec(Node n) {
    Op.Conv op = (Op.Conv) n.op();
    Tensor w = graph.constants().get(n.input(1));
    if (w == null
        || w.type() != DataType.FLOAT32
        || w.shape().rank() != 4
        || !isImage(n.input(0))
        || types.get(n.output(0)).shape().elements() == 0
        || (n.hasInput(2) && !graph.constants().containsKey(n.input(2)))) {
      return null;
    }
    Shape in = types.get(n.input(0)).shape();
    Shape out = types.get(n.output(0)).shape();
    ResolvedWindow window =
        Windows.convolution(
            n,
            new int[] {in.intDim(2), in.intDim(3)},
            new int[] {w.shape().intDim(2), w.shape().intDim(3)},
            op.window());
    if (window.padsBegin()[0] < 0
        || window.padsBegin()[1] < 0
        || window.padsEnd()[0] < 0
        || window.padsEnd()[1] < 0) {
      return null;
    }
    return new ConvSpec(
        in.intDim(0),
        in.intDim(1),
        in.intDim(2),
        in.intDim(3),
        out.intDim(1),
        out.intDim(2),
        out.intDim(3),
        op.groups(),
        w.shape().intDim(2),
        w.shape().intDim(3),
        window.strides()[0],
        window.strides()[1],
        window.padsBegin()[0],
        window.padsBegin()[1],
        window.dilations()[0],
        window.dilations()[1],
        op.residual(),
        op.activation());
  }

  // ---------------------------------------------------------------- layers

  private void describe(Node n, Outcome o, int firstStep, int endStep, int detail) {
    boolean first = true;
    for (Layer l : n.layers()) {
      if (!isFloat(n.output(0))) {
        continue;
      }
      CountSource source =
          switch (l.role()) {
            case RESULT -> counted.get(n.output(0));
            case BEFORE_ACTIVATION -> countedBefore.get(n.output(0));
            case FOLDED -> null;
          };
      layers.add(
          new PlannedLayer(
              l,
              types.get(first && n.hasInput(0) ? n.input(0) : n.output(0)).shape(),
              authorsShape(l.value(), n.output(0)),
              first ? o.kernel : "fused",
              o.backend,
              first ? o.reason : "in the epilogue of " + n.layers().getFirst().name(),
              first ? firstStep : 0,
              first ? endStep : 0,
              first ? o.multiplyAdds : 0,
              source,
              l.role() == Role.RESULT ? detail : -1));
      first = false;
    }
  }

  /** The shape of a layer's value as the model's author sees it. */
  private Shape authorsShape(String value, String output) {
    // A view that nothing reads is not planned; then the node's own value is what the author sees.
    String known = types.containsKey(value) ? value : output;
    Shape s = types.get(known).shape();
    return graph.channelsLast().contains(known) ? s.withSecondAxisLast() : s;
  }

  /** Whether a node makes its layer's value channels-last, and only a view of it is channels-first. */
  private boolean liesChannelsLast(Node n) {
    return !graph.channelsLast().contains(n.output(0))
        && n.layers().stream().anyMatch(l -> graph.channelsLast().contains(l.value()));
  }

  /** Number of the closer look at a node's value, or −1 where none is asked for. */
  private int lookClosely(Node n) {
    String value = n.output(0);
    if (options.counts() != CountLevel.DETAIL || !isFloat(value)) {
      return -1;
    }
    Placement.Image image =
        switch (places.get(value)) {
          case Placement.Image i -> i;
          case Placement.Flattened f -> f.image();
          case Placement.Plain p -> asChannels(p, liesChannelsLast(n));
          case null -> null;
        };
    if (image == null) {
      return -1;
    }
    image.buffer().usedAt(steps.size());
    steps.add(new Steps.LookClosely(image, details));
    return details++;
  }

  /** A row-major value of any rank as an image: the axes behind the first spatial one count as columns. */
  private static Placement.Image asChannels(Placement.Plain p, boolean channelsLast) {
    Shape s = p.shape();
    int rank = s.rank();
    int spatial = channelsLast ? 1 : 2;
    int end = channelsLast ? rank - 1 : rank;
    int c = Steps.channels(s, channelsLast);
    int n = s.elements() == 0 ? 0 : rank < 2 ? 1 : s.intDim(0);
    int h = spatial < end ? s.intDim(spatial) : 1;
    int w = spatial < end ? Math.toIntExact(s.elements(spatial + 1, end)) : 1;
    ImageLayout layout =
        channelsLast ? Reorder.channelsLast(n, c, h, w) : Reorder.channelsFirst(n, c, h, w);
    return new Placement.Image(p.buffer(), layout, 0, Halo.NONE, false);
  }

  // ---------------------------------------------------------------- memory

  /**
   * Places buffers, largest first, at the lowest offset where no buffer in use at the same time lies.
   *
   * @return the end of the last one
   */
  private long assignOffsets() {
    List<Buffer> bySize = new ArrayList<>(buffers);
    bySize.sort(Comparator.comparingLong((Buffer b) -> b.bytes).reversed());
    List<Buffer> placed = new ArrayList<>();
    long end = 0;
    for (Buffer b : bySize) {
      List<Buffer> rivals = new ArrayList<>();
      for (Buffer p : placed) {
        if (p.firstStep <= b.lastStep && b.firstStep <= p.lastStep) {
          rivals.add(p);
        }
      }
      rivals.sort(Comparator.comparingLong(r -> r.offset));
      long at = 0;
      for (Buffer r : rivals) {
        if (at + b.bytes <= r.offset) {
          break;
        }
        at = Math.max(at, align(r.offset + r.bytes));
      }
      b.offset = at;
      placed.add(b);
      end = Math.max(end, align(at + b.bytes));
    }
    return end;
  }

  private static long align(long bytes) {
    return (bytes + Tensor.ALIGNMENT - 1) / Tensor.ALIGNMENT * Tensor.ALIGNMENT;
  }

  /** The memory of a workspace as a plan's placements see it. */
  static MemorySegment slice(MemorySegment memory, Placement.Plain p) {
    return memory.asSlice(p.buffer().offset, p.buffer().bytes);
  }
}
