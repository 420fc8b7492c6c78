package tacet.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tacet.graph.Graph;
import tacet.graph.ValueInfo;
import tacet.insight.Presets;
import tacet.insight.cause.Sample;
import tacet.insight.image.Picture;
import tacet.insight.npy.NpyFile;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * An input of the network.
 *
 * @param picture the image as the network sees it, or null where it was none
 */
record InspectInput(Sample sample, Picture picture) {

  String name() {
    return sample.name();
  }

  Tensor tensor() {
    return sample.tensor();
  }

  /**
   * Reads images and arrays; noise where there are none.
   *
   * @param side for networks that take any size: side of a square, or 0 for the size of the image or as options say
   * @param out takes a line per input, or null
   */
  static List<InspectInput> read(
      Graph graph, List<Path> files, int side, ImageOptions options, long seed, PrintStream out)
      throws IOException {
    ValueInfo info = onlyInput(graph);
    List<InspectInput> inputs = new ArrayList<>();
    for (Path file : files) {
      InspectInput in = read(info, file, side, options, out);
      inputs.add(in);
    }
    if (inputs.isEmpty()) {
      Shape shape = noiseShape(info, side);
      inputs.add(
          new InspectInput(new Sample("noise", Presets.noise(shape, seed), null, true), null));
      if (out != null) {
        out.println("input: normal noise " + shape + ", seed " + seed);
      }
    }
    return inputs;
  }

  private static InspectInput read(
      ValueInfo info, Path file, int side, ImageOptions options, PrintStream out)
      throws IOException {
    if (file.getFileName().toString().endsWith(".npy")) {
      Tensor t = NpyTensors.toTensor(NpyFile.read(file, Arena.ofAuto()));
      if (out != null) {
        out.println("input " + file + ": " + t.shape() + " as it is");
      }
      return new InspectInput(new Sample(file.toString(), t, null), null);
    }
    ImageOptions.Prepared p =
        side > 0 && !options.saysHowToResize()
            ? options.readSquare(file, info, side)
            : options.read(file, info, side);
    if (out != null) {
      out.println("input " + file + ": " + p.preparation().describe());
    }
    return new InspectInput(
        new Sample(file.toString(), p.tensor(), p.preparation().normalization()), p.picture());
  }

  static ValueInfo onlyInput(Graph graph) {
    if (graph.inputs().size() != 1) {
      throw new IllegalArgumentException(
          graph.source() + ": has " + graph.inputs().size() + " inputs; networks of one are taken");
    }
    ValueInfo info = graph.inputs().getFirst();
    if (info.type() != DataType.FLOAT32) {
      throw new IllegalArgumentException(
          graph.source() + ": its input is of type " + info.type() + ", not float32");
    }
    return info;
  }

  private static Shape noiseShape(ValueInfo info, int side) {
    long[] dims = info.dims();
    if (dims == null) {
      throw new IllegalArgumentException(
          "input '" + info.name() + "' may have any shape; give an image");
    }
    for (int i = 0; i < dims.length; i++) {
      if (dims[i] == ValueInfo.UNKNOWN) {
        dims[i] = i == 0 ? 1 : side > 0 ? side : 224;
      }
    }
    return Shape.of(dims);
  }
}
