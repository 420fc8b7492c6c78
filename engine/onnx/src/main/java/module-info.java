/** Reads ONNX models, and writes graphs that were made in code as such. */
// protobuf-java brings no module descriptor, only a name in its manifest.
@SuppressWarnings("requires-automatic")
module tacet.onnx {
  requires transitive tacet;
  requires com.google.protobuf;

  exports tacet.onnx;

  provides tacet.format.ModelReader with
      tacet.onnx.OnnxReader;
}
