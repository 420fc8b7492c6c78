package tacet.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import tacet.Model;
import tacet.Result;
import tacet.insight.image.FeatureMapGrid;
import tacet.insight.image.FeatureMaps;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Feature maps of every layer as PNG grids. */
final class FeatureMapFiles {

  private FeatureMapFiles() {}

  /** Writes a grid per layer and says how many. */
  static void write(Model model, InspectInput input, boolean several, Path maps, PrintStream out)
      throws IOException, InterruptedException {
    Set<String> taps = model.graph().layerValues();
    Result result = model.run(Map.of(model.inputs().getFirst().name(), input.tensor()), taps);
    String prefix = several ? stem(input.name()) + "_" : "";
    int written = 0;
    for (String tap : taps) {
      Tensor t = result.outputs().get(tap);
      if (t == null || t.type() != DataType.FLOAT32 || t.shape().elements() == 0) {
        continue;
      }
      FeatureMaps features = features(tap, t, model.graph().channelsLast().contains(tap));
      if (features != null) {
        FeatureMapGrid.render(features)
            .writePng(maps.resolve(prefix + RunCommand.fileName(tap) + ".png"));
        written++;
      }
    }
    out.println(written + " feature maps of " + input.name() + " in " + maps);
  }

  private static FeatureMaps features(String name, Tensor t, boolean channelsLast) {
    Shape s = t.shape();
    float[] values = t.toFloats();
    if (s.rank() == 4) {
      int perImage = Math.toIntExact(s.elements(1, 4));
      float[] first = java.util.Arrays.copyOf(values, perImage);
      return channelsLast
          ? FeatureMaps.ofNhwc(name, s.intDim(3), s.intDim(1), s.intDim(2), first)
          : FeatureMaps.ofNchw(name, s.intDim(1), s.intDim(2), s.intDim(3), first);
    }
    if (s.rank() == 2) {
      return FeatureMaps.ofVector(name, java.util.Arrays.copyOf(values, s.intDim(1)));
    }
    return null;
  }

  private static String stem(String name) {
    String file = Path.of(name).getFileName().toString();
    int dot = file.lastIndexOf('.');
    return dot > 0 ? file.substring(0, dot) : file;
  }
}
