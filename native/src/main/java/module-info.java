/** oneDNN as a provider of kernels. */
module tacet.onednn {
  requires tacet.kernels;
  // Optional at run time: without them the provider says that it is not available.
  requires static org.bytedeco.dnnl;
  requires static org.bytedeco.javacpp;

  uses tacet.kernels.KernelProvider;

  provides tacet.kernels.KernelProvider with
      tacet.onednn.OneDnnProvider;
}
