/** Reads ONNX models. */
module tacet.onnx {
  requires transitive tacet;
  requires com.google.protobuf;

  exports tacet.onnx;

  provides tacet.format.ModelReader with
      tacet.onnx.OnnxReader;
}
