/** Tacet's kernels against oneDNN's and whole models against ONNX Runtime, in turn in one process. */
package tacet.bench;
