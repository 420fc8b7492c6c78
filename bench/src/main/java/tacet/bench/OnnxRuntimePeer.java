package tacet.bench;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import tacet.tensor.Tensor;

/**
 * A network in ONNX Runtime: all graph optimisations, one operator at a time on a fixed number of threads. Whether its
 * threads spin between operators is left at its default: they do.
 */
final class OnnxRuntimePeer implements AutoCloseable {

  private final OrtSession session;
  private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();

  OnnxRuntimePeer(Path model, int threads, Map<String, Tensor> given) throws OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
      // It would warn of every constant that is not used.
      options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      session = environment.createSession(model.toString(), options);
    }
    for (Map.Entry<String, Tensor> e : given.entrySet()) {
      FloatBuffer values =
          e.getValue()
              .data()
              .asByteBuffer()
              .order(java.nio.ByteOrder.nativeOrder())
              .asFloatBuffer();
      inputs.put(
          e.getKey(), OnnxTensor.createTensor(environment, values, e.getValue().shape().dims()));
    }
  }

  void run() throws OrtException {
    session.run(inputs).close();
  }

  /** Float outputs of one run, by name. */
  Map<String, float[]> outputs() throws OrtException {
    Map<String, float[]> outputs = new LinkedHashMap<>();
    try (OrtSession.Result result = session.run(inputs)) {
      for (Map.Entry<String, OnnxValue> e : result) {
        if (e.getValue() instanceof OnnxTensor t && t.getInfo().type.name().equals("FLOAT")) {
          FloatBuffer values = t.getFloatBuffer();
          float[] copy = new float[values.remaining()];
          values.get(copy);
          outputs.put(e.getKey(), copy);
        }
      }
    }
    return outputs;
  }

  @Override
  public void close() throws OrtException {
    for (OnnxTensor t : inputs.values()) {
      t.close();
    }
    session.close();
  }
}
