package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tacet.Backend;
import tacet.Model;
import tacet.ModelOptions;
import tacet.Result;
import tacet.insight.image.Geometry;
import tacet.insight.image.Normalization;
import tacet.insight.image.Normalization.Channels;
import tacet.insight.image.Normalization.Layout;
import tacet.insight.image.Picture;
import tacet.insight.image.Preparation;
import tacet.insight.image.ResizeMethod;
import tacet.profile.LayerProfile;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Trained and random networks against what ONNX Runtime and Keras gave: outputs, and the zeros of every layer. */
class GoldenTest {

  private static final String SQUEEZENET = "models/squeezenet_v1.0_deepcompressed/";

  private static List<ModelOptions> options() {
    ModelOptions two = ModelOptions.defaults().withThreads(2);
    return List.of(two, two.withFuse(false), two.withBackend(Backend.VECTOR).withThreads(1));
  }

  @ParameterizedTest
  @MethodSource("options")
  void squeezeNetOnStoredInput(ModelOptions options) throws IOException, InterruptedException {
    Path folder = Data.of(SQUEEZENET + "onnx");
    try (Model model = Model.load(folder.resolve("model.onnx"), options)) {
      String output = model.outputs().getFirst().name();
      String input = model.inputs().getFirst().name();
      for (String photo : List.of("coffee", "chelsea")) {
        Tensor x = Golden.read(folder.resolve("input_" + photo + ".npy"));
        Result result = model.run(x);
        Golden.assertWithin(
            Golden.read(folder.resolve("output_" + photo + ".npy")),
            result.output(output),
            1e-4,
            photo);
        if (photo.equals("chelsea")) {
          Golden.assertZeros(
              Data.of(SQUEEZENET + "sparsity_chelsea.json"),
              result,
              !options.fuse(),
              name -> model.run(Map.of(input, x), Set.of(name)).output(name));
        }
      }
    }
  }

  /** From the photo itself: decoded, resized, cropped and normalised as the network's description says. */
  @ParameterizedTest
  @ValueSource(strings = {"chelsea.png", "coffee.png", "astronaut.png", "china.jpg", "rocket.jpg"})
  void squeezeNetOnPhotos(String photo) throws IOException, InterruptedException {
    Path predictions = Data.of(SQUEEZENET + "predictions.json");
    Preparation preparation =
        new Preparation(
            new Geometry.Crop(227, 227, 256),
            ResizeMethod.PILLOW_BILINEAR,
            new Normalization(Channels.BGR, 1f, new float[] {104f, 117f, 123f}, new float[] {1f}));
    Preparation.Input in = preparation.apply(Picture.read(Data.of("images/" + photo)), Layout.NCHW);
    try (Model model = Model.load(Data.of(SQUEEZENET + "onnx/model.onnx"))) {
      Result result = model.run(Tensor.of(Shape.of(in.shape()), in.values()));
      float[] scores = result.output(model.outputs().getFirst().name()).toFloats();
      List<Integer> best =
          IntStream.range(0, scores.length)
              .boxed()
              .sorted(Comparator.comparing(i -> -scores[i]))
              .limit(5)
              .toList();
      JsonNode expected = new ObjectMapper().readTree(predictions.toFile()).get(photo);
      List<Integer> classes = new ArrayList<>();
      expected.forEach(e -> classes.add(e.get(1).intValue()));
      assertEquals(classes, best, photo);
      for (JsonNode e : expected) {
        assertEquals(e.get(2).doubleValue(), scores[e.get(1).intValue()], 1e-4, e.get(0).asText());
      }
    }
  }

  /** The trained encoder's convolutional part against every layer that Keras gave. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void seedTrunk(boolean fuse) throws IOException, InterruptedException {
    Path folder = Data.of("seed/seed1_cnn_48");
    Map<String, String> stored = new HashMap<>();
    stored.put("conv1_act", "00_conv1");
    stored.put("pool1", "01_pool1");
    stored.put("conv2_act", "02_conv2");
    stored.put("pool2", "03_pool2");
    try (Model model =
        Model.load(
            folder.resolve("trunk-onnx/model.onnx"), ModelOptions.defaults().withFuse(fuse))) {
      Tensor x = Golden.read(folder.resolve("trunk-onnx/input.npy"));
      String input = model.inputs().getFirst().name();
      Result result = model.run(x);
      Golden.assertClose(
          Golden.read(folder.resolve("trunk-onnx/output.npy")),
          result.output(model.outputs().getFirst().name()),
          Golden.CLOSE,
          "output");
      Set<String> names = new LinkedHashSet<>();
      for (var n : model.graph().nodes()) {
        if (stored.containsKey(n.name())) {
          names.add(n.name());
        }
      }
      assertEquals(stored.keySet(), names);
      Result tapped = model.run(Map.of(input, x), names);
      for (String name : names) {
        LayerProfile layer = result.profile().layer(name).orElseThrow();
        Tensor expected =
            channelsFirst(Golden.read(folder.resolve("layers/" + stored.get(name) + ".npy")));
        Golden.assertClose(expected, tapped.output(layer.value()), Golden.CLOSE, name);
        // What Keras' zeros are, counted here; where one of the two is not zero, it is by rounding.
        Tensor got = tapped.output(layer.value());
        assertEquals(0, apart(expected, got), name);
        assertEquals(
            zerosPerChannel(got),
            asList(tapped.profile().layer(name).orElseThrow().counts().zerosPerChannel()),
            name);
        assertEquals(
            zerosPerChannel(got), asList(layer.counts().zerosPerChannel()), name + " without taps");
      }
    }
  }

  private static Tensor channelsFirst(Tensor nhwc) {
    long[] d = nhwc.shape().dims();
    float[] from = nhwc.toFloats();
    float[] to = new float[from.length];
    int pixels = (int) (d[1] * d[2]);
    int channels = (int) d[3];
    for (int i = 0; i < from.length; i++) {
      int c = i % channels;
      int pixel = i / channels % pixels;
      int n = i / channels / pixels;
      to[(n * channels + c) * pixels + pixel] = from[i];
    }
    return Tensor.of(Shape.of(d[0], d[3], d[1], d[2]), to);
  }

  /** Elements that are zero in one of the two and above 1e-5 of the largest magnitude in the other. */
  private static int apart(Tensor expected, Tensor got) {
    float[] e = expected.toFloats();
    float[] g = got.toFloats();
    float scale = 0;
    for (float v : e) {
      scale = Math.max(scale, Math.abs(v));
    }
    int apart = 0;
    for (int i = 0; i < e.length; i++) {
      apart += (e[i] == 0) != (g[i] == 0) && Math.abs(e[i] - g[i]) > 1e-5f * scale ? 1 : 0;
    }
    return apart;
  }

  private static List<Long> zerosPerChannel(Tensor nchw) {
    Shape s = nchw.shape();
    long[] zeros = new long[s.intDim(1)];
    float[] values = nchw.toFloats();
    int inner = (int) s.elements(2, s.rank());
    for (int i = 0; i < values.length; i++) {
      zeros[i / inner % zeros.length] += values[i] == 0 ? 1 : 0;
    }
    return asList(zeros);
  }

  private static List<Long> asList(long[] values) {
    return java.util.Arrays.stream(values).boxed().toList();
  }
}
