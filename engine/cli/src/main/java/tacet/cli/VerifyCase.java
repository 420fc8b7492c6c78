package tacet.cli;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import tacet.Model;
import tacet.ModelOptions;
import tacet.Result;
import tacet.graph.ValueInfo;
import tacet.insight.npy.NpyFile;
import tacet.kernels.DataType;
import tacet.onnx.OnnxTensors;
import tacet.tensor.Tensor;

/** One model with stored inputs and outputs. */
final class VerifyCase {

  private static final List<String> MODELS = List.of("model.onnx", "model.keras", "model.h5");

  /** 1e-5 of an output's largest magnitude: what float32 sums of a few thousand terms may differ by. */
  private static final double ABSOLUTE_OF_SCALE = 1e-5;

  /**
   * One unit in the last place of 1: what the stored outputs themselves are off by where a sigmoid or softmax, computed
   * as a difference from 1, is close to zero.
   */
  private static final double ABSOLUTE_LEAST = 0x1p-23;

  /**
   * What came of a case.
   *
   * @param maxAbsolute largest absolute difference over all outputs and data sets
   * @param maxRelative largest difference relative to the stored value, where that is not zero
   * @param note what is wrong besides values, or empty
   */
  record Outcome(boolean passed, double maxAbsolute, double maxRelative, String note) {}

  private record DataSet(Map<String, Tensor> inputs, Map<String, Tensor> outputs) {}

  private VerifyCase() {}

  static boolean isCase(Path folder) {
    return MODELS.stream().anyMatch(m -> Files.isRegularFile(folder.resolve(m)));
  }

  static Outcome run(Path folder, ModelOptions options, double rtol, Double atol)
      throws IOException, InterruptedException {
    Path file =
        MODELS.stream().map(folder::resolve).filter(Files::isRegularFile).findFirst().orElseThrow();
    double absolute = 0;
    double relative = 0;
    boolean passed = true;
    String note = "";
    try (Arena arena = Arena.ofShared();
        Model model = Model.load(file, options)) {
      List<DataSet> sets = dataSets(folder, model, arena);
      if (sets.stream().noneMatch(s -> !s.outputs.isEmpty())) {
        return new Outcome(false, Double.NaN, Double.NaN, "no stored outputs");
      }
      for (DataSet set : sets) {
        Result result = model.run(set.inputs);
        for (Map.Entry<String, Tensor> e : set.outputs.entrySet()) {
          Tensor expected = e.getValue();
          Tensor got = result.output(e.getKey());
          if (!got.shape().equals(expected.shape()) || got.type() != expected.type()) {
            passed = false;
            note =
                e.getKey()
                    + ": expected "
                    + expected.type()
                    + " "
                    + expected.shape()
                    + ", got "
                    + got.type()
                    + " "
                    + got.shape();
            continue;
          }
          Outcome o = compare(expected, got, rtol, atol);
          absolute = Math.max(absolute, o.maxAbsolute);
          relative = Math.max(relative, o.maxRelative);
          passed &= o.passed;
        }
      }
    }
    return new Outcome(passed, absolute, relative, note);
  }

  private static Outcome compare(Tensor expected, Tensor got, double rtol, Double atol) {
    long n = expected.shape().elements();
    double scale = 0;
    for (long i = 0; i < n; i++) {
      double e = Math.abs(value(expected, i));
      scale = Double.isFinite(e) ? Math.max(scale, e) : scale;
    }
    double bound = atol != null ? atol : Math.max(ABSOLUTE_LEAST, ABSOLUTE_OF_SCALE * scale);
    double absolute = 0;
    double relative = 0;
    boolean passed = true;
    for (long i = 0; i < n; i++) {
      double e = value(expected, i);
      double g = value(got, i);
      boolean same = isWide(expected) ? integer(expected, i) == integer(got, i) : e == g;
      if (same || Double.isNaN(e) && Double.isNaN(g)) {
        continue;
      }
      double difference = Math.max(Math.abs(e - g), isWide(expected) ? 1 : 0);
      if (Double.isNaN(difference) || Double.isInfinite(difference)) {
        difference = Double.POSITIVE_INFINITY;
      }
      absolute = Math.max(absolute, difference);
      relative = e == 0 ? relative : Math.max(relative, difference / Math.abs(e));
      passed &= difference <= bound + rtol * Math.abs(e);
    }
    return new Outcome(passed, absolute, relative, "");
  }

  /** Whether doubles do not tell all of a type's values apart. */
  private static boolean isWide(Tensor t) {
    return t.type() == DataType.INT64 || t.type() == DataType.UINT64;
  }

  private static long integer(Tensor t, long i) {
    return t.data().getAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, i);
  }

  private static double value(Tensor t, long i) {
    MemorySegment d = t.data();
    return switch (t.type()) {
      case FLOAT32 -> d.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i);
      case FLOAT64 -> d.getAtIndex(ValueLayout.JAVA_DOUBLE_UNALIGNED, i);
      case FLOAT16 -> Float.float16ToFloat(d.getAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, i));
      case BFLOAT16 ->
          Float.intBitsToFloat(d.getAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, i) << 16);
      case INT64, UINT64 -> d.getAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, i);
      case INT32 -> d.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i);
      case UINT32 -> Integer.toUnsignedLong(d.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i));
      case INT16 -> d.getAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, i);
      case UINT16 -> Short.toUnsignedInt(d.getAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, i));
      case INT8 -> d.get(ValueLayout.JAVA_BYTE, i);
      case UINT8, BOOL -> Byte.toUnsignedInt(d.get(ValueLayout.JAVA_BYTE, i));
    };
  }

  private static List<DataSet> dataSets(Path folder, Model model, Arena arena) throws IOException {
    List<DataSet> sets = new ArrayList<>();
    List<Path> onnx = new ArrayList<>();
    Map<String, DataSet> named = new TreeMap<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path p : files.sorted().toList()) {
        String name = p.getFileName().toString();
        if (Files.isDirectory(p) && name.startsWith("test_data_set_")) {
          onnx.add(p);
        } else if (name.endsWith(".npy")) {
          array(p, name.substring(0, name.length() - 4), model, named, arena);
        }
      }
    }
    for (Path p : onnx) {
      sets.add(
          new DataSet(
              protobufs(p, "input", model.inputs()), protobufs(p, "output", model.outputs())));
    }
    sets.addAll(named.values());
    return sets;
  }

  private static Map<String, Tensor> protobufs(Path folder, String prefix, List<ValueInfo> values)
      throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (int i = 0; i < values.size(); i++) {
      Path file = folder.resolve(prefix + "_" + i + ".pb");
      if (Files.exists(file)) {
        tensors.put(values.get(i).name(), asUsed(OnnxTensors.read(file), values.get(i)));
      }
    }
    return tensors;
  }

  /** Half-precision models are computed in float32, and their stored arrays are compared as such. */
  private static Tensor asUsed(Tensor t, ValueInfo info) {
    if (info.type() != DataType.FLOAT32
        || (t.type() != DataType.FLOAT16 && t.type() != DataType.BFLOAT16)) {
      return t;
    }
    float[] values = new float[Math.toIntExact(t.shape().elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) value(t, i);
    }
    return Tensor.of(t.shape(), values);
  }

  /** {@code input[_CASE][__VALUE]} or {@code output[_CASE][__VALUE]}. */
  private static void array(
      Path file, String name, Model model, Map<String, DataSet> sets, Arena arena)
      throws IOException {
    boolean input = name.startsWith("input");
    if (!input && !name.startsWith("output")) {
      return;
    }
    String rest = name.substring(input ? 5 : 6);
    int split = rest.indexOf("__");
    String set = split < 0 ? rest : rest.substring(0, split);
    String wanted = split < 0 ? "" : rest.substring(split + 2);
    List<ValueInfo> values = input ? model.inputs() : model.outputs();
    String value = null;
    for (ValueInfo v : values) {
      if (wanted.isEmpty() ? values.size() == 1 : RunCommand.fileName(v.name()).equals(wanted)) {
        value = v.name();
      }
    }
    if (value == null) {
      throw new IllegalArgumentException(
          file
              + ": the model has no "
              + (input ? "input" : "output")
              + " of that name; it has "
              + values.stream().map(ValueInfo::name).toList());
    }
    DataSet d =
        sets.computeIfAbsent(set, k -> new DataSet(new LinkedHashMap<>(), new LinkedHashMap<>()));
    (input ? d.inputs : d.outputs).put(value, NpyTensors.toTensor(NpyFile.read(file, arena)));
  }
}
